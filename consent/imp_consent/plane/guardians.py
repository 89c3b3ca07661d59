"""Guardians in the entries of whom they authorised something for: found for their own copy, taken out when erased.

A child's entry names its guardian by a pseudonym and by a loose token, inside an encrypted payload to which no leaf
commits, and nothing leads from the guardian to the child: so everybody's entries are read. An erasure of the guardian
leaves the authorisation, which is the child's record and by which the gate decides, and takes out whatever leads to who
gave it: pseudonym, token, the reference to a proof, and the words that whoever recorded it chose freely. So goes the
reference to what shows that a guardian said something else for that child, who is not named there and may be there,
the words of its own for what they did to say it, what shows that such an entry was wrong, and what the request to
correct it says. What another guardian had authorised by then stays whole: it is the proof of their yes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
from imp_consent.policy.meeting import is_over
from imp_consent.policy.scope import corrected, lineage
from imp_consent.records.vocabulary import ACTS
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
_ACT, _OWN_WORDS, _REQUEST = "affirmative_action", "words", "request"
_ROLE: Final = "guardian"
_UNREAD: Final = "an entry that may name a guardian does not open: whose evidence has to be kept is not known"
_MARK: Final = b'"type":"guardian"'
_EVERYBODYS: Final = (
    "SELECT k.subject, k.wrapped, k.kek_id, p.seq, p.nonce, p.ciphertext, e.leaf FROM payload p "
    "JOIN subject_key k ON k.subject = p.subject JOIN entry e ON e.seq = p.seq WHERE p.seq >= ? ORDER BY p.subject"
)
_ACTS: Final = re.compile(rf"\b({'|'.join(sorted(ACTS, key=len, reverse=True))})(?:s|ed|ing)?\b")
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
    """The authorisations from `since` on that name somebody, in the order of the log. Reads everybody's entries.

    What does not open is passed over, as `imp audit verify` names it: somebody else's rights do not wait for it.
    """
    if not names.pseudonyms and not names.tokens:
        return []
    found = (entry for entry in _everybodys(reader, since) if is_named(reader.keyring, entry, names))
    return sorted(found, key=attrgetter("seq"))


def authorised_by_each(reader: Reader, subjects: Iterable[int], *, since: int = 0) -> dict[int, list[PersonEntry]]:
    """By person, the authorisations from `since` on that name them; whom none names is left out.

    Reads everybody's entries once, and all of them: who is held to be named by none may be erased for it.

    Raises:
        LedgerBroken: one does not open, and may be such an authorisation.
        KeysUnusable: the key that opens it is missing.
    """
    whose: dict[bytes, set[int]] = {}
    for subject in subjects:
        names = names_of(reader, [subject])
        for name in names.pseudonyms | names.tokens:
            whose.setdefault(name, set()).add(subject)
    found: dict[int, list[PersonEntry]] = {}
    for entry in _everybodys(reader, since, all_of_it=True) if whose else ():
        for subject in {one for name in _names_in(reader.keyring, entry) for one in whose.get(name, ())}:
            found.setdefault(subject, []).append(entry)
    return found


def forget_guardians(transaction: Transaction, found: Iterable[PersonEntry], *, beside: Collection[int] = ()) -> int:
    """Take the guardian out of these authorisations, but of those who are destroyed; returns how many there were.

    Of what a guardian said for the same person besides goes what shows it, unless another guardian had authorised that:
    it may be a letter of this one; so it goes of requests to correct that. What is written anew is read in the
    transaction: whoever wrote an entry since it was found keeps what they wrote.
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
                out = {**_left_out(entry), **(_WITHOUT if entry.seq in theirs else {})} if entry.seq in words else {}
                if any(entry.payload.get(name) != value for name, value in out.items()):
                    transaction.restate(entry, {**entry.payload, **out})
            n += sum(entry.seq in theirs for entry in history)
    return n


def _left_out(entry: PersonEntry) -> dict[str, Json]:
    """What goes of an entry that may lead to a guardian without naming one, and what stands in its place."""
    out: dict[str, Json] = dict.fromkeys(
        name for name in (_EVIDENCE, _OWN_WORDS) if entry.payload.get(name) is not None
    )
    act = entry.payload.get(_ACT)
    return out if act is None else {**out, _ACT: _everybodys_act(str(act))}


def _everybodys_act(act: str) -> str:
    """The first word in it like "click", which is everybody's and shows what was done; else that there was one."""
    found = _ACTS.search(act.casefold())
    return TAKEN_OUT if found is None else found[1]


def _guardians_words(history: Sequence[PersonEntry], theirs: Collection[int]) -> set[int]:
    """A guardian's words, these authorisations, the corrections of both and what asked for these: they may lead there.

    Not the authorisations besides, nor their corrections: those are their own guardians'; nor what these cover.
    """
    words, asked, wrong = set(theirs), set[Json](), corrected(history)
    others = [
        entry
        for entry in history
        if entry.statement.type == "guardian" and entry.payload.get(_GUARDIAN) != GUARDIAN_ERASED
        if entry.seq not in wrong and entry.seq not in theirs
    ]
    for entry in history:
        said = entry.statement
        word = said.by == "guardian" and said.type != "guardian" and not any(_covers(one, entry) for one in others)
        if word or said.corrects in words:
            words.add(entry.seq)
        if said.corrects in words:
            asked.add(entry.payload.get(_REQUEST))
    requests = (entry for entry in history if entry.statement.type == _REQUEST)
    return words.union(entry.seq for entry in requests if entry.payload.get(_REQUEST) in asked)


def _covers(authorised: PersonEntry, word: PersonEntry) -> bool:
    """Whether it had been authorised by then that a guardian says this."""
    by, said = authorised.statement, word.statement
    before = (by.at_us, authorised.seq) < (said.at_us, word.seq) and not is_over(by, said.at_us)
    return before and any(by.purpose in lineage(name) for name in (said.purpose, *said.covers))


def _everybodys(reader: Reader, since: int, *, all_of_it: bool = False) -> Iterator[PersonEntry]:
    """What may be an authorisation. What does not open tells of nobody, unless `all_of_it` is asked for.

    Raises, where it is:
        LedgerBroken: a payload does not open.
        KeysUnusable: the key that opens it is missing.
    """
    secrets: SubjectSecrets | None = None
    for subject, wrapped, kek_id, seq, nonce, ciphertext, leaf in reader.sql.execute(_EVERYBODYS, (since,)):
        try:
            if secrets is None or secrets.subject != subject:
                secrets = SubjectSecrets(subject, reader.subjects.encryption(kek_id).unwrap(wrapped))
            data = secrets.payloads.decrypt(nonce, ciphertext, leaf)
            if _MARK in data:  # few entries do, and so few are read in full
                yield parse_payload(data, seq=seq, subject=subject)
        except (InvalidTag, ValueError, LedgerBroken):
            if all_of_it:
                raise LedgerBroken(_UNREAD, where=f"entry {seq}", mend="run: imp audit verify") from None
        except KeysUnusable:
            if all_of_it:
                raise


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
