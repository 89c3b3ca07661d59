"""Single runs as readouts have them: moments, comparisons and the decision, by the readout's own functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.measure.layout import UNITS
from imp_experiments.measure.moments import Cell, Moments
from imp_experiments.measure.quantiles import QuantileRow
from imp_experiments.readout.compare import Asked, Tested, compare_metric, compare_quantile
from imp_experiments.readout.decide import decide
from imp_experiments.readout.looks import way_of
from imp_experiments.readout.registered import together
from imp_experiments.simulate.dealt import AnyDrawn, Kept
from imp_experiments.simulate.sights import Seen
from imp_experiments.stats.estimate import Quantity
from imp_experiments.stats.many import ManySums
from imp_experiments.stats.srm import SampleRatio, sample_ratio

__all__ = ["Decided", "asked_in", "decided", "moments_in"]

_KEEP_RUNNING = "keep running"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Decided:
    """By run: whether it ships a treatment, the look (from 0) that decided it, and what this look's intervals leave.

    `tails` of each primary metric are on each side, as corrected (NaN: it shows no figure).
    """

    ships: npt.NDArray[np.bool_]
    at: npt.NDArray[np.int64]
    tails: Mapping[str, npt.NDArray[np.float64]]


def decided(
    experiment: Experiment,
    drawn: Mapping[str, AnyDrawn],
    seen: Sequence[Mapping[str, Sequence[Seen]]],
    measured: Mapping[str, int],
) -> Decided:
    """The decision of every run; `seen` is by run and metric."""
    scenario = next(iter(drawn.values())).scenario
    n = scenario.n(scenario.days - 1, scenario.days - 1)
    counts = dict(zip(scenario.variants, (int(one) for one in n), strict=True))
    # nobody is lost on the way: the shares are those that were promised
    ratio = sample_ratio(counts, {name: count / sum(counts.values()) for name, count in counts.items()})
    readers = {
        metric.name: _Reader(experiment, metric, drawn[metric.name], measured[metric.name])
        for metric in experiment.metrics
    }
    found = []
    for run, sights in enumerate(seen):
        found.append(_decided(experiment, ratio, sights, partial(_tested, readers, run, sights)))
    primaries = [metric.name for metric in experiment.metrics if metric.role == "primary"]
    return Decided(
        ships=np.array([ship for ship, _, _ in found]),
        at=np.array([at for _, at, _ in found]),
        tails={name: np.array([_tail(name, tested) for _, _, tested in found]) for name in primaries},
    )


def _tail(metric: str, tested: Sequence[Tested]) -> float:
    """Of a metric's intervals, which have the same."""
    found = (one.compared.tail for one in tested if one.compared.metric == metric and one.contrast is not None)
    return next((tail for tail in found if tail is not None), math.nan)


def _tested(readers: Mapping[str, _Reader], run: int, sights: Mapping[str, Sequence[Seen]], look: int) -> list[Tested]:
    return [one for name, reader in readers.items() for one in reader.tested(run, look, sights[name][look])]


def _decided(
    experiment: Experiment,
    ratio: SampleRatio,
    sights: Mapping[str, Sequence[Seen]],
    tested: Callable[[int], list[Tested]],
) -> tuple[bool, int, Sequence[Tested]]:
    primaries = [sights[metric.name] for metric in experiment.metrics if metric.role == "primary"]
    last = len(primaries[0]) - 1
    found: list[Tested] = []
    for look in range(last if way_of(experiment.plan) == "once" else 0, last + 1):
        done = all(one[look].done for one in primaries)
        found = together(experiment, tested(look), final=look == last)
        verdict = decide(experiment, found, ratio, final=look == last, done=done, horizon="")
        if verdict.value != _KEEP_RUNNING:
            return verdict.value == "ship", look, found
    return False, last, found


class _Reader:
    """The comparisons of one metric, look by look."""

    def __init__(self, experiment: Experiment, metric: Metric, drawn: AnyDrawn, measured: int) -> None:
        self._experiment, self._metric, self._drawn = experiment, metric, drawn
        self._asked = asked_in(metric, drawn, measured)
        self._sums = cache(drawn.at)
        self._rows = cache(self._rows_at)

    def tested(self, run: int, look: int, sight: Seen) -> list[Tested]:
        """Every treatment against control, as the look shows them."""
        found = self._compared(run, look, sight)
        return [replace(one, compared=replace(one.compared, tail=sight.tail)) for one in found]

    def _compared(self, run: int, look: int, sight: Seen) -> list[Tested]:
        control, *names = self._drawn.scenario.variants
        tail = self._experiment.plan.alpha / 2 if sight.tail is None else sight.tail
        if sight.through < 0:
            return []
        if self._metric.q is not None and isinstance(self._drawn, Kept):
            if sight.tail is None:
                return []
            rows = {name: found[run] for name, found in self._rows(look, sight.through).items()}
            return compare_quantile(
                self._metric.name,
                rows,
                {name: row.n for name, row in rows.items()},
                variants=names,
                control=control,
                scale=self._metric.scale,
                tail=tail,
            )
        return compare_metric(
            moments_in(self._metric, self._drawn, self._sums(look, sight.through), run),
            self._asked,
            variants=names,
            control=control,
            tail=tail,
            barred="before_first_look" if sight.tail is None else None,
        )

    def _rows_at(self, look: int, through: int) -> dict[str, list[QuantileRow]]:
        names, q = self._drawn.scenario.variants, self._metric.q or 0.0
        if not isinstance(self._drawn, Kept):
            return {}
        return {name: self._drawn.rows(q, (look, through), place) for place, name in enumerate(names)}


def asked_in(metric: Metric, drawn: AnyDrawn, measured: int) -> Asked:
    """What of `moments_in` the metric is."""
    names = _names(metric, drawn)
    below = names[1] if measured > 1 else None
    quantity = Quantity(column=names[0], denominator=below, covariates=names[measured:])
    return Asked(metric=metric.name, kind=metric.kind, quantity=quantity, scale=metric.scale)


def moments_in(metric: Metric, drawn: AnyDrawn, sums: ManySums, run: int) -> Moments:
    """One run of what a look sees, a cell a variant."""
    c = drawn.columns
    # of a ratio of clusters nothing is summed by their units, which readouts count all the same
    beside = drawn.scenario.clustered and metric.denominator is not None
    mean = (drawn.scenario.cluster_size or 1.0,) if beside else ()
    cells = [
        Cell(
            name,
            0,
            "",
            int(sums.n[place]),
            (*sums.sums[run, place].tolist(), *(size * float(sums.n[place]) for size in mean)),
            (*sums.squares[run, place].tolist(), *(size**2 * float(sums.n[place]) for size in mean)),
            tuple(sums.products[run, place].tolist()),
        )
        for place, name in enumerate(drawn.scenario.variants)
    ]
    pairs = tuple((i, j) for i in range(c) for j in range(i + 1, c))
    shifts = (*(float(one) for one in sums.shifts), *(0.0 for _ in mean))
    return Moments((*_names(metric, drawn), *(UNITS for _ in mean)), shifts, tuple(cells), pairs)


def _names(metric: Metric, drawn: AnyDrawn) -> tuple[str, ...]:
    names = [metric.name, *(f"{metric.name} {place}" for place in range(1, drawn.columns))]
    if drawn.scenario.clustered and metric.denominator is None and len(names) > 1:
        names[1] = UNITS
    return tuple(names)
