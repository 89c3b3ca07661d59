"""What is measured: each part compiled to one `when(predicate).then(value).otherwise(0).sum()` per unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from imp_experiments.design.experiment import Metric
from imp_experiments.measure.aggregate import Column, Wanted
from imp_experiments.measure.inside import hits_of
from imp_experiments.measure.parts import SUMMED, Part, covariates_of, missing_name, parts_of
from imp_experiments.measure.units import IN

__all__ = ["SUSPECT", "UnitValues", "unit_values"]

MICROS = 1e6
SUSPECT = "suspect"

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True)
class UnitValues:
    """A frame of one row a unit, and which of its columns are to be summed, under which names in `Moments`.

    `suspect`: it has a column "suspect", 1 where an event of a unit is, else 0 (null: it has no events).
    """

    frame: Frame
    wanted: Wanted
    suspect: bool


def unit_values(
    inside: Frame,
    units: Frame,
    metrics: Sequence[Metric],
    known: Mapping[int, str] | None = None,
    *,
    suspect: nw.Expr | None = None,
) -> UnitValues:
    """The units with a value per part of each metric: 0 for an admitted unit without events, null for a unit out.

    `inside` are the events that may count (`events_inside`). `known`: length of a time before the exposure → column of
    `units` that is 1 where the unit permitted all of it; what was before is NaN where it is not 1. `suspect`: which
    events inside are to be told beside.
    """
    parts = [part for metric in metrics for part in parts_of(metric)]
    sums = _sums(metrics)
    if suspect is not None:
        sums[SUSPECT] = nw.when(suspect).then(nw.lit(1)).otherwise(nw.lit(0))
    # columns first, plain sums after: pandas groups nothing else efficiently
    flags = {name for name in sums if not name.startswith("part_")}
    flags |= {f"part_{place}" for place, part in enumerate(parts) if part.value == "any"}
    combined = {name: nw.col(name).max() if name in flags else nw.col(name).sum() for name in sums}
    per_unit = inside.with_columns(**sums).group_by("subject").agg(**combined)
    # half as wide as what integers are summed in: the join holds a row of every unit with events
    per_unit = per_unit.with_columns(**{name: nw.col(name).cast(nw.Float64) for name in sums})
    known = known or {}
    filled = {f"part_{place}": _filled(part, place, known) for place, part in enumerate(parts)}
    unknown = {f"unknown_{length}": _unknown(column) for length, column in known.items()}
    frame = units.join(per_unit, on="subject", how="left").with_columns(**filled, **unknown)
    return UnitValues(frame, _wanted(metrics, parts, known), suspect is not None)


def _sums(metrics: Sequence[Metric]) -> dict[str, nw.Expr]:
    """Columns of the events whose sums per unit are its values; hits_<i> tells the events of a part that wants one."""
    parts = [part for metric in metrics for part in parts_of(metric)]
    sums: dict[str, nw.Expr] = {}
    for place, (part, hit) in enumerate(zip(parts, hits_of(metrics), strict=True)):
        sums[f"part_{place}"] = nw.when(hit).then(_worth(part)).otherwise(nw.lit(0))
        if part.among_hit:
            sums[f"hits_{place}"] = nw.when(hit).then(nw.lit(1)).otherwise(nw.lit(0))
    return sums


def _worth(part: Part) -> nw.Expr:
    column = SUMMED.get(part.value)
    return nw.lit(1) if column is None else nw.col(column)


def _filled(part: Part, place: int, known: Mapping[int, str]) -> nw.Expr:
    """The unit's value as a float: zero for admitted units only, null for units that are out."""
    value = nw.col(f"part_{place}").fill_null(0.0)
    if part.value == "any":
        value = nw.when(value > 0).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    elif part.value == "amount":
        value = value / MICROS
    if part.before:
        permitted = nw.col(known[-part.from_us]) if -part.from_us in known else nw.lit(0)
        value = nw.when(permitted == 1).then(value).otherwise(nw.lit(math.nan))
    if part.among_hit:
        value = nw.when(nw.col(f"hits_{place}").fill_null(0) > 0).then(value)
    return nw.when(nw.col("status") == IN).then(value)


def _unknown(column: str) -> nw.Expr:
    unknown = nw.when(nw.col(column) == 1).then(nw.lit(0.0)).otherwise(nw.lit(1.0))
    return nw.when(nw.col("status") == IN).then(unknown)


def _wanted(metrics: Sequence[Metric], parts: Sequence[Part], known: Mapping[int, str]) -> Wanted:
    columns = [
        Column(
            source=f"part_{place}",
            name=part.name,
            binary=part.value == "any" and not part.before,
            filled=part.before,
            farthest=part.value != "any" and not part.before,
        )
        for place, part in enumerate(parts)
    ]
    columns += [Column(source=f"unknown_{length}", name=missing_name(length), binary=True) for length in known]
    names = [column.name for column in columns]
    pairs: set[tuple[int, int]] = set()
    for metric in metrics:
        mine = {*(part.name for part in parts if part.metric == metric.name), *covariates_of(metric, metrics)}
        together = [place for place, name in enumerate(names) if name in mine]
        pairs |= {(i, j) for i in together for j in together if i < j}
    return Wanted(tuple(columns), tuple(sorted(pairs)))
