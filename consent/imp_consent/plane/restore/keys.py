"""Which keys are in use after a restore: what the backup's head and the signed entries since lead to."""

from __future__ import annotations

from collections.abc import Iterable

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.entry import parse_system_leaf
from imp_consent.ledger.head import Head
from imp_consent.ledger.reader import Reader
from imp_core.errors import LedgerBroken

__all__ = ["forget_unsigned", "ring_after"]

_CHANGES = ("rotate", "wrap")


def ring_after(keyring: Keyring, head: Head, tail: Iterable[bytes]) -> Keyring:
    """The ring with the keys in use active; what its store says of their states may be behind them.

    Raises:
        KeysUnusable: it lacks a key that is in use.
        LedgerBroken: the row key was changed since the backup.
    """
    sealed_under = head.keys.get("row", keyring.active("row").id)
    in_use = {**keyring.in_use(), **head.keys}
    for leaf in tail:
        entry = parse_system_leaf(leaf, seq=0)
        if entry is not None and entry.type == "key" and entry.fields.get("action") in _CHANGES:
            in_use[str(entry.fields["purpose"])] = str(entry.fields["id"])
    if in_use["row"] != sealed_under:
        raise LedgerBroken(
            f"the backup was made under the row key {sealed_under}, which was replaced: nobody can tell whether it was "
            "changed",
            where="log_state",
            mend="use a backup made since the key was changed",
        )
    return keyring.using(in_use)


def forget_unsigned(reader: Reader, ring: Keyring) -> None:
    """Destroy signing keys that no entry names: their change was lost with the database, and they signed nothing.

    What one signs is on the disk only after the entry that hands over to it. An audit would ask where one came from.

    Raises:
        KeysUnusable: the keys cannot be changed where they are kept.
    """
    named = {ring.active("sign").id}
    for entry in reader.system_entries("key"):
        if entry.fields.get("purpose") == "sign":
            named |= {str(entry.fields.get("id")), str(entry.fields.get("previous"))}
    for key in ring.every("sign") if ring.store.writable else ():
        if key.id not in named:
            ring.store.destroy(key.name)
