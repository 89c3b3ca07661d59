"""What units are drawn from: proportions, heavy-tailed amounts, ratios of counts; each also before the exposure.

A lift multiplies the treatment's expectation, so that the true effect is known: of a proportion the chance, of amounts
each of them, of a ratio the rate of the numerator.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Amounts", "Draw", "Flags", "Population", "Rates"]

Floats = npt.NDArray[np.float64]
# so many units and a lift → the columns (runs × units), measured ones first
Draw = Callable[[int, float], tuple[Floats, ...]]

# the correlation of what is behind a unit's values before and after its exposure
_STEADY: Final = 0.7
_BUYERS: Final = 0.1
_SESSIONS: Final = 3.0


class Population(Protocol):
    """What a metric's units are drawn from."""

    @property
    def measured(self) -> int:
        """Measured columns: 1, or 2 of a ratio."""

    @property
    def columns(self) -> int:
        """All columns, with those from before the exposure."""

    @property
    def mean(self) -> float:
        """The expectation in control, of a ratio the ratio of expectations."""

    @property
    def shifts(self) -> tuple[float, ...]:
        """What was taken from each column's values, so that sums keep their digits."""

    def opened(self, rng: np.random.Generator, runs: int) -> Draw:
        """What draws units of so many runs at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """0 or 1, with the chance `mean`; `before`: so, too, in a time before, of correlated units."""

    mean: float
    before: bool = False
    measured: int = 1

    @property
    def columns(self) -> int:
        """The flag, and what it was before."""
        return 2 if self.before else 1

    @property
    def shifts(self) -> tuple[float, ...]:
        """None were taken."""
        return (0.0,) * self.columns

    def opened(self, rng: np.random.Generator, runs: int) -> Draw:
        """Flags of a normal variable beyond a threshold."""

        def draw(n: int, lift: float) -> tuple[Floats, ...]:
            after, before = _pair(rng, (runs, n), before=self.before)
            found = _below(after, self.mean * lift)
            return (found,) if before is None else (found, _below(before, self.mean))

        return draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Amounts, lognormal among the share `buyers` and 0 among the rest; they have this mean and standard deviation."""

    mean: float
    sd: float
    before: bool = False
    measured: int = 1

    @property
    def columns(self) -> int:
        """The amount, and what it was before."""
        return 2 if self.before else 1

    @property
    def shifts(self) -> tuple[float, ...]:
        """None were taken."""
        return (0.0,) * self.columns

    @property
    def buyers(self) -> float:
        """A tenth where the spread allows it, else all."""
        return _BUYERS if _BUYERS * (1 + (self.sd / self.mean) ** 2) > 1 else 1.0

    def opened(self, rng: np.random.Generator, runs: int) -> Draw:
        """Who buys, and for how much; both are correlated with before."""
        share = self.buyers
        spread = math.log(share * (1 + (self.sd / self.mean) ** 2))
        location, scale = math.log(self.mean / share) - spread / 2, math.sqrt(spread)

        def amount(who: Floats, much: Floats) -> Floats:
            worth: Floats = np.exp(location + scale * much)
            return worth if share == 1 else worth * _below(who, share)

        def draw(n: int, lift: float) -> tuple[Floats, ...]:
            if not self.before:
                return (self._plain(rng, (runs, n), location, scale) * lift,)
            (who, earlier), (much, before) = (_pair(rng, (runs, n), before=True) for _ in range(2))
            assert earlier is not None  # noqa: S101 (for the type checker)
            assert before is not None  # noqa: S101 (for the type checker)
            return amount(who, much) * lift, amount(earlier, before)

        return draw

    def _plain(self, rng: np.random.Generator, shape: tuple[int, int], location: float, scale: float) -> Floats:
        """The same without a time before: only buyers' amounts are drawn."""
        buys = np.flatnonzero(rng.random(shape[0] * shape[1]) < self.buyers)
        out = np.zeros(shape[0] * shape[1])
        out[buys] = np.exp(location + scale * rng.standard_normal(len(buys)))
        return out.reshape(shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Counts over counts, such as orders per session: sessions 1 + Poisson, orders Poisson with the unit's own rate."""

    mean: float
    before: bool = False
    measured: int = 2

    @property
    def columns(self) -> int:
        """Numerator and denominator, and what they were before."""
        return 4 if self.before else 2

    @property
    def shifts(self) -> tuple[float, ...]:
        """None were taken."""
        return (0.0,) * self.columns

    def opened(self, rng: np.random.Generator, runs: int) -> Draw:
        """A unit has its own number of sessions to expect and its own rate, the same before and after."""

        def draw(n: int, lift: float) -> tuple[Floats, ...]:
            busy = rng.standard_exponential((runs, n)) * _SESSIONS
            keen = rng.standard_gamma(2.0, (runs, n)) * (self.mean / 2)
            out: list[Floats] = []
            for factor in (lift, 1.0)[: 2 if self.before else 1]:
                sessions: Floats = np.asarray(1.0 + rng.poisson(busy), dtype=float)
                orders: Floats = np.asarray(rng.poisson(sessions * keen * factor), dtype=float)
                out += [orders, sessions]
            return tuple(out)

        return draw


def _pair(rng: np.random.Generator, shape: tuple[int, int], *, before: bool) -> tuple[Floats, Floats | None]:
    one = rng.standard_normal(shape)
    if not before:
        return one, None
    return one, _STEADY * one + math.sqrt(1 - _STEADY**2) * rng.standard_normal(shape)


def _below(normal: Floats, share: float) -> Floats:
    return (normal < NormalDist().inv_cdf(share)).astype(float)
