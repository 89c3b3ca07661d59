"""Where one person's data went: the uses that it passed the gate for, whom it was disclosed to, where it came from."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.reader import Reader
from imp_consent.rights.own_messages import OwnMessage
from imp_core.clock import format_time
from imp_core.gate import Action, Gate, Use
from imp_core.ports import SystemEntry

__all__ = ["OwnUse", "Recipient", "own_sources", "own_uses", "recipients_of"]

_NAMED_BY: Final = {
    True: "the notice that you were shown names it",
    False: "the notice on what we do with it names it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnUse:
    """A use that this person's events passed the gate for: entry, time, purpose, what was done, and how many events.

    `ended` is "closed" with a result, "abandoned" without one, or "open". Who of those let through was left out again
    as half a unit is not known here: the number is the most that can have been used.
    """

    entry: int
    at: str
    purpose: str
    channel: str | None
    action: str
    events: int
    ended: str
    recipient: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody who had to do with this person's data. `kind`: "channel" for one that IMP tells itself, else "named".

    `because` are reasons in words, `entries` the log's numbers that say so, `contact` how to reach them where it is
    known.
    """

    name: str
    kind: str
    because: tuple[str, ...]
    entries: tuple[int, ...]
    contact: str | None = None


def own_uses(
    reader: Reader, gate: Gate, subject: int, events: Sequence[Mapping[str, Any]], *, collected: Mapping[int, int]
) -> tuple[OwnUse, ...]:
    """The uses of the archive in which this person's events could be read, oldest first.

    `events` are the person's rows of the archive, `collected` the entry that made each batch: the gate is asked for
    each row as the view asks it, at the event's time as known at intake and at the use's as known then.

    Raises:
        LedgerBroken: an entry of the log has no known form.
    """
    ends = {_whole(entry.fields.get("use")): entry for entry in reader.system_entries("use-close")}
    passing: dict[tuple[str, str | None], list[int]] = {}
    found: list[OwnUse] = []
    for entry in reader.system_entries("use-open"):
        purpose, channel = str(entry.fields.get("purpose")), _text(entry.fields.get("channel"))
        use = Use(purpose=purpose, action=Action.ANALYSE, subject=subject, channel=channel)
        if not gate.decide(use, at_us=entry.at_us, known_at=_whole(entry.fields.get("n"))).permitted:
            continue
        if (purpose, channel) not in passing:
            passing[purpose, channel] = _passing(gate, use, events, collected)
        if n := bisect_left(passing[purpose, channel], entry.seq):
            found.append(_use(entry, ends.get(entry.seq), purpose, channel, events=n))
    return tuple(found)


def recipients_of(
    history: Sequence[PersonEntry],
    messages: Sequence[OwnMessage],
    uses: Sequence[OwnUse],
    events: Iterable[tuple[str, int]] = (),
    *,
    named: Iterable[Recipient] = (),
    meant: Callable[[PersonEntry, str], bool] = lambda _entry, _name: True,
) -> tuple[Recipient, ...]:
    """Whom this person's data was or may have been disclosed to, by name (GDPR 15(1)(c), 19).

    Channels that messages were handed to, `events` as (channel, entry) that data came in by, recipients that uses and
    the person's own entries (the notices they were shown) name, and those `named` otherwise. `meant` says whether an
    entry's recipient is one for what the entry is about.
    """
    said = [
        *(_channel(message.channel, "a message to you was handed to it", message.entry) for message in messages),
        *(_channel(channel, "what you did there was taken in from it", entry) for channel, entry in events),
        *(_named(use.recipient, f"a use for {use.purpose} names it", use.entry) for use in uses if use.recipient),
        *(
            _named(name, _NAMED_BY[own.statement.notice is not None], own.seq)
            for own in history
            for name in _names(own.payload.get("recipients"))
            if meant(own, name)
        ),
        *named,
    ]
    found: dict[str, Recipient] = {}
    for one in said:
        found[one.name] = _joined(found.get(one.name, one), one)
    return tuple(found[name] for name in sorted(found))


def own_sources(reader: Reader, batches: Iterable[int]) -> dict[int, SystemEntry]:
    """The entry that took in each of these batches: it says by which channel and when."""
    wanted = set(batches)
    found = {_whole(entry.fields.get("batch")): entry for entry in reader.system_entries("collect")}
    return {batch: found[batch] for batch in sorted(wanted) if batch in found}


def _channel(name: str, because: str, entry: int) -> Recipient:
    return Recipient(name=name, kind="channel", because=(because,), entries=(entry,))


def _named(name: str, because: str, entry: int) -> Recipient:
    return Recipient(name=name, kind="named", because=(because,), entries=(entry,))


def _joined(one: Recipient, other: Recipient) -> Recipient:
    return replace(
        one,
        kind="channel" if "channel" in (one.kind, other.kind) else one.kind,
        because=tuple(dict.fromkeys([*one.because, *other.because])),
        entries=tuple(sorted({*one.entries, *other.entries})),
        contact=one.contact or other.contact,
    )


def _passing(gate: Gate, use: Use, events: Sequence[Mapping[str, Any]], collected: Mapping[int, int]) -> list[int]:
    """Of the events that pass for their own time, the entries that took them in, in order."""
    known: dict[tuple[int, int], bool] = {}
    found: list[int] = []
    for row in events:
        batch: int = row.get("batch", 0)  # batches count from 1
        if batch not in collected:
            continue  # it waits in the inbox: nothing reads it there
        key = (row["event_us"], row["intake_seq"])
        if key not in known:
            known[key] = gate.decide(use, at_us=key[0], known_at=key[1]).permitted
        if known[key]:
            found.append(collected[batch])
    return sorted(found)


def _use(entry: SystemEntry, end: SystemEntry | None, purpose: str, channel: str | None, *, events: int) -> OwnUse:
    ended = "open" if end is None else "abandoned" if end.fields.get("abandoned") else "closed"
    return OwnUse(
        entry=entry.seq,
        at=format_time(entry.at_us),
        purpose=purpose,
        channel=channel,
        action=str(entry.fields.get("action")),
        events=events,
        ended=ended,
        recipient=_text(entry.fields.get("recipient")),
    )


def _names(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list | tuple) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: object) -> int:
    return value if isinstance(value, int) else -1
