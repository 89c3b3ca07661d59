"""Devices and the people who use them: `link` entries, along which restrictions travel and consents never do.

A link stands in two entries, one of each subject, which name each other by number, inside encrypted payloads:

    device:  link {"to": person}       person:  link {"from": device}       unlink ends it, from then on

It leads one way: what a browser asks for holds for its people too; what a person asks for does not hold for whoever
else uses that browser.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from imp_consent.ledger.entry import PersonEntry

__all__ = ["FROM", "TO", "devices_of", "people_of"]

TO: Final = "to"
FROM: Final = "from"


def people_of(history: Sequence[PersonEntry]) -> tuple[int, ...]:
    """The people a device is linked to, as far as its entries know."""
    return _linked(history, TO)


def devices_of(history: Sequence[PersonEntry]) -> tuple[int, ...]:
    """The devices a person is linked from."""
    return _linked(history, FROM)


def _linked(history: Iterable[PersonEntry], side: str) -> tuple[int, ...]:
    found: dict[int, None] = {}
    for entry in history:
        other = entry.payload.get(side)
        if not isinstance(other, int):
            continue
        if entry.statement.type == "link":
            found[other] = None
        elif entry.statement.type == "unlink":
            found.pop(other, None)
    return tuple(found)
