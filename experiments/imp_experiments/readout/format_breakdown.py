"""Breakdowns as JSON's own types, and back; how a comparison is written is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from imp_experiments.readout.readout import Between, Breakdown, Compared, Independent, Level, LevelsDiffer
from imp_experiments.stats.concurrent import Interaction
from imp_experiments.stats.heterogeneity import Heterogeneity

__all__ = ["breakdown_from_plain", "breakdown_to_plain"]


def breakdown_to_plain(breakdown: Breakdown, compared: Callable[[Compared], dict[str, Any]]) -> dict[str, Any]:
    """One breakdown as it is written: {"dimension": "…", "levels": [{"level": "…", "comparisons": […]}], …}."""
    return {
        "dimension": breakdown.dimension,
        "levels": [
            {"level": level.level, "comparisons": [compared(one) for one in level.comparisons]}
            for level in breakdown.levels
        ],
        "merged": breakdown.merged,
        "correction": breakdown.correction,
        "hypotheses": breakdown.hypotheses,
        "differences": [_differ_to_plain(one) for one in breakdown.differences],
        **({} if breakdown.independence is None else {"independence": asdict(breakdown.independence)}),
    }


def breakdown_from_plain(item: dict[str, Any], compared: Callable[[dict[str, Any]], Compared]) -> Breakdown:
    """What `breakdown_to_plain` wrote."""
    levels = tuple(
        Level(level=level["level"], comparisons=tuple(compared(one) for one in level["comparisons"]))
        for level in item["levels"]
    )
    found = item.get("independence")
    return Breakdown(
        **{
            **item,
            "levels": levels,
            "differences": tuple(map(_differ, item["differences"])),
            "independence": None if found is None else Independent(**found),
        }
    )


def _differ_to_plain(one: LevelsDiffer) -> dict[str, Any]:
    plain = asdict(one)
    between = plain.pop("between")
    return plain | ({"between": list(between)} if between else {})


def _differ(item: dict[str, Any]) -> LevelsDiffer:
    test = None if item["test"] is None else Heterogeneity(**item["test"])
    between = tuple(
        Between(**{**one, "interaction": Interaction(**one["interaction"])}) for one in item.get("between", ())
    )
    return LevelsDiffer(**{**item, "test": test, "between": between})
