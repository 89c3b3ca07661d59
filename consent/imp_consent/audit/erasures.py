"""Erased people against what is kept of them outside the database: nobody came back with a backup put in by hand."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from imp_consent.audit.leaves import Leaves
from imp_consent.audit.problem import Problems
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.documents import KeptDocuments
from imp_consent.ledger.tombstones import Buried, Tombstones, agreed_lines, counting
from imp_core.counting import some
from imp_core.errors import ImpError, LedgerBroken
from imp_core.ports import SystemEntry

__all__ = ["check_erasures", "check_kept_documents"]

_RISK: Final = "a restore would bring people back"


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
    counted = counting(leaves.of_type("erased"))
    _check_lines(counted, buried, str(stones.path), problems)
    erasing = {subject for (subject,) in sql.execute("SELECT subject FROM erasure")}
    if buried.erased:
        _check_nobody_lives(sql, buried, erasing, problems, count)
    if not erasing:  # else an erasure may be between writing tokens outside and its commit
        stored = {token for (token,) in sql.execute("SELECT token FROM suppression")}
        begun, missing = 0, 0
        for token in buried.suppressed - stored:
            # no entry has counted its line: an erasure of guardians nobody knows died between writing it and its commit
            late = buried.noted[token] > agreed_lines(counted, buried)
            begun, missing = begun + late, missing + (not late)
        if begun:
            said = f"{some(begun, 'guardian was', 'guardians were')} to be taken out of others' entries and are not"
            problems.note("erasure.begun", str(stones.path), said)
        sentence = (
            f"{some(missing, 'of the people who were erased is', 'of the people who were erased are')} no "
            "longer suppressed: they could be imported again"
        )
        problems.expect(not missing, "suppression.missing", "suppression", sentence)


def check_kept_documents(
    sql: sqlite3.Connection, keyring: Keyring, leaves: Leaves, problems: Problems, *, covered: bool
) -> None:
    """The copy of documents holds those that entries name. `covered`: a checkpoint outside covers every entry."""
    kept = KeptDocuments(keyring.folder)
    if not kept.path.exists():
        say = problems.report if covered and leaves.named else problems.note
        say("documents.absent", str(kept.path), "there is no copy of documents: a restore would miss them")
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


def _check_lines(counted: Sequence[tuple[int, SystemEntry]], buried: Buried, place: str, problems: Problems) -> None:
    """The lines that `erased` entries counted are there, but for those that a later entry says were lost.

    What an entry says was lost is a note: nothing brings it back and suppression was written anew. It is named for
    good, because a backup from before that entry may not be restored.
    """
    missing = [(lines, entry) for lines, entry in counted if not buried.begins_as(entry)]
    for (lines_before, _), (_, entry) in pairwise(counted):
        lost = entry.fields.get("tombstones_lost")
        if isinstance(lost, int) and lost > 0:
            problems.note(
                "tombstones.lost",
                f"entry {entry.seq}",
                f"up to {some(lost, 'line was', 'lines were')} lost before it: {_RISK}",
            )
            kept = lines_before - lost
            missing = [(lines, other) for lines, other in missing if other.seq >= entry.seq or lines <= kept]
    if missing:
        lines, entry = missing[-1]
        sentence = f"of {some(lines, 'line')} that entry {entry.seq} counted not all are there: {_RISK}"
        problems.report("tombstones.short", place, sentence)
