"""From the frames of an opened use to a `Measurement`: the only place where people's events meet an experiment."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import narwhals as nw

from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.measure.aggregate import Row, Wanted, aggregate, moments_of, pairs_of
from imp_experiments.measure.before import with_known
from imp_experiments.measure.days import day_end_us, offsets_between
from imp_experiments.measure.metric import UnitValues, unit_values
from imp_experiments.measure.moments import Moments
from imp_experiments.measure.parts import columns_of, parts_of
from imp_experiments.measure.units import EXPOSURE_COLUMNS, IN, exposures_of, in_other_phases, units_of, with_moves

__all__ = ["Measurement", "matured", "measure", "needed"]

_EARLY = "early"
_KEYS = ("status", "variant", "last_variant", "day", "stratum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Moments of the admitted units, and what else the readout says of the units.

    `present` counts all units with an exposure in the view; `left_out` those of them that are out, by reason, and
    `pairs` those in two variants by these ("a+b");
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
    units: nw.LazyFrame[Any] | None = None
    wanted: Wanted | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


def needed(experiment: Experiment) -> list[str]:
    """The columns of the archive that `measure` reads."""
    return sorted({*EXPOSURE_COLUMNS, *columns_of(experiment.metrics)})


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
    `by` are columns of the exposures that `units` keep beside (`by_name`), for breakdowns.
    """
    happened = nw.from_native(events).lazy()
    exposures = exposures_of(happened, experiment.name, phase, by)
    other_phases = in_other_phases(happened, experiment.name, phase)
    span = exposures.select(first=nw.col("event_us").min(), last=nw.col("event_us").max()).collect().rows(named=True)[0]
    metrics = experiment.metrics
    if span["first"] is None:
        names = tuple(part.name for metric in metrics for part in parts_of(metric))
        nothing = Moments(names, (0.0,) * len(names), ())
        return Measurement(
            moments=nothing,
            present=0,
            left_out={},
            pairs={},
            early=0,
            other_phases=other_phases,
            gaps={},
            mixed=frozenset(),
        )
    units = units_of(
        exposures,
        nw.from_native(closed).lazy(),
        variants=list(experiment.weights),
        widest_us=experiment.widest_us,
        as_of_us=as_of_us,
        size=size,
        offsets=offsets_between(zone, int(span["first"]), int(span["last"])),
        by=by,
    )
    if by:
        units = with_moves(units, exposures)
    known: dict[int, str] = {}
    lengths = {metric.pre_us for metric in metrics if metric.pre_us is not None}
    if lengths and permitted is not None:
        units, known = with_known(units, nw.from_native(permitted).lazy(), lengths, size=size)
    exposed = exposures.group_by("subject").agg(exposure_us=nw.col("event_us").min())
    values = unit_values(happened, units, metrics, known, exposed=exposed, as_of_us=as_of_us)
    early = nw.when(nw.col("exposure_us") < started_us).then(nw.lit(1)).otherwise(nw.lit(0))
    frame = values.frame.with_columns(**{_EARLY: early})
    rows, shifts = aggregate(frame, _KEYS, values.wanted, _others(values))
    return _measurement(
        rows,
        shifts,
        values,
        known=experiment.weights,
        other_phases=other_phases,
    )


def matured(moments: Moments, metric: Metric, *, as_of_us: int, zone: ZoneInfo) -> Moments:
    """The cohorts that have entered a metric: day end + window ≤ as-of. A cell without a day always has."""
    return moments.select(lambda cell: cell.day is None or day_end_us(zone, cell.day) + metric.window_us <= as_of_us)


def _gaps(values: UnitValues, rows: Sequence[Row]) -> dict[str, int]:
    """Metric → how many events lack the amount or quantity to sum."""
    gaps: dict[str, int] = {}
    for column, metric in values.gaps.items():
        gaps[metric] = gaps.get(metric, 0) + sum(int(row[column] or 0) for row in rows)
    return gaps


def _others(values: UnitValues) -> dict[str, nw.Expr]:
    out = {column: nw.col(column).sum() for column in (_EARLY, *values.gaps)}
    for columns in values.currencies.values():
        out |= {name: nw.col(name).min() if "_low_" in name else nw.col(name).max() for name in columns}
    return out


def _measurement(
    rows: Sequence[Row],
    shifts: tuple[float, ...],
    values: UnitValues,
    *,
    known: Collection[str],
    other_phases: int,
) -> Measurement:
    admitted = [row for row in rows if row["status"] == IN]
    left_out: dict[str, int] = {}
    for row in rows:
        if row["status"] != IN:
            left_out[row["status"]] = left_out.get(row["status"], 0) + int(row["n"])
    return Measurement(
        moments=moments_of(admitted, values.wanted, shifts),
        present=sum(int(row["n"]) for row in rows),
        left_out=left_out,
        pairs=pairs_of(rows, known),
        early=sum(int(row[_EARLY]) for row in admitted),
        other_phases=other_phases,
        gaps=_gaps(values, admitted),
        mixed=frozenset(
            name
            for name, columns in values.currencies.items()
            if len({row[column] for row in admitted for column in columns} - {None}) > 1
        ),
        units=values.frame,
        wanted=values.wanted,
        columns={column.name: column.source for column in values.wanted.columns},
    )
