"""Canonical JSON of leaves and commitments: a profile of RFC 8785 in which equal values have equal bytes.

The profile: text, integers below 2**53 in magnitude, booleans, null, lists, and objects with ASCII keys; no floats,
at most 4 KiB and 32 levels. Within it `json.dumps` with sorted keys writes exactly the bytes RFC 8785 asks for
(`tests/consent/ledger/test_encoding.py` compares the two).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NoReturn

from imp_core.errors import BadInput, LedgerBroken
from imp_core.ports import Json

__all__ = ["MAX_BYTES", "MAX_DEPTH", "decode", "encode"]

MAX_BYTES: Final = 4096
MAX_DEPTH: Final = 32
_LIMIT: Final = 2**53
# What an integer of 2**53 or more must hold: sixteen digits that begin with 9, or seventeen.
_SIXTEEN: Final = re.compile(rb"9[0-9]{15}")
_SEVENTEEN: Final = b"0" * 17
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_FREE: Final = frozenset({str, bool, type(None)})  # types of which every value may be written
_SHAPES: Final = 256  # of objects, by their keys
_FLAT: Final = 2  # levels of objects below the first that are written by their shapes
_quote: Final = json.encoder.encode_basestring
_BYTES: Final = (bytes, bytearray, memoryview)


def _plain(value: object) -> object:
    # mappings and sequences json does not know; `_check` has let nothing else through
    return dict(value) if isinstance(value, Mapping) else list(value)  # type: ignore[call-overload]


def _refuse(_: str) -> NoReturn:
    raise ValueError


# RFC 8785 §3.2.3 sorts keys by UTF-16 units: for ASCII keys that is their order by code point
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
# The same encoder's C part, made once and not for every value; where there is none (PyPy), the encoder itself.
_MAKE: Final = getattr(json.encoder, "c_make_encoder", None)
_SETTINGS: Final = (None, _plain, _quote, None, ":", ",", True, False, False)
_CHUNKS: Final = _MAKE(*_SETTINGS) if _MAKE else None
_DECODER: Final = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse)


def encode(value: Json, *, limit: int = MAX_BYTES) -> bytes:
    """The canonical bytes of a value, at most `limit` of them (what quotes an entry may be longer than one).

    Raises:
        BadInput: a float, an integer of 2**53 or more, a key that is not ASCII text, a lone surrogate, another type,
            more than `limit` bytes or more than 32 levels. The value itself is not repeated.
    """
    text = _flat(value)
    if text is None:
        _check(value, 0)
    try:
        data = _canonical(value) if text is None else text.encode()
    except UnicodeEncodeError:
        raise BadInput("text with a lone surrogate cannot be written to the ledger") from None
    if len(data) > limit:
        raise BadInput(f"{len(data)} bytes of canonical JSON", mend=f"an entry holds at most {limit} bytes")
    return data


def decode(data: bytes, *, limit: int = MAX_BYTES) -> Json:
    """The value of canonical bytes; exactly the bytes `encode` would write are taken.

    Raises:
        LedgerBroken: the bytes are not JSON, or not canonical, or outside the profile.
    """
    if len(data) > limit:
        raise LedgerBroken(f"{len(data)} bytes where canonical JSON has at most {limit}")
    try:
        value: Json = _DECODER.decode(data.decode())
        canonical = _canonical(value) if _is_plain(data) else encode(value, limit=limit)
    except (ValueError, RecursionError, BadInput):
        raise LedgerBroken("bytes that are not canonical JSON") from None
    if canonical != data:
        raise LedgerBroken("JSON that is not in canonical form")
    return value


def _canonical(value: Json) -> bytes:
    text = "".join(_CHUNKS(value, 0)) if _CHUNKS else _ENCODER.encode(value)
    return text.encode()


@lru_cache(_SHAPES)
def _shape(keys: tuple[object, ...]) -> tuple[str, Callable[[Mapping[str, Any]], tuple[Any, ...]]] | None:
    """The text of an object with these keys, a place for each value, and what takes the values in that order."""
    names = sorted(key for key in keys if isinstance(key, str) and key.isascii() and key.isidentifier())
    if len(names) < len(keys):
        return None
    text = "{" + ",".join(f'"{name}":%s' for name in names) + "}"
    if len(names) > 1:
        return text, itemgetter(*names)
    return text, lambda value: tuple(value.values())  # of one name alone `itemgetter` makes no tuple


def _flat(value: object, depth: int = 0) -> str | None:
    """The canonical text of an object of plain values, lists of them and few such objects, as most are; else None."""
    if type(value) is not dict or (shape := _shape(tuple(value))) is None:
        return None
    texts: list[object] = []
    for item in shape[1](value):
        text = _plain_text(item)
        if text is None:
            text = _list_text(item) if type(item) is list else _flat(item, depth + 1) if depth < _FLAT else None
            if text is None:
                return None
        texts.append(text)
    return shape[0] % tuple(texts)


def _plain_text(item: Any) -> str | None:  # noqa: ANN401 (whatever JSON may hold)
    of = type(item)
    if of is str:
        return _quote(item)
    if of is int:
        return str(item) if -_LIMIT < item < _LIMIT else None
    if item is None:
        return "null"
    return ("true" if item else "false") if of is bool else None


def _list_text(items: Sequence[object]) -> str | None:
    texts = [_plain_text(item) for item in items]
    return None if None in texts else f"[{','.join(texts)}]"  # type: ignore[arg-type]  # there is no None


def _check(value: object, depth: int) -> None:
    kind = type(value)
    if kind in _FREE or isinstance(value, str):
        return
    if isinstance(value, int):
        if not -_LIMIT < value < _LIMIT:
            raise BadInput("an integer of 2**53 or more cannot be written to the ledger")
        return
    if depth >= MAX_DEPTH:
        raise BadInput(f"a value nested deeper than {MAX_DEPTH} levels cannot be written to the ledger")
    for item in _items(value):
        of = type(item)
        if of in _FREE or (of is int and -_LIMIT < item < _LIMIT):  # most are: a call less for each
            continue
        _check(item, depth + 1)


def _items(value: object) -> Iterable[Any]:
    if type(value) is dict or isinstance(value, Mapping):
        for key in value:
            if not (isinstance(key, str) and key.isascii()):
                raise BadInput("a key that is not ASCII text cannot be written to the ledger")
        return value.values()
    if isinstance(value, Sequence) and not isinstance(value, _BYTES):
        return value
    raise BadInput(f"a {type(value).__name__} cannot be written to the ledger")


def _is_plain(data: bytes) -> bool:
    # in what JSON can say at all, only these three leave the profile; the brackets of strings count too, and may
    if not data.isascii() or data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        return False
    return _SEVENTEEN not in data.translate(_DIGITS) and not _SIXTEEN.search(data)
