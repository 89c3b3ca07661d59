"""Whether anything was committed since: what a reader may remember lasts as long as this stays equal."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

__all__ = ["Standing", "standing_of"]


class Standing(NamedTuple):
    """Where a ledger stands: it is equal as long as nobody committed, put back or replaced anything.

    `version` changes with every commit of another connection, `changes` with every row this one wrote; `files` are
    the inode, size and time of the checkpoint outside and the inode of the database, None for one that is gone.
    """

    version: int
    changes: int
    files: tuple[tuple[int, ...] | None, ...]


def standing_of(sql: sqlite3.Connection, database: Path, checkpoint: Path) -> Standing:
    """Where the ledger stands now; to be asked before the snapshot whose answers are remembered begins."""
    (version,) = sql.execute("PRAGMA data_version").fetchone()
    return Standing(version, sql.total_changes, (_stat(checkpoint), (_stat(database) or (0,))[:1]))


def _stat(path: Path) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 (Path.stat takes twice the time, and this is asked at every decision)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
