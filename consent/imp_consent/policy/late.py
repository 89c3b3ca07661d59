"""Late denials: uses that were permitted by what was known then, and would not be by what is known now.

A withdrawal (or refusal, objection, …) that is recorded after a use, of an event time before what the use read, does
not make that use unlawful in hindsight, but flags it for review (GDPR 5(2), 7(1); our reading). A late *grant* flags
nothing and legitimises nothing. Which people a use met only the archive knows: so a use is flagged for everybody who
may have been in it, whose gate was open for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from imp_consent.ledger.layout import FOREVER_SEQ
from imp_consent.policy.state import Rectangle
from imp_core.gate import NO_RECORD

__all__ = ["Flag", "Made", "Uses", "flags"]

_NOBODY: Final = -1


class Made(NamedTuple):
    """A use as it was made: its entry, the ledger size it knew, and the event times [from_us, to_us) it read."""

    seq: int
    known: int
    from_us: int
    to_us: int


class Flag(NamedTuple):
    """A use that would not be permitted now: its entry, why, and the entry that denies (-1: none does any more)."""

    use: int
    reason: str
    by: int


class _Piece(NamedTuple):
    from_us: int
    to_us: int
    reason: str
    by: int


class Uses:
    """Uses of one purpose on one channel, in the order of what they knew, for many people's `flags`."""

    def __init__(self, made: Iterable[Made]) -> None:
        self.ordered: list[Made] = sorted(made, key=lambda use: (use.known, use.seq))
        self.known: list[int] = [use.known for use in self.ordered]
        self.latest: list[int] = list(accumulate((use.to_us for use in self.ordered), max))

    def between(self, from_seq: int, to_seq: int, *, after_us: int) -> Iterator[Made]:
        """Those that knew a size in [from_seq, to_seq) and read event times after `after_us`, newest first."""
        first, index = bisect_left(self.known, from_seq), bisect_left(self.known, to_seq) - 1
        while index >= first and self.latest[index] > after_us:
            if self.ordered[index].to_us > after_us:
                yield self.ordered[index]
            index -= 1


def flags(own: Sequence[Rectangle], general: Sequence[Rectangle], uses: Uses) -> Iterator[Flag]:
    """The flags of one subject's rectangles: those of the use's own channel, and those without a channel."""
    rectangles = [*own, *general]
    edges = sorted({r.from_seq for r in rectangles} | {r.to_seq for r in rectangles if r.to_seq != FOREVER_SEQ})
    if len(edges) < 2:  # noqa: PLR2004 (nothing was ever learned about this person that changed an answer)
        return
    now = _at(own, general, edges[-1])
    for known, next_known in pairwise(edges):
        gone = [piece for then in _at(own, general, known) if then.permit for piece in _denied(then, now)]
        if gone:
            earliest = min(piece.from_us for piece in gone)
            for use in uses.between(known, next_known, after_us=earliest):
                met = [piece for piece in gone if piece.from_us < use.to_us and use.from_us < piece.to_us]
                if met:
                    yield Flag(use.seq, met[-1].reason, met[-1].by)


def _at(own: Sequence[Rectangle], general: Sequence[Rectangle], known: int) -> list[Rectangle]:
    """What decides at one knowledge, by event time: the channel's own rectangles once there are any."""
    mine = own if any(rectangle.from_seq <= known for rectangle in own) else general
    return sorted(r for r in mine if r.from_seq <= known < r.to_seq)


def _denied(then: Rectangle, now: Sequence[Rectangle]) -> Iterator[_Piece]:
    """The pieces of a permission that are denied now, with what denies them."""
    reached = then.from_us
    for rectangle in now:
        begins, ends = max(rectangle.from_us, then.from_us), min(rectangle.to_us, then.to_us)
        if begins >= ends:
            continue
        if reached < begins:
            yield _Piece(reached, begins, NO_RECORD, _NOBODY)
        if not rectangle.permit:
            yield _Piece(begins, ends, rectangle.reason, rectangle.entries[-1] if rectangle.entries else _NOBODY)
        reached = ends
    if reached < then.to_us:
        yield _Piece(reached, then.to_us, NO_RECORD, _NOBODY)
