"""The fields of an event as files name them, and how a value of each becomes what `RawEvent` holds.

A converter takes one value that is not empty and answers the field's value, or raises `Unfit`, whose text says the
problem and never the value. Amounts become integer micros through `Decimal`: no float is ever computed with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal, Inexact
from enum import StrEnum

from imp_core.clock import parse_time
from imp_core.errors import BadInput
from imp_core.event import EventType, RawId

__all__ = ["FIELDS", "Convert", "Field", "TimeFormat", "Unfit", "identifier_of_kind", "text", "times", "truth"]

Convert = Callable[[object], object]

_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,19}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})")
_CURRENCY = re.compile(r"[A-Z]{3}")
_INT32, _INT64 = 2**31, 2**63
_DIGITS = 19
_MICROS = Decimal(1_000_000)
_EXACT = Context(prec=80, traps=[Inexact])
# What an integer time may be: the years 1 to 9999, as `datetime` has them.
_EARLIEST_US, _LATEST_US = -62_135_596_800_000_000, 253_402_300_800_000_000
_PROVENANCES = ("declared", "observed", "inferred")
_UNTRUE = frozenset({"", "false", "f", "no", "n", "off", "null", "none", "nan", "n/a", "否"})


class Unfit(Exception):
    """A value or row cannot be taken; `str()` is the problem in words, without the value."""


class TimeFormat(StrEnum):
    """How a file writes its times."""

    ISO = "iso"
    UNIX_S = "unix_s"
    UNIX_MS = "unix_ms"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: the attribute of `RawEvent` it fills, and its converter."""

    attribute: str
    convert: Convert


def text(value: object) -> str:
    """Text as it is; whole numbers as their digits, for files with typed columns."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unfit("not text")
    return str(value)


def integer(value: object) -> int:
    """A whole number that fits 64 bits; a fraction of zeros is let pass, as exports with gaps write it."""
    whole = _whole(decimal(value))
    if whole is None:
        raise Unfit("not a whole number")
    return whole


def decimal(value: object) -> Decimal:
    """An exact decimal number; of a float, the shortest text that stands for it."""
    if isinstance(value, str):
        digits = value.strip()
        if not _DECIMAL.fullmatch(digits):
            raise Unfit("not a decimal number like 1234.50")
        return Decimal(digits)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Unfit("not a number")
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise Unfit("not a number")
    return number


def micros(value: object) -> int:
    """An amount in integer millionths, exactly."""
    try:
        whole = _whole(_EXACT.multiply(decimal(value), _MICROS))
    except Inexact:
        whole = None
    if whole is None:
        raise Unfit("more than six decimal places")
    return whole


def times(form: TimeFormat) -> Convert:
    """The converter of times: ISO 8601 with a zone, or whole seconds or milliseconds since 1970 (UTC)."""
    if form is TimeFormat.ISO:
        return _iso
    scale = 1_000_000 if form is TimeFormat.UNIX_S else 1_000

    def whole(value: object) -> int:
        time_us = integer(value) * scale
        if not _EARLIEST_US <= time_us < _LATEST_US:
            raise Unfit(f"outside the calendar when read as {form}")
        return time_us

    return whole


def identifier_of_kind(kind: str | None) -> Convert:
    """The converter of identifiers: values of one kind, or (None) written as kind:value."""

    def plain(value: object) -> RawId:
        found = text(value).strip()
        if not found:
            raise Unfit("missing")
        return RawId(str(kind), found)

    return _written if kind is None else plain


def truth(value: object) -> bool:
    """Whether a value says yes: not empty, not a word for no, not a zero."""
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _UNTRUE:
            return False
        return Decimal(word) != 0 if _DECIMAL.fullmatch(word) else True
    return value == value and bool(value)  # noqa: PLR0124 (NaN is the value that differs from itself)


def _whole(number: Decimal) -> int | None:
    if number.adjusted() > _DIGITS:  # before int() spells out an exponent of millions
        raise Unfit("does not fit 64 bits")
    whole = int(number)
    if not -_INT64 <= whole < _INT64:
        raise Unfit("does not fit 64 bits")
    return whole if whole == number else None


def _iso(value: object) -> int:
    if isinstance(value, datetime):
        value = value.isoformat()
    if not isinstance(value, str):
        raise Unfit('not a time in ISO 8601 (a mapping may say time = "unix_s" or "unix_ms")')
    try:
        return parse_time(value)
    except BadInput as error:
        raise Unfit(error.what) from None


def _written(value: object) -> RawId:
    try:
        return RawId.parse(text(value))
    except BadInput:
        raise Unfit("not an identifier written as kind:value") from None


def _type(value: object) -> EventType:
    try:
        return EventType(text(value).strip().lower())
    except ValueError:
        raise Unfit(f"not one of {', '.join(EventType)}") from None


def _currency(value: object) -> str:
    code = text(value).strip()
    if not _CURRENCY.fullmatch(code):
        raise Unfit("not a currency code of three capitals (ISO 4217)")
    return code


def _provenance(value: object) -> str:
    word = text(value).strip().lower()
    if word not in _PROVENANCES:
        raise Unfit(f"not one of {', '.join(_PROVENANCES)}")
    return word


def _phase(value: object) -> int:
    number = integer(value)
    if not 0 <= number < _INT32:
        raise Unfit("not a phase: a whole number from 0")
    return number


_TEXTS = (
    "purpose", "channel", "campaign", "content", "placement", "partner", "place", "name", "interaction", "stage",
    "session", "experiment", "variant", "unit_kind", "unit", "stratum", "cluster", "ref", "trait_key", "trait_value",
)  # fmt: skip

FIELDS: Mapping[str, Field] = {
    "type": Field("type", _type),
    "identifier": Field("identifier", _written),
    "at": Field("event_us", _iso),
    "id": Field("message_id", text),
    "phase": Field("phase", _phase),
    "amount": Field("amount_micros", micros),
    "currency": Field("currency", _currency),
    "quantity": Field("quantity", integer),
    "provenance": Field("provenance", _provenance),
    **{name: Field(name, text) for name in _TEXTS},
}
