"""How many units a comparison takes for its power."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.stats.power.baseline import Baseline
from imp_experiments.stats.power.chance import NORMAL_FROM, distance_for
from imp_experiments.stats.power.power import fewest_units, power
from imp_experiments.stats.power.setting import Setting
from imp_experiments.stats.power.signal import signal

__all__ = ["MOST_UNITS", "Units", "check_power", "least", "rounded", "rounded_up", "units"]

MOST_UNITS: Final = 1e12
_ROUNDS: Final = 200
_STEP_DOWN: Final = 0.97
_STEP_UP: Final = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Units per variant, rounded up, and in all; `exact` is the number in all before rounding."""

    control: int
    treatment: int
    total: int
    exact: float


def units(baseline: Baseline, setting: Setting, *, effect: float, power: float = 0.8) -> Units | None:
    """The fewest units with which the test shows a true `effect` with this power.

    `total` is of all variants of the experiment: where there are more than two, more than control + treatment.
    None where no number up to 10¹² is enough: no effect, or one beyond the margin.

    Raises:
        BadInput: the effect or the power cannot be.
    """
    check_power(power, setting)
    exact = _exact(baseline, setting, effect, power)
    return None if exact is None else rounded(exact, setting)


def rounded(exact: float, setting: Setting) -> Units:
    """Units in all, rounded up in each variant."""
    control, treatment = (rounded_up(share * exact) for share in (setting.control, setting.treatment))
    return Units(control=control, treatment=treatment, total=max(rounded_up(exact), control + treatment), exact=exact)


def check_power(target: float, setting: Setting) -> None:
    """Refuse a power that no test is planned for.

    Raises:
        BadInput: it is not between the error of the test and 1.
    """
    if not setting.tail < target < 1:
        mend = "give a number below 1, like 0.8"
        raise BadInput("must be above the error that the test may make, and below 1", where="power", mend=mend)


def least(enough: Callable[[float], bool], low: float, high: float) -> float:
    """The least number between `low` and `high` that is enough, where `high` is and more is never worse."""
    if enough(low):
        return low
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _exact(baseline: Baseline, setting: Setting, effect: float, target: float) -> float | None:
    found = signal(baseline, setting, effect)
    if found.distance <= 0:
        return None
    root = distance_for(target, tail=setting.tail) / found.distance
    normal = root * root * found.spread
    start = max(normal, fewest_units(setting))
    if start > MOST_UNITS:
        return None
    if baseline.skewness is None and found.df(setting, start) >= NORMAL_FROM:
        return start

    def enough(number: float) -> bool:
        return (power(baseline, setting, effect=effect, units=number) or 0.0) >= target

    # without skewness the normal answer is never more than the exact one
    low = start if baseline.skewness is None else _below(enough, start, fewest_units(setting))
    high = low
    while not enough(high):
        high *= _STEP_UP
        if high > MOST_UNITS:
            return None
    return least(enough, low, high)


def _below(enough: Callable[[float], bool], start: float, fewest: float) -> float:
    """Down step by step to what is not enough: the term of the skewness is no good far from there."""
    low = start
    while low > fewest and enough(low):
        low = max(low * _STEP_DOWN, fewest)
    return low


def rounded_up(number: float) -> int:
    """Rounded up, but for what floating point adds to a whole number."""
    return math.ceil(number * (1 - 1e-12))
