"""Welch's comparison of two means, pure on their summaries: absolute, and relative on the log scale.

Absolute: t = (m₁ - m₀) / √(v₁/n₁ + v₀/n₀) with Satterthwaite's degrees of freedom (Welch 1947). Relative: the
delta method on log(m₁/m₀), variance v/(n m²) per variant. `tests/experiments/test_welch.py` proves the absolute
figures against statsmodels' `CompareMeans(usevar="unequal")`.
"""

from __future__ import annotations

import math
from typing import Final

from imp_experiments.measure.moments import Summary
from imp_experiments.stats.contrast import Arm, TContrast, figures, t_contrast
from imp_experiments.stats.effect import Comparison

__all__ = ["METHOD", "arm_of", "welch", "welch_contrast"]

METHOD: Final = "Welch t with Satterthwaite degrees of freedom; relative by the delta method on the log scale"


def welch_contrast(variant: Summary, control: Summary) -> TContrast:
    """The contrast of two means.

    Where a variant is empty, has one unit or values that are not finite, or neither varies, both scales are None and
    a condition says why; where a mean is not positive, only the relative one is. Where only one of them varies, the
    figures stand with a warning.
    """
    return t_contrast(arm_of(variant), arm_of(control), method=METHOD)


def welch(variant: Summary, control: Summary, *, alpha: float = 0.05) -> Comparison:
    """Both scales of `welch_contrast`; intervals hold 1 - `alpha`."""
    return figures(welch_contrast(variant, control), tail=alpha / 2)


def arm_of(summary: Summary) -> Arm:
    """A variant's mean as an estimate."""
    mean = math.nan if summary.mean is None else summary.mean
    variance = math.nan if summary.variance is None or not summary.n else summary.variance / summary.n
    return Arm(n=summary.n, value=mean, variance=variance, df=summary.n - 1)
