"""The ratchet of the key-encryption key: everybody's keys and mappings wrapped anew, the old key destroyed.

Whoever was erased before has no row any more. What a backup still holds of them was wrapped under the old key, and with
that key gone it opens for nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from imp_consent.identity.secrets import KeyEncryption
from imp_consent.ledger.change_key import change_key
from imp_consent.ledger.log import Log
from imp_consent.ledger.ratchet_due import erased_since_ratchet
from imp_consent.ledger.rewrap import Rewrapper
from imp_consent.ledger.rewrite import rewrite_table

__all__ = ["BECAUSE_ERASED", "Ratcheted", "ratchet"]

BECAUSE_ERASED: Final = "erasure"  # why a key was changed that nobody asked to change: no second person is asked then


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


def ratchet(log: Log, *, count: Callable[[int], None] = lambda _: None, of_erasure: bool = False) -> Ratcheted:
    """Wrap every subject's key and mapping under a new key-encryption key, in one transaction, and destroy the old one.

    Before that their rows are written outside (`imp_consent.ledger.survivors`). `count` hears of progress, in rows.
    `of_erasure`: it is the last step of an erasure, and the `key` entry says so, as nobody asked for it by itself.

    Raises:
        LedgerBroken: a row was changed by other hands, or does not open.
        KeysUnusable: the keys are where they cannot be changed, or one is missing.
    """
    with change_key(log, "kek", "rotate") as change:
        if of_erasure:
            change.fields |= {"because": BECAUSE_ERASED, "people": erased_since_ratchet(change.transaction)}
        wrapper = Rewrapper(change.transaction.subjects.encryption, KeyEncryption(change.new.id, change.new.secret))
        subjects = rewrite_table(
            change.transaction, "subject_key", wrapper.subject_key, changed=("wrapped", "kek_id"), count=count
        )
        identifiers = rewrite_table(
            change.transaction, "identifier", wrapper.identifier, changed=("subject", "kek_id"), count=count
        )
    return Ratcheted(
        seq=change.seq, id=change.new.id, previous=change.old.id, subjects=subjects, identifiers=identifiers
    )
