"""People's entries: each living person's chain of links walked, each payload opened, permissions folded again."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from cryptography.exceptions import InvalidTag

from imp_consent.audit.leaves import Leaves, person_fields
from imp_consent.audit.problem import Problems
from imp_consent.audit.restored import Restores
from imp_consent.audit.rows import has_mac
from imp_consent.identity.keys import Keyring
from imp_consent.identity.secrets import KeyEncryption, SubjectSecrets
from imp_consent.ledger.entry import PersonEntry, commitment, parse_payload
from imp_consent.ledger.layout import SEALED
from imp_consent.policy.project import TABLE, format_row
from imp_consent.policy.state import replay
from imp_core.errors import LedgerBroken

__all__ = ["People", "check_people"]

_KEY, _PAYLOAD, _STATE = range(3)
_OF: Final = {
    _KEY: "SELECT subject, wrapped, kek_id, next_i, mac FROM subject_key ORDER BY subject",
    _PAYLOAD: (
        "SELECT p.subject, p.seq, p.nonce, p.ciphertext, e.leaf FROM payload p LEFT JOIN entry e ON e.seq = p.seq "
        "WHERE typeof(p.subject) = 'integer' ORDER BY p.subject, p.seq"
    ),
    _STATE: (
        f"SELECT {', '.join(SEALED[TABLE])} FROM {TABLE} "  # noqa: S608 (names from the schema)
        "WHERE typeof(subject) = 'integer' ORDER BY subject"
    ),
}


@dataclass(slots=True)
class People:
    """How many subjects live, how many leaves their chains cover, and which notices their entries name."""

    living: int = 0
    covered: int = 0
    notices: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Person:
    subject: int
    keys: list[tuple[Any, ...]]
    payloads: list[tuple[Any, ...]]
    states: list[tuple[Any, ...]]

    @property
    def place(self) -> str:
        return f"subject {self.subject}"


def check_people(
    sql: sqlite3.Connection,
    keyring: Keyring,
    leaves: Leaves,
    restores: Restores,
    *,
    problems: Problems,
    count: Callable[[int], None],
) -> People:
    """Walk every living person's chain, and find payloads and permissions that are nobody's.

    What `restores` account for may lack its payload; then a later `lost` of the person says so.

    Raises:
        KeysUnusable: the keyring lacks the key-encryption key of an untouched row.
    """
    people, walker = People(), _Walker(keyring, leaves, restores, problems)
    for person in _persons(sql):
        count(len(person.payloads))
        with problems.checking(person.place):
            if person.keys:
                people.living += 1
                _check_living(person, walker, people, problems)
            else:
                _check_nobody(person, problems)
    strange = sql.execute("SELECT seq FROM payload WHERE typeof(subject) <> 'integer'").fetchall()
    for (seq,) in strange:
        problems.report("payload.orphan", f"payload {seq}", "a payload of nobody")
    return people


def _persons(sql: sqlite3.Connection) -> Iterator[_Person]:
    streams = [_tagged(sql, kind, query) for kind, query in _OF.items()]
    for subject, group in groupby(heapq.merge(*streams, key=itemgetter(0)), key=itemgetter(0)):
        person = _Person(subject, [], [], [])
        for _, kind, row in group:
            (person.keys, person.payloads, person.states)[kind].append(row)
        yield person


def _tagged(sql: sqlite3.Connection, kind: int, query: str) -> Iterator[tuple[int, int, tuple[Any, ...]]]:
    for row in sql.execute(query):
        yield row[0], kind, row


def _check_nobody(person: _Person, problems: Problems) -> None:
    for _, seq, *_ in person.payloads:
        problems.report("payload.orphan", f"payload {seq}", "a payload of a subject that has no key")
    if person.states:
        sentence = f"{len(person.states)} permissions of a subject that has no key"
        problems.report("state.orphan", f"{TABLE} {person.place}", sentence)


def _check_living(person: _Person, walker: _Walker, people: People, problems: Problems) -> None:
    if not has_mac(walker.row_key, "subject_key", person.keys[0]):
        return  # reported with the other rows; what it says opens nothing
    secrets, chain = walker.walk(person)
    people.covered += len(chain)
    history = walker.open_all(person, secrets, chain)
    people.notices.update(entry.statement.notice for entry in history if entry.statement.notice is not None)
    lost = walker.lost(person, chain)
    if len(history) + len(lost) + len(walker.retained(person, chain)) != len(chain):
        return  # payloads that do not open were reported
    said = max((entry.seq for entry in history if entry.statement.type == "lost"), default=-1)
    sentence = "entries of this person were lost in a restore, and none says that their consent ended with it"
    problems.expect(said > max(lost, default=-1) or not lost, "person.loss-unsaid", person.place, sentence)
    _check_state(person, history, problems)


def _check_state(person: _Person, history: Sequence[PersonEntry], problems: Problems) -> None:
    expected = {
        format_row(person.subject, scope, rectangle)
        for scope, rectangles in replay(history).items()
        for rectangle in rectangles
    }
    found = set(person.states)
    problems.expect(
        found == expected,
        "state.differs",
        f"{TABLE} {person.place}",
        f"{len(expected - found)} permissions that follow from the entries are missing, "
        f"{len(found - expected)} do not follow from them",
    )


class _Walker:
    """Opens what subjects' keys open."""

    def __init__(self, keyring: Keyring, leaves: Leaves, restores: Restores, problems: Problems) -> None:
        self.row_key = keyring.active("row").secret
        self._keyring = keyring
        self._leaves = leaves
        self._restores = restores
        self._problems = problems
        self._encryption: dict[str, KeyEncryption] = {}

    def walk(self, person: _Person) -> tuple[SubjectSecrets, dict[int, int]]:
        """The person's secrets, and the link counter of each of its leaves by seq.

        Raises:
            LedgerBroken: the key does not open.
        """
        _, wrapped, kek_id, next_i, _ = person.keys[0]
        secrets = SubjectSecrets(person.subject, self._kek(kek_id).unwrap(wrapped))
        chain: dict[int, int] = {}
        last = -1
        for i in range(next_i):
            seq = self._leaves.links.get(secrets.link(i))
            if seq is None:
                self._problems.report("person.leaf-missing", person.place, f"this person's entry {i} is not in the log")
                continue
            self._problems.expect(
                seq > last, "person.order", person.place, f"entry {i} of this person stands before an earlier one"
            )
            chain[seq], last = i, seq
        beyond = self._leaves.links.get(secrets.link(next_i))
        if beyond is not None:
            self._problems.report("person.leaf-beyond", f"entry {beyond}", "an entry past the end of a person's chain")
        return secrets, chain

    def lost(self, person: _Person, chain: dict[int, int]) -> set[int]:
        """The entries without a payload that a restore accounts for."""
        return {seq for seq in chain.keys() - {row[1] for row in person.payloads} if self._restores.lost(seq)}

    def retained(self, person: _Person, chain: dict[int, int]) -> set[int]:
        """The entries without a payload that a retention accounts for: what the person once asked."""
        return (chain.keys() & self._restores.retained) - {row[1] for row in person.payloads} - self.lost(person, chain)

    def open_all(self, person: _Person, secrets: SubjectSecrets, chain: dict[int, int]) -> list[PersonEntry]:
        """The entries whose payload opens and says what its leaf commits to."""
        entries: list[PersonEntry] = []
        seqs = {row[1] for row in person.payloads}
        for seq in sorted(chain.keys() - seqs - self.lost(person, chain) - self.retained(person, chain)):
            self._problems.report("payload.missing", f"payload {seq}", "an entry of a living person has no payload")
        for _, seq, nonce, ciphertext, leaf in person.payloads:
            place = f"payload {seq}"
            i = chain.get(seq)
            if i is None:
                self._problems.report("payload.foreign", place, "a payload at an entry that is not this person's")
                continue
            entry = self._open(person.subject, secrets, seq, (nonce, ciphertext, leaf))
            if entry is None:
                self._problems.report("payload.sealed", place, "the payload does not open with its leaf")
                continue
            committed = (person_fields(leaf) or ("",))[0]
            if commitment(secrets.blind(i), entry.statement).hex() != committed:
                self._problems.report("payload.commitment", place, "the payload says what its leaf does not commit to")
                continue
            entries.append(entry)
        return entries

    def _open(
        self, subject: int, secrets: SubjectSecrets, seq: int, sealed: tuple[object, object, object]
    ) -> PersonEntry | None:
        nonce, ciphertext, leaf = sealed
        if not (isinstance(nonce, bytes) and isinstance(ciphertext, bytes) and isinstance(leaf, bytes)):
            return None
        try:
            return parse_payload(secrets.payloads.decrypt(nonce, ciphertext, leaf), seq=seq, subject=subject)
        except (InvalidTag, ValueError, LedgerBroken):
            return None

    def _kek(self, kek_id: str) -> KeyEncryption:
        if kek_id not in self._encryption:
            self._encryption[kek_id] = KeyEncryption(kek_id, self._keyring.by_id("kek", kek_id).secret)
        return self._encryption[kek_id]
