"""Intervals that hold at all times together: asymptotic confidence sequences, for tests without a planned end.

Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), "Time-uniform central limit theory and asymptotic confidence
sequences", Annals of Statistics 52, 2613-2640 (arXiv 2103.06476): the two-sided normal-mixture boundary of
Theorem 2.2, here as a multiple of the standard error, with x = n ρ²,

    z = √(2 (x + 1) / x · log(√(x + 1) / α))        one-sided, their appendix: log(1 + √(x + 1) / (2α))

ρ² makes it narrowest at the expected n: exactly, ρ² n = -W₋₁(-α²/e) - 1 with Lambert's W (not the closed
approximation that other engines use); one-sided with 2α in place of α, as the boundary asks. p is the smallest alpha
whose interval, at the same ρ, leaves 0 out: so p < α iff the interval does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from scipy.special import lambertw, ndtri

from imp_core.errors import BadInput
from imp_experiments.stats.sequential.spending import check_alpha, check_sides

__all__ = ["AlwaysValid", "always_valid", "multiplier", "rho_squared", "sequence_inflation"]

_LARGEST_ONE_SIDED: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class AlwaysValid:
    """One point of a confidence sequence: half width = `z` × standard error, and the always-valid `p_value`.

    One-sided the bound is estimate - z × standard error, and p is of "not above 0".
    """

    z: float
    p_value: float


def rho_squared(*, alpha: float, expected_n: float, sides: int = 2) -> float:
    """The mixture's ρ², per unit, that makes the sequence narrowest at `expected_n` units.

    Raises:
        BadInput: alpha is not between 0 and 1 (one-sided 0.5), expected_n is not positive, or sides not 1 or 2.
    """
    check_alpha(alpha)
    check_sides(sides)
    if sides == 1 and alpha >= _LARGEST_ONE_SIDED:
        raise BadInput("a one-sided alpha is below 0.5", where="alpha", mend="say a share such as 0.05")
    if not (math.isfinite(expected_n) and expected_n > 0):
        raise BadInput("the expected number of units is not above 0", where="expected_n", mend="say a number of units")
    of_both_tails = alpha * (3 - sides)
    return (-float(lambertw(-(of_both_tails**2) / math.e, -1).real) - 1) / expected_n


def multiplier(n: float, *, alpha: float, expected_n: float, sides: int = 2) -> float | None:
    """Half width of the sequence at n units, in standard errors; None where n is not a positive number.

    Raises:
        BadInput: as `rho_squared`.
    """
    x = n * rho_squared(alpha=alpha, expected_n=expected_n, sides=sides)
    if not (math.isfinite(x) and x > 0):
        return None
    root = 0.5 * math.log1p(x)
    # the one-sided logarithm is log(1 + exp(root - log 2α))
    wanted = root - math.log(alpha) if sides > 1 else math.log1p(math.exp(root) / (2 * alpha))
    return math.sqrt(2 * (1 + 1 / x) * wanted)


def sequence_inflation(*, alpha: float, power: float, sides: int = 2) -> float:
    """How many times the units of a fixed test give a confidence sequence its power where it is looked at last.

    Being narrowest there; whoever looked before has found it in some more of the experiments, so that it is an upper
    bound.

    Raises:
        BadInput: as `rho_squared`, or the power is not above the chance of an error and below 1.
    """
    z = multiplier(1.0, alpha=alpha, expected_n=1.0, sides=sides)
    if z is None or not alpha / sides < power < 1:
        raise BadInput(f"the power is {power}, not above the chance of an error and below 1", where="power", mend="0.8")
    reach = float(ndtri(power))
    return ((z + reach) / (reach - float(ndtri(alpha / sides)))) ** 2


def always_valid(
    estimate: float, se: float, n: float, *, alpha: float, expected_n: float, sides: int = 2
) -> AlwaysValid | None:
    """The sequence's multiplier and p for an estimate with its standard error, from n units in effect.

    None where the estimate is not finite, the standard error not positive, or n not a positive number. One-sided
    asks whether the estimate is above 0: turn its sign for the other side.

    Raises:
        BadInput: as `rho_squared`.
    """
    z = multiplier(n, alpha=alpha, expected_n=expected_n, sides=sides)
    if z is None or not (math.isfinite(estimate) and math.isfinite(se) and se > 0):
        return None
    statistic = estimate / se
    if sides == 1 and statistic <= 0:
        return AlwaysValid(z=z, p_value=1.0)
    x = n * rho_squared(alpha=alpha, expected_n=expected_n, sides=sides)
    root, gain = 0.5 * math.log1p(x), 0.5 * statistic * statistic * (x / (1 + x))
    if sides == 1:
        # p solves 1 + √(x + 1) / (2p) = exp(gain)
        root, gain = root - math.log(2), _log_expm1(gain)
    return AlwaysValid(z=z, p_value=math.exp(min(0.0, root - gain)))


def _log_expm1(value: float) -> float:
    if value == 0:
        return -math.inf
    return value + math.log(-math.expm1(-value))
