"""A ledger in a temporary folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.log import Log, create_log
from imp_consent.policy.project import project
from imp_core.clock import SimulatedClock
from imp_core.randomness import SeededRandomness


@pytest.fixture
def open_log(tmp_path: Path, clock: SimulatedClock) -> Iterator[Callable[[], Log]]:
    """Opens the one ledger of this test as a new process would; closed at the end."""
    keyring = Keyring.create(tmp_path / "keys", "test-log")
    create_log(tmp_path / "ledger.db", keyring, "test-log")
    opened: list[Log] = []

    def open_() -> Log:
        log = Log(
            tmp_path / "ledger.db",
            Keyring.open(tmp_path / "keys", "test-log"),
            log_id="test-log",
            clock=clock,
            randomness=SeededRandomness(len(opened)),
            actor="tester",
            projection=project,
        )
        opened.append(log)
        return log

    yield open_
    for log in opened:
        log.close()
