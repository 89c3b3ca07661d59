"""What the skewness of the test statistic adds to its power, or takes from it: the next term of the normal answer.

A t statistic of skewed values is skewed itself, because its standard error moves with its estimate; and the logarithm
of a mean is skewed whatever the values are. In variants of one size most of it cancels. At unequal sizes it does not:
a rise looked for in the smaller variant is shown less often than the normal answer says, in the larger one more often
(on the relative scale; of a rare event on the absolute scale it is the other way round). With 25 % of the units in
treatment and 0.9 planned for a rise of a proportion of .2 by half, .88 are left.

The statistic is taken as W = D - c (se - σ), D the difference (of logarithms), c the critical value, σ the true
standard error: an effect is shown where W is beyond cσ. Its mean, variance and third cumulant to the order n^(-1/2)
come from the third moments of the variants; Edgeworth's first term has its distribution (Hall 1992, The Bootstrap and
Edgeworth Expansion, sections 2.4 and 2.6). `tests/experiments/stats/test_power_skew.py` holds it to simulation.
"""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from imp_experiments.stats.power.baseline import Baseline
from imp_experiments.stats.power.setting import Setting

__all__ = ["skew_gain"]

_LEAST_VARIANCE = 0.25


def skew_gain(baseline: Baseline, setting: Setting, *, effect: float, units: float, distance: float) -> float:
    """What to add to the normal power; 0 where no skewness is known, of clusters, and after an adjustment.

    `distance` is that of the truth from the null in standard errors, with these units.
    """
    if baseline.skewness is None or setting.cluster_size > 1 or setting.correlation:
        return 0.0
    relative = setting.scale == "relative"
    means = [baseline.mean * (1 + effect) if relative else baseline.mean + effect, baseline.mean]
    sign = _toward(setting, effect)
    variance = bias = common = third = 0.0
    for side, mean, share in ((sign, means[0], setting.treatment), (-sign, means[1], setting.control)):
        n = share * units / setting.inflation
        spread, skewed = baseline.variance_at(mean), baseline.third_at(mean)
        if relative:
            spread, skewed = spread / mean / mean, skewed / mean / mean / mean
            # of the logarithm: its mean, its covariance with the squared error, its third cumulant
            bias -= side * spread / 2 / n
            common += side * (skewed - 2 * spread * spread) / n / n
            third += side * (skewed - 3 * spread * spread) / n / n
        else:
            common += side * skewed / n / n
            third += side * skewed / n / n
        variance += spread / n
    error, critical = math.sqrt(variance), -float(ndtri(setting.tail))
    cubed = error * error * error
    if not 0 < cubed < math.inf:
        return 0.0
    wide = max(1 - critical * common / cubed, _LEAST_VARIANCE)
    beyond = (critical - distance - bias / error) / math.sqrt(wide)
    edge = third / cubed / 6 * (beyond * beyond - 1) * math.exp(-beyond * beyond / 2) / math.sqrt(2 * math.pi)
    gain = float(ndtr(-beyond)) + edge - float(ndtr(distance - critical))
    # figures at the edge of floating point have no third moment to speak of
    return gain if math.isfinite(gain) else 0.0


def _toward(setting: Setting, effect: float) -> float:
    """1 where what is to be shown lies above, else -1."""
    if setting.margin is None and effect:
        return math.copysign(1.0, effect)
    return 1.0 if setting.direction == "up" else -1.0
