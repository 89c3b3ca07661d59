"""Comparisons weighed with a proper prior: the Bayesian reading of the effect on the registered scale. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

from imp_experiments.readout.compare import Tested
from imp_experiments.stats.bayes import Prior, posterior
from imp_experiments.stats.effect import Condition

__all__ = ["PEEKING", "weighed"]

PEEKING = (
    "chances to beat control are of a normal prior; they do not make looking early safe: only the sequential methods "
    "hold an error rate"
)


def weighed(compared: Sequence[Tested], prior: Prior, *, alpha: float, down: Collection[str] = ()) -> list[Tested]:
    """Add the posterior of each effect on its registered scale; of the metrics in `down` less is better.

    The prior is of log(variant / control) on the relative scale, in the metric's unit on the absolute one.
    """
    return [_one(one, prior, alpha, "down" if one.compared.metric in down else "up") for one in compared]


def _one(one: Tested, prior: Prior, alpha: float, direction: str) -> Tested:
    effect, scale = one.compared.registered, one.compared.scale
    if effect is None:
        return one
    estimate = effect.estimate if scale == "absolute" else math.log1p(effect.estimate) if effect.estimate > -1 else None
    found = (
        Condition("not_finite", scale)
        if estimate is None
        else posterior(estimate, effect.se, scale=scale, direction=direction, prior=prior, alpha=alpha)
    )
    if isinstance(found, Condition):
        # the effect itself stands
        return one
    return replace(one, compared=replace(one.compared, posterior=found))
