"""Signed checkpoints against the tree computed from the leaves: the one outside the database first."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from imp_consent.audit.leaves import Leaves
from imp_consent.audit.problem import Problems
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.checkpoint import Checkpoint, open_checkpoint
from imp_consent.ledger.handover import TrustedKeys
from imp_consent.ledger.note import VerifierKey
from imp_core.counting import some
from imp_core.errors import LedgerBroken

__all__ = ["check_outside", "check_pinned", "check_stored", "open_pinned", "read_outside", "stored_sizes"]


def read_outside(keyring: Keyring, keys: Sequence[VerifierKey], problems: Problems) -> Checkpoint | None:
    """The checkpoint outside the database, its signature and origin checked; None where there is none to go by."""
    place = str(keyring.checkpoint_file)
    try:
        return open_checkpoint(keyring.checkpoint_file.read_bytes(), *keys)
    except FileNotFoundError:
        problems.report("checkpoint.absent", place, "there is no checkpoint outside the database to start from")
    except OSError:
        problems.report("checkpoint.unreadable", place, "the checkpoint outside the database cannot be read")
    except LedgerBroken as error:
        problems.report("checkpoint.signature", place, error.what)
    return None


def open_pinned(
    notes: Sequence[tuple[str, bytes]], keys: Sequence[VerifierKey], problems: Problems
) -> list[Checkpoint]:
    """Checkpoints that somebody kept elsewhere (name and bytes of each), their signatures and origins checked."""
    opened: list[Checkpoint] = []
    for name, note in notes:
        try:
            opened.append(open_checkpoint(note, *keys))
        except LedgerBroken as error:
            problems.report("pinned.signature", name, error.what)
    return opened


def check_pinned(pinned: Sequence[Checkpoint], leaves: Leaves, problems: Problems) -> None:
    """The log begins with exactly what each of these checkpoints says, whatever was put back or signed since."""
    for checkpoint in pinned:
        problems.expect(
            checkpoint.size <= leaves.size and leaves.roots.get(checkpoint.size) == checkpoint.root,
            "pinned.contradicted",
            f"checkpoint {checkpoint.size} (pinned)",
            f"the log's first {some(checkpoint.size, 'entry is', 'entries are')} not those of the "
            "checkpoint that was kept elsewhere",
        )


def stored_sizes(sql: sqlite3.Connection) -> set[int]:
    """The sizes at which the database holds checkpoints."""
    return {size for (size,) in sql.execute("SELECT size FROM checkpoint")}


def check_outside(outside: Checkpoint, leaves: Leaves, sql: sqlite3.Connection, problems: Problems) -> None:
    """The log begins with exactly what was signed outside, and the database knows of it."""
    place = f"checkpoint {outside.size} (outside)"
    if outside.size > leaves.size:
        sentence = (
            f"the database holds {some(leaves.size, 'entry', 'entries')}, "
            f"{some(outside.size, 'was', 'were')} signed: its tail was cut off"
        )
        problems.report("log.rolled-back", place, sentence)
        return
    problems.expect(
        leaves.roots.get(outside.size) == outside.root,
        "log.rewritten",
        place,
        f"the first {some(outside.size, 'entry does', 'entries do')} not have the root that was signed: "
        "one of them was changed",
    )
    known = sql.execute("SELECT root FROM checkpoint WHERE size = ?", (outside.size,)).fetchall()
    # it is written outside first: a crash may have come before the row
    newest = not known and outside.size > max(stored_sizes(sql), default=-1)
    problems.expect(
        newest or known == [(outside.root,)],
        "checkpoint.unknown",
        place,
        "the checkpoint outside is not among those in the database",
    )


def check_stored(sql: sqlite3.Connection, trusted: TrustedKeys, leaves: Leaves, problems: Problems) -> int | None:
    """Every stored checkpoint is signed and is the tree's root at its size; returns the newest one's size.

    Where a leaf was changed, every later root differs: the first is reported, the others are counted.
    """
    newest: int | None = None
    wrong: list[int] = []
    for size, root, note in sql.execute("SELECT size, root, note FROM checkpoint ORDER BY size"):
        place = f"checkpoint {size}"
        signed = _open(note, trusted, place, problems)
        if signed is not None and (signed.size, signed.root) != (size, root):
            problems.report("checkpoint.row", place, "size or root beside the note are not those that were signed")
        if size > leaves.size:
            problems.report("checkpoint.ahead", place, f"it covers entries the database lacks: it holds {leaves.size}")
        elif root != leaves.roots.get(size):
            wrong.append(size)
        newest = size
    if wrong:
        more = f" (nor have {len(wrong) - 1} later ones)" if len(wrong) > 1 else ""
        sentence = f"the first {some(wrong[0], 'entry does', 'entries do')} not have this root{more}"
        problems.report("checkpoint.root", f"checkpoint {wrong[0]}", sentence)
    return newest


def _open(note: object, trusted: TrustedKeys, place: str, problems: Problems) -> Checkpoint | None:
    try:
        return trusted.open_checkpoint(note if isinstance(note, str | bytes) else "")
    except LedgerBroken as error:
        problems.report("checkpoint.signature", place, error.what)
        return None
