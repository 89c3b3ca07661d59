"""The events that a metric may count: those of people who are in, in the time around their exposure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from imp_experiments.design.experiment import Metric
from imp_experiments.measure.parts import Part, columns_of, parts_of
from imp_experiments.measure.units import IN

__all__ = ["events_inside", "hits_of"]

Frame = nw.LazyFrame[Any]


def events_inside(events: Frame, units: Frame, metrics: Sequence[Metric]) -> Frame:
    """Events with a name that is measured, in the widest time of all metrics; `since` is the time since the exposure.

    Columns: those of `columns_of`, since (microseconds).
    """
    names = sorted({part.event for metric in metrics for part in parts_of(metric)})
    wanted = nw.col("name").is_in(names) & (nw.col("type") != "exposure")
    since = nw.col("event_us") - nw.col("exposure_us")
    earliest, latest = _widest(metrics)
    admitted = units.filter(nw.col("status") == IN).select("subject", "exposure_us")
    return (
        events.filter(wanted)
        .select(*columns_of(metrics))
        .join(admitted, on="subject", how="inner")
        .with_columns(since=since)
        .filter((nw.col("since") >= earliest) & (nw.col("since") < latest))
    )


def hits_of(metrics: Sequence[Metric]) -> list[nw.Expr]:
    """For each part of the metrics, whether an event inside is one that it counts."""
    widest = _widest(metrics)
    return [_hit(part, *widest) for metric in metrics for part in parts_of(metric)]


def _widest(metrics: Sequence[Metric]) -> tuple[int, int]:
    parts = [part for metric in metrics for part in parts_of(metric)]
    return min(0, *(part.from_us for part in parts)), max(metric.window_us for metric in metrics)


def _hit(part: Part, earliest: int, latest: int) -> nw.Expr:
    hit = nw.col("name") == part.event
    # what all events inside fulfil is not asked of each again
    if part.from_us > earliest:
        hit = hit & (nw.col("since") >= part.from_us)
    if part.to_us < latest:
        hit = hit & (nw.col("since") < part.to_us)
    for column, accepted in part.where.items():
        hit = hit & nw.col(column).fill_null("").is_in(list(accepted))
    return hit
