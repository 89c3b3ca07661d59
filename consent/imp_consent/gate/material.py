"""The cuts that a snapshot knows, read from the log once and remembered for its connection."""

from __future__ import annotations

import sqlite3
from typing import Final
from weakref import WeakKeyDictionary

from imp_consent.ledger.reader import Reader
from imp_consent.policy.cuts import Cut, cuts_in, cuts_of

__all__ = ["known_cuts"]

# By connection: up to which ledger size it was read, and what was found. Entries that are committed never change.
_REMEMBERED: Final[WeakKeyDictionary[sqlite3.Connection, tuple[int, list[Cut]]]] = WeakKeyDictionary()


def known_cuts(reader: Reader, purpose: str, *, size: int) -> tuple[Cut, ...]:
    """The cuts about a purpose that are known at a ledger size.

    Raises:
        LedgerBroken: a system entry is malformed.
    """
    sql = reader.sql
    known_to, cuts = _REMEMBERED.get(sql, (0, []))
    if known_to > reader.began_at:
        known_to, cuts = 0, []  # another ledger than the one that was read
    if known_to < reader.size:
        found = [cut for type_ in ("notice", "policy") for cut in cuts_in(reader.system_entries(type_, since=known_to))]
        cuts = cuts + found
        _REMEMBERED[sql] = (reader.began_at, [cut for cut in cuts if cut.seq < reader.began_at])
    return cuts_of(cuts, purpose, size=size) if cuts else ()
