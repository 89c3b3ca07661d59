"""What each look of each run shows of a metric: nominal tails about no effect and about the true one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.readout.looks import CONFIDENCE_SEQUENCE, MIN_CONVERSIONS, way_of
from imp_experiments.simulate.dealt import AnyDrawn
from imp_experiments.simulate.judges import Judge, judge_of
from imp_experiments.simulate.scenario import lag_of
from imp_experiments.simulate.sights import Seen

__all__ = ["Evidence", "Nominal", "evidence_of"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Nominal:
    """Of a null (runs × looks × treatments): half of the two-sided p (NaN: no figure), and whether above it."""

    tail: Floats
    above: Flags


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evidence:
    """What the looks show: `tails` (runs × looks) are what intervals leave on each side (NaN: nothing is judged).

    `none`, `true` and `margin` are about no effect, the true effect, and a guardrail's margin (None: it has none);
    `daily` is about no effect with all cohorts of the day, whatever the look showed; `last` about the true effect at
    the last day. `done` (runs × looks): no alpha is left. `firsts`: each run's first look with enough conversions.
    """

    firsts: npt.NDArray[np.int64]
    tails: Floats
    done: Flags
    none: Nominal
    true: Nominal
    margin: Nominal | None
    daily: Nominal
    last: Nominal


def evidence_of(
    experiment: Experiment,
    metric: Metric,
    drawn: AnyDrawn,
    seen: Callable[[int], list[Seen]],
    *,
    measured: int,
    truths: Sequence[float],
) -> Evidence:
    """Judge every look; `seen` says what is seen where the first look with enough conversions is the given one.

    `truths` are the treatments' true effects on the metric's scale.
    """
    days, lag = drawn.scenario.days, lag_of(experiment, metric)
    firsts = _firsts(experiment, metric, drawn)
    judge = judge_of(metric, drawn, measured)
    runs, treated = drawn.runs, len(truths)
    tails, done = np.full((runs, days), math.nan), np.zeros((runs, days), dtype=bool)
    zero = [0.0] * treated
    nulls = {"none": zero, "true": list(truths)}
    if metric.margin is not None:
        nulls["margin"] = [-metric.margin if metric.direction == "up" else metric.margin] * treated
    found = {name: _blank(runs, days, treated) for name in nulls}
    for first in np.unique(firsts):
        mine = firsts == first
        for look, sight in enumerate(seen(int(first))):
            tails[mine, look] = math.nan if sight.tail is None else sight.tail
            done[mine, look] = sight.done
            for name, null in nulls.items():
                tail, above = judge.tails(look, sight.through, null)
                found[name].tail[mine, look], found[name].above[mine, look] = tail[mine], above[mine]
    last, above = judge.tails(days - 1, days - 1 - lag, truths)
    return Evidence(
        firsts=firsts,
        tails=tails,
        done=done,
        none=found["none"],
        true=found["true"],
        margin=found.get("margin"),
        daily=_daily(judge, drawn, lag, zero),
        last=Nominal(last[:, None], above[:, None]),
    )


def _daily(judge: Judge, drawn: AnyDrawn, lag: int, null: Sequence[float]) -> Nominal:
    """Every day with all its cohorts, as if it were the only look."""
    days = drawn.scenario.days
    found = _blank(drawn.runs, days, len(null))
    for look in range(days):
        found.tail[:, look], found.above[:, look] = judge.tails(look, look - lag, null)
    return found


def _blank(runs: int, days: int, treated: int) -> Nominal:
    return Nominal(np.full((runs, days, treated), math.nan), np.zeros((runs, days, treated), dtype=bool))


def _firsts(experiment: Experiment, metric: Metric, drawn: AnyDrawn) -> npt.NDArray[np.int64]:
    """The first look of each run with enough conversions in every variant; 0 where looks do not wait for any."""
    runs, days = drawn.runs, drawn.scenario.days
    way = way_of(experiment.plan)
    if metric.kind != "proportion" or metric.role != "primary" or way in ("once", CONFIDENCE_SEQUENCE):
        return np.zeros(runs, dtype=np.int64)
    least = experiment.plan.min_conversions
    least = MIN_CONVERSIONS if least is None else least
    lag = lag_of(experiment, metric)
    first = np.full(runs, days - 1, dtype=np.int64)
    for look in range(days - 2, -1, -1):
        if look >= lag:
            events = drawn.at(look, look - lag).sums[..., 0]
            first[(events >= least).all(axis=1)] = look
    return first
