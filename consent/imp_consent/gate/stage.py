"""The gate put between an archive in DuckDB and its reader: tables of who passes, and of why others do not."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

import pyarrow as pa

from imp_consent.gate.frames import OVERLAPPING_SQL, arrow_of, decided_sql
from imp_consent.gate.state_rows import integer
from imp_consent.ledger.layout import FOREVER_SEQ
from imp_consent.ledger.reader import Reader
from imp_consent.policy.decide import Reason
from imp_consent.policy.project import TABLE
from imp_core.errors import LedgerBroken

__all__ = ["Box", "Connection", "Staged", "not_covered", "outside_of", "stage"]

_SUBJECTS: Final = 10_000
_OTHERS: Final = "subject IN (SELECT value FROM json_each(?)) AND purpose <> ? AND permit AND from_seq <= ?"

# The archive's rows lie in one window of event times and knowledge.
_WINDOW: Final = (
    "CREATE OR REPLACE TEMP TABLE consent_window AS SELECT min(event_us) AS first_us, max(event_us) + 1 AS end_us,"
    " min(intake_seq) AS first_seq, max(intake_seq) + 1 AS end_seq FROM archive_row"
)
# Subjects whose permission holds for the time of reading and for the whole window, in one rectangle or in several:
# as no two of a subject cover one point (`OVERLAPPING_SQL`), they fill the window iff their shares of it add up to it.
_WHOLE: Final = (
    "CREATE OR REPLACE TEMP TABLE consent_whole AS SELECT x.subject FROM consent_rectangle x"
    " SEMI JOIN (SELECT subject FROM consent_rectangle WHERE permit"
    " AND from_us <= $read_us AND $read_us < to_us AND from_seq <= $n AND $n < to_seq) y ON x.subject = y.subject"
    " CROSS JOIN consent_window WHERE x.permit"
    " AND from_us < end_us AND first_us < to_us AND from_seq < end_seq AND first_seq < to_seq"
    " GROUP BY x.subject HAVING sum((least(to_us, end_us) - greatest(from_us, first_us))::HUGEINT"
    " * (least(to_seq, end_seq) - greatest(from_seq, first_seq)))"
    " = any_value((end_us - first_us)::HUGEINT * (end_seq - first_seq))"
)
# The rows of all others, each asked twice; and whose they are.
_TESTED: Final = "CREATE OR REPLACE TEMP TABLE consent_tested AS " + decided_sql(  # noqa: S608 (columns are quoted)
    "(SELECT {columns} FROM archive_row r ANTI JOIN consent_whole w ON w.subject = r.subject)"
)
_DOUBT: Final = (
    "CREATE OR REPLACE TEMP TABLE consent_doubt AS SELECT DISTINCT subject FROM consent_tested"
    " WHERE subject IS NOT NULL"
)
# The rows about which nothing is asked one by one: everybody is in one of the two tables, so the smaller one tells.
_UNTESTED: Final = "CREATE OR REPLACE TEMP VIEW consent_untested AS "
_KNOWN_WHOLE: Final = "SEMI JOIN consent_whole w ON w.subject = r.subject"
_NOT_IN_DOUBT: Final = "ANTI JOIN consent_doubt w ON w.subject = r.subject WHERE r.subject IS NOT NULL"
_FEW_IN_DOUBT: Final = "SELECT (SELECT count(*) FROM consent_doubt) < (SELECT count(*) FROM consent_whole)"
_UNANSWERED: Final = f"SELECT DISTINCT subject FROM consent_tested WHERE decided = '{Reason.NO_RECORD}' ORDER BY 1"  # noqa: S608 (a reason's code)
# `no_record` is the mildest denial: no other answer changes by what else is known of where nothing was said.
_OPEN_QUESTIONS: Final = (
    "(SELECT rowid AS place, subject, event_us, intake_seq FROM consent_tested"  # noqa: S608 (a reason's code)
    f" WHERE decided = '{Reason.NO_RECORD}')"
)
_EXPLAINED: Final = (
    f"UPDATE consent_tested t SET decided = d.decided FROM ({decided_sql(_OPEN_QUESTIONS)}) d"  # noqa: S608 (our own text)
    " WHERE t.rowid = d.place"
)


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


class Staged(NamedTuple):
    """What `stage` put into a connection: the columns of its rows, and which table tells who is not tested."""

    columns: str
    few_in_doubt: bool

    def untested_sql(self, rows: str) -> str:
        """The rows about which nothing is asked one by one, of `rows`, which is what SQL calls a table."""
        who = _NOT_IN_DOUBT if self.few_in_doubt else _KNOWN_WHOLE
        return f"SELECT {self.columns} FROM {rows} r {who}"  # noqa: S608 (columns are quoted)

    def keep_passing(self, connection: Connection) -> None:
        """Let a connection forget what did not pass, and who else said what; what passes can be read as before."""
        connection.execute("DELETE FROM consent_tested WHERE NOT permitted")
        connection.execute("DROP TABLE consent_rectangle")
        connection.execute("DROP TABLE consent_window")
        connection.execute(f"DROP TABLE {'consent_whole' if self.few_in_doubt else 'consent_doubt'}")


# Event time [from_us, to_us) × knowledge [from_seq, to_seq).
Box = tuple[int, int, int, int]


def stage(
    connection: Connection,
    allowed: pa.Table,
    *,
    read_us: int,
    n: int,
    columns: Sequence[str] | None = None,
    explain: Callable[[list[int]], pa.Table] | None = None,
) -> Staged:
    """Put `rectangles` of a use into a connection that knows `archive_row`, as the set form's SQL texts want them.

    Whose permission covers every row there is, is not asked about each; the rows of the others are, and are kept with
    what was decided. `columns` are those of the archive that are wanted beside the three that the gate needs (None:
    all). `explain` is told of which subjects nothing answers, and returns rectangles that say why: see `not_covered`.

    Raises:
        LedgerBroken: two rectangles cover one point.
    """
    connection.register("consent_arrow", allowed)
    connection.execute("CREATE OR REPLACE TEMP TABLE consent_rectangle AS SELECT * FROM consent_arrow")
    connection.unregister("consent_arrow")
    if connection.execute(OVERLAPPING_SQL).fetchall():
        raise LedgerBroken("two answers for one point", where=TABLE, mend="run: imp audit verify")
    parameters, wanted = {"read_us": read_us, "n": n}, _selected(columns)
    connection.execute(_WINDOW)
    connection.execute(_WHOLE, parameters)
    connection.execute(_TESTED.format(columns=wanted), parameters)
    connection.execute(_DOUBT)
    ((few_in_doubt,),) = connection.execute(_FEW_IN_DOUBT).fetchall()
    staged = Staged(wanted, bool(few_in_doubt))
    connection.execute(_UNTESTED + staged.untested_sql("archive_row"))
    if explain is not None and (subjects := _unanswered(connection)):
        connection.register("consent_arrow", explain(subjects))
        connection.execute("INSERT INTO consent_rectangle SELECT * FROM consent_arrow")
        connection.unregister("consent_arrow")
        connection.execute(_EXPLAINED, parameters)
    return staged


def _selected(columns: Sequence[str] | None) -> str:
    """The columns that are read, quoted: names may come from an experiment's file."""
    if columns is None:
        return "r.*"
    names = dict.fromkeys(("subject", "event_us", "intake_seq", *columns))
    return ", ".join('r."{}"'.format(name.replace('"', '""')) for name in names)


def _unanswered(connection: Connection) -> list[int]:
    """Subjects with a row about which, then or at the time of reading, nothing answers."""
    return [subject for (subject,) in connection.execute(_UNANSWERED).fetchall()]


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
