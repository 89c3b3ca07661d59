"""Fixtures of the policy tests: a real ledger with the real projection, shared by a module and rolled back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from imp_consent.identity.keys import Keyring
from imp_consent.ledger.log import Log, create_log
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.project import project
from imp_core.clock import SimulatedClock, parse_time
from imp_core.randomness import SeededRandomness


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """An empty ledger at 2026-03-01T12:00:00Z."""
    folder = tmp_path_factory.mktemp("ledger")
    keyring = Keyring.create(folder / "keys", "log-1")
    create_log(folder / "ledger.db", keyring, "log-1")
    log = Log(
        folder / "ledger.db",
        keyring,
        log_id="log-1",
        clock=SimulatedClock(parse_time("2026-03-01T12:00:00Z")),
        randomness=SeededRandomness(1),
        actor="tester",
        projection=project,
    )
    yield log
    log.close()


class _UndoError(Exception):
    pass


@pytest.fixture(scope="module")
def trial(log: Log) -> Callable[[], AbstractContextManager[Transaction]]:
    """A write transaction that is rolled back at its end, so that a module's tests share one ledger."""

    @contextlib.contextmanager
    def attempt() -> Iterator[Transaction]:
        with contextlib.suppress(_UndoError), log.write() as transaction:
            yield transaction
            raise _UndoError

    return attempt
