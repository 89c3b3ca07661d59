"""Acceptance into the inbox: the gate of intake and one small transaction, acknowledged when it has committed.

Nothing is written beside the database and no entry is appended for an event: a compaction does both, later and for many
events at once (`imp_consent.plane.compact`). Exposed units are counted here, and what is not kept is tallied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_consent.plane.inbox.rows import insert
from imp_consent.plane.inbox.tally import Counts, add_tally
from imp_consent.plane.intake.columns import Stamp
from imp_consent.plane.intake.faults import NOTHING_TAKEN, Faults, Refuse
from imp_consent.plane.intake.ingest import Intake
from imp_consent.plane.intake.regate import dropped_rows
from imp_consent.plane.intake.register import Contents, drop, read_contents, remember
from imp_consent.plane.intake.screen import Screen
from imp_consent.plane.intake.signals import append_signals, new_signals
from imp_consent.plane.intake.terms import Terms
from imp_core.errors import BadInput
from imp_core.event import RawEvent

__all__ = ["LIMIT", "Accepted", "accept", "accept_in"]

LIMIT: Final = 100_000  # rows in one acceptance: they are gated under the write lock
_NO_BATCH: Final = 0  # of units counted before their events have a batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What became of rows: received = accepted + duplicates + the sum of denied (counts of events by reason).

    What was `accepted` is durable. `rejected` rows could not be taken, `enrolled` are exposed units counted now by
    reason, `signals` withdrawals and other signals written, `signals_before` those that change nothing,
    `signals_unknown` those of people nobody knows, `mentions` the rows of replies that only mention a word of opting
    out and `others` those of replies that mention none, both of which somebody has to read, `props_dropped` properties
    that are not allow-listed.
    """

    channel: str
    dry_run: bool = False
    received: int = 0
    accepted: int = 0
    duplicates: int = 0
    denied: Mapping[str, int] = field(default_factory=dict)
    rejected: int = 0
    enrolled: Mapping[str, int] = field(default_factory=dict)
    signals: int = 0
    signals_before: int = 0
    signals_unknown: int = 0
    mentions: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    props_dropped: int = 0


def accept(
    intake: Intake,
    rows: Iterable[object],
    *,
    terms: Terms,
    name: str,
    refuse: Refuse | None = None,
    dry_run: bool = False,
    advance: Callable[[int], None] | None = None,
) -> Accepted:
    """Take a channel's rows (RawEvent, Signal, RowFault) into the inbox: all of them, or nothing.

    `name` is where they come from, for errors; `refuse` and `advance` are as in `ingest_events`. A dry run checks and
    asks, and commits nothing.

    Raises:
        BadInput: rows cannot be taken, there are none, or more than `LIMIT`.
        PluginBroken: the channel handed in something else than rows, or a value of the wrong type.
        LedgerBroken: the ledger was changed by other hands, or cannot be written.
    """
    items = list(islice(rows, LIMIT + 1))
    if len(items) > LIMIT:
        mend = "take it in without the inbox"
        raise BadInput(f"more than {LIMIT:,} rows are too many at once for the inbox", where=name, mend=mend)
    if advance is not None:
        advance(len(items))
    if dry_run:
        with intake.log.read() as reader:
            screened = _Screened(reader, intake, items, terms=terms, name=name, refuse=refuse)
            signals = len(new_signals(reader, screened.tally.heard))
            return replace(screened.result(signals=signals), dry_run=True)
    with intake.log.write() as transaction:
        return accept_in(transaction, intake, items, terms=terms, name=name, refuse=refuse)


def accept_in(
    transaction: Transaction,
    intake: Intake,
    items: Sequence[object],
    *,
    terms: Terms,
    name: str,
    refuse: Refuse | None = None,
) -> Accepted:
    """The same inside a transaction, for a collector that commits several acceptances at once.

    It may be acknowledged when that has committed. `refuse` is called again where the transaction is run again.
    """
    screened = _Screened(transaction, intake, items, terms=terms, name=name, refuse=refuse)
    return screened.write(transaction)


class _Screened:
    """Rows that the gate has decided, as of one snapshot."""

    def __init__(
        self,
        reader: Reader,
        intake: Intake,
        items: Sequence[object],
        *,
        terms: Terms,
        name: str,
        refuse: Refuse | None,
    ) -> None:
        self._intake = intake
        self._faults = Faults(name, refuse)
        now_us = reader.now_us if isinstance(reader, Transaction) else intake.log.clock.now_us()
        self._stamp = Stamp(
            terms=terms,
            received_us=now_us,
            intake_seq=reader.size,
            event_secret=reader.keyring.active("event").secret,
        )
        screen = Screen(
            self._stamp, basis_seq=_policy_seq(reader, items), decide=intake.decide, refuse=self._faults.add
        )
        columns = screen.admit(reader, items)
        self.tally = screen.tally
        self._faults.settle()
        if self.tally.is_empty:
            fact = "no row can be taken" if self._faults.rows else "there are no rows"
            raise BadInput(fact, where=name, mend=NOTHING_TAKEN)
        # As the archive's writer does it: what has no place there must not be acknowledged.
        self._rows = _numbered(archive.arrow_rows(columns, len(columns["event_id"])))

    def write(self, transaction: Transaction) -> Accepted:
        signals = new_signals(transaction, self.tally.heard)
        append_signals(transaction, signals, self._intake.voice)
        if signals:
            self._drop_outdated(transaction)
        contents = read_contents(self._read, self._stamp.event_secret)
        units = Contents(ids=[], units=contents.units)
        enrolled = remember(transaction, units, self.tally.denied_units, batch=_NO_BATCH)
        channel = self._stamp.terms.channel
        insert(transaction, channel, self._rows)
        result = replace(self.result(signals=len(signals)), enrolled=dict(sorted(enrolled.items())))
        counts = Counts(
            denied=result.denied, duplicates=result.duplicates, rejected=result.rejected, signals=result.signals
        )
        add_tally(transaction, channel, counts)
        return result

    def result(self, *, signals: int) -> Accepted:
        tally = self.tally
        return Accepted(
            channel=self._stamp.terms.channel,
            received=tally.received,
            accepted=tally.admitted,
            duplicates=tally.duplicates,
            denied=dict(sorted(tally.denied.items())),
            rejected=self._faults.rows,
            signals=signals,
            signals_before=len(tally.heard) - signals,
            signals_unknown=tally.unheard,
            mentions=tuple(tally.mentions),
            others=tuple(tally.others),
            props_dropped=tally.props_dropped,
        )

    def _drop_outdated(self, transaction: Transaction) -> None:
        """A withdrawal among the rows holds for the others too."""
        dropped = dropped_rows(
            transaction,
            self._read,
            since=self._stamp.intake_seq,
            decide=self._intake.decide,
            event_secret=self._stamp.event_secret,
            from_inbox=True,
        )
        drop(self.tally, dropped)
        gone = pa.array([row.row for row in dropped], pa.int32())
        self._rows = self._rows.filter(pc.invert(pc.is_in(self._rows.column("row"), value_set=gone)))

    def _read(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        yield self._rows.select(list(names))


def _policy_seq(reader: Reader, items: Sequence[object]) -> int | None:
    """The policy's seq where a row will rest on it alone: looking it up is dear."""
    if not any(isinstance(item, RawEvent) and item.identifier is None for item in items):
        return None
    return max((entry.seq for entry in reader.system_entries("policy")), default=None)


def _numbered(rows: pa.RecordBatch) -> pa.RecordBatch:
    at = archive.SCHEMA.get_field_index("row")
    return rows.set_column(at, archive.SCHEMA.field(at), pa.array(range(rows.num_rows), pa.int32()))
