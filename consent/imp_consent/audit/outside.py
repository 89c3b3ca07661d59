"""The copy of leaves outside the database against the database's own, up to the checkpoint that covers both."""

from __future__ import annotations

import sqlite3

from imp_consent.audit.problem import Problems
from imp_consent.ledger.checkpoint import Checkpoint
from imp_consent.ledger.outside import Outside
from imp_core.errors import ImpError

__all__ = ["check_copy"]


def check_copy(outside: Outside, checkpoint: Checkpoint, sql: sqlite3.Connection, problems: Problems) -> None:
    """Every leaf under the checkpoint is in the copy, with the same bytes.

    What lies beyond the checkpoint is what a crash left, and is cut off when the next one is signed.
    """
    place, path = "leaves (outside)", str(outside.leaves_file)
    try:
        size, differing, count = _compare(outside, checkpoint, sql)
    except ImpError as error:
        problems.report("copy.unreadable", path, error.what)
        return
    problems.expect(
        size == checkpoint.size,
        "copy.short",
        place,
        f"the copy of leaves ends after {size} whole leaves, the checkpoint covers {checkpoint.size}",
    )
    if differing is not None:
        more = f" (and {count - 1} later ones)" if count > 1 else ""
        problems.report("copy.differs", place, f"entry {differing} is not what was copied when it was signed{more}")


def _compare(outside: Outside, checkpoint: Checkpoint, sql: sqlite3.Connection) -> tuple[int, int | None, int]:
    """How many leaves were copied, the first that differs from the database's, and how many do."""
    rows = iter(sql.execute("SELECT seq, leaf FROM entry WHERE seq >= 0 AND seq < ? ORDER BY seq", (checkpoint.size,)))
    row = next(rows, None)
    size, first, count = 0, None, 0
    for leaf in outside.read_leaves():
        if size == checkpoint.size:
            break
        if row is not None and row[0] == size:  # that the database lacks one is found elsewhere
            if row[1] != leaf:
                first, count = size if first is None else first, count + 1
            row = next(rows, None)
        size += 1
    return size, first, count
