"""Channels that a person's word leaves out although it holds everywhere else."""

from __future__ import annotations

from imp_consent.ledger.entry import EVERY_CHANNEL
from imp_consent.ledger.reader import Reader
from imp_consent.policy.project import TABLE, parse_row

__all__ = ["denied_channels"]

_ALL = "subject = ? AND purpose = ? AND from_seq <= ? AND to_seq > ? AND from_us <= ? AND to_us > ?"


def denied_channels(
    reader: Reader, subject: int, purpose: str, *, at_us: int, known_at: int | None = None
) -> dict[str, str]:
    """The channels on which a purpose is denied at an event time, with the reason, while it is permitted without one.

    Empty where it is not permitted without a channel: then no channel is an exception.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    size = reader.size if known_at is None else known_at
    permitted: dict[str, bool] = {}
    reasons: dict[str, str] = {}
    for row in reader.sealed.select(TABLE, _ALL, (subject, purpose, size, size, at_us, at_us)):
        _, scope, rectangle = parse_row(row)
        permitted[scope.channel] = rectangle.permit
        reasons[scope.channel] = rectangle.reason
    if not permitted.get(EVERY_CHANNEL, False):
        return {}
    return {channel: reasons[channel] for channel in sorted(permitted) if not permitted[channel]}
