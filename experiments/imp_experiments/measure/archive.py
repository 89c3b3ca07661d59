"""From the frames of an opened use to a `Measurement`: the only place where people's events meet an experiment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

import narwhals as nw

from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.measure.aggregate import Row, Wanted, aggregate, moments_of, pairs_of
from imp_experiments.measure.before import with_known
from imp_experiments.measure.clip import clip_units
from imp_experiments.measure.days import day_end_us, offsets_between
from imp_experiments.measure.faults import Faults, faults_of, no_faults, suspects
from imp_experiments.measure.first import span_of
from imp_experiments.measure.inside import events_inside
from imp_experiments.measure.keep import keep
from imp_experiments.measure.met import other_experiment, with_met
from imp_experiments.measure.metric import SUSPECT, UnitValues, unit_values
from imp_experiments.measure.moments import Moments
from imp_experiments.measure.parts import columns_of, parts_of
from imp_experiments.measure.units import (
    EXPOSURE_COLUMNS,
    IN,
    by_name,
    exposures_of,
    in_other_phases,
    units_of,
    with_moves,
)

__all__ = ["Measurement", "matured", "measure", "needed"]

_EARLY = "early"
_KEYS = ("status", "variant", "last_variant", "day", "stratum")

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Moments of the admitted units, and what else the readout says of the units.

    `present` counts all units with an exposure in the view; `left_out` those of them that are out, by reason, and
    `pairs` those in two variants by these ("a+b"); `present_by` and `left_out_by` (variant → reason → units) are the
    same of the units that were seen in one variant alone;
    `early` the admitted ones exposed before the start; `other_phases` people with exposures of other phases, which
    are left out. `gaps` counts events without the amount or quantity a metric sums; `mixed` names metrics whose amounts
    are in several currencies.
    `units` is the lazy frame the moments were summed from, for scans that sums cannot answer, as long as the use is
    open (None: there is no exposure): a row a unit with subject, variant, day, stratum, status, and under `columns` the
    values by their names in the moments (`wanted`: how these are summed).
    """

    moments: Moments
    present: int
    left_out: Mapping[str, int]
    pairs: Mapping[str, int]
    early: int
    other_phases: int
    gaps: Mapping[str, int]
    mixed: frozenset[str]
    present_by: Mapping[str, int] = field(default_factory=dict)
    left_out_by: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    units: nw.LazyFrame[Any] | None = None
    wanted: Wanted | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


def needed(experiment: Experiment) -> list[str]:
    """The columns of the archive that `measure` reads."""
    return sorted({*EXPOSURE_COLUMNS, *columns_of(experiment.metrics), *_carried(experiment, ())})


def _carried(experiment: Experiment, by: Sequence[str]) -> tuple[str, ...]:
    """The columns of the exposures that units keep: for breakdowns, and the cluster where there are clusters."""
    return tuple(dict.fromkeys((*by, *(() if experiment.cluster is None else ("cluster",)))))


def measure(
    events: Any,  # noqa: ANN401 (any native frame Narwhals knows)
    closed: Any,  # noqa: ANN401 (any native frame Narwhals knows)
    experiment: Experiment,
    *,
    permitted: Any = None,  # noqa: ANN401 (any native frame Narwhals knows)
    phase: int,
    as_of_us: int,
    size: int,
    started_us: int,
    zone: ZoneInfo,
    by: Sequence[str] = (),
) -> Measurement:
    """Measure one phase of an experiment on the frames of an opened use, as of a time and a ledger size.

    `events`, `closed` and `permitted` are native lazy frames of one connection, with the columns
    `imp_core.ports.OpenedUse` names. Without `permitted` nothing is known of the time before an exposure.
    `by` are columns of the exposures that `units` keep beside (`by_name`), for breakdowns, or "experiment:NAME".
    """
    by = _carried(experiment, by)
    happened = nw.from_native(events).lazy()
    columns = [name for name in by if other_experiment(name) is None]
    exposures = exposures_of(happened, experiment.name, phase, columns)
    if (span := span_of(exposures, ["stratum", *(by_name(name) for name in columns)])) is None:
        return _nothing(experiment, in_other_phases(happened, experiment.name, phase))
    metrics, lengths = experiment.metrics, _lengths(experiment.metrics) if permitted is not None else set()
    units = units_of(
        exposures,
        nw.from_native(closed).lazy(),
        variants=list(experiment.weights),
        widest_us=experiment.widest_us,
        as_of_us=as_of_us,
        size=size,
        offsets=offsets_between(zone, span.first_us, span.last_us),
        columns=[*(["intake_seq"] if by or lengths else []), *span.varied],
    )
    units = span.with_same(keep(_beside(units, exposures, happened, by), happened))
    units, known = _known(units, permitted, lengths, size)
    inside = events_inside(happened, units, metrics)
    values = unit_values(inside, units, metrics, known, suspect=suspects(happened, metrics))
    values = replace(values, frame=_clipped(values.frame, happened, metrics, by, as_of_us))
    rows, shifts = _summed(values, started_us)
    others = in_other_phases(happened, experiment.name, phase)
    faults = _faults(rows, inside, metrics)
    return _measurement(rows, shifts, values, faults, known=experiment.weights, other_phases=others)


def _known(units: Frame, permitted: Any, lengths: set[int], size: int) -> tuple[Frame, dict[int, str]]:  # noqa: ANN401 (any native frame Narwhals knows)
    """The units with what is known of the time before them, and in which column that is, by length."""
    return with_known(units, nw.from_native(permitted).lazy(), lengths, size=size) if lengths else (units, {})


def _lengths(metrics: Sequence[Metric]) -> set[int]:
    """How long before an exposure metrics look back, in microseconds."""
    return {metric.pre_us for metric in metrics if metric.pre_us is not None}


def _beside(units: Frame, exposures: Frame, events: Frame, by: Sequence[str]) -> Frame:
    """The units with what they are told apart by, where that is asked for."""
    met = [name for name in by if other_experiment(name) is not None]
    return with_met(with_moves(units, exposures), events, met) if by else units


def _summed(values: UnitValues, started_us: int) -> tuple[list[Row], tuple[float, ...]]:
    early = nw.when(nw.col("exposure_us") < started_us).then(nw.lit(1)).otherwise(nw.lit(0))
    counted = [_EARLY, SUSPECT] if values.suspect else [_EARLY]
    others = {name: nw.col(name).sum() for name in counted}
    return aggregate(values.frame.with_columns(**{_EARLY: early}), _KEYS, values.wanted, others)


def _nothing(experiment: Experiment, other_phases: int) -> Measurement:
    """Nobody was exposed."""
    names = tuple(part.name for metric in experiment.metrics for part in parts_of(metric))
    return Measurement(
        moments=Moments(names, (0.0,) * len(names), ()),
        present=0,
        left_out={},
        pairs={},
        early=0,
        other_phases=other_phases,
        gaps={},
        mixed=frozenset(),
    )


def _clipped(frame: Frame, events: Frame, metrics: Sequence[Metric], by: Sequence[str], as_of_us: int) -> Frame:
    """The units' values, ended where they are clipped; kept where what sums cannot answer reads them again."""
    parts = [part for metric in metrics for part in parts_of(metric)]
    if by or any(part.among_hit or part.clip is not None for part in parts):
        frame = keep(frame, events)
    return clip_units(frame, parts, as_of_us)


def _faults(rows: Sequence[Row], inside: Frame, metrics: Sequence[Metric]) -> Faults:
    """What does not add up: looked for where an event of a unit that is in is suspect."""
    found = any(row.get(SUSPECT) for row in rows if row["status"] == IN)
    return faults_of(inside, metrics) if found else no_faults(metrics)


def matured(moments: Moments, metric: Metric, *, as_of_us: int, zone: ZoneInfo) -> Moments:
    """The cohorts that have entered a metric: day end + window ≤ as-of. A cell without a day always has."""
    return moments.select(lambda cell: cell.day is None or day_end_us(zone, cell.day) + metric.window_us <= as_of_us)


def _measurement(
    rows: Sequence[Row],
    shifts: tuple[float, ...],
    values: UnitValues,
    faults: Faults,
    *,
    known: Collection[str],
    other_phases: int,
) -> Measurement:
    admitted = [row for row in rows if row["status"] == IN]
    left_out: Counter[str] = Counter()
    present_by: Counter[str] = Counter()
    left_out_by: dict[str, Counter[str]] = {}
    for row in rows:
        status, variant, n = row["status"], row["variant"], int(row["n"])
        alone = variant == row["last_variant"]
        if alone:
            present_by[variant] += n
        if status != IN:
            left_out[status] += n
            if alone:
                left_out_by.setdefault(variant, Counter())[status] += n
    return Measurement(
        moments=moments_of(admitted, values.wanted, shifts),
        present=sum(int(row["n"]) for row in rows),
        left_out=left_out,
        pairs=pairs_of(rows, known),
        early=sum(int(row[_EARLY]) for row in admitted),
        other_phases=other_phases,
        gaps=faults.gaps,
        mixed=faults.mixed,
        present_by=present_by,
        left_out_by=left_out_by,
        units=values.frame,
        wanted=values.wanted,
        columns={column.name: column.source for column in values.wanted.columns},
    )
