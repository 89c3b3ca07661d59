"""Before the archive: a channel's rows are checked, looked up, asked about at the gate, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from imp_consent.gate import Decisions, Memory
from imp_consent.identity.pseudonym import event_key
from imp_consent.ledger.reader import Reader
from imp_consent.plane.intake.columns import Stamp, columns_of
from imp_consent.plane.intake.enrol import DeniedUnit, DeniedUnits, cell_of, known_ids, waiting_ids
from imp_consent.plane.intake.heard import Heard, heed
from imp_consent.plane.intake.people import NOBODY, People, Person
from imp_consent.plane.intake.signals import check_nameable
from imp_consent.plane.intake.terms import event_fault, signal_fault, tracks_untold
from imp_consent.policy.decide import Reason
from imp_consent.signals.inbound import Effect
from imp_consent.signals.optout import Reply
from imp_core.errors import BadInput, PluginBroken
from imp_core.event import EventType, RawEvent, RowFault, Signal

__all__ = ["Decide", "Screen", "Tally", "ask"]


class Decide(Protocol):
    """The gate in the form intake asks it, `imp_consent.gate.decide_many`."""

    def __call__(
        self,
        reader: Reader,
        subjects: Sequence[int | None],
        event_us: Sequence[int],
        *,
        purpose: str,
        channel: str | None,
        now_us: int,
        memory: Memory | None = None,
    ) -> Decisions:
        """Decide every row twice, at its event time and now, as the memory knows (None: as the reader does)."""
        ...


@dataclass(slots=True)
class Tally:
    """What became of the rows: received = admitted + duplicates + denied.

    `denied_units` are units that were exposed and did not pass, by the key they are counted by. `unheard` are signals
    of people nobody knows, `mentions` the rows of replies that only mention a word of opting out, `others` those of
    replies that mention none.
    """

    received: int = 0
    admitted: int = 0
    duplicates: int = 0
    props_dropped: int = 0
    denied: Counter[str] = field(default_factory=Counter)
    denied_units: DeniedUnits = field(default_factory=DeniedUnits, repr=False)
    purposes: Counter[str] = field(default_factory=Counter)
    heard: list[Heard] = field(default_factory=list, repr=False)
    unheard: int = 0
    mentions: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing that could be taken."""
        return not (self.received or self.heard or self.unheard or self.mentions or self.others)


class _Row(NamedTuple):
    event: RawEvent
    person: Person
    event_id: bytes


class Screen:
    """Takes rows chunk by chunk; `refuse` is told of every row that cannot be taken, `basis_seq` is the policy's."""

    def __init__(
        self, stamp: Stamp, *, basis_seq: int | None, decide: Decide, refuse: Callable[[RowFault], None]
    ) -> None:
        self.tally = Tally()
        self._stamp = stamp
        self._basis_seq = basis_seq
        self._decide = decide
        self._refuse = refuse
        self._seen: set[bytes] = set()
        self._people = People()
        self._memory = Memory(size=stamp.intake_seq, now_us=stamp.received_us)

    def admit(self, reader: Reader, items: Sequence[object]) -> dict[str, Sequence[Any]]:
        """The columns of those of these rows that may come in.

        Raises:
            PluginBroken: an item is not what a channel may hand in.
            LedgerBroken: the ledger was changed by other hands.
        """
        self._people.begin(reader)
        rows: list[_Row] = []
        for item in items:
            if isinstance(item, RawEvent):
                row = self._row(item)
                if row is not None:
                    rows.append(row)
            elif isinstance(item, Signal):
                self._hear(reader, item)
            elif isinstance(item, RowFault):
                self._refuse(item)
            else:
                raise PluginBroken(f"a channel cannot hand in {type(item).__name__}", where=self._stamp.terms.channel)
        self.tally.received += len(rows)
        return self._gated(reader, self._unknown(reader, rows))

    def _row(self, event: RawEvent) -> _Row | None:
        terms = self._stamp.terms
        fault = event_fault(event, terms, self._stamp.received_us)
        if fault is None:
            event_id = event_key(self._stamp.event_secret, event.channel or terms.channel, event.message_id)
            if event_id in self._seen:
                fault = RowFault(row=event.row, field="id", problem="the same as another row's")
            try:
                person = NOBODY if event.identifier is None else self._people.look_up(event.identifier)
            except BadInput as error:
                fault = RowFault(row=event.row, field="identifier", problem=error.what)
        if fault is not None:
            self._refuse(fault)
            return None
        self._seen.add(event_id)
        return _Row(event, person, event_id)

    def _hear(self, reader: Reader, signal: Signal) -> None:
        terms, fault = self._stamp.terms, signal_fault(signal, self._stamp.terms, self._stamp.received_us)
        effect: Effect | Reply = Reply.NOTHING
        people: list[Heard] = []
        where = "raw"
        try:
            if fault is None:
                effect = terms.ear.hear(signal.kind, signal.raw, signal.purpose)
                where = "identifier"
                people = self._heed(reader, signal, effect)
        except BadInput as error:
            fault = RowFault(row=signal.row, field=where, problem=error.what)
        if fault is not None:
            self._refuse(fault)
        elif effect is Reply.MENTION:
            self.tally.mentions.append(signal.row)
        elif effect is Reply.OTHER:
            self.tally.others.append(signal.row)
        elif isinstance(effect, Effect) and not people:
            self.tally.unheard += 1
        self.tally.heard.extend(people)

    def _heed(self, reader: Reader, signal: Signal, effect: Effect | Reply) -> list[Heard]:
        if isinstance(effect, Effect):
            channel, at_us = signal.channel, signal.event_us
            people = heed(self._people, signal.identifier, effect, channel=channel, event_us=at_us)
            check_nameable(reader, people)
            return people
        self._people.look_up(signal.identifier)  # what cannot be an identifier is a fault whatever was said
        return []

    def _unknown(self, reader: Reader, rows: list[_Row]) -> list[_Row]:
        ids = [row.event_id for row in rows]
        known = known_ids(reader, ids) | waiting_ids(reader, ids)
        self.tally.duplicates += len(known)
        return [row for row in rows if row.event_id not in known] if known else rows

    def _gated(self, reader: Reader, rows: list[_Row]) -> dict[str, Sequence[Any]]:
        reasons, basis = self._ask(reader, rows)
        for place, row in enumerate(rows):
            if reasons[place] is None and tracks_untold(row.event, self._stamp.terms):
                reasons[place] = str(Reason.PURPOSE_NOT_COVERED)
        passed = [place for place, reason in enumerate(reasons) if reason is None]
        for row, reason in zip(rows, reasons, strict=True):
            if reason is not None:
                self._count_denied(row, reason)
        self.tally.admitted += len(passed)
        admitted = [rows[place] for place in passed]
        events = [row.event for row in admitted]
        self.tally.purposes.update(event.purpose for event in events)
        allowed = self._stamp.terms.props
        self.tally.props_dropped += sum(len(event.props.keys() - allowed) for event in events if event.props)
        return columns_of(
            events,
            [row.event_id for row in admitted],
            [row.person.subject for row in admitted],
            [basis[place] for place in passed],
            self._stamp,
        )

    def _ask(self, reader: Reader, rows: list[_Row]) -> tuple[list[str | None], list[int | None]]:
        """Why each row may not come in (None: it may), and the entry that decided."""
        channel = self._stamp.terms.channel
        reasons, basis = ask(
            self._decide,
            reader,
            [
                (person.subject, event.event_us, event.purpose, event.channel or channel)
                for event, person, _ in rows
                if person is not NOBODY
            ],
            now_us=self._stamp.received_us,
            memory=self._memory,
        )
        if len(reasons) == len(rows):
            return reasons, basis
        answers = zip(reasons, basis, strict=True)
        # Nobody's rows rest on the policy alone.
        every = [(None, self._basis_seq) if row.person is NOBODY else next(answers) for row in rows]
        return [reason for reason, _ in every], [seq for _, seq in every]

    def _count_denied(self, row: _Row, reason: str) -> None:
        self.tally.denied[reason] += 1
        if row.event.type is EventType.EXPOSURE:
            key, cell = cell_of(row.event, row.person, self._stamp.event_secret)
            self.tally.denied_units.add(key, DeniedUnit(cell, reason, known=row.person.subject is not None))


def ask(
    decide: Decide,
    reader: Reader,
    rows: Sequence[tuple[int | None, int, str, str]],
    *,
    now_us: int,
    memory: Memory | None = None,
) -> tuple[list[str | None], list[int | None]]:
    """Ask the gate about rows (subject, event time, purpose, channel), those of one purpose and channel at once.

    Without a `memory` they are decided as the reader knows.

    Returns, row by row, why it may not come in (None: it may), and the entries that decided for the event times.
    """
    groups: dict[tuple[str, str], tuple[list[int], list[int | None], list[int]]] = {}
    for place, (subject, event_us, purpose, channel) in enumerate(rows):
        places, subjects, times = groups.setdefault((purpose, channel), ([], [], []))
        places.append(place)
        subjects.append(subject)
        times.append(event_us)
    reasons: list[str | None] = [""] * len(rows)
    basis: list[int | None] = [None] * len(rows)
    for (purpose, channel), (places, subjects, times) in groups.items():
        decided = decide(reader, subjects, times, purpose=purpose, channel=channel, now_us=now_us, memory=memory)
        answered = zip(places, decided.permitted, decided.reasons, decided.basis, strict=True)
        for place, permitted, reason, seq in answered:
            reasons[place] = None if permitted else reason
            basis[place] = seq
    return reasons, basis
