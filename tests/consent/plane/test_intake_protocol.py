"""Each step of the intake is broken once: nothing half-done is visible, nothing acknowledged is lost."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imp_consent.gate import Decisions, decide_many
from imp_consent.ledger.log import Log
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_consent.plane.intake import ingest as protocol
from imp_consent.plane.remove import request_erasure, resume
from imp_core.clock import DAY_US, SECOND_US
from imp_core.errors import BadInput, ImpError, LedgerBroken
from imp_core.event import RawEvent

SOURCE = hashlib.sha256(b"the file").hexdigest()


@pytest.fixture
def given(shop):
    """A shop in which 1, 2 and 3 gave consent and one batch is in."""
    shop.give("1", "2", "3")
    shop.take(shop.event("1", "m0"))
    return shop


def _take(shop, **how):
    return shop.take(shop.event("1", "m1"), shop.event("2", "m2"), shop.exposure("3", "m3"), sha256=SOURCE, **how)


def _fail_fsync(monkeypatch: pytest.MonkeyPatch, nth: int) -> None:
    fsync, calls = os.fsync, 0

    def failing(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise OSError(5, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)


def _fail_rename(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", failing)


def _fail_in(owner: object, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        def failing(*_: object, **__: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(owner, name, failing)

    return plant


BREAKS = {
    "fsync of the file": lambda patch: _fail_fsync(patch, 1),
    "rename": _fail_rename,
    "fsync of the folder": lambda patch: _fail_fsync(patch, 2),
    "reading the file back": _fail_in(protocol, "read_contents"),
    "asking again": _fail_in(protocol, "dropped_rows"),
    "the collect entry": _fail_in(Transaction, "append_system"),
    "the batch row": _fail_in(archive, "insert_batch"),
    "dedupe and counts": _fail_in(protocol, "remember"),
    "the commit": _fail_in(Transaction, "finish"),
}


@pytest.mark.parametrize("step", BREAKS)
def test_whichever_step_breaks_nothing_is_left_and_the_next_attempt_succeeds(given, step: str):
    before = given.state()
    with pytest.MonkeyPatch.context() as patch:
        BREAKS[step](patch)
        with pytest.raises(ImpError):
            _take(given)
    assert given.state() == before
    assert _take(given).admitted == 3
    assert len(given.batches()) == 2


def test_while_the_disk_takes_no_commit_a_file_is_left_to_the_next_intake(given):
    before = given.files()
    with pytest.MonkeyPatch.context() as patch:
        _fail_in(Transaction, "finish")(patch)
        _fail_in(Log, "settle_commits")(patch)  # as if SQLite could not: what failed might come back
        with pytest.raises(ImpError):
            _take(given)
    assert len(given.files()) == len(before) + 1
    assert _take(given).admitted == 3
    assert len(given.files()) == len(before) + 1 == len(given.batches())


def test_a_commit_that_was_reached_but_not_acknowledged_is_found_done(given):
    write = Log.write

    @contextlib.contextmanager
    def unanswered(log: Log) -> Iterator[object]:
        with write(log) as transaction:
            yield transaction
        raise LedgerBroken("gone after the commit")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Log, "write", unanswered)
        with pytest.raises(LedgerBroken, match="gone after"):
            _take(given)
    assert [file.n for file in given.batches()] == [1, 3]
    assert all(archive.checked_path(given.workspace, file) for file in given.batches())
    assert _take(given).already


def test_files_that_rows_name_or_that_are_not_ours_are_never_orphans(given):
    for path in given.workspace.archive.iterdir():
        os.utime(path, (0, 0))
    stranger = given.workspace.archive / "my own.parquet"
    stranger.write_bytes(b"")
    os.utime(stranger, (0, 0))
    assert archive.remove_orphans(given.workspace, given.log) == 0
    assert stranger.exists()


def test_a_failure_of_the_channel_midway_leaves_nothing(given):
    before = given.state()

    def rows() -> Iterator[object]:
        for number in range(30_000):
            yield given.event("1", f"x{number}")
        raise LedgerBroken("the end of the file is damaged")

    with pytest.raises(LedgerBroken):
        given.take_all(rows())
    assert given.state() == before


def test_an_interrupted_intake_leaves_nothing_and_closes_its_source(given):
    before, closed = given.state(), []

    def rows() -> Iterator[object]:
        try:
            yield from (given.event("1", f"x{number}") for number in range(50_000))
        finally:
            closed.append(True)

    def interrupt(*_: object, **__: object) -> Decisions:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        given.take_all(rows(), decide=interrupt)
    assert closed == [True]
    assert given.state() == before


def test_a_gate_that_breaks_lets_nothing_in_and_nothing_be_lost(given):
    before = given.state()

    def broken(*_: object, **__: object) -> Decisions:
        raise LedgerBroken("a row was changed by other hands")

    with pytest.raises(LedgerBroken):
        _take(given, decide=broken)
    assert given.state() == before


def test_a_changed_rectangle_stops_the_intake(given):
    with sqlite3.connect(given.root / "ledger.db") as sql:
        sql.execute("UPDATE consent_state SET permit = 1 - permit")
    sql.close()
    before = given.state()
    with pytest.raises(LedgerBroken, match="changed by other hands"):
        _take(given)
    assert given.state() == before


class Meanwhile:
    """The gate, before whose n-th answer something else is committed by another process."""

    def __init__(self, act: Callable[[], object], *, at: int = 1) -> None:
        self.act, self.at, self.calls = act, at, 0

    def __call__(self, *arguments, **named) -> Decisions:
        self.calls += 1
        answer = decide_many(*arguments, **named)
        if self.calls == self.at:
            self.act()
        return answer


@pytest.fixture
def another(given) -> Iterator[Log]:
    log = given.other_log()
    yield log
    log.close()


def test_who_withdraws_between_gate_and_commit_is_not_in_the_file_that_is_registered(given, another):
    def withdraw() -> None:
        given.say("2", "withdraw", at=given.now, log=another)

    result = _take(given, decide=Meanwhile(withdraw))
    assert (result.admitted, result.denied) == (2, {"withdrawn": 1})
    rows = [row for row in given.rows() if row["batch"] == 2]
    assert [(row["row"], row["subject"]) for row in rows] == [(0, given.subject("1")), (1, given.subject("3"))]
    assert given.table("SELECT count(*) FROM dedupe WHERE batch = 2") == [(3,)]
    collect = given.entries("collect")[-1]
    assert (collect["n"], collect["denied"]) == (2, {"withdrawn": 1})
    assert len(given.files()) == 2


def test_a_withdrawal_recorded_after_the_intake_began_counts_though_its_time_is_later(given, another, clock):
    def withdraw() -> None:
        clock.move_to(given.now + 5 * SECOND_US)
        given.say("2", "withdraw", at=given.now, log=another)

    assert _take(given, decide=Meanwhile(withdraw)).denied == {"withdrawn": 1}


def test_a_withdrawal_for_another_purpose_keeps_nobody_out(given, another):
    def withdraw() -> None:
        given.say("2", "withdraw", at=given.now, purpose="marketing.email", log=another)

    assert _take(given, decide=Meanwhile(withdraw)).admitted == 3


def test_a_consent_given_meanwhile_lets_nobody_in(given, another):
    def consent() -> None:
        given.say("9", "grant", at=given.now - 9 * DAY_US, log=another)

    result = given.take(given.event("9", "m1"), given.event("1", "m2"), decide=Meanwhile(consent))
    assert (result.admitted, result.denied) == (1, {"no_record": 1})


def test_an_exposure_that_is_dropped_at_the_commit_is_counted_by_its_reason(given, another):
    def withdraw() -> None:
        given.say("3", "withdraw", at=given.now, log=another)

    result = _take(given, decide=Meanwhile(withdraw))
    assert result.enrolled == {"withdrawn": 1}
    assert given.enrolment() == {("banner", 1, "a", "withdrawn"): 1}


def test_who_is_erased_between_gate_and_commit_leaves_no_row_behind(given, another, monkeypatch):
    gone = given.subject("2")
    monkeypatch.setattr(another, "compact", lambda: True)  # it would wait for the intake's snapshot

    def erase() -> None:
        request_erasure(another, [gone], {"recorded_us": given.now})
        resume(another, given.workspace)

    result = _take(given, decide=Meanwhile(erase))
    assert (result.admitted, sum(result.denied.values())) == (2, 1)
    assert gone not in {row["subject"] for row in given.rows()}
    assert given.subject("2") is None


def test_an_intake_that_commits_meanwhile_keeps_its_number_and_its_events(given, another):
    def other() -> None:
        given.take(given.event("1", "m1"), given.event("1", "m9"), log=another)

    result = _take(given, decide=Meanwhile(other))
    assert (result.batch, result.admitted, result.duplicates) == (3, 2, 1)
    assert [(file.batch, file.n) for file in given.batches()] == [(1, 1), (2, 2), (3, 2)]
    assert [(row["batch"], row["row"]) for row in given.rows()] == [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1)]
    ids = [row["event_id"] for row in given.rows()]
    assert len(set(ids)) == len(ids) == 5
    assert len(given.files()) == 3


def test_an_intake_that_commits_meanwhile_takes_the_number_and_the_later_one_the_next(given, another):
    result = _take(given, decide=Meanwhile(lambda: given.take(given.event("1", "m9"), log=another)))
    assert (result.batch, result.admitted) == (3, 3)
    assert [(row["batch"], row["row"]) for row in given.rows()] == [(1, 0), (2, 0), (3, 0), (3, 1), (3, 2)]
    assert len(given.files()) == 3


def test_raw_events_live_no_longer_than_their_chunk(given):
    alive: list[int] = []

    def living() -> int:  # those of other tests in this process may go meanwhile
        return sum(type(thing) is RawEvent and (thing.message_id or "").startswith("own") for thing in gc.get_objects())

    def rows() -> Iterator[RawEvent]:
        for number in range(50_000):
            if number == 30_000:
                alive.append(living())
            yield given.event("1", f"own{number}")

    given.take_all(rows())
    assert alive == [10_000]


@pytest.mark.parametrize("fails", [True, False])
def test_the_garbage_collector_goes_on_after_an_intake_however_it_ends(given, fails: bool):
    with contextlib.suppress(BadInput):
        given.take(given.event("1", "x1", days_ago=-1 if fails else 1))
    assert gc.isenabled()


def test_what_is_recorded_while_later_rows_are_read_does_not_open_the_gate_for_them(given, another):
    def consent() -> None:
        given.say("9", "grant", at=given.now - 9 * DAY_US, log=another)

    rows = [given.event("1", f"x{number}") for number in range(20_000)]
    result = given.take(*rows, given.event("9", "y1"), decide=Meanwhile(consent))
    assert (result.admitted, result.denied) == (20_000, {"no_record": 1})


def test_of_two_intakes_of_one_source_the_second_to_commit_does_nothing(given, another):
    result = _take(given, decide=Meanwhile(lambda: _take(given, log=another)))
    assert (result.already, result.batch) == (True, 2)
    assert [file.batch for file in given.batches()] == [1, 2]
    assert len(given.files()) == 2


def test_a_ledger_that_never_rests_ends_the_intake_without_a_trace(given, another):
    numbers = iter(range(1000))

    def always(*arguments, **named) -> list[object]:
        raise protocol.Outdated([], next(numbers) + 50)

    before = given.state()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "dropped_rows", always)
        with pytest.raises(LedgerBroken, match="kept changing"):
            _take(given)
    assert given.state() == before
