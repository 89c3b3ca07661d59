"""Intake, inbox, compaction and readout killed before each of their writes: nothing half-done, nothing twice."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.plane.view import ConsentView
from imp_core.clock import DAY_US
from imp_core.gate import Action, Use

USE = Use(purpose="analytics", action=Action.ANALYSE)
# Killed between two writes of one transaction nothing but its rollback follows: of those, one in so many.
_ONE_IN = int(os.environ.get("IMP_CRASH_STRIDE", "9"))


def _ingest(shop: Any) -> None:
    shop.take(shop.event("1", "f1"), shop.exposure("2", "f2"), shop.event("9", "f3"), sha256="f" * 64)


def _accept(shop: Any) -> None:
    shop.accept(shop.event("1", "i1"), shop.exposure("2", "i2"), shop.event("9", "i3"))


def _compact(shop: Any) -> None:
    shop.compact()


def _read(shop: Any) -> None:
    use = ConsentView(shop.log, shop.workspace).open(USE)
    use.close(readout_sha256="0" * 64, counts={"rows": len(use.events.fetchall())})


# What each may add to the events of the archive and the inbox: all of it or nothing.
WORK: dict[str, tuple[Callable[[Any], None], int]] = {
    "ingest": (_ingest, 2),
    "accept": (_accept, 2),
    "compact": (_compact, 0),
    "read": (_read, 0),
}


@pytest.fixture
def filled(shop):
    """Two batches, three events that wait and a denial to tell, closed: what a process finds."""
    shop.give("1", "2")
    for at in range(2):
        shop.take(shop.event("1", f"m{at}"), shop.event("2", f"n{at}"))
    shop.accept(shop.event("1", "w1"), shop.exposure("2", "w2"), shop.event(None, "w3"), shop.event("9", "w4"))
    shop.log.close()
    return shop


def _chosen(points: list[str]) -> list[int]:
    rows = [what.startswith(("INSERT", "UPDATE", "DELETE")) for what in points]
    return [at for at in range(len(points)) if not rows[at] or (at and not rows[at - 1]) or at % _ONE_IN == 0]


@pytest.mark.parametrize("name", WORK)
def test_killed_before_any_write_nothing_is_half_done_and_nothing_lost(filled, killer, tmp_path: Path, name: str):
    work, added = WORK[name]
    paths = {part: tmp_path / "copy" / part for part in ("root", "keys")}

    def copied() -> Callable[[], None]:
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        for part, path in paths.items():
            shutil.copytree(getattr(filled, part), path)
        return in_child

    def in_child() -> None:
        there = filled.elsewhere(**paths)
        work(there)
        there.log.close()

    points = killer.points(copied())
    assert "COMMIT" in points
    for point in _chosen(points):
        killer.kill_before(point, copied())
        killed = filled.elsewhere(**paths)
        _check(killed, work, f"killed before {point}, {points[point]}", before=7, added=added)
        killed.log.close()


def _check(shop: Any, work: Callable[[Any], None], moment: str, *, before: int, added: int) -> None:
    assert shop.verify().problems == (), moment
    assert len(shop.rows()) + shop.inbox() in {before, before + added}, f"{moment}: half of it is there"
    work(shop)
    shop.clock.move_to(shop.now + DAY_US)
    _read(shop)  # closes what a killed reader left
    shop.compact()
    events = [row["event_id"] for row in shop.rows()]
    assert len(events) == len(set(events)) == before + added, f"{moment}: an event is lost or there twice"
    assert (shop.inbox(), len(shop.files())) == (0, 1), f"{moment}: something is left"
    assert shop.enrolment()[("banner", 1, "a", "admitted")] == 1, moment
    assert sum(entry["denied"].get("no_record", 0) for entry in shop.entries("collect")) >= 1, moment
    closes = [entry["use"] for entry in shop.entries("use-close")]
    assert len(closes) == len(set(closes)) == len(shop.entries("use-open")), moment
    result = shop.verify()
    assert (result.problems, result.notes) == ((), ()), moment
