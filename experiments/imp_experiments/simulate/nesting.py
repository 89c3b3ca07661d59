"""Clusters that are randomised whole: how large they are, whose units leave first, and what units share with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from imp_experiments.simulate.populations import Draw
from imp_experiments.stats.power.clusters import design_effect

__all__ = ["Nested", "Shape", "Sums", "drawn_alike", "nested_of"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# what sizes and the order of leaving are drawn from: once, whatever the seed of the runs
_SEED: Final = 20_261_123


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Clusters of `size` units on average with the coefficient of variation `cv`, alike by `icc`.

    Raises:
        BadInput: a size below 1, a correlation outside 0 to 1 or a negative cv.
    """

    size: float
    cv: float = 0.0
    icc: float = 0.0

    def __post_init__(self) -> None:
        design_effect(self.size, self.icc, cv=self.cv)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Sums:
    """How units are summed by cluster: put into `order`, those of a cluster begin at one of `starts`."""

    order: Integers
    starts: Integers

    @property
    def sizes(self) -> Integers:
        """Units of each cluster."""
        return np.diff(self.starts, append=len(self.order))

    def of(self, values: Floats) -> Floats:
        """Runs × units → runs × clusters."""
        return np.asarray(np.add.reduceat(values[:, self.order], self.starts, axis=1))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Nested:
    """`members` (cohort, then variant) has the cluster of each unit, from 0 on; those that stay longest come first.

    `icc` is the correlation of two units of a cluster.
    """

    members: tuple[tuple[Integers, ...], ...]
    icc: float

    def sums(self, kept: Sequence[int], place: int) -> Sums:
        """Those of a variant's units, of each cohort the first `kept`."""
        ids, before = [], 0
        for cohort, n in enumerate(kept):
            mine = self.members[cohort][place]
            ids.append(mine[:n] + before)
            before += int(mine.max()) + 1
        every = np.concatenate(ids) if ids else np.empty(0, dtype=np.int64)
        order = np.argsort(every, kind="stable")
        starts = np.flatnonzero(np.diff(every[order], prepend=-1))
        return Sums(order=order, starts=starts)


def nested_of(shape: Shape, counts: Integers) -> Nested:
    """So many clusters (cohort × variant) of this shape, each of at least one unit."""
    rng = np.random.default_rng(_SEED)
    return Nested(
        members=tuple(tuple(_members(shape, int(n), rng) for n in cohort) for cohort in counts), icc=shape.icc
    )


def _members(shape: Shape, count: int, rng: np.random.Generator) -> Integers:
    means = np.full(count, shape.size)
    if shape.cv:
        means = rng.gamma(shape.cv**-2, shape.size * shape.cv**2, count)
    sizes = np.maximum(np.floor(means + rng.random(count)), 1).astype(np.int64)
    return rng.permutation(np.repeat(np.arange(count), sizes))


def drawn_alike(draw: Draw, members: Integers, lift: float, icc: float, rng: np.random.Generator) -> tuple[Floats, ...]:
    """The columns of units (runs × units) of which each has its cluster's values with the chance √icc, else its own.

    Two units of a cluster then have the correlation icc in every column, and each is distributed as without clusters.
    """
    own, shared = draw(len(members), lift), draw(int(members.max()) + 1, lift)
    alike = rng.random(own[0].shape) < icc**0.5
    return tuple(np.where(alike, common[:, members], mine) for mine, common in zip(own, shared, strict=True))
