"""Rates and waits: a token bucket that paces, and a back-off that grows, jitters and honours the peer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_core.channel import RateLimit
from imp_core.errors import BadInput
from imp_core.outbound.backoff import BASE_SECONDS, CAP_SECONDS, Backoff
from imp_core.outbound.bucket import TokenBucket
from imp_core.randomness import SeededRandomness
from imp_core.stopwatch import SimulatedStopwatch


def test_a_burst_goes_at_once_and_the_rest_at_the_rate():
    stopwatch = SimulatedStopwatch()
    bucket = TokenBucket(RateLimit(per_second=10.0, burst=100), stopwatch)
    assert [bucket.take(50), bucket.take(50), bucket.take(10), bucket.take(5)] == [0.0, 0.0, 1.0, 0.5]
    assert stopwatch.waits == [1.0, 0.5]


def test_a_bucket_fills_up_again_and_no_further_than_the_burst():
    stopwatch = SimulatedStopwatch()
    bucket = TokenBucket(RateLimit(per_second=10.0, burst=20), stopwatch)
    bucket.take(20)
    stopwatch.sleep(1000.0)
    assert [bucket.take(20), bucket.take(10)] == [0.0, 1.0]


def test_more_rows_than_the_burst_are_paced():
    bucket = TokenBucket(RateLimit(per_second=10.0, burst=20), SimulatedStopwatch())
    assert bucket.take(500) == pytest.approx(48.0)


def test_no_rate_is_no_wait():
    stopwatch = SimulatedStopwatch()
    assert TokenBucket(RateLimit(), stopwatch).take(10**9) == 0.0
    assert stopwatch.waits == []


@pytest.mark.parametrize(
    "rate", [{"per_second": 0.0}, {"per_second": -1.0}, {"per_second": float("nan")}, {"burst": 0}]
)
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(BadInput):
        TokenBucket(RateLimit(**rate), SimulatedStopwatch())


@given(st.lists(st.integers(1, 200), min_size=1, max_size=30), st.floats(0.5, 1000), st.integers(1, 300))
def test_over_any_time_no_more_goes_out_than_burst_and_rate_allow(takes, per_second, burst):
    stopwatch = SimulatedStopwatch()
    bucket = TokenBucket(RateLimit(per_second=per_second, burst=burst), stopwatch)
    sent = 0
    for rows in takes:
        bucket.take(rows)
        sent += rows
        assert sent <= burst + stopwatch.seconds() * per_second + 1e-6


def test_waits_double_up_to_a_cap_and_are_spread():
    backoff = Backoff(SeededRandomness(1))
    for attempt in (1, 2, 3, 8, 9, 1000):
        ceiling = min(CAP_SECONDS, BASE_SECONDS * 2 ** min(attempt - 1, 20))
        waits = [backoff.delay(attempt) for _ in range(300)]
        assert all(0 <= wait < ceiling for wait in waits)
        assert max(waits) > 0.9 * ceiling
        assert min(waits) < 0.1 * ceiling


def test_no_wait_is_shorter_than_the_peer_asks_for():
    backoff = Backoff(SeededRandomness(1))
    assert [backoff.delay(1, 90.0), backoff.delay(5, 90.0)] == [90.0, 90.0]
    assert backoff.delay(1, 0.0) < BASE_SECONDS
