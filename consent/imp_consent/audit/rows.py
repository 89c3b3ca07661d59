"""Rows that may change: each against its MAC, each table's set of rows against the sum in the log's head."""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from imp_consent.audit.leaves import Leaves
from imp_consent.audit.problem import Problems, row_place
from imp_consent.ledger.head import parse_sums
from imp_consent.ledger.layout import KEYS, SEALED, SUMMED, UNSEALED
from imp_consent.ledger.sealed import MODULUS, row_hmac, stored_mac
from imp_core.errors import LedgerBroken

__all__ = ["check_head", "check_rows", "has_mac"]

_HEAD = "log_state"


def has_mac(key: bytes, table: str, row: tuple[Any, ...]) -> bool:
    """Whether a row, its `mac` last, bears the MAC of its columns."""
    try:
        expected = stored_mac(row_hmac(key, table, row[:-1]))
    except LedgerBroken:
        return False  # a value of a type that no column has
    return isinstance(row[-1], bytes) and hmac.compare_digest(expected, row[-1])


def check_head(
    sql: sqlite3.Connection, key: bytes, log_id: str, leaves: Leaves, problems: Problems
) -> Mapping[str, int] | None:
    """The head's MAC, and its size and frontier against the leaves; returns its sums, None where it has none."""
    found = sql.execute("SELECT id, size, frontier, log_id, sums, keys, mac FROM log_state").fetchall()
    if not problems.expect(len(found) == 1, "head.rows", _HEAD, f"the log has {len(found)} heads, not one"):
        return None
    *row, mac = found[0]
    _, size, frontier, owner, sums, keys = row
    if keys is None:
        row.pop()  # sealed by an imp that knew no keys in the head
    problems.expect(has_mac(key, _HEAD, (*row, mac)), "head.mac", _HEAD, "the head was changed by other hands")
    problems.expect(owner == log_id, "head.log", _HEAD, "the database belongs to another log than the workspace")
    problems.expect(
        size == leaves.size, "head.size", _HEAD, f"the head counts {size!r:.20} entries, there are {leaves.size}"
    )
    problems.expect(
        frontier == leaves.frontier.to_bytes(), "head.frontier", _HEAD, "the frontier is not that of the leaves"
    )
    try:
        return parse_sums(sums)
    except LedgerBroken as error:
        problems.report("head.sums", _HEAD, error.what)
        return None


def check_rows(
    sql: sqlite3.Connection,
    key: bytes,
    sums: Mapping[str, int] | None,
    problems: Problems,
    count: Callable[[int], None],
) -> None:
    """Every row of every sealed table. A changed row breaks its MAC; one added or taken away breaks the sum."""
    for table in SUMMED:
        with problems.checking(table):
            total = _check_table(sql, key, table, problems, count)
            if sums is not None and total != sums.get(table, 0):
                problems.report("table.sum", table, "rows were changed, added or taken away by other hands")


def _check_table(
    sql: sqlite3.Connection, key: bytes, table: str, problems: Problems, count: Callable[[int], None]
) -> int:
    columns = SEALED[table] if table in SEALED else UNSEALED[table]
    places = [columns.index(name) for name in KEYS[table]]
    names = ", ".join([*columns, "mac"] if table in SEALED else columns)
    total, width = 0, len(columns)
    for row in sql.execute(f"SELECT {names} FROM {table}"):  # noqa: S608 (names from the schema)
        count(1)
        try:
            full = row_hmac(key, table, row[:width])
        except LedgerBroken as error:
            problems.report("row.type", row_place(table, [row[at] for at in places]), error.what)
            continue
        total += int.from_bytes(full, "big")
        if table in SEALED and (not isinstance(row[-1], bytes) or not hmac.compare_digest(stored_mac(full), row[-1])):
            place = row_place(table, [row[at] for at in places])
            problems.report("row.mac", place, "the row was changed by other hands: it does not bear its MAC")
    return total % MODULUS
