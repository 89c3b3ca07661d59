"""Do two experiments that run at once interfere? Interactions of their variants, and independence of their assignments.

Where the first experiment's effect is the same whatever the other one shows, the difference between its effects in two
of the other's variants is nil. These are effects on different units, so that their variances add: for plain means the
interaction of the saturated two-factor model with HC2 errors, and for ratios and adjusted means the like. On logarithms
it asks whether *relative* effects stay the same. t with Satterthwaite's degrees of freedom, for the errors are
estimated: as `heterogeneity` of two groups, whose Q is the square of this statistic, and whose p is this p.

The assignments are held against each other by Pearson's χ² of independence: two salts that are not independent mix
one experiment's effect into the other's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import chdtrc, stdtr, stdtrit

from imp_experiments.stats.arguments import check_alpha, check_scale
from imp_experiments.stats.contrast import satterthwaite
from imp_experiments.stats.heterogeneity import Group

__all__ = ["ALPHA", "Independence", "Interaction", "independence", "interaction"]

# As for the sample ratio: a check of the machinery, looked at often.
ALPHA: Final = 0.001
_SMALLEST_EXPECTED: Final = 5.0
_ENOUGH_TO_COMPARE: Final = 2
_MOST_UNITS: Final = 2**62
# A bound beyond floating point is as good as the largest.
_LARGEST_LOG: Final = 700.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """How an effect changes from one group to another.

    `estimate`: the difference of the two effects in the metric's units, or on the relative scale the ratio of the two
    ratios (variant / control) less 1. `se` is on the scale of the test (relative: of the logarithm). p, low and high
    allow for `hypotheses` tests by Bonferroni: p < alpha iff the interval excludes 0.
    """

    estimate: float
    low: float
    high: float
    se: float
    p_value: float
    hypotheses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Independence:
    """verdict: ok, dependent (p < 0.001) or not tested, with the reason; the figures are None where it was not.

    `expected` holds the counts under independence, per pair of variants (None where not tested).
    """

    verdict: str
    p_value: float | None
    statistic: float | None
    df: int | None
    expected: Mapping[tuple[str, str], float] | None
    reason: str | None = None


def interaction(
    effect: Group, base: Group, *, scale: str, alpha: float = 0.05, hypotheses: int = 1
) -> Interaction | None:
    """The difference between an effect and the one in the base group, each with its standard error and its df.

    On the relative scale both are of log(variant / control). None: an effect is not known, not finite or without error.

    Raises:
        BadInput: a scale or alpha that cannot be.
    """
    check_scale(scale)
    check_alpha(alpha)
    numbers = [number for number in (*effect[:2], *base[:2]) if number is not None and math.isfinite(number)]
    if len(numbers) < 2 * _ENOUGH_TO_COMPARE or min(numbers[1], numbers[3], effect[2], base[2]) <= 0:
        return None
    difference, se = numbers[0] - numbers[2], math.hypot(numbers[1], numbers[3])
    if not math.isfinite(difference) or not math.isfinite(se):
        return None
    # as shares of the larger error, so that tiny ones do not underflow when squared
    largest = max(numbers[1], numbers[3])
    df = satterthwaite((numbers[1] / largest) ** 2, (numbers[3] / largest) ** 2, effect[2], base[2])
    half = -float(stdtrit(df, alpha / 2 / hypotheses)) * se
    ends = [difference, difference - half, difference + half]
    if scale == "relative":
        ends = [math.expm1(min(end, _LARGEST_LOG)) for end in ends]
    p_value = min(1.0, 2 * hypotheses * float(stdtr(df, -abs(difference / se))))
    return Interaction(estimate=ends[0], low=ends[1], high=ends[2], se=se, p_value=p_value, hypotheses=hypotheses)


def independence(counts: Mapping[tuple[str, str], int]) -> Independence:
    """Pearson's χ² of independence on units per pair (variant of the first, variant of the second experiment).

    Variants without units leave the degrees of freedom. Not tested: fewer than two variants on a side, fewer than
    five units expected in a pair, or a count below zero.
    """
    if any(not 0 <= n <= _MOST_UNITS for n in counts.values()):
        return _untested("a count is below zero or too large")
    one = [
        name for name in dict.fromkeys(pair[0] for pair in counts) if any(counts.get((name, b), 0) for _, b in counts)
    ]
    two = [
        name for name in dict.fromkeys(pair[1] for pair in counts) if any(counts.get((a, name), 0) for a, _ in counts)
    ]
    if min(len(one), len(two)) < _ENOUGH_TO_COMPARE:
        return _untested("fewer than two variants of an experiment have units")
    table = np.array([[counts.get((a, b), 0) for b in two] for a in one], dtype=float)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0) / table.sum())
    if expected.min() < _SMALLEST_EXPECTED:
        return _untested("fewer than five units are expected in a pair of variants")
    statistic = float(((table - expected) ** 2 / expected).sum())
    df = (len(one) - 1) * (len(two) - 1)
    p_value = float(chdtrc(df, statistic))
    return Independence(
        verdict="dependent" if p_value < ALPHA else "ok",
        p_value=p_value,
        statistic=statistic,
        df=df,
        expected={(a, b): float(expected[i, j]) for i, a in enumerate(one) for j, b in enumerate(two)},
    )


def _untested(reason: str) -> Independence:
    return Independence(verdict="not tested", p_value=None, statistic=None, df=None, expected=None, reason=reason)
