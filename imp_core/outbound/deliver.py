"""Delivers one batch and says of every row what became of it, whatever the channel did."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from imp_core.channel import (
    AuthInvalid,
    Batch,
    DeliveryReport,
    DeliveryStatus,
    JobRef,
    NotGranted,
    PayloadInvalid,
    Permanent,
    Retryable,
    RowStatus,
)
from imp_core.channel.errors import ChannelError
from imp_core.errors import ImpError, PluginBroken
from imp_core.outbound.answers import delivery_report
from imp_core.outbound.backoff import Backoff
from imp_core.outbound.handout import Handout
from imp_core.outbound.runner import ChannelRunner
from imp_core.stopwatch import Stopwatch

__all__ = ["LEFT_OUT", "Delivered", "deliver"]

# What is wrong with a report that does not answer every row.
LEFT_OUT: Final = "the report leaves out rows"

# When the batch is no longer fresh, nobody else is reached; what is on its way may come to its end.
_GRACE = 30.0  # seconds


def _at_once(_: int) -> None:
    """Where nobody holds a further attempt back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of a batch: one status per row by its key, the job that goes on, what broke, and whether to stop.

    `problem` holds nobody's data; None where nothing broke. `stop`: no further batch can fare better.
    """

    statuses: Mapping[str, RowStatus]
    job: JobRef | None = None
    problem: str | None = None
    stop: bool = False


def deliver(
    runner: ChannelRunner,
    handout: Handout,
    batch: Batch,
    *,
    seconds_left: Callable[[], float],
    stopwatch: Stopwatch,
    backoff: Backoff,
    attempts: int = 4,
    pace: Callable[[int], object] = _at_once,
) -> Delivered:
    """Call the channel's `deliver`, again for the rows not settled where it says so and time is left.

    `pace` is called with the number of rows before each further attempt, and may wait; the first one is the caller's.
    Closes the handout: no address is given afterwards, and nothing settled later counts.

    Raises:
        ImpError: core itself could not write down an attempt or a status.
    """
    try:
        delivered = _Delivery(runner, handout, batch, pace).run(seconds_left, stopwatch, backoff, attempts)
    finally:
        handout.close()
    if handout.failure is not None:  # the channel cannot hide it by going on
        raise handout.failure from None
    return delivered


class _Delivery:
    def __init__(self, runner: ChannelRunner, handout: Handout, batch: Batch, pace: Callable[[int], object]) -> None:
        self._runner, self._handout, self._batch, self._pace = runner, handout, batch, pace
        self._keys = frozenset(row.key for row in batch.rows)

    def run(
        self, seconds_left: Callable[[], float], stopwatch: Stopwatch, backoff: Backoff, attempts: int
    ) -> Delivered:
        for attempt in range(1, attempts + 1):
            if attempt > 1:
                self._pace(len(self._left().rows))
            left = seconds_left()
            if left <= 0:
                return self._rest(DeliveryStatus.DEFERRED)
            try:
                report = self._call(left)
            except Retryable as error:
                self._handout.renew(self._keys - self._handout.statuses.keys())
                wait = backoff.delay(attempt, error.after)
                if attempt == attempts or wait >= seconds_left():
                    return self._rest(DeliveryStatus.DEFERRED, code=error.code)
                stopwatch.sleep(wait)
            except ImpError as error:
                return self._ended(error, expired=seconds_left() <= 0)
            else:
                return self._answered(report)
        return self._rest(DeliveryStatus.DEFERRED)

    def _call(self, seconds: float) -> DeliveryReport:
        report: DeliveryReport = self._runner.call(
            "deliver",
            self._handout,
            self._left(),
            seconds=seconds + _GRACE,
            secret=self._handout.values,
            take=partial(delivery_report, keys=self._keys),
        )
        return report

    def _left(self) -> Batch:
        settled = self._handout.statuses
        return replace(self._batch, rows=tuple(row for row in self._batch.rows if row.key not in settled))

    def _answered(self, report: DeliveryReport) -> Delivered:
        self._handout.close()
        told = {row.key: row for row in report.rows}
        settled = self._handout.statuses
        if any(told[key] != settled[key] for key in told.keys() & settled.keys()):
            return self._broken("the report contradicts what was settled", told={})
        if self._keys - told.keys() - settled.keys():
            return self._broken(LEFT_OUT, told=told, job=report.job)
        return Delivered(statuses={**told, **settled}, job=report.job)

    def _ended(self, error: ImpError, *, expired: bool) -> Delivered:
        if isinstance(error, NotGranted) and expired:
            return self._broken(None, told={})  # it was slow and stopped where it was told to
        if isinstance(error, Permanent):
            return self._rest(DeliveryStatus.REFUSED, code=error.code)
        if isinstance(error, PayloadInvalid):
            return self._rest(DeliveryStatus.FAILED, code=error.code, problem=_said(error), stop=True)
        if isinstance(error, AuthInvalid):
            return self._rest(DeliveryStatus.DEFERRED, code=error.code, problem=_said(error), stop=True)
        # The words of `BadInput` and the like may be a stranger's; those of `PluginBroken` are core's.
        problem = error.what if isinstance(error, PluginBroken) else f"the plugin raised {type(error).__name__}"
        return self._broken(problem, told={})

    def _rest(
        self, status: DeliveryStatus, *, code: str | None = None, problem: str | None = None, stop: bool = False
    ) -> Delivered:
        """Every row not settled gets the same status: the channel said so of all of them."""
        self._handout.close()
        settled = self._handout.statuses
        rest = {key: RowStatus(key=key, status=status, code=code) for key in self._keys - settled.keys()}
        return Delivered(statuses={**rest, **settled}, problem=problem, stop=stop)

    def _broken(self, problem: str | None, *, told: Mapping[str, RowStatus], job: JobRef | None = None) -> Delivered:
        """A row whose address was given may have been taken; one whose address never was cannot have been."""
        self._handout.close()
        known = {**told, **self._handout.statuses}
        attempted = self._handout.attempted_keys
        statuses = {key: known.get(key) or _unknown(key, attempted) for key in self._keys}
        return Delivered(statuses=statuses, job=job, problem=problem)


def _unknown(key: str, attempted: Collection[str]) -> RowStatus:
    return RowStatus(key=key, status=DeliveryStatus.IN_DOUBT if key in attempted else DeliveryStatus.DEFERRED)


def _said(error: ChannelError) -> str:
    return f"{type(error).__name__}: {error.code}"
