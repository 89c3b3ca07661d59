"""The gate for intake's chunks: many rows, each decided at its event time and now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final

from imp_consent.gate.answer import Answer, read_answers, read_others
from imp_consent.ledger.entry import EVERY_CHANNEL
from imp_consent.ledger.reader import Reader
from imp_consent.policy.decide import PERMITTING, Reason, stricter

__all__ = ["Decisions", "Memory", "decide_many"]

_REMEMBERED: Final = 100_000  # subjects whose answers are kept, for each purpose and channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Answers row by row: permitted or not, the reason, and the entry that decided for the event time (None: none)."""

    permitted: list[bool]
    reasons: list[str]
    basis: list[int | None]


def decide_many(
    reader: Reader,
    subjects: Sequence[int | None],
    event_us: Sequence[int],
    *,
    purpose: str,
    channel: str | None,
    now_us: int,
    size: int | None = None,
    memory: Memory | None = None,
) -> Decisions:
    """Decide for every row twice, at its event time and now, as known at ledger size `size` (None: the reader's).

    A row's reason is the stricter of its two; subject None is nobody known. With a `memory`, whose size and present
    hold instead, nobody is looked up twice for one purpose and channel.

    Raises:
        LedgerBroken: a rectangle was changed by other hands; nothing is decided then.
    """
    memory = memory or Memory(size=reader.size if size is None else size, now_us=now_us)
    asked = [(s, at_us) for s, at_us in zip(subjects, event_us, strict=True) if s is not None]
    answers = memory.answers(reader, asked, purpose=purpose, channel=channel or EVERY_CHANNEL)
    permitted: list[bool] = []
    reasons: list[str] = []
    basis: list[int | None] = []
    for subject, at_us in zip(subjects, event_us, strict=True):
        if subject is None:
            reason, seq = str(Reason.NO_RECORD), None
        else:
            reason, seq = answers[subject].at(at_us)
        permitted.append(reason in PERMITTING)
        reasons.append(reason)
        basis.append(seq)
    return Decisions(permitted=permitted, reasons=reasons, basis=basis)


class _Twice:
    """One subject's answer, and the reason of it now."""

    __slots__ = ("_now", "_now_us", "answer")

    def __init__(self, answer: Answer, now_us: int) -> None:
        self.answer = answer
        self._now_us = now_us
        self._now = answer.reason_at(now_us)

    def is_open_at(self, at_us: int) -> bool:
        """Whether nothing answers, now or then, and nobody looked up what else they permit."""
        unknown = self.answer.others is None
        return unknown and (self._now == Reason.NO_RECORD or self.answer.at(at_us) is None)

    def permits_otherwise(self, others: Sequence[tuple[int, int]]) -> None:
        """Take in for which event times another purpose is permitted."""
        self.answer.others = others
        self._now = self.answer.reason_at(self._now_us)

    def at(self, at_us: int) -> tuple[str, int | None]:
        """The stricter reason of then and now, and the entry that decided then."""
        segment = self.answer.at(at_us)
        reason = self.answer.reason_at(at_us) if segment is None else segment.reason
        seq = None if segment is None else segment.entries[0]
        return (reason if reason == self._now else stricter(reason, self._now)), seq


class Memory:
    """What the gate answers at one ledger size and one present, kept for one source's chunks after one another.

    Past knowledge does not change, so an answer stays right, but for an erasure, which destroys it: whoever keeps
    answers for longer than one snapshot asks again before acting on them, as intake does.
    """

    __slots__ = ("_found", "_now_us", "_size")

    def __init__(self, *, size: int, now_us: int) -> None:
        self._size = size
        self._now_us = now_us
        self._found: dict[tuple[str, str], dict[int, _Twice]] = defaultdict(dict)

    def answers(
        self, reader: Reader, asked: Sequence[tuple[int, int]], *, purpose: str, channel: str
    ) -> dict[int, _Twice]:
        """The answers about (at least) these subjects, who are asked about at these event times."""
        found = self._found[purpose, channel]
        subjects: Set[int] = {subject for subject, _ in asked}
        missing = sorted(subjects - found.keys())
        if len(found) + len(missing) > _REMEMBERED:
            found.clear()
            missing = sorted(subjects)
        read = dict(read_answers(reader, missing, purpose, channel, size=self._size))
        for subject in missing:
            found[subject] = _Twice(read.get(subject) or Answer(()), self._now_us)
        unanswered = {subject for subject, at_us in asked if found[subject].is_open_at(at_us)}
        others = read_others(reader, unanswered, purpose, size=self._size)
        for subject in unanswered:
            found[subject].permits_otherwise(others.get(subject, ()))
        return found
