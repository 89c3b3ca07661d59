"""The baseline of a quantile, from the density of the values there."""

from __future__ import annotations

from imp_core.errors import BadInput
from imp_experiments.stats.power.baseline import Baseline

__all__ = ["of_quantile"]


def of_quantile(value: float, *, q: float, density: float, follows: str = "cv") -> Baseline:
    """The q-quantile with the n-fold of its asymptotic variance, q (1 - q) / density².

    `density` is that of the units at `value`: the share of units within a narrow band around it, over the width of
    the band. With `follows` = "cv" the values are taken to stretch with the quantile (Serfling 1980, section 2.3.3).

    Raises:
        BadInput: q is not between 0 and 1, or the density is not above 0.
    """
    if not 0 < q < 1:
        raise BadInput("not a quantile", where="q", mend="give a number between 0 and 1; 0.5 is the median")
    if not density > 0:
        raise BadInput("must be above 0", where="density", mend="give the share of units per unit of the metric")
    return Baseline(mean=value, variance=q * (1 - q) / density / density, follows=follows)
