"""People's keys and mappings under another key-encryption key: row by row, whatever goes through the tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Final

from imp_consent.identity.keys import Keyring
from imp_consent.identity.secrets import KeyEncryption
from imp_consent.ledger.head import Head, save_head
from imp_consent.ledger.sealed import Sealed, Value
from imp_core.errors import LedgerBroken

__all__ = ["Rewrapper", "rewrap_left"]

_Row = tuple[Value, ...]
_PAGE: Final = 5_000


class Rewrapper:
    """Rows of `subject_key` and `identifier` under a new key; `old` answers with the key of an id."""

    def __init__(self, old: Callable[[str], KeyEncryption], new: KeyEncryption) -> None:
        self._old = old
        self._new = new

    def subject_key(self, row: _Row) -> _Row:
        """A subject's key, wrapped anew."""
        subject, wrapped, kek_id, next_i = _typed(row, "subject_key", (int, bytes, str, int))
        return (subject, self._new.wrap(self._old(kek_id).unwrap(wrapped)), self._new.id, next_i)

    def identifier(self, row: _Row) -> _Row:
        """An identifier's mapping, sealed anew."""
        kind, epoch, pseudonym, sealed, loose, pepper_id, kek_id, supp_id = _typed(
            row, "identifier", (str, int, bytes, bytes, bytes, str, str, str)
        )
        subject = self._old(kek_id).open_subject(sealed)
        return (kind, epoch, pseudonym, self._new.seal_subject(subject), loose, pepper_id, self._new.id, supp_id)


def rewrap_left(sql: sqlite3.Connection, keyring: Keyring, head: Head) -> int:
    """Bring rows that are still under a replaced key of the ring under the one in use; returns how many.

    A ratchet leaves none. A restore may: its backup is older than a ratchet that died before its old key was destroyed.

    Raises:
        LedgerBroken: a row was changed by other hands, or does not open.
    """
    active = keyring.active("kek")
    row_key = keyring.active("row").secret
    sealed, done = Sealed(sql, row_key, head.sums), 0
    for key in keyring.every("kek"):
        if key.id == active.id:
            continue
        old = KeyEncryption(key.id, key.secret)
        wrapper = Rewrapper({key.id: old}.__getitem__, KeyEncryption(active.id, active.secret))
        for table, change in (("subject_key", wrapper.subject_key), ("identifier", wrapper.identifier)):
            while page := list(sealed.select(table, f"kek_id = ? LIMIT {_PAGE}", (key.id,))):
                sealed.replace(table, [(row, change(row)) for row in page])
                done += len(page)
    if done:
        save_head(sql, row_key, head, was_size=head.frontier.size)
    return done


def _typed(row: _Row, table: str, types: tuple[type, ...]) -> tuple[Any, ...]:
    if not all(isinstance(value, type_) for value, type_ in zip(row, types, strict=True)):
        raise LedgerBroken("a value of the wrong type", where=table, mend="run: imp audit verify")
    return row
