"""Records as people read them: no JSON and no microseconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from imp_core.clock import format_time

__all__ = ["in_words", "is_technical", "minute", "money"]

# Names of times that do not end in _us, in entries about the system and in statements.
_TIMES: Final = frozenset({"at", "until", "due", "latest", "received", "backups_clear_by"})
_EARLIEST_US: Final = 10**14  # 1973: what is smaller is a count
_LATEST_US: Final = 253_402_300_800_000_000  # the year 10000
# Fields for who looks after the records: what they say a person reads elsewhere on the page, or has no use for.
_TECHNICAL: Final = frozenset(
    {
        "amount_micros", "basis_seq", "currency", "entry", "event_id", "event_us", "idempotency_key", "plugin",
        "recorded_us", "regime", "request", "sha256", "source", "string", "supersedes", "surface", "type",
    }
)  # fmt: skip
_HASH: Final = re.compile(r"(?:sha256[:-])?[0-9a-f]{32,128}", re.IGNORECASE)
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?Z")
# Money without a smaller coin (ISO 4217, exponent 0).
_WHOLE: Final = frozenset(
    {
        "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
        "XPF",
    }
)  # fmt: skip
_MICROS: Final = 1_000_000


def is_technical(name: str, value: object) -> bool:
    """Whether a field is for who looks after the records: by its name, or as it holds nothing but a hash."""
    return name in _TECHNICAL or (isinstance(value, str) and _HASH.fullmatch(value) is not None)


def minute(text: str) -> str:
    """A time as people write it, "2026-11-22 15:09 UTC"; any other text stays."""
    found = _TIME.fullmatch(text)
    return f"{found[1]} {found[2]} UTC" if found else text


def money(micros: int, currency: object) -> str:
    """An amount in millionths as people write it, "30.50 EUR"; all of its digits, and at least those of its coins."""
    amount = (Decimal(micros) / _MICROS).normalize()
    coins = 0 if currency in _WHOLE else 2
    digits = max(coins, -int(amount.as_tuple().exponent))
    return f"{amount:.{digits}f} {currency or ''}".rstrip()


def in_words(value: object, name: str = "") -> str:
    """A value of a record as text; `name` is its field's, by which times in microseconds are known.

    Lists are joined by commas, the fields of what is nested are named: "surface: command line; version: 1.0".
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and _EARLIEST_US <= value < _LATEST_US and (name.endswith("_us") or name in _TIMES):
        return format_time(value)
    if isinstance(value, Mapping):
        return _fields(value)
    if isinstance(value, Iterable):
        return ", ".join(_item(item) for item in value) or "none"
    return "none" if value is None else str(value)


def _fields(value: Mapping[object, object]) -> str:
    said = ((str(name), item) for name, item in value.items())
    return "; ".join(f"{name.replace('_', ' ')}: {_item(item, name)}" for name, item in said) or "none"


def _item(value: object, name: str = "") -> str:
    """What stands within another value: in brackets where it would not be told from what is beside it."""
    text = in_words(value, name)
    nested = isinstance(value, Iterable) and not isinstance(value, str)
    return f"({text})" if nested and text != "none" else text
