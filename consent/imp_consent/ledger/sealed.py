"""Sealed tables: every row that may change carries a MAC, and the log's head the sum of all of them.

A changed byte breaks the row's MAC; an inserted or deleted row breaks the sum. Row MAC = HMAC-SHA-256(k_row,
table ‖ all columns), the first 16 bytes stored, the whole summed modulo 2^256 per table.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from imp_consent.identity.hashing import keyed_hash
from imp_consent.ledger.layout import KEYS, SEALED
from imp_core.errors import LedgerBroken

__all__ = ["MODULUS", "Sealed", "Value", "row_hmac", "stored_mac"]

Value = int | str | bytes | None
MODULUS: Final = 2**256
_STORED = 16
_HELD: Final = 1_000  # rows that wait for one table


def row_hmac(key: bytes, table: str, row: Sequence[Value]) -> bytes:
    """The full HMAC of a row: table name, then each column with its type and length.

    Raises:
        LedgerBroken: a value of a type that no column has.
    """
    parts = [table.encode(), b"\x00"]
    for value in row:
        if isinstance(value, int):
            parts.append(b"i" + value.to_bytes(9, "big", signed=True))
        elif isinstance(value, str):
            data = value.encode()
            parts.append(b"s%b%b" % (len(data).to_bytes(4, "big"), data))
        elif isinstance(value, bytes):
            parts.append(b"b%b%b" % (len(value).to_bytes(4, "big"), value))
        elif value is None:
            parts.append(b"n")
        else:
            raise LedgerBroken(f"a value of type {type(value).__name__} in a sealed row", where=table)
    return keyed_hash(key, b"".join(parts))


def stored_mac(full: bytes) -> bytes:
    """The part of a row's HMAC that its `mac` column holds."""
    return full[:_STORED]


class Sealed:
    """Reads and writes sealed tables inside one transaction, keeping `sums` in step: those it was given.

    Rows are tuples in the order of `SEALED[table]`, without `mac`.
    """

    def __init__(self, sql: sqlite3.Connection, key: bytes, sums: dict[str, int]) -> None:
        self._sql = sql
        self._key = key
        self._later: dict[str, list[tuple[Value, ...]]] = {}
        self.sums = sums

    def insert(self, table: str, rows: Iterable[Sequence[Value]]) -> int:
        """Insert rows and return how many. sqlite3.IntegrityError (a key that exists) passes through."""
        self.flush(table)
        batch, total = self._bear_macs(table, rows)
        if len(batch) == 1:
            self._sql.execute(_inserting(table), batch[0])
        else:
            self._sql.executemany(_inserting(table), batch)
        self.sums[table] = (self.sums[table] + total) % MODULUS
        return len(batch)

    def insert_later(self, table: str, rows: Iterable[Sequence[Value]]) -> None:
        """Insert rows before this table is read here next, at the latest when the transaction ends.

        sqlite3.IntegrityError (a key that exists) passes through then.
        """
        held = self._later.setdefault(table, [])
        batch, total = self._bear_macs(table, rows)
        held += batch
        self.sums[table] = (self.sums[table] + total) % MODULUS
        if len(held) >= _HELD:
            self.flush(table)

    def flush(self, table: str | None = None) -> None:
        """Insert what waits for one table, or for every table."""
        for name in [table] if table else list(self._later):
            if waiting := self._later.pop(name, None):
                self._sql.executemany(_inserting(name), waiting)

    def _bear_macs(self, table: str, rows: Iterable[Sequence[Value]]) -> tuple[list[tuple[Value, ...]], int]:
        """Rows with their MACs, and what they add to the sum."""
        total, batch = 0, []
        for row in rows:
            full = row_hmac(self._key, table, row)
            total += int.from_bytes(full, "big")
            batch.append((*row, full[:_STORED]))
        return batch, total

    def select(self, table: str, where: str = "1", values: Sequence[Value] = ()) -> Iterator[tuple[Value, ...]]:
        """Rows that match, each checked against its MAC.

        `where` is SQL written by us, with a parameter for every value.

        Raises:
            LedgerBroken: a row does not match its MAC.
        """
        self.flush(table)
        yield from self.select_written(table, where, values)

    def select_written(self, table: str, where: str, values: Sequence[Value]) -> Iterator[tuple[Value, ...]]:
        """As `select`, without the rows that `insert_later` still holds."""
        for row, _ in self._read(table, where, values):
            yield row

    def delete(self, table: str, where: str, values: Sequence[Value]) -> int:
        """Delete the rows that match and return how many.

        Raises:
            LedgerBroken: a row does not match its MAC.
        """
        self.flush(table)
        total, count = 0, 0
        for _, full in self._read(table, where, values):
            total += int.from_bytes(full, "big")
            count += 1
        if count:
            self._sql.execute(f"DELETE FROM {table} WHERE {where}", values)  # noqa: S608 (names from the schema)
            self.sums[table] = (self.sums[table] - total) % MODULUS
        return count

    def update(self, table: str, where: str, values: Sequence[Value], changes: Mapping[str, Value]) -> int:
        """Change columns (none of the primary key) of the rows that match and return how many.

        Raises:
            LedgerBroken: a row does not match its MAC.
        """
        self.flush(table)
        columns = SEALED[table]
        old = [row for row, _ in self._read(table, where, values)]
        new = [tuple(changes.get(name, value) for name, value in zip(columns, row, strict=True)) for row in old]
        self.replace(table, zip(old, new, strict=True))
        return len(old)

    def replace(self, table: str, rows: Iterable[tuple[Sequence[Value], Sequence[Value]]]) -> None:
        """Put new rows in the place of old ones of the same primary key, each old one as it was read here before.

        Raises:
            LedgerBroken: an old row is not there any more, or is another.
        """
        self.flush(table)
        statement, places = _replacing(table)
        total, batch = 0, []
        for old, new in rows:
            gone, full = row_hmac(self._key, table, old), row_hmac(self._key, table, new)
            total += int.from_bytes(full, "big") - int.from_bytes(gone, "big")
            batch.append((*new, full[:_STORED], *[old[at] for at in places], gone[:_STORED]))
        if batch and self._sql.executemany(statement, batch).rowcount != len(batch):
            raise LedgerBroken("a row was changed by other hands", where=table, mend="run: imp audit verify")
        self.sums[table] = (self.sums[table] + total) % MODULUS

    def _read(self, table: str, where: str, values: Sequence[Value]) -> Iterator[tuple[tuple[Value, ...], bytes]]:
        """Rows that match and their full HMACs."""
        for found in self._sql.execute(_selecting(table) + where, values):
            row = found[:-1]
            full = row_hmac(self._key, table, row)
            if not hmac.compare_digest(full[:_STORED], found[-1] or b""):
                raise LedgerBroken("a row was changed by other hands", where=table, mend="run: imp audit verify")
            yield row, full


@cache
def _selecting(table: str) -> str:
    return f"SELECT {', '.join(SEALED[table])}, mac FROM {table} WHERE "  # noqa: S608 (names from the schema)


@cache
def _inserting(table: str) -> str:
    columns = (*SEALED[table], "mac")
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 (as above)


@cache
def _replacing(table: str) -> tuple[str, list[int]]:
    """The statement that replaces a row, and the places of its primary key's columns."""
    columns = SEALED[table]
    keys = KEYS[table]
    changes, found = ", ".join(f"{name} = ?" for name in (*columns, "mac")), " AND ".join(f"{key} = ?" for key in keys)
    statement = f"UPDATE {table} SET {changes} WHERE {found} AND mac = ?"  # noqa: S608 (names from the schema)
    return statement, [columns.index(key) for key in keys]
