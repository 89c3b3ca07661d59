from __future__ import annotations

import math
from fractions import Fraction

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imp_core.errors import BadInput
from imp_experiments.measure.trim import trim

ENGINES = ("polars", "pandas", "pyarrow", "duckdb")


def lazy(engine, variants, values):
    table = pa.table({"variant": pa.array(variants, pa.string()), "value": pa.array(values, pa.float64())})
    if engine == "duckdb":
        return nw.from_native(duckdb.connect().from_arrow(table)).lazy()
    native = {"polars": pl.from_arrow, "pandas": pa.Table.to_pandas, "pyarrow": lambda same: same}[engine](table)
    return nw.from_native(native).lazy()


def by_hand(values, share: Fraction):
    """Mean and variance of the lowest share by exact fractions: whole units first, then a part of the next."""
    left, parts = share * len(values), []
    for value in sorted(Fraction(value) for value in values):
        weight = min(Fraction(1), left)
        if weight > 0:
            parts.append((weight, value))
        left -= weight
    total = sum(weight for weight, _ in parts)
    mean = sum(weight * value for weight, value in parts) / total
    squares = sum(weight * (value - mean) ** 2 for weight, value in parts)
    return float(mean), float(squares / (total - 1)) if total > 1 else None, float(parts[-1][1])


@settings(max_examples=60)
@given(
    st.lists(st.one_of(st.integers(-3, 3), st.floats(-100, 100, allow_subnormal=False)), min_size=1, max_size=40),
    st.fractions(Fraction(1, 50), 1, max_denominator=60),
)
def test_both_tails_are_those_of_a_sort_with_a_part_of_the_tied_value(values: list[float], share: Fraction) -> None:
    found = trim(lazy("polars", ["a"] * len(values), [float(value) for value in values]), "a", float(share))
    assert found is not None
    mirrored = by_hand([-value for value in values], share)
    for tail, (mean, variance, threshold), sign in (
        (found.lowest, by_hand(values, share), 1),
        (found.highest, mirrored, -1),
    ):
        assert tail.weight == pytest.approx(float(share * len(values)), rel=1e-12)
        assert tail.mean == pytest.approx(sign * mean, rel=1e-9, abs=1e-9)
        assert tail.threshold == sign * threshold
        if variance is None:
            assert tail.variance is None
        else:
            assert tail.variance == pytest.approx(variance, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_same_tails(engine: str) -> None:
    dice = np.random.default_rng(5)
    values = [*np.round(dice.exponential(20, 999), 0), None]
    variants = ["a", "b"] * 500
    found, base = (trim(lazy(name, variants, values), "a", 0.83) for name in (engine, "polars"))
    assert found is not None
    assert base is not None
    assert (found.n, found.missing) == (500, 0)
    for one, two in ((found.lowest, base.lowest), (found.highest, base.highest)):
        assert (one.weight, one.threshold) == (two.weight, two.threshold)
        assert (one.total, one.squares) == (pytest.approx(two.total, rel=1e-12), pytest.approx(two.squares, rel=1e-12))
    other = trim(lazy(engine, variants, values), "b", 0.83)
    assert other is not None
    assert (other.n, other.missing) == (499, 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_variant_without_values_has_no_tails(engine: str) -> None:
    frame = lazy(engine, ["a", "b", "b"], [1.0, None, None])
    assert trim(frame, "b", 0.5) is None
    assert trim(frame, "nobody", 0.5) is None


@pytest.mark.parametrize("engine", ENGINES)
def test_a_value_that_is_not_finite_is_refused(engine: str) -> None:
    with pytest.raises(BadInput, match="finite"):
        trim(lazy(engine, ["a", "a"], [1.0, math.inf]), "a", 0.5)
    if engine != "pandas":  # there NaN is how a missing value looks
        with pytest.raises(BadInput, match="finite"):
            trim(lazy(engine, ["a", "a"], [1.0, math.nan]), "a", 0.5)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, math.nan, math.inf])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(BadInput, match="share"):
        trim(lazy("polars", ["a"], [1.0]), "a", share)


def test_a_share_that_is_a_whole_number_of_units_but_for_rounding_ends_at_the_last_of_them() -> None:
    share = (1 - 0.9) * 3  # 0.29999999999999993
    found = trim(lazy("polars", ["a"] * 10, [float(value) for value in range(10)]), "a", share + 2e-16)
    assert found is not None
    assert (found.lowest.weight, found.lowest.threshold) == (3.0, 2.0)
    assert (found.highest.weight, found.highest.threshold) == (3.0, 7.0)


def test_a_large_mean_costs_no_digits() -> None:
    noise = np.random.default_rng(1).normal(size=2_000)
    near = trim(lazy("polars", ["a"] * 2_000, noise), "a", 0.9)
    far = trim(lazy("polars", ["a"] * 2_000, noise + 1e8), "a", 0.9)
    assert near is not None
    assert far is not None
    assert far.lowest.variance == pytest.approx(near.lowest.variance, rel=1e-6)


def test_the_order_of_rows_changes_nothing() -> None:
    values = list(np.random.default_rng(2).poisson(3, 300).astype(float))
    one = trim(lazy("polars", ["a"] * 300, values), "a", 0.71)
    two = trim(lazy("polars", ["a"] * 300, values[::-1]), "a", 0.71)
    assert one == two


def test_integers_and_decimals_are_taken_as_numbers() -> None:
    frame = pd.DataFrame({"variant": ["a"] * 4, "value": [1, 2, 3, 4]})
    found = trim(nw.from_native(frame).lazy(), "a", 0.5)
    assert found is not None
    assert (found.lowest.mean, found.highest.mean) == (1.5, 3.5)
    relation = duckdb.connect().sql("SELECT 'a' AS variant, v::DECIMAL(9, 2) AS value FROM range(1, 5) t(v)")
    again = trim(nw.from_native(relation).lazy(), "a", 0.5)
    assert again == found
