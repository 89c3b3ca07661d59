"""Settling a change of keys: what its transaction committed is written down in the ring, and old keys destroyed.

Every step can be run again, and stands in the way of no other: the new key is active before anything is destroyed, and
what a restore needs lies outside before a key-encryption key is. It runs under the ledger's write lock.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.head import Head
from imp_consent.ledger.sealed import Sealed
from imp_consent.ledger.survivors import SURVIVORS_NAME, write_survivors

__all__ = ["settle"]


def settle(sql: sqlite3.Connection, keyring: Keyring, head: Head) -> Keyring:
    """Bring the store of a keyring, read under the lock and following the head, to what the head says.

    Raises:
        LedgerBroken: a row of a survivor was changed by other hands.
        KeysUnusable: the store cannot be written.
        ImpError: the folder outside cannot be written to.
    """
    keyring.activate()
    stored = _stored_keys(keyring)
    in_use = keyring.in_use()
    replaced = any(key.purpose == "kek" and key.id != in_use["kek"] for key in keyring.every("kek"))
    stale = not _under(stored, in_use)
    if stale and (replaced or stored is not None):
        sealed = Sealed(sql, keyring.active("row").secret, head.sums)
        write_survivors(sealed, keyring, size=head.frontier.size)
    return keyring.settle()


def _under(stored: Mapping[str, str] | None, in_use: Mapping[str, str]) -> bool:
    return stored is not None and all(in_use.get(name) == key_id for name, key_id in stored.items())


def _stored_keys(keyring: Keyring) -> Mapping[str, str] | None:
    """The keys that the survivors outside say they are under; {} where that cannot be read, None without the file."""
    try:
        with (keyring.folder / SURVIVORS_NAME).open("rb") as file:
            head = json.loads(file.readline(4_096))
            return {name: str(head[name]) for name in ("kek", "pepper", "supp")}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):  # then it is written anew
        return {"kek": ""}
