"""Time as an argument: UTC integer microseconds, read from a `Clock` and never from the world at import."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from imp_core.errors import BadInput

__all__ = ["DAY_US", "SECOND_US", "Clock", "SimulatedClock", "SystemClock", "format_time", "parse_time"]

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST_US = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST_US = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


class Clock(Protocol):
    """Where the present comes from."""

    def now_us(self) -> int:
        """The present, in UTC microseconds since 1970-01-01."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        """The present, in UTC microseconds since 1970-01-01."""
        return time.time_ns() // 1_000


class SimulatedClock:
    """A clock that stands still until it is moved; it never goes back."""

    def __init__(self, now_us: int) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        """The simulated present, in UTC microseconds."""
        return self._now_us

    def move_to(self, now_us: int) -> None:
        """Set the present; a time before the present is ignored."""
        self._now_us = max(self._now_us, now_us)


def parse_time(text: str) -> int:
    """Read an ISO 8601 time with a zone as UTC microseconds.

    Raises:
        BadInput: not ISO 8601, or without a zone ("Z" or an offset). The text itself is not repeated.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput("not a time in ISO 8601", mend="write it like 2026-03-01T09:30:00Z") from None
    if moment.tzinfo is None:
        raise BadInput("a time without a zone", mend="add Z or an offset, like 2026-03-01T09:30:00+08:00")
    time_us = (moment - _EPOCH) // _MICROSECOND
    if not _FIRST_US <= time_us <= _LAST_US:  # an offset carries it over the edge
        raise BadInput("a time outside the calendar", mend="name a time from the year 1 to the year 9999")
    return time_us


def format_time(time_us: int) -> str:
    """Write UTC microseconds as ISO 8601 with "Z"; whole seconds carry no fraction.

    Raises:
        BadInput: a time outside the years 1 to 9999.
    """
    try:
        moment = _EPOCH + timedelta(microseconds=time_us)
    except OverflowError:
        raise BadInput("a time outside the calendar", mend="name a time from the year 1 to the year 9999") from None
    timespec = "microseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
