"""How long to wait before a peer is asked again: exponential, with full jitter so that clients do not keep step."""

from __future__ import annotations

from typing import Final

from imp_core.randomness import Randomness

__all__ = ["BASE_SECONDS", "CAP_SECONDS", "Backoff"]

BASE_SECONDS: Final = 0.5
CAP_SECONDS: Final = 60.0
_BYTES = 8
# 0.5 s doubled so often is past the cap, whatever comes after.
_MOST_DOUBLINGS = 16


class Backoff:
    """Waits of failed attempts; randomness is an argument."""

    def __init__(self, randomness: Randomness) -> None:
        self._randomness = randomness

    def delay(self, attempt: int, after: float | None = None) -> float:
        """Seconds to wait after the failed attempt number `attempt` (from 1), and never under `after`."""
        ceiling = min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(max(attempt, 1) - 1, _MOST_DOUBLINGS))
        share: float = int.from_bytes(self._randomness.token(_BYTES), "big") / 2.0 ** (8 * _BYTES)
        return max(ceiling * share, after or 0.0)
