"""Times are UTC integer microseconds, read from ISO 8601 with a zone and written the same way."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_core.clock import SimulatedClock, SystemClock, format_time, parse_time
from imp_core.errors import BadInput

FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999


@given(st.integers(FIRST, LAST))
def test_a_time_survives_being_written_and_read(time_us):
    assert parse_time(format_time(time_us)) == time_us


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-03-01T09:30:00+08:00", 1_772_328_600_000_000),
        ("2026-03-01 01:30:00.000001Z", 1_772_328_600_000_001),
        (" 2026-02-28T20:30:00-05:00\n", 1_772_328_600_000_000),
    ],
)
def test_times_of_every_zone_are_one_instant(text, time_us):
    assert parse_time(text) == time_us


def test_whole_seconds_are_written_without_a_fraction():
    assert format_time(1_772_328_600_000_000) == "2026-03-01T01:30:00Z"
    assert format_time(1_772_328_600_250_000) == "2026-03-01T01:30:00.250000Z"


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026-03-01", "2026-03-01T09:30:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "1772328600",
        "\u0662\u0660\u0662\u0666-03-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00",
        "ann@example.com",
    ],
)  # fmt: skip
def test_text_that_is_no_instant_is_refused_without_repeating_it(text):
    with pytest.raises(BadInput) as caught:
        parse_time(text)
    assert not text or text not in caught.value.what


@given(st.text(max_size=40))
def test_nothing_but_bad_input_comes_of_any_text(text):
    with contextlib.suppress(BadInput):
        assert FIRST <= parse_time(text) <= LAST


@pytest.mark.parametrize("time_us", [FIRST - 1, LAST + 1, 10**20])
def test_a_time_outside_the_calendar_cannot_be_written(time_us):
    with pytest.raises(BadInput, match="calendar"):
        format_time(time_us)


def test_a_simulated_clock_stands_still_and_never_goes_back():
    clock = SimulatedClock(10)
    assert clock.now_us() == clock.now_us() == 10
    clock.move_to(5)
    assert clock.now_us() == 10
    clock.move_to(20)
    assert clock.now_us() == 20


def test_the_systems_clock_counts_microseconds():
    before, after = SystemClock().now_us(), SystemClock().now_us()
    assert 1_700_000_000_000_000 < before <= after < LAST
