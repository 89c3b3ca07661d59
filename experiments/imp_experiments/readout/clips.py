"""Where an analyst has a column's values end: COL:LOW:HIGH as quantiles or as values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from imp_core.errors import BadInput
from imp_experiments.measure.clip import Bounds, Clip
from imp_experiments.measure.layout import Layout

__all__ = ["clip_notes", "clips_asked"]


def clips_asked(quantiles: Sequence[str], values: Sequence[str]) -> dict[str, Clip]:
    """Column → its clip; an empty LOW or HIGH leaves that side open, as in "revenue::0.999".

    Raises:
        BadInput: not COL:LOW:HIGH, bounds that are none, or a column named twice.
    """
    found: dict[str, Clip] = {}
    for texts, as_quantiles, option in ((quantiles, True, "clip"), (values, False, "clip_at")):
        for text in texts:
            column, clip = _clip(text, as_quantiles=as_quantiles, option=option)
            if column in found:
                raise BadInput(f"the column {column!r} is clipped twice", where=option, mend="say its bounds once")
            found[column] = clip
    return found


def clip_notes(layout: Layout, bounds: Mapping[str, Bounds]) -> list[str]:
    """What was clipped, and where: of a file the analyst holds."""
    notes = []
    whole = {metric.column for metric in layout.metrics if metric.kind in ("quantile", "ranks")}
    for place, value in enumerate(layout.values):
        found = bounds.get(f"value_{place}")
        if found is not None:
            but = "; its quantiles and ranks are of all values as they are" if value.column in whole else ""
            notes.append(f"{value.column}: values {_ends(found)}, in all variants alike{but}")
    return notes


def _ends(found: Bounds) -> str:
    """Where values were moved to."""
    sides = ((found.low, "below"), (found.high, "above"))
    return " and ".join(f"{side} {end:,.6g} were moved there" for end, side in sides if end is not None)


def _clip(text: str, *, as_quantiles: bool, option: str) -> tuple[str, Clip]:
    rest, _, high = text.rpartition(":")
    column, _, low = rest.rpartition(":")
    try:
        bounds = [float(bound) if bound.strip() else None for bound in (low, high)]
    except ValueError:
        bounds = [math.nan]
    if not column.strip() or len(bounds) == 1 or bounds == [None, None]:
        example = "revenue::0.999" if as_quantiles else "revenue:0:500"
        raise BadInput("not bounds of a column", where=option, mend=f"write them as COL:LOW:HIGH, like {example}")
    return column.strip(), Clip(low=bounds[0], high=bounds[1], quantiles=as_quantiles)
