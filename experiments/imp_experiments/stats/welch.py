"""Welch's comparison of two means, pure on their summaries: absolute, and relative on the log scale.

Absolute: t = (m₁ - m₀) / √(v₁/n₁ + v₀/n₀) with Satterthwaite's degrees of freedom (Welch 1947). Relative: the
delta method on log(m₁/m₀), variance v/(n m²) per variant. `tests/experiments/test_welch.py` proves the absolute
figures against statsmodels' `CompareMeans(usevar="unequal")`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from scipy.special import stdtr, stdtrit

from imp_experiments.measure.moments import Summary
from imp_experiments.stats.effect import Comparison, Condition, Effect

__all__ = ["METHOD", "welch"]

METHOD: Final = "Welch t with Satterthwaite degrees of freedom; relative by the delta method on the log scale"
_ENOUGH_TO_VARY: Final = 2


def welch(variant: Summary, control: Summary, *, alpha: float = 0.05) -> Comparison:
    """Compare a variant with control; intervals hold 1 - `alpha`.

    Where a variant is empty, has one unit or values that are not finite, or neither varies, both scales are None and
    a condition says why; where a mean is not positive, only the relative one is. Where only one of them varies, the
    figures stand with a warning.
    """
    problem = _problem(variant, control)
    if problem is not None:
        return Comparison(absolute=None, relative=None, conditions=(Condition(problem, "both"),))
    m1, m0 = _number(variant.mean), _number(control.mean)
    # v/n and degrees of freedom of each
    e1, e0 = _number(variant.variance) / variant.n, _number(control.variance) / control.n
    df = (variant.n - 1, control.n - 1)
    absolute = _effect(m1 - m0, (e1, e0), df, alpha)
    if absolute is None:
        return Comparison(absolute=None, relative=None, conditions=(Condition("not_finite", "both"),))
    advice = () if variant.variance and control.variance else (Condition("one_varies", "both"),)
    if m1 <= 0 or m0 <= 0:
        conditions = (Condition("mean_not_positive", "relative"), *advice)
        return Comparison(absolute=absolute, relative=None, conditions=conditions)
    relative = _exponentiated(_effect(math.log(m1) - math.log(m0), (e1 / m1 / m1, e0 / m0 / m0), df, alpha))
    if relative is None:
        return Comparison(absolute=absolute, relative=None, conditions=(Condition("unbounded", "relative"), *advice))
    return Comparison(absolute=absolute, relative=relative, conditions=advice)


def _problem(variant: Summary, control: Summary) -> str | None:
    both = (variant, control)
    if any(summary.n == 0 for summary in both):
        return "no_units"
    if any(not math.isfinite(_number(summary.mean)) for summary in both):
        return "not_finite"
    if any(summary.n < _ENOUGH_TO_VARY for summary in both):
        return "one_unit"
    if any(not math.isfinite(_number(summary.variance)) for summary in both):
        return "not_finite"
    if all(summary.variance == 0 for summary in both):
        return "zero_variance"
    return None


def _effect(difference: float, errors: tuple[float, float], dfs: tuple[int, int], alpha: float) -> Effect | None:
    """The difference with its uncertainty; None where floating point cannot hold it."""
    se = math.sqrt(sum(errors))
    if se == 0 or not math.isfinite(se) or not math.isfinite(difference):
        return None
    # Satterthwaite, with each share of the variance below 1 so that tiny variances do not underflow when squared
    share = errors[0] / sum(errors)
    df = 1.0 / (share**2 / dfs[0] + (1 - share) ** 2 / dfs[1])
    half = float(stdtrit(df, 1 - alpha / 2)) * se
    return Effect(
        estimate=difference,
        low=difference - half,
        high=difference + half,
        se=se,
        p_value=float(2 * stdtr(df, -abs(difference / se))),
        df=df,
    )


def _exponentiated(log_effect: Effect | None) -> Effect | None:
    """The effect as a share of control; None where the interval is too wide for floating point."""
    if log_effect is None:
        return None
    try:
        estimate, low, high = (math.expm1(x) for x in (log_effect.estimate, log_effect.low, log_effect.high))
    except OverflowError:
        return None
    return replace(log_effect, estimate=estimate, low=low, high=high)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
