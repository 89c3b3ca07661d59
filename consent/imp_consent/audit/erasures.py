"""Erased people against what is kept of them outside the database: nobody came back with a backup put in by hand."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable

from imp_consent.audit.leaves import Leaves
from imp_consent.audit.problem import Problems
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.documents import KeptDocuments
from imp_consent.ledger.tombstones import Buried, Tombstones
from imp_core.errors import ImpError, LedgerBroken

__all__ = ["check_erasures", "check_kept_documents"]


def check_erasures(
    sql: sqlite3.Connection, keyring: Keyring, leaves: Leaves, problems: Problems, count: Callable[[int], None]
) -> None:
    """The tombstones are whole, nobody who has one lives, and everybody stays suppressed who was."""
    stones = Tombstones(keyring.folder, keyring)
    try:
        buried = stones.read()
    except LedgerBroken as error:
        problems.report("tombstones.changed", str(stones.path), error.what)
        return
    counted = [entry.fields["tombstones"] for entry in leaves.of_type("erased") if "tombstones" in entry.fields]
    most = max((n for n in counted if isinstance(n, int)), default=0)
    problems.expect(
        buried.lines >= most,
        "tombstones.short",
        str(stones.path),
        f"{most} lines were written, {buried.lines} are there: a restore would bring people back",
    )
    erasing = {subject for (subject,) in sql.execute("SELECT subject FROM erasure")}
    if buried.erased:
        _check_nobody_lives(sql, buried, erasing, problems, count)
    if not erasing:  # else an erasure may be between writing tokens outside and its commit
        stored = {token for (token,) in sql.execute("SELECT token FROM suppression")}
        missing = len(buried.suppressed - stored)
        sentence = f"{missing} of the people who were erased are no longer suppressed: they could be imported again"
        problems.expect(not missing, "suppression.missing", "suppression", sentence)


def check_kept_documents(
    sql: sqlite3.Connection, keyring: Keyring, leaves: Leaves, problems: Problems, *, covered: bool
) -> None:
    """The copy of documents holds those that entries name. `covered`: a checkpoint outside covers every entry."""
    kept = KeptDocuments(keyring.folder)
    if not kept.path.exists():
        problems.note("documents.absent", str(kept.path), "no copy of documents is kept yet: the next signing makes it")
        return
    try:
        held = {(table, name) for table, name, _ in kept.read()}
    except ImpError as error:
        problems.report("documents.unreadable", str(kept.path), error.what)
        return
    for table in ("policy", "notice"):
        for name, body in sql.execute(f"SELECT sha256, body FROM {table}"):  # noqa: S608 (one of two names above)
            sound = isinstance(body, bytes) and hashlib.sha256(body).hexdigest() == name and name in leaves.named
            if covered and sound and (table, name) not in held:
                sentence = "the copy of documents outside lacks it, or holds other bytes"
                problems.report("documents.missing", f"{table} {name!s:.16}…", sentence)


def _check_nobody_lives(
    sql: sqlite3.Connection, buried: Buried, erasing: set[object], problems: Problems, count: Callable[[int], None]
) -> None:
    for (subject,) in sql.execute("SELECT subject FROM subject_key WHERE typeof(subject) = 'integer'"):
        count(1)
        if subject not in erasing and 0 <= subject < 2**63 and buried.holds(subject):
            sentence = "this person was erased and is here again: a backup was put in place without imp restore"
            problems.report("erased.alive", f"subject {subject}", sentence)
