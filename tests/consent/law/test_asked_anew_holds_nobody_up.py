"""Counting whom a change concerns holds nobody up: what people say meanwhile is written, and a dry run only reads."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands import notices, purposes
from imp_consent.commands.notices import NoticeAdded, add_notice
from imp_consent.commands.purposes import change_purpose
from imp_consent.runtime import open_log
from imp_core.clock import SimulatedClock
from imp_core.context import Context
from imp_core.randomness import SeededRandomness

Desk = Any
_HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""
TEXT = "Shop Ltd asks you for analytics. Write to us.\n\nYou can withdraw your consent at any time. {more}"
CHANGE = ("purpose", "change", "analytics", "--data", "clicks")


@pytest.fixture
def asked(desk: Desk) -> Desk:
    """Three people agreed to analytics, one of them on the web and in the app."""
    desk.notice("analytics").ok()
    for who in ("member:1", "member:2", "member:3"):
        desk.record("analytics", "given", "--channel", "web", who=who).ok()
    desk.record("analytics", "given", "--channel", "app").ok()
    desk.wait(1)
    return desk


@pytest.fixture
def other_shop(shop: Context, clock: SimulatedClock) -> Iterator[Context]:
    """The same workspace as another process has it open."""
    other = Context(
        environ=shop.environ, directory=shop.directory, clock=clock, randomness=SeededRandomness(7), chosen_actor="ben"
    )
    yield other
    other.close()


@pytest.fixture
def locked(shop: Context) -> Iterator[None]:
    """Another process writes, and does not come to an end."""
    words = [sys.executable, "-c", _HOLD, str(shop.workspace.database)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.communicate()


def _file(tmp_path: Path, more: str = "New.") -> Path:
    path = tmp_path / "new.txt"
    path.write_text(TEXT.format(more=more), encoding="utf-8")
    return path


def _sign(shop: Context) -> int:
    log = open_log(shop)
    log.checkpoint()
    return log.size


@pytest.mark.parametrize("deed", ["notice", "change", "load"])
def test_a_dry_run_needs_no_lock_and_leaves_no_mark(
    asked: Desk, shop: Context, tmp_path: Path, deed: str, request: pytest.FixtureRequest
) -> None:
    load = tmp_path / "purposes.toml"
    load.write_text('[[purpose]]\nname = "analytics"\ndescription = "Ads."\ntraits = ["profiling"]\n', encoding="utf-8")
    words = {
        "notice": ("notice", "add", str(_file(tmp_path)), "--name", "shown"),
        "change": CHANGE,
        "load": ("purpose", "load", str(load)),
    }[deed]
    size = _sign(shop)
    shop.close()
    before = shop.workspace.database.read_bytes()
    request.getfixturevalue("locked")
    would = asked.consent(*words, "--dry-run", "--json").ok().json
    assert (would["seq"], would["asked_anew"]) == (None, {"analytics": 3})
    assert open_log(shop).size == size
    assert shop.workspace.database.read_bytes() == before


def _free(shop: Context) -> None:
    with closing(sqlite3.connect(shop.workspace.database, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")


def _meanwhile(patch: pytest.MonkeyPatch, module: Any, act: Callable[[], object]) -> list[dict[str, int]]:
    """Something happens the first time people are counted; what was counted each time."""
    real, counted = module.asked_anew, []

    def counting(*given: Any, **more: Any) -> dict[str, int]:
        counted.append(real(*given, **more))
        if len(counted) == 1:
            act()
        return counted[-1]

    patch.setattr(module, "asked_anew", counting)
    return counted


def test_others_may_write_while_people_are_counted(
    asked: Desk, shop: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = _meanwhile(monkeypatch, notices, lambda: _free(shop))
    counted_of_purpose = _meanwhile(monkeypatch, purposes, lambda: _free(shop))
    change_purpose(shop, "analytics", declared={"data": ("clicks",)})
    asked.record("analytics").ok()
    asked.wait(1)
    assert add_notice(shop, _file(tmp_path), name="shown").asked_anew == {"analytics": 1}, "who agreed again"
    assert (counted_of_purpose, counted) == ([{"analytics": 3}], [{"analytics": 1}])


def test_what_others_registered_meanwhile_is_neither_lost_nor_taken_for_ones_own(
    asked: Desk, shop: Context, other_shop: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faster = tmp_path / "faster.txt"
    faster.write_text(TEXT.format(more="Faster."), encoding="utf-8")
    done: list[NoticeAdded] = []
    counted = _meanwhile(monkeypatch, notices, lambda: done.append(add_notice(other_shop, faster, name="shown")))
    mine = add_notice(shop, _file(tmp_path), name="shown")
    assert (done[0].version, mine.version) == (2, 3)
    assert counted == [{"analytics": 3}, {"analytics": 3}, {}], "they were cut off by the faster one"
    assert (dict(done[0].asked_anew), dict(mine.asked_anew)) == ({"analytics": 3}, {})


def test_a_purpose_that_others_changed_meanwhile_keeps_what_they_said(
    asked: Desk, shop: Context, other_shop: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    _meanwhile(monkeypatch, purposes, lambda: change_purpose(other_shop, "analytics", declared={"data": ("age",)}))
    done = change_purpose(shop, "analytics", declared={"traits": ("profiling",)})
    found = asked.consent("purpose", "show", "analytics", "--json").ok().json
    assert (found["data"], found["traits"], found["version"]) == (["age"], ["profiling"], 3)
    assert (dict(done.asked_anew), [change.field for change in done.differences]) == ({}, ["traits"])


def test_whoever_permits_by_what_was_said_since_the_last_cut_is_counted_once(asked: Desk) -> None:
    asked.notice("analytics", more="New.").ok()
    asked.record("analytics", "given", "--channel", "web").ok()
    asked.record("analytics", "given", "--channel", "app").ok()
    asked.consent("basis", "member:2", "--purpose", "analytics", "--basis", "contract", "--evidence", "order 7").ok()
    asked.record("analytics", "refused", who="member:3").ok()
    asked.wait(1)
    assert asked.notice("analytics", more="Newer.", words=("--dry-run",)).ok().json["asked_anew"] == {"analytics": 1}
    assert asked.consent(*CHANGE, "--dry-run", "--json").ok().json["asked_anew"] == {"analytics": 2}
    asked.consent(*CHANGE).ok()
    assert asked.consent(*CHANGE[:-1], "age", "--dry-run", "--json").ok().json["asked_anew"] == {}
