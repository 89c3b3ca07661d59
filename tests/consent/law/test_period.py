"""Periods by the calendar."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.policy.period import Period, earliest, years_after
from imp_core.clock import DAY_US, format_time, parse_time
from imp_core.errors import BadInput


@pytest.mark.parametrize(
    ("begins", "period", "ends"),
    [
        ("2026-01-31T10:00:00Z", "1 month", "2026-02-28T10:00:00Z"),
        ("2024-01-31T10:00:00Z", "1 month", "2024-02-29T10:00:00Z"),
        ("2026-08-31T10:00:00Z", "6 months", "2027-02-28T10:00:00Z"),
        ("2026-12-15T00:00:00Z", "1 month", "2027-01-15T00:00:00Z"),
        ("2026-03-01T12:00:00.000001Z", "12 months", "2027-03-01T12:00:00.000001Z"),
        ("2026-03-01T12:00:00Z", "45 days", "2026-04-15T12:00:00Z"),
        ("2026-03-06T12:00:00Z", "1 business day", "2026-03-09T12:00:00Z"),  # a Friday
        ("2026-03-07T12:00:00Z", "1 business day", "2026-03-09T12:00:00Z"),  # a Saturday
        ("2026-03-02T12:00:00Z", "15 business days", "2026-03-23T12:00:00Z"),
    ],
)
def test_a_period_ends_by_the_calendar(begins: str, period: str, ends: str) -> None:
    assert format_time(Period.parse(period).after(parse_time(begins))) == ends


@pytest.mark.parametrize(
    "text", ["", "6", "months", "0 days", "6  months", "-1 days", "1.5 days", "2 years", "99999 months", "37000 days"]
)
def test_other_words_are_no_period(text: str) -> None:
    with pytest.raises(BadInput, match="not a period"):
        Period.parse(text)


@pytest.mark.parametrize(("most", "unit"), [(1_200, "months"), (36_525, "days"), (36_525, "business days")])
def test_the_longest_period_is_a_hundred_years(most: int, unit: str) -> None:
    assert str(Period.parse(f"{most} {unit}")) == f"{most} {unit}"
    with pytest.raises(BadInput, match="not a period"):
        Period.parse(f"{most + 1} {unit}")


@pytest.mark.parametrize("text", ["1 month", "6 months", "1 day", "45 days", "1 business day", "15 business days"])
def test_a_period_says_the_words_it_was_read_from(text: str) -> None:
    assert str(Period.parse(text)) == text


def test_of_two_periods_whichever_ends_first_counts() -> None:
    both = Period.parse("1 month").or_earlier(Period.parse("30 days"))
    assert str(both) == "1 month or 30 days"
    february, january = parse_time("2026-02-01T00:00:00Z"), parse_time("2026-01-01T00:00:00Z")
    assert both.after(february) == february + 28 * DAY_US
    assert both.after(january) == january + 30 * DAY_US
    assert both.or_earlier(Period.parse("30 days")) == both
    assert earliest(None, both) == both == earliest(both, None)


@given(st.integers(0, 60_000), st.integers(1, 240), st.integers(1, 240))
def test_a_longer_period_never_ends_earlier(day: int, one: int, other: int) -> None:
    begin = day * DAY_US
    ends = [Period(months=months).after(begin) for months in sorted((one, other))]
    assert begin < ends[0] <= ends[1]


def test_a_period_may_end_in_the_last_year_and_does_not_end_after_all_time() -> None:
    assert format_time(Period(months=12).after(parse_time("9998-12-31T00:00:00Z"))) == "9999-12-31T00:00:00Z"
    with pytest.raises(BadInput, match="9999"):
        Period(months=1_200).after(parse_time("9950-01-01T00:00:00Z"))


def test_who_was_born_on_a_leap_day_comes_of_age_on_the_first_of_march() -> None:
    assert format_time(years_after(date(2012, 2, 29), 14)) == "2026-03-01T12:00:00Z"
    assert format_time(years_after(date(2010, 5, 17), 16)) == "2026-05-17T12:00:00Z"
