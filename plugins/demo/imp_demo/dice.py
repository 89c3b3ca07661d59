"""Chance for generated people, drawn from an `imp_core.randomness.Randomness`."""

from __future__ import annotations

from collections.abc import Mapping

from imp_core.randomness import Randomness

__all__ = ["Dice"]

_RANGE = 2**53


class Dice:
    """Draws that repeat with the seed."""

    def __init__(self, randomness: Randomness) -> None:
        self._randomness = randomness

    def uniform(self) -> float:
        """A number in [0, 1)."""
        return (int.from_bytes(self._randomness.token(8), "big") >> 11) / _RANGE

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.uniform() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high)."""
        return low + int(self.uniform() * (high - low))

    def pick(self, weights: Mapping[str, float]) -> str:
        """A key, by weight."""
        point = self.uniform() * sum(weights.values())
        for name, weight in weights.items():
            point -= weight
            if point < 0:
                return name
        return list(weights)[-1]
