from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_core.errors import BadInput
from imp_experiments.stats.power.duration import Arrivals, days_until, matured


def test_a_cohort_counts_when_its_day_and_the_window_are_over() -> None:
    arrivals = Arrivals(daily=100)
    assert [matured(arrivals, day, window=14) for day in (0, 14, 15, 16, 28)] == [0, 0, 100, 200, 1_400]
    assert [matured(arrivals, day, window=0.5) for day in (1, 1.5, 2)] == [0, 100, 100]
    assert days_until(arrivals, 1_400, window=14) == 28
    assert days_until(arrivals, 1_401, window=14) == 29
    assert days_until(arrivals, 100, window=0.5) == 2
    assert days_until(arrivals, 0, window=14) == 0


def test_traffic_and_consent_take_their_shares() -> None:
    assert days_until(Arrivals(daily=1_000, traffic=0.5, consent=0.6), 3_000, window=7) == 17


def test_a_profile_ends_in_its_last_value() -> None:
    arrivals = Arrivals(daily=100, profile=(3.0, 2.0, 0.5))
    assert [arrivals.entered(day) for day in range(6)] == [0, 300, 500, 550, 600, 650]
    assert days_until(arrivals, 601, window=1) == 6
    assert days_until(Arrivals(daily=100, profile=(1.0, 0.0)), 101, window=1) is None


@given(
    st.floats(0.5, 1e6),
    st.floats(0, 1e6),
    st.integers(0, 1_440).map(lambda hours: hours / 24),
    st.lists(st.floats(0.1, 3), max_size=10),
)
def test_the_days_are_the_fewest_with_enough_matured(
    daily: float, number: float, window: float, profile: list[float]
) -> None:
    arrivals = Arrivals(daily=daily, profile=tuple(profile))
    days = days_until(arrivals, number, window=window)
    if days is None:
        assert arrivals.entered(36_525) < number
        return
    assert matured(arrivals, days, window=window) >= number
    if days:
        assert matured(arrivals, days - 1, window=window) < number


def test_a_century_is_too_long_to_wait() -> None:
    assert days_until(Arrivals(daily=1), 1e9, window=7) is None
    assert days_until(Arrivals(daily=1), 10, window=1e9) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"daily": 0}, {"daily": math.nan}, {"daily": math.inf}, {"traffic": 0}, {"traffic": 1.1},
        {"consent": math.nan}, {"profile": (1.0, -1.0)}, {"profile": (math.inf,)},
    ],
)  # fmt: skip
def test_arrivals_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Arrivals(**{"daily": 100.0, **wrong})


def test_days_and_units_that_cannot_be_are_refused() -> None:
    for days, window in ((-1, 0), (math.nan, 0), (5, -1), (5, math.inf)):
        with pytest.raises(BadInput):
            matured(Arrivals(daily=1), days, window=window)
        with pytest.raises(BadInput):
            days_until(Arrivals(daily=1), days, window=window)
