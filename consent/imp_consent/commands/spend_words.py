"""Words of `imp spend`: days, channels and amounts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from imp_consent.plane.intake.plain import looks_like_identifier
from imp_core.errors import BadInput

__all__ = ["amount", "amounts", "channel_of", "day_number", "day_of", "iso_day"]

_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CHANNEL: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_MICROS: Final = 1_000_000


def day_of(text: str | None, name: str) -> str | None:
    """An option's day; None where it was not given.

    Raises:
        BadInput: not a day in ISO 8601.
    """
    if text is not None:
        day_number(text, name)
    return text


def day_number(text: str, name: str) -> int:
    """A day in ISO 8601 as days since 1970.

    Raises:
        BadInput: it is not one.
    """
    try:
        found = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        raise BadInput("not a day in ISO 8601", where=name, mend="write it like 2026-03-01")
    return found.toordinal() - _EPOCH


def iso_day(day: int) -> str:
    """Days since 1970 as a day in ISO 8601."""
    return date.fromordinal(day + _EPOCH).isoformat()


def channel_of(text: str | None, name: str) -> str | None:
    """An option's channel; None where it was not given.

    Raises:
        BadInput: not a name of a channel. It is not repeated.
    """
    if text is not None and (not _CHANNEL.fullmatch(text) or looks_like_identifier("channel", text)):
        raise BadInput("not a name of a channel", where=name, mend="lower-case, such as google-ads")
    return text


def amount(micros: int) -> str:
    """Integer micros as a decimal number with two places or as many as it takes, and commas."""
    whole, rest = divmod(abs(micros), _MICROS)
    places = f"{rest:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{whole:,}.{places}"


def amounts(totals: Mapping[str, int]) -> str:
    """Totals by currency; never added up."""
    return ", ".join(f"{amount(micros)} {currency}" for currency, micros in totals.items()) or "nothing"
