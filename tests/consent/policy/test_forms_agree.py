"""The gate's forms against an oracle that shares no code and no table with them: a clerk reading the raw entries."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from imp_consent.gate import (
    DECIDED_SQL,
    PASSING_SQL,
    REFUSED_SQL,
    ConsentGate,
    decide_in,
    decide_many,
    rectangles,
)
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.log import Log
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.state import Rectangle, Scope, replay
from imp_core.event import RawId
from imp_core.gate import Action, Use

Trial = Callable[[], AbstractContextManager[Transaction]]
CHANNELS = ("", "mail", "text")
PURPOSES = ("ads", "tests")


@dataclass(frozen=True)
class Said:
    """A line of the clerk's file: what one person said, in words and small numbers."""

    seq: int
    type: str
    purpose: str
    channel: str
    at: int
    until: int | None


def clerk(file: list[Said], purpose: str, channel: str, at: int, size: int) -> tuple[str, int | None]:
    """What a careful clerk answers: reads the lines known so far in order of event time and keeps two notes.

    `everywhere` is what was last said without a channel, `here` what was last said for this channel.
    """
    known = [line for line in file if line.seq < size]
    if not any(line.purpose == purpose for line in known):
        return "no_record", None
    erasures = [line.seq for line in known if line.type == "erase-requested"]
    if erasures:
        return "erased", min(erasures)
    reason, seq = notes(known, purpose, channel, at)
    lost = [line for line in known if line.type == "lost"]
    if reason == "given" and any(seq < line.seq or at < line.at for line in lost):
        return "lost", max(line.seq for line in lost)  # what may have taken that yes back, nobody can read
    return reason, seq


def notes(known: list[Said], purpose: str, channel: str, at: int) -> tuple[str, int | None]:
    """What the clerk has on the two notes once all lines up to a time are read."""
    everywhere: Said | None = None
    here: Said | None = None
    yes_comes_before_no = {"grant": 0, "lost": 1, "refuse": 2, "withdraw": 3}
    for line in sorted(known, key=lambda line: (line.at, yes_comes_before_no[line.type], line.seq)):
        meant = line.purpose == purpose or (line.purpose == "*" and line.type != "grant")
        if line.at > at or not meant:
            continue
        if line.channel == "":
            everywhere = line
            if line.type != "grant" and here is not None and here.type == "grant":
                here = None  # no to everything ends the yes for this channel
        elif line.channel == channel:
            here = line
    return answer(everywhere, here, at)


def answer(everywhere: Said | None, here: Said | None, at: int) -> tuple[str, int | None]:
    """What two notes together say."""
    if here is None:
        return ("no_record", None) if everywhere is None else (read(everywhere, at), everywhere.seq)
    if everywhere is None:
        return read(here, at), here.seq
    if here.type == "grant":
        decides = everywhere if read(here, at) == "expired" else here
    else:
        order = ["given", "expired", "lost", "refused", "withdrawn"]
        decides = everywhere if order.index(read(everywhere, at)) > order.index(read(here, at)) else here
    return read(decides, at), decides.seq


def read(line: Said, at: int) -> str:
    """What one line says at a time."""
    if line.type in ("withdraw", "lost"):
        return "withdrawn" if line.type == "withdraw" else "lost"
    if line.until is not None and line.until <= at:
        return "expired"
    return "refused" if line.type == "refuse" else "given"


TIMES = st.integers(0, 12)


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    """One statement on a small calendar, so that ties, back-dating and expiry are common."""
    type_ = draw(st.sampled_from(["grant"] * 4 + ["refuse"] * 2 + ["withdraw"] * 3 + ["lost", "erase-requested"]))
    at = draw(TIMES)
    lasts = draw(st.none() | st.integers(0, 6)) if type_ in ("grant", "refuse") else None
    if type_ == "erase-requested":
        # erasure is for good; most examples do without
        type_ = draw(st.sampled_from(["erase-requested", "withdraw", "withdraw"]))
    whole = type_ in ("erase-requested", "lost")
    purpose = "*" if whole else draw(st.sampled_from(["ads"] * 5 + ["tests"] * 2 + ["*"]))
    channel = "" if whole else draw(st.sampled_from(CHANNELS))
    return Statement(
        type=type_, purpose=purpose, channel=channel, at_us=at, until_us=None if lasts is None else at + lasts
    )


def lines(statements_: list[tuple[int, Statement]]) -> list[Said]:
    return [Said(seq, s.type, s.purpose, s.channel, s.at_us, s.until_us) for seq, s in statements_]


@dataclass(frozen=True)
class _Fact:
    seq: int
    statement: Statement


def covering(made: list[Rectangle], at: int, size: int) -> list[Rectangle]:
    return [r for r in made if r.from_us <= at < r.to_us and r.from_seq <= size < r.to_seq]


histories = st.lists(statements(), min_size=1, max_size=9)


@settings(max_examples=400)
@given(histories)
def test_the_fold_answers_as_the_clerk_does_at_every_point_of_time_and_knowledge(history: list[Statement]) -> None:
    facts = [_Fact(seq * 2, said) for seq, said in enumerate(history)]  # other people's entries lie between
    made = replay(facts)
    file = lines([(fact.seq, fact.statement) for fact in facts])
    for purpose in PURPOSES:
        for channel in CHANNELS:
            for size in range(2 * len(facts) + 2):
                born = any(r.from_seq <= size for r in made.get(Scope(purpose, channel), []))
                scope = Scope(purpose, channel if born else "")
                for at in range(-1, 20):
                    found = covering(made.get(scope, []), at, size)
                    told = (found[0].reason, found[0].entries[0]) if found else ("no_record", None)
                    assert told == clerk(file, purpose, channel, at, size), (purpose, channel, at, size)


@settings(max_examples=200)
@given(histories)
def test_rectangles_of_a_scope_are_never_empty_and_never_overlap(history: list[Statement]) -> None:
    for made in replay([_Fact(seq, said) for seq, said in enumerate(history)]).values():
        for i, one in enumerate(made):
            assert one.from_us < one.to_us
            assert one.from_seq < one.to_seq
            assert one.permit == (one.reason == "given")
            for other in made[i + 1 :]:
                apart_in_time = one.to_us <= other.from_us or other.to_us <= one.from_us
                apart_in_knowledge = one.to_seq <= other.from_seq or other.to_seq <= one.from_seq
                assert apart_in_time or apart_in_knowledge, (one, other)


@settings(max_examples=150)
@given(histories)
def test_what_was_known_before_is_never_told_differently_after(history: list[Statement]) -> None:
    # requirement 59: a back-dated entry does not change answers for earlier record times
    facts = [_Fact(seq, said) for seq, said in enumerate(history)]
    whole, before = replay(facts), replay(facts[:-1])
    for scope, made in before.items():
        for size in range(len(facts)):
            for at in range(-1, 20):
                told = [r.segment[2:] for r in covering(made, at, size)]
                assert told == [r.segment[2:] for r in covering(whole[scope], at, size)]


@st.composite
def towns(draw: st.DrawFn) -> list[tuple[int, Statement]]:
    """Three people's statements as they came in, mixed."""
    return draw(st.lists(st.tuples(st.integers(0, 2), statements()), min_size=1, max_size=14))


@dataclass(frozen=True)
class Town:
    """Three people in the real ledger, and the clerk's file of each."""

    subjects: list[int]
    files: list[list[Said]]
    first: int
    size: int


def settle(transaction: Transaction, said: list[tuple[int, Statement]]) -> Town:
    subjects = [transaction.subject_for(RawId("member", f"m{person}")) for person in range(3)]
    first = transaction.size
    files: list[list[Said]] = [[], [], []]
    for person, statement in said:
        seq = transaction.append_person(subjects[person], statement, {})
        files[person] += lines([(seq, statement)])
    return Town(subjects, files, first, transaction.size)


@settings(max_examples=60)
@given(said=towns(), points=st.lists(st.tuples(TIMES, st.integers(0, 15)), min_size=4, max_size=12))
def test_the_point_form_answers_as_the_clerk_does(
    trial: Trial, log: Log, said: list[tuple[int, Statement]], points: list[tuple[int, int]]
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
                        reason, seq = clerk(town.files[person], purpose, channel, at, size)
                        assert (decided.reason, decided.entries) == (reason, () if seq is None else (seq,))
                        assert decided.permitted == (reason == "given")
                        assert gate.decide(use, at_us=at, known_at=size) == decided
                    assert gate.decide(use, at_us=5).reason == clerk(town.files[person], purpose, channel, 5, 99)[0]


def stricter_of(one: str, other: str) -> str:
    order = ["given", "no_record", "expired", "lost", "refused", "withdrawn", "erased"]
    return max(one, other, key=order.index)


@settings(max_examples=60)
@given(said=towns(), channel=st.sampled_from(CHANNELS), now=TIMES, later=st.integers(0, 15))
def test_the_chunk_form_answers_as_the_clerk_does_asked_then_and_now(
    trial: Trial, said: list[tuple[int, Statement]], channel: str, now: int, later: int
) -> None:
    with trial() as transaction:
        town = settle(transaction, said)
        size = town.first + later
        rows = [(person, at) for at in range(-1, 20) for person in range(3)]
        decided = decide_many(
            transaction,
            [*(town.subjects[person] for person, _ in rows), None, 17],
            [*(at for _, at in rows), 5, 5],
            purpose="ads",
            channel=channel or None,
            now_us=now,
            size=size,
        )
    for (person, at), permitted, reason, basis in zip(
        rows, decided.permitted, decided.reasons, decided.basis, strict=False
    ):
        then, seq = clerk(town.files[person], "ads", channel, at, size)
        today, _ = clerk(town.files[person], "ads", channel, now, size)
        assert (reason, basis) == (stricter_of(then, today), seq)
        assert permitted == (then == today == "given")
    assert decided.reasons[-2:] == ["no_record", "no_record"], "nobody known, and a number nobody has"
    assert decided.basis[-2:] == [None, None]


@settings(max_examples=60)
@given(said=towns(), channel=st.sampled_from(CHANNELS), read=TIMES, later=st.integers(0, 15))
def test_the_set_form_answers_as_the_clerk_does_asked_at_intake_and_at_reading(
    trial: Trial, said: list[tuple[int, Statement]], channel: str, read: int, later: int
) -> None:
    with trial() as transaction:
        town = settle(transaction, said)
        table = rectangles(transaction, "ads", channel or None)
    n = town.first + later
    rows = [
        (person, at, town.first + intake)
        for person in range(3)
        for at in range(-1, 20, 2)
        for intake in range(len(said) + 2)
    ]
    passing, refused, decided = set_form(table, town.subjects, rows, read, n)
    for row, (person, at, intake) in enumerate(rows):
        first, _ = clerk(town.files[person], "ads", channel, at, intake)
        second, _ = clerk(town.files[person], "ads", channel, read, n)
        opened = first == second == "given"
        assert (row in passing, row in refused) == (opened, not opened)
        assert decided[row] == (opened, stricter_of(first, second))
        assert refused.get(row, "given") == stricter_of(first, second)


def set_form(
    table: pa.Table, subjects: list[int], rows: list[tuple[int, int, int]], read: int, n: int
) -> tuple[list[Any], dict[Any, Any], dict[Any, Any]]:
    archive = pa.table(
        {
            "row": list(range(len(rows))),
            "subject": [subjects[person] for person, _, _ in rows],
            "event_us": [at for _, at, _ in rows],
            "intake_seq": [intake for _, _, intake in rows],
        }
    )
    with duckdb.connect() as connection:
        connection.register("archive_row", archive)
        connection.register("consent_rectangle", table)
        arguments = {"read_us": read, "n": n}
        passing = [row for (row,) in connection.execute(f"SELECT row FROM ({PASSING_SQL})", arguments).fetchall()]
        refused = connection.execute(f"SELECT row, decided FROM ({REFUSED_SQL})", arguments).fetchall()
        decided = connection.execute(f"SELECT row, permitted, decided FROM ({DECIDED_SQL})", arguments).fetchall()
    assert len(passing) == len(set(passing)), "no row passes twice"
    assert len(decided) == len(rows)
    return passing, dict(refused), {row: (permitted, reason) for row, permitted, reason in decided}
