"""Sums of drawn units by cohort, look and variant: units are drawn, added up and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imp_experiments.simulate.populations import Flags, Population
from imp_experiments.simulate.scenario import Scenario
from imp_experiments.stats.many import ManySums

__all__ = ["Drawn", "drawn", "sums_of"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Drawn:
    """`sums` (runs × cohort × look × variant × kind): of each column, then the squares, then the products of pairs.

    As in `Scenario`, the axis of looks is 1 where nobody leaves.
    """

    scenario: Scenario
    columns: int
    shifts: tuple[float, ...]
    sums: Floats

    @property
    def runs(self) -> int:
        """How many runs were drawn."""
        return int(self.sums.shape[0])

    def at(self, look: int, through: int) -> ManySums:
        """What a look sees of the cohorts up to `through`."""
        total = self.sums[:, : through + 1, look if self.sums.shape[2] > 1 else 0].sum(axis=1)
        c = self.columns
        return ManySums(
            n=self.scenario.n(look, through),
            clustered=self.scenario.clustered,
            shifts=np.array(self.shifts),
            sums=total[..., :c],
            squares=total[..., c : 2 * c],
            products=total[..., 2 * c :],
        )


def drawn(
    population: Population, scenario: Scenario, lifts: Sequence[float], rng: np.random.Generator, runs: int
) -> Drawn:
    """Draw so many runs of a scenario; `lifts` of the variants, control's first."""
    c = population.columns
    cohorts, looks, variants = scenario.kept.shape
    out = np.zeros((runs, cohorts, looks, variants, 2 * c + c * (c - 1) // 2))
    draw = population.opened(rng, runs)
    for cohort in range(cohorts):
        for variant, lift in enumerate(lifts):
            kept = scenario.kept[cohort, :, variant]
            ends = np.unique(kept[kept > 0])
            if isinstance(population, Flags) and not population.before:
                sums = _flags(rng, runs, ends, population.mean * lift)
            else:
                sums = sums_of(draw(int(ends[-1]), lift), ends)
            # nobody is nobody's sum
            stacked = np.concatenate([np.zeros_like(sums[:, :1]), sums], axis=1)
            out[:, cohort, :, variant] = stacked[:, np.searchsorted(ends, kept, side="right")]
    return Drawn(scenario=scenario, columns=c, shifts=population.shifts, sums=out)


def sums_of(columns: Sequence[Floats], ends: npt.NDArray[np.int64]) -> Floats:
    """Runs × ends × kinds: the sums over the first units, up to each end."""
    pairs = [(i, j) for i in range(len(columns)) for j in range(i + 1, len(columns))]
    factors = [*((one, None) for one in columns), *((one, one) for one in columns)]
    factors += [(columns[i], columns[j]) for i, j in pairs]
    starts = np.concatenate([[0], ends[:-1]])
    parts = []
    for one, two in factors:
        if len(ends) == 1:
            parts.append((one.sum(axis=1) if two is None else np.einsum("rn,rn->r", one, two))[:, None])
        else:
            values = one if two is None else one * two
            parts.append(np.cumsum(np.add.reduceat(values, starts, axis=1), axis=1))
    return np.stack(parts, axis=-1)


def _flags(rng: np.random.Generator, runs: int, ends: npt.NDArray[np.int64], share: float) -> Floats:
    sizes = np.diff(ends, prepend=0)
    counts = np.cumsum(rng.binomial(sizes, share, size=(runs, len(sizes))), axis=1).astype(float)
    return np.stack([counts, counts], axis=-1)
