"""Whether the database that stands in the workspace can be used: then nothing is put in its place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from imp_consent.audit.problem import Problems
from imp_consent.audit.rows import check_rows
from imp_consent.audit.schema import check_schema
from imp_consent.audit.snapshot import open_snapshot
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.checkpoint import Checkpoint
from imp_consent.ledger.head import keys_named, load_head
from imp_consent.ledger.merkle import Frontier, leaf_hash
from imp_consent.ledger.store import Unavailable, WrongVersion, is_unavailable
from imp_core.counting import some
from imp_core.errors import KeysUnusable, LedgerBroken
from imp_core.workspace import Workspace

__all__ = ["fault_of"]


_MEND: Final = "nothing was changed; if it cannot be used as it is, move ledger.db away and run this again"


def fault_of(workspace: Workspace, keyring: Keyring, signed: Checkpoint) -> str | None:
    """What is wrong with the present database; None where it is sound and holds everything that was signed.

    Raises:
        WrongVersion: it is another imp's.
        Unavailable: it cannot be read now, which says nothing about what is in it.
        KeysUnusable: it may be sound, and is of newer keys than these.
        ImpError: the workspace takes no copy of it.
    """
    with _stopping(workspace.database):
        if not _exists(workspace.database):
            return "there is no database"
        try:
            with open_snapshot(workspace) as sql:
                return _fault(sql, keyring, signed)
        except (WrongVersion, Unavailable):
            raise
        except LedgerBroken as error:
            return error.what
        except sqlite3.DatabaseError as error:
            if is_unavailable(error):
                raise Unavailable(f"the ledger cannot be read now: {error}", where=str(workspace.database)) from None
            return f"SQLite cannot read it ({type(error).__name__})"


@contextmanager
def _stopping(path: Path) -> Iterator[None]:
    """Say how to go on where nobody can tell whether the database is sound."""
    try:
        yield
    except (Unavailable, KeysUnusable) as error:
        mend = "; ".join(part for part in (error.mend, _MEND) if part)
        raise type(error)(error.what, where=error.where, mend=mend) from None
    except OSError as error:
        raise Unavailable(f"the ledger cannot be read now: {error.strerror}", where=str(path), mend=_MEND) from None


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _fault(sql: sqlite3.Connection, keyring: Keyring, signed: Checkpoint) -> str | None:
    problems = Problems()
    check_schema(sql, problems)
    key = keyring.following(keys_named(sql)).active("row").secret
    head = load_head(sql, key)
    leaves, root = Frontier(), None
    for seq, leaf in sql.execute("SELECT seq, leaf FROM entry ORDER BY seq"):
        if seq != leaves.size or not isinstance(leaf, bytes):
            return f"entry {leaves.size} is missing or changed"
        leaves.append(leaf_hash(leaf))
        root = leaves.root() if leaves.size == signed.size else root
    if leaves.size < signed.size:
        return (
            f"it holds {some(leaves.size, 'entry', 'entries')}, {some(signed.size, 'was', 'were')} signed: "
            "it is an older one"
        )
    if leaves.to_bytes() != head.frontier.to_bytes() or (signed.size and root != signed.root):
        return "its entries are not those that were signed"
    check_rows(sql, key, head.sums, problems, lambda _: None)
    return problems.found[0].sentence if problems.found else None
