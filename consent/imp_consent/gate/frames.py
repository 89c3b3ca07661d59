"""The gate in set form: rectangles for a use as an Arrow table, and the SQL that asks DuckDB's rows twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa

from imp_consent.gate.material import known_cuts
from imp_consent.gate.state_rows import INHERITED, integer, order_of
from imp_consent.ledger.entry import EVERY_CHANNEL
from imp_consent.ledger.layout import FOREVER_SEQ
from imp_consent.ledger.reader import Reader
from imp_consent.policy.cuts import Cut, cut_rectangle
from imp_consent.policy.decide import PERMITTING, STRICTNESS, Reason
from imp_consent.policy.project import TABLE
from imp_consent.policy.state import Rectangle, Scope

__all__ = [
    "DECIDED_SQL",
    "OVERLAPPING_SQL",
    "PASSING_SQL",
    "PERMITTED_SQL",
    "RECTANGLES",
    "REFUSED_SQL",
    "arrow_of",
    "decided_sql",
    "rectangles",
]

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
_DECIDED: Final = (
    "SELECT a.*, COALESCE(x.permit AND y.permit, false) AS permitted,"  # noqa: S608 (no value is pasted in)
    f" CASE WHEN {_RANK.format(r='x')} >= {_RANK.format(r='y')} THEN COALESCE(x.reason, '{Reason.NO_RECORD}')"
    f" ELSE COALESCE(y.reason, '{Reason.NO_RECORD}') END AS decided"
    " FROM {rows} a"
    f" LEFT JOIN consent_rectangle x ON {_FIRST.format(r='x')}"
    f" LEFT JOIN consent_rectangle y ON {_SECOND.format(r='y')}"
)

# Rows with two columns more: `permitted`, and `decided`, the stricter reason of their two decisions; with the
# parameters $read_us and $n. A row passes iff the gate is open for (event_us, intake_seq) and for ($read_us, $n), the
# time of reading and the ledger's size then. This asks about each row there is: `stage` asks it only of whom it must.
DECIDED_SQL: Final = _DECIDED.format(rows="archive_row")
# The set form, on a DuckDB connection where `stage` was: the rows that pass, and those that do not, with the reason.
PERMITTED_SQL: Final = "SELECT * EXCLUDE (permitted, decided) FROM consent_tested WHERE permitted"
PASSING_SQL: Final = f"SELECT * FROM consent_untested UNION ALL {PERMITTED_SQL}"  # noqa: S608 (our own text)
REFUSED_SQL: Final = "SELECT * EXCLUDE (permitted) FROM consent_tested WHERE NOT permitted"
# Subjects for whom two rectangles cover one point: an old row was put back, MAC and all. There must be none.
OVERLAPPING_SQL: Final = (
    "SELECT a.subject FROM consent_rectangle a JOIN consent_rectangle b ON a.subject = b.subject AND a.rowid < b.rowid"
    " WHERE a.from_us < b.to_us AND b.from_us < a.to_us AND a.from_seq < b.to_seq AND b.from_seq < a.to_seq LIMIT 1"
)


def rectangles(reader: Reader, purpose: str, channel: str | None = None, *, size: int | None = None) -> pa.Table:
    """Every rectangle that decides a use of this purpose on this channel, resolved: at most one covers a point.

    They are as known at ledger size `size` (None: the reader's): what was said since neither closes one nor adds any.
    A subject's rectangles of one scope end where, in knowledge, a nearer scope begins: of the purpose rather than of
    those above it, of the channel rather than of all.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    size = reader.size if size is None else size
    cuts = known_cuts(reader, purpose, size=size)
    rows = _resolved(reader, purpose, channel or EVERY_CHANNEL, size, cuts)
    return arrow_of(rows)


def decided_sql(rows: str) -> str:
    """`DECIDED_SQL` of other rows: our own table or sub-query with `subject`, `event_us` and `intake_seq`."""
    return _DECIDED.format(rows=rows)


def arrow_of(rows: Iterable[tuple[object, ...]]) -> pa.Table:
    """Rows of `RECTANGLES` as a table."""
    batches = []
    held: list[tuple[object, ...]] = []
    for row in rows:
        held.append(row)
        if len(held) >= _ROWS:
            batches.append(_arrow(held))
            held = []
    return pa.Table.from_batches([*batches, _arrow(held)], RECTANGLES)


def _resolved(
    reader: Reader, purpose: str, channel: str, size: int, cuts: Sequence[Cut]
) -> Iterator[tuple[object, ...]]:
    """Rows of `RECTANGLES`. Written out: at a million rectangles every call counts."""
    began: dict[object, int] = {}
    where = "purpose = ? AND channel = ? AND from_seq <= ?"
    ordered = _named(reader, purpose, channel)
    for scope in ordered:
        nearer, last = dict(began), scope is ordered[-1]
        for row in reader.sealed.select(TABLE, where, (*scope, size)):
            subject, _, _, from_us, from_seq, to_us, to_seq, permit, reason, _ = row
            end = to_seq if integer(to_seq) <= size else FOREVER_SEQ
            if not last:
                began[subject] = min(began.get(subject, FOREVER_SEQ), integer(from_seq))
            if nearer:
                end = min(integer(end), nearer.get(subject, FOREVER_SEQ))
                if integer(from_seq) >= end:
                    continue
            if reason == Reason.NO_RECORD or (scope.purpose != purpose and reason not in INHERITED):
                continue
            if cuts and reason in PERMITTING:
                yield from _cut(row, integer(end), cuts)
            else:
                yield subject, from_us, to_us, from_seq, end, permit, reason


def _named(reader: Reader, purpose: str, channel: str) -> list[Scope]:
    """The scopes that may answer, the nearest first, of which there are rows."""
    query = f"SELECT 1 FROM {TABLE} WHERE purpose = ? AND channel = ? LIMIT 1"  # noqa: S608 (one of our names)
    return [scope for scope in order_of(purpose, channel) if reader.sql.execute(query, scope).fetchone()]


def _cut(row: Sequence[object], end: int, cuts: Sequence[Cut]) -> Iterator[tuple[object, ...]]:
    subject, _, _, from_us, from_seq, to_us, _, permit, reason, entries = row
    whole = Rectangle(
        integer(from_us), integer(to_us), integer(from_seq), end, bool(permit), str(reason),
        tuple(json.loads(str(entries))),
    )  # fmt: skip
    for piece in cut_rectangle(whole, cuts):
        yield subject, piece.from_us, piece.to_us, piece.from_seq, piece.to_seq, piece.permit, str(piece.reason)


def _arrow(rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(RECTANGLES)
    arrays = []
    for column, field in zip(columns, RECTANGLES, strict=True):
        values = map(bool, column) if field.name == "permit" else column
        arrays.append(pa.array(values, type=field.type))
    return pa.record_batch(arrays, schema=RECTANGLES)
