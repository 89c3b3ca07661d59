"""Entries on their way into the database: numbered at once, written many at a time."""

from __future__ import annotations

import sqlite3
from typing import Final

from imp_consent.ledger.head import Head
from imp_consent.ledger.merkle import leaf_hash

__all__ = ["Appender"]

_HELD: Final = 1_000  # entries and payloads; a few hundred bytes each


class Appender:
    """Numbers leaves and holds them, their payloads and the tree's nodes until `flush`, inside one transaction.

    The head's frontier is that of what was flushed.
    """

    def __init__(self, sql: sqlite3.Connection, head: Head) -> None:
        self._sql = sql
        self._head = head
        self._entries: list[tuple[int, bytes, bytes]] = []
        self._payloads: list[tuple[int, int, bytes, bytes]] = []
        self._subjects: set[int] = set()

    @property
    def size(self) -> int:
        """The number of entries, those held included."""
        return self._head.frontier.size + len(self._entries)

    def append(self, leaf: bytes) -> int:
        """Take the next entry and return its seq."""
        if len(self._entries) >= _HELD:
            self.flush()
        seq = self.size
        self._entries.append((seq, leaf, leaf_hash(leaf)))
        return seq

    def keep(self, seq: int, subject: int, nonce: bytes, ciphertext: bytes) -> None:
        """Take an entry's payload."""
        self._payloads.append((seq, subject, nonce, ciphertext))
        self._subjects.add(subject)

    def holds_payload_of(self, subject: int) -> bool:
        """Whether a payload of this subject is not in the database yet."""
        return subject in self._subjects

    def flush(self) -> None:
        """Write what is held."""
        if not self._entries:
            return
        entries, payloads = self._entries, self._payloads
        self._entries, self._payloads, self._subjects = [], [], set()
        self._sql.executemany("INSERT INTO entry (seq, leaf, leaf_hash) VALUES (?, ?, ?)", entries)
        self._sql.executemany("INSERT INTO payload (seq, subject, nonce, ciphertext) VALUES (?, ?, ?, ?)", payloads)
        nodes: list[tuple[int, int, bytes]] = []
        self._head.frontier.extend(
            (entry[2] for entry in entries), lambda level, number, root: nodes.append((level, number, root))
        )
        if nodes:
            self._sql.executemany("INSERT INTO node (level, number, hash) VALUES (?, ?, ?)", nodes)
