"""A frame that a plan uses several times is computed once, by its own engine, and is the same."""

from __future__ import annotations

import duckdb
import narwhals as nw
import polars as pl

from imp_experiments.measure.hold import hold


def test_duckdb_computes_it_once_and_keeps_it_for_the_connection_only(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TABLE t AS SELECT i AS a FROM range(3) r(i)")
    held = hold(nw.from_native(connection.table("t")).lazy().filter(nw.col("a") > 0), "rows")
    connection.execute("DELETE FROM t")
    assert sorted(held.collect()["a"].to_list()) == [1, 2]
    again = hold(held.with_columns(b=nw.col("a") * 10), "more")
    joined = again.join(held, on="a", how="inner").collect()
    assert sorted(joined["b"].to_list()) == [10, 20]
    tables = connection.execute("SELECT table_name FROM duckdb_tables() WHERE NOT temporary").fetchall()
    assert tables == [("t",)]
    assert connection.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == [(0,)]


def test_a_name_held_before_is_replaced(connection: duckdb.DuckDBPyConnection) -> None:
    for value in (1, 2):
        held = hold(nw.from_native(connection.sql(f"SELECT {value} AS a")).lazy(), "rows")
        assert held.collect()["a"].to_list() == [value]


def test_polars_computes_a_lazy_frame_once() -> None:
    calls = []

    def seen(frame: pl.DataFrame) -> pl.DataFrame:
        calls.append(frame.height)
        return frame

    held = hold(nw.from_native(pl.LazyFrame({"a": [1, 2]}).map_batches(seen)), "rows")
    assert [held.collect()["a"].to_list() for _ in range(2)] == [[1, 2], [1, 2]]
    assert calls == [2]
