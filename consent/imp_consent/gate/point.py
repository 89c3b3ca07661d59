"""The gate in point form: one use of one person's data."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence

from imp_consent.gate.state_rows import ONE, timeline_of
from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry
from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.policy.decide import Reason, decision
from imp_consent.policy.project import TABLE
from imp_consent.policy.purpose import read_purposes
from imp_core.errors import ImpError, LedgerBroken
from imp_core.event import RawId
from imp_core.gate import Decision, Use

__all__ = ["ConsentGate", "decide_in", "known_at"]

_logger = logging.getLogger(__name__)


class ConsentGate:
    """The gate in point form. Whatever goes wrong inside, the answer is a denial, `ledger_unavailable`."""

    def __init__(self, open_log: Callable[[], Log]) -> None:
        self._open_log = open_log

    def decide(self, use: Use, *, at_us: int, known_at: int | None = None) -> Decision:
        """Decide one use of one subject at event time `at_us`, as known at ledger size `known_at` (None: now)."""
        try:
            with self._open_log().read() as reader:
                return decide_in(reader, use, at_us=at_us, known_at=known_at)
        except Exception as error:  # noqa: BLE001 (default deny: no breakage may open the gate or look like an answer)
            # Only our own errors' words are known to hold nobody's data.
            _logger.warning("the gate is closed: %s", error if isinstance(error, ImpError) else type(error).__name__)
            return decision(Reason.LEDGER_UNAVAILABLE)

    def resolve(self, raw_id: RawId) -> int | None:
        """The subject behind an identifier, or None; looks up and never creates.

        Raises:
            BadInput: the identifier's kind is unknown or its value is malformed.
            LedgerBroken: the ledger cannot be read.
        """
        try:
            with self._open_log().read() as reader:
                return reader.find_subject(raw_id)
        except sqlite3.Error as error:
            raise LedgerBroken(f"the database cannot be read: {type(error).__name__}", where="ledger") from None

    def knows(self, purpose: str) -> bool:
        """Whether the purpose is one of the workspace's.

        Raises:
            LedgerBroken: the purposes cannot be read.
        """
        with self._open_log().read() as reader:
            return purpose in read_purposes(reader)


def decide_in(reader: Reader, use: Use, *, at_us: int, known_at: int | None = None) -> Decision:
    """The point form inside a snapshot or transaction.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    if use.subject is None:
        return decision(Reason.NO_RECORD)
    size = reader.size if known_at is None else known_at
    channel = use.channel or EVERY_CHANNEL
    rows = reader.sealed.select(TABLE, ONE, (use.subject, use.purpose, channel, size, size))
    for segment in timeline_of(rows):
        if segment.from_us <= at_us < segment.to_us:
            return decision(segment.reason, segment.entries)
    return decision(Reason.NO_RECORD)


def known_at(history: Sequence[PersonEntry], time_us: int) -> int:
    """The ledger size at which a subject's entries recorded up to a time, and no later ones, are known."""
    known = 0
    for entry in history:
        recorded = entry.payload.get("recorded_us")
        if isinstance(recorded, int) and recorded <= time_us:
            known = max(known, entry.seq + 1)
    return known
