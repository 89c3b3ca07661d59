"""Which cohorts each look shows and by which tail, asked of the readout's own `sight_of`: once for all runs."""

from __future__ import annotations

from dataclasses import dataclass

from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.measure.moments import Cell, Moments
from imp_experiments.readout.compare import FEW_CLUSTERS
from imp_experiments.readout.looks import Taken, sight_of
from imp_experiments.readout.registered import split_of
from imp_experiments.simulate.scenario import Scenario, lag_of

__all__ = ["Seen", "seen_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One look of a metric: the last cohort shown, the tail (None: nothing is judged), whether its alpha is spent."""

    through: int
    tail: float | None
    done: bool


def seen_at(experiment: Experiment, metric: Metric, scenario: Scenario, first: int) -> list[Seen]:
    """Every look of a metric whose first one with enough conversions is `first`."""
    past: list[Taken] = []
    out: list[Seen] = []
    for look in range(scenario.days):
        final = look == scenario.days - 1
        through = look - lag_of(experiment, metric)
        if look < first and not final:
            out.append(Seen(through=through, tail=None, done=False))
            continue
        ripe = _moments(scenario, metric, look, through)
        alpha = experiment.plan.alpha / (split_of(experiment, final=final) if metric.role == "primary" else 1)
        few = scenario.clustered and int(scenario.clusters(look, through).min()) < FEW_CLUSTERS
        sight = sight_of(experiment, metric, ripe, past, alpha=alpha, final=final, names=scenario.variants, few=few)
        if sight.taken is not None:
            past.append(sight.taken)
        shown = max((cell.day for cell in sight.moments.cells if cell.day is not None), default=through)
        out.append(Seen(through=shown, tail=None if sight.waits else sight.rule.tail, done=sight.done))
    return out


def _moments(scenario: Scenario, metric: Metric, look: int, through: int) -> Moments:
    """The counts; every unit has converted, because `first` has said when enough have."""
    cells = [
        Cell(name, day, "", int(n), (float(n),), (float(n),))
        for day, counts in enumerate(scenario.units(look, through))
        for name, n in zip(scenario.variants, counts, strict=True)
    ]
    return Moments((metric.name,), (0.0,), tuple(cells))
