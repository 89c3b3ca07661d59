"""The gate in set form: rectangles for a use as an Arrow table, and the SQL that asks DuckDB's rows twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from imp_consent.gate.state_rows import integer
from imp_consent.ledger.entry import EVERY_CHANNEL
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.tables import FOREVER_SEQ
from imp_consent.policy.decide import STRICTNESS, Reason
from imp_consent.policy.project import TABLE

__all__ = ["DECIDED_SQL", "OVERLAPPING_SQL", "PASSING_SQL", "RECTANGLES", "REFUSED_SQL", "rectangles"]

_ROWS: Final = 100_000  # rectangles in one Arrow batch

RECTANGLES: Final = pa.schema(
    [
        pa.field("subject", pa.int64(), nullable=False),
        pa.field("from_us", pa.int64(), nullable=False),
        pa.field("to_us", pa.int64(), nullable=False),
        pa.field("from_seq", pa.int64(), nullable=False),
        pa.field("to_seq", pa.int64(), nullable=False),
        pa.field("permit", pa.bool_(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)

_FIRST = (
    "{r}.subject = a.subject AND {r}.from_us <= a.event_us AND a.event_us < {r}.to_us"
    " AND {r}.from_seq <= a.intake_seq AND a.intake_seq < {r}.to_seq"
)
_SECOND = (
    "{r}.subject = a.subject AND {r}.from_us <= $read_us AND $read_us < {r}.to_us"
    " AND {r}.from_seq <= $n AND $n < {r}.to_seq"
)
_RANK = f"list_position({[str(reason) for reason in STRICTNESS]}, COALESCE({{r}}.reason, '{Reason.NO_RECORD}'))"

# The set form, on a DuckDB connection that knows `archive_row` (the archive's columns, any more) and
# `consent_rectangle` (what `rectangles` returned for the use), with the parameters $read_us and $n: the time of reading
# and the ledger's size then. A row passes iff the gate is open for (event_us, intake_seq) and for ($read_us, $n).
PASSING_SQL: Final = (
    "SELECT a.* FROM archive_row a"  # noqa: S608 (no value is pasted in)
    f" JOIN consent_rectangle x ON {_FIRST.format(r='x')} AND x.permit"
    f" JOIN consent_rectangle y ON {_SECOND.format(r='y')} AND y.permit"
)
# Every row with two columns more: `permitted`, and `decided`, the stricter reason of its two decisions.
DECIDED_SQL: Final = (
    "SELECT a.*, COALESCE(x.permit AND y.permit, false) AS permitted,"  # noqa: S608 (no value is pasted in)
    f" CASE WHEN {_RANK.format(r='x')} >= {_RANK.format(r='y')} THEN COALESCE(x.reason, '{Reason.NO_RECORD}')"
    f" ELSE COALESCE(y.reason, '{Reason.NO_RECORD}') END AS decided"
    " FROM archive_row a"
    f" LEFT JOIN consent_rectangle x ON {_FIRST.format(r='x')}"
    f" LEFT JOIN consent_rectangle y ON {_SECOND.format(r='y')}"
)
# Subjects for whom two rectangles cover one point: an old row was put back, MAC and all. There must be none.
OVERLAPPING_SQL: Final = (
    "SELECT a.subject FROM consent_rectangle a JOIN consent_rectangle b ON a.subject = b.subject AND a.rowid < b.rowid"
    " WHERE a.from_us < b.to_us AND b.from_us < a.to_us AND a.from_seq < b.to_seq AND b.from_seq < a.to_seq LIMIT 1"
)
# The rows that do not pass, with `decided`, the reason.
REFUSED_SQL: Final = f"SELECT * EXCLUDE (permitted) FROM ({DECIDED_SQL}) WHERE NOT permitted"  # noqa: S608 (as above)


def rectangles(reader: Reader, purpose: str, channel: str | None = None, *, size: int | None = None) -> pa.Table:
    """Every rectangle that decides a use of this purpose on this channel, resolved: at most one covers a point.

    They are as known at ledger size `size` (None: the reader's): what was said since neither closes one nor adds any.
    A subject's rectangles without a channel end where, in knowledge, its own scope of the channel begins.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    batches = []
    rows: list[tuple[object, ...]] = []
    for row in _resolved(reader, purpose, channel or EVERY_CHANNEL, reader.size if size is None else size):
        rows.append(row)
        if len(rows) >= _ROWS:
            batches.append(_arrow(rows))
            rows = []
    return pa.Table.from_batches([*batches, _arrow(rows)], RECTANGLES)


def _resolved(reader: Reader, purpose: str, channel: str, size: int) -> Iterator[tuple[object, ...]]:
    """Rows of `RECTANGLES`. Written out: at a million rectangles every call counts."""
    began: dict[object, int] = {}
    if channel != EVERY_CHANNEL:
        where = "purpose = ? AND channel = ? AND from_seq <= ?"
        for row in reader.sealed.select(TABLE, where, (purpose, channel, size)):
            subject, _, _, from_us, from_seq, to_us, to_seq, permit, reason, _ = row
            began[subject] = min(began.get(subject, FOREVER_SEQ), integer(from_seq))
            yield subject, from_us, to_us, from_seq, to_seq if integer(to_seq) <= size else FOREVER_SEQ, permit, reason
    where = "purpose = ? AND channel = '' AND from_seq <= ?"
    for row in reader.sealed.select(TABLE, where, (purpose, size)):
        subject, _, _, from_us, from_seq, to_us, to_seq, permit, reason, _ = row
        end = to_seq if integer(to_seq) <= size else FOREVER_SEQ
        if began:
            end = min(integer(end), began.get(subject, FOREVER_SEQ))
        if not began or integer(from_seq) < integer(end):
            yield subject, from_us, to_us, from_seq, end, permit, reason


def _arrow(rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(RECTANGLES)
    arrays = []
    for column, field in zip(columns, RECTANGLES, strict=True):
        values = map(bool, column) if field.name == "permit" else column
        arrays.append(pa.array(values, type=field.type))
    return pa.record_batch(arrays, schema=RECTANGLES)
