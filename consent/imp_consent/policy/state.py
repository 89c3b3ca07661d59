"""The fold: a subject's entries become timelines of permission, and timelines become disjoint rectangles.

A *timeline* says, for one scope (purpose, channel) at one knowledge (ledger size), what holds over event time. A
*rectangle* is a piece of a timeline over the knowledge for which it stays the same: event time [from_us, to_us) ×
knowledge [from_seq, to_seq). Entry `s` is known at ledger size `n` iff s < n, so what it says begins at s + 1.

A scope with a channel exists once an entry names that channel; its timeline already holds what entries without a
channel say. What no rectangle covers is denied, `no_record`.

`lost` says that entries of this person can no longer be read since a restore: no yes that was recorded before it holds,
at whatever event time, and none of an earlier event time that is recorded later; what was denied stays denied.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from imp_consent.ledger.entry import EVERY_CHANNEL, EVERY_PURPOSE, PERSON_TYPES, Statement
from imp_consent.ledger.tables import FOREVER_SEQ, FOREVER_US
from imp_consent.policy.decide import Reason, stricter
from imp_core.errors import LedgerBroken

__all__ = ["Fact", "Rectangle", "Scope", "Segment", "begin", "replay", "scopes", "step", "timeline", "touched"]

# Ties at one event time go to the restrictive side.
_WEIGHT: Final = {"grant": 0, "lost": 1, "refuse": 2, "withdraw": 3, "erase-requested": 4}
_PLAIN: Final = frozenset({"grant", "refuse", "withdraw"})
_DENIALS: Final = {"lost": Reason.LOST, "refuse": Reason.REFUSED, "withdraw": Reason.WITHDRAWN}


class Fact(Protocol):
    """What the fold needs of a person's entry: its place in the log and its statement."""

    @property
    def seq(self) -> int:
        """Position in the log."""
        ...

    @property
    def statement(self) -> Statement:
        """What the entry says."""
        ...


class Scope(NamedTuple):
    """A purpose on a channel; channel "" is every channel that has no scope of its own."""

    purpose: str
    channel: str


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


class _Verdict(NamedTuple):
    reason: str
    seq: int


class _Lost(NamedTuple):
    """The newest `lost`, and the latest event time of any."""

    seq: int
    at_us: int

    def voids(self, verdict: _Verdict, at_us: int) -> bool:
        """Whether a yes no longer holds: what may have taken it back is lost."""
        return verdict.reason == Reason.GIVEN and (verdict.seq < self.seq or at_us < self.at_us)


class _Entries:
    """Entries of one channel (or of none) in the order of deciding: event time, ties to the restrictive side."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._facts = sorted(facts, key=lambda f: (f.statement.at_us, _WEIGHT[f.statement.type], f.seq))
        self._times = [fact.statement.at_us for fact in self._facts]
        self._denied: list[int | None] = []
        last = None
        for fact in self._facts:
            last = fact.statement.at_us if fact.statement.type in _DENIALS else last
            self._denied.append(last)

    def latest(self, at_us: int) -> Fact | None:
        """The entry that decides at an event time."""
        index = bisect_right(self._times, at_us)
        return self._facts[index - 1] if index else None

    def last_denied(self, at_us: int) -> int | None:
        """The event time of the latest withdrawal or refusal, even if a later grant followed it."""
        index = bisect_right(self._times, at_us)
        return self._denied[index - 1] if index else None

    def breaks(self) -> set[int]:
        """The event times at which something may change."""
        ends = {fact.statement.until_us for fact in self._facts}
        return {*self._times, *(max(end, self._times[0]) for end in ends if end is not None)}


def scopes(facts: Iterable[Fact]) -> set[Scope]:
    """Every scope these entries make: each purpose alone, and with each channel that an entry of it names."""
    statements = [fact.statement for fact in facts]
    purposes = {said.purpose for said in statements} - {EVERY_PURPOSE}
    return {
        Scope(purpose, channel)
        for purpose in purposes
        for channel in {EVERY_CHANNEL, *(s.channel for s in statements if s.purpose in (purpose, EVERY_PURPOSE))}
    }


def touched(facts: Sequence[Fact]) -> set[Scope]:
    """The scopes whose timeline the newest of these entries may change."""
    newest = max(facts, key=lambda fact: fact.seq).statement
    return {scope for scope in scopes(facts) if newest.purpose in (scope.purpose, EVERY_PURPOSE)}


def timeline(facts: Sequence[Fact], scope: Scope) -> tuple[Segment, ...]:
    """What holds in a scope over event time, as far as these entries know; gaps are `no_record`.

    Raises:
        LedgerBroken: an entry of a type this version does not know: it may say no.
    """
    erased = _first_erasure(facts)
    if erased is not None:
        return (_segment(-FOREVER_US, FOREVER_US, _Verdict(Reason.ERASED, erased)),)
    spoken = [fact for fact in facts if fact.statement.type in _WEIGHT and _covers(fact.statement, scope.purpose)]
    general = _Entries(fact for fact in spoken if fact.statement.channel == EVERY_CHANNEL)
    if scope.channel == EVERY_CHANNEL:
        own = _Entries(())
    else:
        own = _Entries(fact for fact in spoken if fact.statement.channel == scope.channel)
    return tuple(_segments(general, own, _lost_of(facts)))


def begin(fact: Fact) -> tuple[Scope, list[Rectangle]] | None:
    """Where most people's histories end: what follows from a first entry alone, if it says something of one purpose.

    It is what `timeline` and `step` make of it, in a seventh of their time; None where it takes the two.
    """
    said, seq = fact.statement, fact.seq
    if said.type not in _PLAIN or said.purpose == EVERY_PURPOSE:
        return None
    begins, ends = said.at_us, None if said.type == "withdraw" else said.until_us
    segments = [_segment(begins, FOREVER_US, _Verdict(_DENIALS.get(said.type, Reason.GIVEN), seq))]
    if ends is not None:
        expired = _segment(max(begins, ends), FOREVER_US, _Verdict(Reason.EXPIRED, seq))
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


def _lost_of(facts: Iterable[Fact]) -> _Lost | None:
    lost = [(fact.seq, fact.statement.at_us) for fact in facts if fact.statement.type == "lost"]
    return _Lost(max(lost)[0], max(at_us for _, at_us in lost)) if lost else None


def _covers(said: Statement, purpose: str) -> bool:
    # a grant names its purpose: one for "every purpose" would bundle them (GDPR 7(2)) and opens nothing
    return said.purpose == purpose or (said.purpose == EVERY_PURPOSE and said.type != "grant")


def _segments(general: _Entries, own: _Entries, lost: _Lost | None) -> Iterator[Segment]:
    breaks = sorted(general.breaks() | own.breaks())
    pending: tuple[int, _Verdict] | None = None
    for at_us in breaks:
        verdict = _scope_verdict(general, own, at_us)
        if lost is not None and lost.voids(verdict, at_us):
            verdict = _Verdict(Reason.LOST, lost.seq)
        if pending is not None and pending[1] == verdict:
            continue
        if pending is not None:
            yield _segment(pending[0], at_us, pending[1])
        pending = (at_us, verdict)
    if pending is not None:
        yield _segment(pending[0], FOREVER_US, pending[1])


def _segment(from_us: int, to_us: int, verdict: _Verdict) -> Segment:
    return Segment(from_us, to_us, verdict.reason == Reason.GIVEN, str(verdict.reason), (verdict.seq,))


def _scope_verdict(general: _Entries, own: _Entries, at_us: int) -> _Verdict:
    """What holds at an event time at which at least one entry speaks."""
    everywhere, here = general.latest(at_us), own.latest(at_us)
    if here is None:
        assert everywhere is not None  # noqa: S101 (breaks are the entries' own times)
        return _own_verdict(everywhere, at_us)
    mine = _own_verdict(here, at_us)
    if everywhere is None:
        return mine
    theirs = _own_verdict(everywhere, at_us)
    if here.statement.type in _DENIALS:
        # a channel's no stays until a grant for that channel
        return theirs if theirs.reason != Reason.GIVEN and stricter(theirs.reason, mine.reason) != mine.reason else mine
    denied_us = general.last_denied(at_us)
    overruled = denied_us is not None and denied_us >= here.statement.at_us
    return theirs if overruled or mine.reason == Reason.EXPIRED else mine


def _own_verdict(fact: Fact, at_us: int) -> _Verdict:
    said = fact.statement
    if said.type != "withdraw" and said.until_us is not None and at_us >= said.until_us:
        return _Verdict(Reason.EXPIRED, fact.seq)
    return _Verdict(_DENIALS.get(said.type, Reason.GIVEN), fact.seq)
