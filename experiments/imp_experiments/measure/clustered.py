"""Clusters of an archive's units: their sums take the place of the units' values, for errors that know of them.

A unit's cluster is that of its first exposure; one without is a cluster of its own. A cluster with units in two
variants (or strata) counts once in each, with its units there: as in a table that the analyst holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import narwhals as nw

from imp_experiments.measure.aggregate import Column, Wanted, aggregate, moments_of
from imp_experiments.measure.archive import Measurement
from imp_experiments.measure.layout import UNITS
from imp_experiments.measure.moments import Moments
from imp_experiments.measure.units import IN, NONE, TWO_VARIANTS, by_name

__all__ = ["CLUSTER", "Clusters", "cluster_key", "cluster_moments", "clusters_by_day", "clusters_of"]

CLUSTER = "cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """Of the units that are in: `named` clusters, those of them that are `split` between variants, `alone` units."""

    named: int
    split: int
    alone: int


def cluster_key() -> nw.Expr:
    """A text that is one for all units of a cluster, and another for each unit without."""
    named, subject = nw.col(by_name(CLUSTER)), nw.col("subject").cast(nw.String)
    alone = nw.concat_str([nw.lit("u"), subject])
    return nw.when(named == NONE).then(alone).otherwise(nw.concat_str([nw.lit("c"), named]))


def cluster_moments(
    measurement: Measurement, *, through: int | None, dimension: str | None = None, levels: Collection[str] = ()
) -> Moments:
    """Moments of sums over clusters, by variant and stratum; the column `UNITS` counts a cluster's units.

    Of the units that are in, of cohort days up to `through` (None: no cohort), and with `dimension` of these of its
    `levels`. An unknown covariate counts 0 in its cluster's sum, beside which stands the indicator's.
    """
    wanted = measurement.wanted
    columns = () if wanted is None else wanted.columns
    summed = Wanted(
        (*(Column(source=one.source, name=one.name) for one in columns), Column(source=UNITS, name=UNITS)),
        (*(() if wanted is None else wanted.pairs), *((place, len(columns)) for place in range(len(columns)))),
    )
    if measurement.units is None or through is None:
        return moments_of([], summed, (0.0,) * len(summed.columns))
    frame = measurement.units.filter((nw.col("status") == IN) & (nw.col("day") <= through))
    if dimension is not None:
        frame = frame.filter(nw.col(by_name(dimension)).is_in(sorted(levels)))
    filled = {one.source: _filled(one.source) for one in columns if one.filled}
    per_cluster = (
        frame.with_columns(**filled, **{CLUSTER: cluster_key()})
        .group_by("variant", "stratum", CLUSTER)
        .agg(**{one.source: nw.col(one.source).sum() for one in columns}, **{UNITS: nw.len()})
    )
    rows, shifts = aggregate(per_cluster, ("variant", "stratum"), summed)
    return moments_of(rows, summed, shifts)


def clusters_of(measurement: Measurement) -> Clusters:
    """How many clusters there are, and how they lie in variants."""
    if measurement.units is None:
        return Clusters(named=0, split=0, alone=0)
    inside = measurement.units.filter(nw.col("status") == IN)
    per_cluster = inside.group_by(by_name(CLUSTER)).agg(
        n=nw.len(), low=nw.col("variant").min(), high=nw.col("variant").max()
    )
    named = nw.col(by_name(CLUSTER)) != NONE
    flags = {
        "named": nw.when(named).then(nw.lit(1)).otherwise(nw.lit(0)),
        "split": nw.when(named & (nw.col("low") != nw.col("high"))).then(nw.lit(1)).otherwise(nw.lit(0)),
        "alone": nw.when(named).then(nw.lit(0)).otherwise(nw.col("n")),
    }
    found = per_cluster.with_columns(**flags).select(**{name: nw.col(name).sum() for name in flags}).collect()
    return Clusters(**{name: int(found.item(0, name) or 0) for name in flags})


def clusters_by_day(measurement: Measurement) -> list[Counter[str]]:
    """Clusters by variant, day by day of their first exposure: of all units in the view but those in two variants."""
    if measurement.units is None:
        return []
    first = (
        measurement.units.filter(nw.col("status") != TWO_VARIANTS)
        .with_columns(**{CLUSTER: cluster_key()})
        .group_by("variant", CLUSTER)
        .agg(day=nw.col("day").min())
    )
    rows = first.group_by("day", "variant").agg(n=nw.len()).collect().rows(named=True)
    days: dict[int, Counter[str]] = {}
    for row in rows:
        days.setdefault(int(row["day"]), Counter())[row["variant"]] += int(row["n"])
    return [days[day] for day in sorted(days)]


def _filled(source: str) -> nw.Expr:
    return nw.when(~nw.col(source).is_nan()).then(nw.col(source)).otherwise(nw.lit(0.0))
