"""Whether the database's tables, indexes and triggers are this version's: a missing index or an added trigger lies."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy import Table
from sqlmodel import SQLModel

import imp_consent.ledger.tables  # noqa: F401 (declares what is compared)
from imp_consent.audit.problem import Problems
from imp_consent.ledger.layout import APPEND_ONLY, OPEN_DELIVERY, SYSTEM_LEAF

__all__ = ["check_schema"]

_ALEMBIC: Final = "alembic_version"
_MOST: Final = 100
_SOUND: Final = [("ok",)]


def check_schema(sql: sqlite3.Connection, problems: Problems) -> None:
    """Compare what the database declares with what this version creates, and look for damage inside its file."""
    found = {
        (str(kind), str(name)): " ".join(str(text).replace('"', "").split())
        for kind, name, text in sql.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    }
    expected = _expected()
    for kind, name in sorted(expected.keys() - found.keys()):
        problems.report("schema.missing", f"{kind} {name}", f"the database lacks its {kind} {name}")
    for kind, name in sorted(found.keys() - expected.keys()):
        problems.report("schema.added", f"{kind} {name}"[:80], f"the database holds a {kind} that is not imp's")
    for object_, text in expected.items():
        if text is not None and found.get(object_, text) != text:
            problems.report("schema.changed", " ".join(object_), f"the {object_[0]} {object_[1]} was changed")
    for table in SQLModel.metadata.sorted_tables:
        if ("table", table.name) in found:
            _check_columns(sql, table, problems)
    for (finding,) in _integrity(sql):
        problems.report("database.damaged", "database", f"SQLite finds its file damaged: {finding}")


def _expected() -> dict[tuple[str, str], str | None]:
    objects: dict[tuple[str, str], str | None] = {("table", _ALEMBIC): None}
    for table in SQLModel.metadata.sorted_tables:
        objects["table", table.name] = None
        for index in table.indexes:
            columns = ", ".join(column.name for column in index.columns)
            objects["index", str(index.name)] = f"CREATE INDEX {index.name} ON {table.name} ({columns})"
    objects["index", "ix_delivery_open"] = f"CREATE INDEX ix_delivery_open ON delivery (intent) WHERE {OPEN_DELIVERY}"
    objects["index", "ix_entry_system"] = f"CREATE INDEX ix_entry_system ON entry (seq) WHERE {SYSTEM_LEAF}"
    for name in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            objects["trigger", f"{name}_no_{verb.lower()}"] = (
                f"CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name} "
                f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
            )
    return objects


def _check_columns(sql: sqlite3.Connection, table: Table, problems: Problems) -> None:
    keys = [column.name for column in table.primary_key.columns]
    expected = [
        (column.name, not column.nullable, keys.index(column.name) + 1 if column.primary_key else 0)
        for column in table.columns
    ]
    found = [
        (name, bool(notnull), position)
        for _, name, _, notnull, _, position in sql.execute(f'PRAGMA table_info("{table.name}")')
    ]
    problems.expect(
        sorted(found) == sorted(expected),
        "schema.columns",
        f"table {table.name}",
        f"the columns of {table.name} are not those of this version",
    )


def _integrity(sql: sqlite3.Connection) -> list[tuple[str]]:
    findings = sql.execute(f"PRAGMA integrity_check({_MOST})").fetchall()
    return [] if findings == _SOUND else findings
