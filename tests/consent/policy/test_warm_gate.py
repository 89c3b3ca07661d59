"""What the gate remembers between two questions, and what makes it ask again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imp_consent.gate import ConsentGate
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.log import Log, create_log
from imp_consent.ledger.standing import Standing, Watch
from imp_consent.policy.project import project
from imp_core.clock import SimulatedClock, parse_time
from imp_core.event import RawId
from imp_core.gate import Action, Use
from imp_core.randomness import SeededRandomness


@dataclass
class Shop:
    """A ledger on disk with somebody in it, and how often the gate had to read."""

    folder: Path
    keyring: Keyring
    log: Log
    subject: int = 0
    reads: int = 0

    def opened(self) -> Log:
        return Log(
            self.folder / "ledger.db",
            self.keyring,
            log_id="log-1",
            clock=SimulatedClock(parse_time("2026-03-01T12:00:00Z")),
            randomness=SeededRandomness(1),
            actor="tester",
            projection=project,
        )

    def say(self, type_: str, *, log: Log | None = None, purpose: str = "ads") -> None:
        with (log or self.log).write() as transaction:
            self.subject = self.subject or transaction.subject_for(RawId("member", "1"))
            statement = Statement(type=type_, purpose=purpose, channel="", at_us=10 + transaction.size)
            transaction.append_person(self.subject, statement, {})

    def use(self, purpose: str = "ads") -> Use:
        return Use(purpose=purpose, action=Action.ACTIVATE, subject=self.subject)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    keyring = Keyring.create(tmp_path / "keys", "log-1")
    create_log(tmp_path / "ledger.db", keyring, "log-1")
    shop = Shop(tmp_path, keyring, None)  # type: ignore[arg-type]
    shop.log = shop.opened()
    shop.say("grant")
    shop.log.checkpoint()
    read = Log.read

    def counted(log: Log):
        shop.reads += 1
        return read(log)

    monkeypatch.setattr(Log, "read", counted)
    yield shop
    shop.log.close()


def test_the_same_question_is_read_once_while_nothing_is_committed(shop: Shop) -> None:
    gate = ConsentGate(lambda: shop.log)
    answers = [gate.decide(shop.use(), at_us=at) for at in (100, 100, 5, 200, 5)]
    assert [answer.reason for answer in answers] == ["given", "given", "no_record", "given", "no_record"]
    assert answers[0] == answers[1] == answers[3]
    assert shop.reads == 2, "once for what was said, once for what else is permitted where nothing was"


@pytest.mark.parametrize("by_another", [True, False])
def test_r02_whoever_commits_a_no_the_next_question_is_denied(shop: Shop, by_another: bool) -> None:
    gate = ConsentGate(lambda: shop.log)
    assert gate.decide(shop.use(), at_us=100).permitted
    other = shop.opened()
    shop.say("withdraw", log=other if by_another else None)
    other.close()
    assert gate.decide(shop.use(), at_us=100).reason == "withdrawn"


def test_r15_a_notice_that_changed_is_met_by_the_next_question(shop: Shop) -> None:
    gate = ConsentGate(lambda: shop.log)
    assert gate.decide(shop.use(), at_us=10**18).permitted
    with shop.log.write() as transaction:
        transaction.append_system("notice", {"name": "n", "material": ["ads"]})
    assert gate.decide(shop.use(), at_us=10**18).reason == "notice_changed"
    with shop.log.write() as transaction:
        transaction.append_system("policy", {"material": ["ads"]})
    assert gate.decide(shop.use(), at_us=10**18).reason == "notice_changed"


def test_r02_a_ledger_that_was_rolled_back_under_a_remembered_yes_is_noticed(shop: Shop) -> None:
    gate = ConsentGate(lambda: shop.log)
    assert gate.decide(shop.use(), at_us=100).permitted
    (shop.keyring.folder / "checkpoint").unlink()
    assert gate.decide(shop.use(), at_us=100).reason == "ledger_unavailable"


def test_r02_a_database_that_was_put_in_the_place_of_ours_is_not_answered_from_memory(shop: Shop) -> None:
    gate = ConsentGate(lambda: shop.log)
    gate.decide(shop.use(), at_us=100)
    database = shop.folder / "ledger.db"
    database.rename(shop.folder / "away.db")
    before = shop.reads
    gate.decide(shop.use(), at_us=100)
    assert shop.reads == before + 1


def test_r02_nothing_is_remembered_for_longer_than_its_bound(shop: Shop) -> None:
    gate = ConsentGate(lambda: shop.log, oldest_s=0.0)
    for _ in range(3):
        assert gate.decide(shop.use(), at_us=100).permitted
    assert shop.reads == 3


def test_inside_a_transaction_nothing_is_remembered(shop: Shop) -> None:
    gate = ConsentGate(lambda: shop.log)
    with shop.log.write() as transaction:
        said = Statement(type="withdraw", purpose="*", channel="", at_us=50)
        transaction.append_person(shop.subject, said, {})
        assert gate.decide(shop.use(), at_us=100).reason == "withdrawn"
        transaction.append_person(shop.subject, Statement(type="grant", purpose="ads", channel="", at_us=60), {})
        assert gate.decide(shop.use(), at_us=100).permitted
    assert gate.decide(shop.use(), at_us=55).reason == "withdrawn"


def test_what_is_remembered_does_not_grow_without_end(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imp_consent.gate.point._REMEMBERED", 2)
    gate = ConsentGate(lambda: shop.log)
    for purpose in ("ads", "a", "b", "c", "ads"):
        gate.decide(shop.use(purpose), at_us=100)
    assert len(gate._answers) <= 2
    assert gate.decide(shop.use("a"), at_us=100).reason == "purpose_not_covered"


def test_a_use_of_nobody_and_one_as_known_before_are_answered_without_memory(shop: Shop) -> None:
    gate = ConsentGate(lambda: shop.log)
    assert gate.decide(Use(purpose="ads", action=Action.ANALYSE), at_us=100).reason == "no_record"
    assert gate.decide(shop.use(), at_us=100, known_at=0).reason == "no_record"
    assert gate._answers == {}


def test_the_gate_knows_the_purposes_that_were_registered(shop: Shop) -> None:
    assert not ConsentGate(lambda: shop.log).knows("ads")


def test_r02_a_ledger_opened_anew_is_not_answered_from_what_was_read_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # counters of a connection begin anew with it: that they are equal says nothing then
    monkeypatch.setattr(Watch, "standing", lambda _: Standing(2, 0, (), ()))
    gate = ConsentGate(lambda: shop.log)
    assert gate.decide(shop.use(), at_us=100).reason == "given"
    shop.log.close()
    other = shop.opened()
    shop.say("withdraw", log=other)
    other.close()
    shop.log = shop.opened()
    assert gate.decide(shop.use(), at_us=100).reason == "withdrawn"
