"""Rows that are kept are found once, on the connection they came from, and go with it."""

from __future__ import annotations

import duckdb
import narwhals as nw
import polars as pl
import pytest

from imp_experiments.measure.keep import keep


def tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, bool]]:
    return connection.execute("SELECT table_name, temporary FROM duckdb_tables() ORDER BY 1").fetchall()


def test_what_is_kept_does_not_change_with_what_it_was_made_from() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE event AS SELECT range AS subject FROM range(3)")
        events = nw.from_native(connection.table("event")).lazy()
        kept = keep(events.filter(nw.col("subject") > 0), events)
        connection.execute("DELETE FROM event")
        assert sorted(kept.collect()["subject"].to_list()) == [1, 2]


def test_each_is_a_temporary_table_that_another_connection_does_not_see_and_that_ends_with_its_own() -> None:
    with duckdb.connect() as connection:
        with connection.cursor() as use:
            events = nw.from_native(use.sql("SELECT 1 AS subject")).lazy()
            frames = [keep(events.with_columns(subject=nw.lit(number)), events) for number in (7, 8)]
            assert [frame.collect().item(0, "subject") for frame in frames] == [7, 8]
            assert [temporary for _, temporary in tables(use)] == [True, True]
            assert tables(connection) == []
        assert tables(connection) == []


def test_a_connection_that_takes_no_settings_and_opens_no_files_keeps_rows() -> None:
    with duckdb.connect() as connection:
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        events = nw.from_native(connection.sql("SELECT 1 AS subject")).lazy()
        assert len(keep(events, events).collect()) == 1


def test_the_way_to_the_rows_is_forgotten() -> None:
    with duckdb.connect() as connection:
        events = nw.from_native(connection.sql("SELECT 1 AS subject")).lazy()
        kept = keep(events.filter(nw.col("subject") == 1), events)
        assert "WHERE" not in kept.to_native().sql_query()


@pytest.mark.parametrize("lazy", [True, False])
def test_polars_keeps_them_in_memory(lazy: bool) -> None:
    table = pl.DataFrame({"subject": [1, 2]})
    asked: list[int] = []
    frame = table.lazy().map_batches(lambda rows: asked.append(1) or rows)  # type: ignore[func-returns-value]
    events = nw.from_native(frame if lazy else table).lazy()
    kept = keep(events.filter(nw.col("subject") > 1), events)
    assert [kept.collect()["subject"].to_list() for _ in range(3)] == [[2]] * 3
    assert len(asked) == int(lazy)
