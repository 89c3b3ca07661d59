"""The minimum detectable effect: the smallest that so many units show with the power asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.stats.power.baseline import LARGEST, Baseline
from imp_experiments.stats.power.chance import distance_for
from imp_experiments.stats.power.power import power as power_of
from imp_experiments.stats.power.setting import Setting
from imp_experiments.stats.power.signal import signal
from imp_experiments.stats.power.units import check_power, least

__all__ = ["limit_of", "mde", "smallest"]

_STEP: Final = 1.05
_JUST_BELOW: Final = 1 - 1e-9
_FIRST: Final = 0.01
_STEPS: Final = 1_000  # from a hundredth of the normal answer up to 10¹⁹ times it


def mde(baseline: Baseline, setting: Setting, *, units: float, power: float = 0.8) -> float | None:
    """The smallest effect in the setting's direction that `units` in all show with this power, on its scale.

    Its sign is the direction's: negative for "down". None where there is none: too few units, or the effect would
    have to leave what the metric can be (a proportion above 1, a fall of all there is).

    Raises:
        BadInput: the units or the power cannot be, the setting has a margin, or there is no relative scale.
    """
    check_power(power, setting)
    if setting.margin is not None:
        raise BadInput("non-inferiority has a margin, no least effect", where="margin", mend="solve for units or power")
    sign = 1.0 if setting.direction == "up" else -1.0
    if power_of(baseline, setting, effect=0.0, units=units) is None:
        return None

    def enough(size: float) -> bool:
        return (power_of(baseline, setting, effect=sign * size, units=units) or 0.0) >= power

    normal = distance_for(power, tail=setting.tail) * math.sqrt(signal(baseline, setting, 0.0).spread / units)
    found = smallest(enough, normal, limit_of(baseline, setting))
    return None if found is None else sign * found


def smallest(enough: Callable[[float], bool], normal: float, limit: float) -> float | None:
    """The smallest size below `limit` that is enough, from a hundredth of the normal answer upwards; None: none is.

    Step by step to the first that is enough: a fall beyond it may be harder to show again on the log scale.
    """
    limit *= _JUST_BELOW
    low, high = 0.0, _FIRST * normal
    for _ in range(_STEPS):
        high = min(high, limit)
        if enough(high):
            return least(enough, low, high)
        if high == limit:
            return None
        low, high = high, high * _STEP
    return None


def limit_of(baseline: Baseline, setting: Setting) -> float:
    """The size that no effect in the setting's direction reaches."""
    mean = baseline.mean
    room = LARGEST - abs(mean)
    if setting.direction == "up":
        if baseline.follows == "binomial":
            room = 1 - mean
        elif baseline.follows == "cv" and mean < 0:
            room = -mean
    elif setting.scale == "relative" or baseline.follows == "binomial" or (baseline.follows == "cv" and mean > 0):
        room = mean
    return room / mean if setting.scale == "relative" else room
