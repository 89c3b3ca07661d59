"""The ratchet of the key-encryption key: everybody's keys and mappings wrapped anew, the old key destroyed.

Whoever was erased before has no row any more. What a backup still holds of them was wrapped under the old key, and with
that key gone it opens for nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from imp_consent.identity.secrets import KeyEncryption
from imp_consent.ledger.change_key import change_key
from imp_consent.ledger.log import Log
from imp_consent.ledger.rewrite import Row, rewrite_table
from imp_core.errors import LedgerBroken

__all__ = ["Ratcheted", "ratchet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratcheted:
    """What a ratchet did: the ids of the key in use now and of the one destroyed, and how many rows were wrapped anew.

    `seq` is the `key` entry that says so.
    """

    seq: int
    id: str
    previous: str
    subjects: int
    identifiers: int


def ratchet(log: Log, *, count: Callable[[int], None] = lambda _: None) -> Ratcheted:
    """Wrap every subject's key and mapping under a new key-encryption key, in one transaction, and destroy the old one.

    Before that their rows are written outside (`imp_consent.ledger.survivors`). `count` hears of progress, in rows.

    Raises:
        LedgerBroken: a row was changed by other hands, or does not open.
        KeysUnusable: the keys are where they cannot be changed, or one is missing.
    """
    with change_key(log, "kek", "rotate") as change:
        wrapper = _Rewrapper(change.transaction.subjects.encryption, KeyEncryption(change.new.id, change.new.secret))
        subjects = rewrite_table(
            change.transaction, "subject_key", wrapper.subject_key, changed=("wrapped", "kek_id"), count=count
        )
        identifiers = rewrite_table(
            change.transaction, "identifier", wrapper.identifier, changed=("subject", "kek_id"), count=count
        )
    return Ratcheted(
        seq=change.seq, id=change.new.id, previous=change.old.id, subjects=subjects, identifiers=identifiers
    )


class _Rewrapper:
    def __init__(self, encryption: Callable[[str], KeyEncryption], new: KeyEncryption) -> None:
        self._old = encryption
        self._new = new

    def subject_key(self, row: Row) -> Row:
        subject, wrapped, kek_id, next_i = _typed(row, "subject_key", (int, bytes, str, int))
        return (subject, self._new.wrap(self._old(kek_id).unwrap(wrapped)), self._new.id, next_i)

    def identifier(self, row: Row) -> Row:
        kind, epoch, pseudonym, sealed, loose, pepper_id, kek_id, supp_id = _typed(
            row, "identifier", (str, int, bytes, bytes, bytes, str, str, str)
        )
        subject = self._old(kek_id).open_subject(sealed)
        return (kind, epoch, pseudonym, self._new.seal_subject(subject), loose, pepper_id, self._new.id, supp_id)


def _typed(row: Row, table: str, types: tuple[type, ...]) -> tuple[Any, ...]:
    if not all(isinstance(value, type_) for value, type_ in zip(row, types, strict=True)):
        raise LedgerBroken("a value of the wrong type", where=table, mend="run: imp audit verify")
    return row
