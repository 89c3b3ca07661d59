"""Drawn units that are kept, one by one: of clusters, for quantiles, and for clips at quantiles of all units seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imp_experiments.design.experiment import Ends, Metric
from imp_experiments.measure.quantiles import QuantileRow
from imp_experiments.simulate.draw import sums_of
from imp_experiments.simulate.nesting import Sums, drawn_alike
from imp_experiments.simulate.populations import Population
from imp_experiments.simulate.rows import nested_rows, plain_rows
from imp_experiments.simulate.scenario import Scenario
from imp_experiments.stats.many import ManySums

__all__ = ["Held", "held", "needs_units", "places_of"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Held:
    """`values` (columns × runs × units) less `shifts`; a cohort's units of a variant begin at `starts` (cohort × k).

    `clip` moves the first column, its quantiles being of all units matured at a look: `lag` cohorts are not. Where
    clusters are randomised, sums are of these; but in a ratio (two columns `measured`) their units come second.
    """

    scenario: Scenario
    shifts: tuple[float, ...]
    values: Floats
    starts: npt.NDArray[np.int64]
    lag: int
    clip: Ends | None = None
    measured: int = 1

    @property
    def columns(self) -> int:
        """How many columns the sums have."""
        return len(self.values) + self._counts_units

    @property
    def _counts_units(self) -> bool:
        return self.scenario.clustered and self.measured == 1

    @property
    def runs(self) -> int:
        """How many runs were drawn."""
        return int(self.values.shape[1])

    def units(self, look: int, through: int, place: int) -> npt.NDArray[np.int64]:
        """Where the units of a variant are that a look sees, of the cohorts up to `through`."""
        return places_of(self.scenario, self.starts, (look, through), place)

    def rows(self, q: float, at: tuple[int, int], place: int) -> list[QuantileRow]:
        """A variant's quantile in every run at a look and through a cohort."""
        values = self.values[0][:, self.units(*at, place)] + self.shifts[0]
        if self.scenario.clustered:
            return nested_rows(values, q, self.scenario.sums(*at, place))
        return plain_rows(values, q)

    def at(self, look: int, through: int) -> ManySums:
        """What a look sees of the cohorts up to `through`, as sums of values moved to the look's bounds."""
        low, high = self._bounds(look)
        found = []
        for place in range(len(self.scenario.variants)):
            columns = [row[:, self.units(look, through, place)] for row in self.values]
            columns[0] = np.clip(columns[0], low, high)
            if self.scenario.clustered:
                columns = self._by_cluster(columns, self.scenario.sums(look, through, place))
            found.append(sums_of(columns, np.array([columns[0].shape[1]]))[:, 0])
        total, c = np.stack(found, axis=1), self.columns
        return ManySums(
            n=self.scenario.clusters(look, through),
            clustered=self.scenario.clustered,
            shifts=np.zeros(c) if self.scenario.clustered else np.array(self.shifts),
            sums=total[..., :c],
            squares=total[..., c : 2 * c],
            products=total[..., 2 * c :],
        )

    def _by_cluster(self, columns: list[Floats], sums: Sums) -> list[Floats]:
        """Sums over clusters of values without a shift, with the units they count."""
        first, *others = (sums.of(column + shift) for column, shift in zip(columns, self.shifts, strict=True))
        units = [np.broadcast_to(sums.sizes.astype(float), first.shape)] if self._counts_units else []
        return [first, *units, *others]

    def _bounds(self, look: int) -> tuple[Floats, Floats]:
        """Runs × 1, as `measure/clip.py` has them: linear between order statistics, of all variants together."""
        low, high = np.full((self.runs, 1), -np.inf), np.full((self.runs, 1), np.inf)
        if self.clip is None:
            return low, high
        seen = [self.units(look, look - self.lag, place) for place in range(len(self.scenario.variants))]
        values = self.values[0][:, np.concatenate(seen)]
        if self.clip.low is not None:
            low = np.quantile(values, self.clip.low, axis=1)[:, None]
        if self.clip.high is not None:
            high = np.quantile(values, self.clip.high, axis=1)[:, None]
        return low, high


def places_of(
    scenario: Scenario, starts: npt.NDArray[np.int64], at: tuple[int, int], place: int
) -> npt.NDArray[np.int64]:
    """Where what a look sees of a variant lies, if a cohort's begins at one of `starts` (cohort × k)."""
    look, through = at
    kept = scenario.kept[: through + 1, look if scenario.kept.shape[1] > 1 else 0, place]
    parts = [start + np.arange(n) for start, n in zip(starts[: through + 1, place], kept, strict=True)]
    return np.concatenate(parts or [np.empty(0, dtype=np.int64)])


def needs_units(metric: Metric) -> bool:
    """Whether sums that were made before a look do not judge it."""
    return metric.kind == "quantile" or (metric.clip is not None and metric.clip.quantiles)


def held(
    population: Population,
    scenario: Scenario,
    lifts: Sequence[float],
    rng: np.random.Generator,
    runs: int,
    *,
    lag: int,
    clip: Ends | None,
) -> Held:
    """Draw so many runs of a scenario; `lifts` of the variants, control's first; `lag` and `clip` as in `Held`."""
    most = scenario.kept.max(axis=1)
    draw = population.opened(rng, runs)
    parts = []
    for cohort, sizes in enumerate(most):
        for place, (n, lift) in enumerate(zip(sizes, lifts, strict=True)):
            if scenario.nested is None:
                parts.append(draw(int(n), lift))
            else:
                members, icc = scenario.nested.members[cohort][place], scenario.nested.icc
                parts.append(drawn_alike(draw, members, lift, icc, rng))
    ends = np.cumsum(most.ravel())
    return Held(
        scenario=scenario,
        shifts=population.shifts,
        values=np.stack([np.concatenate(column, axis=1) for column in zip(*parts, strict=True)]),
        starts=(ends - most.ravel()).reshape(most.shape),
        lag=lag,
        clip=clip,
        measured=population.measured,
    )
