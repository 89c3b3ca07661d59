"""The gate at its edges: nothing known, nothing readable, nothing permitted."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

import duckdb
import pyarrow as pa
import pytest

from imp_consent.gate import ConsentGate, Memory, decide_in, decide_many, known_at
from imp_consent.gate.frames import PASSING_SQL, RECTANGLES, REFUSED_SQL, rectangles
from imp_consent.gate.stage import stage
from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.ledger.log import Log
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.decide import SOURCES, STRICTNESS, Reason, decision, stricter
from imp_core.errors import BadInput, LedgerBroken
from imp_core.event import RawId
from imp_core.gate import Action, Use

Trial = Callable[[], AbstractContextManager[Transaction]]
GRANT = Statement(type="grant", purpose="ads", channel="", at_us=10)


def use(subject: int | None, purpose: str = "ads", channel: str | None = None) -> Use:
    return Use(purpose=purpose, action=Action.ANALYSE, subject=subject, channel=channel)


def test_r01_nobody_known_and_nothing_said_are_denied_as_no_record(trial: Trial) -> None:
    with trial() as transaction:
        subject = transaction.subject_for(RawId("member", "1"))
        transaction.append_person(subject, GRANT, {})
        for asked in (use(None), use(12345), use(subject, "tests"), use(subject, "ad"), use(subject, "*")):
            decided = decide_in(transaction, asked, at_us=20)
            reason = "purpose_not_covered" if asked.subject == subject else "no_record"
            assert (decided.permitted, decided.reason, decided.entries) == (False, reason, ())
        assert decide_in(transaction, use(subject), at_us=9).reason == "no_record"
        assert decide_in(transaction, use(subject), at_us=10).permitted


def test_r02_whatever_breaks_inside_the_answer_is_a_denial(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Log:
        raise sqlite3.DatabaseError("database disk image is malformed near ann@example.com")

    decided = ConsentGate(broken).decide(use(1), at_us=5)
    assert (decided.permitted, decided.reason) == (False, "ledger_unavailable")
    assert "DatabaseError" in caplog.text
    assert "ann@example.com" not in caplog.text, "a foreign message may hold anything"


def test_r02_a_changed_rectangle_opens_nothing(trial: Trial, log: Log) -> None:
    gate = ConsentGate(lambda: log)
    with trial() as transaction:
        subject = transaction.subject_for(RawId("member", "1"))
        transaction.append_person(subject, Statement(type="refuse", purpose="ads", channel="", at_us=10), {})
        assert gate.decide(use(subject), at_us=20).reason == "refused"
        transaction.sql.execute("UPDATE consent_state SET permit = 1, reason = 'given'")
        assert gate.decide(use(subject), at_us=20).reason == "ledger_unavailable"
        with pytest.raises(LedgerBroken):
            decide_many(transaction, [subject], [20], purpose="ads", channel=None, now_us=20)
        with pytest.raises(LedgerBroken):
            rectangles(transaction, "ads")


def test_r02_an_old_permission_put_back_with_its_own_mac_opens_nothing(trial: Trial, log: Log) -> None:
    gate = ConsentGate(lambda: log)
    with trial() as transaction:
        subject = transaction.subject_for(RawId("member", "1"))
        transaction.append_person(subject, Statement(type="grant", purpose="ads", channel="", at_us=10), {})
        (was,) = transaction.sql.execute("SELECT * FROM consent_state").fetchall()
        transaction.append_person(subject, Statement(type="withdraw", purpose="ads", channel="", at_us=15), {})
        assert gate.decide(use(subject), at_us=20).reason == "withdrawn"
        key = "subject = ? AND purpose = ? AND channel = ? AND from_us = ? AND from_seq = ?"
        transaction.sql.execute(f"DELETE FROM consent_state WHERE {key}", was[:5])
        transaction.sql.execute(f"INSERT INTO consent_state VALUES ({', '.join('?' * len(was))})", was)
        assert gate.decide(use(subject), at_us=20).reason == "ledger_unavailable"
        with pytest.raises(LedgerBroken, match="two answers"):
            decide_many(transaction, [subject], [20], purpose="ads", channel=None, now_us=20)
        with duckdb.connect() as connection:
            connection.execute("CREATE TABLE archive_row (subject BIGINT, event_us BIGINT, intake_seq BIGINT)")
            with pytest.raises(LedgerBroken, match="two answers"):
                stage(connection, rectangles(transaction, "ads"), read_us=20, n=transaction.size)


def test_the_gate_finds_people_and_creates_none(trial: Trial, log: Log) -> None:
    gate = ConsentGate(lambda: log)
    with trial() as transaction:
        subject = transaction.subject_for(RawId("email", "ann@example.com"))
        transaction.append_person(subject, GRANT, {})
        assert gate.resolve(RawId("email", " Ann@Example.com ")) == subject
        assert gate.resolve(RawId("email", "bob@example.com")) is None
        with pytest.raises(BadInput):
            gate.resolve(RawId("email", "no address"))


def test_a_ledger_that_cannot_be_read_resolves_nobody_and_says_so_in_our_own_words() -> None:
    def broken() -> Log:
        raise sqlite3.OperationalError("unable to open database file")

    with pytest.raises(LedgerBroken, match="OperationalError"):
        ConsentGate(broken).resolve(RawId("member", "1"))


def test_before_a_channel_had_words_of_its_own_what_was_said_about_everything_held(trial: Trial) -> None:
    with trial() as transaction:
        subject = transaction.subject_for(RawId("member", "1"))
        transaction.append_person(subject, GRANT, {})
        before = transaction.size
        transaction.append_person(subject, Statement(type="refuse", purpose="ads", channel="mail", at_us=5), {})
        asked = use(subject, channel="mail")
        assert decide_in(transaction, asked, at_us=20, known_at=before).reason == "given"
        assert decide_in(transaction, asked, at_us=20).reason == "channel_opt_out"
        table = rectangles(transaction, "ads", "mail")
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE archive_row AS SELECT * FROM (VALUES (1, ?::BIGINT, 20::BIGINT, ?::BIGINT)) "
            "t(row, subject, event_us, intake_seq)",
            [subject, before],
        )
        stage(connection, table, read_us=20, n=before)
        assert connection.execute(PASSING_SQL).fetchall() == [(1, subject, 20, before)]
        assert connection.execute(REFUSED_SQL).fetchall() == []
        stage(connection, table, read_us=20, n=before + 1)
        assert connection.execute(PASSING_SQL).fetchall() == []
        assert connection.execute(REFUSED_SQL).fetchall() == [(1, subject, 20, before, "channel_opt_out")]


FAR, LAST = 10**15, 10**15 + 1  # of the archive's event times


@pytest.mark.parametrize(
    ("pieces", "passing"),
    [
        ([(0, LAST, 0, 9, True)], [0, 4, FAR]),
        ([(0, 5, 0, 9, True), (5, LAST, 0, 9, True)], [0, 4, FAR]),
        ([(0, LAST, 0, 4, True), (0, 5, 4, 9, True), (5, LAST, 4, 9, True)], [0, 4, FAR]),
        ([(0, 4, 0, 9, True), (5, LAST, 0, 9, True)], [0, FAR]),
        ([(0, 4, 0, 9, True), (4, 5, 0, 9, False), (5, LAST, 0, 9, True)], [0, FAR]),
        ([(0, 4, 0, 9, True), (4, 5, 4, 9, True), (5, LAST, 0, 9, True)], [0, FAR]),
        ([(0, 4, 0, 9, True), (5, LAST, 0, 9, True), (LAST + 2, FAR + 9, 12, 20, True)], [0, FAR]),
        ([(0, FAR, 0, 9, True)], []),
        ([(0, LAST, 0, 8, True)], []),
    ],
    ids=[
        "one piece",
        "renewed",
        "known later",
        "a hole",
        "a no",
        "known too late",
        "far off",
        "ended at the last",
        "ended since",
    ],
)
def test_who_permits_throughout_in_however_many_pieces_is_not_asked_row_by_row(
    pieces: list[tuple[int, int, int, int, bool]], passing: list[int]
) -> None:
    rows = [(1, *piece, "given" if piece[-1] else "withdrawn") for piece in pieces]
    rows += [(number, 0, LAST, 0, 9, True, "given") for number in (2, 3)]
    table = pa.table(
        [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), RECTANGLES, strict=True)],
        RECTANGLES,
    )
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE archive_row AS SELECT 'x' AS name, subject, event_us, intake_seq FROM"
            f" (VALUES (0::BIGINT, 0::BIGINT), (4, 3), ({FAR}, 7)) e(event_us, intake_seq),"
            " (VALUES (1::BIGINT), (2), (3), (4), (NULL)) p(subject)"
        )
        for columns in (None, ["name"], []):
            stage(connection, table, read_us=FAR, n=8, columns=columns)
            tested = connection.execute("SELECT DISTINCT subject FROM consent_tested ORDER BY 1").fetchall()
            asked_of = [subject for (subject,) in tested]
            assert asked_of == ([4, None] if passing == [0, 4, FAR] else [1, 4, None])
            found = connection.execute(f"SELECT subject, event_us FROM ({PASSING_SQL}) ORDER BY ALL").fetchall()
            assert found == [*((1, at) for at in passing), *((who, at) for who in (2, 3) for at in (0, 4, FAR))]
            refused = connection.execute(f"SELECT * FROM ({REFUSED_SQL})").fetchall()
            assert len(refused) == 15 - len(found), "of whom nothing is known is refused, and who is nobody"
        with pytest.raises(duckdb.BinderException):
            stage(connection, table, read_us=FAR, n=8, columns=['name" FROM archive_row --'])


def test_no_rectangles_is_an_empty_table_with_the_same_columns(trial: Trial) -> None:
    with trial() as transaction:
        assert rectangles(transaction, "ads").schema == RECTANGLES
        assert rectangles(transaction, "ads", "mail").num_rows == 0
        empty = decide_many(transaction, [], [], purpose="ads", channel=None, now_us=5)
    assert (empty.permitted, empty.reasons, empty.basis) == ([], [], [])


def test_rows_without_their_times_are_a_mistake_and_not_cut_off(trial: Trial) -> None:
    with trial() as transaction, pytest.raises(ValueError, match="zip"):
        decide_many(transaction, [1, 2], [5], purpose="ads", channel=None, now_us=5)


def test_known_at_counts_what_was_recorded_by_then_and_not_what_happened_by_then() -> None:
    def entry(seq: int, recorded_us: int | None) -> PersonEntry:
        return PersonEntry(seq=seq, subject=1, statement=GRANT, payload={"recorded_us": recorded_us})

    history = [entry(3, 100), entry(8, 200), entry(9, None), entry(12, 300)]
    assert [known_at(history, at) for at in (99, 100, 199, 200, 299, 300)] == [0, 4, 4, 9, 9, 13]
    assert known_at([], 300) == 0


def test_every_reason_has_a_source_and_only_two_permit() -> None:
    assert set(SOURCES) == set(STRICTNESS) == set(Reason)
    assert [reason for reason in Reason if decision(reason).permitted] == ["given", "basis"]
    assert all(decision(reason).source for reason in Reason)


def test_strictness_follows_the_order_of_precedence() -> None:
    order = (
        "given basis no_record purpose_not_covered expired notice_changed lost refused channel_opt_out signal limited"
        " withdrawn objected under_age restricted erased ledger_unavailable"
    )
    assert sorted(STRICTNESS, key=STRICTNESS.__getitem__) == order.split()
    assert stricter("withdrawn", "given") == stricter("given", "withdrawn") == "withdrawn"


def test_many_rectangles_come_in_batches_and_none_is_lost(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imp_consent.gate.frames._ROWS", 3)
    with trial() as transaction:
        for number in range(7):
            transaction.append_person(transaction.subject_for(RawId("member", str(number))), GRANT, {})
        table = rectangles(transaction, "ads")
    assert table.num_rows == 7
    assert [len(batch) for batch in table.to_batches()] == [3, 3, 1]


def test_answers_are_kept_for_one_knowledge_and_let_go_when_there_are_too_many(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imp_consent.gate.many._REMEMBERED", 2)
    with trial() as transaction:
        people = [transaction.subject_for(RawId("member", str(number))) for number in range(3)]
        for subject in people[:2]:
            transaction.append_person(subject, GRANT, {})
        memory = Memory(size=transaction.size, now_us=20)

        def asked(subjects: list[int]) -> list[str]:
            return decide_many(
                transaction, subjects, [20] * len(subjects), purpose="ads", channel=None, now_us=20, memory=memory
            ).reasons

        assert asked(people[:2]) == ["given", "given"]
        later = Statement(type="withdraw", purpose="ads", channel="", at_us=15)
        transaction.append_person(people[0], later, {})
        assert asked(people[:2]) == ["given", "given"], "as known at the memory's size"
        assert asked([*people[1:], people[0]]) == ["given", "no_record", "given"]
        memory = Memory(size=transaction.size, now_us=20)
        assert asked(people) == ["withdrawn", "given", "no_record"]
