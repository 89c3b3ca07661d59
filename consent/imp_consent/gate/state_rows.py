"""Rows of `consent_state` as the gate's forms read them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from imp_consent.ledger.entry import EVERY_CHANNEL
from imp_consent.policy.project import TABLE, parse_row
from imp_consent.policy.state import Segment
from imp_core.errors import LedgerBroken

__all__ = ["MANY", "ONE", "integer", "timeline_of"]

# One subject's or many subjects' rows for a use at one knowledge; parameters: subject (or a JSON list), purpose,
# channel, size, size.
ONE: Final = "subject = ? AND purpose = ? AND channel IN (?, '') AND from_seq <= ? AND to_seq > ?"
MANY: Final = ONE.replace("subject = ?", "subject IN (SELECT value FROM json_each(?))")


def timeline_of(rows: Iterable[tuple[object, ...]]) -> list[Segment]:
    """Of one subject's rows at one knowledge, those that decide, by event time: the channel's own where it has any.

    Raises:
        LedgerBroken: two of them cover one time: an old row was put back, MAC and all.
    """
    own: list[Segment] = []
    general: list[Segment] = []
    for row in rows:
        _, scope, rectangle = parse_row(row)
        (general if scope.channel == EVERY_CHANNEL else own).append(rectangle.segment)
    segments = sorted(own or general)
    for earlier, later in pairwise(segments):
        if later.from_us < earlier.to_us:
            raise LedgerBroken("two answers for one time", where=TABLE, mend="run: imp audit verify")
    return segments


def integer(value: object) -> int:
    """A column's integer.

    Raises:
        LedgerBroken: it is something else.
    """
    if not isinstance(value, int):
        raise LedgerBroken("a value of the wrong type", where=TABLE, mend="run: imp audit verify")
    return value
