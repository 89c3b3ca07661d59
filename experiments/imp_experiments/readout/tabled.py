"""Comparisons of a table: from its moments and scans, metric by metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from imp_experiments.measure.layout import UNITS, Layout, MetricAsked
from imp_experiments.measure.quantiles import QuantileRow, quantile_rows
from imp_experiments.measure.ranks import RankSums, rank_rows
from imp_experiments.measure.table import Prepared, Tabulated, tabulate, units_frame
from imp_experiments.measure.units import IN
from imp_experiments.readout.compare import Asked, Tested, compare_metric, compare_quantile, compare_ranks
from imp_experiments.stats.estimate import Quantity
from imp_experiments.stats.quantile import quantile_points

__all__ = ["Scanned", "compare_table", "quantity_of", "scan"]


@dataclass(frozen=True, slots=True)
class Scanned:
    """All that was read of a table: its moments, and of metrics that sums cannot answer what they need by variant."""

    table: Tabulated
    quantiles: Mapping[str, Mapping[str, QuantileRow]]
    ranks: Mapping[str, Mapping[str, RankSums]]


def scan(prepared: Prepared, layout: Layout, *, control: str, tail: float) -> Scanned:
    """Read a prepared table: once for the moments, then for each quantile and ranks against `control`.

    `tail` is that of the quantiles' own intervals.

    Raises:
        BadInput: as for `tabulate`.
    """
    table = tabulate(prepared, layout)
    places = {value.name: place for place, value in enumerate(layout.values)}
    quantiles = {
        metric.name: quantile_rows(
            _units(prepared, layout),
            metric.q,
            points=quantile_points(metric.q, tail=tail),
            value=f"value_{places[metric.values[0].name]}",
            cluster="cluster" if layout.cluster is not None else None,
        )
        for metric in layout.metrics
        if metric.q is not None
    }
    others = [name for name in table.moments.variants if name != control]
    ranks = {
        metric.name: rank_rows(
            _units(prepared, layout), others, control, value=f"value_{places[metric.values[0].name]}"
        )
        for metric in layout.metrics
        if metric.kind == "ranks"
    }
    return Scanned(table, quantiles, ranks)


def compare_table(
    scanned: Scanned, layout: Layout, *, variants: Sequence[str], control: str, scale: str, tail: float
) -> list[Tested]:
    """Every metric of the layout, each of `variants` against control; intervals leave `tail` on each side."""
    out: list[Tested] = []
    for metric in layout.metrics:
        rows = scanned.quantiles.get(metric.name)
        if metric.kind == "ranks":
            sums = scanned.ranks[metric.name]
            out += [compare_ranks(metric.name, sums[name], name, control, tail=tail) for name in variants]
        elif rows is None:
            quantity = quantity_of(metric, layout, scanned.table.adjusts)
            asked = Asked(metric=metric.name, kind=metric.kind, quantity=quantity, scale=scale)
            out += compare_metric(scanned.table.moments, asked, variants=variants, control=control, tail=tail)
        else:
            units = {name: row.n for name, row in rows.items()}
            out += compare_quantile(
                metric.name, rows, units, variants=variants, control=control, scale=scale, tail=tail
            )
    return out


def quantity_of(metric: MetricAsked, layout: Layout, adjusts: tuple[str, ...]) -> Quantity:
    """What of the moments a metric is: with clusters a mean is a ratio, its units the denominator."""
    names = [value.name for value in metric.values]
    below = names[1] if len(names) > 1 else UNITS if layout.cluster is not None else None
    return Quantity(column=names[0], denominator=below, covariates=adjusts)


def _units(prepared: Prepared, layout: Layout) -> nw.LazyFrame[Any]:
    frame = units_frame(prepared.frame, layout)
    return frame if layout.unit is None else frame.filter(nw.col("status") == IN)
