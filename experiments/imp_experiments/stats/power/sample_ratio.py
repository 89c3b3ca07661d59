"""The power of the sample-ratio check: how many units show that a share was lost."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import chdtri, chndtr

from imp_core.errors import BadInput
from imp_experiments.stats.power.units import MOST_UNITS, least
from imp_experiments.stats.srm import ALPHA

__all__ = ["sample_ratio_loss", "sample_ratio_power", "sample_ratio_units"]

_SUM = 1e-9
_ALL = 1 - 1e-9
_NOTHING = 0.01  # a noncentrality that moves no test


def sample_ratio_power(
    expected: Sequence[float], true: Sequence[float], *, units: float, alpha: float = ALPHA
) -> float:
    """The chance that Pearson's χ² (`stats/srm.py`) finds a mismatch where the shares are `true` and not `expected`.

    The noncentral χ² with noncentrality N Σ (true - expected)² / expected (Cohen 1988, chapter 7: N w²).

    Raises:
        BadInput: the shares do not add up to 1 or are not above 0, or alpha or the units cannot be.
    """
    effect = _effect(expected, true, alpha)
    if not 0 < units < math.inf:
        raise BadInput("not a number of units", where="units", mend="give a number above 0")
    df = len(expected) - 1
    return float(1 - chndtr(chdtri(df, alpha), df, units * effect))


def sample_ratio_units(
    expected: Sequence[float], true: Sequence[float], *, power: float = 0.8, alpha: float = ALPHA
) -> float | None:
    """Units in all, not rounded, that show a mismatch with this power; None where no 10¹² do.

    Raises:
        BadInput: the shares do not add up to 1 or are not above 0, or alpha or the power cannot be.
    """
    effect = _effect(expected, true, alpha)
    if not alpha < power < 1:
        raise BadInput("must be above alpha and below 1", where="power", mend="give a number like 0.8")
    if effect * MOST_UNITS < _NOTHING:
        return None

    def enough(number: float) -> bool:
        return sample_ratio_power(expected, true, units=number, alpha=alpha) >= power

    high = 1.0 / effect
    while not enough(high):
        high *= 2
    found = least(enough, 0.01 / effect, high)
    return found if found <= MOST_UNITS else None


def sample_ratio_loss(
    expected: Sequence[float], *, units: float, power: float = 0.8, alpha: float = ALPHA
) -> float | None:
    """The smallest share of the smallest variant's units whose loss shows with this power; None where not even all.

    `units` are those that are left, in all variants.

    Raises:
        BadInput: as for `sample_ratio_units`.
    """
    _effect(expected, expected, alpha)
    if not alpha < power < 1:
        raise BadInput("must be above alpha and below 1", where="power", mend="give a number like 0.8")
    smallest = min(range(len(expected)), key=lambda place: expected[place])

    def enough(loss: float) -> bool:
        left = [share * (1 - loss if place == smallest else 1) for place, share in enumerate(expected)]
        true = [share / math.fsum(left) for share in left]
        return sample_ratio_power(expected, true, units=units, alpha=alpha) >= power

    return least(enough, 0.0, _ALL) if enough(_ALL) else None


def _effect(expected: Sequence[float], true: Sequence[float], alpha: float) -> float:
    """Cohen's w²."""
    if len(expected) != len(true) or len(expected) < 2:  # noqa: PLR2004 (a ratio takes two)
        raise BadInput("not two lists of shares", where="expected", mend="give one share a variant in both")
    for where, shares in (("expected", expected), ("true", true)):
        if not all(share > 0 for share in shares) or abs(math.fsum(shares) - 1) > _SUM:
            raise BadInput("the shares do not add up to 1, each above 0", where=where, mend="0.5 and 0.5 are halves")
    if not 0 < alpha < 1:
        raise BadInput("must be between 0 and 1", where="alpha", mend="the check's own is 0.001")
    return math.fsum((t - e) ** 2 / e for t, e in zip(true, expected, strict=True))
