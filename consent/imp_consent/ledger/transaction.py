"""One write transaction: entries, payloads, projection and sealed rows become durable together or not at all."""

from __future__ import annotations

import hashlib
import secrets as os_secrets
import sqlite3
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.appender import Appender
from imp_consent.ledger.entry import (
    PERSON_TYPES,
    SYSTEM_TYPES,
    PersonEntry,
    Statement,
    commitment_to,
    encode_statement,
    format_system_leaf,
    payload_with,
    person_leaf,
)
from imp_consent.ledger.head import Head, HeadMemory
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.subjects import SubjectBook
from imp_core.clock import DAY_US, Clock
from imp_core.errors import BadInput
from imp_core.event import RawId
from imp_core.ports import Json
from imp_core.randomness import Randomness

__all__ = ["Projection", "Transaction"]

_NONCE_LENGTH = 12
_NONCES = 256
_HISTORIES = 10_000
_New = tuple[int, Statement, Mapping[str, Json]]  # an entry: its seq, statement and envelope


class Transaction(Reader):
    """Appends to the log. The projection runs in the same transaction, so state never lags behind entries."""

    def __init__(
        self,
        sql: sqlite3.Connection,
        keyring: Keyring,
        head: Head,
        *,
        clock: Clock,
        randomness: Randomness,
        actor: str,
        projection: Projection,
        remembered: HeadMemory,
    ) -> None:
        super().__init__(sql, keyring, head)
        self._subjects_under = keyring, randomness
        self.now_us = clock.now_us()
        self.actor = actor
        self.restricting = False  # whether somebody said no in it, which nobody may lose once it is acknowledged
        self._projection = projection
        self._was_size = head.frontier.size
        self._remembered = remembered
        self._appender = Appender(sql, head)
        self._nonces = _Nonces()
        self._histories: OrderedDict[int, list[PersonEntry]] = OrderedDict()
        self._new: defaultdict[int, list[_New]] = defaultdict(list)  # appended since, and not among those yet

    @cached_property
    def subjects(self) -> SubjectBook:
        """Who is known, and who becomes known in this transaction."""
        return SubjectBook(self.sealed, *self._subjects_under)

    @property
    def sql(self) -> sqlite3.Connection:
        """The connection, every row of this transaction written but subjects' keys and counters."""
        self._appender.flush()
        self.sealed.flush()
        return self._sql

    @property
    def size(self) -> int:
        """The number of entries, those of this transaction included; the next one's seq."""
        return self._appender.size

    def subject_for(self, raw: RawId, *, returning: bool = False) -> int:
        """The subject of an identifier, created where there is none: only for a consent or signal entry.

        `returning` is whether somebody who was erased came back by a consent of their own.

        Raises:
            BadInput: the identifier is malformed.
            Suppressed: the person was erased, and is not `returning`.
        """
        subject, created = self.subjects.find_or_create(raw, returning=returning)
        if created:
            self._remember(subject, [])
        return subject

    def append_system(
        self,
        type_: str,
        fields: Mapping[str, Json],
        *,
        documents: Sequence[bytes] = (),
        notices: Sequence[bytes] = (),
    ) -> int:
        """Append a system entry and return its seq; documents and notices are stored by their SHA-256.

        Raises:
            BadInput: not a type of system entry, or fields outside the canonical profile.
        """
        if type_ not in SYSTEM_TYPES:
            raise BadInput(f"not a type of system entry: {type_}")
        for table, bodies in (("policy", documents), ("notice", notices)):
            for body in bodies:
                self._sql.execute(
                    f"INSERT OR IGNORE INTO {table} (sha256, body) VALUES (?, ?)",  # noqa: S608 (one of two names above)
                    (hashlib.sha256(body).hexdigest(), body),
                )
        return self._append(format_system_leaf(type_, at_us=self.now_us, actor=self.actor, fields=fields))

    def append_person(self, subject: int, statement: Statement, envelope: Mapping[str, Json]) -> int:
        """Append an entry about a subject, encrypted under its key, and project it; returns the seq.

        Raises:
            BadInput: not a type of a person's entry, or an envelope outside the canonical profile.
            LedgerBroken: the subject has no key.
        """
        if statement.type not in PERSON_TYPES:
            raise BadInput(f"not a type of a person's entry: {statement.type}")
        said = encode_statement(statement)
        plain = payload_with(said, envelope)
        secrets, i = self.subjects.take(subject)  # nothing after this refuses: a counter used up leaves no gap
        link, blind = secrets.link_and_blind(i)
        leaf = person_leaf(link=link, commit=commitment_to(blind, said), day=self.now_us // DAY_US)
        nonce = self._nonces.take()
        seq = self._appender.append_sealed(leaf, subject, nonce, secrets.payloads.encrypt(nonce, plain, leaf))
        self._new[subject].append((seq, statement, envelope))
        self._projection(self, subject)
        if statement.type != "grant":
            self.restricting = True
        return seq

    def append_again(self, leaf: bytes) -> int:
        """Append a leaf that was signed before, as a restore has it; what it stands for is lost. Returns the seq."""
        return self._append(leaf)

    def restate(self, entry: PersonEntry, envelope: Mapping[str, Json]) -> None:
        """Encrypt a living person's entry anew with another envelope: what its leaf commits to stays as it is.

        Only to take somebody else out of it, who is erased: what it says of the person themselves is history.

        Raises:
            BadInput: an envelope outside the canonical profile.
            LedgerBroken: the person has no key.
        """
        secrets, _ = self.subjects.secrets(entry.subject)
        (leaf,) = self.sql.execute("SELECT leaf FROM entry WHERE seq = ?", (entry.seq,)).fetchone()
        plain, nonce = payload_with(encode_statement(entry.statement), envelope), self._nonces.take()
        self.sql.execute(
            "UPDATE payload SET nonce = ?, ciphertext = ? WHERE seq = ?",
            (nonce, secrets.payloads.encrypt(nonce, plain, leaf), entry.seq),
        )
        self._histories.pop(entry.subject, None)

    def history(self, subject: int) -> list[PersonEntry]:
        """A living subject's entries, oldest first, those of this transaction included."""
        new = [
            PersonEntry(seq=seq, subject=subject, statement=statement, payload=payload)
            for seq, statement, payload in self._new.pop(subject, ())
        ]
        if subject in self._histories:
            self._histories.move_to_end(subject)
            self._histories[subject] += new
        else:
            stored = super().history(subject)
            self._remember(subject, stored + [entry for entry in new if entry.seq >= self._appender.flushed])
        return self._histories[subject]

    def forget(self, subject: int) -> None:
        """Let go of what is held of a subject that is being erased."""
        self._appender.flush()  # else an entry of theirs that waits there would be in nobody's history
        self._histories.pop(subject, None)
        self._new.pop(subject, None)
        self.subjects.forget(subject)

    def adopt(self, keyring: Keyring) -> None:
        """Let the head name this ring's keys in use; every row is sealed and wrapped under them by now."""
        self.keyring = keyring
        self.head.keys = keyring.in_use()

    def finish(self) -> bool:
        """Write what is held and the head; returns whether anything was appended."""
        self._appender.flush()
        if "subjects" in self.__dict__:
            self.subjects.flush()
        self.sealed.flush()
        self.head.keys = self.head.keys or self.keyring.in_use()
        row_key = self.keyring.active("row").secret
        self._remembered.save(self._sql, row_key, self.head, was_size=self._was_size)
        return self.size > self._was_size

    def _append(self, leaf: bytes) -> int:
        return self._appender.append(leaf)

    def _remember(self, subject: int, history: list[PersonEntry]) -> None:
        self._histories[subject] = history
        if len(self._histories) > _HISTORIES:
            oldest, entries = self._histories.popitem(last=False)
            flushed = self._appender.flushed
            if unwritten := [(e.seq, e.statement, e.payload) for e in entries if e.seq >= flushed]:
                self._new[oldest] = unwritten + self._new[oldest]


class _Nonces:
    """Random nonces, asked of the operating system one, two, four … at a time."""

    __slots__ = ("_held", "_next")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._next = 1

    def take(self) -> bytes:
        """A nonce that was never given before."""
        if not self._held:
            data = os_secrets.token_bytes(_NONCE_LENGTH * self._next)
            self._next = min(self._next * 2, _NONCES)
            self._held = [data[at : at + _NONCE_LENGTH] for at in range(0, len(data), _NONCE_LENGTH)]
        return self._held.pop()


Projection = Callable[[Transaction, int], object]
