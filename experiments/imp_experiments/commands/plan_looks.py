"""What the registered looks cost in units: the inflation of a Lan-DeMets plan over the test that looks once."""

from __future__ import annotations

import math

from imp_core.clock import DAY_US
from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.readout.looks import CONFIDENCE_SEQUENCE, way_of
from imp_experiments.stats.sequential.inflation import inflation
from imp_experiments.stats.sequential.spending import parse_spending

__all__ = ["looks_inflation"]

_EVERY = {"daily": 1, "weekly": 7}


def looks_inflation(experiment: Experiment, metric: Metric, *, alpha: float, power: float) -> float | None:
    """How many times the units of one look the registered looks take for the same power; 1.0 for one look.

    Looks are evenly spaced from the day the first cohort has matured to the horizon. None for a confidence sequence,
    whose units are not fixed.
    """
    plan, way = experiment.plan, way_of(experiment.plan)
    if way == "once":
        return 1.0
    if way == CONFIDENCE_SEQUENCE:
        return None
    days = math.floor((plan.horizon_us - metric.window_us) / DAY_US)
    looks = max(1, days // _EVERY[plan.looks])
    fractions = [(look + 1) / looks for look in range(looks)]
    return inflation(fractions, alpha=alpha, power=power, spending=parse_spending(way)).factor
