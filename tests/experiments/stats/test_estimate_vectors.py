"""Means, ratios and adjusted means against the figures of peers and regressions (`tests/vectors/stats`)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imp_experiments.measure.moments import Cell, Moments, Summary
from imp_experiments.stats.contrast import TContrast
from imp_experiments.stats.estimate import Estimates, Quantity, estimate
from imp_experiments.stats.welch import welch_contrast

VECTORS = Path(__file__).parent.parent.parent / "vectors" / "stats"


def cases(name: str) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in json.loads((VECTORS / f"{name}.json").read_text("utf-8"))]


def agree(contrast: TContrast, case: dict[str, Any]) -> None:
    for scale, expected in case["expected"].items():
        effect = contrast.effect(scale, tail=case["input"]["alpha"] / 2)
        assert effect is not None
        for name, figure in expected.items():
            # relative to the effect's own size: a difference of nil has no digits
            room = case["tolerance"] * max(1.0, effect.se)
            assert getattr(effect, name) == pytest.approx(figure, rel=case["tolerance"], abs=room * 1e-2), (scale, name)


@pytest.mark.parametrize("case", cases("means"))
def test_means_are_those_of_the_peers(case: dict[str, Any]) -> None:
    variant, control = (Summary(**case["input"][side]) for side in ("variant", "control"))
    agree(welch_contrast(variant, control), case)


def ratio_cell(name: str, side: dict[str, float]) -> Cell:
    """A cell with the moments of a side, about a shift of 0."""
    n, above, below = int(side["n"]), side["mean_num"], side["mean_den"]
    return Cell(
        name,
        None,
        "",
        n,
        (n * above, n * below),
        (side["var_num"] * (n - 1) + n * above**2, side["var_den"] * (n - 1) + n * below**2),
        (side["cov"] * (n - 1) + n * above * below,),
    )


@pytest.mark.parametrize("case", cases("ratios"))
def test_ratios_are_those_of_the_peers(case: dict[str, Any]) -> None:
    cells = tuple(ratio_cell(side, case["input"][side]) for side in ("control", "variant"))
    moments = Moments(("above", "below"), (0.0, 0.0), cells, ((0, 1),))
    found = estimate(moments, Quantity(column="above", denominator="below"), ["control", "variant"])
    agree(found.contrast("variant", "control", method=""), case)


def unit_moments(variants: list[dict[str, Any]]) -> tuple[Moments, tuple[str, ...]]:
    """Moments of y and x (and, where some are missing, their indicator), shifted as the scan shifts."""
    missing = any(value is None for one in variants for value in one["x"])
    known = [value for one in variants for value in one["x"] if value is not None]
    shifts = (float(np.mean([y for one in variants for y in one["y"]])), float(np.mean(known)), 0.0)
    cells = []
    for one in variants:
        lost = np.array([value is None for value in one["x"]], dtype=float)
        columns = [
            np.array(one["y"], dtype=float) - shifts[0],
            np.array([0.0 if value is None else value - shifts[1] for value in one["x"]]),
            lost,
        ]
        cells.append(
            Cell(
                one["name"],
                None,
                "",
                len(lost),
                tuple(float(column.sum()) for column in columns),
                tuple(float(column @ column) for column in columns),
                tuple(float(columns[i] @ columns[j]) for i, j in ((0, 1), (0, 2), (1, 2))),
            )
        )
    moments = Moments(("y", "x", "missing"), shifts, tuple(cells), ((0, 1), (0, 2), (1, 2)))
    return moments, ("x", "missing") if missing else ("x",)


def adjusted(case: dict[str, Any]) -> tuple[Estimates, str, str, int]:
    variants = case["input"]["variants"]
    moments, covariates = unit_moments(variants)
    names = [one["name"] for one in variants]
    found = estimate(moments, Quantity(column="y", covariates=covariates), names)
    return found, names[1], names[0], min(len(one["y"]) for one in variants)


@pytest.mark.parametrize("case", cases("adjusted"))
def test_adjusted_means_are_those_of_the_regressions_and_of_peers_where_these_agree(case: dict[str, Any]) -> None:
    found, variant, control, _ = adjusted(case)
    expected, room = case["expected"], case["tolerance"]
    effect = found.contrast(variant, control, method="").effect("absolute", tail=0.025)
    assert effect is not None
    assert effect.estimate == pytest.approx(expected["estimate"], rel=room, abs=room)
    for side, name in (("variant", variant), ("control", control)):
        if f"adjusted_mean_{side}" in expected:
            assert found.arm(name).value == pytest.approx(expected[f"adjusted_mean_{side}"], rel=room)
    if "se_n_minus_2" in expected:
        assert effect.se == pytest.approx(expected["se_n_minus_2"], rel=max(room, 1e-8))
    elif "se" in expected:
        # theirs divides by n - 1, ours by n - 2: the same within what two units make
        smallest = min(len(one["y"]) for one in case["input"]["variants"])
        assert 1 < effect.se / expected["se"] <= math.sqrt((smallest - 1) / (smallest - 2)) + 1e-9


def test_there_are_as_many_cases_as_we_say() -> None:
    counted = sum(len(json.loads(path.read_text("utf-8"))) for path in VECTORS.glob("*.json"))
    assert counted >= 300
