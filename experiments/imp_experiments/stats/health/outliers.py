"""Does one unit carry the result? Exact from summaries and each variant's lowest and highest value.

A mean is near normal only where no unit holds a large share of the squared deviations from the mean (Noether's
condition; Hájek 1961), so that share is the measure. It also bounds what one unit can do: taking it out moves its
variant's mean by at most √share standard errors (times n / (n - 1)).

The figures with and without one unit tell that unit's value: from an archive of people, show the verdict alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from scipy.special import stdtrit

from imp_experiments.measure.moments import Summary
from imp_experiments.stats.effect import Comparison
from imp_experiments.stats.health.arguments import checked_count, checked_level
from imp_experiments.stats.welch import welch

__all__ = ["LARGEST_SHARE", "Extremes", "OneUnit", "Outliers", "outliers"]

# A unit with a tenth of the spread moves its variant's mean by up to a third of a standard error: more than an effect
# near the edge of detection can bear. A proportion with fewer than ten events has such units (see `few_events`).
LARGEST_SHARE: Final = 0.1
# In few units some unit always has a tenth: then it must also be more than chance gives the farthest of normal ones.
_ALPHA: Final = 0.001
_ROUNDING: Final = 1e-9
_ENOUGH: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Extremes:
    """A variant's summary with its lowest and highest value (None without units), in the metric's units."""

    summary: Summary
    lowest: float | None
    highest: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OneUnit:
    """A variant's unit farthest from its mean.

    `distance` is in standard deviations. `share_of_spread` is its part of the sum of squared deviations from the mean,
    `share_of_sum` of the sum of values (None where some are negative or all are 0). `limit` is the share of the
    spread above which it carries the result: a tenth or, in few units, Grubbs' (1969) two-sided limit at .001.
    `without` summarises the other units.
    """

    value: float
    distance: float
    share_of_spread: float
    share_of_sum: float | None
    limit: float
    without: Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Outliers:
    """verdict: ok, warning (a unit's share of its variant's spread is above the limit), or not tested, with `reason`.

    `variant` and `control` are the farthest units of both. `farthest` names the one with the larger share of its
    limit; the effects are Welch's with all units and without that one, and `turns` says whether p is below alpha in
    only one of them (None where either has no p). Without a test these are None. `n_…` counts units (None: fewer
    than may be shown).
    """

    verdict: str
    variant: OneUnit | None
    control: OneUnit | None
    farthest: str | None
    with_it: Comparison | None
    without_it: Comparison | None
    turns: bool | None
    n_variant: int | None
    n_control: int | None
    reason: str | None = None


def outliers(variant: Extremes, control: Extremes, *, alpha: float = 0.05) -> Outliers:
    """Look at the unit farthest from its mean in each variant, and at the effect without the farther of them.

    Raises:
        BadInput: a count is none, or alpha is no level.
    """
    checked_level(alpha)
    sides = {"variant": variant, "control": control}
    for name, side in sides.items():
        checked_count(side.summary.n, f"{name}, n")
    reason = _problem(variant) or _problem(control)
    units = {} if reason else {name: _farthest(side) for name, side in sides.items() if _number(side.summary.variance)}
    if not units:
        return Outliers(
            verdict="not tested",
            variant=None,
            control=None,
            farthest=None,
            with_it=None,
            without_it=None,
            turns=None,
            n_variant=variant.summary.n,
            n_control=control.summary.n,
            reason=reason or "the units of each variant all have one value",
        )
    farthest = max(units, key=lambda name: units[name].share_of_spread / units[name].limit)
    rest = {name: side.summary for name, side in sides.items()} | {farthest: units[farthest].without}
    with_it = welch(variant.summary, control.summary, alpha=alpha)
    without_it = welch(rest["variant"], rest["control"], alpha=alpha)
    return Outliers(
        verdict="warning" if units[farthest].share_of_spread > units[farthest].limit else "ok",
        variant=units.get("variant"),
        control=units.get("control"),
        farthest=farthest,
        with_it=with_it,
        without_it=without_it,
        turns=_turns(with_it, without_it, alpha),
        n_variant=variant.summary.n,
        n_control=control.summary.n,
    )


def _problem(side: Extremes) -> str | None:
    summary, lowest, highest = side.summary, _number(side.lowest), _number(side.highest)
    if summary.n < _ENOUGH:
        return "a variant has fewer than three units"
    mean, squares = _number(summary.mean), (summary.n - 1) * _number(summary.variance)
    if not all(math.isfinite(x) for x in (mean, squares, lowest, highest)):
        return "a value is not a finite number"
    reach = max(mean - lowest, highest - mean)
    if not math.isfinite(reach * reach):
        return "a value is too large to square"
    # a unit at distance d needs d² n / (n - 1) of the squares: the others lie on its other side
    slack = _ROUNDING * (abs(mean) + reach)
    least = max(0.0, reach - slack) ** 2 * summary.n / (summary.n - 1)
    if not lowest - slack <= mean <= highest + slack or squares < 0 or least > squares * (1 + _ROUNDING):
        return "the lowest and highest value contradict the mean and the variance"
    return None


def _farthest(side: Extremes) -> OneUnit:
    summary, n = side.summary, side.summary.n
    mean, squares = _number(summary.mean), (n - 1) * _number(summary.variance)
    lowest, highest = _number(side.lowest), _number(side.highest)
    value = highest if highest - mean >= mean - lowest else lowest
    gap = value - mean
    share = min((n - 1) / n, gap / squares * gap)
    left = squares - gap * gap * n / (n - 1)
    variance = left / (n - 2) if left > _ROUNDING * squares else 0.0
    return OneUnit(
        value=value,
        distance=abs(gap) / math.sqrt(squares / (n - 1)),
        share_of_spread=share,
        share_of_sum=value / (n * mean) if lowest >= 0 and mean > 0 else None,
        limit=max(LARGEST_SHARE, _grubbs(n)),
        without=Summary(n - 1, mean - gap / (n - 1), variance),
    )


def _grubbs(n: int) -> float:
    """The share of the spread that the farthest of n normal units exceeds with probability .001 (Grubbs 1969)."""
    t = float(stdtrit(n - 2, 1 - _ALPHA / (2 * n)))
    return (n - 1) / n / (1 + (n - 2) / (t * t))


def _turns(with_it: Comparison, without_it: Comparison, alpha: float) -> bool | None:
    if with_it.absolute is None or without_it.absolute is None:
        return None
    return (with_it.absolute.p_value < alpha) != (without_it.absolute.p_value < alpha)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
