"""The gate in point form: one use of one person's data."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Final

from imp_consent.gate.answer import Answer, read_answer, read_others
from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry
from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.standing import Standing
from imp_consent.policy.decide import Reason, decision
from imp_consent.policy.purpose import read_purposes
from imp_core.errors import ImpError, LedgerBroken
from imp_core.event import RawId
from imp_core.gate import Decision, Use

__all__ = ["OLDEST_S", "ConsentGate", "decide_in", "known_at"]

OLDEST_S: Final = 30.0  # seconds for which the gate trusts what it read where nothing says that it changed
_REMEMBERED: Final = 100_000  # answers kept
_logger = logging.getLogger(__name__)


class ConsentGate:
    """The gate in point form. Whatever goes wrong inside, the answer is a denial, `ledger_unavailable`.

    What it read is remembered as long as nothing was committed, but for `oldest_s` seconds at most.
    """

    def __init__(self, open_log: Callable[[], Log], *, oldest_s: float = OLDEST_S) -> None:
        self._open_log = open_log
        self._oldest_s = oldest_s
        self._answers: dict[tuple[int, str, str | None], Answer] = {}
        self._log: Log | None = None  # the one that was read: another's standing is no answer about it
        self._standing: Standing | None = None
        self._read_s = 0.0

    def decide(self, use: Use, *, at_us: int, known_at: int | None = None) -> Decision:
        """Decide one use of one subject at event time `at_us`, as known at ledger size `known_at` (None: now)."""
        try:
            log = self._open_log()
            if known_at is not None or use.subject is None:
                with log.read() as reader:
                    return decide_in(reader, use, at_us=at_us, known_at=known_at)
            return self._decide_now(log, use, use.subject, at_us)
        except Exception as error:  # noqa: BLE001 (default deny: no breakage may open the gate or look like an answer)
            # Only our own errors' words are known to hold nobody's data.
            _logger.warning("the gate is closed: %s", error if isinstance(error, ImpError) else type(error).__name__)
            self._answers.clear()
            return decision(Reason.LEDGER_UNAVAILABLE)

    def _decide_now(self, log: Log, use: Use, subject: int, at_us: int) -> Decision:
        standing, now_s = log.standing(), time.monotonic()
        same = log is self._log and standing is not None and standing == self._standing
        if not same or now_s - self._read_s >= self._oldest_s:
            self._answers.clear()
            self._log, self._standing, self._read_s = log, standing, now_s
        key = (subject, use.purpose, use.channel)
        answer = self._answers.get(key)
        found = None if answer is None else answer.decision_at(at_us)
        if found is not None:
            return found
        with log.read() as reader:
            answer = _answer(reader, use, subject, at_us, reader.size)
        if len(self._answers) >= _REMEMBERED:
            self._answers.clear()
        if standing is not None:  # else others' words of this transaction may not stay
            self._answers[key] = answer
        return answer.decision_at(at_us) or decision(Reason.NO_RECORD)

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
    answer = _answer(reader, use, use.subject, at_us, reader.size if known_at is None else known_at)
    return answer.decision_at(at_us) or decision(Reason.NO_RECORD)


def _answer(reader: Reader, use: Use, subject: int, at_us: int, size: int) -> Answer:
    answer = read_answer(reader, subject, use.purpose, use.channel or EVERY_CHANNEL, size=size)
    if answer.at(at_us) is None:
        answer.others = read_others(reader, [subject], use.purpose, size=size).get(subject, ())
    return answer


def known_at(history: Sequence[PersonEntry], time_us: int) -> int:
    """The ledger size at which a subject's entries recorded up to a time, and no later ones, are known."""
    known = 0
    for entry in history:
        recorded = entry.payload.get("recorded_us")
        if isinstance(recorded, int) and recorded <= time_us:
            known = max(known, entry.seq + 1)
    return known
