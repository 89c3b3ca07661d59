"""Consent over time by purpose: the gate's own answers, as they are known now, counted at times of the period."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Final

from imp_consent.gate.frames import rectangles
from imp_consent.ledger.reader import Reader
from imp_consent.policy.decide import STRICTNESS, Reason
from imp_consent.policy.project import TABLE
from imp_consent.policy.purpose import read_purposes
from imp_consent.report.report import ConsentByPurpose, Point
from imp_core.clock import DAY_US, format_time
from imp_core.suppress import steady

__all__ = ["consent_by_purpose", "times_between"]

_MOST_POINTS: Final = 120
_Answer = tuple[int, int, str]  # a span of event times, or of places among the times, and a reason


def times_between(begins_us: int, ends_us: int) -> list[int]:
    """Times at which the counts are taken: the begin, steps of whole days, at most 120 of them, and the end."""
    days = max(1, -(-(ends_us - begins_us) // DAY_US))
    step = -(-days // _MOST_POINTS) * DAY_US
    return [*range(begins_us, ends_us, step), ends_us]


def consent_by_purpose(
    reader: Reader, times: Sequence[int], *, k: int, period: str, since_us: int, now_us: int
) -> list[ConsentByPurpose]:
    """What each purpose's consent came to at these times; `period` are the words of a command that mean the period.

    People are counted at steps of whole days from the log's beginning, `since_us`, up to now, whatever the period is:
    each time has the count of the step before it, and none before the log began. So what may be shown at a time is the
    same in every period, and two of them tell together no more than one.

    Raises:
        LedgerBroken: a permission was changed by other hands.
    """
    grid = range(since_us, max(since_us, now_us) + 1, DAY_US)
    return [
        _of_purpose(reader, name, purpose.description, times, grid, k=k, period=period)
        for name, purpose in sorted(read_purposes(reader).items())
    ]


def _of_purpose(
    reader: Reader, purpose: str, description: str, times: Sequence[int], grid: Sequence[int], *, k: int, period: str
) -> ConsentByPurpose:
    # Each answer's count stands still until k came or went, so that no two figures tell who came between.
    shown = {reason: steady(counts, k) for reason, counts in _series(_answers(reader, purpose), grid).items()}
    given = shown.get(str(Reason.GIVEN)) or [0] * len(grid)
    steps = [bisect_right(grid, at) - 1 for at in times]
    low, high = reader.sql.execute(
        f"SELECT min(from_seq) - 1, max(from_seq) - 1 FROM {TABLE} WHERE purpose = ?",  # noqa: S608 (our own words)
        (purpose,),
    ).fetchone()
    if not any(n for counts in shown.values() for n in counts):
        low = high = None  # of few people the entries would tell how many
    return ConsentByPurpose(
        purpose=purpose,
        description=description,
        points=[
            Point(at=format_time(at), people=0 if step < 0 else given[step])
            for at, step in zip(times, steps, strict=True)
        ],
        states={reason: 0 if steps[-1] < 0 else counts[steps[-1]] for reason, counts in sorted(shown.items())},
        states_since={
            reason: format_time(grid[_moved(counts, max(steps[-1], 0))]) for reason, counts in sorted(shown.items())
        },
        moves_by=k,
        as_of_entry=reader.size - 1,
        entries="" if low is None else f"{low}-{high}",
        command=f"imp audit uses --purpose {purpose}{period}" if low is None else f"imp audit entries {low}-{high}",
    )


def _moved(counts: Sequence[int | None], step: int) -> int:
    """The step at which the count that is shown at a step became what it is."""
    while step > 0 and counts[step - 1] == counts[step]:
        step -= 1
    return step


def _answers(reader: Reader, purpose: str) -> Iterator[list[_Answer]]:
    """Of each subject, what decides for a purpose now, on every channel that anybody named."""
    found = reader.sql.execute(f"SELECT DISTINCT channel FROM {TABLE} WHERE purpose = ?", (purpose,))  # noqa: S608 (our own words)
    people: dict[int, list[_Answer]] = {}
    for (channel,) in found.fetchall():
        for batch in rectangles(reader, purpose, channel or None).to_batches():
            names = ("subject", "from_us", "to_us", "reason", "from_seq", "to_seq")
            for subject, from_us, to_us, reason, from_seq, to_seq in zip(
                *(batch.column(name).to_pylist() for name in names), strict=True
            ):
                if from_seq <= reader.size < to_seq:
                    people.setdefault(subject, []).append((from_us, to_us, reason))
    yield from people.values()


def _series(people: Iterable[Sequence[_Answer]], times: Sequence[int]) -> dict[str, list[int]]:
    """How many subjects have which answer at each time; on several channels the most open one counts."""
    moves: dict[str, list[int]] = defaultdict(lambda: [0] * (len(times) + 1))
    for answers in people:
        for first, end, reason in _most_open(
            [(bisect_left(times, a), bisect_left(times, b), r) for a, b, r in answers]
        ):
            moves[reason][first] += 1
            moves[reason][end] -= 1
    return {reason: list(accumulate(steps[:-1])) for reason, steps in moves.items()}


def _most_open(answers: Sequence[_Answer]) -> Iterator[_Answer]:
    """Half-open spans, possibly over one another, as disjoint ones with the most open reason of each."""
    edges = sorted({edge for first, end, _ in answers for edge in (first, end)})
    for first, end in pairwise(edges):
        here = [reason for a, b, reason in answers if a <= first and end <= b]
        if here:
            yield first, end, min(here, key=STRICTNESS.__getitem__)
