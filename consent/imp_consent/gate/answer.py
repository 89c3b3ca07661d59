"""What the gate answers about one subject's purpose and channel at one knowledge, for any event time."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from imp_consent.gate.material import known_cuts
from imp_consent.gate.state_rows import OTHERS, integer, state_of, timeline_of
from imp_consent.ledger.reader import Reader
from imp_consent.policy.decide import Reason, decision
from imp_consent.policy.project import TABLE
from imp_consent.policy.scope import lineage
from imp_consent.policy.state import Segment
from imp_core.gate import Decision

__all__ = ["Answer", "read_answer", "read_answers", "read_others"]

_SUBJECTS: Final = 10_000  # subjects asked for at once


class Answer:
    """A subject's timeline; `others` are the event times at which they permit another purpose, None: not looked up."""

    __slots__ = ("_decisions", "_segments", "_starts", "others")

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self._starts = [segment.from_us for segment in segments]
        self._decisions: dict[int, Decision] = {}
        self.others: Sequence[tuple[int, int]] | None = None

    def at(self, at_us: int) -> Segment | None:
        """What holds at an event time; None where nothing was said that answers."""
        place = bisect_right(self._starts, at_us) - 1
        if place < 0 or at_us >= self._segments[place].to_us:
            return None
        segment = self._segments[place]
        return None if segment.reason == Reason.NO_RECORD else segment

    def reason_at(self, at_us: int) -> str:
        """The reason at an event time; where nothing answers, whether another purpose is permitted then."""
        segment = self.at(at_us)
        if segment is not None:
            return segment.reason
        covered = any(from_us <= at_us < to_us for from_us, to_us in self.others or ())
        return Reason.PURPOSE_NOT_COVERED if covered else Reason.NO_RECORD

    def decision_at(self, at_us: int) -> Decision | None:
        """The decision at an event time; None where what other purposes are permitted was not looked up, and counts."""
        place = bisect_right(self._starts, at_us) - 1
        found = self._decisions.get(place)
        if found is not None and at_us < self._segments[place].to_us:
            return found
        segment = self.at(at_us)
        if segment is None:
            return None if self.others is None else decision(self.reason_at(at_us))
        self._decisions[place] = made = decision(segment.reason, segment.entries)
        return made


def read_answer(reader: Reader, subject: int, purpose: str, channel: str, *, size: int) -> Answer:
    """The answer about one subject.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    names = lineage(purpose)
    where = state_of(len(names), many=False)
    rows = reader.sealed.select(TABLE, where, (subject, *names, channel, size, size))
    return Answer(timeline_of(rows, purpose, channel, known_cuts(reader, purpose, size=size)))


def read_answers(
    reader: Reader, subjects: Sequence[int], purpose: str, channel: str, *, size: int
) -> Iterator[tuple[int, Answer]]:
    """The answers about those of many subjects of whom something is known.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    names = lineage(purpose)
    where = state_of(len(names), many=True)
    cuts = known_cuts(reader, purpose, size=size) if subjects else ()
    for chunk in _chunks(subjects):
        rows: dict[int, list[tuple[object, ...]]] = defaultdict(list)
        for row in reader.sealed.select(TABLE, where, (chunk, *names, channel, size, size)):
            rows[integer(row[0])].append(row)
        for subject, found in rows.items():
            yield subject, Answer(timeline_of(found, purpose, channel, cuts))


def read_others(
    reader: Reader, subjects: Iterable[int], purpose: str, *, size: int
) -> dict[int, list[tuple[int, int]]]:
    """For which event times subjects permit another purpose; those who do at none are left out.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for chunk in _chunks(sorted(subjects)):
        for row in reader.sealed.select(TABLE, OTHERS, (chunk, purpose, size, size)):
            found[integer(row[0])].append((integer(row[3]), integer(row[5])))
    return found


def _chunks(subjects: Sequence[int]) -> Iterator[str]:
    for start in range(0, len(subjects), _SUBJECTS):
        yield json.dumps(subjects[start : start + _SUBJECTS])
