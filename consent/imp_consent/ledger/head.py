"""The log's head: size, Merkle frontier and the sealed tables' sums, in one row with one MAC."""

from __future__ import annotations

import hmac
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from imp_consent.ledger.layout import SUMMED
from imp_consent.ledger.merkle import Frontier
from imp_consent.ledger.sealed import row_hmac, stored_mac
from imp_core.errors import LedgerBroken

__all__ = ["Head", "HeadMemory", "format_sums", "keys_named", "load_head", "parse_sums", "save_head"]

_SUMS: Final = 4  # where the row has the sums, and the ids of the keys
_KEYS: Final = 5
_CHANGE_HEAD: Final = (
    "UPDATE log_state SET size = ?, frontier = ?, sums = ?, keys = ?, mac = ? WHERE id = 1 AND size = ?"
)
_NO_SUMS: Final = dict.fromkeys(SUMMED, 0)


@dataclass(slots=True)
class Head:
    """What the next append starts from. `frontier` knows the size.

    `keys` are the ids of the keys in use by purpose: what a process that holds older ones must reload by. They are
    empty in a ledger of an older imp that was not written to since, and never changed in place.
    """

    log_id: str
    frontier: Frontier = field(default_factory=Frontier)
    sums: dict[str, int] = field(default_factory=_NO_SUMS.copy)
    keys: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Head:
        """One of its own, that may be changed."""
        return Head(self.log_id, self.frontier.copy(), self.sums.copy(), self.keys)


class HeadMemory:
    """The head last read or written here: the same row, MAC included, need not be checked and parsed again.

    Nor are its longer columns written out again while they say the same.
    """

    __slots__ = ("_head", "_row")

    def __init__(self) -> None:
        self._row: tuple[Any, ...] = ()
        self._head = Head("")

    def load(self, sql: sqlite3.Connection, row_key: Callable[[Mapping[str, str]], bytes]) -> Head:
        """The head as the database has it; `row_key` answers with the key of rows where these keys are in use.

        Raises:
            As `load_head`, and what `row_key` raises.
        """
        row = _only_row(sql)
        if row != self._row:
            self._head = _open_row(row, row_key({} if row[_KEYS] is None else _parse_keys(row[_KEYS])))
            self._row = row
        return self._head.copy()

    def save(self, sql: sqlite3.Connection, key: bytes, head: Head, *, was_size: int | None) -> None:
        """As `save_head`; the head is remembered, and must not be changed from now on.

        Should the transaction fail after all, the row in the database is another, and `load` reads that.
        """
        known = self._head if self._row else None
        sums = self._row[_SUMS] if known and known.sums == head.sums else format_sums(head.sums)
        keys = self._row[_KEYS] if known and known.keys == head.keys else None
        if keys is None:  # or a head of an older imp, whose row has no keys
            keys = json.dumps(head.keys, sort_keys=True, separators=(",", ":"))
        row = (1, head.frontier.size, head.frontier.to_bytes(), head.log_id, sums, keys)
        self._row = _write_row(sql, key, row, was_size)
        self._head = head


def format_sums(sums: dict[str, int]) -> str:
    """Sums as JSON, 64 hex digits a table that has rows, tables sorted."""
    return "{" + ",".join([f'"{table}":"{sums[table]:064x}"' for table in sorted(sums) if sums[table]]) + "}"


def parse_sums(text: str) -> dict[str, int]:
    """Read `format_sums`: the sum of every table, and of whatever else is named there.

    Raises:
        LedgerBroken: it is not that.
    """
    try:
        return {**_NO_SUMS, **{str(table): int(digits, 16) for table, digits in json.loads(text).items()}}
    except (ValueError, AttributeError, TypeError):
        raise LedgerBroken("the sums cannot be read", where="log_state", mend="run: imp audit verify") from None


def keys_named(sql: sqlite3.Connection) -> dict[str, str]:
    """The ids of the keys the head names by purpose, before its MAC can be checked: they say by which key it can.

    Raises:
        LedgerBroken: they cannot be read.
    """
    found = sql.execute("SELECT keys FROM log_state").fetchone()
    return {} if found is None or found[0] is None else _parse_keys(found[0])


def load_head(sql: sqlite3.Connection, key: bytes) -> Head:
    """Read the head and check its MAC.

    Raises:
        LedgerBroken: there is none, or it was changed by other hands.
    """
    return _open_row(_only_row(sql), key)


def save_head(sql: sqlite3.Connection, key: bytes, head: Head, *, was_size: int | None) -> None:
    """Write the head by compare-and-swap on the size it was loaded with; `was_size` None creates it.

    Raises:
        LedgerBroken: the head moved in between.
    """
    HeadMemory().save(sql, key, head, was_size=was_size)


def _write_row(
    sql: sqlite3.Connection, key: bytes, row: tuple[int, int, bytes, str, str, str], was_size: int | None
) -> tuple[Any, ...]:
    """Write the head's row under a MAC, which the row returned ends with."""
    mac = stored_mac(row_hmac(key, "log_state", row))
    if was_size is None:
        sql.execute(
            "INSERT INTO log_state (id, size, frontier, log_id, sums, keys, mac) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*row, mac),
        )
        return (*row, mac)
    changed = sql.execute(_CHANGE_HEAD, (row[1], row[2], row[4], row[5], mac, was_size))
    if changed.rowcount != 1:
        raise LedgerBroken("the log's head moved during a transaction", where="log_state")
    return (*row, mac)


def _only_row(sql: sqlite3.Connection) -> tuple[Any, ...]:
    found = sql.execute("SELECT id, size, frontier, log_id, sums, keys, mac FROM log_state").fetchall()
    if len(found) != 1:
        raise LedgerBroken("the log has no head", where="log_state", mend="run: imp audit verify")
    return tuple(found[0])


def _open_row(found: tuple[Any, ...], key: bytes) -> Head:
    *row, mac = found
    _, size, frontier, log_id, sums, keys = row
    if keys is None:
        row.pop()  # sealed before the column was
    if not hmac.compare_digest(stored_mac(row_hmac(key, "log_state", row)), mac):
        raise LedgerBroken("the log's head was changed by other hands", where="log_state", mend="run: imp audit verify")
    return Head(
        log_id=log_id,
        frontier=Frontier.from_bytes(size, frontier),
        sums=parse_sums(sums),
        keys={} if keys is None else _parse_keys(keys),
    )


def _parse_keys(text: str) -> dict[str, str]:
    try:
        return {str(purpose): str(key_id) for purpose, key_id in json.loads(text).items()}
    except (ValueError, AttributeError, TypeError):
        raise LedgerBroken(
            "the ids of the keys cannot be read", where="log_state", mend="run: imp audit verify"
        ) from None
