"""Identifiers: one spelling per person, a clear no for what is not one, and never the value in the message."""

from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.identity.normalize import KINDS, loosest, normalise
from imp_core.errors import BadInput
from imp_core.event import IDENTIFIER_KINDS, RawId


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("email", "  Ann.Lee@Example.COM ", "ann.lee@example.com"),
        ("email", "jane+news@gmail.com", "jane+news@gmail.com"),
        ("email", "用户@例子.广告", "用户@例子.广告"),
        ("email", "JOSE\u0301@example.com", "josé@example.com"),
        ("phone", "+86 138 0013 8000", "+8613800138000"),
        ("phone", "+1 (650) 555-1212", "+16505551212"),
        ("member", "  A-17 ", "A-17"),
        ("member", "会员一七", "会员一七"),
        ("idfa", "6d92078a-8246-4ba4-ae5b-76104861e7dc", "6D92078A-8246-4BA4-AE5B-76104861E7DC"),
        ("imei", "49-015420-323751-8", "490154203237518"),
        ("device", " x ", "x"),
    ],
)
def test_every_kind_has_one_spelling(kind: str, value: str, expected: str) -> None:
    assert normalise(RawId(kind, value)) == RawId(kind, expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "not-an-address"),
        ("email", "two@@example.com"),
        ("email", ".dot@example.com"),
        ("email", "a..b@example.com"),
        ("email", "a@-example.com"),
        ("email", "a@example"),
        ("email", "x" * 65 + "@example.com"),
        ("phone", "13900139000"),
        ("phone", "+1"),
        ("phone", "call me"),
        ("imei", "12"),
        ("member", "   "),
        ("member", "nul\x00l"),
        ("member", "x" * 300),
        ("fax", "+16505551212"),
    ],
)
def test_what_is_no_identifier_is_refused_without_repeating_it(kind: str, value: str) -> None:
    with pytest.raises(BadInput) as caught:
        normalise(RawId(kind, value))
    assert value.strip() == "" or value.strip() not in str(caught.value)


@given(st.from_regex(r"[a-zA-Z0-9._+-]{1,70}@[a-z0-9.-]{1,30}", fullmatch=True))
def test_the_short_way_for_plain_addresses_agrees_with_the_parser(address: str) -> None:
    try:
        parsed = validate_email(address.casefold(), check_deliverability=False, globally_deliverable=False, strict=True)
        expected = parsed.normalized.casefold() if "." in parsed.domain else None
    except EmailNotValidError:
        expected = None
    try:
        found = normalise(RawId("email", address)).value
    except BadInput:
        found = None
    assert found == expected


def test_every_kind_core_knows_has_its_rule_and_no_other_has_one() -> None:
    assert KINDS == IDENTIFIER_KINDS


@given(st.sampled_from(KINDS), st.text(max_size=40))
def test_normalising_twice_changes_nothing_and_nothing_but_bad_input_escapes(kind: str, value: str) -> None:
    try:
        once = normalise(RawId(kind, value))
    except BadInput:
        return
    assert normalise(once) == once


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jane.doe+news@gmail.com", "janedoe@googlemail.com"),
        ("a.b@example.com", "ab+x@example.com"),
    ],
)
def test_variants_of_one_address_share_their_loosest_spelling(one: str, other: str) -> None:
    assert loosest(normalise(RawId("email", one))) == loosest(normalise(RawId("email", other)))


def test_different_people_do_not_share_a_loosest_spelling() -> None:
    addresses = ["ann@example.com", "anne@example.com", "ann@example.org", "+tag@example.com"]
    assert len({loosest(normalise(RawId("email", address))) for address in addresses}) == len(addresses)
