"""Breakdowns of a registered experiment by a column of its exposures: exploratory, and guarded. Pure but for scans."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Final

from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.measure.archive import Measurement
from imp_experiments.measure.clustered import cluster_moments
from imp_experiments.measure.levels import crossing, level_moments
from imp_experiments.measure.merge import MOST_SHOWN, Grouping, merge_levels
from imp_experiments.measure.moments import Moments
from imp_experiments.measure.units import NONE
from imp_experiments.readout.broken_down import EXPLORATORY, broken_down
from imp_experiments.readout.compare import Tested, compare_metric, units_in
from imp_experiments.readout.decide import treatments
from imp_experiments.readout.differencing import check_released
from imp_experiments.readout.judged import judged
from imp_experiments.readout.looks import DEFAULT_EXPECTED
from imp_experiments.readout.reading import Reading
from imp_experiments.readout.readout import Breakdown
from imp_experiments.readout.registered import Seen, asked_of
from imp_experiments.readout.released import Released, level_key
from imp_experiments.stats.sequential.rules import AlwaysRule, FixedRule, Rule

__all__ = ["Broken", "Dimensions", "break_down", "breakdown_notes"]

# The ledger's entry keeps a count of each cell: so many fit beside what else it holds.
_MOST_CELLS: Final = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The breakdowns, and what of them the ledger keeps."""

    breakdowns: tuple[Breakdown, ...]
    released: tuple[Released, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """One dimension's levels: their moments, how they are merged, and the populations (last cohort days) they have."""

    dimension: str
    moments: Mapping[str, Moments]
    grouping: Grouping
    through: tuple[int, ...]

    def of(self, shown: str, through: int | None) -> Moments | None:
        """The moments of what is shown, of the cohorts up to a day; None: no cohort."""
        if through is None:
            return None
        parts = [self.moments[level] for level in self.grouping.groups[shown]]
        return reduce(Moments.merge, parts).select(lambda cell: cell.day is not None and cell.day <= through)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """What to break down by: `names`, and `beside` of those that are experiments their variants, control first.

    `before` is what earlier readouts of the same phase released of levels, of whatever dimension.
    """

    names: Sequence[str] = ()
    beside: Mapping[str, Sequence[str]] = field(default_factory=dict)
    before: Sequence[Released] = ()

    @property
    def carried(self) -> list[str]:
        """All that units must be told apart by."""
        return sorted({*self.names, *(one.dimension for one in self.before)}) if self.names else []


@dataclass(frozen=True, slots=True, kw_only=True)
class _Of:
    """What is broken down, and as of when."""

    experiment: Experiment
    measurement: Measurement
    seen: Mapping[str, Seen]
    reading: Reading


def break_down(
    experiment: Experiment,
    measurement: Measurement,
    seen: Mapping[str, Seen],
    dimensions: Dimensions,
    reading: Reading,
    *,
    size: int,
) -> Broken:
    """Every metric, as it is `seen`, within each level of the dimensions; `size` is the ledger's that is read.

    Raises:
        BadInput: a dimension has too many levels.
        CheckFailed: with what was released before it would tell of fewer than k people.
    """
    names = [experiment.control, *treatments(experiment)]
    through = tuple(sorted({one.through for one in seen.values() if one.through is not None}))
    most = min(MOST_SHOWN, _MOST_CELLS // max(1, len(names) * len(through) * len(dimensions.names)))
    cells = [_cells(measurement, one, through, names, k=reading.k, most=most) for one in dimensions.names]
    released = tuple(_released(one, names, size) for one in cells if one.grouping.groups)
    crossed = partial(crossing, measurement)
    check_released(released, dimensions.before, crossed, variants=names, k=reading.k, experiment=experiment.name)
    of = _Of(experiment=experiment, measurement=measurement, seen=seen, reading=reading)
    breakdowns = tuple(_breakdown(of, one, dimensions.beside.get(one.dimension, ())) for one in cells)
    return Broken(breakdowns=breakdowns, released=released)


def breakdown_notes(experiment: Experiment, beside: Collection[str] = ()) -> list[str]:
    """What a reader of breakdowns must know, in sentences."""
    met = [f"{dimension}: the variant that was met before {experiment.name}; {NONE}: none was" for dimension in beside]
    without = [metric.name for metric in experiment.metrics if metric.q is not None]
    return [EXPLORATORY, *met, *([f"quantiles are not broken down: {', '.join(without)}"] if without else [])]


def _breakdown(of: _Of, cells: _Cells, beside: Sequence[str]) -> Breakdown:
    metrics = [metric for metric in of.experiment.metrics if metric.name in of.seen]
    tested = {
        shown: [found for metric in metrics for found in _tested(of, metric, cells, shown)]
        for shown in cells.grouping.groups
    }
    return broken_down(
        cells.dimension,
        cells.grouping,
        tested,
        alpha=of.experiment.plan.alpha,
        final=of.reading.final,
        beside=beside,
        clustered=of.experiment.cluster is not None,
    )


def _cells(
    measurement: Measurement, dimension: str, through: tuple[int, ...], names: Sequence[str], *, k: int, most: int
) -> _Cells:
    moments = level_moments(measurement, dimension) if through else {}
    counts = {level: [_counts(mine, day, names) for day in through] for level, mine in moments.items()}
    return _Cells(dimension=dimension, moments=moments, grouping=merge_levels(counts, k, most=most), through=through)


def _counts(moments: Moments, through: int, names: Sequence[str]) -> list[int]:
    ripe = moments.select(lambda cell: cell.day is not None and cell.day <= through)
    return [ripe.count(name) for name in names]


def _released(cells: _Cells, names: Sequence[str], size: int) -> Released:
    levels = {}
    for shown in cells.grouping.groups:
        parts = [cells.of(shown, day) for day in cells.through]
        levels[level_key(cells.dimension, shown)] = tuple(
            tuple(part.count(name) for name in names) for part in parts if part is not None
        )
    return Released(dimension=cells.dimension, size=size, through=cells.through, levels=levels)


def _figured(of: _Of, cells: _Cells, shown: str, through: int | None) -> Moments | None:
    """What the figures of what is shown are made of: its units, or their clusters."""
    if of.experiment.cluster is None or through is None:
        return cells.of(shown, through)
    levels = cells.grouping.groups[shown]
    return cluster_moments(of.measurement, through=through, dimension=cells.dimension, levels=levels)


def _tested(of: _Of, metric: Metric, cells: _Cells, shown: str) -> list[Tested]:
    experiment, seen = of.experiment, of.seen[metric.name]
    moments = _figured(of, cells, shown, seen.through)
    if moments is None or metric.q is not None or metric.name not in moments.columns:
        return []
    plan, names = experiment.plan, treatments(experiment)
    n = sum(units_in(moments, name) for name in [experiment.control, *names])
    rule: Rule = (
        FixedRule(alpha=plan.alpha)
        if of.reading.final
        else AlwaysRule(n=n, alpha=plan.alpha, expected_n=plan.units or DEFAULT_EXPECTED)
    )
    tail = plan.alpha / 2 if rule.tail is None else rule.tail
    found = compare_metric(
        moments,
        asked_of(experiment, metric, moments),
        variants=names,
        control=experiment.control,
        tail=tail,
        k=of.reading.k,
        barred=seen.barred,
    )
    return [judged(one, rule) for one in found]
