"""The protocol of intake (`DATA.md`): gate, write, fsync, rename; then gate again and register in one transaction.

The gate is asked at ledger size n₀ while the file is written outside the archive. The transaction asks again about
whoever changed since, appends `collect`, registers the file and remembers its ids. What is acknowledged is committed;
a crash leaves at worst a file that no row names.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice

from imp_consent.gate import decide_many
from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_consent.plane.intake.columns import Stamp
from imp_consent.plane.intake.commit import Outdated, commit_file
from imp_consent.plane.intake.faults import NOTHING_TAKEN, Faults, Refuse
from imp_consent.plane.intake.regate import RowSource, dropped_rows
from imp_consent.plane.intake.register import drop, read_contents, remember
from imp_consent.plane.intake.result import IngestResult, SourceFile
from imp_consent.plane.intake.screen import Decide, Screen
from imp_consent.plane.intake.signals import Voice, append_signals, deaf, new_signals
from imp_consent.plane.intake.terms import Terms
from imp_core.errors import BadInput, LedgerBroken
from imp_core.ports import Json
from imp_core.workspace import Workspace

__all__ = ["Intake", "ingest_events", "ledger_errors"]

_CHUNK = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Where events go: the ledger, its workspace, how signals' entries are written, and the gate."""

    log: Log
    workspace: Workspace
    voice: Voice = deaf
    decide: Decide = decide_many


def ingest_events(
    intake: Intake,
    rows: Iterable[object],
    *,
    terms: Terms,
    source: SourceFile,
    refuse: Refuse | None = None,
    dry_run: bool = False,
    advance: Callable[[int], None] | None = None,
) -> IngestResult:
    """Take in a channel's rows (RawEvent, Signal, RowFault): all of them, or nothing.

    A row that cannot be taken stops everything, unless `refuse` is given: then it is told, and the good rows go in.
    `advance` is called with the number of rows read. A dry run checks and asks, and commits nothing.

    Raises:
        BadInput: rows cannot be taken, or there are none.
        PluginBroken: the channel handed in something else than rows, or a value of the wrong type.
        LedgerBroken: the ledger or the archive was changed by other hands, or cannot be written.
    """
    with ledger_errors():
        if not dry_run:
            archive.remove_orphans(intake.workspace, intake.log)
        with intake.log.read() as reader:
            taken = archive.find_source(reader, source.sha256)
            run = _Run(intake, reader, terms=terms, source=source, refuse=refuse)
        if taken is not None:
            return run.result(taken=taken)
        with archive.ArchiveWriter(intake.workspace, run.batch) as writer, closing(_chunks(rows)) as chunks:
            for chunk in chunks:
                with intake.log.read() as reader:
                    writer.append(run.screen.admit(reader, chunk))
                if advance is not None:
                    advance(len(chunk))
            run.settle()
            if dry_run:
                with intake.log.read() as reader:
                    return run.result(dry_run=True, signals=len(new_signals(reader, run.screen.tally.heard)))
            file = writer.publish()
        return run.commit(file)


class _Run:
    """One intake: where it started from, what became of its rows, and the commit."""

    def __init__(
        self, intake: Intake, reader: Reader, *, terms: Terms, source: SourceFile, refuse: Refuse | None
    ) -> None:
        self._intake = intake
        self._source = source
        self._faults = Faults(source.name, refuse)
        self._policy_seq = max((entry.seq for entry in reader.system_entries("policy")), default=None)
        self._stamp = Stamp(
            terms=terms,
            received_us=intake.log.clock.now_us(),
            intake_seq=reader.size,
            event_secret=reader.keyring.active("event").secret,
        )
        self.batch = archive.next_batch(reader)
        self.screen = Screen(self._stamp, basis_seq=self._policy_seq, decide=intake.decide, refuse=self._faults.add)

    def settle(self) -> None:
        """At the end of the rows.

        Raises:
            BadInput: some could not be taken, or there are none that can.
        """
        self._faults.settle()
        tally = self.screen.tally
        if tally.is_empty:
            fact = "no row can be taken" if self._faults.rows else "there are no rows"
            raise BadInput(fact, where=self._source.name, mend=NOTHING_TAKEN)

    def commit(self, file: archive.WrittenFile) -> IngestResult:
        """Register the file; where the ledger moved on against some of its rows, write it again without them."""
        drop_rows = partial(drop, self.screen.tally)
        return commit_file(self._intake.workspace, self._intake.log, file, self._register, drop=drop_rows)

    def result(
        self,
        *,
        taken: archive.BatchFile | None = None,
        batch: int | None = None,
        seq: int | None = None,
        enrolled: dict[str, int] | None = None,
        signals: int = 0,
        dry_run: bool = False,
    ) -> IngestResult:
        """The answer; `taken` is the batch that took this source before, `signals` how many were new."""
        terms = self._stamp.terms
        if taken is not None:
            return IngestResult(
                channel=terms.channel,
                source_sha256=self._source.sha256,
                batch=taken.batch,
                seq=taken.collect_seq,
                already=True,
            )
        tally = self.screen.tally
        return IngestResult(
            channel=terms.channel,
            source_sha256=self._source.sha256,
            batch=batch,
            seq=seq,
            dry_run=dry_run,
            received=tally.received,
            admitted=tally.admitted,
            duplicates=tally.duplicates,
            denied=dict(sorted(tally.denied.items())),
            rejected=self._faults.rows,
            enrolled=enrolled or {},
            signals=signals,
            signals_before=len(tally.heard) - signals,
            signals_unknown=tally.unheard,
            mentions=tuple(tally.mentions),
            others=tuple(tally.others),
            props_dropped=tally.props_dropped,
        )

    def _register(self, file: archive.WrittenFile) -> IngestResult:
        result = self._registered(file)
        if result.already:
            archive.discard(self._intake.workspace, self._intake.log, file)
        return result

    def _registered(self, file: archive.WrittenFile) -> IngestResult:
        rows = partial(archive.read_columns, self._intake.workspace, file)
        contents = read_contents(rows, self._stamp.event_secret)
        tally = self.screen.tally
        with self._intake.log.write() as transaction:
            taken = archive.find_source(transaction, self._source.sha256)
            if taken is not None:
                return self.result(taken=taken)
            signals = new_signals(transaction, tally.heard)
            append_signals(transaction, signals, self._intake.voice)
            self._refuse_outdated(transaction, file, rows)
            seq = transaction.append_system("collect", self._collect(file, signals=len(signals)))
            archive.insert_batch(transaction, file, source_sha256=self._source.sha256, collect_seq=seq)
            enrolled = remember(transaction, contents, tally.denied_units, batch=file.batch)
        return self.result(batch=file.batch, seq=seq, enrolled=dict(sorted(enrolled.items())), signals=len(signals))

    def _refuse_outdated(self, transaction: Transaction, file: archive.WrittenFile, rows: RowSource) -> None:
        dropped = dropped_rows(
            transaction,
            rows,
            since=self._stamp.intake_seq,
            decide=self._intake.decide,
            event_secret=self._stamp.event_secret,
        )
        batch = archive.next_batch(transaction)
        if dropped or batch != file.batch:
            raise Outdated(dropped, batch)

    def _collect(self, file: archive.WrittenFile, *, signals: int) -> dict[str, Json]:
        tally = self.screen.tally
        return {
            "batch": file.batch,
            "n": file.n,
            "root": None,
            "sha256": file.sha256,
            "source": self._source.sha256,
            "policy": self._policy_seq,
            "channel": self._stamp.terms.channel,
            "purposes": sorted(purpose for purpose, n in tally.purposes.items() if n),
            "known": self._stamp.intake_seq,
            "denied": dict(sorted(tally.denied.items())),
            "duplicates": tally.duplicates,
            "rejected": self._faults.rows,
            "signals": signals,
        }


def _chunks(rows: Iterable[object]) -> Generator[list[object]]:
    iterator = iter(rows)
    try:
        more = True
        while more:
            with _uncollected():
                chunk = list(islice(iterator, _CHUNK))
                more = bool(chunk)
                if more:
                    yield chunk
                chunk.clear()  # raw identifiers live no longer than this
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Rows hold no cycles: the garbage collector, which would visit each several times, waits until they are gone."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def ledger_errors() -> Iterator[None]:
    """What SQLite raises outside of the ledger's own transactions, as ours."""
    try:
        yield
    except sqlite3.Error as error:
        # SQLite names tables and columns, never values.
        raise LedgerBroken(f"the ledger cannot be read or written: {error}", mend="see: imp doctor") from None
