"""Signals become entries, once: the same bounce read twice, from a folder that grew, says nothing new.

Whatever a signal is, it only takes away: a withdrawal, or an entry of type `signal`. One of a device reaches the people
it is linked to at once; nothing that permits ever travels so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, NoReturn

from imp_consent.identity.visible import check_visible
from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry, Statement
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.suppression import is_suppressed
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.intake.heard import Heard
from imp_consent.plane.linked import LINKED_FROM, number, people_of
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import is_withdrawn
from imp_core.errors import LedgerBroken
from imp_core.event import RawId, SignalKind
from imp_core.ports import Json

__all__ = ["Speak", "Voice", "append_signals", "check_nameable", "deaf", "living", "new_signals", "saying_of"]

# Appends one entry of a subject, or of an identifier that nobody was known by; the door's `append`.
Speak = Callable[[int | RawId, Saying], object]
# Opens the door in a transaction.
Voice = Callable[[Transaction], Speak]
_WITHDRAW: Final = "withdraw"


class _Said(NamedTuple):
    statement: Statement
    kind: Json = None
    raw: Json = None
    linked_from: Json = None


def deaf(_: Transaction) -> NoReturn:
    """The voice of an intake that hears no signals: they were written before, or cannot come."""
    raise LedgerBroken("signals where none can come", where="intake")


def new_signals(reader: Reader, heard: Iterable[Heard], *, linked_from: int | None = None) -> list[Heard]:
    """Those of people who still live which would change something, taken one after the other.

    `linked_from` is the device along whose links they came.
    """
    known: dict[int | RawId, list[_Said]] = {}
    new: list[Heard] = []
    for signal in heard:
        who = living(reader, signal.who)
        if who is None:
            continue
        if who not in known:
            history = reader.history(who) if isinstance(who, int) else []
            known[who] = [_said(entry) for entry in history]
        one = _as_said(signal, linked_from)
        if not _held(known[who], one):
            known[who].append(one)
            new.append(replace(signal, who=who))
    return new


def check_nameable(reader: Reader, heard: Iterable[Heard]) -> None:
    """Expect that whoever would be known from now on can be: told of while it is one row's fault and holds up no other.

    Raises:
        BadInput: an identifier that nobody is known by holds what nobody sees.
        LedgerBroken: a person's key was changed by other hands.
    """
    for signal in heard:
        who = living(reader, signal.who)
        if isinstance(who, RawId):
            check_visible(who)


def append_signals(transaction: Transaction, new: Sequence[Heard], voice: Voice) -> None:
    """Append the entry of each, and of those that travel one for everybody their device is linked to."""
    if not new:
        return
    speak = voice(transaction)
    for signal in new:
        speak(signal.who, saying_of(signal))
        if signal.effect.asserts:
            _travel(transaction, signal, speak)


def _travel(transaction: Transaction, signal: Heard, speak: Speak) -> None:
    device = living(transaction, signal.who)
    if not isinstance(device, int):
        return
    reached = [replace(signal, who=person) for person in people_of(transaction.history(device))]
    for further in new_signals(transaction, reached, linked_from=device):
        speak(further.who, saying_of(further, linked_from=device))


def saying_of(signal: Heard, *, linked_from: int | None = None) -> Saying:
    """What is written of a signal: its string, who decoded it and how, where it was heard, the device it came from.

    Its traits are None where the regimes in force say what it closes. A string holds on every channel: what is not to
    be sold is not to be sold anywhere.
    """
    decoded = signal.effect.decoded
    more: dict[str, Json] = {"signal": str(signal.effect.kind)}
    if decoded is not None:
        more |= {"string": decoded.plain(), "heard_on": signal.channel}
    if linked_from is not None:
        more[LINKED_FROM] = number(linked_from)
    return Saying(
        type=signal.effect.type,
        purpose=signal.effect.purpose,
        channel=_channel(signal),
        at_us=signal.event_us,
        traits=signal.effect.traits,
        steps=1 if signal.effect.type == _WITHDRAW else None,
        more=more,
    )


def living(reader: Reader, who: int | RawId) -> int | RawId | None:
    """A living subject, or an identifier nobody is known by and nobody was erased under; None for the erased.

    Raises:
        LedgerBroken: a person's key was changed by other hands.
    """
    if isinstance(who, RawId):
        subject = reader.find_subject(who)
        if subject is None:
            return None if is_suppressed(reader.sealed, reader.keyring, who) else who
        who = subject
    try:
        reader.subjects.secrets(who)
    except LedgerBroken:
        if any(True for _ in reader.sealed.select("subject_key", "subject = ?", (who,))):
            raise
        return None
    return who


def _said(entry: PersonEntry) -> _Said:
    string = entry.payload.get("string")
    raw = string.get("raw") if isinstance(string, dict) else None
    return _Said(entry.statement, entry.payload.get("signal"), raw, entry.payload.get(LINKED_FROM))


def _channel(signal: Heard) -> str:
    return signal.channel if signal.effect.decoded is None else EVERY_CHANNEL


def _as_said(signal: Heard, linked_from: int | None) -> _Said:
    effect = signal.effect
    statement = Statement(type=effect.type, purpose=effect.purpose, channel=_channel(signal), at_us=signal.event_us)
    raw = None if effect.decoded is None else effect.decoded.plain()["raw"]
    return _Said(statement, str(effect.kind), raw, None if linked_from is None else number(linked_from))


def _held(said: Sequence[_Said], new: _Said) -> bool:
    if new.statement.type == _WITHDRAW:
        return is_withdrawn((one.statement for one in said), new.statement)
    return _heard_before(said, new)


def _heard_before(said: Sequence[_Said], new: _Said) -> bool:
    """Whether the same was heard by then. Browsers say it with every request: once is enough, and holds.

    An address that bounced and was agreed to again, in the know, may bounce anew; and another of a person's devices
    may ask anew for what they agreed to in the know of the first one.
    """
    at_us = new.statement.at_us
    same = [
        one
        for one in said
        if one.statement.type == new.statement.type
        and (one.kind, one.raw) == (new.kind, new.raw)
        and (one.statement.purpose, one.statement.channel) == (new.statement.purpose, new.statement.channel)
        and one.statement.at_us <= at_us
    ]
    elsewhere = new.linked_from is not None and all(one.linked_from != new.linked_from for one in same)
    if not same or not (elsewhere or new.kind == SignalKind.BOUNCE):
        return bool(same)
    again = (one.statement.at_us for one in said if one.statement.informed and one.statement.at_us <= at_us)
    last_us = max(one.statement.at_us for one in same)
    return last_us >= max(again, default=last_us)
