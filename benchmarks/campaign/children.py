"""Forked processes: a piece of work in a process of its own, whose answer, error or death the caller sees.

The parent imports everything once and opens nothing, so that a process costs milliseconds and inherits no connection.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from imp_core.errors import ImpError

__all__ = ["Child", "Crashed", "preload", "run", "start"]

_PRELOADED: Final = (
    "duckdb",
    "pyarrow.parquet",
    "imp_consent.commands.audit",
    "imp_consent.commands.erase",
    "imp_consent.commands.importer",
    "imp_consent.commands.record",
    "imp_consent.ledger.ratchet",
    "imp_consent.plane.compact",
    "imp_consent.plane.view",
)
_FOREIGN = 70  # the exit code of a child that met an error which is not ours


class Crashed(Exception):
    """A child ended otherwise than by its answer; the text is what it said."""


@dataclass(slots=True)
class Child:
    """A forked process and the pipe of its answer."""

    pid: int
    answers: int

    def kill(self) -> None:
        """SIGKILL; `join` tells what became of it."""
        os.kill(self.pid, signal.SIGKILL)

    def join(self) -> Any:  # noqa: ANN401 (whatever the work answered, as JSON)
        """Its answer; None where it was killed.

        Raises:
            Crashed: it ended with an error, which is the text.
        """
        with os.fdopen(self.answers, "rb") as pipe:
            said = pipe.read()
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == -signal.SIGKILL:
            return None
        if code:
            raise Crashed(said.decode(errors="replace") or f"exit code {code}")
        return json.loads(said)


def preload() -> None:
    """Import what commands import when they are called, so that every child has it."""
    for name in _PRELOADED:
        importlib.import_module(name)
    with contextlib.suppress(ImportError):  # pyarrow asks for it at the first table, where it is installed
        importlib.import_module("pandas")


def start(work: Callable[[], object], *, quiet: bool = True) -> Child:
    """Fork; the child does the work and answers what it returns, as JSON. Its standard error is ours unless quiet."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Child(pid, reading)
    code = _FOREIGN
    try:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if quiet:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
        code, said = _work(work)
        while said:
            said = said[os.writev(writing, [said]) :]  # not write(2), which a campaign may let fail
    finally:
        os._exit(code)  # nothing of the parent's is flushed or torn down here


def run(work: Callable[[], object], *, quiet: bool = True) -> Any:  # noqa: ANN401 (as `join`)
    """Do a piece of work in a process of its own, to its end."""
    return start(work, quiet=quiet).join()


def _work(work: Callable[[], object]) -> tuple[int, bytes]:
    try:
        return 0, json.dumps(work()).encode()
    except ImpError as error:
        return error.exit_code, f"{type(error).__name__}: {error}\n{traceback.format_exc()}".encode()
    except BaseException:  # noqa: BLE001 (a process of its own: whatever it is, the parent is told)
        return _FOREIGN, traceback.format_exc().encode()
