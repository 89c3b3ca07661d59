from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from imp_core.errors import BadInput
from imp_experiments.measure.quantiles import quantile_rows

Backend = Callable[[dict[str, Any]], Any]
TYPES = pa.schema([("variant", pa.string()), ("value_0", pa.float64()), ("unit", pa.int64())])


def _duckdb(table: pa.Table) -> Any:
    connection = duckdb.connect()
    connection.register("t", table)
    return connection.table("t")


BACKENDS: dict[str, Callable[[pa.Table], Any]] = {
    "duckdb": _duckdb,
    "polars": pl.DataFrame,
    "polars lazy": lambda table: pl.DataFrame(table).lazy(),
    "pandas": lambda table: pd.DataFrame({name: table[name].to_pylist() for name in table.column_names}),
    "pyarrow": lambda table: table,
}


@pytest.fixture(params=list(BACKENDS))
def frame_of(request: pytest.FixtureRequest) -> Callable[[dict[str, list[Any]]], nw.LazyFrame[Any]]:
    def build(columns: dict[str, list[Any]]) -> nw.LazyFrame[Any]:
        table = pa.table(columns, schema=pa.schema([field for field in TYPES if field.name in columns]))
        return nw.from_native(BACKENDS[request.param](table)).lazy()

    return build


def none(n: int, clusters: Any) -> tuple[float, ...]:
    return ()


def test_every_engine_gives_the_order_statistics_of_each_variant(frame_of: Any) -> None:
    dice = np.random.default_rng(5)
    data = {name: dice.lognormal(0, 1, n) for name, n in (("a", 101), ("b", 64))}
    columns = {
        "variant": ["a"] * 101 + ["b"] * 64 + ["b", None],
        "value_0": [*data["a"].tolist(), *data["b"].tolist(), None, 7.0],
    }
    ranks = {"a": (1, 40, 101), "b": (1, 20, 64)}
    rows = quantile_rows(
        frame_of(columns), 0.9, points=lambda n, _: [(k - 1) / (n - 1) for k in ranks["a" if n == 101 else "b"]]
    )
    assert list(rows) == ["a", "b"], "a row without variant belongs to none"
    for name, row in rows.items():
        assert (row.n, row.clusters, row.not_finite) == (len(data[name]), None, 0), "missing values do not count"
        assert row.value == pytest.approx(np.quantile(data[name], 0.9), rel=1e-12)
        ordered = np.sort(data[name])
        for k in ranks[name]:
            assert row.points[(k - 1) / (row.n - 1)] == pytest.approx(ordered[k - 1], rel=1e-12)


def test_every_engine_counts_how_clusters_fall_around_the_quantile(frame_of: Any) -> None:
    columns = {
        "variant": ["a"] * 5 + ["b"] * 4,
        "value_0": [1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0, 30.0, 40.0],
        "unit": [1, 1, 1, 2, 2, 3, 4, 4, 5],
    }
    seen = []
    rows = quantile_rows(
        frame_of(columns), 0.5, points=lambda n, clusters: seen.append((n, clusters)) or (0.25,), cluster="unit"
    )
    a, b = rows["a"].clusters, rows["b"].clusters
    assert a is not None
    assert b is not None
    # a: median 3, of unit 1 three of 3 at most 3, of unit 2 none of 2; b: median 25, 1 of 1, 1 of 2, 0 of 1
    assert (a.count, a.below, a.below_squares, a.size_squares, a.products) == (2, 3.0, 9.0, 13.0, 9.0)
    assert (b.count, b.below, b.below_squares, b.size_squares, b.products) == (3, 2.0, 2.0, 6.0, 3.0)
    assert rows["b"].points[0.25] == pytest.approx(17.5)
    assert seen == [(5, a), (4, b)], "the rule sees the clusters"


def test_values_that_are_not_finite_are_counted_and_nothing_is_made_of_them(frame_of: Any) -> None:
    columns = {"variant": ["a", "a", "b", "b"], "value_0": [1.0, math.inf, 1.0, 2.0]}
    rows = quantile_rows(frame_of(columns), 0.5, points=none)
    assert (rows["a"].not_finite, rows["a"].value, dict(rows["a"].points)) == (1, None, {})
    assert rows["b"].value == pytest.approx(1.5)


def test_a_variant_without_values_has_no_row(frame_of: Any) -> None:
    rows = quantile_rows(frame_of({"variant": ["a", "b"], "value_0": [1.0, None]}), 0.5, points=none)
    assert sorted(rows) == ["a"]
    assert quantile_rows(frame_of({"variant": [None], "value_0": [None]}), 0.5, points=none) == {}


@pytest.mark.parametrize("q", [0.0, 1.0, -0.5, math.nan])
def test_a_quantile_outside_0_and_1_is_refused(q: float) -> None:
    with pytest.raises(BadInput):
        quantile_rows(nw.from_native(pl.DataFrame({"variant": ["a"], "value_0": [1.0]})).lazy(), q, points=none)
