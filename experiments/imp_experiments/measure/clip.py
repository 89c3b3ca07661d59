"""Winsorisation: a metric's values are moved to bounds that are fixed, or quantiles pooled over all variants.

Never per variant: bounds that follow a variant's own tail would take away what the variant did to it. Lazy Narwhals
frames, alike on DuckDB, Polars, pandas, PyArrow and PySpark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from imp_core.errors import BadInput
from imp_experiments.measure.parts import Part
from imp_experiments.measure.units import IN

__all__ = ["Bounds", "Clip", "clip_bounds", "clip_units", "clipped"]

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Where a metric's values end: `low` and `high` in its units, or as quantiles (0 to 1); None leaves a side open."""

    low: float | None
    high: float | None
    quantiles: bool

    def __post_init__(self) -> None:
        """Refuse bounds that are no numbers, in the wrong order, or no quantiles."""
        given = [bound for bound in (self.low, self.high) if bound is not None]
        if any(not math.isfinite(bound) or (self.quantiles and not 0 <= bound <= 1) for bound in given):
            raise BadInput(
                f"{given} are no bounds to clip at",
                where="clip",
                mend="give finite numbers, quantiles between 0 and 1, or none for a side",
            )
        if self.low is not None and self.high is not None and self.low > self.high:
            raise BadInput(f"the bounds {given} are in the wrong order", where="clip", mend="give the lower one first")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and the highest value that stay, in the metric's units; None: that side is open."""

    low: float | None
    high: float | None


def clip_bounds(frame: Frame, clips: Mapping[str, Clip]) -> dict[str, Bounds]:
    """Column → its bounds, over all rows of `frame`: the units that are in, of every variant, control too.

    Quantiles are interpolated linearly (numpy's default) among the values that are not missing, in one query for all
    columns; without values, or where a quantile is not finite, the side stays open. Fixed bounds need no query.
    """
    wanted = {
        (column, side): bound
        for column, clip in clips.items()
        if clip.quantiles
        for side, bound in (("low", clip.low), ("high", clip.high))
        if bound is not None
    }
    found: dict[tuple[str, str], float | None] = {}
    if wanted:
        parts = {
            f"q_{index}": nw.col(column).cast(nw.Float64).quantile(bound, interpolation="linear")
            for index, ((column, _), bound) in enumerate(wanted.items())
        }
        row = frame.select(**parts).collect().row(0)
        found = {key: _finite(value) for key, value in zip(wanted, row, strict=True)}
    return {
        column: Bounds(found.get((column, "low")), found.get((column, "high")))
        if clip.quantiles
        else Bounds(clip.low, clip.high)
        for column, clip in clips.items()
    }


def clipped(value: nw.Expr, bounds: Bounds) -> nw.Expr:
    """The value as a float, moved to the nearer bound where it lies beyond; what is missing or not finite stays so."""
    value = value.cast(nw.Float64)
    # some engines hold NaN for the largest number: it must not become one that looks measured
    finite = value.is_finite()
    kept = value
    if bounds.low is not None:
        kept = nw.when(finite & (value < bounds.low)).then(nw.lit(float(bounds.low))).otherwise(kept)
    if bounds.high is not None:
        kept = nw.when(finite & (value > bounds.high)).then(nw.lit(float(bounds.high))).otherwise(kept)
    return kept


def clip_units(frame: Frame, parts: Sequence[Part], as_of_us: int) -> Frame:
    """The units of `unit_values` with the values of clipped parts ended at their bounds, one for all variants.

    Quantiles are over the units whose window is over at `as_of_us`. A frame without clipped parts stays as it is.
    """
    bounds: dict[str, Bounds] = {}
    for place, part in enumerate(parts):
        if part.clip is not None:
            clip = Clip(low=part.clip.low, high=part.clip.high, quantiles=part.clip.quantiles)
            ripe = frame.filter((nw.col("status") == IN) & (nw.col("exposure_us") + part.to_us <= as_of_us))
            bounds |= clip_bounds(ripe, {f"part_{place}": clip})
    ended = {name: nw.when(nw.col("status") == IN).then(clipped(nw.col(name), bound)) for name, bound in bounds.items()}
    return frame.with_columns(**ended) if ended else frame


def _finite(value: Any) -> float | None:  # noqa: ANN401 (a driver's float, Decimal or None)
    number = math.nan if value is None else float(value)
    return number if math.isfinite(number) else None
