"""One difference between a variant and control: estimate, p and interval on either scale, all from one statistic.

`Contrast` is what every method gives (t here, scores in `score.py`, and so on), and all that verdicts, corrections and
looks ask of it: the interval at any tail, and the p against any null.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from imp_experiments.stats.arguments import check_null, check_scale, check_tail
from imp_experiments.stats.effect import Comparison, Condition, Effect

__all__ = ["Arm", "Contrast", "TContrast", "at_tail", "figures", "satterthwaite", "t_contrast"]

_ENOUGH_TO_VARY = 2
# standard errors between control's mean and 0, below which its logarithm is far from normal
_FAR_FROM_ZERO = 3.0


class Contrast(Protocol):
    """A variant against control by one method."""

    @property
    def method(self) -> str:
        """The method in words."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What to know of the figures, and why some are missing."""

    def effect(self, scale: str, *, tail: float) -> Effect | None:
        """The effect on "absolute" or "relative" scale, its interval leaving `tail` on each side; None: a condition."""

    def p_beyond(self, scale: str, null: float) -> float | None:
        """One-sided p of the hypothesis that the effect is at most `null`; 1 minus it: at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """What was estimated in one variant: units, value, the estimate's variance (not the units'), degrees of freedom.

    NaN: unknown.
    """

    n: int
    value: float
    variance: float
    df: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TContrast:
    """Two estimates with their variances and covariance, judged by t with Satterthwaite's degrees of freedom.

    Absolute: value₁ - value₀. Relative: by the delta method on log(value₁ / value₀).
    """

    variant: Arm
    control: Arm
    covariance: float
    method: str
    conditions: tuple[Condition, ...] = ()

    def effect(self, scale: str, *, tail: float) -> Effect | None:
        """The effect on a scale, its interval leaving `tail` on each side; None where a condition names the reason.

        None too where the interval has no finite end at this tail (`figures` names that condition).

        Raises:
            BadInput: the scale is not absolute or relative, or tail is not between 0 and 0.5.
        """
        check_scale(scale)
        check_tail(tail)
        found = self._statistic(scale)
        if found is None:
            return None
        difference, se, df = found
        # of the tail, not of 1 - tail: an early look's may be below 1e-16
        half = -_quantile(df, tail) * se
        effect = Effect(
            estimate=difference,
            low=difference - half,
            high=difference + half,
            se=se,
            p_value=2 * _below(df, -abs(difference / se)),
            df=df,
        )
        shown = effect if scale == "absolute" else _exponentiated(effect)
        return shown if shown is not None and math.isfinite(shown.low) and math.isfinite(shown.high) else None

    def p_beyond(self, scale: str, null: float) -> float | None:
        """One-sided p of the hypothesis that the effect is at most `null` (relative: a fraction above -1).

        Raises:
            BadInput: the scale is not absolute or relative, or no effect can be `null`.
        """
        check_null(scale, null)
        found = self._statistic(scale)
        if found is None:
            return None
        difference, se, df = found
        return _below(df, -(difference - (null if scale == "absolute" else math.log1p(null))) / se)

    def _statistic(self, scale: str) -> tuple[float, float, float] | None:
        """Difference (of logarithms), its standard error and degrees of freedom."""
        if any(condition.bars and condition.scale in ("both", scale) for condition in self.conditions):
            return None
        m1, m0 = self.variant.value, self.control.value
        e1, e0, between = self.variant.variance, self.control.variance, self.covariance
        difference = m1 - m0
        if scale == "relative":
            difference = math.log(m1) - math.log(m0)
            e1, e0, between = e1 / m1 / m1, e0 / m0 / m0, between / m1 / m0
        return difference, math.sqrt(e1 + e0 - 2 * between), satterthwaite(e1, e0, self.variant.df, self.control.df)


def figures(contrast: Contrast, *, tail: float) -> Comparison:
    """Both scales at one tail, with a condition where an interval has no finite end."""
    conditions = contrast.conditions
    found = {scale: contrast.effect(scale, tail=tail) for scale in ("absolute", "relative")}
    open_ended = [
        Condition("unbounded", scale)
        for scale, effect in found.items()
        if effect is None and not any(one.bars and one.scale in ("both", scale) for one in conditions)
    ]
    return Comparison(absolute=found["absolute"], relative=found["relative"], conditions=(*open_ended, *conditions))


def at_tail(effect: Effect, scale: str, *, tail: float) -> Effect | None:
    """An effect judged by t, with an interval that leaves another `tail` on each side; None: it has no finite end."""
    if scale == "relative" and effect.estimate <= -1:
        return None
    centre = math.log1p(effect.estimate) if scale == "relative" else effect.estimate
    half = -_quantile(effect.df, tail) * effect.se
    found = replace(effect, estimate=centre, low=centre - half, high=centre + half)
    return found if scale == "absolute" else _exponentiated(found)


def t_contrast(
    variant: Arm, control: Arm, *, covariance: float = 0.0, method: str, conditions: Sequence[Condition] = ()
) -> TContrast:
    """Contrast two estimates; what cannot be computed becomes a condition that bars the figures of its scale."""
    barred = any(one.bars and one.scale == "both" for one in conditions)
    found = [*conditions, *([] if barred else _conditions(variant, control, covariance))]
    return TContrast(
        variant=variant, control=control, covariance=covariance, method=method, conditions=tuple(dict.fromkeys(found))
    )


def _conditions(variant: Arm, control: Arm, covariance: float) -> list[Condition]:
    problem = _problem(variant, control, covariance)
    if problem is not None:
        return [Condition(problem, "both")]
    found = [] if variant.variance and control.variance else [Condition("one_varies", "both")]
    if variant.value <= 0 or control.value <= 0:
        return [Condition("mean_not_positive", "relative"), *found]
    e1, e0 = (arm.variance / arm.value / arm.value for arm in (variant, control))
    between = covariance / variant.value / control.value
    log_ratio = math.log(variant.value) - math.log(control.value)
    spread = e1 + e0 - 2 * between
    if not 0 < spread < math.inf or not _representable(log_ratio, math.sqrt(spread)):
        return [Condition("unbounded", "relative"), *found]
    if control.value < _FAR_FROM_ZERO * math.sqrt(control.variance):
        return [Condition("control_near_zero", "relative"), *found]
    return found


def _problem(variant: Arm, control: Arm, covariance: float) -> str | None:
    both = (variant, control)
    if any(arm.n == 0 for arm in both):
        return "no_units"
    if any(not math.isfinite(arm.value) for arm in both):
        return "not_finite"
    if any(arm.n < _ENOUGH_TO_VARY for arm in both):
        return "one_unit"
    return _spread_problem(variant, control, covariance)


def _spread_problem(variant: Arm, control: Arm, covariance: float) -> str | None:
    spread = variant.variance + control.variance - 2 * covariance
    if not math.isfinite(spread) or not math.isfinite(variant.value - control.value):
        return "not_finite"
    return None if spread > 0 else "zero_variance"


def _representable(log_ratio: float, se: float) -> bool:
    """Whether a 99.9999 % interval of the ratio is within floating point."""
    try:
        return math.isfinite(math.expm1(log_ratio + 5 * se))
    except OverflowError:
        return False


def satterthwaite(e1: float, e0: float, df1: float, df0: float) -> float:
    """Degrees of freedom of the sum of two variances with df of their own; infinite where both are."""
    # with each share of the variance below 1, so that tiny variances do not underflow when squared
    share = e1 / (e1 + e0)
    parts = share**2 / df1 + (1 - share) ** 2 / df0
    return 1.0 / parts if parts else math.inf


def _quantile(df: float, p: float) -> float:
    return float(ndtri(p) if math.isinf(df) else stdtrit(df, p))


def _below(df: float, t: float) -> float:
    return float(ndtr(t) if math.isinf(df) else stdtr(df, t))


def _exponentiated(log_effect: Effect) -> Effect | None:
    """The effect as a share of control; a bound beyond floating point makes it None."""
    try:
        estimate, low, high = (math.expm1(x) for x in (log_effect.estimate, log_effect.low, log_effect.high))
    except OverflowError:
        return None
    return Effect(estimate=estimate, low=low, high=high, se=log_effect.se, p_value=log_effect.p_value, df=log_effect.df)
