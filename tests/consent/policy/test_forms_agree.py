"""The gate's forms against an oracle that shares no code and no table with them: a clerk reading the raw entries."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from imp_consent.gate import ConsentGate, decide_in, decide_many
from imp_consent.gate.answer import Answer
from imp_consent.gate.frames import DECIDED_SQL, PASSING_SQL, REFUSED_SQL, rectangles
from imp_consent.gate.stage import not_covered, stage
from imp_consent.gate.state_rows import timeline_of
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.log import Log
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.view import ConsentUse
from imp_consent.policy.project import format_row
from imp_consent.policy.scope import lineage
from imp_consent.policy.state import Rectangle, Scope, replay
from imp_core.event import RawId
from imp_core.gate import Action, Use
from imp_core.ports import CheckpointInfo

_SPEC = importlib.util.spec_from_file_location("slow_fold", Path(__file__).with_name("slow_fold.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
slow_fold = sys.modules["slow_fold"] = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(slow_fold)

Trial = Callable[[], AbstractContextManager[Transaction]]
CHANNELS = ("", "mail", "text")
PURPOSES = ("ads", "ads.mail", "ads.mail.news", "tests", "never.named")
TRAITS = ((), (), ("direct-marketing",), ("sale",), ("direct-marketing", "sale"))
TYPES = (
    *["grant"] * 5, *["withdraw", "lift"] * 3, *["basis", "refuse", "object", "signal", "guardian"] * 2,
    "limit-sensitive", "restrict", "minor", "correction", "link", "request", "lost", "erase-requested",
)  # fmt: skip
BASES = ("contract", "public-task", "legitimate-interest", "soft-opt-in", "opt-out-notice")
TIMES = st.integers(0, 12)


@dataclass(frozen=True)
class Changed:
    """A notice that changes materially, between two statements; or the purpose itself."""

    purpose: str
    at: int
    itself: bool


def fields(draw: st.DrawFn, type_: str, purpose: str) -> dict[str, Any]:
    """What a statement of a type says beside its purpose, channel and time."""

    def one(*of: Any) -> Any:
        return draw(st.sampled_from(of))

    if type_ in ("grant", "basis"):
        below = [name for name in PURPOSES if name.startswith(f"{purpose}.")]
        covers = tuple(sorted(draw(st.sets(st.sampled_from(below))))) if below else ()
        more: dict[str, Any] = {"traits": one(*TRAITS), "covers": covers, "bundled": draw(st.integers(0, 9)) == 9}
        if type_ == "basis":
            return {**more, "basis": one(*BASES)}
        return {**more, "consent": one(None, None, "explicit", "separate"), "informed": one(True, False)} | {
            "by": (by := one(None, None, "guardian")),
            "needs": by and one(None, "guardian"),
        }
    if type_ in ("object", "signal", "limit-sensitive", "restrict", "minor", "withdraw", "refuse"):
        usual = type_ in ("object", "signal", "limit-sensitive")
        more = {"traits": one(*TRAITS) if usual else one((), (), (), ("sale",))}
        if type_ == "refuse":
            return {**more, "by": one(None, None, "guardian")}
        if type_ != "minor":
            return more
        needs = one("guardian", "both", "both", "own", "nobody")
        return {**more, "needs": needs, "consent": one(None, None, "separate")}
    return {"lifts": one("restrict", "object", "limit-sensitive")} if type_ == "lift" else {}


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    """One statement on a small calendar, so that ties, back-dating and expiry are common."""
    type_ = draw(st.sampled_from(TYPES))
    if type_ in ("erase-requested", "lost"):
        # they are for good; most examples do without
        type_ = draw(st.sampled_from([type_, "withdraw", "grant"]))
    at = draw(TIMES)
    ends = type_ in ("grant", "basis", "refuse", "minor", "guardian") or draw(st.integers(0, 9)) == 9
    lasts = draw(st.none() | st.integers(0, 8)) if ends else None
    whole = type_ in ("erase-requested", "lost")
    purpose = "*" if whole else draw(st.sampled_from(["ads"] * 3 + ["ads.mail"] * 4 + ["ads.mail.news", "tests", "*"]))
    return Statement(
        type=type_,
        purpose=purpose,
        channel="" if whole else draw(st.sampled_from(CHANNELS)),
        at_us=at,
        until_us=None if lasts is None else at + lasts,
        corrects=draw(st.integers(0, 6)) if type_ == "correction" else None,  # an entry of that number, see `settle`
        **fields(draw, type_, purpose),
    )


def line(seq: int, said: Statement) -> Any:
    """A line of the clerk's file."""
    more = ("covers", "traits", "consent", "bundled", "informed", "by", "basis", "lifts", "needs", "corrects")
    return slow_fold.Line(
        seq, said.type, said.purpose, said.channel, said.at_us, said.until_us, **{n: getattr(said, n) for n in more}
    )


@dataclass(frozen=True)
class _Fact:
    seq: int
    statement: Statement


def facts_of(history: list[Statement], step: int = 1) -> list[_Fact]:
    """The history numbered; corrections name entries of it."""
    return [
        _Fact(seq * step, said if said.corrects is None else replace(said, corrects=said.corrects * step))
        for seq, said in enumerate(history)
    ]


def answer_of(made: dict[Scope, list[Rectangle]], purpose: str, channel: str, size: int) -> Answer:
    """What the gate makes of rectangles that lie in no table."""
    rows = [
        format_row(1, scope, rectangle)
        for scope, rectangles_ in made.items()
        if scope.purpose in lineage(purpose) and scope.channel in ("", channel)
        for rectangle in rectangles_
        if rectangle.from_seq <= size < rectangle.to_seq
    ]
    answer = Answer(timeline_of(rows, purpose, channel))
    answer.others = [
        (r.from_us, r.to_us)
        for scope, rectangles_ in made.items()
        for r in rectangles_
        if scope.purpose != purpose and r.permit and r.from_seq <= size < r.to_seq
    ]
    return answer


histories = st.lists(statements(), min_size=1, max_size=8)


@settings(max_examples=250, deadline=None)
@given(histories, st.sampled_from(PURPOSES), st.sampled_from(CHANNELS))
def test_the_fold_answers_as_the_clerk_does_at_every_point_of_time_and_knowledge(
    history: list[Statement], purpose: str, channel: str
) -> None:
    facts = facts_of(history, 2)  # other people's entries lie between
    made = replay(facts)
    clerk = slow_fold.Clerk([line(fact.seq, fact.statement) for fact in facts])
    for size in range(2 * len(facts) + 2):
        answer = answer_of(made, purpose, channel, size)
        for at in range(-1, 21, 1 if size == 2 * len(facts) else 3):
            segment = answer.at(at)
            told = (answer.reason_at(at), segment.entries[0] if segment else None)
            right = clerk.answer(purpose, channel, at, size)
            assert told == (right.reason, right.seq), (purpose, channel, at, size)


@settings(max_examples=200, deadline=None)
@given(histories)
def test_rectangles_of_a_scope_are_never_empty_and_never_overlap(history: list[Statement]) -> None:
    for made in replay(facts_of(history)).values():
        for i, one in enumerate(made):
            assert one.from_us < one.to_us
            assert one.from_seq < one.to_seq
            assert one.permit == (one.reason in ("given", "basis"))
            for other in made[i + 1 :]:
                apart_in_time = one.to_us <= other.from_us or other.to_us <= one.from_us
                apart_in_knowledge = one.to_seq <= other.from_seq or other.to_seq <= one.from_seq
                assert apart_in_time or apart_in_knowledge, (one, other)


@settings(max_examples=150, deadline=None)
@given(histories)
def test_r59_what_was_known_before_is_never_told_differently_after(history: list[Statement]) -> None:
    facts = facts_of(history)
    whole, before = replay(facts), replay(facts[:-1])
    for purpose in PURPOSES:
        for channel in CHANNELS:
            for size in range(len(facts)):
                then, later = (answer_of(made, purpose, channel, size) for made in (before, whole))
                assert [then.reason_at(at) for at in range(-1, 21)] == [later.reason_at(at) for at in range(-1, 21)]


@st.composite
def towns(draw: st.DrawFn) -> list[tuple[int, Statement] | Changed]:
    """Three people's statements as they came in, mixed, and notices that changed meanwhile."""
    spoken = st.tuples(st.integers(0, 2), statements())
    changed = st.builds(Changed, st.sampled_from(["ads", "ads.mail", "tests"]), TIMES, st.booleans())
    return draw(st.lists(st.one_of(spoken, spoken, spoken, spoken, changed), min_size=1, max_size=14))


@dataclass(frozen=True)
class Town:
    """Three people in the real ledger, and a clerk for each."""

    subjects: list[int]
    clerks: list[Any]
    first: int
    size: int


def settle(transaction: Transaction, said: list[tuple[int, Statement] | Changed]) -> Town:
    subjects = [transaction.subject_for(RawId("member", f"m{person}")) for person in range(3)]
    first, now_us = transaction.size, transaction.now_us
    files: list[list[Any]] = [[], [], []]
    changes = []
    for item in said:
        if isinstance(item, Changed):
            transaction.now_us = item.at
            fields = {"material": [item.purpose]} | ({} if item.itself else {"name": "n"})
            seq = transaction.append_system("policy" if item.itself else "notice", fields)
            transaction.now_us = now_us
            changes.append(slow_fold.Change(seq, item.purpose, item.at, item.itself))
            continue
        person, statement = item
        if statement.corrects is not None:
            statement = replace(statement, corrects=first + statement.corrects)
        seq = transaction.append_person(subjects[person], statement, {})
        files[person].append(line(seq, statement))
    return Town(subjects, [slow_fold.Clerk(file, changes) for file in files], first, transaction.size)


@settings(max_examples=60, deadline=None)
@given(said=towns(), points=st.lists(st.tuples(TIMES, st.integers(0, 15)), min_size=3, max_size=8))
def test_the_point_form_answers_as_the_clerk_does(
    trial: Trial, log: Log, said: list[tuple[int, Statement] | Changed], points: list[tuple[int, int]]
) -> None:
    gate = ConsentGate(lambda: log)
    with trial() as transaction:
        town = settle(transaction, said)
        for person, subject in enumerate(town.subjects):
            for purpose in PURPOSES:
                for channel in CHANNELS:
                    use = Use(purpose=purpose, action=Action.COLLECT, subject=subject, channel=channel or None)
                    for at, later in points:
                        size = town.first + later
                        decided = decide_in(transaction, use, at_us=at, known_at=size)
                        right = town.clerks[person].answer(purpose, channel, at, size)
                        assert (decided.reason, decided.entries[:1]) == (
                            right.reason,
                            () if right.seq is None else (right.seq,),
                        )
                        assert decided.permitted == (right.reason in ("given", "basis"))
                        assert gate.decide(use, at_us=at, known_at=size) == decided
                    now = town.clerks[person].answer(purpose, channel, 5, town.size)
                    assert gate.decide(use, at_us=5).reason == now.reason


def stricter_of(one: str, other: str) -> str:
    return max(one, other, key=slow_fold.STRICTER.index)


@settings(max_examples=60, deadline=None)
@given(
    said=towns(),
    purpose=st.sampled_from(PURPOSES),
    channel=st.sampled_from(CHANNELS),
    now=TIMES,
    later=st.integers(0, 15),
)
def test_the_chunk_form_answers_as_the_clerk_does_asked_then_and_now(
    trial: Trial, said: list[tuple[int, Statement] | Changed], purpose: str, channel: str, now: int, later: int
) -> None:
    with trial() as transaction:
        town = settle(transaction, said)
        size = town.first + later
        rows = [(person, at) for at in range(-1, 20, 2) for person in range(3)]
        decided = decide_many(
            transaction,
            [*(town.subjects[person] for person, _ in rows), None, 17],
            [*(at for _, at in rows), 5, 5],
            purpose=purpose,
            channel=channel or None,
            now_us=now,
            size=size,
        )
    for (person, at), permitted, reason, basis in zip(
        rows, decided.permitted, decided.reasons, decided.basis, strict=False
    ):
        then = town.clerks[person].answer(purpose, channel, at, size)
        today = town.clerks[person].answer(purpose, channel, now, size)
        assert (reason, basis) == (stricter_of(then.reason, today.reason), then.seq)
        assert permitted == (reason in ("given", "basis"))
    assert decided.reasons[-2:] == ["no_record", "no_record"], "nobody known, and a number nobody has"
    assert decided.basis[-2:] == [None, None]


@settings(max_examples=60, deadline=None)
@given(
    said=towns(),
    purpose=st.sampled_from(PURPOSES),
    channel=st.sampled_from(CHANNELS),
    read=TIMES,
    later=st.integers(0, 15),
)
def test_the_set_form_answers_as_the_clerk_does_asked_at_intake_and_at_reading(
    trial: Trial, said: list[tuple[int, Statement] | Changed], purpose: str, channel: str, read: int, later: int
) -> None:
    rows = [
        (person, at, intake) for person in range(3) for at in range(-1, 20, 3) for intake in range(0, len(said) + 2, 2)
    ]
    with trial() as transaction, duckdb.connect() as connection:
        town = settle(transaction, said)
        n = town.first + later
        register(connection, town, rows)
        stage(
            connection,
            rectangles(transaction, purpose, channel or None, size=min(n, transaction.size)),
            read_us=read,
            n=n,
            explain=lambda subjects: not_covered(
                transaction, purpose, subjects, connection, size=min(n, transaction.size)
            ),
        )
        passing, refused, decided = asked(connection, read, n)
    assert len(passing) == len(set(passing)), "no row passes twice"
    assert len(decided) == len(rows)
    for row, (person, at, intake) in enumerate(rows):
        first = town.clerks[person].answer(purpose, channel, at, min(town.first + intake, n))
        second = town.clerks[person].answer(purpose, channel, read, n)
        reason = stricter_of(first.reason, second.reason)
        opened = reason in ("given", "basis")
        if town.first + intake > n:
            continue  # nothing is taken in after it is read
        assert (row in passing, row in refused) == (opened, not opened)
        assert decided[row] == (opened, reason)
        assert refused.get(row, reason) == reason


KINDS = (("outcome", None, None), ("exposure", "e", None), ("exposure", "e", 1), ("exposure", "e", 2))
GIVEN = [(person, Statement(type="grant", purpose="ads", channel="", at_us=4)) for person in (0, 1)]
# Of every person something at every time, taken in at some ledger size, of some kind.
MOMENTS = [(person, at) for person in range(3) for at in range(0, 10, 2)]
happenings = st.lists(
    st.tuples(st.integers(2, 12), st.sampled_from(KINDS)), min_size=len(MOMENTS), max_size=len(MOMENTS)
).map(lambda drawn: [(*moment, *more) for moment, more in zip(MOMENTS, drawn, strict=True)])


class _Held:
    """A log that is read in the transaction that is open."""

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction

    def checkpoint(self) -> CheckpointInfo:
        return CheckpointInfo(origin="o", size=0, root="", note="")

    def read(self) -> AbstractContextManager[Transaction]:
        return nullcontext(self.transaction)


@settings(max_examples=60, deadline=None)
@given(
    said=towns().map(lambda said: [*GIVEN, *said]),
    rows=happenings,
    purpose=st.sampled_from(["ads"] * 4 + ["ads.mail"]),
    read=st.integers(4, 12),
    later=st.integers(2, 16),
)
def test_a_use_shows_and_counts_what_the_clerk_does_asked_of_each_row(
    trial: Trial, said: list[tuple[int, Statement] | Changed], rows: list[Any], purpose: str, read: int, later: int
) -> None:
    with trial() as transaction, duckdb.connect() as connection:
        town = settle(transaction, said)
        n = min(town.first + later, transaction.size)
        rows = [row for row in rows if town.first + row[2] <= n]  # nothing is taken in after it is read
        register(connection, town, [row[:3] for row in rows])
        kinds = pa.table(
            {
                name: pa.array([row[3][i] for row in rows], pa.string() if i < 2 else pa.int32())
                for i, name in enumerate(("type", "experiment", "phase"))
            }
        )
        connection.register("kind", kinds)
        connection.execute(
            "CREATE TABLE whole AS SELECT *, 'v' AS variant, 0 AS rest FROM archive_row POSITIONAL JOIN kind"
        )
        connection.unregister("archive_row")
        connection.execute("ALTER TABLE whole RENAME TO archive_row")
        held: Any = _Held(transaction)
        opened = ConsentUse(held, Use(purpose=purpose, action=Action.ANALYSE), seq=0, size=n, as_of_us=read)
        opened.attach(connection, rectangles(transaction, purpose, size=n), ["row"])
        assert "rest" not in opened.events.columns, "what is not asked for is not read"
        shown = sorted(row for (row,) in opened.events.select("row").fetchall())
        counted = {tuple(line[:5]): line[5] for line in opened.refused.fetchall()}
    right = [verdict(town, row, purpose, read, n) for row in rows]
    right = [half_unit(rows, right, place) or reason for place, reason in enumerate(right)]
    assert shown == [place for place, reason in enumerate(right) if reason in ("given", "basis")]
    people: dict[Any, set[int]] = {}
    for row, reason in zip(rows, right, strict=True):
        if reason not in ("given", "basis"):
            people.setdefault((*row[3], "v", reason), set()).add(row[0])
    assert counted == {key: len(who) for key, who in people.items()}


def verdict(town: Town, row: Any, purpose: str, read: int, n: int) -> str:
    """The clerk's stricter answer about a row, at its time and at the time of reading."""
    clerk = town.clerks[row[0]]
    first = clerk.answer(purpose, "", row[1], min(town.first + row[2], n))
    return stricter_of(first.reason, clerk.answer(purpose, "", read, n).reason)


def half_unit(rows: list[Any], right: list[str], place: int) -> str | None:
    """Why an exposure is out with its whole unit: the first exposure of the unit was denied."""
    person, _, _, (type_, _, phase) = rows[place]
    if type_ != "exposure":
        return None
    unit = [
        (row[1], reason)
        for row, reason in zip(rows, right, strict=True)
        if row[0] == person and row[3][0] == "exposure" and (row[3][2] or 1) == (phase or 1)
    ]
    permitted = [reason in ("given", "basis") for _, reason in unit]
    first = min(unit)[1]
    return first if any(permitted) and first not in ("given", "basis") else None


def register(connection: duckdb.DuckDBPyConnection, town: Town, rows: list[tuple[int, int, int]]) -> None:
    archive = pa.table(
        {
            "row": list(range(len(rows))),
            "subject": [town.subjects[person] for person, _, _ in rows],
            "event_us": [at for _, at, _ in rows],
            "intake_seq": [town.first + intake for _, _, intake in rows],
        }
    )
    connection.register("archive_row", archive)


def asked(connection: duckdb.DuckDBPyConnection, read: int, n: int) -> tuple[list[Any], dict[Any, Any], dict[Any, Any]]:
    arguments = {"read_us": read, "n": n}
    passing = [row for (row,) in connection.execute(f"SELECT row FROM ({PASSING_SQL})").fetchall()]
    refused = connection.execute(f"SELECT row, decided FROM ({REFUSED_SQL})").fetchall()
    decided = connection.execute(f"SELECT row, permitted, decided FROM ({DECIDED_SQL})", arguments).fetchall()
    return passing, dict(refused), {row: (permitted, reason) for row, permitted, reason in decided}
