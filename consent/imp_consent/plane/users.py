"""Whom uses of the ledger name as getting data, by purpose: read once, and remembered for its connection."""

from __future__ import annotations

import sqlite3
from typing import Final
from weakref import WeakKeyDictionary

from imp_consent.ledger.layout import SYSTEM_LEAF
from imp_consent.ledger.reader import Reader

__all__ = ["users_named"]

Named = frozenset[tuple[str, str]]  # a purpose, and who got data for it

# By connection: up to which ledger size it was read, and what was found. Entries that are committed never change.
_REMEMBERED: Final[WeakKeyDictionary[sqlite3.Connection, tuple[int, Named]]] = WeakKeyDictionary()
_MARK: Final = b'"recipient":"'  # most uses name nobody, and are not parsed
# Inside the database: of many uses there are few pairs, and a no that waits for this holds up every other.
_PAIRS: Final = f"""
    SELECT DISTINCT json_extract(said, '$.fields.purpose'), json_extract(said, '$.fields.recipient') FROM
        (SELECT CAST(leaf AS TEXT) AS said FROM entry
            WHERE {SYSTEM_LEAF} AND seq >= ? AND seq < ? AND instr(leaf, ?))
    WHERE json_extract(said, '$.type') IN ('use-open', 'send-intent', 'export')
"""  # noqa: S608 (the schema's own words)


def users_named(reader: Reader) -> Named:
    """Every purpose and recipient that a use, a send or an export named together.

    sqlite3.Error (a leaf that is none) passes through.
    """
    sql = reader.sql
    known_to, found = _REMEMBERED.get(sql, (0, Named()))
    if known_to > reader.began_at:
        known_to, found = 0, Named()  # another ledger than the one that was read
    if known_to < reader.began_at:
        found |= _pairs(sql, known_to, reader.began_at)
        _REMEMBERED[sql] = (reader.began_at, found)
    return found | _pairs(sql, reader.began_at, reader.size)  # what is not committed may be taken back


def _pairs(sql: sqlite3.Connection, since: int, until: int) -> Named:
    rows = sql.execute(_PAIRS, (since, until, _MARK))
    return Named((purpose, name) for purpose, name in rows if isinstance(purpose, str) and isinstance(name, str))
