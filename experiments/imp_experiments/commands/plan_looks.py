"""What the registered looks cost in units: the inflation of a plan over the test that looks once."""

from __future__ import annotations

import math
from typing import Final

from imp_core.clock import DAY_US
from imp_core.errors import BadInput
from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.readout.looks import CONFIDENCE_SEQUENCE, DEFAULT_SPENDING, way_of
from imp_experiments.stats.sequential.confidence_sequence import sequence_inflation
from imp_experiments.stats.sequential.inflation import inflation
from imp_experiments.stats.sequential.spending import parse_spending

__all__ = ["inflation_of", "looks_inflation"]

_EVERY: Final = {"daily": 1, "weekly": 7}
_MOST_LOOKS: Final = 1000


def inflation_of(way: str | None, looks: int | None, *, alpha: float, sides: int, power: float) -> float:
    """How many times the units of one look it takes to look so often; 1 for once. Looks are evenly spaced.

    `way` is a spending function (default obrien_fleming), or confidence_sequence: the number of its looks is nothing,
    and the units are those with which it shows the effect with this power where it is looked at last, being narrowest
    there. `alpha` is that of one hypothesis.

    Raises:
        BadInput: there is no such way, or a number of looks that cannot be.
    """
    if way == CONFIDENCE_SEQUENCE:
        return sequence_inflation(alpha=alpha, power=power, sides=sides)
    spending = parse_spending(way or DEFAULT_SPENDING)
    if looks is None:
        raise BadInput("a spending function needs the number of looks", where="looks", mend="say how many")
    if not 1 <= looks <= _MOST_LOOKS:
        raise BadInput("not a number of looks", where="looks", mend=f"say 1 to {_MOST_LOOKS}")
    fractions = [(look + 1) / looks for look in range(looks)]
    return inflation(fractions, alpha=alpha, power=power, spending=spending, sides=sides).factor


def looks_inflation(experiment: Experiment, metric: Metric, *, alpha: float, power: float) -> float:
    """The same of the registered looks, from the day the first cohort has matured to the horizon."""
    plan, way = experiment.plan, way_of(experiment.plan)
    if way == "once":
        return 1.0
    days = math.floor((plan.horizon_us - metric.window_us) / DAY_US)
    looks = max(1, days // _EVERY[plan.looks])
    return inflation_of(way, looks, alpha=alpha, sides=2, power=power)
