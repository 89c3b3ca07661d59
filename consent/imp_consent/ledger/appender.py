"""Entries on their way into the database: numbered at once, written many at a time."""

from __future__ import annotations

import sqlite3
from hashlib import sha256
from typing import Final

from imp_consent.ledger.head import Head

__all__ = ["Appender"]

_ENTRY_SQL: Final = "INSERT INTO entry (seq, leaf, leaf_hash) VALUES (?, ?, ?)"
_PAYLOAD_SQL: Final = "INSERT INTO payload (seq, subject, nonce, ciphertext) VALUES (?, ?, ?, ?)"
_NODE_SQL: Final = "INSERT INTO node (level, number, hash) VALUES (?, ?, ?)"
_HELD: Final = 1_000  # entries and payloads; a few hundred bytes each


class Appender:
    """Numbers leaves and holds them, their payloads and the tree's nodes until `flush`, inside one transaction.

    The head's frontier is that of what was flushed.
    """

    def __init__(self, sql: sqlite3.Connection, head: Head) -> None:
        self._sql = sql
        self._head = head
        self._base = head.frontier.size  # seq of the first leaf held
        self._leaves: list[bytes] = []
        self._payloads: list[tuple[int, int, bytes, bytes]] = []

    @property
    def flushed(self) -> int:
        """The number of entries that are in the database."""
        return self._head.frontier.size

    @property
    def size(self) -> int:
        """The number of entries, those held included."""
        return self._head.frontier.size + len(self._leaves)

    def append(self, leaf: bytes) -> int:
        """Take the next entry and return its seq."""
        held = len(self._leaves)
        if held >= _HELD:
            self.flush()
            held = 0
        self._leaves.append(leaf)
        return self._base + held

    def append_sealed(self, leaf: bytes, subject: int, nonce: bytes, ciphertext: bytes) -> int:
        """Take the next entry with its payload and return its seq."""
        seq = self.append(leaf)
        self._payloads.append((seq, subject, nonce, ciphertext))
        return seq

    def flush(self) -> None:
        """Write what is held."""
        if not self._leaves:
            return
        leaves, payloads = self._leaves, self._payloads
        self._leaves, self._payloads = [], []
        if len(leaves) == 1 and not payloads:
            self._write_one(leaves[0])
            return
        hashes = [sha256(b"\x00" + leaf).digest() for leaf in leaves]  # RFC 9162 §2.1.1, as `merkle.leaf_hash`
        seqs = range(self.flushed, self.flushed + len(leaves))
        self._sql.executemany(_ENTRY_SQL, zip(seqs, leaves, hashes, strict=True))
        if payloads:
            self._sql.executemany(_PAYLOAD_SQL, payloads)
        nodes: list[tuple[int, int, bytes]] = []
        self._head.frontier.extend_many(hashes, lambda level, number, root: nodes.append((level, number, root)))
        self._base = self.flushed
        if nodes:
            self._sql.executemany(_NODE_SQL, nodes)

    def _write_one(self, leaf: bytes) -> None:
        """What a transaction about the system mostly is: one leaf, nothing of anybody's."""
        frontier, hash_ = self._head.frontier, sha256(b"\x00" + leaf).digest()
        self._sql.execute(_ENTRY_SQL, (frontier.size, leaf, hash_))
        nodes: list[tuple[int, int, bytes]] = []
        frontier.extend((hash_,), lambda *node: nodes.append(node))
        for node in nodes:
            self._sql.execute(_NODE_SQL, node)
        self._base = frontier.size
