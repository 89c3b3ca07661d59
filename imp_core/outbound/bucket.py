"""The token bucket that holds a channel to its rate: a burst at once, then so many rows a second on average."""

from __future__ import annotations

import math

from imp_core.channel import RateLimit
from imp_core.errors import BadInput
from imp_core.stopwatch import Stopwatch

__all__ = ["TokenBucket"]


class TokenBucket:
    """Starts full. Whoever takes more than there is goes into debt and waits until it is paid.

    Raises:
        BadInput: the rate or the burst is not a number above zero.
    """

    def __init__(self, rate: RateLimit, stopwatch: Stopwatch) -> None:
        per_second = rate.per_second
        if per_second is not None and not (math.isfinite(per_second) and per_second > 0):
            raise BadInput("a rate must be a number of rows a second above zero")
        if rate.burst < 1:
            raise BadInput("a burst must be a whole number from 1")
        self._per_second = per_second
        self._burst = float(rate.burst)
        self._stopwatch = stopwatch
        self._tokens = self._burst
        self._at = stopwatch.seconds()

    def take(self, rows: int) -> float:
        """Wait until `rows` more may go out; the seconds waited. More rows than the burst wait in proportion."""
        if self._per_second is None:
            return 0.0
        self._refill(self._per_second)
        self._tokens -= rows
        wait = max(0.0, -self._tokens / self._per_second)
        if wait:
            self._stopwatch.sleep(wait)
            self._refill(self._per_second)
        return wait

    def _refill(self, per_second: float) -> None:
        now = self._stopwatch.seconds()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * per_second)
        self._at = now
