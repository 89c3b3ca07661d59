"""The chance that at least one of several correlated statistics exceeds a limit: multivariate normal or t.

Two ways, both of which add up small positive chances, so that a small answer keeps its digits:

- One factor (r_ij = a_i a_j: many variants against one control, Dunnett 1955): given the factor the statistics are
  independent; the factor, and for t the common scale, are integrated by the trapezoidal rule, which for such smooth
  functions is exact to about 1e-13.
- Any other matrix: importance sampling of the rare union (Owen, Maximov and Chertkov 2019, Electronic J. Statist. 13,
  section 3): each statistic in turn is drawn beyond the limit, the others given it, and counted by one over the
  number that exceed. On randomly shifted Richtmyer lattices with a fixed seed: the same answer every time, and an
  error estimated from the shifts; at .05 several times smaller than that of Genz's sequential conditioning.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr, ndtri, stdtr, stdtrit

from imp_core.errors import BadInput

__all__ = ["Exceedance", "Matrix", "exceedance"]

Floats = NDArray[np.float64]
Matrix = Floats | Sequence[Sequence[float]]
_SAME: Final = 1e-9
_PAIR: Final = 2
# Above this share of its variance from the factor, a statistic given the factor is too sharp a step for the grid.
_STEEP: Final = 0.9975
_FACTOR_END: Final = 39.0
_SCALE_DROP: Final = 45.0
_SHIFTS: Final = 12
# Points of each lattice, fewer where there are very many statistics.
_POINTS, _FEWEST_POINTS, _ENTRIES = 8192, 1024, 131_072
_SEED: Final = 20260
_SMALLEST_SHARE, _QUANTILES = 1e-12, 4_096
_INNERMOST, _OUTERMOST = 1e-300, 1 - 1e-16


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceedance:
    """A family of statistics, prepared: `chance` answers for any limit.

    matrix: the correlation (m × m). loadings: what each owes the factor where there is one, else None; then `draws`
    (lattice points by shift) are empty. df: infinity for the normal.
    """

    matrix: Floats
    loadings: Floats | None
    draws: tuple[tuple[Floats, Floats, Floats], ...]
    df: float
    sides: int

    @property
    def count(self) -> int:
        """How many statistics there are."""
        return len(self.matrix)

    def chance(self, limit: float) -> tuple[float, float]:
        """P(some |T| > limit), for one side P(some T > limit), and three standard errors of it (0 by quadrature)."""
        with np.errstate(all="ignore"):
            if self.loadings is not None:
                return _by_factor(self.loadings, limit, self.df, self.sides), 0.0
            return _by_sampling(self, limit)


def exceedance(correlation: Matrix, *, df: float, sides: int) -> Exceedance:
    """Prepare a correlation matrix (m × m); singular ones are fine.

    Raises:
        BadInput: it is not a correlation matrix: not square, not symmetric, a diagonal other than 1, not finite,
            or not positive semidefinite.
    """
    matrix = _checked(correlation)
    root, loadings = _root(matrix), _loadings(matrix)
    draws = _draws(root, df) if loadings is None else ()
    return Exceedance(matrix=matrix, loadings=loadings, draws=draws, df=df, sides=sides)


def _checked(correlation: Matrix) -> Floats:
    try:
        matrix = np.asarray(correlation, dtype=np.float64)
    except (TypeError, ValueError):
        matrix = np.empty(0)
    if matrix.ndim != _PAIR or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] == 0:
        raise _no("is not a square matrix of numbers")
    if not np.isfinite(matrix).all() or abs(matrix - matrix.T).max() > _SAME:
        raise _no("is not symmetric and finite")
    if abs(matrix.diagonal() - 1).max() > _SAME or abs(matrix).max() > 1 + _SAME:
        raise _no("has a diagonal other than 1 or an entry beyond 1")
    return np.clip((matrix + matrix.T) / 2, -1, 1)


def _no(problem: str) -> BadInput:
    return BadInput(f"the correlation {problem}", where="correlation", mend="pass the statistics' correlation matrix")


def _root(matrix: Floats) -> Floats:
    """L with L Lᵀ = matrix, by its eigenvalues: singular matrices have one as well."""
    values, vectors = np.linalg.eigh(matrix)
    if values.min() < -100 * _SAME:
        raise _no("is not positive semidefinite")
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0))[None, :])


def _loadings(matrix: Floats) -> Floats | None:
    """Numbers a with r_ij = a_i a_j off the diagonal; None where there is none, or where the steps are too sharp."""
    off = matrix - np.eye(len(matrix))
    first = int(np.argmax(abs(off).sum(axis=0)))
    second = int(np.argmax(abs(off[first])))
    if off[first, second] == 0:
        return np.zeros(len(matrix))
    third = int(np.argmax(abs(off[first] * off[second])))
    if off[first, third] * off[second, third] == 0:
        square = abs(off[first, second])
    else:
        square = off[first, second] * off[first, third] / off[second, third]
    if not 0 < square <= 1:
        return None
    loadings = off[first] / math.sqrt(square)
    loadings[first] = math.sqrt(square)
    residual = off - np.outer(loadings, loadings)
    np.fill_diagonal(residual, 0)
    fits = abs(residual).max() <= _SAME and (loadings**2).max() <= _STEEP
    return loadings if fits else None


def _by_factor(loadings: Floats, limit: float, df: float, sides: int) -> float:
    own = np.sqrt(1 - loadings**2)
    step = 0.25 * min(1.0, float((own / np.maximum(abs(loadings), _SAME)).min()))
    factor = np.arange(-_FACTOR_END, _FACTOR_END + step, step)
    weights = np.exp(-factor * factor / 2)
    scales, shares = _scales(df)
    limits = (limit * scales)[:, None]
    none_exceeds = np.zeros((len(scales), len(factor)))
    for loading, width in zip(loadings, own, strict=True):
        out = ndtr((loading * factor - limits) / width)
        if sides == _PAIR:
            out += ndtr((-loading * factor - limits) / width)
        none_exceeds += np.log1p(-np.minimum(out, 1))
    chances = -np.expm1(none_exceeds) @ (weights / weights.sum())
    return float(chances @ shares)


def _scales(df: float) -> tuple[Floats, Floats]:
    """Nodes and weights for χ/√df by the trapezoidal rule in its logarithm; a single 1 for the normal."""
    if math.isinf(df):
        return np.ones(1), np.ones(1)
    step = min(0.12, 0.5 / math.sqrt(2 * df))
    # log density: df (x - (e^2x - 1) / 2), which falls at least as fast as both of these to the left and the right
    left = max(_SCALE_DROP / df + 0.5, 0.0)
    left = min(left, math.sqrt(2 * _SCALE_DROP / df) + 2 * _SCALE_DROP / df)
    logs = np.arange(-left, math.sqrt(_SCALE_DROP / df) + step, step)
    weights = np.exp(df * (logs - np.expm1(2 * logs) / 2))
    return np.exp(logs), weights / weights.sum()


def _draws(root: Floats, df: float) -> tuple[tuple[Floats, Floats, Floats], ...]:
    """Per shift of the lattice: correlated normals (points × m), χ² of df + 1, the logarithm of a uniform (points)."""
    m = len(root)
    count = max(_FEWEST_POINTS, min(_POINTS, _ENTRIES // m))
    steps = np.arange(1, count + 1)[:, None] * np.sqrt(np.array(_primes(m + 2), dtype=np.float64))
    dice = np.random.default_rng(_SEED)
    out = []
    for _ in range(_SHIFTS):
        points = np.clip(abs(2 * np.mod(steps + dice.random(m + 2), 1) - 1), _INNERMOST, _OUTERMOST)
        squares = np.ones(count) if math.isinf(df) else 2 * gammaincinv((df + 1) / 2, points[:, m])
        out.append((ndtri(points[:, :m]) @ root.T, squares, np.log(np.maximum(points[:, m + 1], _SMALLEST_SHARE))))
    return tuple(out)


def _by_sampling(family: Exceedance, limit: float) -> tuple[float, float]:
    """Σ_j P(T_j exceeds) E[1 / number that exceed | T_j exceeds]: never above the sum, and never cancels."""
    single = float(ndtr(-limit) if math.isinf(family.df) else stdtr(family.df, -limit))
    # t's quantiles are slow: between so many of them a straight line errs by less than 1e-5
    shares = np.linspace(math.log(_SMALLEST_SHARE), 0, _QUANTILES)
    quantiles = -stdtrit(family.df, single * np.exp(shares))
    means = []
    for normals, squares, log_share in family.draws:
        if math.isinf(family.df):
            exceeding, scale = -ndtri(single * np.exp(log_share)), squares
        else:
            exceeding = np.interp(log_share, shares, quantiles)
            scale = np.sqrt((family.df + exceeding**2) / squares)
        rest = normals * scale[:, None]
        total = 0.0
        for j, row in enumerate(family.matrix):
            drawn = rest + np.outer(exceeding - rest[:, j], row)
            exceeds = (abs(drawn) if family.sides == _PAIR else drawn) > limit
            exceeds[:, j] = True
            total += float((1 / exceeds.sum(axis=1)).mean())
        means.append(family.sides * single * total)
    return float(np.mean(means)), 3 * float(np.std(means, ddof=1)) / math.sqrt(_SHIFTS)


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found
