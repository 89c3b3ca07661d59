"""Rotations of a ledger's keys but for the key-encryption key's, which is `imp_consent.ledger.ratchet`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from imp_consent.identity.keys import FIXED, Key, Keyring
from imp_consent.ledger.change_key import KeyChange, change_key
from imp_consent.ledger.checkpoint import origin_of
from imp_consent.ledger.handover import HANDOVER_FIELD, format_handover
from imp_consent.ledger.layout import SEALED, SUMMED
from imp_consent.ledger.log import Log
from imp_consent.ledger.note import SigningKey
from imp_consent.ledger.ratchet import ratchet
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.rewrite import rewrite_sum, rewrite_table
from imp_core.counting import some
from imp_core.errors import BadInput, CheckFailed

__all__ = ["ROTATED", "Rotated", "refuse_retirement", "refuse_rotation", "retire", "rotate", "rows_of_epoch"]

# What a rotation does, for whoever is about to run one.
ROTATED: Final = {
    "pepper": "new identifiers are hashed under a new pepper; known ones as they are met, until the old one is retired",
    "kek": "every person's key and mapping is wrapped under a new key, and the old one is destroyed",
    "row": "every row that may change is sealed under a new key, and the old one is destroyed",
    "sign": "checkpoints are signed with a new key; the old one hands over to it in the log and is destroyed",
}


# What ends keys that are not retired; those without a line here stay for good.
_INSTEAD: Final = {
    **{purpose: f"a rotation destroys the one before: imp keys rotate {purpose}" for purpose in ("kek", "row", "sign")},
    "supp": "after a leak: imp keys wrap supp",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What a change of keys did: the `key` entry's seq, the ids of the key now in use and of the one before, and rows.

    `rows` is how many rows were rewritten.
    """

    seq: int
    purpose: str
    id: str
    previous: str
    rows: int


def refuse_rotation(purpose: str) -> None:
    """Say why a key cannot be rotated, if it cannot.

    Raises:
        BadInput: there are no keys for this purpose.
        CheckFailed: keys of this purpose stay.
    """
    if purpose == "supp":
        raise CheckFailed(
            "the suppression key is never rotated: nobody knows any more whom its tokens stand for",
            mend="after a leak: imp keys wrap supp",
        )
    if purpose in FIXED:
        raise CheckFailed(
            f"the {purpose} key is not rotated: {FIXED[purpose]}",
            mend="it stays; after a leak rotate and wrap those that can be: imp keys list, and docs/keys.md",
        )
    if purpose not in ROTATED:
        raise BadInput("there is no key of this purpose", mend=f"one of: {', '.join(ROTATED)}")


def rotate(log: Log, purpose: str, *, count: Callable[[int], None] = lambda _: None) -> Rotated:
    """Put a new key in the place of the one in use. A crash anywhere leaves the old one or the new one in use.

    Raises:
        BadInput: there are no keys for this purpose.
        CheckFailed: keys of this purpose stay.
        LedgerBroken: a row was changed by other hands.
        KeysUnusable: the keys are where they cannot be changed, or one is missing.
    """
    refuse_rotation(purpose)
    if purpose == "kek":
        done = ratchet(log, count=count)
        rows = done.subjects + done.identifiers
        return Rotated(seq=done.seq, purpose=purpose, id=done.id, previous=done.previous, rows=rows)
    with change_key(log, purpose, "rotate") as change:
        rows = _BODIES[purpose](log, change, count)
    return Rotated(seq=change.seq, purpose=purpose, id=change.new.id, previous=change.old.id, rows=rows)


def rows_of_epoch(reader: Reader, epoch: int) -> int:
    """How many identifiers are still found under the pepper of an epoch only."""
    (n,) = reader.sql.execute("SELECT count(*) FROM identifier WHERE epoch = ?", (epoch,)).fetchone()
    return int(n)


def refuse_retirement(reader: Reader, key_id: str) -> Key:
    """The key of an id, if nothing needs it any more.

    Raises:
        BadInput: there is no such key.
        CheckFailed: it is in use or needed; by what is said.
    """
    keyring = reader.keyring
    found = [key for key in keyring.keys if key.id == key_id]
    if len(found) != 1:
        raise BadInput("there is no key of this id", mend="see: imp keys list")
    (key,) = found
    if key.purpose != "pepper":
        raise CheckFailed(
            f"keys for {key.purpose} are not retired by hand: only peppers are, once rotated",
            where=key.name,
            mend=_INSTEAD.get(key.purpose),
        )
    if keyring.in_use()[key.purpose] == key.id:
        raise CheckFailed("the key is in use", where=key.name, mend="imp keys rotate pepper")
    _refuse_needed(reader, keyring, key)
    return key


def retire(log: Log, key_id: str) -> Rotated:
    """Destroy a pepper that nobody is found under any more; after a crash it is run again.

    Raises:
        BadInput: there is no such key.
        CheckFailed: it is in use or needed; by what is said.
        KeysUnusable: the keys are where they cannot be changed.
    """
    with log.write() as transaction:
        key = refuse_retirement(transaction, key_id)
        seq = _retired_before(transaction, key)
        if seq is None:
            fields = {"purpose": key.purpose, "action": "retire", "id": key.id}
            seq = transaction.append_system("key", fields)
        in_use = transaction.keyring.in_use()[key.purpose]
    log.forget_key(key)
    return Rotated(seq=seq, purpose=key.purpose, id=in_use, previous=key.id, rows=0)


def _refuse_needed(reader: Reader, keyring: Keyring, key: Key) -> None:
    left = rows_of_epoch(reader, key.epoch)
    if left:
        raise CheckFailed(
            f"{some(left, 'identifier is', 'identifiers are')} found under this key only",
            where=key.name,
            mend="they move as they are met; after a leak, all at once: imp keys wrap pepper",
        )
    wrapper = keyring.wrapper(key)
    if wrapper is not None:
        raise CheckFailed(
            f"the key {wrapper.id} wraps this one, and finds nobody without it",
            where=key.name,
            mend="imp keys rotate pepper; then retire that one first",
        )


def _retired_before(reader: Reader, key: Key) -> int | None:
    """The entry that said so, where a crash came before the key was destroyed."""
    for entry in reader.system_entries("key"):
        if entry.fields.get("action") == "retire" and entry.fields.get("id") == key.id:
            return entry.seq
    return None


def _pepper(_: Log, change: KeyChange, __: Callable[[int], None]) -> int:
    change.fields["epoch"] = change.new.epoch
    return 0


def _row(_: Log, change: KeyChange, count: Callable[[int], None]) -> int:
    transaction, key = change.transaction, change.new.secret
    rows = sum(rewrite_table(transaction, table, row_key=key, count=count) for table in SEALED)
    for table in SUMMED:
        if table not in SEALED:
            rewrite_sum(transaction, table, key)
    return rows


def _sign(log: Log, change: KeyChange, _: Callable[[int], None]) -> int:
    name = origin_of(log.log_id)
    old, new = (SigningKey.from_seed(name, key.secret) for key in (change.old, change.new))
    # the next entry is the one that holds it: nobody else appends
    note = format_handover(old, new, seq=change.transaction.size)
    change.fields.update({"old": old.verifier.format(), "new": new.verifier.format(), HANDOVER_FIELD: note})
    return 0


_BODIES: Final = {"pepper": _pepper, "row": _row, "sign": _sign}
