"""A restore killed before each of its writes leaves what was, or the restored ledger; the next one finishes."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.audit import verify_workspace
from imp_consent.commands.check import check
from imp_consent.commands.erase import erase
from imp_consent.commands.record import record
from imp_consent.commands.restore import restore
from imp_core.clock import DAY_US
from imp_core.context import Context
from imp_core.errors import CheckFailed
from imp_core.event import RawId

ANN, BEN, DAN, EVE = (RawId("member", name) for name in ("ann", "ben", "dan", "eve"))
# Killed between two rows of the transaction aside, nothing but the copy's end follows: of those, one in so many.
_ONE_IN = int(os.environ.get("IMP_CRASH_STRIDE", "9"))


def restore_at(place: Any) -> None:
    ctx = place.open()
    restore(ctx, place.backup, execute=True)
    ctx.close()


@pytest.mark.parametrize("present", ["lost", "damaged"])
def test_killed_before_any_write_a_restore_is_done_by_the_next_one(
    place: Any, later: Callable[[], Context], killer: Any, tmp_path: Path, present: str
) -> None:
    ctx = later()
    record(ctx, ANN, purpose="analytics", state="withdrawn")
    at_us = ctx.clock.now_us() - DAY_US  # Eve is unknown to the backup: the restore takes her visit out
    record(ctx, EVE, purpose="analytics", state="given", at_us=at_us)
    place.visits(ctx, "after", BEN, EVE)
    erase(ctx, [DAN], later=True)
    ctx.close()
    place.lose()
    if present == "damaged":
        (place.workspace / "ledger.db").write_bytes(b"no database")
        (place.workspace / "ledger.db-wal").write_bytes(b"no log of one")
    points = killer.points(lambda: restore_at(place.copy(tmp_path / "whole")))
    assert {"COMMIT", "replace", "fsync"} <= set(points)
    telling = [not what.startswith(("INSERT", "UPDATE", "DELETE", "PRAGMA", "CREATE")) for what in points]
    moved = points.index("replace") - 2  # what comes before is the same
    first = 0 if present == "lost" else moved
    for point in (n for n, told in enumerate(telling) if n >= first and (told or n % _ONE_IN == 0)):
        at = place.copy(tmp_path / "killed")
        killer.kill_before(point, lambda at=at: restore_at(at))
        _check_after(at, f"killed before {point}, {points[point]}")


def _check_after(at: Any, moment: str) -> None:
    ctx = at.open(days=4)
    with suppress(CheckFailed):  # it was in its place already
        restore(ctx, at.backup, execute=True)
    ctx.close()
    ctx = at.open(days=4)
    found = verify_workspace(ctx)
    assert found.ok, f"{moment}: {found.problems}"
    reasons = [check(ctx, raw, purpose="analytics").reason for raw in (ANN, BEN, DAN)]
    assert reasons == ["lost", "given", "no_record"], moment
    erase(ctx, [])
    assert verify_workspace(ctx).ok, moment
    assert verify_workspace(ctx).notes == (), moment
    assert not list(ctx.workspace.temporary.iterdir()), moment
    ctx.close()
