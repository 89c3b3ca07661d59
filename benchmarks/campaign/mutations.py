"""What other hands can do to a shop at rest: to any field of any row of any table, and to any byte of its files."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

__all__ = ["Harm", "file_harms", "intruding", "row_harms"]


@dataclass(frozen=True, slots=True)
class Harm:
    """One change: what is done, to which field or kind of file, where exactly, and the doing of it.

    Doing answers False where it came to nothing.
    """

    what: str
    field: str
    place: str
    do: Callable[[Path], bool]


@contextmanager
def intruding(database: Path) -> Iterator[sqlite3.Connection]:
    """The database without its triggers, which are put back at the end."""
    sql = sqlite3.connect(database, isolation_level=None)
    sql.execute("PRAGMA synchronous = OFF")
    try:
        sql.execute("BEGIN")
        triggers = sql.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            sql.execute(f"DROP TRIGGER {name}")
        yield sql
        for _, text in triggers:
            sql.execute(text)
        sql.execute("COMMIT")
    finally:
        sql.close()


def row_harms(database: Path, chance: Random) -> Iterator[Harm]:
    """Every field of every row of every table: flipped, nulled, swapped; every row deleted, or inserted once more."""
    sql = sqlite3.connect(f"{database.as_uri()}?immutable=1", uri=True)
    try:
        for (table,) in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
            described = sql.execute(f"PRAGMA table_info({table})").fetchall()
            columns = [column[1] for column in described]
            keys = [at for at, column in enumerate(described) if column[5]] or list(range(len(columns)))
            rows = sql.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
            for row in rows:
                yield from _harms_of(_Row(table, columns, keys, row), rows, chance)
    finally:
        sql.close()


@dataclass(frozen=True, slots=True)
class _Row:
    table: str
    columns: list[str]
    keys: list[int]
    values: tuple[Any, ...]

    @property
    def where(self) -> str:
        """By its key."""
        return " AND ".join(f"{self.columns[at]} IS ?" for at in self.keys)

    @property
    def key(self) -> list[Any]:
        """The values of that."""
        return [self.values[at] for at in self.keys]

    def __str__(self) -> str:
        return f"{self.table} {[value.hex()[:16] if isinstance(value, bytes) else value for value in self.key]}"


def _harms_of(row: _Row, rows: Sequence[tuple[Any, ...]], chance: Random) -> Iterator[Harm]:
    others = [other for other in chance.sample(rows, min(3, len(rows))) if other is not row.values]
    for at, (column, value) in enumerate(zip(row.columns, row.values, strict=True)):
        for new in _flipped(value, chance):
            yield _update("flip", row, column, new)
        if value is not None:
            yield _update("null", row, column, None)
        for other in others[:1]:
            if other[at] != value and at not in row.keys:
                yield _swap(row, _Row(row.table, row.columns, row.keys, other), at)
    where = f"DELETE FROM {row.table} WHERE {row.where}"
    yield _statement("delete", row.table, str(row), where, row.key)
    insert = f"INSERT INTO {row.table} VALUES ({', '.join('?' * len(row.columns))})"
    for at in row.keys:
        for new in _flipped(row.values[at], chance)[:2]:
            copy = [*row.values[:at], new, *row.values[at + 1 :]]
            yield _statement("insert", row.table, str(row), insert, copy)


def _flipped(value: Any, chance: Random) -> list[Any]:  # noqa: ANN401 (whatever a column holds)
    """Other values of a field: a bit, a digit, a letter, a little less, a little more."""
    if value is None:
        return [0, "x", b"\x00"]
    if isinstance(value, int):
        return [value ^ (1 << chance.randrange(40)), value + 1, -value - 1]
    if not value:
        return [type(value)(b"x") if isinstance(value, bytes) else "x"]
    at = chance.randrange(len(value))
    if isinstance(value, str):
        return [value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :], value + " ", value[:at]]
    return [value[:at] + bytes([value[at] ^ (1 << chance.randrange(8))]) + value[at + 1 :], value + b"\x00", value[:-1]]


def _update(what: str, row: _Row, column: str, new: Any) -> Harm:  # noqa: ANN401 (whatever a column holds)
    statement = f"UPDATE {row.table} SET {column} = ? WHERE {row.where}"
    return _statement(what, f"{row.table}.{column}", f"{row}, {column}", statement, [new, *row.key])


def _statement(what: str, field: str, place: str, statement: str, values: Sequence[Any]) -> Harm:
    def do(root: Path) -> bool:
        with intruding(root / "workspace" / "ledger.db") as sql:
            return _done(sql, [(statement, values)])

    return Harm(what, field, place, do)


def _swap(row: _Row, other: _Row, at: int) -> Harm:
    column = row.columns[at]
    statements = [
        (f"UPDATE {one.table} SET {column} = ? WHERE {one.where}", [another.values[at], *one.key])
        for one, another in ((row, other), (other, row))
    ]

    def do(root: Path) -> bool:
        with intruding(root / "workspace" / "ledger.db") as sql:
            return _done(sql, statements)

    return Harm("swap", f"{row.table}.{column}", f"{row}, {column}", do)


def _done(sql: sqlite3.Connection, statements: Sequence[tuple[str, Sequence[Any]]]) -> bool:
    """Whether a change was made that is one: not refused by the database, nor turned into the old value by it."""
    before = _contents(sql, statements[0][0].split()[2 if statements[0][0].startswith(("D", "I")) else 1])
    try:
        for statement, values in statements:
            sql.execute(statement, values)
    except (sqlite3.IntegrityError, OverflowError):
        return False
    return before != _contents(sql, statements[0][0].split()[2 if statements[0][0].startswith(("D", "I")) else 1])


def _contents(sql: sqlite3.Connection, table: str) -> set[tuple[Any, ...]]:
    # 1 and 1.0 are not the same here
    return {tuple((type(value), value) for value in row) for row in sql.execute(f"SELECT * FROM {table}")}


def file_harms(
    path: Path, root: Path, chance: Random, *, flips: int, torn: bool = False, linked: bool = True
) -> Iterator[Harm]:
    """A file's bytes flipped one at a time, cut, added to; the file emptied, taken away, a link, in another's place.

    `torn`: an end that is not whole is no harm there. `linked`: a link to the same bytes is one.
    """
    name, data = str(path.relative_to(root)), path.read_bytes()
    for _ in range(flips if data else 0):
        at, bit = chance.randrange(len(data)), 1 << chance.randrange(8)
        yield _written("flip", f"{name}, byte {at}", name, data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :])
    yield from _cut(name, data, torn=torn)

    def delete(folder: Path) -> bool:
        (folder / name).unlink()
        return True

    def link(folder: Path) -> bool:
        shutil.move(folder / name, folder / "elsewhere")
        (folder / name).symlink_to(folder / "elsewhere")
        return True

    yield Harm("delete", _kind(name), name, delete)
    if linked:
        yield Harm("link", _kind(name), name, link)
    for other in sorted(path.parent.iterdir()):
        if other.is_file() and other.suffix == path.suffix and other.read_bytes() != data:
            yield _written("swap", f"{name}, {other.name}", name, other.read_bytes())


def _cut(name: str, data: bytes, *, torn: bool) -> Iterator[Harm]:
    ends = {0: b"", len(data) // 2: b""}
    if not torn:
        ends |= {len(data) - 1: b"", len(data): b"\x00"}
    for size, added in ends.items():
        if data[:size] + added != data:
            yield _written("added to" if added else "cut", f"{name}, at {size}", name, data[:size] + added)


def _written(what: str, place: str, name: str, data: bytes) -> Harm:
    def do(folder: Path) -> bool:
        (folder / name).write_bytes(data)
        return True

    return Harm(what, _kind(name), place, do)


def _kind(name: str) -> str:
    """What kind of file it is: one of the archive's is like another."""
    return "archive/" if "/archive/" in name else name
