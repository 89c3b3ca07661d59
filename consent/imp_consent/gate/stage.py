"""The gate put between an archive in DuckDB and its reader: tables of who passes, and of why others do not."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol

import pyarrow as pa

from imp_consent.gate.frames import DOUBTFUL_SQL, OVERLAPPING_SQL, arrow_of
from imp_consent.gate.state_rows import integer
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.tables import FOREVER_SEQ
from imp_consent.policy.decide import Reason
from imp_consent.policy.project import TABLE
from imp_core.errors import LedgerBroken

__all__ = ["Box", "Connection", "not_covered", "outside_of", "stage", "unanswered"]

_SUBJECTS: Final = 10_000
_OTHERS: Final = "subject IN (SELECT value FROM json_each(?)) AND purpose <> ? AND permit AND from_seq <= ?"

# Subjects whose permission holds for the time of reading; of these, those for whom it holds for every row of the
# archive, and for the rest the rectangles that permit.
_OPEN: Final = (
    "CREATE OR REPLACE TEMP TABLE consent_open AS SELECT subject FROM consent_rectangle WHERE permit"
    " AND from_us <= $read_us AND $read_us < to_us AND from_seq <= $n AND $n < to_seq"
)
_WHOLE: Final = (
    "CREATE OR REPLACE TEMP TABLE consent_whole AS SELECT x.subject FROM consent_rectangle x"
    " SEMI JOIN consent_open y ON x.subject = y.subject,"
    " (SELECT min(event_us) AS first_us, max(event_us) AS last_us, min(intake_seq) AS first_seq,"
    " max(intake_seq) AS last_seq FROM archive_row)"
    " WHERE x.permit AND x.from_us <= first_us AND last_us < x.to_us"
    " AND x.from_seq <= first_seq AND last_seq < x.to_seq"
)
_PART: Final = (
    "CREATE OR REPLACE TEMP TABLE consent_part AS SELECT x.* FROM consent_rectangle x"
    " SEMI JOIN consent_open y ON x.subject = y.subject ANTI JOIN consent_whole w ON x.subject = w.subject"
    " WHERE x.permit"
)
# Whose rows have to be looked at one by one.
_DOUBT: Final = (
    "CREATE OR REPLACE TEMP TABLE consent_doubt AS SELECT DISTINCT a.subject FROM archive_row a"
    " ANTI JOIN consent_whole w ON w.subject = a.subject"
)
_UNANSWERED: Final = f"SELECT DISTINCT subject FROM ({DOUBTFUL_SQL}) WHERE decided = '{Reason.NO_RECORD}' ORDER BY 1"  # noqa: S608 (the gate's own text)


class Connection(Protocol):
    """A connection of DuckDB's, as far as the gate needs one: it opens none, and reads no archive by itself."""

    def execute(self, query: str, parameters: object = None, /) -> Any:  # noqa: ANN401 (DuckDB's own connection)
        """Run one statement; the answer has `fetchall`."""
        ...

    def register(self, name: str, table: object, /) -> Any:  # noqa: ANN401 (as above)
        """Let a table be known by a name."""
        ...

    def unregister(self, name: str, /) -> Any:  # noqa: ANN401 (as above)
        """Forget it."""
        ...


# Event time [from_us, to_us) × knowledge [from_seq, to_seq).
Box = tuple[int, int, int, int]


def stage(
    connection: Connection,
    allowed: pa.Table,
    *,
    read_us: int,
    n: int,
    explain: Callable[[list[int]], pa.Table] | None = None,
) -> None:
    """Put `rectangles` of a use into a connection that knows `archive_row`, as the set form's SQL texts want them.

    `explain` is told of which subjects nothing answers, and returns rectangles that say why: see `not_covered`.

    Raises:
        LedgerBroken: two rectangles cover one point.
    """
    connection.register("consent_arrow", allowed)
    connection.execute("CREATE OR REPLACE TEMP TABLE consent_rectangle AS SELECT * FROM consent_arrow")
    connection.unregister("consent_arrow")
    if connection.execute(OVERLAPPING_SQL).fetchall():
        raise LedgerBroken("two answers for one point", where=TABLE, mend="run: imp audit verify")
    connection.execute(_OPEN, {"read_us": read_us, "n": n})
    connection.execute(_WHOLE)
    connection.execute(_PART)
    connection.execute(_DOUBT)
    if explain is not None and (subjects := unanswered(connection, read_us=read_us, n=n)):
        connection.register("consent_arrow", explain(subjects))
        connection.execute("INSERT INTO consent_rectangle SELECT * FROM consent_arrow")
        connection.unregister("consent_arrow")


def unanswered(connection: Connection, *, read_us: int, n: int) -> list[int]:
    """Subjects with a row about which, then or at the time of reading, nothing answers."""
    return [subject for (subject,) in connection.execute(_UNANSWERED, {"read_us": read_us, "n": n}).fetchall()]


def not_covered(reader: Reader, purpose: str, subjects: list[int], connection: Connection, *, size: int) -> pa.Table:
    """Where nothing answers for these subjects although they permit another purpose, as rows of `RECTANGLES`.

    Raises:
        LedgerBroken: a rectangle was changed by other hands.
    """
    return arrow_of(_not_covered(reader, purpose, subjects, connection, size))


def outside_of(box: Box, taken: Iterable[Box]) -> list[Box]:
    """The parts of a box that none of `taken` covers, disjoint."""
    left = [box]
    for other in taken:
        left = [piece for part in left for piece in _without(part, other)]
    return left


def _not_covered(
    reader: Reader, purpose: str, subjects: list[int], connection: Connection, size: int
) -> Iterator[tuple[object, ...]]:
    for start in range(0, len(subjects), _SUBJECTS):
        chunk = subjects[start : start + _SUBJECTS]
        taken: dict[int, list[Box]] = defaultdict(list)
        query = (
            "SELECT subject, from_us, to_us, from_seq, to_seq FROM consent_rectangle"
            " WHERE subject IN (SELECT unnest($subjects))"
        )
        for subject, *box in connection.execute(query, {"subjects": chunk}).fetchall():
            taken[subject].append((box[0], box[1], box[2], box[3]))
        for row in reader.sealed.select(TABLE, _OTHERS, (json.dumps(chunk), purpose, size)):
            subject, from_us, from_seq, to_us, to_seq = (integer(row[place]) for place in (0, 3, 4, 5, 6))
            whole = (from_us, to_us, from_seq, to_seq if to_seq <= size else FOREVER_SEQ)
            for piece in outside_of(whole, taken[subject]):
                taken[subject].append(piece)
                yield subject, *piece, False, str(Reason.PURPOSE_NOT_COVERED)


def _without(box: Box, other: Box) -> Iterator[Box]:
    from_us, to_us, from_seq, to_seq = box
    begins_us, ends_us = max(from_us, other[0]), min(to_us, other[1])
    begins_seq, ends_seq = max(from_seq, other[2]), min(to_seq, other[3])
    if begins_us >= ends_us or begins_seq >= ends_seq:
        yield box
        return
    pieces = (
        (from_us, begins_us, from_seq, to_seq),
        (ends_us, to_us, from_seq, to_seq),
        (begins_us, ends_us, from_seq, begins_seq),
        (begins_us, ends_us, ends_seq, to_seq),
    )
    yield from (piece for piece in pieces if piece[0] < piece[1] and piece[2] < piece[3])
