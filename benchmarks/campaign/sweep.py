"""One deed alone, killed at moments spread over its length, each time on a fresh copy of a furnished shop."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.campaign import children
from benchmarks.campaign.check import aftermath
from benchmarks.campaign.children import Crashed
from benchmarks.campaign.deeds import do
from benchmarks.campaign.furnished import Furnished
from benchmarks.campaign.report import Report

__all__ = ["BEYOND", "killed_after", "length_of", "sweep"]

BEYOND: Final = 1.2  # times its usual length, so that some are killed after their end


def sweep(ready: Furnished, folder: Path, report: Report, deed: str, *, kills: int) -> None:
    """Kill a deed so many times, and hold what was told against what is there each time."""

    def work(trial: Furnished) -> None:
        do(trial.desk(deed), deed)

    whole = ready.copy(folder / "swept")
    seconds = length_of(lambda: work(whole))
    for number in range(kills):
        trial, place = ready.copy(folder / "swept"), f"{deed}, kill {number} of {kills}"
        report.find(place, killed_after(seconds * BEYOND * number / kills, partial(work, trial)))
        attempts = trial.attempts()
        report.add("kills in sweeps", 1)
        report.add("deeds cut in sweeps", int(any(attempt.answer is None for attempt in attempts[-1:])))
        report.find(place, aftermath(trial.shop, folder / "after-acks", attempts))
        if report.problems:
            return
        report.progress(place)


def length_of(work: Callable[[], object]) -> float:
    """Seconds a piece of work takes in a process of its own, the process's beginning included."""
    began = time.perf_counter()
    children.run(work, quiet=False)
    return time.perf_counter() - began


def killed_after(seconds: float, work: Callable[[], object]) -> list[str]:
    """Let a process do a piece of work, and kill it after so many seconds; what it died of before, in words."""
    child = children.start(work)
    time.sleep(seconds)
    child.kill()
    try:
        child.join()
    except Crashed as crash:
        return [str(crash)]
    return []
