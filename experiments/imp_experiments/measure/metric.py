"""What is measured: each part compiled to one `when(predicate).then(value).otherwise(0).sum()` per unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from imp_experiments.design.experiment import Metric
from imp_experiments.measure.aggregate import Column, Wanted
from imp_experiments.measure.clip import Bounds, Clip, clip_bounds, clipped
from imp_experiments.measure.parts import SUMMED, Part, columns_of, covariates_of, missing_name, parts_of
from imp_experiments.measure.units import IN

__all__ = ["UnitValues", "unit_values"]

MICROS = 1e6

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True)
class UnitValues:
    """A frame of one row a unit, and which of its columns are what.

    `wanted` are the columns to sum, under their names in `Moments`; `gaps` (column → metric) count events without the
    amount or quantity that was to be summed; `currencies` (metric → columns of the lowest and highest currency) tell
    one currency from many.
    """

    frame: Frame
    wanted: Wanted
    gaps: dict[str, str]
    currencies: dict[str, list[str]]


def unit_values(
    events: Frame,
    units: Frame,
    metrics: Sequence[Metric],
    known: Mapping[int, str] | None = None,
    *,
    exposed: Frame | None = None,
    as_of_us: int | None = None,
) -> UnitValues:
    """The units with a value per part of each metric: 0 for an admitted unit without events, null for a unit out.

    `known`: length of a time before the exposure → column of `units` that is 1 where the unit permitted all of it; what
    was before is NaN where it is not 1. Events are filtered to the widest time in one go. `exposed` has subject and
    exposure_us of at least the admitted units, where that is cheaper to find than who is in: the values of the others
    become null all the same. Clips at quantiles are over the units whose window is over at `as_of_us`.
    """
    parts = [part for metric in metrics for part in parts_of(metric)]
    sums, combined = _sums(parts)
    if exposed is None:
        exposed = units.filter(nw.col("status") == IN).select("subject", "exposure_us")
    inside = _events_inside(events, exposed, metrics, parts)
    per_unit = inside.with_columns(**sums).group_by("subject").agg(**combined)
    frame = units.join(per_unit, on="subject", how="left")
    known = known or {}
    filled = {f"part_{place}": _filled(part, place, known) for place, part in enumerate(parts)}
    unknown = {f"unknown_{length}": _unknown(column) for length, column in known.items()}
    frame = _clipped(frame.with_columns(**filled, **unknown), parts, as_of_us)
    gaps = {f"gap_{place}": part.metric for place, part in enumerate(parts) if part.value in SUMMED and not part.before}
    currencies: dict[str, list[str]] = {}
    for place, part in enumerate(parts):
        if part.value == "amount":
            currencies.setdefault(part.metric, []).extend((f"currency_low_{place}", f"currency_high_{place}"))
    return UnitValues(frame, _wanted(metrics, parts, known), gaps, currencies)


def _clipped(frame: Frame, parts: Sequence[Part], as_of_us: int | None) -> Frame:
    """With the values of clipped parts ended at their bounds, which are one for all variants."""
    bounds: dict[str, Bounds] = {}
    for place, part in enumerate(parts):
        if part.clip is not None:
            clip = Clip(low=part.clip.low, high=part.clip.high, quantiles=part.clip.quantiles)
            ripe = frame.filter(nw.col("status") == IN)
            if as_of_us is not None:
                ripe = ripe.filter(nw.col("exposure_us") + part.to_us <= as_of_us)
            bounds |= clip_bounds(ripe, {f"part_{place}": clip})
    if not bounds:
        return frame
    ended = {name: nw.when(nw.col("status") == IN).then(clipped(nw.col(name), bound)) for name, bound in bounds.items()}
    return frame.with_columns(**ended)


def _sums(parts: Sequence[Part]) -> tuple[dict[str, nw.Expr], dict[str, nw.Expr]]:
    """Columns of the events, and how they combine per unit: pandas groups nothing else efficiently."""
    sums: dict[str, nw.Expr] = {}
    combined: dict[str, nw.Expr] = {}
    for place, part in enumerate(parts):
        hit = _predicate(part)
        names = {f"part_{place}": nw.when(hit).then(_worth(part)).otherwise(nw.lit(0))}
        if part.value in SUMMED:
            missing = nw.col(SUMMED[part.value]).is_null()
            names[f"gap_{place}"] = nw.when(hit & missing).then(nw.lit(1)).otherwise(nw.lit(0))
        if part.among_hit:
            names[f"hits_{place}"] = nw.when(hit).then(nw.lit(1)).otherwise(nw.lit(0))
        combined |= {name: nw.col(name).sum() for name in names}
        if part.value == "amount":
            # an amount without a currency is one of its own: it does not add to dollars
            named = nw.when(hit).then(nw.col("currency").fill_null(""))
            low, high = f"currency_low_{place}", f"currency_high_{place}"
            names |= {low: named, high: named}
            combined |= {low: nw.col(low).min(), high: nw.col(high).max()}
        sums |= names
    return sums, combined


def _events_inside(events: Frame, exposed: Frame, metrics: Sequence[Metric], parts: Sequence[Part]) -> Frame:
    wanted = nw.col("name").is_in(sorted({part.event for part in parts})) & (nw.col("type") != "exposure")
    since = nw.col("event_us") - nw.col("exposure_us")
    earliest, latest = min(0, *(part.from_us for part in parts)), max(metric.window_us for metric in metrics)
    return (
        events.filter(wanted)
        .select(*columns_of(metrics))
        .join(exposed, on="subject", how="inner")
        .with_columns(since=since)
        .filter((nw.col("since") >= earliest) & (nw.col("since") < latest))
    )


def _predicate(part: Part) -> nw.Expr:
    since = nw.col("since")
    hit = (nw.col("name") == part.event) & (since >= part.from_us) & (since < part.to_us)
    for column, accepted in part.where.items():
        hit = hit & nw.col(column).fill_null("").is_in(list(accepted))
    return hit


def _worth(part: Part) -> nw.Expr:
    column = SUMMED.get(part.value)
    return nw.lit(1) if column is None else nw.col(column)


def _filled(part: Part, place: int, known: Mapping[int, str]) -> nw.Expr:
    """The unit's value as a float: zero for admitted units only, null for units that are out."""
    value = nw.col(f"part_{place}").cast(nw.Float64).fill_null(0.0)
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
