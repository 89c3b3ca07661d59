"""An effect's interval at another level, from its own statistic: so that correction changes nothing else."""

from __future__ import annotations

import math
from typing import Final

from scipy.special import stdtrit

from imp_experiments.stats.effect import Effect

__all__ = ["interval"]

_LARGEST_LOG: Final = 700.0


def interval(effect: Effect, *, tail: float, scale: str) -> tuple[float, float]:
    """Low and high that leave `tail` on each side; on the relative scale around the logarithm (`Effect`)."""
    half = float(stdtrit(effect.df, 1 - tail)) * effect.se
    if scale == "absolute":
        return effect.estimate - half, effect.estimate + half
    centre = math.log1p(effect.estimate)
    # a bound beyond floating point is as good as the largest
    return math.expm1(centre - half), math.expm1(min(centre + half, _LARGEST_LOG))
