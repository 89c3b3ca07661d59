"""Critical values of several comparisons with one base among independent estimates, by quadrature.

With independent estimates of standard errors σ, the standardized differences T_j = (X_j - X_0)/√(σ_j² + σ_0²) share
X_0 and nothing else (the product correlation structure λ_j λ_k: Dunnett 1955; Hsu 1996, sec. 1.3.1), so that given
X_0 they are independent: P(all T_j ≤ d) = ∫ Π Φ((d √(σ_j² + σ_0²) + σ_0 z)/σ_j) φ(z) dz. With so many degrees
of freedom d is multiplied by s ~ √(χ²_df/df), a second integral.

The trapezoidal rule converges exponentially here: all factors are smooth and φ ends. Others far more certain than the
base make steep steps, which need a fine grid: below a fiftieth of the base's standard error they are taken as a
fiftieth, which correlates the differences less and so makes d a little larger, never smaller (Slepian 1962).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtr

__all__ = ["critical_value", "probability_within"]

_STEP: Final = 0.25
_STEEPEST: Final = 0.02
_WIDEST: Final = 9.0
# Few degrees of freedom bend the spread, and many leave it nearly a straight line of normal scores.
_SPREAD_NODES: Final = 48
_FEW_NODES: Final = 14
_STRAIGHT: Final = 40.0
# Above this the t distribution is the normal to six digits.
_MANY: Final = 1e6

Floats = NDArray[np.float64]


def probability_within(
    d: float, base: float, others: Floats, *, df: float = math.inf, two_sided: bool = False
) -> float:
    """P(T_j ≤ d for all j), or P(|T_j| ≤ d for all j); `base` and `others` are the standard errors, above 0."""
    others = np.maximum(others, _STEEPEST * base)
    step = _STEP * min(1.0, float(others.min()) / base)
    z = np.arange(-_WIDEST, _WIDEST + step, step)
    density = step * np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    reach, shift = np.hypot(others, base) / others, np.outer(z, base / others)
    total = 0.0
    for spread, weight in zip(*_spread_nodes(df), strict=True):
        inside = ndtr(d * spread * reach + shift)
        if two_sided:
            inside = inside - ndtr(shift - d * spread * reach)
        total += float(weight * (inside.prod(axis=1) @ density))
    return total


def critical_value(
    level: float, base: float, others: Floats, *, df: float = math.inf, two_sided: bool = False
) -> float:
    """The d with P = `level`; 0 where there is nothing to compare."""
    from scipy.optimize import brentq  # noqa: PLC0415 (slow to import, and only some analyses end here)

    if others.size == 0:
        return 0.0

    def excess(d: float) -> float:
        return probability_within(d, base, others, df=df, two_sided=two_sided) - level

    low, high = (0.0 if two_sided else -1.0), 1.0
    while excess(high) < 0:
        high *= 2
    while excess(low) > 0:
        low *= 2
    return float(brentq(excess, low, high, xtol=1e-11))


@cache
def _spread_nodes(df: float) -> tuple[Floats, Floats]:
    """Nodes of √(χ²_df/df) and their weights: by normal scores of its quantiles, where it is nearly straight."""
    if df > _MANY:
        return np.ones(1), np.ones(1)
    if df >= _STRAIGHT:
        z, density = np.polynomial.hermite_e.hermegauss(_FEW_NODES)
        density = density / math.sqrt(2 * math.pi)
    else:
        z, density = np.polynomial.legendre.leggauss(_SPREAD_NODES)
        z = z * _WIDEST
        density = density * _WIDEST * np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    return np.sqrt(chdtri(df, ndtr(-z)) / df), density
