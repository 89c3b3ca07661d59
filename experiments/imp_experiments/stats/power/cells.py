"""Power of an effect of factors: a contrast of the cells of a multivariate experiment, of whatever shares.

Σ w ȳ over the cells, with the weights of `stats/factorial.py`; its variance is Σ w² v / (s N) for shares s of N units,
its degrees of freedom Satterthwaite's. With two cells, -1 and 1, it is the comparison of `power.py`. Of two-level
factors in equal cells a main effect has 4 v / N, a two-way interaction (the whole difference of differences) 16 v / N:
as large as a main effect it takes 4 times the units, and half as large 16 times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from imp_core.errors import BadInput
from imp_experiments.stats.power.baseline import Baseline
from imp_experiments.stats.power.chance import NORMAL_FROM, chance, distance_for
from imp_experiments.stats.power.mde import limit_of, smallest
from imp_experiments.stats.power.setting import Setting
from imp_experiments.stats.power.signal import FEWEST, check_effect
from imp_experiments.stats.power.units import MOST_UNITS, check_power, least

__all__ = ["Cells", "cells_mde", "cells_power", "cells_units"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """A contrast: the `weights` of the cells' values, their `shares` of all units, and which cells the effect `moved`.

    Raises:
        BadInput: the three are not of one length, or a share is not above 0.
    """

    weights: tuple[float, ...]
    shares: tuple[float, ...]
    moved: tuple[bool, ...]

    def __post_init__(self) -> None:
        lengths = {len(self.weights), len(self.shares), len(self.moved)}
        if len(lengths) > 1 or not all(share > 0 for share in self.shares) or not any(self.weights):
            raise BadInput("not a contrast of cells", where="factors", mend="give each cell a weight and a share")


def cells_power(baseline: Baseline, setting: Setting, cells: Cells, *, effect: float, units: float) -> float | None:
    """The chance to show a true `effect` with `units` in all cells; None where a cell holds below two.

    The cells that it moves have the baseline's mean with the effect, all others the baseline's. The setting's own
    shares are not looked at.

    Raises:
        BadInput: a figure cannot be, or there is a margin.
    """
    if not 0 < units < math.inf:
        raise BadInput("not a number of units", where="units", mend="give a number above 0")
    distance, parts, shared = _signal(baseline, setting, cells, effect)
    if units < _fewest(setting, cells):
        return None
    spread = (sum(parts) + shared) * setting.widening
    return chance(distance * math.sqrt(units / spread), tail=setting.tail, df=_df(setting, cells, parts, units))


def cells_units(
    baseline: Baseline, setting: Setting, cells: Cells, *, effect: float, power: float = 0.8
) -> float | None:
    """Units in all cells, not rounded, with which the effect has this power; None where no 10¹² do.

    Raises:
        BadInput: a figure cannot be, or there is a margin.
    """
    check_power(power, setting)
    distance, parts, shared = _signal(baseline, setting, cells, effect)
    if distance <= 0:
        return None

    def enough(number: float) -> bool:
        return (cells_power(baseline, setting, cells, effect=effect, units=number) or 0.0) >= power

    root = distance_for(power, tail=setting.tail) / distance
    low = max(root * root * (sum(parts) + shared) * setting.widening, _fewest(setting, cells))
    if low > MOST_UNITS:
        return None
    if _df(setting, cells, parts, low) >= NORMAL_FROM:
        return low
    high = low
    while not enough(high):
        high *= 2
        if high > MOST_UNITS:
            return None
    return least(enough, low, high)


def cells_mde(baseline: Baseline, setting: Setting, cells: Cells, *, units: float, power: float = 0.8) -> float | None:
    """The smallest effect in the setting's direction with this power, signed; None where there is none.

    Raises:
        BadInput: a figure cannot be, or there is a margin.
    """
    check_power(power, setting)
    sign = 1.0 if setting.direction == "up" else -1.0
    if cells_power(baseline, setting, cells, effect=0.0, units=units) is None:
        return None

    def enough(size: float) -> bool:
        return (cells_power(baseline, setting, cells, effect=sign * size, units=units) or 0.0) >= power

    _, parts, shared = _signal(baseline, setting, cells, 0.0)
    normal = distance_for(power, tail=setting.tail) * math.sqrt((sum(parts) + shared) * setting.widening / units)
    found = smallest(enough, normal, limit_of(baseline, setting))
    return None if found is None else sign * found


def _signal(baseline: Baseline, setting: Setting, cells: Cells, effect: float) -> tuple[float, list[float], float]:
    """The contrast's distance from 0, and the variance that each cell, and the covariate, give it with one unit in all.

    Lin's adjustment takes ρ² of each cell's variance, and adds ρ² (Σ w sd)²: see `signal`.
    """
    if setting.margin is not None:
        raise BadInput("effects of factors have no margin", where="margin", mend="leave it out")
    check_effect(baseline, setting, effect)
    relative = setting.scale == "relative"
    mean = baseline.mean * (1 + effect) if relative else baseline.mean + effect
    variances = {False: baseline.variance, True: baseline.variance_at(mean)}
    if relative:
        variances = {False: variances[False] / baseline.mean**2, True: variances[True] / mean**2}
    weights, explained = np.array(cells.weights), setting.correlation**2
    own = np.array([variances[moved] for moved in cells.moved])
    shift = math.log1p(effect) if relative else effect
    distance = abs(shift * float(weights @ np.array(cells.moved, dtype=float)))
    parts = (1 - explained) * weights**2 * own / np.array(cells.shares)
    return distance, parts.tolist(), explained * float(weights @ np.sqrt(own)) ** 2


def _df(setting: Setting, cells: Cells, parts: list[float], units: float) -> float:
    total = sum(parts)
    counts = (share * units / setting.cluster_size - 1 for share in cells.shares)
    return 1 / sum((part / total) ** 2 / count for part, count in zip(parts, counts, strict=True))


def _fewest(setting: Setting, cells: Cells) -> float:
    return FEWEST * setting.cluster_size / min(cells.shares)
