"""Whether anything was committed since: what a reader may remember lasts as long as this stays equal."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

__all__ = ["Standing", "Watch"]


class Standing(NamedTuple):
    """Where a ledger stands: it is equal as long as nobody committed, put back or replaced anything.

    `version` changes with every commit of another connection, `changes` with every row this one wrote; `checkpoint` is
    the inode, size and time of the checkpoint outside, `database` the inode of the database; empty where it is gone.
    """

    version: int
    changes: int
    checkpoint: tuple[int, ...]
    database: tuple[int, ...]


class Watch:
    """Says where one open ledger stands. Asked at every decision, so it is all but one statement and two look-ups."""

    __slots__ = ("_checkpoint", "_database", "_sql")

    def __init__(self, sql: sqlite3.Connection, database: Path, checkpoint: Path) -> None:
        self._sql = sql
        self._database, self._checkpoint = str(database), str(checkpoint)  # a Path is made into text at every call

    def standing(self) -> Standing:
        """Where the ledger stands now; to be asked before the snapshot begins whose answers are remembered."""
        (version,) = self._sql.execute("PRAGMA data_version").fetchone()
        return Standing(version, self._sql.total_changes, _stat(self._checkpoint), _stat(self._database)[:1])


def _stat(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)  # noqa: PTH116 (Path.stat takes several times as long)
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns
