"""Amounts for metrics that are no plain means: positive ones of which a quantile is taken, and clipped ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from imp_experiments.simulate.populations import Draw, Population

__all__ = ["Clipped", "Positives"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Positives:
    """Lognormal amounts of the units with an event, which all have one; `center` is their mean, `q` the quantile."""

    q: float
    center: float
    sd: float
    measured: int = 1
    columns: int = 1
    shifts: tuple[float, ...] = (0.0,)

    @property
    def mean(self) -> float:
        """The quantile itself."""
        location, scale = self._normal()
        return math.exp(location + scale * NormalDist().inv_cdf(self.q))

    def opened(self, rng: np.random.Generator, runs: int) -> Draw:
        """Amounts, each of which the lift multiplies, and so the quantile."""
        location, scale = self._normal()

        def draw(n: int, lift: float) -> tuple[Floats, ...]:
            return (np.exp(location + scale * rng.standard_normal((runs, n))) * lift,)

        return draw

    def _normal(self) -> tuple[float, float]:
        spread = math.log1p((self.sd / self.center) ** 2)
        return math.log(self.center) - spread / 2, math.sqrt(spread)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Clipped:
    """Another population whose first column is moved to fixed bounds; `mean` is that of the values before."""

    inner: Population
    low: float | None
    high: float | None

    @property
    def measured(self) -> int:
        """As before the clip."""
        return self.inner.measured

    @property
    def columns(self) -> int:
        """As before the clip."""
        return self.inner.columns

    @property
    def mean(self) -> float:
        """As before the clip: `truth_of` has it after."""
        return self.inner.mean

    @property
    def shifts(self) -> tuple[float, ...]:
        """As before the clip."""
        return self.inner.shifts

    def opened(self, rng: np.random.Generator, runs: int) -> Draw:
        """Draws, then clips."""
        draw = self.inner.opened(rng, runs)

        def clipped(n: int, lift: float) -> tuple[Floats, ...]:
            first, *others = draw(n, lift)
            return (np.clip(first, self.low, self.high), *others)

        return clipped
