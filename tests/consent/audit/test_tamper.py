"""Every column of every row, and every file: whatever other hands change is noticed, and nothing else is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlmodel import SQLModel

import imp_consent.ledger.tables  # noqa: F401 (declares them)
from imp_consent.ledger.layout import SEALED

Audited = Any  # the conftest's class: test folders are no packages
TILE = 256
TABLES = [*sorted(SQLModel.metadata.tables), "alembic_version"]


@pytest.fixture(scope="session")
def pristine(pristine: Audited, tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """The same workspace with so many entries that the tree has a node."""
    tiled = pristine.copy(tmp_path_factory.mktemp("tiled"))
    with tiled.log() as log, log.write() as transaction:
        while transaction.size < TILE:
            transaction.append_system("access-request", {})
    return tiled


@dataclass(frozen=True)
class Row:
    table: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]
    values: tuple[Any, ...]

    @property
    def where(self) -> tuple[str, list[Any]]:
        held = dict(zip(self.columns, self.values, strict=True))
        return " AND ".join(f"{key} IS ?" for key in self.keys), [held[key] for key in self.keys]


def rows_of(sql: sqlite3.Connection, table: str) -> list[Row]:
    described = sql.execute(f"PRAGMA table_info({table})").fetchall()
    columns = tuple(column[1] for column in described)
    keys = tuple(column[1] for column in described if column[5])
    return [Row(table, columns, keys, values) for values in sql.execute(f"SELECT {', '.join(columns)} FROM {table}")]


def altered(value: Any) -> list[Any]:
    """Other values of the same type, and one of another."""
    if isinstance(value, int):
        return [value + 1, value - 1, -value - 3, "x", 0.5]
    if isinstance(value, str):
        return [value + "x", value[:-1], value[1:], value.swapcase(), value.encode() + b"\xff"]
    if isinstance(value, bytes):
        flipped = [value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :] for at in {0, len(value) // 2, len(value) - 1}]
        return [*flipped, value[:-1], value + b"\x00", b"", value.hex()]
    return [0, 1, b"\x00", "x"]


def harms(row: Row, others: list[Row]) -> Iterator[tuple[str, str, list[Any]]]:
    """What can be done to a row: a name, the SQL and its values."""
    where, key = row.where
    for column, value in zip(row.columns, row.values, strict=True):
        wanted = [*altered(value), None, *(other.values[row.columns.index(column)] for other in others)]
        for new in wanted:
            if type(new) is not type(value) or new != value:
                yield f"{column} = {new!r:.30}", f"UPDATE {row.table} SET {column} = ? WHERE {where}", [new, *key]
    yield "deleted", f"DELETE FROM {row.table} WHERE {where}", key
    marks = ", ".join("?" * len(row.columns))
    for column in row.keys:
        at = row.columns.index(column)
        for new in altered(row.values[at]):
            copy = [*row.values[:at], new, *row.values[at + 1 :]]
            yield f"copied to {column} = {new!r:.30}", f"INSERT INTO {row.table} VALUES ({marks})", copy


def test_an_untouched_copy_has_no_problem(audited: Audited) -> None:
    result = audited.verify()
    assert result.problems == ()
    assert result.ok


def test_every_table_holds_a_row(pristine: Audited) -> None:
    with sqlite3.connect(f"{(pristine.root / 'ledger.db').as_uri()}?immutable=1", uri=True) as sql:
        empty = [table for table in TABLES if not sql.execute(f"SELECT count(*) FROM {table}").fetchone()[0]]
        found = {name for (name,) in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    sql.close()
    assert empty == []
    assert found == set(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_r57_any_change_of_any_column_of_any_row_is_noticed(table: str, audited: Audited) -> None:
    unnoticed: list[str] = []
    tried = 0
    database = audited.root / "ledger.db"
    whole = database.read_bytes()
    with audited.sql() as sql:
        rows = rows_of(sql, table)
    for row in {rows[0], rows[len(rows) // 2], rows[-1]}:
        for name, statement, values in harms(row, [other for other in rows if other is not row][:2]):
            with audited.sql() as sql:
                try:
                    sql.execute(statement, values)
                except sqlite3.IntegrityError:
                    continue  # the database itself refuses: a key that exists, or NULL where there must be a value
                if rows_of(sql, table) == rows:
                    continue  # SQLite's type affinity turned the value into the old one
            tried += 1
            if audited.verify().ok:
                unnoticed.append(f"{row.where[1]!r:.60} {name}")
            database.write_bytes(whole)
    assert unnoticed == []
    assert tried > 5
    assert audited.verify().problems == ()


@pytest.mark.parametrize("table", sorted(SEALED))
def test_what_is_wrong_with_a_sealed_row_is_said_by_table_and_key(table: str, audited: Audited) -> None:
    with audited.sql() as sql:
        row = rows_of(sql, table)[0]
        where, key = row.where
        sql.execute(f"UPDATE {table} SET mac = zeroblob(16) WHERE {where}", key)
    found = [problem for problem in audited.verify().problems if problem.code == "row.mac"]
    assert len(found) == 1
    assert found[0].place.startswith(f"{table} (")


def test_every_file_of_the_archive_that_is_changed_cut_taken_or_added_is_noticed(
    another: Callable[[], Audited], pristine: Audited
) -> None:
    names = sorted(path.name for path in (pristine.root / "archive").iterdir())
    assert len(names) == 2
    for name in names:
        data = (pristine.root / "archive" / name).read_bytes()
        for at in (0, len(data) // 2, len(data) - 1):
            audited = another()
            (audited.root / "archive" / name).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            assert audited.codes() == {"archive.changed"}
        for changed in (data[:-1], data + b"\x00", b""):
            audited = another()
            (audited.root / "archive" / name).write_bytes(changed)
            assert audited.codes() == {"archive.changed"}
        audited = another()
        (audited.root / "archive" / name).unlink()
        assert audited.codes() == {"archive.missing"}
        (audited.root / "archive" / name).mkdir()
        assert audited.codes() == {"archive.unreadable"}
    for added in ("copy.parquet", ".hidden", "deeper/file"):
        audited = another()
        path = audited.root / "archive" / added
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        problems = audited.verify().problems
        assert [(problem.code, problem.place) for problem in problems] == [("archive.unregistered", f"archive/{added}")]


def test_a_file_swapped_for_another_registered_one_is_noticed(audited: Audited) -> None:
    first, second = sorted((audited.root / "archive").iterdir())
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)
    assert audited.codes() == {"archive.changed"}


def test_a_registered_file_behind_a_link_out_of_the_archive_is_noticed(audited: Audited) -> None:
    first, _ = sorted((audited.root / "archive").iterdir())
    first.rename(audited.root / "elsewhere")
    first.symlink_to(audited.root / "elsewhere")
    assert audited.codes() == {"archive.outside"}
