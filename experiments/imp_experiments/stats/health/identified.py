"""A parameter known only between two bounds, and the interval that covers it: Imbens & Manski (2004), section 4.

Where missing outcomes leave a set of effects that fit the data equally well, an interval must cover the one true
effect, not the whole set. With the bounds' standard errors s and the set's width d, it reaches c·s beyond each end,
c solving Φ(c + d / max s) - Φ(-c) = 1 - alpha: z₁₋α/₂ for a single point, z₁₋α for a wide set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from scipy.special import ndtr, ndtri

__all__ = ["IdentifiedSet", "identified_set", "reading"]

_HALVINGS: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifiedSet:
    """The effects that fit the data, in the metric's units: `low` to `high`, each with its standard error.

    `interval_low` to `interval_high` covers the one true effect in 1 - alpha of all experiments. Nothing within
    low to high is likelier than the rest: it has no middle.
    """

    low: float
    high: float
    se_low: float
    se_high: float
    interval_low: float
    interval_high: float


def identified_set(low: float, high: float, se_low: float, se_high: float, *, alpha: float) -> IdentifiedSet | None:
    """The set with its interval; None where a figure is not finite or neither bound has a standard error."""
    largest = max(se_low, se_high)
    if not (all(math.isfinite(x) for x in (low, high, se_low, se_high)) and largest > 0):
        return None
    factor = _factor(max(0.0, high - low) / largest, alpha)
    interval = low - factor * se_low, high + factor * se_high
    if not all(math.isfinite(x) for x in interval):
        return None
    return IdentifiedSet(
        low=low, high=high, se_low=se_low, se_high=se_high, interval_low=interval[0], interval_high=interval[1]
    )


def reading(bounds: IdentifiedSet) -> str:
    """Whether the interval leaves out no effect at all: "excludes zero" or "includes zero"."""
    return "excludes zero" if bounds.interval_low > 0 or bounds.interval_high < 0 else "includes zero"


def _factor(width: float, alpha: float) -> float:
    """The factor c by bisection: between the one-sided and the two-sided quantile, where coverage grows with it."""
    below, above = float(ndtri(1 - alpha)), float(ndtri(1 - alpha / 2))
    for _ in range(_HALVINGS):
        middle = (below + above) / 2
        if ndtr(middle + width) - ndtr(-middle) < 1 - alpha:
            below = middle
        else:
            above = middle
    return above
