"""Manski's (1990) worst-case bounds of a mean difference: what is missing may be anything the metric can be.

They assume nothing of who is missing, and so are wide: as wide as the two shares of missing units together, times
the metric's range. Needed are means, variances and counts alone: a variant's missing values are all filled with one
end of the range, and the moments of the filled values are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.measure.moments import Summary
from imp_experiments.stats.health.arguments import checked_count, checked_level
from imp_experiments.stats.health.identified import IdentifiedSet, identified_set, reading

__all__ = ["ManskiBounds", "manski_bounds"]

ASSUMPTION: Final = "none but the metric's lowest and highest value"
# What a mean computed in floating point may stray beyond the range it must lie in, as a share of the range.
_ROUNDING: Final = 1e-9
_ENOUGH: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ManskiBounds:
    """verdict: excludes zero, includes zero (by the interval), or not tested, and `reason` says why.

    `bounds` (variant - control, in the metric's units) is None where it was not tested. Counts are units with a value
    and units without (None: fewer than may be shown; the set's width tells the missing ones too). `lowest` to
    `highest` is the stated range.
    """

    verdict: str
    bounds: IdentifiedSet | None
    assumption: str
    lowest: float
    highest: float
    n_variant: int | None
    n_control: int | None
    missing_variant: int | None
    missing_control: int | None
    reason: str | None = None


def manski_bounds(
    variant: Summary,
    control: Summary,
    *,
    missing_variant: int,
    missing_control: int,
    lowest: float = 0.0,
    highest: float = 1.0,
    alpha: float = 0.05,
) -> ManskiBounds:
    """Bound variant - control, whatever the missing units' values are; the interval holds 1 - `alpha`.

    The summaries are of the units with a value. The default range is a proportion's.

    Raises:
        BadInput: a count is none, the range is empty or not finite, or alpha is no level.
    """
    checked_level(alpha)
    if not (math.isfinite(lowest) and math.isfinite(highest) and lowest < highest):
        raise BadInput("the range is empty or not finite", where="lowest, highest", mend="state the metric's range")
    gaps = checked_count(missing_variant, "missing_variant"), checked_count(missing_control, "missing_control")
    sides = (variant, gaps[0]), (control, gaps[1])
    for summary, _ in sides:
        checked_count(summary.n, "n")
    reason = _problem(*sides[0], lowest, highest) or _problem(*sides[1], lowest, highest)
    bounds = None if reason else _bounds(*sides, lowest, highest, alpha)
    if reason is None and bounds is None:
        reason = "the units of each variant all have one value, or the values are too large to square"
    return ManskiBounds(
        verdict="not tested" if bounds is None else reading(bounds),
        bounds=bounds,
        assumption=ASSUMPTION,
        lowest=lowest,
        highest=highest,
        n_variant=variant.n,
        n_control=control.n,
        missing_variant=gaps[0],
        missing_control=gaps[1],
        reason=reason,
    )


def _problem(summary: Summary, missing: int, lowest: float, highest: float) -> str | None:
    if summary.n == 0:
        return "a variant has no units with a value"
    if summary.n + missing < _ENOUGH:
        return "a variant has a single unit"
    mean, spread = _number(summary.mean), _squares(summary)
    if not (math.isfinite(mean) and math.isfinite(spread)):
        return "a mean or a variance is not a finite number"
    slack = _ROUNDING * (highest - lowest)
    if not lowest - slack <= mean <= highest + slack:
        return "a mean lies outside the stated range"
    # of values in a range, none spread more than those at its ends (Bhatia & Davis 2000)
    most = summary.n * (highest - mean + slack) * (mean - lowest + slack)
    return "the values spread more than the stated range allows" if spread > most * (1 + _ROUNDING) else None


def _bounds(
    variant: tuple[Summary, int], control: tuple[Summary, int], lowest: float, highest: float, alpha: float
) -> IdentifiedSet | None:
    variant_low, variant_high = _filled(*variant, lowest), _filled(*variant, highest)
    control_low, control_high = _filled(*control, lowest), _filled(*control, highest)
    return identified_set(
        variant_low[0] - control_high[0],
        variant_high[0] - control_low[0],
        math.sqrt(variant_low[1] + control_high[1]),
        math.sqrt(variant_high[1] + control_low[1]),
        alpha=alpha,
    )


def _filled(summary: Summary, missing: int, value: float) -> tuple[float, float]:
    """Mean, and variance of that mean, of all units when the missing ones have `value`."""
    n = summary.n + missing
    gap = value - _number(summary.mean)
    squares = _squares(summary) + summary.n * (missing / n) * gap * gap
    return _number(summary.mean) + missing / n * gap, squares / (n - 1) / n


def _squares(summary: Summary) -> float:
    """The sum of squares about the mean; a single unit has none."""
    return 0.0 if summary.n == 1 else (summary.n - 1) * _number(summary.variance)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
