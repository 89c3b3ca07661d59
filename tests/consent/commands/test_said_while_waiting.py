"""What is said without a time is said as it is recorded: after what others recorded while the command waited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from imp_consent.ledger.log import Log
from imp_consent.ledger.transaction import Transaction
from imp_core.clock import SECOND_US, SimulatedClock
from imp_core.context import Context

WAITED_US = 7 * SECOND_US


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch, clock: SimulatedClock) -> None:
    """Somebody else holds the write lock for a while, whenever it is asked for."""
    write = Log.write

    @contextmanager
    def waiting(log: Log) -> Iterator[Transaction]:
        clock.move_to(clock.now_us() + WAITED_US)
        with write(log) as transaction:
            yield transaction

    monkeypatch.setattr(Log, "write", waiting)


@pytest.mark.parametrize(
    "words",
    [
        ("basis", "member:1", "--purpose", "essential", "--basis", "contract", "--evidence", "订单 7"),
        ("signal", "record", "member:1", "--kind", "gpc", "--raw", "1", "--channel", "web"),
        ("signal", "record", "device:tab-1", "--kind", "gpc", "--raw", "1", "--channel", "web", "--link", "member:1"),
        ("signal", "link", "device:tab-1", "member:1"),
        ("record", "member:1", "--purpose", "analytics", "--state", "given", "--action", "click"),
        ("minor", "member:1", "--age", "10"),
    ],
)
@pytest.mark.usefixtures("waits")
def test_what_is_said_now_is_said_when_the_lock_was_got(
    shop: Context, imp_here: Callable[..., Any], words: tuple[str, ...]
) -> None:
    before = shop.clock.now_us()
    imp_here("consent", *words, "--json").ok()
    history = imp_here("consent", "history", "member:1", "--json").ok().json["entries"]
    assert history
    for entry in history:
        assert entry["at"] == entry["recorded"], entry
    assert shop.clock.now_us() >= before + WAITED_US
