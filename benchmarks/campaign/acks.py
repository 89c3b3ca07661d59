"""What a writer says of itself: `try` before a deed, `done` after it was answered; one JSON line each, written at once.

A line that is here was written before the process died. So `done` is an acknowledgement that must hold for ever, and
`try` without `done` is a deed that may have happened, but only as a whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Attempt", "Teller", "read_attempts"]


@dataclass(slots=True)
class Attempt:
    """One deed as its writer told of it. `said` is what it was about to do, `answer` what came back (None: nothing)."""

    deed: str
    writer: str
    said: dict[str, Any]
    answer: dict[str, Any] | None = None
    failed: str | None = None


class Teller:
    """Writes the lines of one writer."""

    def __init__(self, path: Path, writer: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._writer = writer
        self._count = 0

    @contextmanager
    def trying(self, deed: str, **said: object) -> Iterator[dict[str, Any]]:
        """Tell that a deed begins; the block fills in its answer, which is told at its end."""
        self._count += 1
        self._tell(number=self._count, **{"try": deed}, said=said)
        answer: dict[str, Any] = {}
        yield answer
        self._tell(number=self._count, done=answer)

    def failed(self, why: str) -> None:
        """Tell that the last deed was refused, in our own words."""
        self._tell(number=self._count, failed=why)

    def _tell(self, **line: object) -> None:
        data = json.dumps({"writer": self._writer, **line}, separators=(",", ":")).encode() + b"\n"
        os.writev(self._descriptor, [data])  # not write(2), which a campaign may let fail


@dataclass(slots=True)
class _Reading:
    attempts: list[Attempt] = field(default_factory=list)
    by_number: dict[tuple[str, int], Attempt] = field(default_factory=dict)


def read_attempts(lines: Iterable[str]) -> list[Attempt]:
    """What was told, in order; a writer's name is unique in what is read."""
    reading = _Reading()
    for line in lines:
        told = json.loads(line)
        key = (told["writer"], told["number"])
        if "try" in told:
            attempt = Attempt(told["try"], told["writer"], told["said"])
            reading.attempts.append(attempt)
            reading.by_number[key] = attempt
        elif "done" in told:
            reading.by_number[key].answer = told["done"]
        elif key in reading.by_number:  # else it failed before it tried anything
            reading.by_number[key].failed = told["failed"]
    return reading.attempts
