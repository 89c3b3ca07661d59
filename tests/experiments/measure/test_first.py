"""First exposures, against loops over people: what counts of several rows at the first instant, and what is alike."""

from __future__ import annotations

from typing import Any

import duckdb
import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imp_experiments.measure.first import first_exposures, span_of

NAMES = ("subject", "event_us", "intake_seq", "variant", "stratum")
TYPES = {"subject": pl.Int64, "event_us": pl.Int64, "intake_seq": pl.Int64, "variant": pl.String, "stratum": pl.String}
exposure = st.tuples(
    st.integers(1, 4), st.integers(0, 3), st.integers(0, 5), st.sampled_from("abz"), st.sampled_from(["", "x", "y"])
)


def frames(connection: duckdb.DuckDBPyConnection, rows: list[Any]) -> list[nw.LazyFrame[Any]]:
    table = pl.DataFrame(rows, schema=TYPES, orient="row")
    return [nw.from_native(connection.from_arrow(table.to_arrow())).lazy(), nw.from_native(table.lazy())]


@settings(max_examples=40)
@given(st.lists(exposure, min_size=1, max_size=12))
def test_the_lowest_of_each_column_at_the_first_instant_counts(rows: list[Any]) -> None:
    expected = []
    for subject in sorted({row[0] for row in rows}):
        mine = [row for row in rows if row[0] == subject]
        began = min(row[1] for row in mine)
        tied = [row for row in mine if row[1] == began]
        variants = [row[3] for row in mine]
        lowest = min(row[2] for row in tied), min(row[4] for row in tied)
        expected.append((subject, began, min(variants), max(variants), *lowest))
    wanted = ("subject", "exposure_us", "lowest", "highest", "intake_seq", "stratum")
    with duckdb.connect() as connection:
        for frame in frames(connection, rows):
            found = first_exposures(frame, ["intake_seq", "stratum"]).collect()
            assert sorted(found.select(*wanted).iter_rows()) == expected
            assert set(first_exposures(frame, []).collect().columns) == set(wanted[:4])


def test_what_is_alike_in_all_exposures_is_told_beside_their_times() -> None:
    rows = [(1, 5, 1, "a", "x"), (2, 3, 2, "b", "x")]
    with duckdb.connect() as connection:
        for frame in frames(connection, rows):
            span = span_of(frame, ["stratum", "variant"])
            assert span is not None
            assert (span.first_us, span.last_us, span.same) == (3, 5, {"stratum": "x"})
            assert span.with_same(frame.select("subject")).collect()["stratum"].to_list() == ["x", "x"]


@pytest.mark.parametrize("place", [0, 1], ids=["duckdb", "polars"])
def test_without_exposures_there_is_no_span(connection: duckdb.DuckDBPyConnection, place: int) -> None:
    assert span_of(frames(connection, [])[place], ["stratum"]) is None
