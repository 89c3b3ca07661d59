"""What became of each person, by what their writers told: nothing here looks into the shop but `answers`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.campaign.acks import Attempt
from benchmarks.campaign.desk import PURPOSE
from imp_consent.commands.check import check
from imp_core.context import Context
from imp_core.event import RawId

__all__ = ["Person", "answers", "consenting", "people_of"]


@dataclass(slots=True)
class Person:
    """One person; `said` are the numbers of the entries that were answered."""

    said: list[int] = field(default_factory=list)
    consents: bool = False  # the last thing said is a yes, which was answered
    denies: bool = False  # the last thing said is a no, which was answered; with neither nobody can tell
    withdrew: bool = False  # or tried to: what waits in the inbox is denied when it is compacted
    asked: bool = False  # an erasure was tried or requested: what is there of the person may be gone
    requested: bool = False  # it was acknowledged
    erased: bool = False  # its end was acknowledged


def consenting(attempts: Iterable[Attempt]) -> list[str]:
    """The people who are known to consent, whatever else was tried."""
    return [name for name, person in people_of(attempts).items() if person.consents and not person.asked]


def people_of(attempts: Iterable[Attempt]) -> dict[str, Person]:
    """Everybody of whom anything was told."""
    people: dict[str, Person] = {}
    for attempt in attempts:
        if attempt.deed == "record":
            person = people.setdefault(attempt.said["person"], Person())
            _heard(person, _number(attempt, "seq"), consents=attempt.said["state"] == "given")
            person.withdrew |= attempt.said["state"] == "withdrawn"
        elif attempt.deed == "import":
            for at, name in enumerate(attempt.said["people"]):
                person = people.setdefault(name, Person())
                _heard(person, _number(attempt, "first", at), consents=True)
        elif attempt.deed in {"request", "erase"}:
            for name in attempt.said["people"]:
                people[name].asked = True
                people[name].requested |= attempt.answer is not None
                people[name].erased |= attempt.deed == "erase" and attempt.answer is not None
    return people


def _number(attempt: Attempt, name: str, more: int = 0) -> int | None:
    return None if attempt.answer is None else int(attempt.answer[name]) + more


def answers(ctx: Context, names: Iterable[str]) -> dict[str, str]:
    """What the gate says of each person's data now: the reason, of which only `given` permits."""
    return {name: check(ctx, RawId("member", name), purpose=PURPOSE).reason for name in names}


def _heard(person: Person, seq: int | None, *, consents: bool) -> None:
    if seq is not None:
        person.said.append(seq)
    person.consents = seq is not None and consents  # a withdrawal that was tried may have happened
    person.denies = seq is not None and not consents
