"""Power of main effects and interactions in a full factorial of two-level factors, ±½ coding.

A main effect is the mean at a factor's high level less that at its low one, over the others' levels: with halves its
variance is 4 σ² / N. An interaction of two factors is the whole difference of differences: 16 σ² / N. So an
interaction as large as a main effect takes 4 times the units, and one half as large 16 times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from imp_core.errors import BadInput
from imp_experiments.stats.power.chance import NORMAL_FROM, chance, distance_for
from imp_experiments.stats.power.setting import Setting
from imp_experiments.stats.power.units import MOST_UNITS, check_power, least

__all__ = ["contrast_factor", "factorial_mde", "factorial_power", "factorial_units"]


def contrast_factor(order: int, high: Sequence[float]) -> float:
    """What σ² / N is multiplied by for a contrast of the first `order` factors; 4 and 16 for orders 1 and 2 at halves.

    `high` holds the share of units at the high level, one a factor; levels are crossed independently, the contrast
    averages the other factors' levels alike.

    Raises:
        BadInput: the order is not that of a contrast, or a share is not between 0 and 1.
    """
    if not 1 <= order <= len(high):
        raise BadInput("not the order of a contrast", where="order", mend="1 is a main effect, 2 an interaction of two")
    if not all(0 < share < 1 for share in high):
        raise BadInput("not a share", where="high", mend="give a number between 0 and 1; 0.5 is half of the units")
    both = [1 / share + 1 / (1 - share) for share in high]
    return math.prod(both[:order]) * math.prod(item / 4 for item in both[order:])


def factorial_power(
    sd: float, setting: Setting, *, order: int, high: Sequence[float], effect: float, units: float
) -> float | None:
    """The chance to show a true effect of this order with `units` in all cells; None where cells hold below two.

    `sd` is the units' within a cell, the same in all; the effect is in the metric's units. Degrees of freedom are
    units (clusters) less cells. The setting's shares are not looked at.

    Raises:
        BadInput: a figure cannot be, the scale is relative, or there is a margin.
    """
    spread = _spread(sd, setting, order, high)
    if not math.isfinite(effect):
        raise BadInput("not a finite number", where="effect", mend="give an ordinary number")
    if not 0 < units < math.inf:
        raise BadInput("not a number of units", where="units", mend="give a number above 0")
    if units < _fewest(setting, high):
        return None
    df = units / setting.cluster_size - 2 ** len(high)
    return chance(abs(effect) * math.sqrt(units / spread), tail=setting.tail, df=df)


def factorial_units(
    sd: float, setting: Setting, *, order: int, high: Sequence[float], effect: float, power: float = 0.8
) -> float | None:
    """Units in all cells, not rounded, with which an effect of this order has this power; None where no 10¹² do.

    Raises:
        BadInput: a figure cannot be, the scale is relative, or there is a margin.
    """
    check_power(power, setting)
    spread = _spread(sd, setting, order, high)
    if effect == 0:
        return None

    def enough(number: float) -> bool:
        found = factorial_power(sd, setting, order=order, high=high, effect=effect, units=number)
        return (found or 0.0) >= power

    root = distance_for(power, tail=setting.tail) / effect
    low = top = max(root * root * spread, _fewest(setting, high))
    if low > MOST_UNITS:
        return None
    if low / setting.cluster_size - 2 ** len(high) >= NORMAL_FROM:
        return low
    while not enough(top):
        top *= 2
    return least(enough, low, top)


def factorial_mde(
    sd: float, setting: Setting, *, order: int, high: Sequence[float], units: float, power: float = 0.8
) -> float | None:
    """The smallest effect of this order that `units` in all cells show with this power; None with too few units.

    Raises:
        BadInput: a figure cannot be, the scale is relative, or there is a margin.
    """
    check_power(power, setting)

    def enough(size: float) -> bool:
        found = factorial_power(sd, setting, order=order, high=high, effect=size, units=units)
        return (found or 0.0) >= power

    if factorial_power(sd, setting, order=order, high=high, effect=0.0, units=units) is None:
        return None
    low = top = distance_for(power, tail=setting.tail) * math.sqrt(_spread(sd, setting, order, high) / units)
    low *= 1 - 1e-9  # the normal answer itself, where rounding calls it too small
    while not enough(top):
        top *= 2
    return least(enough, low, top)


def _fewest(setting: Setting, high: Sequence[float]) -> float:
    return 2 * setting.cluster_size / math.prod(min(share, 1 - share) for share in high)


def _spread(sd: float, setting: Setting, order: int, high: Sequence[float]) -> float:
    """The variance of the contrast with one unit in all."""
    if not 0 < sd < math.inf:
        raise BadInput("not a standard deviation", where="sd", mend="give a number above 0")
    if setting.scale != "absolute" or setting.margin is not None:
        mend = 'use scale = "absolute" and no margin'
        raise BadInput("effects of factors are planned as differences", where="setting", mend=mend)
    return contrast_factor(order, high) * sd * sd * (1 - setting.correlation**2) * setting.widening
