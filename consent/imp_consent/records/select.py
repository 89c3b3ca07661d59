"""From a person's entries to the rows of their record: what holds, in order, without what only this ledger needs."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from imp_consent.ledger.entry import GUARDIAN_ERASED, PersonEntry, Statement
from imp_consent.policy.cuts import Cut
from imp_consent.policy.scope import PERMITTING_TYPES, corrected, lineage
from imp_consent.records.row import DETAILS, KINDS, RecordRow
from imp_consent.records.vocabulary import ACTS, CONDITIONS
from imp_core.ports import Json

__all__ = ["PSEUDONYM", "Naming", "rows_of", "standing"]

PSEUDONYM: Final = "export:"
_KEPT: Final = "kept where this was exported"
_FREE_WORDS: Final = ("role", "verification")
_DIGITS: Final = 32
_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Naming:
    """How one export names people: by pseudonyms under a key of its own (32 random bytes), which is kept nowhere.

    Two exports cannot be joined by them, nor an export with the ledger; within one, a person keeps theirs.
    """

    key: bytes

    def person(self, subject: int) -> str:
        """The pseudonym of a subject."""
        return PSEUDONYM + self._digest(b"person\x00" + subject.to_bytes(_BYTES, "big"))

    def guardian(self, pseudonym: str) -> str:
        """The pseudonym of a guardian, whose pseudonym in the ledger stays there."""
        return PSEUDONYM + self._digest(b"guardian\x00" + pseudonym.encode())

    def record(self, person: str, purpose: str, channel: str) -> str:
        """The id of a record, in the form of a UUID (RFC 9562 §5.8)."""
        digits = self._digest(f"record\x00{person}\x00{purpose}\x00{channel}".encode())
        return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def _digest(self, data: bytes) -> str:
        return hmac.digest(self.key, data, hashlib.sha256).hex()[:_DIGITS]


def rows_of(
    entries: Sequence[PersonEntry], naming: Naming, *, subject: int, identifier: str | None, cuts: Sequence[Cut] = ()
) -> list[RecordRow] | None:
    """A person's rows, oldest entry first; None where their erasure was asked for: nothing of them leaves any more.

    What a correction says was wrong is left out, and so is the correction; a consent or basis that a material change
    ended (`cuts`) ends there in its row too, since the change itself stays behind. `identifier` is how the
    operator calls the person; without one the rows bear the export's pseudonym and no words in which somebody might be
    named.
    """
    if any(entry.statement.type == "erase-requested" for entry in entries):
        return None
    kept = [(entry, statement) for entry in standing(entries) for statement in _ended(entry, cuts)]
    return [
        RecordRow(
            person=identifier or naming.person(subject),
            position=position,
            statement=statement,
            action=_act(entry.payload, named=identifier is not None),
            evidence=_text(entry.payload, "evidence") if identifier else None,
            jurisdiction=_text(entry.payload, "jurisdiction"),
            details=_details(entry.payload, naming, named=identifier is not None),
            seq=entry.seq,
        )
        for position, (entry, statement) in enumerate(kept, 1)
    ]


def standing(entries: Sequence[PersonEntry]) -> list[PersonEntry]:
    """The entries that a record is made of: what decides, and was not corrected since."""
    wrong = corrected(entries)
    return [entry for entry in entries if entry.statement.type in KINDS and entry.seq not in wrong]


def _ended(entry: PersonEntry, cuts: Sequence[Cut]) -> Iterator[Statement]:
    """What an entry says, each purpose of a consent or a basis until a later material change that ended it."""
    said = entry.statement
    ends = {purpose: _end(purpose, entry, cuts) for purpose in (said.purpose, *said.covers)}
    if said.type not in PERMITTING_TYPES or not any(ends.values()):
        yield said
        return
    same = tuple(purpose for purpose in said.covers if ends[purpose] == ends[said.purpose])
    yield replace(said, covers=same, until_us=_earlier(said.until_us, ends[said.purpose]))
    for purpose in said.covers:
        if purpose not in same:
            yield replace(said, purpose=purpose, covers=(), until_us=_earlier(said.until_us, ends[purpose]))


def _end(purpose: str, entry: PersonEntry, cuts: Sequence[Cut]) -> int | None:
    above = lineage(purpose)
    ended = (cut for cut in cuts if cut.bases or entry.statement.type == "grant")
    return min((cut.at_us for cut in ended if cut.seq > entry.seq and cut.purpose in above), default=None)


def _earlier(one: int | None, other: int | None) -> int | None:
    return min((time for time in (one, other) if time is not None), default=None)


def _text(payload: Mapping[str, Json], name: str) -> str | None:
    value = payload.get(name)
    return value if isinstance(value, str) and value else None


def _act(payload: Mapping[str, Json], *, named: bool) -> str | None:
    """What somebody did to say so; where nobody is named only in a known word, since any other may name somebody."""
    text = _text(payload, "affirmative_action")
    return text if named or text in ACTS else None


def _details(payload: Mapping[str, Json], naming: Naming, *, named: bool) -> dict[str, Json]:
    found: dict[str, Json] = {name: payload[name] for name in DETAILS if payload.get(name)}
    grounds, guardian = found.get("grounds"), found.get("guardian")
    if not named:
        if isinstance(grounds, Mapping):
            found["grounds"] = {name: _KEPT for name in grounds if name in CONDITIONS}
        found |= {name: _KEPT for name in _FREE_WORDS if name in found}
    if isinstance(guardian, str) and guardian != GUARDIAN_ERASED:
        found["guardian"] = naming.guardian(guardian)
    return found
