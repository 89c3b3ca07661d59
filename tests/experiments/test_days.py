from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_core.clock import DAY_US, parse_time
from imp_core.errors import BadInput
from imp_experiments.measure.days import Offsets, day_end_us, offsets_between, open_zone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Asia/Shanghai",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
]


def local_day(offsets: Offsets, time_us: int) -> int:
    local = time_us + offsets.base_us + sum(by for change, by in offsets.changes if time_us >= change)
    return local // DAY_US


@given(
    st.sampled_from(ZONES),
    st.integers(1_000_000_000, 1_900_000_000),
    st.lists(st.integers(0, 400 * 86_400), min_size=1, max_size=20),
)
def test_the_offset_table_gives_the_calendars_day(zone: str, first: int, ahead: list[int]) -> None:
    times = [(first + seconds) * 1_000_000 for seconds in ahead]
    offsets = offsets_between(ZoneInfo(zone), min(times), max(times))
    for time_us in times:
        calendar = (EPOCH + timedelta(microseconds=time_us)).astimezone(ZoneInfo(zone)).date()
        assert local_day(offsets, time_us) == (calendar - EPOCH.date()).days


@given(st.sampled_from(ZONES), st.integers(14_000, 21_000))
def test_a_day_ends_where_the_next_begins(zone: str, day: int) -> None:
    end = day_end_us(ZoneInfo(zone), day)
    offsets = offsets_between(ZoneInfo(zone), end - 2 * DAY_US, end + DAY_US)
    assert local_day(offsets, end - 1) == day
    assert local_day(offsets, end) == day + 1


@pytest.mark.parametrize(("day", "hours"), [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25)])
def test_the_days_of_summer_time_have_23_and_25_hours(day: str, hours: int) -> None:
    number = (datetime.fromisoformat(day).replace(tzinfo=UTC) - EPOCH).days
    zone = ZoneInfo("Europe/Paris")
    assert day_end_us(zone, number) - day_end_us(zone, number - 1) == hours * 3_600_000_000


def test_the_change_to_summer_time_is_found_to_the_second() -> None:
    found = offsets_between(
        ZoneInfo("Europe/Paris"), parse_time("2026-01-01T00:00:00Z"), parse_time("2026-12-31T00:00:00Z")
    )
    assert found.base_us == 3_600_000_000
    assert found.changes == (
        (parse_time("2026-03-29T01:00:00Z"), 3_600_000_000),
        (parse_time("2026-10-25T01:00:00Z"), -3_600_000_000),
    )


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_an_unknown_zone_is_bad_input(name: str) -> None:
    with pytest.raises(BadInput, match="no time zone"):
        open_zone(name)
