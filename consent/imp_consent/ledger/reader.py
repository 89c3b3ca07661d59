"""One snapshot of the ledger, read with its keys."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from functools import cached_property

from cryptography.exceptions import InvalidTag

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.entry import PersonEntry, parse_payload, parse_system_leaf
from imp_consent.ledger.head import Head
from imp_consent.ledger.layout import SYSTEM_LEAF
from imp_consent.ledger.sealed import Sealed
from imp_consent.ledger.subjects import SubjectFinder
from imp_consent.ledger.tree import Prover
from imp_core.errors import LedgerBroken
from imp_core.event import RawId
from imp_core.ports import SystemEntry

__all__ = ["Reader"]


class Reader:
    """Reads people and entries inside one transaction of the database."""

    def __init__(self, sql: sqlite3.Connection, keyring: Keyring, head: Head) -> None:
        self._sql = sql
        self.keyring = keyring
        self.head = head
        self.began_at = head.frontier.size  # entries that are committed: a transaction may append more
        self.sealed = Sealed(sql, keyring.active("row").secret, head.sums)

    @cached_property
    def subjects(self) -> SubjectFinder:
        """Who is known; made when it is asked for, as most transactions about the system never do."""
        return SubjectFinder(self.sealed, self.keyring)

    @property
    def sql(self) -> sqlite3.Connection:
        """The connection, for the queries of those who read more than this class does."""
        return self._sql

    @property
    def size(self) -> int:
        """The number of entries; the next one's seq."""
        return self.head.frontier.size

    def find_subject(self, raw: RawId) -> int | None:
        """The subject of an identifier; never creates.

        Raises:
            BadInput: the identifier is malformed.
        """
        return self.subjects.find(raw)

    def history(self, subject: int) -> list[PersonEntry]:
        """A living subject's entries, oldest first.

        Raises:
            LedgerBroken: a payload does not open under the subject's key.
        """
        found = self._sql.execute(
            "SELECT seq, nonce, ciphertext, leaf FROM payload JOIN entry USING (seq) WHERE subject = ? ORDER BY seq",
            (subject,),
        ).fetchall()
        if not found:
            return []
        secrets, _ = self.subjects.secrets(subject)
        entries: list[PersonEntry] = []
        for seq, nonce, ciphertext, leaf in found:
            try:
                data = secrets.payloads.decrypt(nonce, ciphertext, leaf)
            except (InvalidTag, ValueError):
                raise LedgerBroken(
                    "a payload does not open", where=f"entry {seq}", mend="run: imp audit verify"
                ) from None
            entries.append(parse_payload(data, seq=seq, subject=subject))
        return entries

    def system_entries(self, type_: str, *, since: int = 0) -> Iterator[SystemEntry]:
        """System entries of one type from seq `since` on, oldest first."""
        marker = f'"type":"{type_}"'.encode()
        query = f"SELECT seq, leaf FROM entry WHERE {SYSTEM_LEAF} AND seq >= ? AND instr(leaf, ?) ORDER BY seq"  # noqa: S608 (the schema's own words)
        for seq, leaf in self.sql.execute(query, (since, marker)):
            entry = parse_system_leaf(leaf, seq=seq)
            if entry is not None and entry.type == type_:
                yield entry

    def root_at(self, size: int) -> bytes:
        """The root of the tree of the first `size` entries (32 bytes).

        Raises:
            BadInput: the log holds fewer entries.
            LedgerBroken: the tree's hashes in the database do not lead to the head's root.
        """
        return self._prover().root(size)

    def prove_inclusion(self, seq: int, size: int | None = None) -> list[bytes]:
        """The inclusion proof of an entry in the tree of the first `size` entries (None: all), leaf side first.

        Raises:
            BadInput: there is no such entry in a tree of this size, or the log holds fewer entries.
            LedgerBroken: the tree's hashes in the database do not lead to the head's root.
        """
        return self._prover().inclusion(seq, self.size if size is None else size)

    def prove_consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """The proof that the tree of `new` entries (None: all) begins with the tree of `old` entries.

        Raises:
            BadInput: `old` is larger than `new`, or the log holds fewer entries.
            LedgerBroken: the tree's hashes in the database do not lead to the head's root.
        """
        return self._prover().consistency(old, self.size if new is None else new)

    def document(self, sha256: str) -> bytes:
        """A stored configuration by the SHA-256 of its bytes.

        Raises:
            LedgerBroken: there is none, or its bytes do not have this hash.
        """
        return self._by_hash("policy", sha256)

    def notice(self, sha256: str) -> bytes:
        """A stored notice by the SHA-256 of its bytes.

        Raises:
            LedgerBroken: there is none, or its bytes do not have this hash.
        """
        return self._by_hash("notice", sha256)

    def _prover(self) -> Prover:
        return Prover(self.sql, self.head.frontier)

    def _by_hash(self, table: str, sha256: str) -> bytes:
        found = self._sql.execute(f"SELECT body FROM {table} WHERE sha256 = ?", (sha256,)).fetchone()  # noqa: S608 (one of two names above)
        body = bytes(found[0]) if found else None
        if body is None or hashlib.sha256(body).hexdigest() != sha256:
            raise LedgerBroken("a document is missing or changed", where=f"{table} {sha256[:16]}…")
        return body
