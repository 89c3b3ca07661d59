"""Channels that a person's word leaves out although it holds everywhere else."""

from __future__ import annotations

from collections import defaultdict

from imp_consent.gate.answer import Answer
from imp_consent.gate.material import known_cuts
from imp_consent.gate.state_rows import timeline_of
from imp_consent.ledger.entry import EVERY_CHANNEL
from imp_consent.ledger.reader import Reader
from imp_consent.policy.decide import PERMITTING, Reason
from imp_consent.policy.project import TABLE

__all__ = ["denied_channels"]

_ALL = "subject = ? AND purpose = ? AND from_seq <= ? AND to_seq > ?"


def denied_channels(
    reader: Reader, subject: int, purpose: str, *, at_us: int, known_at: int | None = None
) -> dict[str, str]:
    """The channels on which a purpose is denied at an event time, with the reason, while it is permitted without one.

    Empty where it is not permitted without a channel: then no channel is an exception.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    size = reader.size if known_at is None else known_at
    rows: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for row in reader.sealed.select(TABLE, _ALL, (subject, purpose, size, size)):
        rows[str(row[2])].append(row)
    cuts = known_cuts(reader, purpose, size=size)
    found = {channel: Answer(timeline_of(rows[channel], purpose, channel, cuts)).at(at_us) for channel in sorted(rows)}
    everywhere = found.get(EVERY_CHANNEL)
    if everywhere is None or not everywhere.permit:
        return {}
    reasons = {channel: Reason.NO_RECORD if held is None else held.reason for channel, held in found.items()}
    return {channel: str(reason) for channel, reason in reasons.items() if reason not in PERMITTING}
