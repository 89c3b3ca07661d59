"""Which cohorts of each metric may be compared: those that matured, but for days by whose few people metrics differ.

Metrics with other windows have matured up to other days. Each tells its units by variant, so that the difference of two
tells how many came on the days between: where these are 1 to k - 1 of a variant, the later metric waits for more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imp_core.suppress import any_hidden, hidden
from imp_experiments.design.experiment import Experiment
from imp_experiments.measure.archive import matured
from imp_experiments.measure.moments import Moments
from imp_experiments.readout.decide import treatments
from imp_experiments.readout.looks import Taken
from imp_experiments.readout.reading import Reading

__all__ = ["ripe_cohorts"]


def ripe_cohorts(
    experiment: Experiment, moments: Moments, past: Mapping[str, Sequence[Taken]], reading: Reading
) -> dict[str, Moments]:
    """Metric → its cohorts; those of a look that the ledger keeps (`past`) are shown again in any case."""
    names = [experiment.control, *treatments(experiment)]
    ripe = {
        metric.name: matured(moments, metric, as_of_us=reading.as_of_us, zone=reading.zone)
        for metric in experiment.metrics
    }
    found: dict[str, Moments] = {}
    told: int | None = None
    for metric in sorted(ripe, key=lambda name: _last(ripe[name])):
        day = _last(ripe[metric])
        if told is not None and _few_between(ripe[metric], told, names, reading.k):
            day = max([told, *(look.day for look in past.get(metric, ())[-1:])])
        found[metric] = _through(ripe[metric], day)
        told = day if told is None else max(told, day)
    return found


def _last(moments: Moments) -> int:
    """The last cohort day; -1 where there is none."""
    return max((cell.day for cell in moments.cells if cell.day is not None), default=-1)


def _through(moments: Moments, day: int) -> Moments:
    return moments.select(lambda cell: cell.day is None or cell.day <= day)


def _few_between(ripe: Moments, told: int, names: Sequence[str], k: int) -> bool:
    """Whether 1 to k - 1 units of a variant came after the day that another metric tells of."""
    since = ripe.select(lambda cell: cell.day is not None and cell.day > told)
    counts = [since.count(name) for name in names]
    return any_hidden(hidden(n, k) for n in (*counts, since.count() - sum(counts)))
