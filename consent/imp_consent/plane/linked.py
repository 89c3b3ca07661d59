"""Devices and the people who use them: `link` entries, along which restrictions travel and consents never do.

A link stands in two entries, one of each subject, which name each other by number, inside encrypted payloads:

    device:  link {"to": person}       person:  link {"from": device}       unlink ends it, from then on

It leads one way: what a browser asks for holds for its people too; what a person asks for does not hold for whoever
else uses that browser. An erasure ends every link of who is erased, and takes their number out of the entries of those
at its other end: that there was a link stays, and with whom nobody can tell any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from imp_consent.ledger.entry import EVERY_CHANNEL, EVERY_PURPOSE, PersonEntry, Statement
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.recorded import recorded_law
from imp_consent.policy.regime import read_regimes
from imp_consent.policy.saying import Saying
from imp_core.errors import BadInput
from imp_core.event import RawId
from imp_core.ports import Json

__all__ = [
    "FROM",
    "LINKED_FROM",
    "TO",
    "devices_of",
    "end_links",
    "forget_numbers",
    "link",
    "linked_with",
    "number",
    "people_of",
    "unlink",
]

Speak = Callable[[int | RawId, Saying], object]

TO: Final = "to"
FROM: Final = "from"
LINKED_FROM: Final = "linked_from"  # of a signal: the device along whose link it came
_SIDES: Final = (TO, FROM, LINKED_FROM)
_DIGITS: Final = 16
_TWO: Final = "name the device first, then the person who uses it"


def people_of(history: Sequence[PersonEntry]) -> tuple[int, ...]:
    """The people a device is linked to, as far as its entries know."""
    return _linked(history, TO)


def devices_of(history: Sequence[PersonEntry]) -> tuple[int, ...]:
    """The devices a person is linked from."""
    return _linked(history, FROM)


def number(subject: int) -> str:
    """A subject as entries name it: integers of 2**53 or more have no place in canonical JSON."""
    return f"{subject:0{_DIGITS}x}"


def _linked(history: Iterable[PersonEntry], side: str) -> tuple[int, ...]:
    found: dict[int, None] = {}
    for entry in history:
        word = entry.payload.get(side)
        if not isinstance(word, str):
            continue
        other = int(word, 16)
        if entry.statement.type == "link":
            found[other] = None
        elif entry.statement.type == "unlink":
            found.pop(other, None)
    return tuple(found)


def link(  # both sides of one link, and what travels along it at once
    transaction: Transaction, speak: Speak, device: RawId, person: RawId, *, at_us: int
) -> int | None:
    """Link a device to a person, who is reached by what the device asked for so far; returns how many such signals.

    None where they are linked already, and nothing was appended.

    Raises:
        BadInput: one of the identifiers is malformed, both are one, or the time is to come.
        Suppressed: one of them was erased.
    """
    theirs, own = transaction.subject_for(device), transaction.subject_for(person)
    if theirs == own:
        raise BadInput("a device and its person are one and the same", where="identifier", mend=_TWO)
    if own in people_of(transaction.history(theirs)):
        return None
    _say(transaction, speak, (theirs, own), "link", at_us)
    return _reach(transaction, speak, theirs, own, at_us=at_us)


def unlink(transaction: Transaction, speak: Speak, device: RawId, person: RawId, *, at_us: int) -> bool:
    """End a link: nothing travels along it from now on, and what did stays. Returns whether there was one.

    Raises:
        BadInput: one of the identifiers is malformed, or the time is to come.
    """
    theirs, own = transaction.find_subject(device), transaction.find_subject(person)
    if theirs is None or own is None or own not in people_of(transaction.history(theirs)):
        return False
    _say(transaction, speak, (theirs, own), "unlink", at_us)
    return True


def end_links(transaction: Transaction, subject: int, envelope: Mapping[str, Json]) -> int:
    """End every link of somebody who is erased, in the entries of those at its other end; returns how many.

    What travelled along them stays; nothing is sent after a number that nobody has any more.
    """
    history = transaction.history(subject)
    ends = [*((device, TO) for device in devices_of(history)), *((person, FROM) for person in people_of(history))]
    statement = Statement(type="unlink", purpose=EVERY_PURPOSE, channel=EVERY_CHANNEL, at_us=transaction.now_us)
    n = 0
    for other, side in ends:
        if _is_living(transaction, other):
            transaction.append_person(other, statement, {**envelope, "type": "unlink", side: number(subject)})
            n += 1
    return n


def linked_with(transaction: Transaction, subject: int) -> set[int]:
    """Everybody that somebody is, or ever was, linked with, on either side."""
    said = (entry.payload.get(side) for entry in transaction.history(subject) for side in _SIDES)
    return {int(word, 16) for word in said if isinstance(word, str)}


def forget_numbers(transaction: Transaction, gone: Collection[int], others: Iterable[int]) -> int:
    """Take the numbers of those who are destroyed out of the entries of others, as far as these live.

    The numbers are in encrypted envelopes alone, to which no leaf commits: the audit finds what it found before.
    Returns how many entries there were.
    """
    numbers = {number(subject) for subject in gone}
    n = 0
    for other in sorted(set(others).difference(gone)):
        if not numbers or not _is_living(transaction, other):
            continue
        for entry in list(transaction.history(other)):
            named = {side: None for side in _SIDES if entry.payload.get(side) in numbers}
            if named:
                transaction.restate(entry, {**entry.payload, **named})
                n += 1
    return n


def _is_living(transaction: Transaction, subject: int) -> bool:
    return any(True for _ in transaction.sealed.select("subject_key", "subject = ?", (subject,)))


def _say(transaction: Transaction, speak: Speak, ends: tuple[int, int], type_: str, at_us: int) -> None:
    """Both sides of it, the device's and the person's, each under the law that its own entries were recorded under."""
    device, person = ends
    for who, more in ((device, {TO: number(person)}), (person, {FROM: number(device)})):
        law = recorded_law(transaction.history(who), read_regimes(transaction).texts)
        said = Saying(type=type_, purpose=EVERY_PURPOSE, at_us=at_us, more=more)
        speak(who, replace(said, regimes=law.regimes, jurisdiction=law.jurisdiction))


def _reach(transaction: Transaction, speak: Speak, device: int, person: int, *, at_us: int) -> int:
    """Say to the person what the device asked for: under the law it was heard under, and that of their own entries.

    What it takes back was given under the latter, which may let more follow from it than imp.toml's.
    """
    known = read_regimes(transaction).texts
    history = transaction.history(person)
    agreed_us = max((entry.statement.at_us for entry in history if entry.statement.informed), default=0)
    held = {
        _string_of(entry)
        for entry in history
        if entry.statement.at_us >= agreed_us or entry.payload.get(LINKED_FROM) == number(device)
    }
    n = 0
    for entry in list(transaction.history(device)):
        string = _string_of(entry)
        if entry.statement.type != "signal" or not string[1] or string in held:
            continue
        said = entry.statement
        more = {name: entry.payload.get(name) for name in ("signal", "string", "heard_on")}
        law = recorded_law([entry, *history], known)
        speak(
            person,
            Saying(
                type="signal",
                purpose=said.purpose,
                channel=said.channel,
                at_us=max(said.at_us, at_us),
                regimes=law.regimes,
                jurisdiction=law.jurisdiction,
                more={**more, LINKED_FROM: number(device)},
            ),
        )
        held.add(string)
        n += 1
    return n


def _string_of(entry: PersonEntry) -> tuple[str, tuple[str, ...]]:
    """A signal's string and what it asserts; nothing where it has none."""
    string = entry.payload.get("string")
    if not isinstance(string, Mapping):
        return "", ()
    asserts = string.get("asserts")
    return str(string.get("raw")), tuple(str(one) for one in asserts) if isinstance(asserts, list | tuple) else ()
