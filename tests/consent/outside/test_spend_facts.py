"""What a row of spend must be before it is stored."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.plane.spend import SpendFact, SpendKey, read_fact
from imp_core.channel import SpendRow, Window
from imp_core.clock import parse_time
from imp_core.event import RowFault

NOW = parse_time("2026-03-01T12:00:00Z")
ROW = SpendRow(day="2026-03-01", campaign="春季", cost=Decimal("12.34"), currency="CNY", tz="Asia/Shanghai", row=7)


def read(window: Window | None = None, **changes: Any) -> SpendFact | RowFault:
    return read_fact(replace(ROW, **changes), window or Window(), now_us=NOW)


def test_a_row_becomes_days_and_integer_micros() -> None:
    fact = read(impressions=0, clicks=3, content="banner@2")
    assert fact == SpendFact(
        key=SpendKey(day=20513, tz="Asia/Shanghai", campaign="春季", content="banner@2"),
        impressions=0,
        clicks=3,
        cost_micros=12_340_000,
        currency="CNY",
        row=7,
    )


@given(st.decimals(min_value=Decimal("-1e11"), max_value=Decimal("1e11"), places=6))
def test_costs_of_six_places_are_exact(cost: Decimal) -> None:
    fact = read(cost=cost)
    assert isinstance(fact, SpendFact)
    assert Decimal(fact.cost_micros).scaleb(-6) == cost


@pytest.mark.parametrize(
    ("cost", "micros"),
    [
        ("0", 0), ("-0.000001", -1), ("1.10000000000", 1_100_000), ("1E+3", 1_000_000_000), ("0E-1000000", 0),
        ("999999999999.999999", 999_999_999_999_999_999),
    ],
)  # fmt: skip
def test_a_cost_may_be_a_credit_and_however_it_is_written(cost: str, micros: int) -> None:
    fact = read(cost=Decimal(cost))
    assert isinstance(fact, SpendFact)
    assert fact.cost_micros == micros


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"cost": Decimal("0.0000001")}, "cost", "more than six decimal places"),
        ({"cost": Decimal("1e12")}, "cost", "not an amount of less than a trillion"),
        ({"cost": Decimal("1e999999")}, "cost", "not an amount of less than a trillion"),
        ({"cost": Decimal("1e-999999")}, "cost", "more than six decimal places"),
        ({"cost": Decimal("1." + "0" * 5000 + "1")}, "cost", "more than six decimal places"),
        ({"cost": Decimal("NaN")}, "cost", "not an amount of less than a trillion"),
        ({"cost": Decimal("-Infinity")}, "cost", "not an amount of less than a trillion"),
        ({"currency": "RMB"}, "currency", "not a currency in use (ISO 4217), like CNY"),
        ({"currency": "eur"}, "currency", "not a currency in use (ISO 4217), like CNY"),
        ({"currency": "EUR "}, "currency", "not a currency in use (ISO 4217), like CNY"),
        ({"currency": ""}, "currency", "not a currency in use (ISO 4217), like CNY"),
        ({"day": "2026-3-1"}, "day", "not a day in ISO 8601, like 2026-03-01"),
        ({"day": "2026-02-30"}, "day", "not a day in ISO 8601, like 2026-03-01"),
        ({"day": "20260301"}, "day", "not a day in ISO 8601, like 2026-03-01"),
        ({"day": "2026-03-03"}, "day", "in the future"),
        ({"tz": "Shanghai"}, "tz", "not a time zone's IANA name, like Asia/Shanghai"),
        ({"tz": ""}, "tz", "not a time zone's IANA name, like Asia/Shanghai"),
        ({"impressions": -1}, "impressions", "not a whole number from 0"),
        ({"clicks": 2**63}, "clicks", "not a whole number from 0"),
        ({"campaign": ""}, "campaign", "not one line of 1 to 500 characters"),
        ({"campaign": "a\nb"}, "campaign", "not one line of 1 to 500 characters"),
        ({"campaign": "a" * 501}, "campaign", "not one line of 1 to 500 characters"),
        ({"content": "\x1b[2J"}, "content", "not one line of 1 to 500 characters"),
        ({"campaign": "half \ud800"}, "campaign", "not one line of 1 to 500 characters"),
        ({"campaign": "ann@example.com"}, "campaign", "looks like an identifier"),
        ({"campaign": "+86 138 0013 8000"}, "campaign", "looks like an identifier"),
        ({"content": "to ann@example.com"}, "content", "looks like an identifier"),
    ],
    ids=str,
)
def test_a_row_that_cannot_be_stored_names_field_and_problem(changes: dict[str, Any], field: str, problem: str) -> None:
    assert read(**changes) == RowFault(row=7, field=field, problem=problem)


def test_a_day_that_has_begun_somewhere_is_not_in_the_future() -> None:
    assert isinstance(read(day="2026-03-02"), SpendFact)


def test_platforms_number_their_campaigns() -> None:
    assert isinstance(read(campaign="23851234567890123", content="120330000012345"), SpendFact)


@pytest.mark.parametrize("window", [Window(first_day="2026-03-02"), Window(last_day="2026-02-28")])
def test_a_day_that_was_not_asked_for_is_a_fault(window: Window) -> None:
    assert read(window) == RowFault(row=7, field="day", problem="outside the days that were asked for")
