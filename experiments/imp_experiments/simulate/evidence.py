"""What each look of each run shows of a metric: nominal tails about no effect and about the true one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.readout.looks import CONFIDENCE_SEQUENCE, MIN_CONVERSIONS, way_of
from imp_experiments.simulate.draw import Drawn
from imp_experiments.simulate.scenario import lag_of
from imp_experiments.simulate.sights import Seen
from imp_experiments.stats.many import ManyContrasts, ManySums, many_contrasts, tail_beyond
from imp_experiments.stats.score import Count, few_events, score

__all__ = ["Evidence", "Nominal", "evidence_of"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_RAREST: Final = 10.0


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
    the last day. `done` (runs × looks): no alpha is left.
    """

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
    drawn: Drawn,
    seen: Callable[[int], list[Seen]],
    *,
    measured: int,
    truth: float,
) -> Evidence:
    """Judge every look; `seen` says what is seen where the first look with enough conversions is the given one."""
    days, lag = drawn.scenario.days, lag_of(experiment, metric)
    firsts = _firsts(experiment, metric, drawn)
    judge = _Judge(metric, drawn, measured)
    runs, treated = drawn.sums.shape[0], len(drawn.scenario.variants) - 1
    tails, done = np.full((runs, days), math.nan), np.zeros((runs, days), dtype=bool)
    nulls = {"none": 0.0, "true": truth}
    if metric.margin is not None:
        nulls["margin"] = -metric.margin if metric.direction == "up" else metric.margin
    found = {name: _blank(runs, days, treated) for name in nulls}
    for first in np.unique(firsts):
        mine = firsts == first
        for look, sight in enumerate(seen(int(first))):
            tails[mine, look] = math.nan if sight.tail is None else sight.tail
            done[mine, look] = sight.done
            for name, null in nulls.items():
                tail, above = judge.tails(look, sight.through, null)
                found[name].tail[mine, look], found[name].above[mine, look] = tail[mine], above[mine]
    daily = _blank(runs, days, treated)
    for look in range(days):
        daily.tail[:, look], daily.above[:, look] = judge.tails(look, look - lag, 0.0)
    tail, above = judge.tails(days - 1, days - 1 - lag, truth)
    last = Nominal(tail[:, None], above[:, None])
    return Evidence(
        tails=tails,
        done=done,
        none=found["none"],
        true=found["true"],
        margin=found.get("margin"),
        daily=daily,
        last=last,
    )


def _blank(runs: int, days: int, treated: int) -> Nominal:
    return Nominal(np.full((runs, days, treated), math.nan), np.zeros((runs, days, treated), dtype=bool))


def _firsts(experiment: Experiment, metric: Metric, drawn: Drawn) -> npt.NDArray[np.int64]:
    """The first look of each run with enough conversions in every variant; 0 where looks do not wait for any."""
    runs, days = drawn.sums.shape[0], drawn.scenario.days
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


class _Judge:
    """Contrasts by look and cohorts, each computed once."""

    def __init__(self, metric: Metric, drawn: Drawn, measured: int) -> None:
        self._metric, self._drawn, self._measured = metric, drawn, measured
        self._known: dict[tuple[int, int], tuple[ManySums, list[ManyContrasts]]] = {}

    def tails(self, look: int, through: int, null: float) -> tuple[Floats, Flags]:
        """Runs × treatments."""
        if through < 0:
            shape = (self._drawn.sums.shape[0], len(self._drawn.scenario.variants) - 1)
            return np.full(shape, math.nan), np.zeros(shape, dtype=bool)
        if (look, through) not in self._known:
            sums = self._drawn.at(look, through)
            self._known[look, through] = sums, many_contrasts(sums, measured=self._measured, scale=self._metric.scale)
        sums, contrasts = self._known[look, through]
        found = [tail_beyond(one, null, self._metric.scale) for one in contrasts]
        tail, above = (np.stack(parts, axis=1) for parts in zip(*found, strict=True))
        if self._metric.kind == "proportion" and self._drawn.columns == 1:
            self._rare(sums, null, tail, above)
        return tail, above

    def _rare(self, sums: ManySums, null: float, tail: Floats, above: Flags) -> None:
        """Scores where events are few, one by one."""
        events = np.rint(sums.sums[..., 0] + sums.shifts[0] * sums.n).astype(np.int64)
        for place in range(1, len(sums.n)):
            n = (int(sums.n[place]), int(sums.n[0]))
            total = events[:, place] + events[:, 0]
            rarer = np.minimum(total, sum(n) - total)
            for run in np.flatnonzero(rarer * min(n) < _RAREST * sum(n) + 1):
                both = (int(events[run, place]), int(events[run, 0]))
                if few_events(both, n):
                    found = score(Count(both[0], n[0]), Count(both[1], n[1]))
                    unbounded = self._metric.scale == "relative" and not both[1]
                    under = None if unbounded else found.p_beyond(self._metric.scale, null)
                    small = math.nan if under is None else min(under, 1 - under)
                    tail[run, place - 1], above[run, place - 1] = small, under is not None and under < 0.5  # noqa: PLR2004
