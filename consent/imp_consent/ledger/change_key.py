"""A change of one key as one transaction: staged before it, named by the head it commits, settled after it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from imp_consent.identity.keys import Key, Keyring
from imp_consent.ledger.log import Log
from imp_consent.ledger.transaction import Transaction
from imp_core.errors import ImpError, KeysUnusable
from imp_core.ports import Json

__all__ = ["KeyChange", "change_key"]


@dataclass(slots=True, kw_only=True)
class KeyChange:
    """What the body of `change_key` works with: the transaction, the key before and the new one, and both in one ring.

    `fields` go into the `key` entry, whose seq is `seq` once the block has ended.
    """

    transaction: Transaction
    old: Key
    new: Key
    ring: Keyring
    fields: dict[str, Json] = field(default_factory=dict)
    seq: int = -1


def _nothing(_: Transaction) -> Sequence[str]:
    return ()


@contextmanager
def change_key(
    log: Log, purpose: str, action: str, *, wraps: Callable[[Transaction], Sequence[str]] = _nothing
) -> Iterator[KeyChange]:
    """Stage a key, run the block in a write transaction, append the `key` entry, commit, and settle.

    `wraps` answers with the ids of the keys whose results the new one hashes again. The entry's seq is the
    transaction's size when the block ends: nobody else appends. If the block raises, nothing has changed; after a crash
    the next writer finishes or undoes what was begun, by what the head says.

    Raises:
        KeysUnusable: the keys are where they cannot be changed.
    """
    if not log.keyring.store.writable:
        raise KeysUnusable("keys cannot be changed here", where=log.keyring.store.place)
    try:
        with log.write() as transaction:
            old = transaction.keyring.active(purpose)
            new = transaction.keyring.stage(purpose, created_us=transaction.now_us, wraps=wraps(transaction))
            change = KeyChange(transaction=transaction, old=old, new=new, ring=transaction.keyring.adding(new))
            yield change
            change.seq = transaction.append_system(
                "key", {"purpose": purpose, "action": action, "id": new.id, "previous": old.id, **change.fields}
            )
            transaction.adopt(change.ring)
    except Exception:
        with contextlib.suppress(ImpError):  # the next writer does it
            log.settle_keys()
        raise
    log.settle_keys()
