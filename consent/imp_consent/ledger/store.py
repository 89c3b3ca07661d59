"""The ledger's SQLite database: opened with the settings that keep what was acknowledged, and never by accident."""

from __future__ import annotations

import os
import secrets
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from imp_core.errors import LedgerBroken

__all__ = [
    "SCHEMA_VERSION",
    "Database",
    "Unavailable",
    "WrongVersion",
    "connect",
    "connect_read_only",
    "create_database",
    "is_unavailable",
    "sqlite_errors",
    "transaction",
    "upgrade_database",
]

SCHEMA_VERSION: Final = "m007"
_OLDER: Final = ("m001", "m002", "m003", "m004", "m005", "m006")  # what `upgrade_database` brings up to it
_FROM_BACKUP: Final = "restore it from a backup: imp restore BACKUP"
_BUSY_MS = 30_000
_PAUSE_MOST_US: Final = 4_000  # some commits
_PAUSE_LEAST_US: Final = 100
_UNAVAILABLE = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR}
)
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS: fsync alone does not reach the disk
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -65536",  # KiB: rows of random keys are written all over their tables
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
)


class WrongVersion(LedgerBroken):
    """The database is sound, but of another version of imp (exit code 3)."""


class Unavailable(LedgerBroken):
    """The database cannot be opened or read now: busy, or not ours to read. Nothing is said about what is in it."""


class Database(sqlite3.Connection):
    """A connection that knows how long its statements wait for other processes: saying it again costs a statement."""

    _patience_ms = 0  # SQLite's own default, which Python's is set to by `connect`

    def be_patient(self, most_ms: int | None = None) -> None:
        """Let statements wait so many milliseconds, else half a minute, for others before they fail as busy."""
        most_ms = _BUSY_MS if most_ms is None else most_ms
        if self._patience_ms != most_ms:
            self.execute(f"PRAGMA busy_timeout = {most_ms:d}")
            self._patience_ms = most_ms


def create_database(path: Path) -> None:
    """Create the database with this version's schema, readable by its owner only.

    Raises:
        LedgerBroken: the file exists, or this system is not supported.
    """
    if sys.platform == "win32":
        raise LedgerBroken("the ledger runs on Linux and macOS only", mend="imp experiment analyze works on Windows")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        raise LedgerBroken("there is a ledger already", where=str(path)) from None
    from imp_consent.ledger.migrate import upgrade  # noqa: PLC0415 (alembic is needed here only)

    upgrade(path)


def upgrade_database(path: Path) -> str:
    """Bring an older database to this version's schema, in one transaction; returns the version it had.

    Raises:
        LedgerBroken: there is none, it is not ours, of a version this imp does not know, or cannot be written.
    """
    sql, version = _open_any(path, "rw", _PRAGMAS)
    sql.close()
    if version != SCHEMA_VERSION and version not in _OLDER:
        raise _of_another_version(path, version)
    if version in _OLDER:
        from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 (alembic and its engine are needed here only)

        from imp_consent.ledger.migrate import upgrade  # noqa: PLC0415 (as above)

        try:
            upgrade(path)
        except DBAPIError as error:
            raise LedgerBroken(
                f"the ledger cannot be upgraded now: {type(error.orig).__name__}",
                where=str(path),
                mend="stop what else uses it, and try again",
            ) from None
    return version


def connect(path: Path) -> Database:
    """Open an existing database for reading and writing, in autocommit mode; never creates one.

    Raises:
        LedgerBroken: there is none, it is not ours, or it is of another version.
    """
    return _open(path, "rw", _PRAGMAS)


def connect_read_only(path: Path) -> Database:
    """Open an existing database so that no byte of it can change.

    Raises:
        LedgerBroken: there is none, it is not ours, or it is of another version.
    """
    # Without a write-ahead log left by a writer, reading needs no shared-memory file beside the database.
    mode = "ro"
    if not path.with_name(path.name + "-wal").exists():
        mode = "ro&immutable=1"
    elif path.with_name(path.name + "-shm").exists():
        mode = "ro&readonly_shm=1"
    return _open(path, mode, ("PRAGMA query_only = ON", "PRAGMA temp_store = MEMORY"))


def is_unavailable(error: sqlite3.Error) -> bool:
    """Whether an error says nothing about what is in the database: busy, cannot be opened, read or written."""
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in _UNAVAILABLE


@contextmanager
def sqlite_errors() -> Iterator[None]:
    """SQLite's errors as ours: busy, full, unreadable. SQLite names tables and columns, never values.

    Raises:
        LedgerBroken: in place of a `sqlite3.Error`.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _our(error) from None


def _our(error: sqlite3.Error) -> LedgerBroken:
    return LedgerBroken(
        f"the ledger cannot be read or written: {error}", mend="if it is busy, try again; else see: imp doctor"
    )


@contextmanager
def transaction(sql: Database, *, write: bool) -> Iterator[None]:
    """One transaction: committed at the end, rolled back on any exception, that of the commit included.

    Raises:
        LedgerBroken: in place of a `sqlite3.Error`, as `sqlite_errors`.
    """
    try:
        if write:
            _begin_writing(sql)
        else:
            sql.be_patient()
            sql.execute("BEGIN")
        yield
        sql.execute("COMMIT" if write else "ROLLBACK")
    except BaseException as error:
        with sqlite_errors():
            if sql.in_transaction:
                sql.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            raise _our(error) from None
        raise


def _begin_writing(sql: Database) -> None:
    """BEGIN IMMEDIATE, tried again after pauses of random length: writers that wait do not wake at the same moments.

    Whoever has waited long asks more often, so that nobody is passed over for ever by those who come back at once.
    """
    deadline = time.monotonic() + _BUSY_MS / 1_000
    most_us = _PAUSE_MOST_US
    sql.be_patient(0)  # SQLite's own pauses are the same for all who wait
    while True:
        try:
            sql.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
        else:
            return
        time.sleep((1 + secrets.randbelow(most_us)) / 1e6)
        most_us = max(most_us * 15 // 16, _PAUSE_LEAST_US)


def _open(path: Path, mode: str, pragmas: tuple[str, ...]) -> Database:
    sql, version = _open_any(path, mode, pragmas)
    if version != SCHEMA_VERSION:
        sql.close()
        raise _of_another_version(path, version)
    return sql


def _of_another_version(path: Path, version: str) -> WrongVersion:
    return WrongVersion(
        f"the ledger's schema is version {version}, this imp knows {SCHEMA_VERSION}",
        where=str(path),
        mend="run: imp init --upgrade" if version in _OLDER else "use the version of imp that wrote it",
    )


def _open_any(path: Path, mode: str, pragmas: tuple[str, ...]) -> tuple[Database, str]:
    if not path.is_file():
        raise LedgerBroken("there is no ledger", where=str(path), mend="put it back with: imp restore BACKUP")
    try:
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        sql = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None, factory=Database)
        sql.be_patient()
        for pragma in pragmas:
            sql.execute(pragma)
        found = sql.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.OperationalError as error:
        if not is_unavailable(error):  # else: a table that should be there is not
            raise LedgerBroken("not a ledger of imp", where=str(path), mend=_FROM_BACKUP) from None
        raise Unavailable(
            f"the ledger cannot be opened now: {error}", where=str(path), mend="try again; look at its owner and mode"
        ) from None
    except (sqlite3.DatabaseError, UnicodeDecodeError):  # a damaged schema may not even be text
        raise LedgerBroken("not a ledger of imp", where=str(path), mend=_FROM_BACKUP) from None
    version = str(found[0][0])[:20] if len(found) == 1 else "none"
    return sql, version
