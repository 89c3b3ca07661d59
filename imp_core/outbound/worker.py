"""The thread a channel's methods run in, and the event loop that awaits what they return."""

from __future__ import annotations

import inspect
import queue
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Any

from imp_core.errors import PluginBroken
from imp_core.wall.kin import Family, adopt

if TYPE_CHECKING:
    import asyncio

__all__ = ["DeadlinePassed", "Outcome", "Worker", "take_some"]


class DeadlinePassed(PluginBroken):
    """A plugin did not answer in time; its thread was abandoned."""


@dataclass(slots=True)
class Outcome:
    """What came of a job: a value, or what it raised."""

    value: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Job:
    work: Callable[[Worker], Any]
    done: queue.SimpleQueue[Outcome] = field(default_factory=queue.SimpleQueue)


class Worker:
    """A daemon thread that does one job after the other. Nothing it raises leaves it but as an `Outcome`."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._loop: asyncio.Runner | None = None
        self.family = Family()
        self.thread = threading.Thread(target=self._live, name=f"imp channel {name}", daemon=True)
        adopt(self.thread, self.family)
        self.thread.start()

    def run(self, work: Callable[[Worker], Any], seconds: float) -> Outcome:
        """Do a job and wait for it.

        Raises:
            DeadlinePassed: it did not end within `seconds`; the thread is still at it.
        """
        job = _Job(work)
        self._jobs.put(job)
        try:
            return job.done.get(timeout=seconds)
        except queue.Empty:
            raise DeadlinePassed(f"the plugin did not answer within {seconds:g} seconds") from None

    def stop(self) -> None:
        """Let the thread end after the job it is at."""
        self._jobs.put(None)

    def awaited(self, answer: object) -> Any:  # noqa: ANN401 (whatever a plugin answers)
        """The answer itself, or what it gives when it is awaited; for jobs, in this thread only."""
        if not inspect.isawaitable(answer):
            return answer
        outcome: Outcome = self.loop().run(_held(answer))
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    def loop(self) -> asyncio.Runner:
        """The event loop of this thread, made when it is first needed and living as long as the thread."""
        if self._loop is None:
            import asyncio  # noqa: PLC0415 (most channels are not async, and it takes longer to import than they to run)

            self._loop = asyncio.Runner()
            # It would log the message of what a plugin's task raised.
            self._loop.get_loop().set_exception_handler(_unheard)
        return self._loop

    def _live(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.done.put(_outcome(job.work, self))
            del job  # what a job holds is let go of before the next one comes
        if self._loop is not None:
            _outcome(lambda worker: worker.loop().close(), self)


def take_some(
    worker: Worker, rows: Iterator[object] | AsyncIterator[object], found: list[object], *, most: int, seconds: float
) -> None:
    """Put up to `most` of a plugin's next rows into `found`, fewer where they take `seconds`; none at the end.

    Raises:
        Whatever the plugin raised; what came before is in `found`.
    """
    ends = monotonic() + seconds
    if isinstance(rows, AsyncIterator):
        worker.awaited(_take_async(rows, found, most, ends))
        return
    step = 1  # looking at the clock for every row of a fast source would take longer than the rows
    while step and monotonic() <= ends:
        before = len(found)
        found.extend(islice(rows, step))
        at_end = len(found) < before + step
        step = 0 if at_end else min(step * 2, most - len(found))


async def _take_async(rows: AsyncIterator[object], found: list[object], most: int, ends: float) -> None:
    async for row in rows:
        found.append(row)
        if len(found) >= most or monotonic() > ends:
            break


async def _held(answer: Awaitable[object]) -> Outcome:
    # SystemExit and the like would otherwise tear the loop down on their way.
    try:
        return Outcome(value=await answer)
    except BaseException as error:  # noqa: BLE001 (whatever a plugin raises is an outcome)
        return Outcome(error=error)


def _outcome(work: Callable[[Worker], Any], worker: Worker) -> Outcome:
    try:
        return Outcome(value=work(worker))
    except BaseException as error:  # noqa: BLE001 (whatever a plugin raises is an outcome, SystemExit too)
        return Outcome(error=error)


def _unheard(*_: object) -> None:
    """Take note of nothing."""
