"""Records as people read them: no JSON and no microseconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from imp_core.clock import format_time

__all__ = ["in_words"]

# Names of times that do not end in _us, in entries about the system and in statements.
_TIMES: Final = frozenset({"at", "until", "due", "latest", "received", "backups_clear_by"})
_EARLIEST_US: Final = 10**14  # 1973: what is smaller is a count
_LATEST_US: Final = 253_402_300_800_000_000  # the year 10000


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
