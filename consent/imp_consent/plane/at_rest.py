"""Whose evidence is past its time: people nothing is permitted of any more, on whose record nobody else's stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.layout import FOREVER_SEQ
from imp_consent.ledger.reader import Reader
from imp_consent.plane.guardians import authorised_by_each
from imp_consent.policy.limiting import limits_in_force
from imp_core.clock import DAY_US

__all__ = ["AtRest", "find_at_rest", "still_at_rest"]

_EXTENDED: Final = "extended"  # the answer that is none yet
# What a permission is made of: it counts by when it held, not by when somebody typed it (GDPR 5(1)(e)).
_OF_A_PERMISSION: Final = frozenset({"grant", "basis", "guardian", "minor"})
_NOT_PERMITTED: Final = (
    "SELECT subject FROM subject_key EXCEPT SELECT subject FROM consent_state"
    " WHERE permit AND to_seq = ? AND to_us > ? EXCEPT SELECT subject FROM erasure ORDER BY subject"
)
_STILL_NOT: Final = (
    "SELECT 1 FROM subject_key WHERE subject = ?1 AND NOT EXISTS (SELECT 1 FROM consent_state"
    " WHERE subject = ?1 AND permit AND to_seq = ?2 AND to_us > ?3)"
    " AND NOT EXISTS (SELECT 1 FROM erasure WHERE subject = ?1)"
)
_Authorised = Mapping[int, frozenset[tuple[int, int]]]  # a guardian → for whom, and by which entry


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRest:
    """The `people` whose evidence may go, as subjects, which are for nobody's eyes.

    `guardians` is how many are left whose evidence is past its time, too, for they are named in so many
    `authorisations` of people who stay. `authorised` and `size` are what of the ledger was read for it, and how far.
    """

    people: tuple[int, ...] = field(default=(), repr=False)
    guardians: int = 0
    authorisations: int = 0
    authorised: _Authorised = field(default_factory=dict, repr=False)
    size: int = 0


def find_at_rest(reader: Reader, now_us: int, days: int) -> AtRest:
    """Whose evidence is past its time `now_us`; reads what may be everybody's entries.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    found = reader.sql.execute(_NOT_PERMITTED, (FOREVER_SEQ, now_us - days * DAY_US)).fetchall()
    at_rest = tuple(_unheard(reader, (subject for (subject,) in found), now_us, days))
    return _without_relied_on(at_rest, _authorised(reader, at_rest), reader.size)


def still_at_rest(reader: Reader, now_us: int, days: int, before: AtRest) -> AtRest:
    """Who of them it still holds for: meanwhile they, or whoever they are a guardian of, may have said something.

    It is meant for the transaction that acts on it, and reads of others only what was written since.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    until_us = now_us - days * DAY_US
    found = (who for who in before.people if reader.sql.execute(_STILL_NOT, (who, FOREVER_SEQ, until_us)).fetchone())
    at_rest = tuple(_unheard(reader, found, now_us, days))
    since = _authorised(reader, at_rest, since=before.size)
    named = {who: before.authorised.get(who, frozenset()) | since.get(who, frozenset()) for who in at_rest}
    return _without_relied_on(at_rest, named, reader.size)


def _unheard(reader: Reader, subjects: Iterable[int], now_us: int, days: int) -> Iterator[int]:
    """People nothing is permitted of who for so many days said no no, asked for nothing, and corrected nothing.

    A no, a correction or a request counts from when it was noted: until then the permission was relied on, or it is
    what may have to be shown (GDPR 5(2), 7(1)). Whoever has a restriction in force, or waits for an answer, is left:
    they may need what is kept (GDPR 18(1)(c)).
    """
    answered = {
        str(entry.fields.get("request"))
        for entry in reader.system_entries("answer")
        if entry.fields.get("outcome") != _EXTENDED
    }
    for subject in subjects:
        history = reader.history(subject)
        waits = any(
            entry.statement.type == "request" and entry.payload.get("request") not in answered for entry in history
        )
        restricted = bool(limits_in_force(history, "restrict"))
        newest = max(map(_counts_from, history), default=now_us)
        if newest < now_us - days * DAY_US and not waits and not restricted:
            yield int(subject)


def _authorised(reader: Reader, at_rest: Sequence[int], *, since: int = 0) -> _Authorised:
    found = authorised_by_each(reader, at_rest, since=since)
    return {who: frozenset((entry.subject, entry.seq) for entry in entries) for who, entries in found.items()}


def _without_relied_on(at_rest: Sequence[int], authorised: _Authorised, size: int) -> AtRest:
    """Without those named in an authorisation of anybody who stays.

    An erased guardian's authorisation holds no proof any more, and it may have to be shown for as long as the evidence
    of whom it is for is kept (GDPR 7(1), 8(2)). Whoever is left for it stays, and so do their own guardians.
    """
    people, kept = set(at_rest), set[int]()
    while relied_on := {who: seqs for who in people if (seqs := _of_others(authorised, who, people))}:
        kept = kept.union(*relied_on.values())
        people -= relied_on.keys()
    return AtRest(
        people=tuple(who for who in at_rest if who in people),
        guardians=len(at_rest) - len(people),
        authorisations=len(kept),
        authorised=authorised,
        size=size,
    )


def _of_others(authorised: _Authorised, who: int, people: Collection[int]) -> set[int]:
    return {seq for subject, seq in authorised.get(who, ()) if subject not in people}


def _counts_from(entry: PersonEntry) -> int:
    """From when an entry keeps the rest; by when a permission ends, the rows of the state say."""
    recorded = entry.payload.get("recorded_us")
    if entry.statement.type in _OF_A_PERMISSION or not isinstance(recorded, int):
        return entry.statement.at_us
    return recorded
