"""Rows that cannot be taken: named by row and field, never by value; and nothing is half taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imp_consent.plane.intake import Terms
from imp_consent.plane.intake.plain import looks_like_identifier
from imp_consent.plane.intake.terms import event_fault
from imp_core.clock import DAY_US
from imp_core.errors import BadInput, PluginBroken
from imp_core.event import EventType, RawEvent, RawId, RowFault, Signal, SignalKind

BAD = {
    "a time in the future": ({"days_ago": -1}, "at", "in the future"),
    "a time before the calendar": ({"event_us": -(10**18)}, "at", "calendar"),
    "an unknown purpose": ({"purpose": "secret-purpose"}, "purpose", "unknown purpose"),
    "no identifier": ({"identifier": None, "type": EventType.OUTCOME}, "identifier", "missing"),
    "a malformed e-mail": ({"identifier": RawId("email", "secret at example")}, "identifier", "e-mail"),
    "a malformed phone number": ({"identifier": RawId("phone", "secret")}, "identifier", "phone"),
    "an unknown kind": ({"identifier": RawId("secret", "1")}, "identifier", "unknown kind"),
    "a surrogate in an identifier": ({"identifier": RawId("member", "secret\ud800")}, "identifier", "text"),
    "a surrogate in another field": ({"campaign": "secret\udfff"}, "campaign", "text"),
    "no id": ({"message_id": ""}, "id", "missing"),
    "no experiment": ({"type": EventType.EXPOSURE, "variant": "a"}, "experiment", "missing"),
    "no variant": ({"type": EventType.EXPOSURE, "experiment": "e", "variant": ""}, "variant", "missing"),
    "a negative phase": ({"phase": -1}, "phase", "whole number"),
    "a phase of 40 bits": ({"phase": 2**40}, "phase", "whole number"),
    "a unit without an id": ({"unit_kind": "household"}, "unit", "missing"),
    "a currency in small letters": ({"currency": "eur"}, "currency", "ISO 4217"),
    "a trait without a key": ({"type": EventType.TRAIT, "trait_value": "secret"}, "trait_key", "missing"),
    "an unknown provenance": ({"provenance": "secret"}, "provenance", "not one of"),
}


def _event(shop, days_ago: int = 1, **fields: object) -> RawEvent:
    return replace(shop.event("1", "m2", days_ago=days_ago), **fields)


@pytest.mark.parametrize("case", BAD)
def test_one_bad_row_stops_everything_and_is_named_without_its_value(shop, case: str):
    fields, field, problem = BAD[case]
    shop.give("1")
    before = shop.state()
    rows = [shop.event("1", "m1"), _event(shop, **fields), shop.event("1", "m3")]
    with pytest.raises(BadInput) as caught:
        shop.take(*rows)
    assert f"row 2, {field}: " in caught.value.what
    assert problem in caught.value.what
    assert caught.value.where == "rows.csv"
    assert "--rejects" in (caught.value.mend or "")
    assert "secret" not in str(caught.value)
    assert shop.state() == before


@pytest.mark.parametrize("name", ["session", "unit", "cluster", "ref", "trait_key", "trait_value"])
def test_a_touchpoint_without_a_person_may_not_carry_what_would_tell_who_it_was(shop, name: str):
    with pytest.raises(BadInput, match=f"row 1, {name}: a touchpoint without an identifier"):
        shop.take(shop.event(None, "m1", **{name: "4711"}))


PLAIN = (
    "stratum", "campaign", "content", "placement", "partner", "place", "name", "interaction", "stage", "variant",
    "experiment", "trait_key", "trait_value", "channel", "unit_kind",
)  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(
    "text",
    [
        "ann@example.com",
        "to ann%40example.com",
        "用户@例子.广告",
        "+8613800138000",
        "tel: +8613800138000",
        "+49 (151) 123-45 67",
    ],
)
def test_a_field_that_is_stored_as_it_comes_takes_no_identifier(shop, name: str, text: str):
    given = {"unit": "1", name: text}
    with pytest.raises(BadInput, match=f"row 1, {name}: looks like an identifier") as caught:
        shop.take(shop.event("1", "m1", **given))
    assert text not in str(caught.value)


@pytest.mark.parametrize("name", PLAIN)
def test_bare_digits_like_a_telephone_number_are_taken_only_where_numbers_are_at_home(name: str):
    numbered = name in {"campaign", "content", "placement", "partner", "trait_value"}
    for text in ("13800138000", " 2025550123 ", "120210012345678901"):
        assert looks_like_identifier(name, text) is not numbered
    assert looks_like_identifier(name, "138 0013 8000")
    assert looks_like_identifier(name, "(202) 555-0123")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("content", "hero@3"), ("content", "hero@3.1"), ("campaign", "spring 2026-03-01"), ("campaign", "c+1"),
        ("place", "Lyon 69001"), ("name", "follow @shop"), ("stage", "2026-03-01"), ("campaign", "q1-20260301-0004-de"),
        ("variant", "+10%"), ("placement", "300x250"), ("stratum", "123456789"),
    ],
)  # fmt: skip
def test_what_campaigns_and_places_are_called_is_no_identifier(shop, name: str, text: str):
    shop.give("1")
    assert shop.take(shop.event("1", "m1", **{name: text})).admitted == 1


def test_a_property_that_is_kept_takes_no_identifier_and_one_that_is_dropped_does_no_harm(shop):
    shop.give("1")
    event = shop.event("1", "m1", props={"device": "phone", "note": "ann@example.com"})
    with pytest.raises(BadInput, match="row 1, props: looks like an identifier"):
        shop.take(event, terms={"props": frozenset({"note"})})
    assert shop.take(event, terms={"props": frozenset({"device"})}).props_dropped == 1


def test_a_signals_channel_is_no_identifier_either(shop):
    shop.give("1")
    with pytest.raises(BadInput, match="row 0, channel: looks like an identifier"):
        shop.take(
            Signal(kind=SignalKind.STOP, identifier=RawId("member", "1"), event_us=shop.now, channel="ann@example.com")
        )


def test_one_id_twice_in_a_file_is_a_fault_of_the_second_row_even_where_nobody_is_known(shop):
    with pytest.raises(BadInput, match="row 2, id: the same as another row's"):
        shop.take(shop.event("8", "m1"), shop.event("9", "m1", row=2))


def test_the_faults_of_many_rows_are_listed_in_order_up_to_twenty(shop):
    def rows(n: int):
        return [shop.event("1", f"m{i}", days_ago=-1) for i in range(n, 0, -1)]

    with pytest.raises(BadInput) as caught:
        shop.take(*rows(3), RowFault(row=9, field="amount", problem="not a number"))
    assert caught.value.what.startswith("4 faults, nothing was taken: row 1, at: in the future; row 2, at:")
    assert caught.value.what.endswith("row 9, amount: not a number")
    with pytest.raises(BadInput, match="20 faults or more") as caught:
        shop.take(*rows(50))
    assert caught.value.what.count("row ") == 20


def test_a_channels_manifest_bounds_the_purposes_it_may_collect_for(shop):
    shop.give("1", purpose="marketing.email")
    event = shop.event("1", "m1", purpose="marketing.email")
    with pytest.raises(BadInput, match="purpose: the channel web does not declare it"):
        shop.take(event, terms={"declared": frozenset({"analytics"})})
    assert shop.take(event, terms={"declared": frozenset({"marketing.email"})}).admitted == 1


def test_a_channels_manifest_bounds_the_kinds_of_identifier_it_may_hand_in(shop):
    shop.give("1")
    problem = "identifier: the channel does not declare this kind of identifier"
    signal = Signal(kind=SignalKind.STOP, identifier=RawId("member", "1"), event_us=shop.now, channel="web")
    for row in (shop.event("1", "m1"), signal):
        with pytest.raises(BadInput, match=problem):
            shop.take(row, terms={"kinds": frozenset({"email"})})
    assert shop.take(shop.event("1", "m1"), signal, terms={"kinds": frozenset({"member"})}).signals == 1
    assert shop.take(shop.event(None, "m2"), terms={"kinds": frozenset()}).admitted == 1


def test_with_rejects_the_good_rows_go_in_and_every_bad_one_is_told(shop):
    shop.give("1")
    told: list[RowFault] = []
    rows = [
        shop.event("1", "m1"),
        shop.event("1", "m2", days_ago=-1),
        RowFault(row=3, field="amount", problem="not a number"),
        RowFault(row=3, field="at", problem="missing"),
        shop.event("1", "m1", row=4),
        Signal(kind=SignalKind.STOP, identifier=RawId("member", "1"), event_us=shop.now + DAY_US, channel="web", row=5),
    ]
    result = shop.take(*rows, refuse=told.append)
    assert [(fault.row, fault.field) for fault in told] == [(2, "at"), (3, "amount"), (3, "at"), (4, "id"), (5, "at")]
    assert (result.received, result.admitted, result.rejected, result.signals) == (1, 1, 4, 0)
    assert shop.entries("collect")[0]["rejected"] == 4


def test_a_source_without_any_good_row_is_not_registered_even_with_rejects(shop):
    before, told = shop.state(), []
    with pytest.raises(BadInput, match="no row can be taken"):
        shop.take(shop.event("1", "m1", days_ago=-1), refuse=told.append)
    with pytest.raises(BadInput, match="there are no rows"):
        shop.take(refuse=told.append)
    with pytest.raises(BadInput, match="there are no rows"):
        shop.take()
    assert len(told) == 1
    assert shop.state() == before


def test_a_signal_for_an_unknown_purpose_or_of_a_malformed_identifier_is_a_fault(shop):
    signal = Signal(
        kind=SignalKind.STOP, identifier=RawId("email", "x"), event_us=shop.now, channel="web", purpose="analytics"
    )
    with pytest.raises(BadInput, match="row 0, identifier"):
        shop.take(signal)
    with pytest.raises(BadInput, match="purpose: unknown purpose"):
        shop.take(replace(signal, purpose="nothing"))


@pytest.mark.parametrize(
    "fields",
    [
        {"event_us": 1.5},
        {"event_us": "2026-01-01"},
        {"event_us": True},
        {"type": "touchpoint"},
        {"identifier": "member:1"},
        {"message_id": 7},
        {"phase": "1"},
        {"variant": 3},
        {"session": b"bytes"},
        {"currency": 978},
        {"amount_micros": "12.50"},
        {"amount_micros": 2**63},
        {"quantity": 1.5},
        {"props": [("device", "phone")]},
    ],
    ids=str,
)
def test_a_plugin_that_hands_in_wrong_types_is_broken_and_nothing_is_taken(shop, fields: dict[str, object]):
    shop.give("1")
    before = shop.state()
    with pytest.raises(PluginBroken):
        shop.take(shop.event("1", "m1"), replace(shop.event("1", "m2"), **fields))
    assert shop.state() == before


@pytest.mark.parametrize("item", [None, ("row", 1), {"type": "touchpoint"}, RawId("member", "1")], ids=str)
def test_a_plugin_that_hands_in_something_else_is_broken(shop, item: object):
    with pytest.raises(PluginBroken, match="cannot hand in"):
        shop.take(shop.event("1", "m1"), item)


def test_a_sound_event_has_no_fault(shop):
    terms = Terms(channel="web", purposes=frozenset({"analytics"}))
    sound: RawEvent = shop.event("1", "m1", event_us=shop.now)
    assert event_fault(sound, terms, shop.now) is None
    assert event_fault(replace(sound, event_us=shop.now + 1), terms, shop.now) is not None
