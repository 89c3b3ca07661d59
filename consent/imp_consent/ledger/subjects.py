"""Subjects: found by the pseudonyms of their identifiers, created with a random number and a key of their own."""

from __future__ import annotations

import secrets as os_secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from imp_consent.identity.keys import Key, Keyring
from imp_consent.identity.normalize import normalise
from imp_consent.identity.pseudonym import loose_token_under, pseudonyms_under, token_now
from imp_consent.identity.secrets import KeyEncryption, SubjectSecrets
from imp_consent.identity.visible import check_visible
from imp_consent.ledger.sealed import Sealed
from imp_consent.ledger.suppression import Suppressed, is_suppressed, lift, loose_tokens
from imp_core.errors import CheckFailed, LedgerBroken
from imp_core.event import RawId
from imp_core.randomness import Randomness

__all__ = ["SubjectBook", "SubjectFinder"]

_TABLE = "identifier"
_BY_KEY = "kind = ? AND epoch = ? AND pseudonym = ?"
_KEY_LENGTH = 32
_KeyRow = tuple[int, bytes, str, int]  # subject, wrapped key, KEK id, next link counter
_CACHED = 10_000
_ONE_PERSON = "name one by which nobody is known yet: two people are not made one"
_LINKED = 1_000


class SubjectFinder:
    """Looks subjects up; creates nothing."""

    def __init__(self, sealed: Sealed, keyring: Keyring) -> None:
        self._sealed = sealed
        self._keyring = keyring
        self._linked: dict[tuple[str, int, bytes], int] = {}  # of rows that are not written yet
        self._alike: dict[bytes, list[int]] = {}  # by their loose tokens
        self._encryption: dict[str | None, KeyEncryption] = {}

    @cached_property
    def _peppers(self) -> tuple[Key, ...]:
        return self._keyring.peppers()

    def encryption(self, kek_id: str | None = None) -> KeyEncryption:
        """The key-encryption key of an id, or the active one."""
        if kek_id in self._encryption:
            return self._encryption[kek_id]
        key = self._keyring.active("kek") if kek_id is None else self._keyring.by_id("kek", kek_id)
        found = self._encryption.get(key.id) or KeyEncryption(key.id, key.secret)
        self._encryption[kek_id] = self._encryption[key.id] = found
        return found

    def find(self, raw: RawId) -> int | None:
        """The subject of an identifier, under any pepper still in the ring, newest first.

        Raises:
            BadInput: the identifier is malformed.
            LedgerBroken: the mapping was changed by other hands.
        """
        return self.find_normalised(normalise(raw))

    def find_normalised(self, normalised: RawId) -> int | None:
        """The same for an identifier that is normalised already."""
        for pepper in self._peppers:
            for pseudonym in pseudonyms_under(self._keyring, pepper, normalised):
                key = (normalised.kind, pepper.epoch, pseudonym)
                if key in self._linked:
                    return self._linked[key]
                for row in self._sealed.select_written(_TABLE, _BY_KEY, key):
                    subject = self._subject_in(row[3], row[6])
                    if pepper is not self._peppers[0]:
                        self._seen(normalised, subject, key)
                    return subject
        return None

    def find_alike(self, normalised: RawId) -> set[int]:
        """The subjects of every spelling of an e-mail address; of another identifier its own, where there is one.

        Raises:
            LedgerBroken: a mapping was changed by other hands.
        """
        if normalised.kind != "email":  # the others have one spelling, and case may tell two people apart
            own = self.find_normalised(normalised)
            return set() if own is None else {own}
        return self.find_by_tokens(loose_tokens(self._keyring, normalised))

    def find_by_tokens(self, tokens: Sequence[bytes]) -> set[int]:
        """The subjects of the identifiers that have one of these loose tokens."""
        found = {subject for token in tokens for subject in self._alike.get(token, ())}
        for row in self._sealed.select_written(_TABLE, f"loose IN ({', '.join('?' * len(tokens))})", tokens):
            found.add(self._subject_in(row[3], row[6]))
        return found

    def tokens_of(self, subject: int) -> list[bytes]:
        """The loose tokens of a subject's e-mail addresses."""
        keys = [key for key in self._keyring.keys if key.purpose == "kek"]
        own = [self.encryption(key.id).seal_subject(subject) for key in keys]
        where = f"kind = 'email' AND subject IN ({', '.join('?' * len(own))})"
        return [token for row in self._sealed.select(_TABLE, where, own) if isinstance(token := row[4], bytes)]

    def _subject_in(self, sealed_subject: object, kek_id: object) -> int:
        if not isinstance(sealed_subject, bytes) or not isinstance(kek_id, str):
            raise LedgerBroken("a mapping of the wrong type", where=_TABLE)
        return self.encryption(kek_id).open_subject(sealed_subject)

    def _seen(self, normalised: RawId, subject: int, key: tuple[str, int, bytes]) -> None:
        """Somebody was met under a retired pepper: nothing can be done about it in a snapshot."""

    def secrets(self, subject: int) -> tuple[SubjectSecrets, int]:
        """A living subject's secrets and its next link counter.

        Raises:
            LedgerBroken: the subject has no key: it is unknown or erased.
        """
        _, wrapped, kek_id, next_i = self._key_row(subject)
        return SubjectSecrets(subject, self.encryption(kek_id).unwrap(wrapped)), next_i

    def _key_row(self, subject: int) -> _KeyRow:
        for _, wrapped, kek_id, next_i in self._sealed.select("subject_key", "subject = ?", (subject,)):
            if not isinstance(wrapped, bytes) or not isinstance(kek_id, str) or not isinstance(next_i, int):
                raise LedgerBroken("a subject's key of the wrong type", where="subject_key")
            return subject, wrapped, kek_id, next_i
        raise LedgerBroken("a subject without a key", where="subject_key")


@dataclass(slots=True)
class _Held:
    secrets: SubjectSecrets
    next_i: int
    row: _KeyRow | None  # as it is stored; None: not written yet


class SubjectBook(SubjectFinder):
    """Creates subjects and hands out link counters inside one write transaction; `flush` before it commits."""

    def __init__(self, sealed: Sealed, keyring: Keyring, randomness: Randomness) -> None:
        super().__init__(sealed, keyring)
        self._randomness = randomness
        self._held: dict[int, _Held] = {}
        self.lifted: list[bytes] = []

    def find_or_create(self, raw: RawId, *, returning: bool = False) -> tuple[int, bool]:
        """The subject of an identifier, and whether it was created now.

        `returning` takes back the suppression of somebody who was erased; the tokens are then in `lifted`.

        Raises:
            BadInput: the identifier is malformed, or nobody is known by it and it holds what nobody sees.
            Suppressed: the person was erased.
        """
        normalised = normalise(raw)
        found = self.find_normalised(normalised)
        if found is not None:
            return found, False
        self._admit(normalised, returning=returning)
        check_visible(normalised)
        subject = self._new_number()
        self._link(normalised, subject)
        self._hold(subject, _Held(SubjectSecrets(subject, os_secrets.token_bytes(_KEY_LENGTH)), 0, None))
        return subject, True

    def link(self, raw: RawId, subject: int) -> None:
        """Let an identifier lead to a subject that others lead to already.

        Raises:
            BadInput: the identifier is malformed, or holds what nobody sees.
            CheckFailed: it leads to somebody, this one included.
            Suppressed: the person of this identifier was erased.
        """
        normalised = normalise(raw)
        if self.find_normalised(normalised) is not None:
            raise CheckFailed("this identifier leads to somebody already", where="identifier", mend=_ONE_PERSON)
        self._admit(normalised, returning=False)
        check_visible(normalised)
        self._link(normalised, subject)

    def unlink(self, raw: RawId) -> list[bytes]:
        """Let an identifier lead nowhere any more; returns its loose tokens, under the suppression keys in use now.

        Raises:
            BadInput: the identifier is malformed.
        """
        normalised = normalise(raw)
        tokens: list[bytes] = []
        self._sealed.flush(_TABLE)
        self._alike.clear()
        for pepper in self._peppers:
            for pseudonym in pseudonyms_under(self._keyring, pepper, normalised):
                key = (normalised.kind, pepper.epoch, pseudonym)
                rows = self._sealed.select(_TABLE, _BY_KEY, key)
                tokens += [token_now(self._keyring, str(row[7]), bytes(row[4])) for row in rows]  # type: ignore[arg-type]  # the column's type
                self._sealed.delete(_TABLE, _BY_KEY, key)
        self._linked.clear()
        return tokens

    def identifiers_of(self, subject: int) -> int:
        """How many identifiers lead to a subject."""
        self._sealed.flush(_TABLE)
        keks = [key for key in self._keyring.keys if key.purpose == "kek"]
        sealed = [self.encryption(key.id).seal_subject(subject) for key in keks]
        return sum(1 for one in sealed for _ in self._sealed.select(_TABLE, "subject = ?", (one,)))

    def secrets(self, subject: int) -> tuple[SubjectSecrets, int]:
        """A living subject's secrets and its next link counter, those not written yet included."""
        held = self._held.get(subject)
        return super().secrets(subject) if held is None else (held.secrets, held.next_i)

    def take(self, subject: int) -> tuple[SubjectSecrets, int]:
        """A subject's secrets and the link counter of its next entry, which is used up."""
        held = self._held.get(subject)
        if held is None:
            row = self._key_row(subject)
            held = _Held(SubjectSecrets(subject, self.encryption(row[2]).unwrap(row[1])), row[3], row)
            self._hold(subject, held)
        held.next_i += 1
        return held.secrets, held.next_i - 1

    def forget(self, subject: int) -> None:
        """Let go of a subject that is being erased, after writing what is held."""
        self._sealed.flush(_TABLE)
        self._linked.clear()
        self._alike.clear()
        held = self._held.pop(subject, None)
        if held is not None:
            self._write({subject: held})

    def flush(self, only: int | None = None) -> None:
        """Write every key and counter held, or those of one subject."""
        self._write({subject: held for subject, held in self._held.items() if only in (None, subject)})

    def _admit(self, normalised: RawId, *, returning: bool) -> None:
        if returning:
            self.lifted += lift(self._sealed, self._keyring, normalised)
        elif is_suppressed(self._sealed, self._keyring, normalised):
            raise Suppressed

    def _seen(self, normalised: RawId, subject: int, key: tuple[str, int, bytes]) -> None:
        """Link somebody met under a retired pepper by the one in use."""
        self._sealed.delete(_TABLE, _BY_KEY, key)
        self._link(normalised, subject)

    def _link(self, normalised: RawId, subject: int) -> None:
        pepper, supp, kek = self._peppers[0], self._keyring.active("supp"), self.encryption()
        pseudonym = pseudonyms_under(self._keyring, pepper, normalised)[0]
        loose = loose_token_under(self._keyring, supp, normalised)
        sealed_subject = kek.seal_subject(subject)
        row = (normalised.kind, pepper.epoch, pseudonym, sealed_subject, loose, pepper.id, kek.id, supp.id)
        if len(self._linked) >= _LINKED:
            self._sealed.flush(_TABLE)
            self._linked.clear()
            self._alike.clear()
        self._sealed.insert_later(_TABLE, [row])
        self._linked[row[:3]] = subject
        self._alike.setdefault(loose, []).append(subject)

    def _new_number(self) -> int:
        while True:
            subject = int.from_bytes(self._randomness.token(8), "big") >> 1
            taken = subject in self._held or any(
                True for _ in self._sealed.select("subject_key", "subject = ?", (subject,))
            )
            if subject and not taken:
                return subject

    def _hold(self, subject: int, held: _Held) -> None:
        if len(self._held) >= _CACHED:
            self.flush()
            self._held.clear()
        self._held[subject] = held

    def _write(self, chosen: Mapping[int, _Held]) -> None:
        created: list[_KeyRow] = []
        used: list[tuple[_KeyRow, _KeyRow]] = []
        for subject, held in chosen.items():
            if held.row is None:
                kek = self.encryption()
                held.row = (subject, kek.wrap(held.secrets.key), kek.id, held.next_i)
                created.append(held.row)
            elif held.row[3] != held.next_i:
                old = held.row
                held.row = (*old[:3], held.next_i)
                used.append((old, held.row))
        if created:
            self._sealed.insert("subject_key", created)
        if used:
            self._sealed.replace("subject_key", used)
