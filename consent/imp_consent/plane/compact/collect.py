"""From the inbox to a batch, exactly once, by the protocol of intake (`DATA.md`).

What waits is read and gated at ledger size n₀ and written outside the archive, fsynced and renamed into it. One
transaction gates again who changed since, appends `collect`, registers the file, remembers its events and takes them
out of the inbox. Killed before its commit, all of them still wait; after it, none does.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa

from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_consent.plane.inbox import Counts, channels_waiting, remove, select_rows, take_tally
from imp_consent.plane.intake.commit import Outdated, commit_file
from imp_consent.plane.intake.ingest import Intake
from imp_consent.plane.intake.regate import DUPLICATE, Dropped, RowSource, dropped_rows
from imp_consent.plane.intake.register import Contents, read_contents, remember
from imp_consent.plane.intake.screen import ask
from imp_core.errors import LedgerBroken
from imp_core.ports import Json
from imp_core.workspace import Workspace

__all__ = ["Collected", "collect_inbox", "collect_waiting", "collecting"]

_CHUNK = 20_000
_BATCH = 500_000  # rows: more make several batches


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """A batch made of a channel's inbox: its rows, and events that the gate denies by now, by reason.

    `batch` is None where nothing was left to keep, and with `seq` (of the `collect` entry) in a dry run.
    """

    channel: str
    rows: int
    denied: dict[str, int]
    batch: int | None = None
    seq: int | None = None


def collect_waiting(log: Log, workspace: Workspace) -> None:
    """Make batches of all that waits, so that whoever reads next sees everything that was acknowledged before.

    Raises:
        LedgerBroken: the ledger or the archive was changed by other hands, or cannot be written.
    """
    with log.read() as reader:
        waiting = channels_waiting(reader)
    for channel, n in waiting.items():
        for _ in collect_inbox(collecting(log, workspace), channel, n, dry_run=False, advance=lambda _: None):
            pass


def collecting(log: Log, workspace: Workspace) -> Intake:
    """An intake that hears no withdrawals: those were written when they were acknowledged."""
    return Intake(log=log, workspace=workspace)


def collect_inbox(
    intake: Intake, channel: str, waiting: int, *, dry_run: bool, advance: Callable[[int], None]
) -> Iterator[Collected]:
    """Make batches of the `waiting` events of a channel.

    Raises:
        LedgerBroken: the ledger or the archive was changed by other hands, or cannot be written.
    """
    for _ in range(1 if dry_run else -(-waiting // _BATCH) or 1):
        with intake.log.read() as reader:
            run = _Run(intake, reader, channel)
        with archive.ArchiveWriter(intake.workspace, run.batch) as writer:
            with intake.log.read() as reader:
                run.read(reader, writer, limit=waiting if dry_run else _BATCH, advance=advance)
            if dry_run:
                yield run.result()
                return
            file = writer.publish() if run.kept else None
        yield run.commit(file)


@dataclass(slots=True)
class _Seen:
    """The events read: those that may be kept, and those that may not, by reason."""

    ids: list[bytes] = field(default_factory=list)
    denied: Counter[str] = field(default_factory=Counter)
    purposes: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0


class _Run:
    """One batch in the making: what it started from, what it read, and the commit."""

    def __init__(self, intake: Intake, reader: Reader, channel: str) -> None:
        self._intake = intake
        self._channel = channel
        self._known = reader.size
        self._now_us = intake.log.clock.now_us()
        self._event_secret = reader.keyring.active("event").secret
        self._policy_seq = max((entry.seq for entry in reader.system_entries("policy")), default=None)
        self.batch = archive.next_batch(reader)
        self._seen = _Seen()
        self.kept = 0

    def read(
        self, reader: Reader, writer: archive.ArchiveWriter, *, limit: int, advance: Callable[[int], None]
    ) -> None:
        """Write what the gate still lets through."""
        self._known = reader.size
        for waiting in select_rows(reader, self._channel, limit=limit, size=_CHUNK):
            self._seen.ids.extend(waiting.ids)
            rows = self._gated(reader, waiting.rows)
            writer.append_rows(rows)
            self.kept += rows.num_rows
            self._seen.purposes.update(rows.column("purpose").to_pylist())
            advance(waiting.rows.num_rows)

    def commit(self, file: archive.WrittenFile | None) -> Collected:
        """Register the file (None: nothing may be kept) and empty the inbox of what was read."""
        if file is None:
            with self._intake.log.write() as transaction:
                waits = self._channel in channels_waiting(transaction)  # not where another compaction was faster
                seq = self._finish(transaction, None, source=None) if waits else None
            return self.result(seq=seq)
        return commit_file(self._intake.workspace, self._intake.log, file, self._register, drop=self._drop)

    def result(self, *, batch: int | None = None, seq: int | None = None) -> Collected:
        denied = dict(sorted(self._seen.denied.items()))
        return Collected(channel=self._channel, rows=self.kept, denied=denied, batch=batch, seq=seq)

    def _gated(self, reader: Reader, rows: pa.RecordBatch) -> pa.RecordBatch:
        names = ("subject", "event_us", "purpose", "channel")
        questions = list(zip(*(rows.column(name).to_pylist() for name in names), strict=True))
        about = [at for at, (subject, *_) in enumerate(questions) if subject is not None]
        answers, _ = ask(self._intake.decide, reader, [questions[at] for at in about], now_us=self._now_us)
        reasons = dict(zip(about, answers, strict=True))  # nobody's rows rest on the policy alone
        self._seen.denied.update(reason for reason in answers if reason is not None)
        return rows.filter(pa.array([reasons.get(at) is None for at in range(rows.num_rows)], pa.bool_()))

    def _register(self, file: archive.WrittenFile) -> Collected:
        rows = partial(archive.read_columns, self._intake.workspace, file)
        contents = read_contents(rows, self._event_secret)
        with self._intake.log.write() as transaction:
            self._refuse_outdated(transaction, file, rows)
            source = hashlib.sha256(b"imp-inbox/1\n" + b"".join(contents.ids)).hexdigest()
            seq = self._finish(transaction, file, source=source)
            archive.insert_batch(transaction, file, source_sha256=source, collect_seq=seq)
            # Units were counted when they were accepted.
            remember(transaction, Contents(ids=contents.ids, units={}), {}, batch=file.batch)
        return self.result(batch=file.batch, seq=seq)

    def _refuse_outdated(self, transaction: Transaction, file: archive.WrittenFile, rows: RowSource) -> None:
        dropped = dropped_rows(
            transaction,
            rows,
            since=self._known,
            decide=self._intake.decide,
            event_secret=self._event_secret,
            from_inbox=True,
        )
        batch = archive.next_batch(transaction)
        if dropped or batch != file.batch:
            raise Outdated(dropped, batch)

    def _drop(self, rows: Sequence[Dropped]) -> None:
        for row in rows:
            self.kept -= 1
            self._seen.purposes[row.purpose] -= 1
            if row.reason == DUPLICATE:  # another compaction has taken it
                self._seen.duplicates += 1
            else:
                self._seen.denied[row.reason] += 1

    def _finish(self, transaction: Transaction, file: archive.WrittenFile | None, *, source: str | None) -> int:
        removed = remove(transaction, self._seen.ids)
        # Whatever is kept was in the inbox until now: else it was taken or erased, and dropped above.
        if file is not None and removed < file.n:
            raise LedgerBroken("events that are not in the inbox", where=f"channel {self._channel}")
        before = take_tally(transaction, self._channel)
        return transaction.append_system("collect", self._collect(file, removed, before, source=source))

    def _collect(
        self, file: archive.WrittenFile | None, removed: int, before: Counts, *, source: str | None
    ) -> dict[str, Json]:
        """As an intake's, and how many events came out of the inbox; its counts are those since the last one."""
        denied = Counter(before.denied) + self._seen.denied
        return {
            "batch": None if file is None else file.batch,
            "n": 0 if file is None else file.n,
            "root": None,
            "sha256": None if file is None else file.sha256,
            "source": source,
            "policy": self._policy_seq,
            "channel": self._channel,
            "purposes": sorted(purpose for purpose, n in self._seen.purposes.items() if n),
            "known": self._known,
            "inbox": removed,
            "denied": dict(sorted(denied.items())),
            "duplicates": before.duplicates,
            "rejected": before.rejected,
            "signals": before.signals,
        }
