"""Simultaneous inference by the largest statistic: critical value, interval tail and adjusted p of one distribution.

Under the null all statistics are jointly normal (or t with one df) with a known correlation; the critical value c has
P(some |T| > c) = alpha, the adjusted p of a test is P(some |T| > |t|) (Dunnett 1955; Hothorn, Bretz and Westfall
2008, Biometrical Journal 50, section 3). Never wider than Bonferroni's, and narrower the more they correlate.
`tests/experiments/stats/test_max_t.py` proves it against scipy's `dunnett` and `multivariate_t`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from scipy.special import ndtr, ndtri, stdtr, stdtrit

from imp_core.errors import BadInput
from imp_experiments.stats.arguments import check_alpha, check_sides
from imp_experiments.stats.exceed import Exceedance, Matrix, exceedance

__all__ = ["METHOD", "MaxT", "max_t"]

METHOD: Final = "simultaneous by the largest statistic (max-T)"
# How closely the critical value is found: integrated, sampled (whose own error is some hundred times larger).
_CLOSE, _CLOSE_ENOUGH = 1e-13, 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxT:
    """What makes several tests one.

    critical: the value that the largest |T| (one-sided: T) exceeds with chance alpha.
    tail: one statistic's own tail beyond `critical`, on one side: what `interval` takes, so that all intervals hold
    together with 1 - alpha.
    p_values: adjusted, in the order given; below alpha iff the raw p is below sides × tail.
    error: three standard errors of the probabilities (0.0 where they are integrated, to about 1e-12).
    """

    critical: float
    tail: float
    p_values: tuple[float, ...]
    error: float


def max_t(
    correlation: Matrix,
    p_values: Sequence[float] = (),
    *,
    alpha: float = 0.05,
    df: float | None = None,
    sides: int = 2,
) -> MaxT:
    """Correct the raw p-values of statistics with this correlation (m × m, same order) for their number.

    `p_values` are raw, two-sided or (`sides` 1, large is significant) one-sided; none are needed for the critical
    value alone. They rather than the statistics are asked for, so that tests with degrees of freedom of their own can
    be corrected together: each counts as the statistic with `df` (1 and more; None: normal) that has its p.
    The same input gives the same answer, to the last digit.

    Raises:
        BadInput: not a correlation matrix, another number of p-values than rows, a p outside 0 to 1, or an alpha, df
            or sides that there is not.
    """
    check_alpha(alpha)
    check_sides(sides)
    degrees = math.inf if df is None else df
    if not degrees >= 1:
        raise BadInput("there is not one degree of freedom", where="df", mend="leave df out for the normal")
    family = exceedance(correlation, df=degrees, sides=sides)
    if p_values and len(p_values) != family.count:
        raise BadInput("there is not one p-value for each row", where="p_values", mend="pass as many as rows")
    if not all(0 <= p <= 1 for p in p_values):
        raise BadInput("a p-value is not between 0 and 1", where="p_values", mend="pass only tests with a p")
    critical = _critical(family, alpha)
    tail = _tail(critical, degrees)
    adjusted = _adjusted(family, p_values, alpha=alpha, threshold=sides * tail)
    return MaxT(critical=critical, tail=tail, p_values=adjusted, error=family.chance(critical)[1])


def _critical(family: Exceedance, alpha: float) -> float:
    """The root of chance = alpha, between a single test's critical value and Bonferroni's."""
    from scipy.optimize import brentq  # noqa: PLC0415 (slow to import)

    low, high = (_limit(tail / family.sides, family.df) for tail in (alpha, alpha / family.count))
    if family.count == 1 or family.chance(low)[0] <= alpha:
        return low
    if family.chance(high)[0] >= alpha:
        return high
    close = _CLOSE_ENOUGH if family.draws else _CLOSE
    return float(brentq(lambda limit: family.chance(limit)[0] - alpha, low, high, xtol=close, rtol=close))


def _adjusted(family: Exceedance, p_values: Sequence[float], *, alpha: float, threshold: float) -> tuple[float, ...]:
    """Between p and m p, in the order of the raw p, and below alpha exactly where p is below the threshold."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    found = []
    for index in order:
        p = p_values[index]
        value = min(max(family.chance(_limit(p / family.sides, family.df))[0], p), family.count * p, 1.0)
        # within rounding (or the lattice's error) of alpha the critical value decides
        found.append(min(value, math.nextafter(alpha, 0)) if p < threshold else max(value, alpha))
    ranked = dict(zip(order, accumulate(found, max), strict=True))
    return tuple(ranked[index] for index in range(len(p_values)))


def _limit(tail: float, df: float) -> float:
    return -float(ndtri(tail) if math.isinf(df) else stdtrit(df, tail))


def _tail(limit: float, df: float) -> float:
    return float(ndtr(-limit) if math.isinf(df) else stdtr(df, -limit))
