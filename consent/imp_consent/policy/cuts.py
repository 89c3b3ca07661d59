"""Cuts: a notice or a purpose that changed materially ends, for what changed, the consent given under older ones.

A cut is laid over a person's rectangles when they are read (GDPR 7, 13(3); PIPL 14(2)): nobody's rows are rewritten
when a notice changes. What it takes is the event times from its own on, as known once it is in the log; a yes recorded
after it is not touched. Other bases than consent rest on no notice; but where the purpose itself turned into another,
they were recorded for what it was, and end as well (GDPR 5(1)(b), 6(4)).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from imp_consent.policy.decide import Reason
from imp_consent.policy.scope import lineage
from imp_consent.policy.state import Rectangle, Segment
from imp_core.errors import LedgerBroken
from imp_core.ports import SystemEntry

__all__ = ["MATERIAL", "Cut", "cut_rectangle", "cut_segments", "cuts_in", "cuts_of", "ended_before"]

MATERIAL = "material"  # the field of a `notice` or `policy` entry that lists the purposes it changes


class Cut(NamedTuple):
    """What changed materially, from which event time on, and the seq of the entry that says so.

    With `bases` the purpose itself changed, and what rests on other bases ends too; else `notice` is the name of the
    notice that did.
    """

    purpose: str
    at_us: int
    seq: int
    bases: bool = False
    notice: str | None = None


def cuts_in(entries: Iterable[SystemEntry]) -> list[Cut]:
    """The cuts that `notice` and `policy` entries make.

    Raises:
        LedgerBroken: an entry's list of purposes is none.
    """
    found = []
    for entry in entries:
        purposes = entry.fields.get(MATERIAL, [])
        if not isinstance(purposes, list):
            raise LedgerBroken("a list of purposes that is none", where=f"entry {entry.seq}")
        bases, name = entry.type == "policy", entry.fields.get("name")
        notice = name if isinstance(name, str) and not bases else None
        found += [Cut(str(purpose), entry.at_us, entry.seq, bases, notice) for purpose in purposes]
    return found


def cuts_of(cuts: Iterable[Cut], purpose: str, *, size: int) -> tuple[Cut, ...]:
    """Those that are about a purpose, or one above it, and known at a ledger size; oldest first."""
    above = lineage(purpose)
    return tuple(sorted((cut for cut in cuts if cut.purpose in above and cut.seq < size), key=lambda cut: cut.seq))


def cut_segments(segments: Iterable[Segment], cuts: Sequence[Cut]) -> list[Segment]:
    """A timeline at one knowledge, with `cuts_of` it laid over it."""
    found: list[Segment] = []
    for segment in segments:
        first = _first(cuts, segment.reason, segment.entries)
        if first is None or first.at_us >= segment.to_us:
            found.append(segment)
            continue
        begins = max(first.at_us, segment.from_us)
        if begins > segment.from_us:
            found.append(segment._replace(to_us=begins))
        entries = (first.seq, *segment.entries)
        found.append(Segment(begins, segment.to_us, permit=False, reason=Reason.NOTICE_CHANGED, entries=entries))
    return found


def cut_rectangle(rectangle: Rectangle, cuts: Sequence[Cut]) -> Iterator[Rectangle]:
    """A rectangle in the pieces that `cuts_of` its purpose leave and take; together they cover what it covered."""
    steps = [rectangle.from_seq]
    cuts = [cut for cut in cuts if _takes(cut, rectangle.reason)]
    steps += [cut.seq + 1 for cut in cuts if rectangle.from_seq <= cut.seq < rectangle.to_seq - 1]
    for begins, ends in pairwise([*dict.fromkeys(steps), rectangle.to_seq]):
        known = [cut for cut in cuts if cut.seq < begins]
        for segment in cut_segments([rectangle.segment], known):
            yield Rectangle(segment.from_us, segment.to_us, begins, ends, *segment[2:])


def ended_before(cuts: Iterable[Cut], reason: str, *, at_us: int) -> int:
    """The seq up to which whatever was recorded on this ground is ended by then; 0 where none of the cuts takes it."""
    return max((cut.seq for cut in cuts if _takes(cut, reason) and cut.at_us <= at_us), default=0)


def _first(cuts: Sequence[Cut], reason: str, entries: Sequence[int]) -> Cut | None:
    """The cut that ends a permission first; None where it rests on what none of them changes, or came after them."""
    later = [cut for cut in cuts if _takes(cut, reason) and cut.seq > entries[0]]
    return min(later, key=lambda cut: (cut.at_us, cut.seq), default=None)


def _takes(cut: Cut, reason: str) -> bool:
    return reason == Reason.GIVEN or (cut.bases and reason == Reason.BASIS)
