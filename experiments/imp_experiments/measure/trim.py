"""The second scan: moments of a variant's lowest and of its highest units, for bounds that trim one variant.

A share of n units is rarely a whole number of them, and values are often tied: the lowest share are all units below
a threshold, and of those at it (not above) as much weight as is left. Sums are about the threshold, where that
weight adds nothing, so that ties cost no count of their own and a large mean costs no digits. Lazy Narwhals frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import narwhals as nw

from imp_core.errors import BadInput

__all__ = ["Tail", "Tails", "trim"]

# A share that comes from counts is exact but for its last digits: so near a whole number of units it is one.
_ROUNDING: Final = 1e-9

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """A share of the units: `weight` of them (not always whole), sum and sum of squares of (value - threshold).

    `threshold` is the value farthest inside: the highest of the lowest units, the lowest of the highest ones.
    """

    weight: float
    total: float
    squares: float
    threshold: float

    @property
    def mean(self) -> float:
        """The units' mean."""
        return self.threshold + self.total / self.weight

    @property
    def variance(self) -> float | None:
        """Their variance, over weight - 1; None for one unit or less."""
        if self.weight <= 1:
            return None
        return max(0.0, self.squares - self.total * (self.total / self.weight)) / (self.weight - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tails:
    """The `share` of `n` units with the lowest values and that with the highest; `missing` units have no value."""

    n: int
    missing: int
    share: float
    lowest: Tail
    highest: Tail


def trim(frame: Frame, variant: str, share: float) -> Tails | None:
    """Both tails of one variant of a frame with the columns variant and value; None where no unit has a value.

    One row a unit. A null (in pandas also NaN) is a missing value. Four queries: counts, two thresholds, sums.

    Raises:
        BadInput: a share not above 0 or above 1, or a value that is not finite.
    """
    if not 0 < share <= 1:
        raise BadInput("a share is not above 0 and at most 1", where="share", mend="give the share to keep")
    mine = frame.filter(nw.col("variant") == variant).select(value=nw.col("value").cast(nw.Float64))
    n, missing = _counts(mine)
    if n == 0:
        return None
    weight = _whole(share * n, n)
    present = mine.filter(~nw.col("value").is_null())
    units = min(n, max(1, math.ceil(weight)))
    low, high = _ordinal(present, units, n), _ordinal(present, n - units + 1, n)
    sums = _one(_sums(present, low, high))
    return Tails(
        n=n,
        missing=missing,
        share=share,
        lowest=Tail(weight=weight, total=float(sums["low_sum"]), squares=float(sums["low_squares"]), threshold=low),
        highest=Tail(weight=weight, total=float(sums["high_sum"]), squares=float(sums["high_squares"]), threshold=high),
    )


def _counts(mine: Frame) -> tuple[int, int]:
    """Units with a value, and without."""
    absent = nw.col("value").is_null()
    wrong = ~absent & ~nw.col("value").fill_null(0.0).is_finite()
    flags = mine.select(absent=_flag(absent), wrong=_flag(wrong))
    row = _one(flags.select(rows=nw.len(), absent=nw.col("absent").sum(), wrong=nw.col("wrong").sum()))
    if int(row["wrong"] or 0):
        raise BadInput("a value is not a finite number", where="column value", mend="leave it out or mend it")
    missing = int(row["absent"] or 0)
    return int(row["rows"]) - missing, missing


def _ordinal(present: Frame, place: int, n: int) -> float:
    """The value at a place in ascending order, 1 to n, sorted from the nearer end: engines keep only those rows."""
    value = nw.col("value")
    if 2 * place <= n:
        found = _one(present.sort("value").head(place).select(x=value.max()))
    else:
        found = _one(present.sort("value", descending=True).head(n - place + 1).select(x=value.min()))
    return float(found["x"])


def _sums(present: Frame, low: float, high: float) -> Frame:
    value = nw.col("value")
    gaps = present.select(
        low=nw.when(value < low).then(value - low).otherwise(nw.lit(0.0)),
        high=nw.when(value > high).then(value - high).otherwise(nw.lit(0.0)),
    )
    squared = gaps.with_columns(low_squared=nw.col("low") * nw.col("low"), high_squared=nw.col("high") * nw.col("high"))
    return squared.select(
        low_sum=nw.col("low").sum(),
        low_squares=nw.col("low_squared").sum(),
        high_sum=nw.col("high").sum(),
        high_squares=nw.col("high_squared").sum(),
    )


def _flag(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0))


def _whole(weight: float, n: int) -> float:
    nearest = float(round(weight))
    return nearest if nearest and abs(weight - nearest) <= _ROUNDING * n else weight


def _one(frame: Frame) -> dict[str, Any]:
    (row,) = frame.collect().rows(named=True)
    return dict(row)
