"""What the commands that limit print is what the ledger holds."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from imp_core.clock import SimulatedClock


@pytest.mark.parametrize("command", ["object", "restrict", "limit"])
def test_the_time_that_is_printed_is_the_time_that_is_recorded(
    imp_here: Any, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    imp_here("init", "--controller", "Shop Ltd").ok()
    imp_here("consent", "record", "member:1", "--purpose", "analytics", "--state", "given").ok()
    ticks = count(clock.now_us() + 1)  # as time goes on between two looks at a clock
    monkeypatch.setattr(SimulatedClock, "now_us", lambda _: next(ticks))
    done = imp_here("consent", command, "member:1", "--json").ok().json
    history = imp_here("consent", "history", "member:1", "--json").ok().json
    (entry,) = [entry for entry in history["entries"] if entry["seq"] == done["seq"]]
    assert entry["at"] == done["at"]
