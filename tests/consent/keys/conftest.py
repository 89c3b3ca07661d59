"""A ledger with a few people, its keys, and how the gate answers about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imp_consent.gate import decide_many
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.log import Log, create_log
from imp_consent.policy.project import project
from imp_core.clock import SimulatedClock
from imp_core.event import RawId
from imp_core.randomness import SeededRandomness

LOG_ID = "keyed"
NAMES = ("ann", "ben", "cid", "王伟")


class Ledger:
    """One ledger on disk, opened as new processes would."""

    def __init__(self, folder: Path, clock: SimulatedClock) -> None:
        self.folder = folder
        self.keys = folder / "keys"
        self.clock = clock
        self._opened: list[Log] = []

    def open(self) -> Log:
        """The ledger as a process that starts now has it."""
        log = Log(
            self.folder / "ledger.db",
            Keyring.open(self.keys, LOG_ID),
            log_id=LOG_ID,
            clock=self.clock,
            randomness=SeededRandomness(len(self._opened)),
            actor="tester",
            projection=project,
        )
        self._opened.append(log)
        return log

    def say(self, log: Log, name: str, type_: str = "grant") -> int:
        """Append what somebody says; returns the seq."""
        self.clock.move_to(self.clock.now_us() + 1_000)
        said = Statement(type=type_, purpose="analytics", channel="", at_us=self.clock.now_us())
        with log.write() as transaction:
            return transaction.append_person(transaction.subject_for(RawId("member", name)), said, {})

    def answers(self, log: Log) -> list[tuple[int | None, bool]]:
        """Who everybody is and what the gate says about them."""
        with log.read() as reader:
            subjects = [reader.find_subject(RawId("member", name)) for name in (*NAMES, "nobody")]
            known = [subject for subject in subjects if subject is not None]
            now_us = self.clock.now_us()
            permitted = decide_many(
                reader, known, [now_us] * len(known), purpose="analytics", channel="mail", now_us=now_us
            ).permitted
            said = dict(zip(known, permitted, strict=True))
        return [(subject, bool(subject is not None and said[subject])) for subject in subjects]

    def close(self) -> None:
        """Close what was opened."""
        for log in self._opened:
            log.close()


@pytest.fixture
def make_ledger(tmp_path: Path, clock: SimulatedClock) -> Iterator[Callable[[], Ledger]]:
    """Makes ledgers with four people: three granted, one of them withdrew, one refused; or empty folders for copies."""
    made: list[Ledger] = []

    def make(*, empty: bool = False) -> Ledger:
        folder = tmp_path / f"ledger-{len(made)}"
        folder.mkdir()
        ledger = Ledger(folder, clock)
        if empty:
            made.append(ledger)
            return ledger
        keyring = Keyring.create(ledger.keys, LOG_ID, created_us=clock.now_us())
        create_log(folder / "ledger.db", keyring, LOG_ID)
        made.append(ledger)
        log = ledger.open()
        for name in NAMES:
            ledger.say(log, name, "refuse" if name == "cid" else "grant")
        ledger.say(log, "ben", "withdraw")
        return ledger

    yield make
    for ledger in made:
        ledger.close()


@pytest.fixture
def ledger(make_ledger: Callable[[], Ledger]) -> Ledger:
    """One such ledger."""
    return make_ledger()
