"""A process that is killed at every write it makes, one after the other: found by running, not listed by hand."""

from __future__ import annotations

import os
import signal
import sqlite3
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# What changes something on disk; SQLite's own calls are met as the statements that lead to them.
_CALLS = ("fsync", "rename", "replace", "unlink", "rmdir", "ftruncate", "pwrite")
_READS = ("SELECT", "BEGIN", "ROLLBACK", "PRAGMA BUSY", "PRAGMA JOURNAL", "PRAGMA SYNC", "PRAGMA FULL", "PRAGMA CHECKP")


class Killer:
    """Runs work in a process of its own and kills it right before one of its writes, the last one being its end."""

    def __init__(self, folder: Path) -> None:
        self._trace = folder / "killer-trace"

    def points(self, work: Callable[[], None]) -> list[str]:
        """Every write that the work makes, in order, by what it is; the work is done then."""
        status = self._fork(work, None)
        assert status == 0, f"the work failed: {os.waitstatus_to_exitcode(status)}\n{self._trace.read_text()}"
        return self._trace.read_text().splitlines()

    def kill_before(self, point: int, work: Callable[[], None]) -> None:
        """Let the work come up to its write of this number, and no further."""
        status = self._fork(work, point)
        code = os.waitstatus_to_exitcode(status)
        assert code == -signal.SIGKILL, f"not killed but ended with {code}\n{self._trace.read_text()}"

    def _fork(self, work: Callable[[], None], point: int | None) -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of others: the child uses none of them
            child = os.fork()
        if child == 0:
            self._run(work, point)
        return os.waitpid(child, 0)[1]

    def _run(self, work: Callable[[], None], point: int | None) -> None:
        code = 1
        try:
            with self._trace.open("w") as trace:
                counted = _Counted(point, trace.write)
                counted.install()
                work()
                counted.reached("the end")
            code = 0
        except BaseException:  # noqa: BLE001 (a fork must never return to pytest)
            self._trace.write_text(traceback.format_exc())
        finally:
            os._exit(code)


class _Counted:
    def __init__(self, point: int | None, note: Callable[[str], object]) -> None:
        self._left = point
        self._note = note

    def reached(self, what: str) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._left is not None:
            self._left -= 1
        self._note(f"{what}\n")

    def install(self) -> None:
        for name in _CALLS:
            setattr(os, name, self._watched(name, getattr(os, name)))
        connect = sqlite3.connect
        sqlite3.connect = lambda *a, factory=sqlite3.Connection, **k: connect(*a, factory=self._watching(factory), **k)  # type: ignore[assignment,misc]

    def statement(self, text: str) -> None:
        if not text.upper().startswith(_READS):
            self.reached(" ".join(text.split()[:3]))

    def _watching(self, factory: type[sqlite3.Connection]) -> type[sqlite3.Connection]:
        watch = self

        class Watching(factory):  # type: ignore[valid-type,misc]
            def execute(self, text: str, *more: Any) -> sqlite3.Cursor:
                watch.statement(text)
                return super().execute(text, *more)

            def executemany(self, text: str, *more: Any) -> sqlite3.Cursor:
                watch.statement(text)
                return super().executemany(text, *more)

        return Watching

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            self.reached(name)
            return real(*arguments, **more)

        return call


@pytest.fixture
def killer(tmp_path: Path) -> Killer:
    """Kills a process at each of its writes."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    return Killer(tmp_path)
