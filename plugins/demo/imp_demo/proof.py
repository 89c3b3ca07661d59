"""The last chapter: the ledger verifies, and a copy in which one byte was flipped does not."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from imp_consent.commands.audit import verify_workspace
from imp_core.errors import ImpError
from imp_demo.result import Proof
from imp_demo.stage import Stage

__all__ = ["prove"]

_COPY = "tampered"


def prove(stage: Stage) -> Proof:
    """Verify the workspace, flip one byte of a leaf in a copy, and verify that.

    Raises:
        ImpError: the workspace does not verify, or the flipped byte goes unnoticed.
    """
    stage.ctx.close()
    result = verify_workspace(stage.ctx)
    if not result.ok or result.size is None or result.root is None:
        raise ImpError("the demo's own ledger does not verify", where=str(stage.workspace))
    copy = stage.folder / _COPY
    shutil.copytree(stage.workspace, copy)
    flipped = _flip(copy / "ledger.db", result.size // 2)
    tampered = verify_workspace(stage.beside(_COPY))
    shutil.rmtree(copy)
    if tampered.ok:
        raise ImpError("a flipped byte went unnoticed", where=flipped)
    found = tuple(f"{problem.code} {problem.place}: {problem.sentence}" for problem in tampered.problems)
    return Proof(entries=result.size, root=result.root, ok=result.ok, flipped=flipped, found=found)


def _flip(database: Path, seq: int) -> str:
    """Flip the lowest bit of one byte of an entry's leaf, in the database file itself."""
    sql = sqlite3.connect(database)
    try:
        sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (leaf,) = sql.execute("SELECT leaf FROM entry WHERE seq = ?", (seq,)).fetchone()
    finally:
        sql.close()
    data = bytearray(database.read_bytes())
    place = data.index(leaf) + len(leaf) // 2
    data[place] ^= 1
    database.write_bytes(data)
    return f"byte {place} of ledger.db, in entry {seq}"
