"""The chance that a test rejects, from how far the truth lies from the null in standard errors."""

from __future__ import annotations

from typing import Final

from scipy.special import chdtr, nctdtr, ndtr, ndtri, stdtrit

__all__ = ["NORMAL_FROM", "chance", "distance_for"]

# From so many degrees of freedom on the normal approximation stands for the noncentral t: power differs by less than
# 0.0001 at an alpha of 0.05, by less than 0.001 at one of 0.00001.
NORMAL_FROM: Final = 10_000.0
_FAR: Final = 1e4  # standard errors beside which the numerator's own is nothing


def chance(distance: float, *, tail: float, df: float) -> float:
    """The power of a test with `tail` on the side where the truth lies, `distance` standard errors from the null.

    Below 10,000 degrees of freedom it is exact, the noncentral t; from there on normal. The far side of a two-sided
    test is not counted: it would show the effect with the wrong sign. (R's power.t.test with strict = FALSE; at no
    effect the answer is therefore alpha / 2.) Power grows with the units across that border, too.
    """
    if df >= NORMAL_FROM:
        return float(ndtr(distance + ndtri(tail)))
    critical = -float(stdtrit(df, tail))
    if distance > _FAR:  # only the estimated spread can still hide it
        return float(chdtr(df, df * min(distance / critical, _FAR) ** 2)) if critical > 0 else 1.0
    return float(1 - nctdtr(df, distance, critical))


def distance_for(power: float, *, tail: float) -> float:
    """How many standard errors from the null give this power, in the normal approximation."""
    return float(ndtri(power) - ndtri(tail))
