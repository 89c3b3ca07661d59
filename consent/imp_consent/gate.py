"""The gate: may this person's data be used so, at this event time, as known at this ledger size?

Three forms give one answer: `ConsentGate.decide` for one use, `decide_many` for intake's chunks, and the set form on
DuckDB (`rectangles` and the SQL texts) for the view. All read `consent_state`, whose rows are checked against their
MACs, and none of them is a hook. Their agreement with the entries themselves is tested against a fold that shares no
code with them (`tests/consent/policy/test_forms_agree.py`).
"""

from __future__ import annotations

import json
import logging
import sqlite3
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry
from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.tables import FOREVER_SEQ
from imp_consent.policy.decide import STRICTNESS, Reason, decision, stricter
from imp_consent.policy.project import TABLE, parse_row
from imp_consent.policy.state import Segment
from imp_core.errors import ImpError, LedgerBroken
from imp_core.event import RawId
from imp_core.gate import Decision, Use

__all__ = [
    "DECIDED_SQL",
    "PASSING_SQL",
    "RECTANGLES",
    "REFUSED_SQL",
    "ConsentGate",
    "Decisions",
    "Memory",
    "decide_in",
    "decide_many",
    "known_at",
    "rectangles",
]

_logger = logging.getLogger(__name__)
_SUBJECTS = 10_000  # subjects asked for at once
_REMEMBERED = 100_000  # subjects whose answers are kept, for each purpose and channel
_ROWS = 100_000  # rectangles in one Arrow batch
_ONE: Final = "subject = ? AND purpose = ? AND channel IN (?, '') AND from_seq <= ? AND to_seq > ?"
_MANY: Final = _ONE.replace("subject = ?", "subject IN (SELECT value FROM json_each(?))")

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
# The rows that do not pass, with `decided`, the reason.
REFUSED_SQL: Final = f"SELECT * EXCLUDE (permitted) FROM ({DECIDED_SQL}) WHERE NOT permitted"  # noqa: S608 (as above)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Answers row by row: permitted or not, the reason, and the entry that decided for the event time (None: none)."""

    permitted: list[bool]
    reasons: list[str]
    basis: list[int | None]


class ConsentGate:
    """The gate in point form. Whatever goes wrong inside, the answer is a denial, `ledger_unavailable`."""

    def __init__(self, open_log: Callable[[], Log]) -> None:
        self._open_log = open_log

    def decide(self, use: Use, *, at_us: int, known_at: int | None = None) -> Decision:
        """Decide one use of one subject at event time `at_us`, as known at ledger size `known_at` (None: now)."""
        try:
            with self._open_log().read() as reader:
                return decide_in(reader, use, at_us=at_us, known_at=known_at)
        except Exception as error:  # noqa: BLE001 (default deny: no breakage may open the gate or look like an answer)
            # Only our own errors' words are known to hold nobody's data.
            _logger.warning("the gate is closed: %s", error if isinstance(error, ImpError) else type(error).__name__)
            return decision(Reason.LEDGER_UNAVAILABLE)

    def resolve(self, raw_id: RawId) -> int | None:
        """The subject behind an identifier, or None; looks up and never creates.

        Raises:
            BadInput: the identifier's kind is unknown or its value is malformed.
            LedgerBroken: the ledger cannot be read.
        """
        try:
            with self._open_log().read() as reader:
                return reader.find_subject(raw_id)
        except sqlite3.Error as error:
            raise LedgerBroken(f"the database cannot be read: {type(error).__name__}", where="ledger") from None


def decide_in(reader: Reader, use: Use, *, at_us: int, known_at: int | None = None) -> Decision:
    """The point form inside a snapshot or transaction.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    if use.subject is None:
        return decision(Reason.NO_RECORD)
    size = reader.size if known_at is None else known_at
    channel = use.channel or EVERY_CHANNEL
    rows = reader.sealed.select(TABLE, _ONE, (use.subject, use.purpose, channel, size, size))
    for segment in _timeline(rows):
        if segment.from_us <= at_us < segment.to_us:
            return decision(segment.reason, segment.entries)
    return decision(Reason.NO_RECORD)


def decide_many(
    reader: Reader,
    subjects: Sequence[int | None],
    event_us: Sequence[int],
    *,
    purpose: str,
    channel: str | None,
    now_us: int,
    size: int | None = None,
    memory: Memory | None = None,
) -> Decisions:
    """Decide for every row twice, at its event time and now, as known at ledger size `size` (None: the reader's).

    A row's reason is the stricter of its two; subject None is nobody known. With a `memory`, whose size and present
    hold instead, nobody is looked up twice for one purpose and channel.

    Raises:
        LedgerBroken: a rectangle was changed by other hands; nothing is decided then.
    """
    memory = memory or Memory(size=reader.size if size is None else size, now_us=now_us)
    wanted = {subject for subject in subjects if subject is not None}
    answers = memory.answers(reader, wanted, purpose=purpose, channel=channel or EVERY_CHANNEL)
    permitted: list[bool] = []
    reasons: list[str] = []
    basis: list[int | None] = []
    for subject, at_us in zip(subjects, event_us, strict=True):
        answer = answers.get(subject) if subject is not None else None
        if answer is None:
            reason, seq = str(Reason.NO_RECORD), None
        else:
            reason, seq = answer.at(at_us)
        permitted.append(reason == Reason.GIVEN)
        reasons.append(reason)
        basis.append(seq)
    return Decisions(permitted=permitted, reasons=reasons, basis=basis)


def rectangles(reader: Reader, purpose: str, channel: str | None = None) -> pa.Table:
    """Every rectangle that decides a use of this purpose on this channel, resolved: at most one covers a point.

    A subject's rectangles without a channel end where, in knowledge, its own scope of the channel begins.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    batches = []
    rows: list[tuple[object, ...]] = []
    for row in _resolved(reader, purpose, channel or EVERY_CHANNEL):
        rows.append(row)
        if len(rows) >= _ROWS:
            batches.append(_arrow(rows))
            rows = []
    return pa.Table.from_batches([*batches, _arrow(rows)], RECTANGLES)


def known_at(history: Sequence[PersonEntry], time_us: int) -> int:
    """The ledger size at which a subject's entries recorded up to a time, and no later ones, are known."""
    known = 0
    for entry in history:
        recorded = entry.payload.get("recorded_us")
        if isinstance(recorded, int) and recorded <= time_us:
            known = max(known, entry.seq + 1)
    return known


class _Answer:
    """One subject's answers at one knowledge: what holds now, and what held at an event time."""

    __slots__ = ("_now", "_segments", "_starts")

    def __init__(self, segments: list[Segment], now_us: int) -> None:
        self._segments = sorted(segments)
        self._starts = [segment.from_us for segment in self._segments]
        self._now = self._held(now_us)[0]

    def at(self, at_us: int) -> tuple[str, int | None]:
        """The stricter reason of then and now, and the entry that decided then."""
        reason, seq = self._held(at_us)
        return (reason if reason == self._now else stricter(reason, self._now)), seq

    def _held(self, at_us: int) -> tuple[str, int | None]:
        index = bisect_right(self._starts, at_us) - 1
        if index < 0 or at_us >= self._segments[index].to_us:
            return str(Reason.NO_RECORD), None
        return self._segments[index].reason, self._segments[index].entries[0]


class Memory:
    """What the gate answers at one ledger size and one present, kept for one source's chunks after one another.

    Past knowledge does not change, so an answer stays right, but for an erasure, which destroys it: whoever keeps
    answers for longer than one snapshot asks again before acting on them, as intake does.
    """

    __slots__ = ("_found", "_now_us", "_size")

    def __init__(self, *, size: int, now_us: int) -> None:
        self._size = size
        self._now_us = now_us
        self._found: dict[tuple[str, str], dict[int, _Answer | None]] = defaultdict(dict)

    def answers(
        self, reader: Reader, subjects: Set[int], *, purpose: str, channel: str
    ) -> Mapping[int, _Answer | None]:
        """The answers about (at least) these subjects; None or nothing is no record."""
        found = self._found[purpose, channel]
        missing = sorted(subjects - found.keys())
        if len(found) + len(missing) > _REMEMBERED:
            found.clear()
            missing = sorted(subjects)
        found.update(dict.fromkeys(missing))
        found.update(_answers(reader, missing, purpose=purpose, channel=channel, size=self._size, now_us=self._now_us))
        return found


def _answers(
    reader: Reader, subjects: list[int], *, purpose: str, channel: str, size: int, now_us: int
) -> Iterator[tuple[int, _Answer]]:
    for start in range(0, len(subjects), _SUBJECTS):
        chunk = json.dumps(subjects[start : start + _SUBJECTS])
        rows: dict[int, list[tuple[object, ...]]] = defaultdict(list)
        for row in reader.sealed.select(TABLE, _MANY, (chunk, purpose, channel, size, size)):
            rows[_integer(row[0])].append(row)
        for subject, found in rows.items():
            yield subject, _Answer(_timeline(iter(found)), now_us)


def _timeline(rows: Iterator[tuple[object, ...]]) -> list[Segment]:
    """Of one subject's rows at one knowledge, those that decide: the channel's own where it has any."""
    own: list[Segment] = []
    general: list[Segment] = []
    for row in rows:
        _, scope, rectangle = parse_row(row)
        (general if scope.channel == EVERY_CHANNEL else own).append(rectangle.segment)
    return own or general


def _resolved(reader: Reader, purpose: str, channel: str) -> Iterator[tuple[object, ...]]:
    """Rows of `RECTANGLES`. Written out: at a million rectangles every call counts."""
    began: dict[object, int] = {}
    if channel != EVERY_CHANNEL:
        for row in reader.sealed.select(TABLE, "purpose = ? AND channel = ?", (purpose, channel)):
            subject, _, _, from_us, from_seq, to_us, to_seq, permit, reason, _ = row
            began[subject] = min(began.get(subject, FOREVER_SEQ), _integer(from_seq))
            yield subject, from_us, to_us, from_seq, to_seq, permit, reason
    for row in reader.sealed.select(TABLE, "purpose = ? AND channel = ''", (purpose,)):
        subject, _, _, from_us, from_seq, to_us, to_seq, permit, reason, _ = row
        end = min(_integer(to_seq), began.get(subject, FOREVER_SEQ)) if began else to_seq
        if not began or _integer(from_seq) < _integer(end):
            yield subject, from_us, to_us, from_seq, end, permit, reason


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise LedgerBroken("a value of the wrong type", where=TABLE, mend="run: imp audit verify")
    return value


def _arrow(rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(RECTANGLES)
    arrays = []
    for column, field in zip(columns, RECTANGLES, strict=True):
        values = map(bool, column) if field.name == "permit" else column
        arrays.append(pa.array(values, type=field.type))
    return pa.record_batch(arrays, schema=RECTANGLES)
