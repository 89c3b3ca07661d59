"""How far a true effect lies from the null, in standard errors of the test that will be run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from imp_core.errors import BadInput
from imp_experiments.stats.power.baseline import LARGEST, Baseline
from imp_experiments.stats.power.setting import Setting

__all__ = ["FEWEST", "Signal", "check_effect", "signal"]

FEWEST = 2  # units (or clusters) that a variant needs to vary


@dataclass(frozen=True, slots=True)
class Signal:
    """`distance` from the null toward what is to be shown, and `spread`, both as one unit in all would have them.

    With N units in all the noncentrality is distance × √N / √spread. `portion` is the treatment's part of the
    variance, for Satterthwaite's degrees of freedom.
    """

    distance: float
    spread: float
    portion: float

    def errors(self, units: float) -> float:
        """The distance in standard errors, with so many units in all."""
        return self.distance * math.sqrt(units / self.spread)

    def df(self, setting: Setting, units: float) -> float:
        """Satterthwaite's degrees of freedom; of a randomised cluster, each counts once."""
        control, treatment = (
            share * units / setting.cluster_size - 1 for share in (setting.control, setting.treatment)
        )
        return 1 / (self.portion**2 / treatment + (1 - self.portion) ** 2 / control)


def signal(baseline: Baseline, setting: Setting, effect: float) -> Signal:
    """The signal of a true effect, on the scale of the setting.

    Per-unit variances v are those of `welch`: on the relative scale v / mean². Adjustment leaves (1 - ρ²) v of each
    and adds ρ² (sd₁ - sd₀)² over all units, which is Lin's (2013) formula with the covariate's mean pooled over all
    variants and slopes ρ sd / sd(x).

    Raises:
        BadInput: a variant cannot have this effect, or there is no relative scale at this mean.
    """
    check_effect(baseline, setting, effect)
    mean = baseline.mean * (1 + effect) if setting.scale == "relative" else baseline.mean + effect
    variances = [baseline.variance, baseline.variance_at(mean)]
    shift = effect
    if setting.scale == "relative":
        variances = [variances[0] / baseline.mean**2, variances[1] / mean**2]
        shift = math.log1p(effect)
    explained = setting.correlation**2
    control = (1 - explained) * variances[0] / setting.control
    treatment = (1 - explained) * variances[1] / setting.treatment
    shared = explained * (math.sqrt(variances[1]) - math.sqrt(variances[0])) ** 2
    return Signal(
        distance=_distance(setting, shift),
        spread=(control + treatment + shared) * setting.widening,
        portion=treatment / (control + treatment),
    )


def check_effect(baseline: Baseline, setting: Setting, effect: float) -> None:
    """Refuse an effect that no variant can have.

    Raises:
        BadInput: it is not finite, or leads to an impossible mean.
    """
    if not math.isfinite(effect):
        raise BadInput("not a finite number", where="effect", mend="give an ordinary number")
    if setting.scale == "relative":
        if baseline.mean < 1 / LARGEST:
            mend = "plan on the absolute scale"
            raise BadInput("a mean of zero or below has no relative scale", where="baseline", mend=mend)
        if baseline.mean * (1 + effect) < 1 / LARGEST:
            raise BadInput("a fall of 100 % or more", where="effect", mend="give a number above -1; -0.1 is -10 %")
    mean = baseline.mean * (1 + effect) if setting.scale == "relative" else baseline.mean + effect
    if not baseline.possible(mean):
        problem = f"it would move the baseline of {baseline.mean:g} to {mean:g}, which cannot be"
        raise BadInput(problem, where="effect", mend="give a smaller one, and look at the scale")


def _distance(setting: Setting, shift: float) -> float:
    if setting.margin is None:
        return abs(shift)
    up = setting.direction == "up"
    margin = setting.margin
    if setting.scale == "relative":  # as the verdict reads it: the ratio stays above 1 - margin, or below 1 + margin
        margin = -math.log1p(-margin) if up else math.log1p(margin)
    return (shift if up else -shift) + margin
