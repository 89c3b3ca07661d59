"""Rewriting every row of a sealed table in one transaction, a page at a time, with its MACs and its sum."""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from imp_consent.ledger.layout import KEYS, SEALED, UNSEALED
from imp_consent.ledger.sealed import MODULUS, Value, row_hmac, stored_mac
from imp_consent.ledger.transaction import Transaction
from imp_core.errors import LedgerBroken

__all__ = ["Row", "rewrite_sum", "rewrite_table"]

Row = tuple[Value, ...]
_PAGE: Final = 5_000


def rewrite_table(
    transaction: Transaction,
    table: str,
    change: Callable[[Row], Row] = lambda row: row,
    *,
    changed: Sequence[str] = (),
    row_key: bytes | None = None,
    count: Callable[[int], None] = lambda _: None,
) -> int:
    """Put `change(row)` in the place of every row and return how many there are.

    `changed` names the columns it changes, none of the primary key. `row_key` seals the rows from now on; without one
    the key in use does. `count` hears of progress. Memory is that of a page.

    Raises:
        LedgerBroken: a row does not match its MAC, or rows were added or taken away: what other hands did is never
            sealed anew.
    """
    old_key = transaction.keyring.active("row").secret
    new_key = old_key if row_key is None else row_key
    columns, keys = SEALED[table], KEYS[table]
    places = [columns.index(name) for name in changed]
    statement = f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in (*changed, 'mac'))} WHERE {_equal(keys)}"  # noqa: S608 (names from the schema)
    before = after = total = 0
    for page in _pages(transaction.sql, table, columns, keys):
        updates: list[Row] = []
        for *found, mac in page:
            row = tuple(found)
            full = row_hmac(old_key, table, row)
            if not isinstance(mac, bytes) or not hmac.compare_digest(stored_mac(full), mac):
                raise LedgerBroken("a row was changed by other hands", where=table, mend="run: imp audit verify")
            new = change(row)
            sealed = row_hmac(new_key, table, new)
            before += int.from_bytes(full, "big")
            after += int.from_bytes(sealed, "big")
            updates.append((*(new[at] for at in places), stored_mac(sealed), *(row[columns.index(k)] for k in keys)))
        transaction.sql.executemany(statement, updates)
        total += len(page)
        count(len(page))
    _put_sum(transaction, table, before, after)
    return total


def rewrite_sum(transaction: Transaction, table: str, row_key: bytes) -> None:
    """The same for a table whose rows bear no MAC, only a sum in the head.

    Raises:
        LedgerBroken: rows were changed, added or taken away.
    """
    old_key = transaction.keyring.active("row").secret
    names = UNSEALED[table]
    before = after = 0
    for row in transaction.sql.execute(f"SELECT {', '.join(names)} FROM {table}"):  # noqa: S608 (names from the schema)
        before += int.from_bytes(row_hmac(old_key, table, row), "big")
        after += int.from_bytes(row_hmac(row_key, table, row), "big")
    _put_sum(transaction, table, before, after)


def _put_sum(transaction: Transaction, table: str, before: int, after: int) -> None:
    if before % MODULUS != transaction.sealed.sums[table]:
        raise LedgerBroken("rows were added or taken away by other hands", where=table, mend="run: imp audit verify")
    transaction.sealed.sums[table] = after % MODULUS


def _pages(
    sql: sqlite3.Connection, table: str, columns: Sequence[str], keys: Sequence[str]
) -> Iterator[list[tuple[Value, ...]]]:
    names, order = ", ".join((*columns, "mac")), ", ".join(keys)
    places = [columns.index(name) for name in keys]
    after, values = "", ()  # type: str, tuple[Value, ...]
    while True:
        query = f"SELECT {names} FROM {table} {after} ORDER BY {order} LIMIT {_PAGE}"  # noqa: S608 (names from the schema)
        page = sql.execute(query, values).fetchall()
        if not page:
            return
        yield page
        after = f"WHERE ({order}) > ({', '.join('?' * len(keys))})"
        values = tuple(page[-1][at] for at in places)


def _equal(keys: Sequence[str]) -> str:
    return " AND ".join(f"{name} = ?" for name in keys)
