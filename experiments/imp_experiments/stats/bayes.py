"""The Bayesian reading of one effect: normal likelihood, normal prior; chance to beat control and expected loss.

Posterior of θ (the difference, or the logarithm of variant / control) from an estimate N(θ, se²) and a prior N(m, s²):
precision 1/se² + 1/s², mean weighted by precision (Gelman et al. 2013, Bayesian Data Analysis, eq. 2.11-2.12).
Expected losses are those of a decision between two (Stucchio 2015, Bayesian A/B testing at VWO, section 4): closed
forms of the truncated normal, and on the relative scale of the lognormal (the two options' prices of Black 1976).

Only proper priors are taken. Under a flat prior the chance to beat control is one minus the one-sided p, so that
stopping at the first look above 95 % is stopping at the first look with p < 0.05: with 28 daily looks at no effect
it ends wrongly in .27 of experiments and more. A flat-prior rule is not safe to peek at. A proper prior bounds how
sure scarce data can make anybody; it does not replace the sequential test, which alone promises an error rate.
`tests/experiments/stats/test_bayes.py` proves the figures against mpmath at 40 digits and against gbstats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr, ndtri

from imp_core.errors import BadInput
from imp_experiments.stats.arguments import check_alpha, check_direction, check_scale
from imp_experiments.stats.effect import Condition

__all__ = ["METHOD", "RELATIVE_PRIOR", "Posterior", "Prior", "absolute_prior", "posterior"]

METHOD: Final = "normal posterior of a proper normal prior; expected loss in closed form"
_SHARE: Final = 0.3
# A lognormal narrower than this is integrated, because the closed form subtracts nearly equal numbers.
_NARROW: Final = 0.5
_DENSITY_IS_NIL: Final = 40.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What is believed of the effect before the data: Normal(`mean`, `sd`²).

    In the metric's unit on the absolute scale, of log(variant / control) on the relative one. BadInput unless the
    mean is finite and sd is finite and above 0: a flat prior is not offered (see the module).
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.mean):
            raise BadInput("the prior's mean is not a finite number", where="prior", mend="say a number; 0 is usual")
        if not (math.isfinite(self.sd) and self.sd > 0):
            mend = "say a finite spread above 0; a flat prior is not offered, because it is not safe to peek at"
            raise BadInput("the prior's sd is not a finite number above 0", where="prior", mend=mend)


# The default on the relative scale: a change by half or more (a ratio beyond 0.55 to 1.8) is held for improbable
# (5 %), the sign for open. Effects of a few per cent, as nearly all are, are not drawn towards 0 noticeably once the
# standard error is below 0.05, while ten units cannot make anybody sure. gbstats' spread of a lift is 0.3 as well.
RELATIVE_PRIOR: Final = Prior(mean=0.0, sd=_SHARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """What is known of one effect after the data; every figure is of one normal distribution.

    mean, sd: of the difference in the metric's unit (absolute), of log(variant / control) (relative).
    estimate, low, high: the median and the central interval of 1 - alpha as a reader meets them: in the metric's
    unit, or as a share of control (0.02: two per cent more).
    chance_to_beat: probability that the variant is better than control, in the metric's direction.
    loss_of_shipping: what is lost on average by shipping the variant, counting 0 where it is the better one; in the
    metric's unit, or as a share of control: E[max(0, 1 - variant/control)] for "up".
    loss_of_keeping: likewise by keeping control.
    prior: what was believed before.
    """

    mean: float
    sd: float
    estimate: float
    low: float
    high: float
    chance_to_beat: float
    loss_of_shipping: float
    loss_of_keeping: float
    prior: Prior


def absolute_prior(control_mean: float) -> Prior:
    """The default on the absolute scale: Normal(0, 0.3 |control's mean|), in the metric's unit.

    There is no default without a unit: a spread of 0.3 means nothing of euros and a lot of a proportion.

    Raises:
        BadInput: control's mean is 0 or not finite, so that it gives no scale; name a `Prior` of your own.
    """
    spread = _SHARE * abs(control_mean)
    if not (math.isfinite(spread) and spread > 0):
        mend = "name a prior in the metric's unit"
        raise BadInput("control's mean gives the prior no spread", where="control_mean", mend=mend)
    return Prior(mean=0.0, sd=spread)


def posterior(
    estimate: float, se: float, *, scale: str, direction: str, prior: Prior, alpha: float = 0.05
) -> Posterior | Condition:
    """Weigh an effect with what was believed before.

    `estimate` and `se` are in the metric's unit on the absolute scale; on the relative scale they are of
    log(variant / control). A `Condition` comes instead where there is no estimate or no standard error above 0, or
    where floating point cannot hold the result.

    Raises:
        BadInput: scale, direction or alpha is not one that there is.
    """
    check_scale(scale)
    check_direction(direction)
    check_alpha(alpha)
    if not (math.isfinite(estimate) and math.isfinite(se)):
        return Condition("not_finite", scale)
    if se <= 0:
        return Condition("no_error", scale)
    mean, sd = _combined(estimate, se, prior)
    if not (math.isfinite(mean) and sd > 0):
        return Condition("not_finite", scale)
    half = -float(ndtri(alpha / 2)) * sd
    shown = (mean, mean - half, mean + half)
    try:
        if scale == "relative":
            shown = (math.expm1(shown[0]), math.expm1(shown[1]), math.expm1(shown[2]))
        below, above = _relative_losses(mean, sd) if scale == "relative" else _absolute_losses(mean, sd)
    except OverflowError:
        return Condition("unbounded", scale)
    if not all(math.isfinite(figure) for figure in (*shown, below, above)):
        return Condition("unbounded" if scale == "relative" else "not_finite", scale)
    up = direction == "up"
    return Posterior(
        mean=mean,
        sd=sd,
        estimate=shown[0],
        low=shown[1],
        high=shown[2],
        chance_to_beat=float(ndtr(mean / sd if up else -mean / sd)),
        loss_of_shipping=below if up else above,
        loss_of_keeping=above if up else below,
        prior=prior,
    )


def _combined(estimate: float, se: float, prior: Prior) -> tuple[float, float]:
    """Posterior mean and sd; with ratios below 1, so that no square leaves floating point."""
    small, large = min(se, prior.sd), max(se, prior.sd)
    square = (small / large) ** 2
    weight = (1.0 if se <= prior.sd else square) / (1 + square)
    return prior.mean + weight * (estimate - prior.mean), small / math.sqrt(1 + square)


def _absolute_losses(mean: float, sd: float) -> tuple[float, float]:
    """E[max(0, -θ)] and E[max(0, θ)] of a normal θ: the smaller one from the tail, the other is |mean| more."""
    distance = abs(mean) / sd
    tail = sd * _density(distance) * _excess(distance)
    return (tail, tail + mean) if mean >= 0 else (tail - mean, tail)


def _relative_losses(mean: float, sd: float) -> tuple[float, float]:
    """E[max(0, 1 - R)] and E[max(0, R - 1)] where log R is Normal(mean, sd²).

    Φ(-d) - e^(mean + sd²/2) Φ(-d - sd) with d = mean / sd, and its mirror. As e^(mean + sd²/2) φ(d + sd) = φ(d), the
    first is φ(d) times the fall of Mills' ratio from d to d + sd: integrated where sd is small.
    """
    d, growth = mean / sd, mean + sd * sd / 2
    if sd >= _NARROW:
        inner, outer = (float(log_ndtr(-d)), float(log_ndtr(d))), (float(log_ndtr(-d - sd)), float(log_ndtr(d + sd)))
        below = math.exp(inner[0]) - math.exp(growth + outer[0])
        return below, math.exp(growth + outer[1]) - math.exp(inner[1])
    # the side that is a tail, and the other by parity: E[max(0, R - 1)] - E[max(0, 1 - R)] = E[R] - 1
    start = d if d >= 0 else -d - sd
    points = start + sd * (_NODES + 1) / 2
    tail = _density(d) * sd / 2 * float(np.dot(_WEIGHTS, [_excess(x) for x in points]))
    return (tail, tail + math.expm1(growth)) if d >= 0 else (tail - math.expm1(growth), tail)


def _density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _excess(x: float) -> float:
    """1 - x M(x), with Mills' ratio M(x) = (1 - Φ(x)) / φ(x): how fast M falls at x. It only ever meets φ(x)."""
    x = min(x, _DENSITY_IS_NIL)
    return 1 - x * math.sqrt(math.pi / 2) * float(erfcx(x / math.sqrt(2)))
