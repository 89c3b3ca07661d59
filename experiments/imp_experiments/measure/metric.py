"""What is measured: each metric compiled to one `when(predicate).then(value).otherwise(0).sum()` per unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from imp_experiments.design.experiment import Metric
from imp_experiments.measure.units import IN

__all__ = ["UnitValues", "columns_read", "unit_values"]

MICROS = 1e6
_SUMMED = {"amount": "amount_micros", "quantity": "quantity"}

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True)
class UnitValues:
    """A frame of one row a unit, and which of its columns are what.

    `columns` hold the metrics in order; `gaps` (metric → column) count events without the amount or quantity that
    was to be summed; `currencies` (metric → its lowest and highest currency's columns) tell one currency from many.
    """

    frame: Frame
    columns: tuple[str, ...]
    gaps: dict[str, str]
    currencies: dict[str, tuple[str, str]]


def unit_values(events: Frame, units: Frame, metrics: Sequence[Metric]) -> UnitValues:
    """The units with a value per metric: 0 for an admitted unit without events, null for a unit that is out.

    Events are those of admitted units only, from the first exposure on, in one filter to the widest window.
    """
    names = {metric.name: f"metric_{index}" for index, metric in enumerate(metrics)}
    gaps = {metric.name: f"gap_{index}" for index, metric in enumerate(metrics) if metric.value in _SUMMED}
    currencies = {
        metric.name: (f"currency_low_{index}", f"currency_high_{index}")
        for index, metric in enumerate(metrics)
        if metric.value == "amount"
    }
    # columns first, plain sums after: pandas groups nothing else efficiently
    parts: dict[str, nw.Expr] = {}
    for metric in metrics:
        hit = _predicate(metric)
        parts[names[metric.name]] = nw.when(hit).then(_worth(metric)).otherwise(nw.lit(0))
        if metric.name in gaps:
            missing = nw.col(_SUMMED[metric.value]).is_null()
            parts[gaps[metric.name]] = nw.when(hit & missing).then(nw.lit(1)).otherwise(nw.lit(0))
        if metric.name in currencies:
            # an amount without a currency is one of its own: it does not add to dollars
            named = nw.when(hit).then(nw.col("currency").fill_null(""))
            parts |= dict.fromkeys(currencies[metric.name], named)
    combined = {name: _combined(name, currencies) for name in parts}
    per_unit = _events_inside(events, units, metrics).with_columns(**parts).group_by("subject").agg(**combined)
    filled = {names[metric.name]: _filled(metric, names[metric.name]) for metric in metrics}
    frame = units.join(per_unit, on="subject", how="left").with_columns(**filled)
    return UnitValues(frame, tuple(names.values()), gaps, currencies)


def _combined(name: str, currencies: Mapping[str, tuple[str, str]]) -> nw.Expr:
    if any(name == low for low, _ in currencies.values()):
        return nw.col(name).min()
    if any(name == high for _, high in currencies.values()):
        return nw.col(name).max()
    return nw.col(name).sum()


def columns_read(metrics: Sequence[Metric]) -> list[str]:
    """The columns of the archive that hold what is measured, sorted."""
    columns = {"subject", "event_us", "name"} | {column for metric in metrics for column in metric.where}
    columns |= {_SUMMED[metric.value] for metric in metrics if metric.value in _SUMMED}
    if any(metric.value == "amount" for metric in metrics):
        columns.add("currency")
    return sorted(columns)


def _events_inside(events: Frame, units: Frame, metrics: Sequence[Metric]) -> Frame:
    wanted = nw.col("name").is_in(sorted({metric.event for metric in metrics})) & (nw.col("type") != "exposure")
    admitted = units.filter(nw.col("status") == IN).select("subject", "exposure_us")
    since = nw.col("event_us") - nw.col("exposure_us")
    return (
        events.filter(wanted)
        .select(*columns_read(metrics))
        .join(admitted, on="subject", how="inner")
        .with_columns(since=since)
        .filter((nw.col("since") >= 0) & (nw.col("since") < max(metric.window_us for metric in metrics)))
    )


def _predicate(metric: Metric) -> nw.Expr:
    since = nw.col("since")
    hit = (nw.col("name") == metric.event) & (since >= metric.start_us) & (since < metric.window_us)
    for column, accepted in metric.where.items():
        hit = hit & nw.col(column).fill_null("").is_in(list(accepted))
    return hit


def _worth(metric: Metric) -> nw.Expr:
    column = _SUMMED.get(metric.value)
    return nw.lit(1) if column is None else nw.col(column)


def _filled(metric: Metric, column: str) -> nw.Expr:
    """The unit's value as a float: zero for admitted units only, null for units that are out."""
    value = nw.col(column).cast(nw.Float64).fill_null(0.0)
    if metric.value == "any":
        value = nw.when(value > 0).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    elif metric.value == "amount":
        value = value / MICROS
    return nw.when(nw.col("status") == IN).then(value)
