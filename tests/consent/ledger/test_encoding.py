from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.ledger.encoding import MAX_BYTES, MAX_DEPTH, decode, encode
from imp_core.errors import BadInput, LedgerBroken

texts = st.text(st.characters(codec="utf-8"), max_size=20)
keys = st.text(st.characters(max_codepoint=127), max_size=10)
integers = st.integers(-(2**53) + 1, 2**53 - 1)
values = st.recursive(
    st.none() | st.booleans() | integers | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)


@given(values)
def test_bytes_are_those_of_an_independent_rfc_8785_implementation_and_decode_to_the_value(value: Any) -> None:
    data = rfc8785.dumps(value)
    assert encode(value) == data
    assert decode(data) == value


def test_a_golden_literal() -> None:
    leaf = {"v": 1, "link": "aé€😀", "commit": 'q"\\\b\f\n\r\t\x01\x7f', "day": -20000, "a": [True, False, None, {}]}
    golden = (
        '{"a":[true,false,null,{}],"commit":"q\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f","day":-20000,"link":"aé€😀","v":1}'
    )
    assert encode(leaf) == golden.encode()
    assert decode(golden.encode()) == leaf


def test_any_mapping_and_sequence_is_written_as_object_and_list() -> None:
    assert encode(MappingProxyType({"b": (1, 2), "a": MappingProxyType({})})) == b'{"a":{},"b":[1,2]}'


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        math.nan,
        [0.5],
        2**53,
        -(2**53),
        {"k": 2**60},
        {1: "x"},
        {None: "x"},
        {"é": "x"},
        "\ud800",
        {"k": ["\udfff"]},
        b"bytes",
        bytearray(b"x"),
        {"k": b"x"},
        {1, 2},
        object(),
        "x" * MAX_BYTES,
        ["é" * 1000, "é" * 1100],
    ],
    ids=range(18),
)
def test_what_is_outside_the_profile_is_refused_without_repeating_it(value: Any) -> None:
    with pytest.raises(BadInput) as refused:
        encode(value)
    assert "xxxx" not in str(refused.value)


def test_the_size_limit_is_4096_bytes_exactly() -> None:
    assert len(encode("x" * 4094)) == 4096
    assert decode(encode("x" * 4094)) == "x" * 4094
    with pytest.raises(BadInput, match="4097 bytes"):
        encode("x" * 4095)
    with pytest.raises(LedgerBroken, match="4097 bytes"):
        decode(b'"' + b"x" * 4095 + b'"')


def test_nesting_is_limited_and_a_cycle_is_refused() -> None:
    def nested(levels: int) -> list[Any]:
        value: list[Any] = []
        for _ in range(levels - 1):
            value = [value]
        return value

    assert decode(encode(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    cycle: list[Any] = []
    cycle.append(cycle)
    for value in (nested(MAX_DEPTH + 1), cycle):
        with pytest.raises(BadInput, match="nested deeper"):
            encode(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" 1",
        b"1 ",
        b"1\n",
        b"01",
        b"+1",
        b"-0",
        b"1.0",
        b"1e3",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"9007199254740992",
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,}',
        b"[1,]",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\u00e9"',
        b'"\\uD83D\\uDE00"',
        b'"\\u001F"',
        b'"\\ud800"',
        b'"\xff"',
        b"\xef\xbb\xbf1",
        b'"\x01"',
        b"'a'",
        b'{"\xc3\xa9":1}',
        b"null null",
        b"[" * 4000,
        b"[" * 33 + b"]" * 33,
        b"1" * 4096,
    ],
)
def test_bytes_that_are_not_canonical_are_refused(data: bytes) -> None:
    with pytest.raises(LedgerBroken):
        decode(data)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:0123456789-+.eEaNntruflsu\\ ', max_size=40).map(str.encode))
def test_whatever_bytes_come_decode_gives_their_one_value_or_refuses(data: bytes) -> None:
    try:
        value = decode(data)
    except LedgerBroken:
        return
    assert encode(value) == data
