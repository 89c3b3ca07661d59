"""A change of keys that dies anywhere: the old key or the new one is in use, and the next writer leaves nothing over.

Every statement of SQL, fsync, rename, unlink and opened file is counted while a change runs undisturbed; then it is run
again and again, dying before one of them each time. CI takes every few; IMP_EVERY_CRASH=1 takes all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from imp_consent.audit.verify import verify
from imp_consent.identity.keys import PURPOSES, Keyring, KeyState
from imp_consent.ledger.log import Log
from imp_consent.ledger.rotate import retire, rotate
from imp_consent.ledger.wrap import wrap
from imp_core.event import RawId
from imp_core.workspace import Workspace

CHANGES: dict[str, Callable[[Any], object]] = {
    "pepper": lambda log: rotate(log, "pepper"),
    "kek": lambda log: rotate(log, "kek"),
    "row": lambda log: rotate(log, "row"),
    "sign": lambda log: rotate(log, "sign"),
    "wrap-pepper": lambda log: wrap(log, "pepper"),
    "wrap-supp": lambda log: wrap(log, "supp"),
    "retire": lambda log: retire(log, next(key.id for key in log.keyring.peppers() if key.epoch == 1)),
}
# What another process then does to the same keys: a retired pepper is gone, so one is put in use.
AGAIN = CHANGES | {"retire": CHANGES["pepper"]}
TAKEN = 1 if os.environ.get("IMP_EVERY_CRASH") else 6  # one crash in so many


class Crash(BaseException):
    """The process is gone."""


class Crasher:
    """Dies before the n-th thing that touches a disk."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.seen = at, 0

    def tick(self) -> None:
        if self.at is not None and self.seen >= self.at:
            raise Crash  # and whatever cleans up finds that nothing works any more
        self.seen += 1


class Counted:
    """A connection whose every statement counts; a rollback is the database's own doing after a crash."""

    def __init__(self, sql: Any, crasher: Crasher) -> None:
        self._sql, self._crasher = sql, crasher

    def execute(self, statement: str, *values: Any) -> Any:
        if statement != "ROLLBACK":
            self._crasher.tick()
        return self._sql.execute(statement, *values)

    def executemany(self, *values: Any) -> Any:
        self._crasher.tick()
        return self._sql.executemany(*values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sql, name)


@contextmanager
def dying(log: Any, crasher: Crasher) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "_sql", Counted(log._sql, crasher))
        for name in ("fsync", "replace", "unlink", "open"):
            real = getattr(os, name)

            def counted(*args: Any, _real: Any = real, **named: Any) -> Any:
                crasher.tick()
                return _real(*args, **named)

            patch.setattr(os, name, counted)
        yield


def problems(ledger: Any) -> list[str]:
    workspace = Workspace(ledger.folder, {"workspace": {"log_id": "keyed", "controller": "Shop"}})
    result = verify(workspace, Keyring.open(ledger.keys, "keyed"))
    return [f"{problem.code} {problem.place}" for problem in result.problems] + [
        note.code for note in result.notes if note.code.startswith("keys.")
    ]


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_that_dies_anywhere_is_finished_or_undone_by_the_next_writer(make_ledger: Any, what: str) -> None:
    prepared = make_ledger()
    log = prepared.open()
    if what == "retire":
        rotate(log, "pepper")
        with log.write() as transaction:
            assert all(transaction.find_subject(RawId("member", name)) for name in ("ann", "ben", "cid", "王伟"))
    answers = prepared.answers(log)
    log.close()
    crasher = Crasher()
    counted = copied(make_ledger, prepared)
    log = counted.open()
    with dying(log, crasher):
        CHANGES[what](log)
    assert crasher.seen > 10
    for at in range(0, crasher.seen, TAKEN):
        die_and_look(copied(make_ledger, prepared), what, at, answers)
        die_and_change(copied(make_ledger, prepared), what, at, answers)


def copied(make_ledger: Any, ledger: Any) -> Any:
    copy = make_ledger(empty=True)
    shutil.copytree(ledger.folder, copy.folder, dirs_exist_ok=True)
    return copy


def die_and_look(ledger: Any, what: str, at: int, answers: Any) -> None:
    log, running = ledger.open(), ledger.open()
    assert ledger.answers(running) == answers
    with dying(log, Crasher(at)), pytest.raises(Crash):
        CHANGES[what](log)
    log._sql.close()  # as the death of its process does
    assert ledger.answers(running) == answers == ledger.answers(ledger.open()), at
    look_after(ledger, running, at, answers)


def die_and_change(ledger: Any, what: str, at: int, answers: Any) -> None:
    """A process that was running, whose ring knows nothing of the one that died, changes the same keys."""
    log, running = ledger.open(), ledger.open()
    assert ledger.answers(running) == answers
    with dying(log, Crasher(at)), pytest.raises(Crash):
        CHANGES[what](log)
    log._sql.close()
    AGAIN[what](running)
    ring = Keyring.open(ledger.keys, "keyed")
    for purpose in PURPOSES:
        epochs = [key.epoch for key in ring.every(purpose)]
        assert len(set(epochs)) == len(epochs), at
    look_after(ledger, running, at, answers)


def look_after(ledger: Any, running: Any, at: int, answers: Any) -> None:
    ledger.say(running, "ben", "withdraw")
    late = ledger.open()
    ledger.say(late, "cid", "refuse")
    ring = Keyring.open(ledger.keys, "keyed")
    assert ring.settled, at
    assert not [path.name for path in ledger.keys.iterdir() if path.name.startswith(".") and ".key." in path.name], at
    assert not any(key.state is KeyState.STAGED for key in ring.keys)
    assert {len(ring.every(purpose)) for purpose in ("kek", "row")} == {1}
    assert sum(bool(key.secret) for key in ring.every("sign")) == 1
    assert ledger.answers(late) == answers == ledger.answers(running), at
    for one in (late, running):
        one.close()
    assert problems(ledger) == [], at


@pytest.mark.parametrize("purpose", ["pepper", "kek", "row", "sign"])
def test_a_ring_of_two_keys_of_one_epoch_that_crashes_staged_is_read_as_the_head_says(
    ledger: Any, purpose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, other = ledger.open(), ledger.open()
    answers = ledger.answers(other)
    with pytest.raises(Crash), dead.write() as transaction:
        transaction.keyring.stage(purpose, created_us=1)
        raise Crash
    dead._sql.close()
    monkeypatch.setattr(Keyring, "reload_raw", lambda ring: ring.keys)  # a ring that another imp left so
    monkeypatch.setattr(Log, "settle_keys", lambda _: None)
    rotate(other, purpose)
    monkeypatch.undo()
    twice = [key.epoch for key in Keyring.open(ledger.keys, "keyed").keys if key.purpose == purpose]
    assert sorted(twice) == [1, 2, 2]
    late = ledger.open()
    ledger.say(late, "ben", "withdraw")
    assert len([key for key in late.keyring.keys if key.purpose == purpose]) == (1 if purpose in ("kek", "row") else 2)
    assert ledger.answers(late) == answers
    late.close()
    assert problems(ledger) == []


@pytest.mark.parametrize("purpose", ["pepper", "sign"])
def test_a_key_in_use_that_nobody_wrote_down_as_such_is_kept_when_the_next_follows(
    ledger: Any, purpose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, other = ledger.open(), ledger.open()
    waiting = other.keyring  # as of before: what a process that waits for the lock begins with
    with monkeypatch.context() as patch:
        patch.setattr(Log, "settle_keys", lambda _: (_ for _ in ()).throw(Crash))
        with pytest.raises(Crash):
            rotate(dead, purpose)
    middle = dead.keyring.active(purpose)
    dead._sql.close()
    answers = ledger.answers(other)
    other.keyring = waiting
    (wrap if purpose == "pepper" else rotate)(other, purpose)
    kept = {key.id: key.state for key in Keyring.open(ledger.keys, "keyed").keys}
    assert kept[middle.id] is KeyState.RETIRED
    assert ledger.answers(other) == answers
    other.close()
    assert problems(ledger) == []
