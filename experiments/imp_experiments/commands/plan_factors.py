"""What the effects of factors take, of an experiment whose file has some."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from imp_core.clock import DAY_US
from imp_experiments.commands.planner import Planner
from imp_experiments.design.assign import bucket_shares
from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.design.parse_factors import design_of_file
from imp_experiments.stats.power.duration import Arrivals, days_until, matured
from imp_experiments.stats.power.effects import effects_of
from imp_experiments.stats.power.setting import Setting

__all__ = ["EffectPlan", "enough", "plan_factors", "signed"]

# main effects and two-way interactions, as readouts tell them
_ORDER: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectPlan:
    """What one effect of factors takes, told at the horizon at alpha, uncorrected; fields as in `MetricPlan`.

    `aliases` is the chain that the figure is of in a fraction, else None.
    """

    effect: str
    aliases: str | None
    units: int | None
    days: int | None
    detectable: float | None
    enough: bool | None


def signed(setting: Setting, mde: float | None) -> float | None:
    """The true effect of a size: none of non-inferiority, else toward the better."""
    if setting.margin is not None:
        return 0.0
    return None if mde is None else mde if setting.direction == "up" else -mde


def plan_factors(
    experiment: Experiment,
    metric: Metric,
    planner: Planner,
    *,
    power: float,
    mde: float | None,
    arrivals: Arrivals | None,
) -> tuple[EffectPlan, ...]:
    """Main effects and two-way interactions, which are told once, at the horizon, and at alpha each."""
    made = design_of_file(experiment.factors, experiment.design)
    if made is None or metric.q is not None:
        return ()
    setting = replace(planner.setting, hypotheses=1)
    effect, window = signed(setting, mde), metric.window_us / DAY_US
    horizon = experiment.plan.horizon_us / DAY_US
    count = None if arrivals is None else math.floor(matured(arrivals, horizon, window=window))
    out = []
    for one in effects_of(made, bucket_shares(experiment.weights), order=_ORDER):
        mine = replace(planner, setting=setting, cells=one.cells)
        found = None if effect is None else mine.units(effect, power)
        units = None if found is None else found.total
        out.append(
            EffectPlan(
                effect=one.effect,
                aliases=one.aliases,
                units=units,
                days=None if arrivals is None or units is None else days_until(arrivals, units, window=window),
                detectable=mine.mde(count, power) if count else None,
                enough=enough(effect, units, count),
            )
        )
    return tuple(out)


def enough(effect: float | None, units: int | None, count: int | None) -> bool | None:
    """Whether `count` units are the `units` that the effect takes; None where it is not known."""
    if effect is None:
        return None
    if units is None:
        return False
    return None if count is None else count >= units
