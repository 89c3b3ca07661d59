"""Group commit: one transaction for many threads, everybody's own answer, and only the culprit's failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.group import GroupCommit
from imp_consent.ledger.log import Log
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.project import project
from imp_core.clock import SimulatedClock
from imp_core.errors import BadInput, LedgerBroken
from imp_core.event import RawId
from imp_core.randomness import SystemRandomness

GRANT = Statement(type="grant", purpose="analytics", channel="", at_us=5)


def grant(name: str) -> Callable[[Transaction], int]:
    def append(transaction: Transaction) -> int:
        return transaction.append_person(transaction.subject_for(RawId("member", name)), GRANT, {})

    return append


def fail(_: Transaction) -> int:
    raise BadInput("no")


def fail_after_writing(transaction: Transaction) -> int:
    grant("nobody")(transaction)
    raise BadInput("no")


@pytest.fixture
def opened_there(open_log: Callable[[], Log], tmp_path: Path, clock: SimulatedClock) -> Callable[[], Log]:
    """Opens the test's ledger in whatever thread calls; who opens it closes it. `open_log` has created it."""
    return lambda: Log(
        tmp_path / "ledger.db",
        Keyring.open(tmp_path / "keys", "test-log"),
        log_id="test-log",
        clock=clock,
        randomness=SystemRandomness(),
        actor="tester",
        projection=project,
    )


class Gate:
    """Holds the group's thread in a transaction, so that others queue up behind it."""

    def __init__(self) -> None:
        self.entered, self.let_go = threading.Event(), threading.Event()

    def __call__(self, _: Transaction) -> None:
        self.entered.set()
        assert self.let_go.wait(30)


def transactions_of(log: Log) -> list[int]:
    """Counts the transactions of a log from now on."""
    sizes: list[int] = []
    plain = log.write

    def write() -> AbstractContextManager[Transaction]:
        sizes.append(1)
        return plain()

    log.write = write  # type: ignore[method-assign,assignment]  # the same, counted
    return sizes


def test_threads_get_their_own_answers_and_every_entry_is_there(
    opened_there: Callable[[], Log], open_log: Callable[[], Log]
) -> None:
    with GroupCommit(opened_there) as group, ThreadPoolExecutor(8) as pool:
        seqs = list(pool.map(lambda n: group.run(grant(f"m{n}")), range(200)))
    assert sorted(seqs) == list(range(200))
    log = open_log()
    with log.read() as reader:
        for number, seq in enumerate(seqs):
            subject = reader.find_subject(RawId("member", f"m{number}"))
            assert subject is not None
            assert [entry.seq for entry in reader.history(subject)] == [seq]
    outside = log.outside()
    assert outside is not None
    assert outside.size == 200  # signed when the group was closed


def test_what_waits_is_committed_in_one_transaction_in_its_order(opened_there: Callable[[], Log]) -> None:
    gate, counted = Gate(), []

    def opened() -> Log:
        log = opened_there()
        counted.append(transactions_of(log))
        return log

    with GroupCommit(opened) as group:
        held = group.submit(gate)
        assert gate.entered.wait(30)
        waiting = [group.submit(grant(f"m{n}")) for n in range(50)]
        assert not any(future.done() for future in waiting)
        gate.let_go.set()
        assert [future.result() for future in waiting] == list(range(50))
        assert held.result() is None
    assert len(counted[0]) == 2


@pytest.mark.parametrize("culprit", [fail, fail_after_writing])
def test_only_the_culprit_fails_and_leaves_nothing(
    opened_there: Callable[[], Log], open_log: Callable[[], Log], culprit: Callable[[Transaction], int]
) -> None:
    gate = Gate()
    with GroupCommit(opened_there) as group:
        group.submit(gate)
        assert gate.entered.wait(30)
        first, bad, last = group.submit(grant("a")), group.submit(culprit), group.submit(grant("b"))
        gate.let_go.set()
        assert (first.result(), last.result()) == (0, 1)
        with pytest.raises(BadInput, match="no"):
            bad.result()
        assert group.run(grant("c")) == 2
    with open_log().read() as reader:
        assert reader.size == 3
        assert reader.find_subject(RawId("member", "nobody")) is None


def test_no_more_than_so_many_share_a_transaction(opened_there: Callable[[], Log]) -> None:
    gate, counted = Gate(), []

    def opened() -> Log:
        log = opened_there()
        counted.append(transactions_of(log))
        return log

    with GroupCommit(opened, most=10) as group:
        group.submit(gate)
        assert gate.entered.wait(30)
        waiting = [group.submit(grant(f"m{n}")) for n in range(25)]
        gate.let_go.set()
        assert [future.result() for future in waiting] == list(range(25))
    assert len(counted[0]) == 4


def test_what_was_cancelled_while_it_waited_is_not_run(
    opened_there: Callable[[], Log], open_log: Callable[[], Log]
) -> None:
    gate = Gate()
    with GroupCommit(opened_there) as group:
        group.submit(gate)
        assert gate.entered.wait(30)
        kept, dropped = group.submit(grant("a")), group.submit(grant("b"))
        assert dropped.cancel()
        gate.let_go.set()
        assert kept.result() == 0
        with pytest.raises(CancelledError):
            dropped.result()
    assert open_log().size == 1


def test_what_was_submitted_before_the_end_is_answered_and_nothing_after_it(opened_there: Callable[[], Log]) -> None:
    gate = Gate()
    with GroupCommit(opened_there) as group:
        group.submit(gate)
        assert gate.entered.wait(30)
        waiting = group.submit(grant("a"))
        threading.Timer(0.05, gate.let_go.set).start()
    assert waiting.result() == 0
    with pytest.raises(LedgerBroken, match="closed"):
        group.submit(grant("b"))


def test_a_ledger_that_cannot_be_opened_is_said_at_once() -> None:
    def broken() -> Log:
        raise LedgerBroken("there is no ledger")

    with pytest.raises(LedgerBroken, match="no ledger"), GroupCommit(broken):
        pass


def test_what_was_committed_is_signed_when_nothing_comes_after_it(opened_there: Callable[[], Log]) -> None:
    with GroupCommit(opened_there) as group, closing(opened_there()) as other:
        group.run(grant("ann"))
        group.run(grant("ben"))
        deadline = time.monotonic() + 30
        while (outside := other.outside()) is None or outside.size < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert group.run(grant("cid")) == 2
