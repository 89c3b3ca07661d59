"""Two proportions with few events: the score test of Miettinen and Nurminen (1985), and the interval that is its dual.

The statistic at a null is the distance from it over the standard error under it: the proportions that are most likely
among those at exactly that difference δ (or ratio ρ), with the variance times N/(N - 1). Their closed forms, a cubic
and a quadratic, are those of Farrington and Manning (1990), appendix. At δ = 0 and ρ = 1 both are the pooled proportion
and the statistic is the same: so both scales have one p. `tests/vectors/stats/score.json` holds published intervals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from scipy.special import ndtr, ndtri

from imp_core.errors import BadInput
from imp_experiments.stats.arguments import check_scale, check_tail
from imp_experiments.stats.effect import Condition, Effect

__all__ = ["METHOD", "Count", "Score", "few_events", "score"]

METHOD: Final = "Miettinen-Nurminen score test and interval of two proportions, with the factor N/(N - 1)"
_FEW: Final = 10
_HALF: Final = 0.5
_NEAR: Final = 0.1
_LARGEST_LOG: Final = 300.0
# beyond it floating point skips whole numbers
_LARGEST_COUNT: Final = 2**53
# a null so near to none that the variance under it would vanish in floating point
_NO_DIFFERENCE: Final = 1e-290
# of the pooled standard error (difference) or of the logarithm (ratio): the bounds' own precision
_PRECISION: Final = 1e-16
_DIGITS: Final = 4e-16
_MOST_STEPS: Final = 100
_SCALES: Final = ("absolute", "relative")
_NO_FIGURES: Final = {"no_units": _SCALES, "no_events": ("relative",), "control_zero": ("relative",)}


@dataclass(frozen=True, slots=True)
class Count:
    """How many units of a variant have the event, and how many units there are; 0 <= events <= n, whole numbers."""

    events: int
    n: int

    @property
    def share(self) -> float:
        """The proportion; n must not be 0."""
        return self.events / self.n


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A variant against control; made by `score`, which says which conditions there are.

    Absolute: p₁ - p₀. Relative: p₁/p₀ - 1. Where no unit of control has the event there is no relative effect, but
    hypotheses on the ratio can still be tested (`p_beyond`).
    """

    variant: Count
    control: Count
    conditions: tuple[Condition, ...] = ()
    method: str = METHOD

    def effect(self, scale: str, *, tail: float) -> Effect | None:
        """Estimate, interval that leaves `tail` on each side, and p; None where a condition names the reason.

        A score interval has no standard error that does not depend on the null: `se` is the one at no difference,
        from the pooled proportion (relative: of the logarithm, that over the pooled proportion), and 0 where no unit
        or every unit has the event. The absolute estimate / se is the statistic of `p_value`. df is infinite.

        Raises:
            BadInput: the scale is not absolute or relative, or tail is not between 0 and 0.5.
        """
        check_scale(scale)
        check_tail(tail)
        if self._without(scale):
            return None
        one, two = self.variant, self.control
        pooled = (one.events + two.events) / (one.n + two.n)
        se = _pooled_se(one, two, pooled)
        low, high = (_difference_bounds if scale == "absolute" else _ratio_bounds)(one, two, -float(ndtri(tail)))
        return Effect(
            estimate=one.share - two.share if scale == "absolute" else one.share / two.share - 1,
            low=low,
            high=high,
            se=se if scale == "absolute" else se / pooled,
            p_value=float(2 * ndtr(-abs(_z_difference(one, two, 0.0)))),
            df=math.inf,
        )

    def p_beyond(self, scale: str, null: float) -> float | None:
        """One-sided p of the hypothesis that the effect is `null` or less; None where there is no statistic.

        Raises:
            BadInput: the scale is not absolute or relative, or no two proportions have such an effect: absolute
                nulls lie between -1 and 1, relative ones above -1.
        """
        check_scale(scale)
        if not -1 < null < (1 if scale == "absolute" else math.inf):
            raise BadInput(
                f"no two proportions have {null!r} as their {scale} difference",
                where="null",
                mend="pass a number between -1 and 1 (absolute) or above -1 (relative)",
            )
        if any(condition.code != "control_zero" for condition in self._without(scale)):
            return None
        if scale == "absolute":
            return float(ndtr(-_z_difference(self.variant, self.control, null)))
        return float(ndtr(-_z_ratio(self.variant, self.control, math.log1p(null))))

    def _without(self, scale: str) -> list[Condition]:
        """The conditions for which there is no effect on the scale."""
        return [condition for condition in self.conditions if scale in _NO_FIGURES.get(condition.code, ())]


def score(variant: Count, control: Count) -> Score:
    """Compare the proportions of a variant and of control.

    Conditions: `no_units` (no figures at all); of the relative scale `no_events` (neither has one: 0/0),
    `control_zero` (no estimate and no upper end) and `variant_zero` (the figures stand: the estimate and the low end
    are exactly -100 %, and the interval's upper end is finite). The difference always has its interval.

    Raises:
        BadInput: counts that are not whole, negative, beyond 2⁵³, or more events than units.
    """
    for name, count in (("variant", variant), ("control", control)):
        whole = count.events // 1 == count.events and count.n // 1 == count.n
        if not (whole and 0 <= count.events <= count.n <= _LARGEST_COUNT):
            raise BadInput(
                f"{count.events!r} events among {count.n!r} units is no count",
                where=name,
                mend="count the units and those of them that have the event",
            )
    return Score(variant=variant, control=control, conditions=_conditions(variant, control))


def few_events(events: Sequence[int], n: Sequence[int]) -> bool:
    """Whether the normal approximation is too rough, so that `score` is the method: by the margin alone.

    True where the pooled proportion leaves a variant fewer than ten expected events or non-events. It looks at the
    total of events and the sizes, never at how the events fall to the variants: so the choice cannot follow the
    difference. A variant without units is left out; without any units there is nothing to choose, and it is True.
    """
    total, with_event = sum(n), sum(events)
    rarer = min(with_event, total - with_event)
    return rarer * min((size for size in n if size), default=0) < _FEW * max(total, 1)


def _conditions(variant: Count, control: Count) -> tuple[Condition, ...]:
    if variant.n == 0 or control.n == 0:
        return (Condition("no_units", "both"),)
    if variant.events == 0 and control.events == 0:
        return (Condition("no_events", "relative"),)
    if control.events == 0:
        return (Condition("control_zero", "relative"),)
    return (Condition("variant_zero", "relative"),) if variant.events == 0 else ()


def _z_difference(one: Count, two: Count, delta: float) -> float:
    """The statistic at the difference δ; decreasing in δ, and ±∞ where the null leaves no variance."""
    if delta < 0:
        return -_z_difference(two, one, -delta)
    if 2 * (one.events + two.events) > one.n + two.n:
        # the same difference of the rarer outcome, whose small shares keep their digits
        one, two = Count(two.n - two.events, two.n), Count(one.n - one.events, one.n)
    delta = delta if delta >= _NO_DIFFERENCE else 0.0
    p0 = _at_difference(one, two, delta)
    p1, q1 = p0 + delta, max((1 - delta) - p0, 0.0)
    return _standardized(one, two, one.share - two.share - delta, p1 * q1 / one.n + p0 * (1 - p0) / two.n)


def _z_ratio(one: Count, two: Count, log_ratio: float) -> float:
    """The statistic at the ratio ρ, from its logarithm; decreasing in it, and at 0 that of no difference."""
    if log_ratio == 0:
        return _z_difference(one, two, 0.0)
    rho = math.exp(log_ratio)
    p0 = _at_ratio(one, two, rho, math.expm1(log_ratio))
    p1 = min(rho * p0, 1.0)
    variance = p1 * (1 - p1) / one.n + rho * p1 * (1 - p0) / two.n
    return _standardized(one, two, one.share - rho * two.share, variance)


def _standardized(one: Count, two: Count, distance: float, variance: float) -> float:
    """With the factor N/(N - 1) (Miettinen and Nurminen 1985)."""
    if variance > 0:
        n = one.n + two.n
        return distance / math.sqrt(variance * n / (n - 1))
    return math.copysign(math.inf, distance) if distance else 0.0


def _pooled_se(one: Count, two: Count, pooled: float) -> float:
    n = one.n + two.n
    return math.sqrt(pooled * (1 - pooled) * (1 / one.n + 1 / two.n) * n / (n - 1))


def _at_difference(one: Count, two: Count, delta: float) -> float:
    """The likeliest p₀ where p₁ - p₀ = δ >= 0: the root of a cubic that lies between 0 and 1 - δ."""
    n, x, rest = one.n + two.n, one.events + two.events, 1 - delta
    if delta == 0:
        return x / n
    c2 = ((one.n + 2 * two.n) * delta - n - x) / n
    c1 = (two.n * delta - n - 2 * two.events) * delta + x
    if delta > _HALF:  # the same, in 1 - δ
        c1 = (two.n * rest + one.n - two.n + 2 * two.events) * rest - (one.n - one.events) - two.events
    c1 /= n
    c0 = two.events * delta * rest / n
    third = c2 / 3
    q = third**3 - c1 * third / 2 + c0 / 2
    # rounding may leave a negative square, or a cosine beyond 1
    radius = math.copysign(math.sqrt(max(third * third - c1 / 3, 0.0)), q)
    cosine = min(max(q / radius**3, -1.0), 1.0) if radius**3 else 0.0
    p0 = 2 * radius * math.cos((math.pi + math.acos(cosine)) / 3) - third
    return _polished(min(max(p0, 0.0), rest), (c2, c1, c0), rest)


def _polished(p: float, c: tuple[float, float, float], high: float) -> float:
    """The cubic's only falling root between 0 and high, to all digits, from one that lost half to the arc cosine."""
    low = 0.0
    for _ in range(_MOST_STEPS):
        value = ((p + c[0]) * p + c[1]) * p + c[2]
        slope = (3 * p + 2 * c[0]) * p + c[1]
        low, high = (p, high) if value > 0 else (low, p)
        better = p - value / slope if slope else p
        if not low <= better <= high:
            better = (low + high) / 2
        if abs(better - p) <= _DIGITS * better:
            return better
        p = better
    return p


def _at_ratio(one: Count, two: Count, rho: float, excess: float) -> float:
    """The likeliest p₀ where p₁ = ρ p₀: a root of n ρ p₀² - b p₀ + x, in the form that does not cancel.

    Nor does the discriminant b² - 4 n ρ x: near ρ = 1 it is written in `excess`, ρ - 1, and units without the event.
    """
    n, x = one.n + two.n, one.events + two.events
    b = one.n * rho + one.events + two.n + two.events * rho
    square = b * b - 4 * n * rho * x
    if abs(excess) < _NEAR:
        none1, none0 = one.n - one.events, two.n - two.events
        none = none1 + none0
        lean = n * (none1 - none0) + none * none0
        square = none * none + (2 * lean + excess * (one.n + two.events) ** 2) * excess
    return min(2 * x / (b + math.sqrt(max(square, 0.0))), 1.0, 1 / rho)


def _difference_bounds(one: Count, two: Count, z: float) -> tuple[float, float]:
    estimate = one.share - two.share
    pooled = (one.events + two.events + 1) / (one.n + two.n + 2)
    step = z * _pooled_se(one, two, pooled)

    def statistic(delta: float) -> float:
        return _z_difference(one, two, delta)

    low = _crossing(lambda x: statistic(-x) - z, -estimate, step, 1.0)
    return -low, _crossing(lambda x: -z - statistic(x), estimate, step, 1.0)


def _ratio_bounds(one: Count, two: Count, z: float) -> tuple[float, float]:
    """Around the logarithm; -1 is the low end where no unit of the variant has the event."""

    def statistic(log_ratio: float) -> float:
        return _z_ratio(one, two, log_ratio)

    # without events in the variant the statistic falls from 0: begin where a small part of an event would be
    start = math.log(max(one.events, 1e-9) / one.n / two.share)
    step = z * math.sqrt(1 / max(one.events, 1) + 1 / two.events)
    high = math.expm1(_crossing(lambda x: -z - statistic(x), start, step, _LARGEST_LOG))
    if one.events == 0:
        return -1.0, high
    return math.expm1(-_crossing(lambda x: statistic(-x) - z, -start, step, _LARGEST_LOG)), high


def _crossing(rising: Callable[[float], float], start: float, step: float, end: float) -> float:
    """Where a rising function, negative at `start`, passes zero on the way to `end`; `end` where it does not."""
    from scipy.optimize import brentq  # noqa: PLC0415 (slow to import, and most readouts need no score interval)

    below, width = start, step
    above = min(start + width, end)
    while rising(above) < 0:
        if above >= end:
            return end
        width *= 2
        below, above = above, min(above + width, end)
    if rising(above) == 0:
        return above
    # at the end a statistic may be infinite: a large number leads the root finder as well
    return float(brentq(lambda x: min(rising(x), 1e9), below, above, xtol=_PRECISION * step, rtol=1e-15, maxiter=200))
