"""Comparisons of a table: from its moments and scans, metric by metric."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import narwhals as nw

from imp_core.errors import BadInput
from imp_experiments.measure.extremes import Range, extremes
from imp_experiments.measure.layout import UNITS, Layout, MetricAsked, missing_of
from imp_experiments.measure.quantiles import QuantileRow, quantile_rows
from imp_experiments.measure.ranks import RankSums, rank_rows
from imp_experiments.measure.shared import shared_clusters
from imp_experiments.measure.table import Prepared, Tabulated, clusters_cross, tabulate, units_frame
from imp_experiments.measure.units import IN
from imp_experiments.readout.checks import balance_checks
from imp_experiments.readout.compare import Asked, Tested, compare_metric, compare_quantile, compare_ranks
from imp_experiments.readout.one_unit import may_carry, outlier_of
from imp_experiments.readout.readout import Check
from imp_experiments.stats.estimate import Quantity
from imp_experiments.stats.quantile import quantile_points

__all__ = ["Scanned", "check_table", "compare_table", "quantity_of", "scan", "scan_level", "units_in_table"]


@dataclass(frozen=True, slots=True)
class Scanned:
    """All that was read of a table: its moments, and of metrics that sums cannot answer what they need by variant.

    `ranges` are each variant's lowest and highest value, of the mean metrics that one unit may carry. `shared` counts
    the clusters in several variants, and all; None without clusters.
    """

    table: Tabulated
    quantiles: Mapping[str, Mapping[str, QuantileRow]]
    ranks: Mapping[str, Mapping[str, RankSums]]
    ranges: Mapping[str, Mapping[str, Range]] = field(default_factory=dict)
    shared: tuple[int, int] | None = None


def scan(prepared: Prepared, layout: Layout, *, control: str) -> Scanned:
    """Read a prepared table: once for the moments, then for each quantile and ranks against `control`.

    Raises:
        BadInput: as for `tabulate`, or clusters cross the strata (each part would count as a cluster of its own).
    """
    table, units = tabulate(prepared, layout), units_in_table(prepared, layout)
    if clusters_cross(units, layout):
        raise BadInput(
            "a cluster has units in several strata",
            where=prepared.source,
            mend="strata must be of what was randomised, so one for each cluster; or leave the stratum",
        )
    scanned = _scanned(table, units, layout, control=control)
    shared = None if layout.cluster is None else shared_clusters(units)
    return replace(scanned, ranges=_ranges(units, layout, table), shared=shared)


def scan_level(
    prepared: Prepared, layout: Layout, table: Tabulated, levels: Collection[str], *, control: str
) -> Scanned:
    """Of a table that was tabulated with a dimension as its stratum, the units of some of its levels, as one."""
    moments = table.moments.select(lambda cell: cell.stratum in levels)
    part = replace(table, moments=moments.rename(lambda cell: replace(cell, stratum="")))
    units = units_in_table(prepared, layout).filter(nw.col("stratum").is_in(sorted(levels)))
    return _scanned(part, units, layout, control=control)


def _scanned(table: Tabulated, units: nw.LazyFrame[Any], layout: Layout, *, control: str) -> Scanned:
    places = {value.name: place for place, value in enumerate(layout.values)}
    quantiles = {
        metric.name: quantile_rows(
            units,
            metric.q,
            points=quantile_points(metric.q),
            value=f"value_{places[metric.values[0].name]}",
            cluster="cluster" if layout.cluster is not None else None,
        )
        for metric in layout.metrics
        if metric.q is not None
    }
    others = [name for name in table.moments.variants if name != control]
    ranks = {
        metric.name: rank_rows(units, others, control, value=f"value_{places[metric.values[0].name]}")
        for metric in layout.metrics
        if metric.kind == "ranks"
    }
    return Scanned(table, quantiles, ranks)


def _ranges(units: nw.LazyFrame[Any], layout: Layout, table: Tabulated) -> dict[str, dict[str, Range]]:
    """Of the means that one unit may carry; a second scan, where there are any."""
    places = {value.name: place for place, value in enumerate(layout.values)}
    names = table.moments.variants
    suspects = {
        metric.name: f"value_{places[metric.values[0].name]}"
        for metric in _means(layout)
        if any(may_carry(table.moments, metric.values[0].name, name, names[0]) for name in names)
    }
    found = extremes(units, sorted(suspects.values()))
    return {metric: found[column] for metric, column in suspects.items()}


def _means(layout: Layout) -> list[MetricAsked]:
    """The metrics whose units may be outliers: of clusters only sums are known, and a clip has ended them."""
    return [
        metric
        for metric in layout.metrics
        if metric.kind == "mean" and layout.cluster is None and metric.column not in layout.clips
    ]


def check_table(
    scanned: Scanned, layout: Layout, *, variants: Sequence[str], control: str, alpha: float
) -> tuple[Check, ...]:
    """Balance of the covariates, and outliers of each mean; with all figures, for the table is the analyst's.

    Of factors, whose effects lie on all cells, units are not looked at one by one.
    """
    moments = scanned.table.moments
    covariates = {}
    for name in layout.covariates:
        lacking = missing_of(name) if missing_of(name) in moments.columns else None
        covariates[name] = (f"number {name}", lacking)
    if layout.cluster is None:
        checks = balance_checks(moments, covariates, variants=variants, control=control, k=0)
    else:
        text = "covariates of clusters are not tested"
        checks = [Check(name="balance", about=name, verdict="not tested", text=text) for name in covariates]
        checks += [] if scanned.shared is None else [_clusters_apart(*scanned.shared)]
    for metric in _means(layout) if len(layout.variant) == 1 else []:
        ranges = scanned.ranges.get(metric.name)
        checks += [
            outlier_of(
                moments,
                metric.values[0].name,
                ranges,
                metric=metric.name,
                variant=variant,
                control=control,
                alpha=alpha,
            )
            for variant in variants
        ]
    return tuple(checks)


def _clusters_apart(shared: int, n: int) -> Check:
    """Whether every cluster is in one variant, as it is where clusters were randomised."""
    if not shared:
        return Check(name="clusters", about="", verdict="ok", text=f"each of {n:,} clusters is in one variant")
    text = (
        f"{shared:,} of {n:,} clusters are in several variants, so they are not what was randomised: intervals and the "
        "sample ratio take a cluster's part in each variant for a cluster of its own"
    )
    return Check(name="clusters", about="", verdict="warning", text=text)


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


def units_in_table(prepared: Prepared, layout: Layout) -> nw.LazyFrame[Any]:
    """One row a unit that is in."""
    frame = units_frame(prepared.frame, layout)
    return frame if layout.unit is None else frame.filter(nw.col("status") == IN)
