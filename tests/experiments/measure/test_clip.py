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
from hypothesis import given
from hypothesis import strategies as st

from imp_core.errors import BadInput
from imp_experiments.measure.clip import Bounds, Clip, clip_bounds, clipped


def _duckdb(table: pa.Table) -> Any:
    connection = duckdb.connect()
    connection.register("t", table)
    return connection.table("t")


BACKENDS: dict[str, Callable[[pa.Table], Any]] = {
    "duckdb": _duckdb,
    "polars": pl.DataFrame,
    "pandas": lambda table: pd.DataFrame({name: table[name].to_pylist() for name in table.column_names}),
    "pyarrow": lambda table: table,
}
VALUES = {
    "variant": ["a", "a", "b", "b", "b", "c", "c"],
    "value_0": [0.0, 5.0, 1.0, 900.0, 2.0, None, 3.0],
    "value_1": [-4.0, 4.0, 0.5, 1.5, 2.5, 3.5, None],
}


@pytest.fixture(params=list(BACKENDS))
def frame(request: pytest.FixtureRequest) -> nw.LazyFrame[Any]:
    schema = pa.schema([("variant", pa.string()), ("value_0", pa.float64()), ("value_1", pa.float64())])
    return nw.from_native(BACKENDS[request.param](pa.table(VALUES, schema=schema))).lazy()


def test_quantiles_are_of_all_variants_together(frame: Any) -> None:
    clips = {
        "value_0": Clip(low=0.1, high=0.9, quantiles=True),
        "value_1": Clip(low=None, high=0.5, quantiles=True),
    }
    bounds = clip_bounds(frame, clips)
    kept = [x for x in VALUES["value_0"] if x is not None]
    assert (bounds["value_0"].low, bounds["value_0"].high) == pytest.approx(tuple(np.quantile(kept, [0.1, 0.9])))
    assert bounds["value_1"].low is None
    assert bounds["value_1"].high == pytest.approx(2.0)


def test_fixed_bounds_are_taken_as_they_are_and_ask_nothing_of_the_frame() -> None:
    clips = {"value_0": Clip(low=0, high=None, quantiles=False)}
    never: Any = None
    assert clip_bounds(never, clips) == {"value_0": Bounds(0, None)}


def test_values_beyond_move_to_the_bound_and_missing_ones_stay(frame: Any) -> None:
    found = frame.select("variant", x=clipped(nw.col("value_0"), Bounds(1.0, 4)), y=nw.col("value_1")).collect()
    moved = [None if x is None or math.isnan(x) else x for x in found["x"].to_list()]
    assert moved == [1.0, 4.0, 1.0, 4.0, 2.0, None, 3.0]
    open_ended = frame.select(x=clipped(nw.col("value_1"), Bounds(None, None))).collect()["x"].to_list()
    assert open_ended[:6] == VALUES["value_1"][:6]


def test_what_is_not_finite_is_not_made_a_number_and_integers_are_clipped() -> None:
    for native in (pl.DataFrame({"x": [math.nan, math.inf, 7.0]}), _duckdb(pa.table({"x": [math.nan, math.inf, 7.0]}))):
        found = nw.from_native(native).lazy().select(x=clipped(nw.col("x"), Bounds(0, 5))).collect()["x"].to_list()
        assert math.isnan(found[0])
        assert found[1:] == [math.inf, 5.0]
    whole = nw.from_native(pl.DataFrame({"x": [1, 9, None]})).lazy().select(x=clipped(nw.col("x"), Bounds(2, 5.5)))
    assert whole.collect()["x"].to_list() == [2.0, 5.5, None]


def test_without_values_a_side_stays_open(frame: Any) -> None:
    nobody = frame.filter(nw.col("variant") == "nobody")
    clips = {"value_0": Clip(low=0.0, high=1.0, quantiles=True)}
    assert clip_bounds(nobody, clips) == {"value_0": Bounds(None, None)}


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(0, 0.5), st.floats(0.5, 1))
def test_what_is_clipped_lies_within_the_quantiles_and_keeps_its_order(
    values: list[float], low: float, high: float
) -> None:
    frame = nw.from_native(pl.DataFrame({"value_0": values})).lazy()
    bounds = clip_bounds(frame, {"value_0": Clip(low=low, high=high, quantiles=True)})["value_0"]
    assert bounds.low is not None
    assert bounds.high is not None
    moved = frame.select(x=clipped(nw.col("value_0"), bounds)).collect()["x"].to_list()
    assert all(bounds.low <= x <= bounds.high for x in moved)
    assert np.all(np.diff(np.array(moved)[np.argsort(values)]) >= 0)


@pytest.mark.parametrize(
    ("low", "high", "quantiles"),
    [
        (0.9, 0.1, True),
        (5, 1, False),
        (-0.1, None, True),
        (None, 1.5, True),
        (math.nan, None, False),
        (None, math.inf, False),
    ],
)
def test_what_is_no_bound_is_refused(low: float | None, high: float | None, quantiles: bool) -> None:
    with pytest.raises(BadInput):
        Clip(low=low, high=high, quantiles=quantiles)
