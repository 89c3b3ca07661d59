"""What an entry says: the quick ways of writing it write the bytes of the plain one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.ledger.encoding import encode
from imp_consent.ledger.entry import Statement, encode_statement, format_payload, person_leaf
from imp_core.errors import BadInput

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
    assert format_payload(said, {"n": 1, "a": [None, "é"]}) == encode(
        {"s": said.plain(), "e": {"n": 1, "a": [None, "é"]}}
    )


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.integers(-(10**6), 10**6))
def test_a_persons_leaf_is_canonical(link: bytes, commit: bytes, day: int) -> None:
    assert person_leaf(link=link, commit=commit, day=day) == encode(
        {"v": 1, "link": link.hex(), "commit": commit.hex(), "day": day}
    )


@pytest.mark.parametrize(("length", "taken"), [(3_900, True), (4_100, False)])
def test_a_payload_is_no_longer_than_an_entry_may_be(length: int, *, taken: bool) -> None:
    said = Statement(type="grant", purpose="p", channel="", at_us=0)
    if taken:
        assert len(format_payload(said, {"n": "x" * length})) > length
    else:
        with pytest.raises(BadInput, match="4096"):
            format_payload(said, {"n": "x" * length})
    with pytest.raises(BadInput, match="4096"):
        format_payload(said, {"n": "x" * 4_050})
