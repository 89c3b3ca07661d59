"""How long things take, and waiting: durations as an argument, apart from the clock that tells the time of day."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["SimulatedStopwatch", "Stopwatch", "SystemStopwatch"]


class Stopwatch(Protocol):
    """Measures durations and waits."""

    def seconds(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait so long."""
        ...


class SystemStopwatch:
    """The machine's monotonic clock."""

    def seconds(self) -> float:
        """Seconds since the machine started, or so."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait so long."""
        time.sleep(max(0.0, seconds))


class SimulatedStopwatch:
    """Stands still until somebody waits: waiting takes no time and is remembered in `waits`."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._seconds = 0.0

    def seconds(self) -> float:
        """The simulated seconds."""
        return self._seconds

    def sleep(self, seconds: float) -> None:
        """Move on by so much at once."""
        self.waits.append(seconds)
        self._seconds += max(0.0, seconds)
