"""What an entry says: the quick ways of writing it write the bytes of the plain one."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.ledger.encoding import encode
from imp_consent.ledger.entry import Statement, encode_statement, parse_system_leaf, payload_with, person_leaf
from imp_core.errors import BadInput, LedgerBroken

WORDS = st.text(max_size=30)
TIMES = st.integers(-(2**54), 2**54)


@given(WORDS, WORDS, WORDS, TIMES, st.none() | TIMES, st.none() | WORDS)
def test_a_statement_is_written_as_its_plain_json_or_refused_with_it(
    type_: str, purpose: str, channel: str, at_us: int, until_us: int | None, notice: str | None
) -> None:
    said = Statement(type=type_, purpose=purpose, channel=channel, at_us=at_us, until_us=until_us, notice=notice)
    try:
        plain = encode(said.plain())
    except BadInput:
        with pytest.raises(BadInput):
            encode_statement(said)
        return
    assert encode_statement(said) == plain
    assert payload_with(encode_statement(said), {"n": 1, "a": [None, "é"]}) == encode(
        {"s": said.plain(), "e": {"n": 1, "a": [None, "é"]}}
    )


SOME = st.none() | st.sampled_from(["", "explicit", "guardian"]) | WORDS
LISTS = st.lists(WORDS, max_size=3).map(tuple)
FURTHER = st.fixed_dictionaries(
    {},
    optional={
        "covers": LISTS, "traits": LISTS, "consent": SOME, "bundled": st.booleans(), "informed": st.booleans(),
        "by": SOME, "basis": SOME, "lifts": SOME, "needs": SOME, "corrects": st.none() | TIMES, "notice": SOME,
        "until_us": st.none() | TIMES,
    },
)  # fmt: skip


@given(WORDS, WORDS, TIMES, FURTHER)
def test_a_statement_that_says_more_is_written_as_its_plain_json_or_refused_with_it(
    purpose: str, channel: str, at_us: int, further: dict[str, Any]
) -> None:
    said = Statement(type="grant", purpose=purpose, channel=channel, at_us=at_us, **further)
    try:
        plain = encode(said.plain())
    except BadInput:
        with pytest.raises(BadInput):
            encode_statement(said)
        return
    assert encode_statement(said) == plain == rfc8785.dumps(said.plain())  # type: ignore[arg-type]  # JSON by another name


@pytest.mark.parametrize("field", ["at_us", "until_us", "corrects"])
@pytest.mark.parametrize("sign", [1, -1])
def test_integers_that_not_every_reader_of_json_keeps_are_refused_and_the_last_before_them_is_not(
    field: str, sign: int
) -> None:
    def said(value: int) -> Statement:
        return Statement(**{"type": "grant", "purpose": "p", "channel": "", "at_us": 0, field: value})

    assert encode_statement(said(sign * (2**53 - 1))) == encode(said(sign * (2**53 - 1)).plain())
    with pytest.raises(BadInput):
        encode_statement(said(sign * 2**53))


def test_a_statement_longer_than_an_entry_may_be_is_refused() -> None:
    with pytest.raises(BadInput, match="4096"):
        encode_statement(Statement(type="grant", purpose="p", channel="", at_us=0, covers=("x" * 100,) * 50))


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.integers(-(10**6), 10**6))
def test_a_persons_leaf_is_canonical(link: bytes, commit: bytes, day: int) -> None:
    assert person_leaf(link=link, commit=commit, day=day) == encode(
        {"v": 1, "link": link.hex(), "commit": commit.hex(), "day": day}
    )


@pytest.mark.parametrize(("length", "taken"), [(3_900, True), (4_100, False)])
def test_a_payload_is_no_longer_than_an_entry_may_be(length: int, *, taken: bool) -> None:
    said = Statement(type="grant", purpose="p", channel="", at_us=0)
    if taken:
        assert len(payload_with(encode_statement(said), {"n": "x" * length})) > length
    else:
        with pytest.raises(BadInput, match="4096"):
            payload_with(encode_statement(said), {"n": "x" * length})
    with pytest.raises(BadInput, match="4096"):
        payload_with(encode_statement(said), {"n": "x" * 4_050})


SYSTEM = {"v": 1, "type": "import", "at": 1, "actor": "x", "fields": {"n": 1}}


@pytest.mark.parametrize("name", ["type", "at", "actor", "fields"])
@pytest.mark.parametrize("value", [None, True, 7, "x", ["x"], {"x": 1}])
def test_a_system_leaf_with_a_field_of_another_type_is_none(name: str, value: object) -> None:
    leaf = encode(SYSTEM | {name: value})  # type: ignore[dict-item]
    if type(value) is type(SYSTEM[name]):
        assert parse_system_leaf(leaf, seq=1) is not None
        return
    with pytest.raises(LedgerBroken, match="without its fields"):
        parse_system_leaf(leaf, seq=1)


@pytest.mark.parametrize("leaf", [b"[]", b"null", b'"link"', b"7", b"{}"])
def test_a_leaf_that_is_no_object_or_an_empty_one_is_none(leaf: bytes) -> None:
    with pytest.raises(LedgerBroken, match="without its fields"):
        parse_system_leaf(leaf, seq=1)
