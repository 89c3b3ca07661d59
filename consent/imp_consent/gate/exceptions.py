"""Channels on which a person's word is another than everywhere else."""

from __future__ import annotations

from collections import defaultdict

from imp_consent.gate.answer import Answer
from imp_consent.gate.material import known_cuts
from imp_consent.gate.state_rows import timeline_of
from imp_consent.ledger.entry import EVERY_CHANNEL
from imp_consent.ledger.reader import Reader
from imp_consent.policy.decide import Reason, decision
from imp_consent.policy.project import TABLE
from imp_core.gate import Decision

__all__ = ["denied_channels", "denied_on_channels", "permitted_channels"]

_ALL = "subject = ? AND purpose = ? AND from_seq <= ? AND to_seq > ?"


def denied_channels(
    reader: Reader, subject: int, purpose: str, *, at_us: int, known_at: int | None = None
) -> dict[str, str]:
    """The channels on which a purpose is denied at an event time, with the reason, while it is permitted without one.

    Empty where it is not permitted without a channel: then no channel is an exception.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    denied = denied_on_channels(reader, subject, purpose, at_us=at_us, known_at=known_at)
    return {channel: found.reason for channel, found in denied.items()}


def denied_on_channels(
    reader: Reader, subject: int, purpose: str, *, at_us: int, known_at: int | None = None
) -> dict[str, Decision]:
    """The same, with the decisions and the entries that made them.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    found = _on_channels(reader, subject, purpose, at_us=at_us, known_at=known_at)
    everywhere = found.pop(EVERY_CHANNEL, None)
    if everywhere is None or not everywhere.permitted:
        return {}
    return {channel: one for channel, one in found.items() if not one.permitted}


def permitted_channels(
    reader: Reader, subject: int, purpose: str, *, at_us: int, known_at: int | None = None
) -> tuple[str, ...]:
    """The channels on which a purpose is permitted at an event time, while it is not without one.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    found = _on_channels(reader, subject, purpose, at_us=at_us, known_at=known_at)
    everywhere = found.pop(EVERY_CHANNEL, None)
    if everywhere is not None and everywhere.permitted:
        return ()
    return tuple(channel for channel, one in found.items() if one.permitted)


def _on_channels(
    reader: Reader, subject: int, purpose: str, *, at_us: int, known_at: int | None
) -> dict[str, Decision]:
    """What holds on each channel of which something was said about a purpose; without one by ""."""
    size = reader.size if known_at is None else known_at
    rows: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for row in reader.sealed.select(TABLE, _ALL, (subject, purpose, size, size)):
        rows[str(row[2])].append(row)
    cuts = known_cuts(reader, purpose, size=size)
    found = {channel: Answer(timeline_of(rows[channel], purpose, channel, cuts)).at(at_us) for channel in sorted(rows)}
    return {
        channel: decision(Reason.NO_RECORD) if held is None else decision(held.reason, held.entries)
        for channel, held in found.items()
    }
