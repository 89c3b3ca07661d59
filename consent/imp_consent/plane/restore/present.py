"""Whether the database that stands in the workspace can be used: then nothing is put in its place."""

from __future__ import annotations

import sqlite3

from imp_consent.audit.problem import Problems
from imp_consent.audit.rows import check_rows
from imp_consent.audit.schema import check_schema
from imp_consent.audit.snapshot import open_snapshot
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.checkpoint import Checkpoint
from imp_consent.ledger.head import keys_named, load_head
from imp_consent.ledger.merkle import Frontier, leaf_hash
from imp_consent.ledger.store import WrongVersion
from imp_core.errors import ImpError, KeysUnusable, LedgerBroken
from imp_core.workspace import Workspace

__all__ = ["fault_of"]


def fault_of(workspace: Workspace, keyring: Keyring, signed: Checkpoint) -> str | None:
    """What is wrong with the present database; None where it is sound and holds everything that was signed.

    Raises:
        WrongVersion: it is another imp's.
        ImpError: it cannot be copied to be read.
    """
    if not workspace.database.exists():
        return "there is no database"
    try:
        with open_snapshot(workspace) as sql:
            return _fault(sql, keyring, signed)
    except WrongVersion:
        raise
    except (LedgerBroken, KeysUnusable) as error:
        return error.what
    except sqlite3.DatabaseError as error:
        return f"SQLite cannot read it ({type(error).__name__})"
    except ImpError:
        raise


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
        return f"it holds {leaves.size} entries, {signed.size} were signed: it is an older one"
    if leaves.to_bytes() != head.frontier.to_bytes() or (signed.size and root != signed.root):
        return "its entries are not those that were signed"
    check_rows(sql, key, head.sums, problems, lambda _: None)
    return problems.found[0].sentence if problems.found else None
