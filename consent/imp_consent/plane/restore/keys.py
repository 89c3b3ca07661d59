"""Which keys are in use after a restore: what the backup's head and the signed entries since lead to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.entry import parse_system_leaf
from imp_consent.ledger.head import Head
from imp_consent.ledger.survivors import open_survivors
from imp_core.errors import LedgerBroken
from imp_core.ports import Json

__all__ = ["Keys", "keys_after"]

_CHANGES = ("rotate", "wrap")


@dataclass(frozen=True, slots=True)
class Keys:
    """The ring with the keys in use active, and what a `key` entry has to say of a ratchet that no signed one tells."""

    ring: Keyring
    unsaid: dict[str, Json] | None = field(default=None)


def keys_after(keyring: Keyring, head: Head, tail: Iterable[bytes], *, signed: int) -> Keys:
    """Follow the backup's head and the entries since; what a store says of its keys' states may be behind them.

    `signed` is the size of the newest checkpoint.

    Raises:
        KeysUnusable: the ring lacks a key that is in use.
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
    unsaid = _unsaid_ratchet(keyring, in_use["kek"], signed)
    if unsaid is not None:
        in_use["kek"] = str(unsaid["id"])
    return Keys(keyring.using(in_use), unsaid)


def _unsaid_ratchet(keyring: Keyring, known: str, signed: int) -> dict[str, Json] | None:
    """A ratchet whose entry was committed and not signed any more: its survivors are newer than the checkpoint."""
    if keyring.has("kek", known):
        return None
    survivors, active = open_survivors(keyring), keyring.active("kek").id
    if survivors is None or survivors.size <= signed or survivors.keys["kek"] != active:
        return None
    return {"purpose": "kek", "action": "rotate", "id": active, "previous": known}
