"""Breakdowns of a registered experiment by a column of its exposures: exploratory, and guarded. Pure but for scans."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
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
from imp_experiments.readout.readout import Breakdown
from imp_experiments.readout.registered import Seen, asked_of
from imp_experiments.readout.released import Released, level_key
from imp_experiments.stats.sequential.rules import AlwaysRule, FixedRule, Rule

__all__ = ["Broken", "break_down", "breakdown_notes"]

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


def break_down(
    experiment: Experiment,
    measurement: Measurement,
    seen: Mapping[str, Seen],
    *,
    dimensions: Sequence[str],
    beside: Mapping[str, Sequence[str]],
    before: Sequence[Released],
    size: int,
    final: bool,
    k: int,
) -> Broken:
    """Every metric within each level of the dimensions; `before` is what was released of this phase so far.

    `beside`: dimension that is another experiment → its variants, control first.

    Raises:
        BadInput: a dimension has too many levels.
        CheckFailed: with what was released before it would tell of fewer than k people.
    """
    names = [experiment.control, *treatments(experiment)]
    through = tuple(sorted({one.through for one in seen.values() if one.through is not None}))
    most = min(MOST_SHOWN, _MOST_CELLS // max(1, len(names) * len(through) * len(dimensions)))
    cells = [_cells(measurement, dimension, through, names, k=k, most=most) for dimension in dimensions]
    released = tuple(_released(one, names, size) for one in cells if one.grouping.groups)
    check_released(released, before, partial(crossing, measurement), variants=names, k=k, experiment=experiment.name)
    breakdowns = []
    for one in cells:
        tested = {
            shown: [
                found
                for metric in experiment.metrics
                if metric.name in seen
                for found in _tested(
                    experiment,
                    metric,
                    _figured(experiment, measurement, one, shown, seen[metric.name].through),
                    seen,
                    final=final,
                    k=k,
                )
            ]
            for shown in one.grouping.groups
        }
        breakdowns.append(
            broken_down(
                one.dimension,
                one.grouping,
                tested,
                alpha=experiment.plan.alpha,
                final=final,
                beside=beside.get(one.dimension, ()),
                clustered=experiment.cluster is not None,
            )
        )
    return Broken(breakdowns=tuple(breakdowns), released=released)


def breakdown_notes(experiment: Experiment, beside: Collection[str] = ()) -> list[str]:
    """What a reader of breakdowns must know, in sentences."""
    met = [f"{dimension}: the variant that was met before {experiment.name}; {NONE}: none was" for dimension in beside]
    without = [metric.name for metric in experiment.metrics if metric.q is not None]
    return [EXPLORATORY, *met, *([f"quantiles are not broken down: {', '.join(without)}"] if without else [])]


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


def _figured(
    experiment: Experiment, measurement: Measurement, cells: _Cells, shown: str, through: int | None
) -> Moments | None:
    """What the figures of what is shown are made of: its units, or their clusters."""
    if experiment.cluster is None or through is None:
        return cells.of(shown, through)
    levels = cells.grouping.groups[shown]
    return cluster_moments(measurement, through=through, dimension=cells.dimension, levels=levels)


def _tested(
    experiment: Experiment,
    metric: Metric,
    moments: Moments | None,
    seen: Mapping[str, Seen],
    *,
    final: bool,
    k: int,
) -> list[Tested]:
    if moments is None or metric.q is not None or metric.name not in moments.columns:
        return []
    plan, names = experiment.plan, treatments(experiment)
    n = sum(units_in(moments, name) for name in [experiment.control, *names])
    rule: Rule = (
        FixedRule(alpha=plan.alpha)
        if final
        else AlwaysRule(n=n, alpha=plan.alpha, expected_n=plan.units or DEFAULT_EXPECTED)
    )
    tail = plan.alpha / 2 if rule.tail is None else rule.tail
    found = compare_metric(
        moments,
        asked_of(experiment, metric, moments),
        variants=names,
        control=experiment.control,
        tail=tail,
        k=k,
        barred=seen[metric.name].barred,
    )
    return [judged(one, rule) for one in found]
