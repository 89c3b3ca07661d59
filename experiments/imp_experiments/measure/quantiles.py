"""What a table says of one quantile per variant: exact order statistics, and how clusters fall around it.

Lazy Narwhals frames, alike on DuckDB, Polars, pandas and PyArrow; only filters, grouped sums and linear quantiles, as
PySpark has them too. Each variant is asked on its own: all in one query hold every value once a point and variant. 10M
rows in two variants, on DuckDB with two threads: 5 s and 500 MiB; in 2M clusters of five 11 s and 740 MiB.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from imp_core.errors import BadInput

__all__ = ["Clusters", "PointRule", "QuantileRow", "quantile_rows"]

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """Sums over the clusters (units) of a variant: size is a cluster's values, below those at most the quantile."""

    count: int
    below: float
    below_squares: float
    size_squares: float
    products: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileRow:
    """What is known of a variant's quantile `q`.

    `n` counts the values (events, where they nest in units), without missing ones. `value` is the sample quantile by
    linear interpolation (Hyndman and Fan 1996, definition 7, numpy's default), None without values. `points` are the
    same at other fractions between 0 and 1; at (k - 1)/(n - 1) that is the k-th smallest value. `not_finite` counts
    values that are infinite or no number; then there are neither value nor points. `clusters` is None where values do
    not nest.
    """

    q: float
    n: int
    value: float | None
    points: Mapping[float, float]
    clusters: Clusters | None = None
    not_finite: int = 0


# n of a variant and its clusters → the fractions that are wanted beside the quantile
PointRule = Callable[[int, Clusters | None], Sequence[float]]


def quantile_rows(
    frame: Frame,
    q: float,
    *,
    points: PointRule,
    by: str = "variant",
    value: str = "value_0",
    cluster: str | None = None,
) -> dict[str, QuantileRow]:
    """A row for each value of `by` that is a text; missing values do not count (in pandas NaN is missing).

    `cluster` names the column of the unit in which values nest. One query counts, then one a variant; with clusters
    one more a variant and one grouped by cluster.

    Raises:
        BadInput: q is not between 0 and 1.
    """
    if not 0 < q < 1:
        raise BadInput(f"a quantile of {q!r} is not between 0 and 1", where="q", mend="pass 0.5 for the median")
    there = frame.filter(~nw.col(value).is_null()).select(
        by=nw.col(by), value=nw.col(value).cast(nw.Float64), **({"cluster": nw.col(cluster)} if cluster else {})
    )
    counts = _counts(there)
    finite = [name for name, (n, wrong) in counts.items() if n and not wrong]
    clusters = _clusters(there, {name: _points(there, name, [q])[q] for name in finite}) if cluster else {}
    rows = {}
    for name, (n, wrong) in counts.items():
        found = _points(there, name, [q, *points(n, clusters.get(name))]) if name in finite else {}
        rows[name] = QuantileRow(
            q=q, n=n, value=found.get(q), points=found, clusters=clusters.get(name), not_finite=wrong
        )
    return rows


def _counts(there: Frame) -> dict[str, tuple[int, int]]:
    """Variant → its values, and how many of them are not finite."""
    wrong = nw.when(nw.col("value").is_finite()).then(nw.lit(0)).otherwise(nw.lit(1))
    grouped = there.with_columns(wrong=wrong).group_by("by").agg(n=nw.len(), wrong=nw.col("wrong").sum())
    rows = [row for row in grouped.collect().rows(named=True) if isinstance(row["by"], str)]
    return {row["by"]: (int(row["n"]), int(row["wrong"])) for row in sorted(rows, key=lambda row: str(row["by"]))}


def _points(there: Frame, name: str, fractions: Sequence[float]) -> dict[float, float]:
    distinct = [fraction for fraction in dict.fromkeys(fractions) if 0 <= fraction <= 1]
    wanted = {
        f"p_{index}": nw.col("value").quantile(fraction, interpolation="linear")
        for index, fraction in enumerate(distinct)
    }
    row = there.filter(nw.col("by") == name).select(**wanted).collect().row(0)
    return {
        fraction: math.nan if found is None else float(found) for fraction, found in zip(distinct, row, strict=True)
    }


def _clusters(there: Frame, quantiles: Mapping[str, float]) -> dict[str, Clusters]:
    """How many clusters each variant has, and how their values fall around its quantile."""
    below = nw.lit(value=False)
    for name, found in quantiles.items():
        below = below | ((nw.col("by") == name) & (nw.col("value") <= found))
    per_cluster = (
        there.with_columns(below=nw.when(below).then(nw.lit(1.0)).otherwise(nw.lit(0.0)), one=nw.lit(1.0))
        .group_by("by", "cluster")
        .agg(below=nw.col("below").sum(), size=nw.col("one").sum())
    )
    squares = per_cluster.with_columns(
        below_squares=nw.col("below") * nw.col("below"),
        size_squares=nw.col("size") * nw.col("size"),
        products=nw.col("below") * nw.col("size"),
    )
    sums = {name: nw.col(name).sum() for name in ("below", "below_squares", "size_squares", "products")}
    rows = squares.group_by("by").agg(count=nw.len(), **sums).collect().rows(named=True)
    return {
        row["by"]: Clusters(count=int(row["count"]), **{name: float(row[name]) for name in sums})
        for row in rows
        if row["by"] in quantiles
    }
