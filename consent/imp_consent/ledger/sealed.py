"""Sealed tables: every row that may change carries a MAC, and the log's head the sum of all of them.

A changed byte breaks the row's MAC; an inserted or deleted row breaks the sum. Row MAC = HMAC-SHA-256(k_row,
table ‖ all columns), the first 16 bytes stored, the whole summed modulo 2^256 per table.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from imp_consent.identity.hashing import keyed_hash
from imp_consent.ledger.tables import SEALED, SUMMED
from imp_core.errors import LedgerBroken

__all__ = ["MODULUS", "Sealed", "Value", "row_hmac", "stored_mac"]

Value = int | str | bytes | None
MODULUS: Final = 2**256
_STORED = 16


def row_hmac(key: bytes, table: str, row: Sequence[Value]) -> bytes:
    """The full HMAC of a row: table name, then each column with its type and length.

    Raises:
        LedgerBroken: a value of a type that no column has.
    """
    parts = [table.encode(), b"\x00"]
    for value in row:
        if isinstance(value, int):
            parts.append(b"i")
            parts.append(value.to_bytes(9, "big", signed=True))
        elif isinstance(value, str):
            data = value.encode()
            parts.append(b"s" + len(data).to_bytes(4, "big"))
            parts.append(data)
        elif isinstance(value, bytes):
            parts.append(b"b" + len(value).to_bytes(4, "big"))
            parts.append(value)
        elif value is None:
            parts.append(b"n")
        else:
            raise LedgerBroken(f"a value of type {type(value).__name__} in a sealed row", where=table)
    return keyed_hash(key, b"".join(parts))


def stored_mac(full: bytes) -> bytes:
    """The part of a row's HMAC that its `mac` column holds."""
    return full[:_STORED]


class Sealed:
    """Reads and writes sealed tables inside one transaction, keeping `sums` in step.

    Rows are tuples in the order of `SEALED[table]`, without `mac`.
    """

    def __init__(self, sql: sqlite3.Connection, key: bytes, sums: Mapping[str, int]) -> None:
        self._sql = sql
        self._key = key
        self.sums: dict[str, int] = {table: sums.get(table, 0) for table in SUMMED}

    def insert(self, table: str, rows: Iterable[Sequence[Value]]) -> int:
        """Insert rows and return how many. sqlite3.IntegrityError (a key that exists) passes through."""
        columns = SEALED[table]
        statement = f"INSERT INTO {table} ({', '.join(columns)}, mac) VALUES ({', '.join('?' * (len(columns) + 1))})"  # noqa: S608 (names from the schema)
        count, total = 0, 0
        batch: list[tuple[Value, ...]] = []
        for row in rows:
            full = row_hmac(self._key, table, row)
            total += int.from_bytes(full, "big")
            batch.append((*row, full[:_STORED]))
            count += 1
        if count == 1:
            self._sql.execute(statement, batch[0])
        else:
            self._sql.executemany(statement, batch)
        self.sums[table] = (self.sums[table] + total) % MODULUS
        return count

    def select(self, table: str, where: str = "1", values: Sequence[Value] = ()) -> Iterator[tuple[Value, ...]]:
        """Rows that match, each checked against its MAC.

        `where` is SQL written by us, with a parameter for every value.

        Raises:
            LedgerBroken: a row does not match its MAC.
        """
        columns = SEALED[table]
        query = f"SELECT {', '.join(columns)}, mac FROM {table} WHERE {where}"  # noqa: S608 (names from the schema)
        for found in self._sql.execute(query, values):
            row = found[:-1]
            if not hmac.compare_digest(row_hmac(self._key, table, row)[:_STORED], found[-1] or b""):
                raise LedgerBroken("a row was changed by other hands", where=table, mend="run: imp audit verify")
            yield row

    def delete(self, table: str, where: str, values: Sequence[Value]) -> int:
        """Delete the rows that match and return how many.

        Raises:
            LedgerBroken: a row does not match its MAC.
        """
        total, count = 0, 0
        for row in self.select(table, where, values):
            total += int.from_bytes(row_hmac(self._key, table, row), "big")
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
        columns = SEALED[table]
        old_rows = list(self.select(table, where, values))
        rows = [tuple(changes.get(name, value) for name, value in zip(columns, row, strict=True)) for row in old_rows]
        assignments = ", ".join(f"{name} = ?" for name in changes)
        keys = " AND ".join(f"{name} IS ?" for name in columns)
        for old, new in zip(old_rows, rows, strict=True):
            full = row_hmac(self._key, table, new)
            self._sql.execute(
                f"UPDATE {table} SET {assignments}, mac = ? WHERE {keys}",  # noqa: S608 (names from the schema)
                (*changes.values(), full[:_STORED], *old),
            )
            gone = int.from_bytes(row_hmac(self._key, table, old), "big")
            self.sums[table] = (self.sums[table] + int.from_bytes(full, "big") - gone) % MODULUS
        return len(rows)
