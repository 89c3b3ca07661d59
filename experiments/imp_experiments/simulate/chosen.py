"""The population of a metric: by its kind, its clip, and the figures that were given for it."""

from __future__ import annotations

import math
from typing import Final, NoReturn

from imp_core.errors import BadInput
from imp_experiments.design.experiment import Metric
from imp_experiments.simulate.amounts import Clipped, Positives
from imp_experiments.simulate.populations import Amounts, Flags, Population, Rates

__all__ = ["population_of"]

DEFAULT_SHARE: Final = 0.1
DEFAULT_RATE: Final = 0.2
# kind → mean and standard deviation of amounts
DEFAULT_AMOUNTS: Final = {"mean": (5.0, 25.0), "quantile": (100.0, 100.0)}


def population_of(metric: Metric, figures: tuple[float, ...] | None) -> Population:
    """The population of a metric: `figures` are a proportion, a mean with its standard deviation, or a ratio.

    Of a quantile they are the mean and standard deviation of the amounts it is taken of. Where a clip ends values at
    fixed bounds, it does so here; its quantiles are those of a look.

    Raises:
        BadInput: too few or many figures, or figures that cannot be.
    """
    wanted = 2 if metric.kind in DEFAULT_AMOUNTS else 1
    if figures is not None and (len(figures) != wanted or not all(0 < one < math.inf for one in figures)):
        _refuse(metric, "mean:sd, both above 0" if wanted > 1 else "one number above 0")
    found = _population(metric, figures)
    if metric.clip is None or metric.clip.quantiles:
        return found
    return Clipped(inner=found, low=metric.clip.low, high=metric.clip.high)


def _population(metric: Metric, figures: tuple[float, ...] | None) -> Population:
    before = metric.pre_us is not None
    if metric.kind in DEFAULT_AMOUNTS:
        mean, sd = DEFAULT_AMOUNTS[metric.kind] if figures is None else figures
        return (
            Amounts(mean=mean, sd=sd, before=before) if metric.q is None else Positives(q=metric.q, center=mean, sd=sd)
        )
    if metric.kind == "ratio":
        return Rates(mean=DEFAULT_RATE if figures is None else figures[0], before=before)
    share = DEFAULT_SHARE if figures is None else figures[0]
    if share >= 1:
        _refuse(metric, "a share below 1")
    return Flags(mean=share, before=before)


def _refuse(metric: Metric, wanted: str) -> NoReturn:
    raise BadInput(f"{metric.name!r} is a {metric.kind}", where="baseline", mend=f"give it {wanted}")
