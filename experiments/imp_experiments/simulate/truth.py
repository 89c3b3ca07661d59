"""What is true of a simulated metric: control's value and each treatment's effect, exact or from many drawn units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from imp_experiments.design.experiment import Ends, Metric
from imp_experiments.simulate.own import Own
from imp_experiments.simulate.populations import Population

__all__ = ["Truth", "truth_of"]

Floats = npt.NDArray[np.float64]

# where nothing is exact: the same units in every variant, so that what is between them has hardly an error
_UNITS: Final = 200_000
_SEED: Final = 20_260_301
_PORTION: Final = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """`values` of the variants, control's first, and the treatments' `effects` on the metric's scale."""

    values: tuple[float, ...]
    effects: tuple[float, ...]


def truth_of(metric: Metric, population: Population, lifts: Sequence[float], shares: Mapping[int, float]) -> Truth:
    """The truth behind what is drawn with these `lifts`; `shares` of the units by variant's place.

    A clip changes what an effect on amounts leaves: that of a clipped metric is the effect on the clipped values, with
    bounds that are quantiles of all variants' units together.
    """
    if metric.clip is None:
        values = tuple(population.mean * lift for lift in lifts)
    else:
        values = _clipped(population, lifts, metric.clip, shares)
    return Truth(values=values, effects=tuple(_effect(one, values[0], metric.scale) for one in values[1:]))


def _effect(value: float, control: float, scale: str) -> float:
    if value == control:
        return 0.0
    # without what arithmetic adds: the effect that was asked for
    return float(f"{value - control if scale == 'absolute' else value / control - 1:.12g}")


def _clipped(
    population: Population, lifts: Sequence[float], clip: Ends, shares: Mapping[int, float]
) -> tuple[float, ...]:
    drawn = {lift: _drawn(population, lift) for lift in dict.fromkeys(lifts)}
    low, high = (None, None) if not clip.quantiles else _bounds([drawn[lift][0] for lift in lifts], clip, shares)
    means = {}
    for lift, columns in drawn.items():
        above = columns[0] if not clip.quantiles else np.clip(columns[0], low, high)
        means[lift] = float(above.mean() if population.measured == 1 else above.sum() / columns[1].sum())
    return tuple(means[lift] for lift in lifts)


def _drawn(population: Population, lift: float) -> list[Floats]:
    """So many units in one run, or all of one's own; the same ones whatever the lift."""
    if isinstance(population, Own):
        rows = [population.lifted(lift), *population.values[1 : population.measured]]
        columns = [row + shift for row, shift in zip(rows, population.shifts, strict=False)]
        if population.first is not None and population.ends is None:
            # quantiles are of units, whatever clusters they come in
            columns[0] = population.first[0] * lift
        return columns
    draw = population.opened(np.random.default_rng(_SEED), 1)
    parts = [draw(_PORTION, lift) for _ in range(_UNITS // _PORTION)]
    return [np.concatenate([part[column][0] for part in parts]) for column in range(population.measured)]


def _bounds(values: Sequence[Floats], clip: Ends, shares: Mapping[int, float]) -> tuple[float | None, float | None]:
    """Quantiles of the mixture of the variants, each weighing its share."""
    every = np.concatenate(values)
    weights = np.repeat([shares[place] for place in range(len(values))], [len(one) for one in values])
    order = np.argsort(every)
    below = np.cumsum(weights[order])
    low, high = (
        None if end is None else float(every[order][min(int(np.searchsorted(below, end * below[-1])), len(every) - 1)])
        for end in (clip.low, clip.high)
    )
    return low, high
