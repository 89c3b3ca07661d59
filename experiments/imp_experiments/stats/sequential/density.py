"""Which z statistics have not crossed their boundaries so far: the null (or drifting) density, look by look.

Armitage, McPherson and Rowe (1969), JRSS A 132, 235-244; Jennison and Turnbull (2000), "Group Sequential Methods",
ch. 19. With means m_k, Z_k - m_k = ρ (Z_{k-1} - m_{k-1}) + σ ε and σ² = 1 - ρ², the density of Z_k on "no crossing
before k" is, over the continuation region of look k - 1,

    g_k(z) = ∫ g_{k-1}(y) φ((z - m_k - ρ (y - m_{k-1})) / σ) / σ dy

as a composite Gauss-Legendre sum. Its panels are a few of the narrower σ of the two neighbouring looks wide, so that
looks that are nearly the same cost nodes, not accuracy; nodes too far away to matter are skipped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

__all__ = ["Survivors", "crossing", "first", "onwards", "solve", "spread"]

# Beyond this many standard deviations from its mean no look has mass that matters (2Φ(-9.5) = 2e-21).
_REACH: Final = 9.5
_NODES: Final = 32
_PANEL: Final = 16.0
_NARROWEST: Final = 4e-3
_NARROW: Final = 0.3
_CHUNK: Final = 64
_ROUNDS: Final = 200
_CLOSE: Final = 1e-13


@dataclass(frozen=True, slots=True)
class Survivors:
    """Z of one look on "not crossed so far": `nodes` in z, `weights` = quadrature weight × density there.

    `mean` is the look's mean, `sigma` the look's own spread given the look before (1 for the first).
    """

    nodes: NDArray[np.float64]
    weights: NDArray[np.float64]
    mean: float
    sigma: float

    @property
    def mass(self) -> float:
        """The probability that no boundary was crossed so far."""
        return float(self.weights.sum())


def spread(rho: float) -> float:
    """σ = √(1 - ρ²) of a look given the look before, at least 0.004.

    Looks more alike than that (ρ above 0.999992) count as that alike. Their boundary then comes out higher than it
    need be, never lower; at alpha 0.05 by less than 0.001 in z even where both looks hold the same data.
    """
    return max(math.sqrt(max((1 - rho) * (1 + rho), 0.0)), _NARROWEST)


def first(low: float, high: float, *, following: float, mean: float = 0.0) -> Survivors:
    """The first look's z within (low, high); `following` is the next look's `spread`."""
    nodes, weights = _quadrature(max(low, mean - _REACH), min(high, mean + _REACH), min(1.0, following))
    return Survivors(nodes, weights * _normal(nodes - mean), mean, 1.0)


def onwards(
    before: Survivors, rho: float, low: float, high: float, *, following: float, mean: float = 0.0
) -> Survivors:
    """The next look's z within (low, high), correlated `rho` with the look before."""
    sigma = spread(rho)
    rho = math.sqrt(1 - sigma * sigma) if sigma == _NARROWEST else rho
    nodes, weights = _quadrature(max(low, mean - _REACH), min(high, mean + _REACH), min(sigma, following))
    density = np.empty_like(nodes)
    for start in range(0, len(nodes), _CHUNK):
        part = slice(start, start + _CHUNK)
        near = _near(before, rho, sigma, nodes[part] - mean)
        centres = mean + rho * (before.nodes[near] - before.mean)
        density[part] = _normal((nodes[part, None] - centres) / sigma) @ before.weights[near] / sigma
    return Survivors(nodes, weights * density, mean, sigma)


def crossing(
    before: Survivors | None, rho: float, z: float, *, sides: int, mean: float = 0.0
) -> tuple[float, float, float]:
    """Chances of crossing first at this look: above z, below -z (0 if one-sided), and the density at ±z together."""
    if before is None:
        centres, sigma, weights = np.array([mean]), 1.0, np.array([1.0])
    else:
        sigma = spread(rho)
        rho = math.sqrt(1 - sigma * sigma) if sigma == _NARROWEST else rho
        centres, weights = mean + rho * (before.nodes - before.mean), before.weights
    up, down = (centres - z) / sigma, (-z - centres) / sigma
    above, density = float(ndtr(up) @ weights), float(_normal(up) @ weights) / sigma
    if sides == 1:
        return above, 0.0, density
    return above, float(ndtr(down) @ weights), density + float(_normal(down) @ weights) / sigma


def solve(before: Survivors | None, rho: float, spend: float, *, sides: int) -> float | None:
    """The z at which the null chance of crossing first at this look is `spend`; None where so much is not left.

    Newton's method on the logarithm, which is concave in z: from the right of the root it closes in without
    overshooting. The fixed test's z is to the right, since not having crossed before only takes mass away.
    """
    low, high = (0.0 if sides == 2 else -_REACH), -float(ndtri(spend / sides))  # noqa: PLR2004
    if before is None:
        return high
    if sum(crossing(before, rho, low, sides=sides)[:2]) <= spend:
        return None
    z = high
    for _ in range(_ROUNDS):
        above, below, slope = crossing(before, rho, z, sides=sides)
        found = above + below
        if found < spend:
            high = min(high, z)
        else:
            low = max(low, z)
        step = found * math.log(found / spend) / slope if found > 0 and slope > 0 else -math.inf
        following = z + step if low <= z + step <= high else (low + high) / 2
        if abs(following - z) <= _CLOSE * max(1.0, z):
            return following
        z = following
    return z


def _near(before: Survivors, rho: float, sigma: float, around: NDArray[np.float64]) -> slice:
    """The nodes of the look before that matter for these ascending values (about their mean) of the next."""
    if sigma > _NARROW:
        return slice(None)
    ends = [end * factor for end in (around[0], around[-1]) for factor in (rho, 1 / rho)]
    low = before.mean + min(ends) - _REACH * sigma
    high = before.mean + max(ends) + _REACH * sigma
    start, stop = np.searchsorted(before.nodes, (low, high))
    return slice(int(start), int(stop))


def _quadrature(low: float, high: float, width: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights on (low, high) for a function that varies over `width`; none where the interval is empty."""
    if not low < high:
        return np.empty(0), np.empty(0)
    panels = math.ceil((high - low) / (_PANEL * width))
    nodes, weights = _legendre(_NODES)
    half = (high - low) / panels / 2
    centres = low + half * (2 * np.arange(panels) + 1)
    return (centres[:, None] + half * nodes).ravel(), np.tile(half * weights, panels)


@cache
def _legendre(nodes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.polynomial.legendre.leggauss(nodes)


def _normal(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
