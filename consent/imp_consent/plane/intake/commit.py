"""A written file becomes part of the archive: register it, and where the ledger moved on, write it again without."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from imp_consent.ledger.log import Log
from imp_consent.plane import archive
from imp_consent.plane.intake.regate import Dropped
from imp_core.errors import ImpError, LedgerBroken
from imp_core.workspace import Workspace

__all__ = ["Outdated", "commit_file"]

_ATTEMPTS = 10
T = TypeVar("T")


class Outdated(Exception):
    """The ledger moved on since the file was written: rows that may no longer come in, the batch number now free."""

    def __init__(self, rows: list[Dropped], batch: int) -> None:
        super().__init__()
        self.rows = rows
        self.batch = batch


def commit_file(
    workspace: Workspace,
    log: Log,
    file: archive.WrittenFile,
    register: Callable[[archive.WrittenFile], T],
    *,
    drop: Callable[[Sequence[Dropped]], None],
) -> T:
    """Register a file by `register`, in one transaction of its own; returns its answer.

    It raises `Outdated` where rows may no longer come in: `drop` hears of them, and the file is written again. A file
    that is not registered in the end is removed.

    Raises:
        LedgerBroken: the ledger keeps changing; or what `register` raises.
    """
    try:
        for _ in range(_ATTEMPTS):
            try:
                return register(file)
            except Outdated as outdated:
                drop(outdated.rows)
                old, gone = file, {row.row for row in outdated.rows}
                file = archive.renumber_without(workspace, old, gone, batch=outdated.batch)
                archive.discard(workspace, log, old)
        raise LedgerBroken("the ledger kept changing under the intake", mend="run it again when others are done")
    except BaseException:
        # What cannot be unlinked now is an orphan, and the next intake's.
        with suppress(ImpError, sqlite3.Error, OSError):
            archive.discard(workspace, log, file)
        raise
    finally:
        file.release()
