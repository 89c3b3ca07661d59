"""The projection: a person's new entry moves its scopes' rectangles in `consent_state`, in the same transaction."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.layout import FOREVER_SEQ
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.state import Rectangle, Scope, begin, replay, step, timeline, touched

__all__ = ["TABLE", "format_row", "parse_row", "project", "refold"]

TABLE: Final = "consent_state"
_KEY: Final = "subject = ? AND purpose = ? AND channel = ? AND from_us = ? AND from_seq = ?"


def project(transaction: Transaction, subject: int) -> Sequence[PersonEntry]:
    """Bring a subject's rectangles up to its newest entry, touching only those that change; returns its entries.

    Raises:
        LedgerBroken: a rectangle was changed by other hands, or an entry is of an unknown type.
    """
    history = transaction.history(subject)
    newest = history[-1].seq
    first = begin(history[0]) if len(history) == 1 else None
    if first is not None:
        scope, rectangles = first
        transaction.sealed.insert_later(TABLE, [format_row(subject, scope, rectangle) for rectangle in rectangles])
        return history
    open_ = _open(transaction, subject)
    inserted: list[tuple[int | str, ...]] = []
    for scope in sorted(touched(history)):
        close, insert = step(open_.get(scope, ()), timeline(history, scope), newest)
        for rectangle in close:
            key = (subject, scope.purpose, scope.channel, rectangle.from_us, rectangle.from_seq)
            transaction.sealed.update(TABLE, _KEY, key, {"to_seq": rectangle.to_seq})
        inserted.extend(format_row(subject, scope, rectangle) for rectangle in insert)
    if inserted:
        transaction.sealed.insert_later(TABLE, inserted)
    return history


def refold(transaction: Transaction) -> int:
    """Fold every living person's entries anew: an older imp may have done it otherwise. Returns how many changed.

    Raises:
        LedgerBroken: a row was changed by other hands, a payload does not open, or an entry is of an unknown type.
    """
    changed = 0
    subjects = [int(row[0]) for row in transaction.sql.execute("SELECT subject FROM subject_key ORDER BY subject")]
    for subject in subjects:
        wanted = {
            format_row(subject, scope, rectangle)
            for scope, rectangles in replay(transaction.history(subject)).items()
            for rectangle in rectangles
        }
        if wanted != set(transaction.sealed.select(TABLE, "subject = ?", (subject,))):
            transaction.sealed.delete(TABLE, "subject = ?", (subject,))
            transaction.sealed.insert(TABLE, sorted(wanted))
            changed += 1
    return changed


def format_row(subject: int, scope: Scope, rectangle: Rectangle) -> tuple[int | str, ...]:
    """A rectangle as a row of `consent_state`, in the order of its columns, without the MAC."""
    return (
        subject,
        scope.purpose,
        scope.channel,
        rectangle.from_us,
        rectangle.from_seq,
        rectangle.to_us,
        rectangle.to_seq,
        int(rectangle.permit),
        str(rectangle.reason),
        f"[{','.join(map(str, rectangle.entries))}]",
    )


def parse_row(row: Sequence[Any]) -> tuple[int, Scope, Rectangle]:
    """Read `format_row`: the subject, the scope and the rectangle."""
    subject, purpose, channel, from_us, from_seq, to_us, to_seq, permit, reason, entries = row
    rectangle = Rectangle(from_us, to_us, from_seq, to_seq, bool(permit), reason, tuple(json.loads(entries)))
    return subject, Scope(purpose, channel), rectangle


def _open(transaction: Transaction, subject: int) -> dict[Scope, list[Rectangle]]:
    found: dict[Scope, list[Rectangle]] = defaultdict(list)
    for row in transaction.sealed.select(TABLE, "subject = ? AND to_seq = ?", (subject, FOREVER_SEQ)):
        _, scope, rectangle = parse_row(row)
        found[scope].append(rectangle)
    return found
