"""Group commit inside one process: many threads' small transactions become one, with one fsync for all of them.

A `Log` belongs to one thread. `GroupCommit` gives it a thread of its own, which opens it; others submit functions of a
`Transaction` and wait. What lies in the queue is run in one transaction, in the order in which it came, and everybody
is answered after the commit. If a function raises, the transaction is rolled back and each is run again in one of its
own, so that only the culprit fails: a function may therefore run twice, and touches nothing but the transaction. When
nothing comes for `SIGN_US` what was committed is signed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from imp_consent.ledger.log import Log
from imp_consent.ledger.signer import SIGN_US
from imp_consent.ledger.transaction import Transaction
from imp_core.clock import SECOND_US
from imp_core.errors import LedgerBroken

__all__ = ["GroupCommit"]

_Answer = TypeVar("_Answer")
_Job = tuple[Callable[[Transaction], Any], "Future[Any]"]
_MOST: Final = 500  # functions in one transaction


class GroupCommit:
    """One ledger's queue and the thread that works it off; a context manager.

    Raises:
        ImpError: what `open_log` raises, from `__enter__`.
    """

    def __init__(self, open_log: Callable[[], Log], *, most: int = _MOST) -> None:
        self._open_log = open_log
        self._most = most
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._closed = True
        self._thread = threading.Thread(target=self._work, name="imp-group-commit")
        self._opened: Future[None] = Future()

    def __enter__(self) -> Self:
        """Open the ledger in its thread."""
        self._thread.start()
        try:
            self._opened.result()
        except BaseException:
            self._thread.join()
            raise
        self._closed = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Work off the queue, sign what is not signed, and close the ledger."""
        with self._lock:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def submit(self, function: Callable[[Transaction], _Answer]) -> Future[_Answer]:
        """Put a function into the queue; its future has the answer once the answer is durable.

        Raises:
            LedgerBroken: the group was closed.
        """
        future: Future[_Answer] = Future()
        with self._lock:
            if self._closed:
                raise LedgerBroken("the group commit is closed", where="ledger")
            self._queue.put((function, future))
        return future

    def run(self, function: Callable[[Transaction], _Answer]) -> _Answer:
        """Submit a function and wait for its answer, or raise what it raised."""
        return self.submit(function).result()

    def _work(self) -> None:
        try:
            log = self._open_log()
        except BaseException as error:  # noqa: BLE001 (raised again where the group is entered)
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        try:
            while (jobs := self._next(log)) is not None:
                _commit(log, jobs)
        finally:
            log.close()

    def _next(self, log: Log) -> list[_Job] | None:
        """The functions that wait, at least one; None at the end. Those cancelled meanwhile are left out."""
        first = self._first(log)
        if first is None:
            return None
        jobs = [first]
        while len(jobs) < self._most:
            try:
                job = self._queue.get_nowait()
            except Empty:
                break
            if job is None:
                self._queue.put(None)  # nothing comes after it
                break
            jobs.append(job)
        return [job for job in jobs if job[1].set_running_or_notify_cancel()]

    def _first(self, log: Log) -> _Job | None:
        """The next function. While none comes what was committed is signed: nobody may write again for long."""
        if log.unsigned:
            try:
                return self._queue.get(timeout=SIGN_US / SECOND_US)
            except Empty:
                log.sign_unsigned()
        return self._queue.get()


def _commit(log: Log, jobs: list[_Job]) -> None:
    """Run functions in one transaction and answer each after the commit; if one raises, each in its own."""
    try:
        with log.write() as transaction:
            answers = [function(transaction) for function, _ in jobs]
    except BaseException as error:  # noqa: BLE001 (raised again where the answer is waited for)
        if len(jobs) == 1:
            jobs[0][1].set_exception(error)
            return
        for job in jobs:
            _commit(log, [job])
        return
    for (_, future), answer in zip(jobs, answers, strict=True):
        future.set_result(answer)
