"""The gate for intake's chunks: many rows, each decided at its event time and now."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from imp_consent.gate.state_rows import MANY, integer, timeline_of
from imp_consent.ledger.entry import EVERY_CHANNEL
from imp_consent.ledger.reader import Reader
from imp_consent.policy.decide import PERMITTING, Reason, stricter
from imp_consent.policy.project import TABLE
from imp_consent.policy.state import Segment

__all__ = ["Decisions", "Memory", "decide_many"]

_SUBJECTS: Final = 10_000  # subjects asked for at once
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
    wanted = {subject for subject in subjects if subject is not None}
    answers = memory.answers(reader, wanted, purpose=purpose, channel=channel or EVERY_CHANNEL)
    permitted: list[bool] = []
    reasons: list[str] = []
    basis: list[int | None] = []
    for subject, at_us in zip(subjects, event_us, strict=True):
        answer = answers.get(subject) if subject is not None else None
        if answer is None:
            reason, seq = str(Reason.NO_RECORD), None
        else:
            reason, seq = answer.at(at_us)
        permitted.append(reason in PERMITTING)
        reasons.append(reason)
        basis.append(seq)
    return Decisions(permitted=permitted, reasons=reasons, basis=basis)


class _Answer:
    """One subject's answers at one knowledge: what holds now, and what held at an event time."""

    __slots__ = ("_now", "_segments", "_starts")

    def __init__(self, segments: list[Segment], now_us: int) -> None:
        self._segments = sorted(segments)
        self._starts = [segment.from_us for segment in self._segments]
        self._now = self._held(now_us)[0]

    def at(self, at_us: int) -> tuple[str, int | None]:
        """The stricter reason of then and now, and the entry that decided then."""
        reason, seq = self._held(at_us)
        return (reason if reason == self._now else stricter(reason, self._now)), seq

    def _held(self, at_us: int) -> tuple[str, int | None]:
        index = bisect_right(self._starts, at_us) - 1
        if index < 0 or at_us >= self._segments[index].to_us:
            return str(Reason.NO_RECORD), None
        return self._segments[index].reason, self._segments[index].entries[0]


class Memory:
    """What the gate answers at one ledger size and one present, kept for one source's chunks after one another.

    Past knowledge does not change, so an answer stays right, but for an erasure, which destroys it: whoever keeps
    answers for longer than one snapshot asks again before acting on them, as intake does.
    """

    __slots__ = ("_found", "_now_us", "_size")

    def __init__(self, *, size: int, now_us: int) -> None:
        self._size = size
        self._now_us = now_us
        self._found: dict[tuple[str, str], dict[int, _Answer | None]] = defaultdict(dict)

    def answers(
        self, reader: Reader, subjects: Set[int], *, purpose: str, channel: str
    ) -> Mapping[int, _Answer | None]:
        """The answers about (at least) these subjects; None or nothing is no record."""
        found = self._found[purpose, channel]
        missing = sorted(subjects - found.keys())
        if len(found) + len(missing) > _REMEMBERED:
            found.clear()
            missing = sorted(subjects)
        found.update(dict.fromkeys(missing))
        found.update(_answers(reader, missing, purpose=purpose, channel=channel, size=self._size, now_us=self._now_us))
        return found


def _answers(
    reader: Reader, subjects: list[int], *, purpose: str, channel: str, size: int, now_us: int
) -> Iterator[tuple[int, _Answer]]:
    for start in range(0, len(subjects), _SUBJECTS):
        chunk = json.dumps(subjects[start : start + _SUBJECTS])
        rows: dict[int, list[tuple[object, ...]]] = defaultdict(list)
        for row in reader.sealed.select(TABLE, MANY, (chunk, purpose, channel, size, size)):
            rows[integer(row[0])].append(row)
        for subject, found in rows.items():
            yield subject, _Answer(timeline_of(found), now_us)
