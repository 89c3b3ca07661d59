"""Clusters of one's own, dealt whole, where sums made beforehand do not answer: quantiles, and clips at quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imp_experiments.design.experiment import Ends
from imp_experiments.measure.quantiles import QuantileRow
from imp_experiments.simulate.draw import Drawn, sums_of
from imp_experiments.simulate.held import Held, places_of
from imp_experiments.simulate.nesting import Sums
from imp_experiments.simulate.own import Own
from imp_experiments.simulate.rows import nested_rows
from imp_experiments.simulate.scenario import Scenario
from imp_experiments.stats.many import ManySums

__all__ = ["AnyDrawn", "Dealt", "Kept", "dealt"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Dealt:
    """`order` (runs × places): which cluster lies where; a cohort's of a variant begin at `starts` (cohort × k).

    `units` (one array a variant) are the first column's values with its lift, those of a cluster from one of `nests`
    on; `others` (columns × clusters) are the sums of the other columns. `clip` and `lag` as in `Held`.
    """

    scenario: Scenario
    order: Integers
    starts: Integers
    units: tuple[Floats, ...]
    nests: Integers
    others: Floats
    lag: int
    clip: Ends | None

    @property
    def columns(self) -> int:
        """How many columns the sums have."""
        return 1 + len(self.others)

    @property
    def runs(self) -> int:
        """How many runs were dealt."""
        return len(self.order)

    def at(self, look: int, through: int) -> ManySums:
        """What a look sees of the cohorts up to `through`, as sums of values moved to the look's bounds."""
        c = self.columns
        found = np.empty((self.runs, len(self.units), 2 * c + c * (c - 1) // 2))
        for run in range(self.runs):
            low, high = self._bounds(run, look)
            for place, values in enumerate(self.units):
                mine = self._clusters(run, look, through, place)
                first = np.add.reduceat(np.clip(values, low, high), self.nests)[mine]
                rows = [first[None, :], *(row[None, mine] for row in self.others)]
                found[run, place] = sums_of(rows, np.array([len(mine)]))[0, 0]
        return ManySums(
            n=self.scenario.n(look, through),
            shifts=np.zeros(c),
            sums=found[..., :c],
            squares=found[..., c : 2 * c],
            products=found[..., 2 * c :],
            clustered=True,
        )

    def rows(self, q: float, at: tuple[int, int], place: int) -> list[QuantileRow]:
        """A variant's quantile in every run at a look and through a cohort."""
        out = []
        for run in range(self.runs):
            inside = self._inside(self._clusters(run, *at, place))
            sizes = np.add.reduceat(inside.astype(np.int64), self.nests)
            starts = np.concatenate([[0], np.cumsum(sizes[sizes > 0])[:-1]]).astype(np.int64)
            values = self.units[place][inside]
            out += nested_rows(values[None, :], q, Sums(order=np.arange(len(values)), starts=starts))
        return out

    def _clusters(self, run: int, look: int, through: int, place: int) -> Integers:
        return np.asarray(self.order[run, places_of(self.scenario, self.starts, (look, through), place)])

    def _inside(self, clusters: Integers) -> npt.NDArray[np.bool_]:
        """Whether each unit is in one of these clusters."""
        chosen = np.zeros(len(self.nests), dtype=bool)
        chosen[clusters] = True
        return np.repeat(chosen, np.diff(self.nests, append=len(self.units[0])))

    def _bounds(self, run: int, look: int) -> tuple[float, float]:
        """As in `Held`: of all units matured at the look, whatever their variant."""
        if self.clip is None:
            return -np.inf, np.inf
        seen = [
            values[self._inside(self._clusters(run, look, look - self.lag, place))]
            for place, values in enumerate(self.units)
        ]
        every = np.concatenate(seen)
        low = -np.inf if self.clip.low is None else float(np.quantile(every, self.clip.low))
        return low, np.inf if self.clip.high is None else float(np.quantile(every, self.clip.high))


def dealt(
    own: Own,
    scenario: Scenario,
    lifts: Sequence[float],
    rng: np.random.Generator,
    runs: int,
    *,
    lag: int,
    clip: Ends | None,
) -> Dealt:
    """Deal one's own clusters anew in so many runs, without putting one back."""
    assert own.first is not None  # noqa: S101 (for the type checker: it has clusters)
    values, nests = own.first
    most = scenario.kept.max(axis=1)
    shifts = np.array(own.shifts[1:])[:, None]
    return Dealt(
        scenario=scenario,
        order=rng.permuted(np.tile(np.arange(len(nests)), (runs, 1)), axis=1),
        starts=(np.cumsum(most.ravel()) - most.ravel()).reshape(most.shape),
        units=tuple(values * lift for lift in lifts),
        nests=nests,
        others=own.values[1:] + shifts,
        lag=lag,
        clip=clip,
    )


# what keeps its units, and whatever was drawn
Kept = Held | Dealt
AnyDrawn = Drawn | Held | Dealt
