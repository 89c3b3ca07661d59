"""What a row becomes: an event with exact values, or a fault that names row, field and problem."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_channel_file.fields import TimeFormat, Unfit, integer, micros, text, times, truth
from imp_core.clock import parse_time
from imp_core.event import EventType, RawEvent, RawId, RowFault

HEADER = "type,identifier,at,purpose,id,channel,name,amount,currency,experiment,variant\n"
GOOD = "outcome,member:1,2026-03-01T09:30:00+08:00,analytics,m1,shop,order,29.99,CNY,,\n"


def test_a_row_of_plainly_named_columns_becomes_an_event(take):
    assert take(HEADER + GOOD) == [
        RawEvent(
            type=EventType.OUTCOME,
            identifier=RawId("member", "1"),
            event_us=parse_time("2026-03-01T01:30:00Z"),
            purpose="analytics",
            message_id="m1",
            row=1,
            channel="shop",
            name="order",
            amount_micros=29_990_000,
            currency="CNY",
        )
    ]


def test_every_type_of_event_is_read_with_its_fields(take):
    events = take(
        "type,identifier,at,purpose,id,interaction,stage,experiment,phase,variant,trait_key,trait_value,provenance,name,quantity\n"
        "touchpoint,email:a@example.com,2026-03-01T00:00:00Z,analytics,1,click,consider,,,,,,,,\n"
        "exposure,email:a@example.com,2026-03-01T00:00:00Z,experimentation,2,,,spring,1,mens,,,,,\n"
        "outcome,email:a@example.com,2026-03-01T00:00:00Z,analytics,3,,,,,,,,,order,2\n"
        "trait,email:a@example.com,2026-03-01T00:00:00Z,analytics,4,,,,,,tier,gold,declared,,\n"
    )
    assert [event.type for event in events] == list(EventType)
    assert (events[0].interaction, events[0].stage) == ("click", "consider")
    assert (events[1].experiment, events[1].phase, events[1].variant) == ("spring", 1, "mens")
    assert (events[2].name, events[2].quantity) == ("order", 2)
    assert (events[3].trait_key, events[3].trait_value, events[3].provenance) == ("tier", "gold", "declared")


def test_a_touchpoint_may_be_nobodys(take):
    (event,) = take("type,identifier,at,purpose\ntouchpoint,,2026-03-01T00:00:00Z,analytics\n")
    assert event.identifier is None


@pytest.mark.parametrize(
    ("row", "field", "problem"),
    [
        (",member:1,2026-03-01T00:00:00Z,analytics,m1,,order,,,,", "type", "missing"),
        ("order,member:1,2026-03-01T00:00:00Z,analytics,m1,,order,,,,", "type", "not one of"),
        ("outcome,,2026-03-01T00:00:00Z,analytics,m1,,order,,,,", "identifier", "missing"),
        ("outcome,ann@example.com,2026-03-01T00:00:00Z,analytics,m1,,order,,,,", "identifier", "kind:value"),
        ("outcome,member:1,,analytics,m1,,order,,,,", "at", "missing"),
        ("outcome,member:1,yesterday,analytics,m1,,order,,,,", "at", "ISO 8601"),
        ("outcome,member:1,2026-03-01T00:00:00,analytics,m1,,order,,,,", "at", "zone"),
        ("outcome,member:1,2026-03-01T00:00:00Z,,m1,,order,,,,", "purpose", "missing"),
        ("outcome,member:1,2026-03-01T00:00:00Z,analytics,,,order,,,,", "id", "missing"),
        ("outcome,member:1,2026-03-01T00:00:00Z,analytics,m1,,,,,,", "name", "missing"),
        ('outcome,member:1,2026-03-01T00:00:00Z,analytics,m1,,order,"1,50",,,', "amount", "decimal"),
        ("outcome,member:1,2026-03-01T00:00:00Z,analytics,m1,,order,1.0000001,,,", "amount", "six decimal"),
        ("outcome,member:1,2026-03-01T00:00:00Z,analytics,m1,,order,1,usd,,", "currency", "4217"),
        ("exposure,member:1,2026-03-01T00:00:00Z,analytics,m1,,,,,spring,", "variant", "missing"),
        ("exposure,member:1,2026-03-01T00:00:00Z,analytics,m1,,,,,,mens", "experiment", "missing"),
        ("outcome,member:1,2026-03-01T00:00:00Z,analytics", "row", "4 fields where the header has 11"),
        ("outcome,member:1,2026-03-01T00:00:00Z,analytics,m1,,order,1,USD,,,surplus", "row", "12 fields"),
    ],
)
def test_a_bad_row_is_named_by_number_field_and_problem_and_its_neighbours_are_taken(take, row, field, problem):
    before, fault, after = take(HEADER + GOOD + row + "\n" + GOOD)
    assert isinstance(fault, RowFault)
    assert (fault.row, fault.field) == (2, field)
    assert problem in fault.problem
    assert (before.row, after.row) == (1, 3)


def test_a_fault_never_repeats_a_value(take):
    faults = take(
        "type,identifier,at,purpose,amount\nann@example.com,ann@example.com,ann@example.com,,ann@example.com\n"
    )
    assert "ann" not in repr(faults)


def test_rows_are_numbered_without_header_and_blank_lines(take):
    rows = take(HEADER + "\n" + GOOD + "\n\n" + "outcome,member:1\n")
    assert [(type(row), row.row) for row in rows] == [(RawEvent, 1), (RowFault, 2)]


def test_an_id_is_derived_from_file_row_and_type_and_is_the_same_on_a_second_reading(take):
    body = "type,identifier,at,purpose,name\n" + "outcome,member:1,2026-03-01T00:00:00Z,analytics,order\n" * 2
    first, again = take(body), take(body, name="renamed.csv")
    other = take(body + "outcome,member:2,2026-03-01T00:00:00Z,analytics,order\n")
    assert [event.message_id for event in first] == [event.message_id for event in again]
    assert len({event.message_id for event in (*first, *other)}) == 5


@given(st.integers(-(2**63), 2**63 - 1))
def test_amounts_are_exact_to_the_last_millionth(millionths):
    sign, digits = "-" * (millionths < 0), f"{abs(millionths):07d}"
    assert micros(f"{sign}{digits[:-6]}.{digits[-6:]}") == millionths


@given(st.text(max_size=30))
def test_no_text_makes_a_converter_raise_anything_but_unfit(value):
    for convert in (micros, integer, text, truth, *map(times, TimeFormat)):
        try:
            convert(value)
        except Unfit:
            continue


NO_AMOUNTS = ("", " ", "1e3", "NaN", "Infinity", "1_000", "\u0661", "1,5", "--1", "0.0000001", "1" * 30)
NOR_THESE = ("9223372036854.775808", "0.000001" + "0" * 30 + "1", float("nan"), float("inf"), Decimal("1E999999999"))


@pytest.mark.parametrize("value", [*NO_AMOUNTS, *NOR_THESE, Decimal("NaN"), True, [], b"1"])
def test_amounts_that_are_no_plain_decimals_or_do_not_fit_are_refused(value):
    with pytest.raises(Unfit):
        micros(value)


@pytest.mark.parametrize(
    ("value", "millionths"),
    [
        ("29.99", 29_990_000),
        (" 1 ", 1_000_000),
        ("-.5", -500_000),
        ("5.", 5_000_000),
        ("1.50000000", 1_500_000),
        pytest.param(30.99, 30_990_000, id="float"),
        (3, 3_000_000),
        (Decimal("0.1"), 100_000),
    ],
)
def test_amounts_are_read_from_text_and_from_typed_columns(value, millionths):
    assert micros(value) == millionths


def test_a_float_that_is_not_the_number_it_was_meant_to_be_is_refused_not_rounded():
    with pytest.raises(Unfit, match="six decimal"):
        micros(0.1 + 0.2)


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("iso", "2026-03-01T09:30:00+08:00"),
        ("unix_s", "1772328600"),
        ("unix_ms", "1772328600000"),
        pytest.param("unix_s", 1772328600, id="integer"),
    ],
)
def test_times_are_read_in_the_declared_form(form, value):
    assert times(TimeFormat(form))(value) == parse_time("2026-03-01T01:30:00Z")


@pytest.mark.parametrize(("form", "value"), [("unix_s", "1772328600000"), ("unix_s", "1.5"), ("iso", 1772328600)])
def test_times_in_another_form_than_declared_are_refused(form, value):
    with pytest.raises(Unfit):
        times(TimeFormat(form))(value)


NO = ("", "0", "0.00", "-0", "false", "No", "n/a", "NULL", "否", 0, False, 0.0, float("nan"))
YES = ("1", "0.01", "true", "Yes", "是", "2026-03-01T00:00:00Z", 1, True, 29.99)


@pytest.mark.parametrize("value", NO, ids=repr)
def test_a_condition_says_no(value):
    assert truth(value) is False


@pytest.mark.parametrize("value", YES, ids=repr)
def test_a_condition_says_yes(value):
    assert truth(value) is True
