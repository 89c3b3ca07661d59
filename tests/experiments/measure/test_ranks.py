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
from scipy.stats import rankdata, tiecorrect

from imp_core.errors import BadInput
from imp_experiments.measure.ranks import rank_rows


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
        schema = pa.schema([("variant", pa.string()), ("value_0", pa.float64())])
        return nw.from_native(BACKENDS[request.param](pa.table(columns, schema=schema))).lazy()

    return build


def test_every_engine_sums_the_places_of_each_variant_among_control(frame_of: Any) -> None:
    dice = np.random.default_rng(8)
    data = {name: dice.poisson(3, n).astype(float) for name, n in (("control", 60), ("b", 45), ("c", 70))}
    columns = {
        "variant": [name for name, values in data.items() for _ in values] + ["other", "b", None],
        "value_0": [*(x for values in data.values() for x in values), 1.0, None, 2.0],
    }
    found = rank_rows(frame_of(columns), ["b", "c"], "control")
    assert list(found) == ["b", "c"]
    control = data["control"]
    for name, sums in found.items():
        values = data[name]
        places = [(control < x).sum() + (control == x).sum() / 2 for x in values]
        others = [(values < x).sum() + (values == x).sum() / 2 for x in control]
        both = np.concatenate([values, control])
        assert (sums.n, sums.control_n, sums.not_finite) == (len(values), 60, 0)
        assert sums.places == sum(places)
        assert sums.place_squares == pytest.approx(float(np.square(places).sum()), rel=1e-12)
        assert sums.control_place_squares == pytest.approx(float(np.square(others).sum()), rel=1e-12)
        assert sums.ties == pytest.approx((1 - tiecorrect(rankdata(both))) * (len(both) ** 3 - len(both)), rel=1e-9)


def test_every_engine_ties_the_two_zeros_and_counts_what_is_not_finite(frame_of: Any) -> None:
    columns = {
        "variant": ["a", "a", "b", "b", "c", "c", "b"],
        "value_0": [0.0, 1.0, -0.0, 2.0, math.inf, 1.0, None],
    }
    found = rank_rows(frame_of(columns), ["b", "c"], "a")
    assert (found["b"].n, found["b"].places, found["b"].ties, found["b"].not_finite) == (2, 2.5, 6.0, 0)
    assert found["c"].not_finite == 1


def test_a_variant_without_units_has_sums_of_nothing(frame_of: Any) -> None:
    found = rank_rows(frame_of({"variant": ["a", "a"], "value_0": [1.0, 2.0]}), ["b"], "a")["b"]
    assert (found.n, found.control_n, found.places) == (0, 2, 0.0)
    empty = rank_rows(frame_of({"variant": [], "value_0": []}), ["b"], "a")["b"]
    assert (empty.n, empty.control_n) == (0, 0)


@pytest.mark.parametrize("variants", [["a"], ["b", "b"]])
def test_a_name_that_stands_twice_is_refused(variants: list[str]) -> None:
    with pytest.raises(BadInput):
        rank_rows(nw.from_native(pl.DataFrame({"variant": ["a"], "value_0": [1.0]})).lazy(), variants, "a")
