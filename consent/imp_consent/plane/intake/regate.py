"""Asking the gate again inside the transaction that commits: what changed since the file was written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.intake.enrol import CELL_COLUMNS, Cell, cells_of, known_ids, waiting_ids
from imp_consent.plane.intake.screen import Decide, ask

__all__ = ["DUPLICATE", "Dropped", "RowSource", "dropped_rows"]

DUPLICATE: Final = "duplicate"
_SUBJECTS = 10_000
_COLUMNS = ("row", "purpose", "channel", *CELL_COLUMNS)

# Reads columns of the file that is about to be registered.
RowSource = Callable[[Sequence[str]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A row that may no longer come in, why, and, of an exposure, the key and cell its unit is counted by."""

    row: int
    purpose: str
    reason: str
    counted: tuple[bytes, Cell] | None


def dropped_rows(
    transaction: Transaction,
    rows: RowSource,
    *,
    since: int,
    decide: Decide,
    event_secret: bytes,
    from_inbox: bool = False,
) -> list[Dropped]:
    """The rows that may not come in as of now, though they could at ledger size `since`.

    Only people about whom entries were written since are asked about again, and those an erasure took away. Rows that
    come `from_inbox` are no duplicates of what waits there.

    Raises:
        LedgerBroken: a row of the ledger was changed by other hands.
    """
    dropped = {row.row: row for row in _taken_meanwhile(transaction, rows, since, from_inbox=from_inbox)}
    changed = pa.array(sorted(_changed(transaction, rows, since)), pa.int64())
    if len(changed):
        for batch in rows(_COLUMNS):
            found = batch.filter(pc.is_in(batch.column("subject"), value_set=changed))
            for row in _denied(transaction, found, decide, event_secret):
                dropped.setdefault(row.row, row)
    return list(dropped.values())


def _denied(transaction: Transaction, rows: pa.RecordBatch, decide: Decide, event_secret: bytes) -> Iterator[Dropped]:
    if not rows.num_rows:
        return
    numbers, subjects, times, purposes, channels = (
        rows.column(name).to_pylist() for name in ("row", "subject", "event_us", "purpose", "channel")
    )
    questions = list(zip(subjects, times, purposes, channels, strict=True))
    reasons, _ = ask(decide, transaction, questions, now_us=transaction.now_us)
    cells = {place: (key, cell) for place, key, cell in cells_of(rows, event_secret)}
    for place, reason in enumerate(reasons):
        if reason is not None:
            yield Dropped(row=numbers[place], purpose=purposes[place], reason=reason, counted=cells.get(place))


def _taken_meanwhile(transaction: Transaction, rows: RowSource, since: int, *, from_inbox: bool) -> Iterator[Dropped]:
    """Rows whose event another intake has registered since, or the inbox has acknowledged."""
    newer = transaction.sealed.select("batch", "collect_seq >= ? LIMIT 1", (since,))
    registered = any(True for _ in newer)
    waiting = not from_inbox and transaction.sql.execute("SELECT 1 FROM inbox LIMIT 1").fetchone() is not None
    if not registered and not waiting:
        return
    for batch in rows(("row", "purpose", "event_id")):
        ids = [bytes.fromhex(event_id) for event_id in batch.column("event_id").to_pylist()]
        known = known_ids(transaction, ids) if registered else set()
        if waiting:
            known |= waiting_ids(transaction, ids)
        numbers, purposes = (batch.column(name).to_pylist() for name in ("row", "purpose"))
        for event_id, number, purpose in zip(ids, numbers, purposes, strict=True):
            if event_id in known:
                yield Dropped(row=number, purpose=purpose, reason=DUPLICATE, counted=None)


def _changed(transaction: Transaction, rows: RowSource, since: int) -> set[int]:
    spoken = {
        row[0] for row in transaction.sql.execute("SELECT DISTINCT subject FROM payload WHERE seq >= ?", (since,))
    }
    # an erasure destroys the payloads too: whoever has no key left is gone
    if any(entry.seq >= since for entry in transaction.system_entries("erased")):
        spoken |= _gone(transaction, rows)
    return spoken


def _gone(transaction: Transaction, rows: RowSource) -> set[int]:
    subjects: set[int] = set()
    for batch in rows(("subject",)):
        subjects.update(pc.unique(batch.column("subject")).drop_null().to_pylist())
    ordered = sorted(subjects)
    for start in range(0, len(ordered), _SUBJECTS):
        living = transaction.sql.execute(
            "SELECT subject FROM subject_key WHERE subject IN (SELECT value FROM json_each(?))",
            (json.dumps(ordered[start : start + _SUBJECTS]),),
        )
        subjects.difference_update(row[0] for row in living)
    return subjects
