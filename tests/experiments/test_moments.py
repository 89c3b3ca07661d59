from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_core.errors import ImpError
from imp_experiments.measure.moments import Cell, Moments


def moments(*cells: Cell, shift: float = 0.0) -> Moments:
    return Moments(("y",), (shift,), cells)


def cell(values: list[float], *, variant: str = "a", day: int | None = 1, stratum: str = "", shift: float = 0) -> Cell:
    moved = [value - shift for value in values]
    return Cell(variant, day, stratum, len(values), (sum(moved),), (sum(value * value for value in moved),))


cells = st.builds(
    lambda variant, day, values: cell([float(v) for v in values], variant=variant, day=day),
    st.sampled_from("ab"),
    st.integers(0, 3),
    st.lists(st.integers(-1_000, 1_000), max_size=4),
)


@given(st.lists(cells, max_size=8), st.randoms(use_true_random=False))
def test_merging_in_any_order_and_grouping_gives_the_same(listed: list[Cell], dice: object) -> None:
    parts = [moments(item) for item in listed]
    shuffled = list(parts)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis's Random
    empty = moments()
    forward = functools.reduce(Moments.merge, parts, empty)
    backward = functools.reduce(lambda total, part: part.merge(total), shuffled, empty)
    assert forward == backward
    assert forward.count() == sum(item.n for item in listed)
    keys = [(item.variant, item.day, item.stratum) for item in forward.cells]
    assert len(keys) == len(set(keys))


def test_moments_of_other_shifts_do_not_merge() -> None:
    with pytest.raises(ImpError, match="do not add"):
        moments(shift=0.0).merge(moments(shift=1.0))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), st.floats(-1e6, 1e6))
def test_a_summary_is_what_numpy_says_whatever_the_shift(values: list[float], shift: float) -> None:
    found = moments(cell(values, shift=shift), shift=shift).summary("y", "a")
    spread = float(np.var(values, ddof=1))
    scale = max(abs(value - shift) for value in values) ** 2
    assert found.n == len(values)
    assert found.mean == pytest.approx(np.mean(values), rel=1e-9, abs=1e-6)
    assert found.variance == pytest.approx(spread, rel=1e-6, abs=1e-8 * scale + 1e-18)


def test_the_shift_saves_the_variance_at_a_mean_of_a_hundred_million() -> None:
    values = np.random.default_rng(1).normal(1e8, 1.0, 100_000).tolist()
    found = moments(cell(values, shift=1e8), shift=1e8).summary("y", "a")
    assert found.variance == pytest.approx(np.var(values, ddof=1), rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 5.0, 0.1, 1e8, -3.3, 1e-9])
@pytest.mark.parametrize("shift", [0.0, 0.05, 1e3])
def test_equal_values_have_no_variance_at_all(value: float, shift: float) -> None:
    found = moments(cell([value] * 999, shift=shift), shift=shift).summary("y", "a")
    assert found.variance == 0.0


def test_what_rounding_leaves_of_equal_values_is_not_variance() -> None:
    values = [0.1 + 0.2, 0.3] * 500
    assert moments(cell(values, shift=0.3), shift=0.3).summary("y").variance == 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e200])
def test_what_is_not_finite_stays_visible(bad: float) -> None:
    found = moments(cell([1.0, 2.0, bad])).summary("y", "a")
    assert found.variance is not None
    assert math.isnan(found.variance)


def test_infinities_of_both_signs_do_not_cancel() -> None:
    found = moments(cell([math.inf]), cell([-math.inf], day=2)).summary("y", "a")
    assert found.mean is not None
    assert math.isnan(found.mean)


def test_without_units_there_is_no_mean_and_with_one_no_variance() -> None:
    assert moments().summary("y", "a").mean is None
    one = moments(cell([4.0])).summary("y", "a")
    assert (one.n, one.mean, one.variance) == (1, 4.0, None)


def test_select_keeps_whole_cells() -> None:
    both = moments(cell([1.0, 2.0], day=1), cell([9.0], day=2), cell([5.0], variant="b", day=1))
    kept = both.select(lambda item: item.day == 1)
    assert kept.count() == 3
    assert kept.count("a") == 2
    assert [item.n for item in itertools.chain(kept.cells)] == [2, 1]
