"""One read-only snapshot of the ledger's database that leaves every byte of the workspace as it is."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from imp_consent.ledger.store import connect_read_only
from imp_core.errors import ImpError, LedgerBroken
from imp_core.hold import held_folder
from imp_core.workspace import Workspace

__all__ = ["database_state", "open_snapshot"]


@contextmanager
def open_snapshot(workspace: Workspace) -> Iterator[sqlite3.Connection]:
    """The database inside one read transaction. Text that is not UTF-8 is read as bytes.

    Raises:
        LedgerBroken: there is no database, it is not ours, or it is of another version.
        ImpError: a crash left it so that it must be copied, and the workspace takes no copy.
    """
    path = workspace.database
    log = path.with_name(path.name + "-wal")
    with ExitStack() as stack:
        sql = None
        # A crash may leave a write-ahead log without its index, and reading it in place would write one; or with an
        # index that was never finished, which nobody can read by.
        if not log.exists() or path.with_name(path.name + "-shm").exists():
            try:
                sql = stack.enter_context(_snapshot(path))
            except LedgerBroken:
                if not log.exists():
                    raise
        if sql is None:
            sql = stack.enter_context(_snapshot(stack.enter_context(_copy(workspace, log))))
        yield sql


def database_state(path: Path) -> tuple[tuple[int, int] | None, ...]:
    """Size and modification time of the database and its write-ahead log: whether somebody wrote meanwhile."""
    return tuple(_stat(file) for file in (path, path.with_name(path.name + "-wal")))


@contextmanager
def _copy(workspace: Workspace, log: Path) -> Iterator[Path]:
    # Inside the workspace, where the next intake or erasure removes what a killed audit leaves: nowhere else would
    # an erasure reach it.
    path, made = workspace.database, not workspace.temporary.exists()
    try:
        workspace.temporary.mkdir(mode=0o700, exist_ok=True)
        folder, hold = held_folder(workspace.temporary, "audit-")
    except OSError as error:
        raise ImpError(f"cannot be written: {error.strerror}", where=str(workspace.temporary)) from None
    try:
        copy = folder / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(log, copy.with_name(log.name))
        yield copy
    finally:
        shutil.rmtree(folder)
        hold.release()
        if made:
            workspace.temporary.rmdir()


@contextmanager
def _snapshot(path: Path) -> Iterator[sqlite3.Connection]:
    sql = connect_read_only(path)
    sql.text_factory = _text
    try:
        sql.execute("BEGIN")
        yield sql
    finally:
        sql.close()


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data  # bytes in a text column match no MAC


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns
