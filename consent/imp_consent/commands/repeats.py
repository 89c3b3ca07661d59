"""Rows that an earlier import recorded from the same file, read by another mapping, or from that file saved again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from imp_consent.commands.aside import ReadRow
from imp_consent.commands.places import Places
from imp_consent.ledger.entry import PersonEntry
from imp_consent.policy.door import Door
from imp_consent.policy.saying import Saying
from imp_core.counting import some

__all__ = ["Repeats", "is_held", "is_repeated", "row_key"]

_SURFACE: Final = "import"
_OPENING: Final = frozenset({"grant", "basis"})
_NOES: Final = frozenset({"refuse", "withdraw"})
_AGAIN: Final = "the file was saved again, or is read by another mapping; nothing is recorded twice"
_OTHERWISE: Final = "what was recorded then stands too: take back what was wrong with imp consent rectify"


@dataclass(slots=True)
class Repeats:
    """Where the rows stand that earlier imports recorded: just as they are read now, or otherwise."""

    again: Places = field(default_factory=Places)
    otherwise: Places = field(default_factory=Places)

    def texts(self, counted: str) -> list[str]:
        """What is said of them, a sentence a kind; `counted` is what the numbers of rows count."""
        said = []
        if self.again.count:
            those = some(self.again.count, "row says", "rows say")
            said.append(f"{those} what another import recorded {self.again.text(counted)}: {_AGAIN}")
        if self.otherwise.count:
            those = some(self.otherwise.count, "row was", "rows were")
            said.append(
                f"{those} recorded from this file before, read otherwise {self.otherwise.text(counted)}: {_OTHERWISE}"
            )
        return said


def row_key(sha256: str, row: ReadRow) -> str:
    """By what an entry names the row of a file that it was recorded from."""
    return f"{sha256}#{row.mark}"


def is_repeated(door: Door, row: ReadRow, before: Sequence[PersonEntry], sha256: str) -> bool | None:
    """Whether one of these entries says just what a row says; None: none does, and one was read from this very row.

    Another row of the same file is not the same row, however alike. A no is said again where a yes came since.

    Raises:
        BadInput: the row names a notice that there is not.
    """
    own, prefix = row_key(sha256, row), f"{sha256}#"
    found: bool | None = False
    for entry in before:
        key, source = str(entry.payload.get("idempotency_key")), entry.payload.get("source")
        imported = isinstance(source, dict) and source.get("surface") == _SURFACE
        if not imported or (key.startswith(prefix) and key != own):
            continue
        if (_denies if row.said.type in _NOES else _says)(door, entry, row.said, before):
            return row.said.type not in _NOES or not any(_opened_since(entry, other) for other in before)
        found = None if key == own else found
    return found


def is_held(said: Saying, history: Sequence[PersonEntry]) -> bool:
    """Whether a no is among somebody's entries, whoever's it was first."""
    words = said.type, said.purpose, said.channel, said.at_us
    stated = (entry.statement for entry in history)
    return any((one.type, one.purpose, one.channel, one.at_us) == words for one in stated)


def _opened_since(no: PersonEntry, other: PersonEntry) -> bool:
    said = other.statement
    return said.type in _OPENING and other.seq > no.seq and said.at_us >= no.statement.at_us


def _denies(door: Door, entry: PersonEntry, said: Saying, before: Sequence[PersonEntry]) -> bool:
    """Whether an entry is what a no would be recorded as, after what came before: all else says nothing of a no."""
    stated, payload = entry.statement, entry.payload
    same = (
        (stated.type, said.type), (stated.purpose, said.purpose), (stated.channel, said.channel),
        (stated.at_us, said.at_us), (stated.by, said.by), (payload.get("affirmative_action"), said.action),
        (_evidence(payload.get("evidence")), _evidence(said.evidence)),
        (payload.get("valid_for_days"), said.valid_for_days if said.type == "refuse" else None),
    )  # fmt: skip
    return all(one == other for one, other in same) and _under_its_law(door, entry, said, before)


def _under_its_law(door: Door, entry: PersonEntry, said: Saying, before: Sequence[PersonEntry]) -> bool:
    """Whether what a no names of law would come to the law that the entry has; what it does not name was looked up."""
    if said.regimes is None and said.jurisdiction is None:
        return True
    settled = door.laws.settle(said, [older for older in before if older.seq < entry.seq])
    law = entry.payload.get("regimes"), entry.payload.get("jurisdiction")
    return law == (list(door.rules(settled).names), door.place(settled))


def _says(door: Door, entry: PersonEntry, said: Saying, _: Sequence[PersonEntry]) -> bool:
    """Whether an entry was made of the same words: by what the words say, and not by what the law made of them."""
    stated, payload = entry.statement, entry.payload
    same = (
        (stated.type, said.type), (stated.purpose, said.purpose), (stated.channel, said.channel),
        (stated.at_us, said.at_us), (stated.by, said.by), (stated.informed, said.informed),
        (stated.basis, said.basis if said.type == "basis" else None),
        (payload.get("affirmative_action"), said.action), (payload.get("steps"), said.steps),
        (payload.get("valid_for_days"), said.valid_for_days), (bool(payload.get("bundled")), said.bundled),
        (payload.get("consent_type") or "expressed", said.consent or "expressed"),
        (payload.get("grounds") or {}, dict(said.grounds)),
        (_evidence(payload.get("evidence")), _evidence(said.evidence)),
    )  # fmt: skip
    return all(one == other for one, other in same) and _under_the_same(door, entry, said)


def _under_the_same(door: Door, entry: PersonEntry, said: Saying) -> bool:
    """Whether what a row names of law and notice is what the entry has; what it does not name was looked up."""
    payload = entry.payload
    if said.jurisdiction is not None and payload.get("jurisdiction") != said.jurisdiction:
        return False
    regimes = payload.get("regimes")
    if said.regimes is not None and (not isinstance(regimes, list) or set(map(str, regimes)) != set(said.regimes)):
        return False
    if said.notice is None and said.language is None:
        return True
    shown = door.notice(said)
    return shown is not None and shown.sha256 == entry.statement.notice


def _evidence(named: object) -> object:
    """The row of a file is no evidence of another kind than the same row of the file saved again."""
    return None if isinstance(named, str) and named.startswith("sha256:") and "#" in named else named
