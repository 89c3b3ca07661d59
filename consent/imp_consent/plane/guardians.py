"""Guardians in the entries of whom they authorised something for: found for their own copy, taken out when erased.

A child's entry names its guardian by a pseudonym and by a loose token, inside an encrypted payload to which no leaf
commits, and nothing leads from the guardian to the child: so everybody's entries are read. An erasure of the guardian
leaves the authorisation, which is the child's record and by which the gate decides, and takes out whatever leads to who
gave it: pseudonym, token, the reference to a proof, and the words that whoever recorded it chose freely. So goes the
reference to what shows that a guardian said something else for that child, who is not named there and may be there, and
to what shows that such an entry was wrong.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from cryptography.exceptions import InvalidTag

from imp_consent.identity.keys import Keyring
from imp_consent.identity.normalize import normalise
from imp_consent.identity.pseudonym import loose_token_under, pseudonyms_under, rehash, token_now
from imp_consent.identity.secrets import SubjectSecrets
from imp_consent.ledger.entry import GUARDIAN_ERASED, PersonEntry, parse_payload
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.suppression import loose_tokens
from imp_consent.ledger.transaction import Transaction
from imp_core.errors import KeysUnusable, LedgerBroken
from imp_core.event import RawId
from imp_core.ports import Json

__all__ = [
    "TAKEN_OUT",
    "Names",
    "authorised_by",
    "authorised_by_each",
    "forget_guardians",
    "is_named",
    "named_as",
    "names_of",
    "of_identifier",
]

TAKEN_OUT: Final = "taken out when the guardian was erased"
_GUARDIAN, _KEY, _TOKEN, _TOKEN_KEY = "guardian", "guardian_key", "guardian_token", "guardian_token_key"
_EVIDENCE: Final = "evidence"
_ROLE: Final = "guardian"
_MARK: Final = b'"type":"guardian"'
_EVERYBODYS: Final = (
    "SELECT k.subject, k.wrapped, k.kek_id, p.seq, p.nonce, p.ciphertext, e.leaf FROM payload p "
    "JOIN subject_key k ON k.subject = p.subject JOIN entry e ON e.seq = p.seq WHERE p.seq >= ? ORDER BY p.subject"
)
# What stands in their places; a role of the one word that every guardian has says nothing of this one.
_WITHOUT: Final[Mapping[str, Json]] = {
    _GUARDIAN: GUARDIAN_ERASED, _KEY: None, _TOKEN: None, _TOKEN_KEY: None,
    "role": _ROLE, "verification": TAKEN_OUT, _EVIDENCE: None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Names:
    """What somebody may be named by as a guardian: pseudonyms, and loose tokens under the suppression key in use."""

    pseudonyms: frozenset[bytes] = frozenset()
    tokens: frozenset[bytes] = field(default_factory=frozenset)

    def union(self, others: Iterable[Names]) -> Names:
        """These and others together."""
        every = [self, *others]
        return Names(
            frozenset().union(*(one.pseudonyms for one in every)), frozenset().union(*(one.tokens for one in every))
        )


def named_as(keyring: Keyring, guardian: RawId) -> dict[str, Json]:
    """The fields of an entry that name a guardian: a pseudonym, a token that outlives its pepper, and their keys.

    Raises:
        BadInput: the identifier is malformed.
    """
    normalised, pepper, supp = normalise(guardian), keyring.active("pepper"), keyring.active("supp")
    return {
        _GUARDIAN: pseudonyms_under(keyring, pepper, normalised)[0].hex(),
        _KEY: pepper.id,
        _TOKEN: loose_token_under(keyring, supp, normalised).hex(),
        _TOKEN_KEY: supp.id,
    }


def of_identifier(reader: Reader, raw: RawId) -> Names:
    """What an identifier may stand as, whether anybody is known by it or not.

    Raises:
        BadInput: it is malformed.
    """
    ring, normalised = reader.keyring, normalise(raw)
    under = (pseudonyms_under(ring, pepper, normalised) for pepper in ring.peppers())
    return Names(frozenset(one for found in under for one in found), frozenset(loose_tokens(ring, normalised)))


def names_of(reader: Reader, subjects: Iterable[int]) -> Names:
    """What people may stand as, by every identifier that leads to them."""
    pseudonyms: set[bytes] = set()
    tokens: set[bytes] = set()
    keks = [key.id for key in reader.keyring.keys if key.purpose == "kek"]
    for subject in subjects:
        for kek in keks:
            own = reader.subjects.encryption(kek).seal_subject(subject)
            for row in reader.sealed.select("identifier", "subject = ?", (own,)):
                pseudonyms.add(bytes(row[2]))  # type: ignore[arg-type]  # the column's type
                tokens.add(token_now(reader.keyring, str(row[7]), bytes(row[4])))  # type: ignore[arg-type]  # as above
    return Names(frozenset(pseudonyms), frozenset(tokens))


def authorised_by(reader: Reader, names: Names, *, since: int = 0) -> list[PersonEntry]:
    """The authorisations from `since` on that name somebody, in the order of the log. Reads everybody's entries."""
    if not names.pseudonyms and not names.tokens:
        return []
    found = (entry for entry in _everybodys(reader, since) if is_named(reader.keyring, entry, names))
    return sorted(found, key=attrgetter("seq"))


def authorised_by_each(reader: Reader, subjects: Iterable[int]) -> dict[int, list[PersonEntry]]:
    """By person, the authorisations that name them; whom none names is left out. Reads everybody's entries once."""
    whose: dict[bytes, set[int]] = {}
    for subject in subjects:
        names = names_of(reader, [subject])
        for name in names.pseudonyms | names.tokens:
            whose.setdefault(name, set()).add(subject)
    found: dict[int, list[PersonEntry]] = {}
    for entry in _everybodys(reader, 0) if whose else ():
        for subject in {one for name in _names_in(reader.keyring, entry) for one in whose.get(name, ())}:
            found.setdefault(subject, []).append(entry)
    return found


def forget_guardians(transaction: Transaction, found: Iterable[PersonEntry], *, beside: Collection[int] = ()) -> int:
    """Take the guardian out of these authorisations, but of those who are destroyed; returns how many there were.

    Of what a guardian said for the same person besides goes what shows it: it may be a letter of this one, and which of
    several said it no entry tells. What is written anew is read in the transaction: whoever wrote an entry since it was
    found keeps what they wrote.
    """
    seqs: dict[int, set[int]] = {}
    for entry in found:
        seqs.setdefault(entry.subject, set()).add(entry.seq)
    n = 0
    for subject, theirs in seqs.items():
        living = any(True for _ in transaction.sealed.select("subject_key", "subject = ?", (subject,)))
        if living and subject not in beside:
            history = list(transaction.history(subject))
            words = _guardians_words(history, theirs)
            for entry in history:
                if entry.seq in theirs:
                    transaction.restate(entry, {**entry.payload, **_WITHOUT})
                    n += 1
                elif entry.seq in words and entry.payload.get(_EVIDENCE) is not None:
                    transaction.restate(entry, {**entry.payload, _EVIDENCE: None})
    return n


def _guardians_words(history: Iterable[PersonEntry], theirs: Collection[int]) -> set[int]:
    """A guardian's words, these authorisations, and the corrections of both: what shows them may lead to this guardian.

    Not the authorisations besides, nor their corrections: those are their own guardians'.
    """
    words = set(theirs)
    for entry in history:
        said = entry.statement
        if (said.by == "guardian" and said.type != "guardian") or said.corrects in words:
            words.add(entry.seq)
    return words


def _everybodys(reader: Reader, since: int) -> Iterator[PersonEntry]:
    """What may be an authorisation. What does not open tells of nobody: somebody else's rights do not wait for it."""
    secrets: SubjectSecrets | None = None
    for subject, wrapped, kek_id, seq, nonce, ciphertext, leaf in reader.sql.execute(_EVERYBODYS, (since,)):
        with contextlib.suppress(InvalidTag, ValueError, LedgerBroken, KeysUnusable):  # imp audit verify names it
            if secrets is None or secrets.subject != subject:
                secrets = SubjectSecrets(subject, reader.subjects.encryption(kek_id).unwrap(wrapped))
            data = secrets.payloads.decrypt(nonce, ciphertext, leaf)
            if _MARK in data:  # few entries do, and so few are read in full
                yield parse_payload(data, seq=seq, subject=subject)


def is_named(keyring: Keyring, entry: PersonEntry, names: Names) -> bool:
    """Whether an entry is an authorisation by somebody of these names."""
    return not _names_in(keyring, entry).isdisjoint(names.pseudonyms | names.tokens)


def _names_in(keyring: Keyring, entry: PersonEntry) -> set[bytes]:
    """What an authorisation names its guardian by: the token under the key in use, the pseudonym in all its forms."""
    if entry.statement.type != "guardian":
        return set()
    payload, found = entry.payload, set[bytes]()
    token, pseudonym = payload.get(_TOKEN), payload.get(_GUARDIAN)
    if isinstance(token, str):
        found.add(token_now(keyring, str(payload.get(_TOKEN_KEY)), bytes.fromhex(token)))
    return found | _forms(keyring, pseudonym, payload.get(_KEY)) if isinstance(pseudonym, str) else found


def _forms(keyring: Keyring, pseudonym: str, key_id: Json) -> set[bytes]:
    """A pseudonym as it was written, and as every pepper that wrapped its own has it."""
    try:
        form = bytes.fromhex(pseudonym)
    except ValueError:  # of a record taken in from elsewhere: not one of ours
        return set()
    found = {form}
    try:
        key = keyring.by_id("pepper", str(key_id))
    except KeysUnusable:  # retired since, which ends every lookup under it
        return found
    while (wrapper := keyring.wrapper(key)) is not None:
        key, form = wrapper, rehash(wrapper.secret, form)
        found.add(form)
    return found
