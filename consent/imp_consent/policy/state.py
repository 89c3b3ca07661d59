"""The fold: a subject's entries become timelines of permission, and timelines become disjoint rectangles.

A *timeline* says, for one scope (purpose, channel) at one knowledge (ledger size), what holds over event time
(`words.py` says what that is). A *rectangle* is a piece of a timeline over the knowledge for which it stays the same:
event time [from_us, to_us) × knowledge [from_seq, to_seq). Entry `s` is known at ledger size `n` iff s < n, so what it
says begins at s + 1.

A scope exists once an entry names its purpose, and a channel of its own once an entry about the purpose names it; its
timeline already holds what was said of every channel and of the purposes above. What no rectangle covers is denied: by
what denies the purposes above, as the gate reads it, else `no_record`.

`lost` says that entries of this person can no longer be read since a restore: no yes that was recorded before it holds,
at whatever event time, and none of an earlier event time that is recorded later; what was denied stays denied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from imp_consent.ledger.entry import EVERY_CHANNEL, EVERY_PURPOSE, PERSON_TYPES
from imp_consent.ledger.layout import FOREVER_SEQ, FOREVER_US
from imp_consent.policy.decide import PERMITTING, Reason
from imp_consent.policy.of_age import end_of_age
from imp_consent.policy.scope import Fact, Scope, concerns, corrected, scopes, touched
from imp_consent.policy.words import DENIALS, Lost, Verdict, Words
from imp_core.errors import LedgerBroken

__all__ = ["Fact", "Rectangle", "Scope", "Segment", "begin", "replay", "scopes", "step", "timeline", "touched"]

_PLAIN: Final = frozenset({"grant", "refuse", "withdraw"})
_ENDING: Final = frozenset({"grant", "basis", "refuse", "minor", "guardian"})  # whose end of validity changes something


class Segment(NamedTuple):
    """Event time [from_us, to_us) in which one thing holds; `entries` are the deciding seqs."""

    from_us: int
    to_us: int
    permit: bool
    reason: str
    entries: tuple[int, ...]


class Rectangle(NamedTuple):
    """Event time [from_us, to_us) × knowledge [from_seq, to_seq), in ledger sizes, in which one thing holds."""

    from_us: int
    to_us: int
    from_seq: int
    to_seq: int
    permit: bool
    reason: str
    entries: tuple[int, ...]

    @property
    def segment(self) -> Segment:
        """The rectangle without its knowledge."""
        return Segment(self.from_us, self.to_us, self.permit, self.reason, self.entries)


def timeline(facts: Sequence[Fact], scope: Scope) -> tuple[Segment, ...]:
    """What holds in a scope over event time, as far as these entries know; gaps are `no_record`.

    Raises:
        LedgerBroken: an entry of a type this version does not know: it may say no.
    """
    erased = _first_erasure(facts)
    if erased is not None:
        return (_segment(-FOREVER_US, FOREVER_US, Verdict(Reason.ERASED, (erased,))),)
    channels = (EVERY_CHANNEL, scope.channel)
    heard = [f for f in facts if f.statement.channel in channels and concerns(f.statement, scope.purpose)]
    heard.sort(key=lambda fact: (fact.statement.at_us, fact.seq))
    wrong = corrected(facts)
    return tuple(_segments(end_of_age(heard, wrong), wrong, _lost_of(heard)))


def begin(fact: Fact) -> tuple[Scope, list[Rectangle]] | None:
    """Where most people's histories end: what follows from a first entry alone, if it says something of one purpose.

    It is what `timeline` and `step` make of it, in a seventh of their time; None where it takes the two.
    """
    said, seq = fact.statement, fact.seq
    if said.type not in _PLAIN or said.purpose == EVERY_PURPOSE or said.covers or said.bundled or said.by:
        return None
    begins, ends = said.at_us, None if said.type == "withdraw" else said.until_us
    reason = Reason.GIVEN if said.type == "grant" else DENIALS[said.type]
    if said.channel != EVERY_CHANNEL and reason is not Reason.GIVEN:
        reason = Reason.CHANNEL_OPT_OUT
    segments = [_segment(begins, FOREVER_US, Verdict(reason, (seq,)))]
    if ends is not None:
        expired = _segment(max(begins, ends), FOREVER_US, Verdict(Reason.EXPIRED, (seq,)))
        segments = [segments[0]._replace(to_us=ends), expired] if ends > begins else [expired]
    rectangles = [
        Rectangle(from_us, to_us, seq + 1, FOREVER_SEQ, permit, reason, entries)
        for from_us, to_us, permit, reason, entries in segments
    ]
    return Scope(said.purpose, said.channel), rectangles


def step(open_: Iterable[Rectangle], segments: Iterable[Segment], seq: int) -> tuple[list[Rectangle], list[Rectangle]]:
    """One scope's open rectangles and its timeline once entry `seq` is known → what to close, what to insert.

    A rectangle whose segment stays as it was is left alone. The rectangles to close carry the knowledge at which
    they end.
    """
    known_from = seq + 1
    held, wanted = list(open_), list(segments)
    unchanged = set(wanted) & {rectangle.segment for rectangle in held}
    close = [r._replace(to_seq=known_from) for r in held if r.segment not in unchanged]
    insert = [
        Rectangle(s.from_us, s.to_us, known_from, FOREVER_SEQ, s.permit, s.reason, s.entries)
        for s in wanted
        if s not in unchanged
    ]
    return close, insert


def replay(facts: Iterable[Fact]) -> dict[Scope, list[Rectangle]]:
    """Every rectangle of one subject, from the entries alone, in the order in which they were made."""
    rectangles: dict[Scope, list[Rectangle]] = {}
    known: list[Fact] = []
    for fact in sorted(facts, key=lambda fact: fact.seq):
        known.append(fact)
        for scope in sorted(touched(known)):
            made = rectangles.setdefault(scope, [])
            close, insert = step((r for r in made if r.to_seq == FOREVER_SEQ), timeline(known, scope), fact.seq)
            closed = {(r.from_us, r.from_seq): r for r in close}
            rectangles[scope] = [closed.get((r.from_us, r.from_seq), r) for r in made] + insert
    return rectangles


def _first_erasure(facts: Iterable[Fact]) -> int | None:
    first = None
    for fact in facts:
        if fact.statement.type not in PERSON_TYPES:
            raise LedgerBroken(
                f"an entry of type {fact.statement.type[:20]!r}, which this imp does not know",
                where=f"entry {fact.seq}",
                mend="use the version of imp that wrote it",
            )
        if fact.statement.type == "erase-requested" and (first is None or fact.seq < first):
            first = fact.seq
    return first


def _lost_of(facts: Iterable[Fact]) -> Lost | None:
    lost = [(fact.seq, fact.statement.at_us) for fact in facts if fact.statement.type == "lost"]
    return Lost(max(lost)[0], max(at_us for _, at_us in lost)) if lost else None


def _segments(heard: Sequence[Fact], wrong: frozenset[int], lost: Lost | None) -> Iterator[Segment]:
    """Segments of the entries about a scope, in order of event time; those that are `wrong` say nothing."""
    words = Words(lost)
    spoken = [fact for fact in heard if fact.seq not in wrong and fact.statement.type != "lost"]
    place = 0
    pending: tuple[int, Verdict] | None = None
    for at_us in _breaks(heard):
        words.come_of_age(at_us)
        while place < len(spoken) and spoken[place].statement.at_us <= at_us:
            words.hear(spoken[place])
            place += 1
        verdict = words.verdict(at_us)
        if pending is not None and pending[1] == verdict:
            continue
        if pending is not None:
            yield _segment(pending[0], at_us, pending[1])
        pending = (at_us, verdict)
    if pending is not None:
        yield _segment(pending[0], FOREVER_US, pending[1])


def _breaks(heard: Sequence[Fact]) -> list[int]:
    """The event times at which something may change, in order; none before the first entry's."""
    times = {fact.statement.at_us for fact in heard}
    for fact in heard:
        said = fact.statement
        if said.until_us is not None and said.until_us > heard[0].statement.at_us and said.type in _ENDING:
            times.add(said.until_us)
    return sorted(times)


def _segment(from_us: int, to_us: int, verdict: Verdict) -> Segment:
    return Segment(from_us, to_us, verdict.reason in PERMITTING, str(verdict.reason), verdict.entries)
