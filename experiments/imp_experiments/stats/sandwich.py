"""Least squares and its HC2 errors from cells alone, exactly as unit-level OLS would give them.

All units of a cell share one row of the model matrix, so that X'X = Σ n x x', a unit's leverage is h = x'(X'X)⁻¹x,
and a cell's squared residuals add up to (n - 1)s² + n(ȳ - ŷ)². HC2 (MacKinnon & White 1985) divides each squared
residual by 1 - h. Weighted least squares on cell means has other leverages and loses (n - 1)s²: its HC2 is wrong.

Degrees of freedom: an HC2 variance is a quadratic form of the residuals; Satterthwaite's are 2 E²/Var of it (Bell &
McCaffrey 2002, eq. 10-12), here with each cell's own variance as working variance (Pustejovsky & Tipton 2018, eq. 12).
With one factor of two levels this is exactly Welch's test. The unit-level N - rank is there for who asks; with few
units in a cell of large variance it is too generous. `tests/experiments/stats/test_sandwich.py` holds both against
unit-level matrices and statsmodels' OLS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["CellFit", "Errors", "fit_cells", "given_errors", "hc2_errors", "independent_errors"]

# Singular values below this share of the largest are rounding: the columns are aliased.
_RANK: Final = 1e-9
_ESTIMABLE: Final = 1e-7
# A weight or a residual this small beside the largest is what arithmetic leaves behind.
_NOISE: Final = 1e-12
# The leverage of the only unit of a cell that the model fits exactly.
_FULL_LEVERAGE: Final = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFit:
    """Weighted least squares of cell values on a model matrix that need not have full rank.

    `smooth` (cells × cells) maps values to fitted values; `leverage` (cells × cells) is x'(X'WX)⁻¹x; `rank` counts
    the columns that can be told apart.
    """

    rank: int
    smooth: Floats
    leverage: Floats
    _rows_to_cells: Floats
    _row_space: Floats

    def weights(self, rows: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """For each row over the columns: the weights of the cells in its estimate, and whether it can be estimated.

        It can where the row is a combination of the observed cells' rows (Searle 1971, sec. 5.4).
        """
        inside = rows @ self._row_space @ self._row_space.T
        off = np.linalg.norm(rows - inside, axis=1) > _ESTIMABLE * np.linalg.norm(rows, axis=1)
        return rows @ self._rows_to_cells, ~off


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """The covariance of the cells' values (NaN on the diagonal where unknown), and the df of a combination of them."""

    covariance: Floats
    df: Callable[[Floats], float]

    def known(self, weights: Floats) -> bool:
        """Whether every cell that these weights use has a known variance."""
        return not bool((np.isnan(np.diag(self.covariance)) & np.any(_used(weights), axis=0)).any())

    def variance(self, weights: Floats) -> Floats:
        """The covariance matrix of these combinations (combinations × cells in)."""
        covariance = np.where(np.isnan(self.covariance), 0.0, self.covariance)
        return np.asarray(weights @ covariance @ weights.T)


def fit_cells(columns: Floats, weights: Floats) -> CellFit:
    """Fit by the cells' weights (units): all that does not depend on the values."""
    left, singular, right = np.linalg.svd(columns, full_matrices=False)
    keep = singular > _RANK * singular[0]
    left, singular, right = left[:, keep], singular[keep], right[keep]
    # scaled, so that huge counts do not square into rounding
    scale = float(weights.max())
    gram = left.T @ (left * (weights / scale)[:, None])
    solve = np.linalg.solve(gram, left.T * (weights / scale))
    return CellFit(
        rank=int(keep.sum()),
        smooth=left @ solve,
        leverage=left @ np.linalg.solve(gram, left.T) / scale,
        _rows_to_cells=right.T @ (solve / singular[:, None]),
        _row_space=right.T,
    )


def hc2_errors(
    fit: CellFit, n: Floats, means: Floats, variances: Floats, *, size: float, residual_df: bool = False
) -> Errors:
    """HC2 of unit-level OLS; `variances` are sample variances (n - 1), and are not read where n is 1.

    `size` is that of the means before they were centred, if they were: smaller residuals than it can resolve are 0.
    Unknown (NaN) where a unit has full leverage: the only one of its cell, fitted exactly.
    """
    residual = means - fit.smooth @ means
    residual[np.abs(residual) <= _NOISE * size] = 0.0
    within = np.where(n > 1, variances, 0.0) * (n - 1)
    free = 1 - np.diag(fit.leverage)
    free[free < _FULL_LEVERAGE] = np.nan
    covariance = np.diag((within / n + residual**2) / n / free)
    if residual_df:
        df = float(n.sum()) - fit.rank
        return Errors(covariance=covariance, df=lambda _: df)
    working = _working(n, variances, within)
    # once for all combinations: the product is the costliest step
    shared = _shared(fit.leverage, n, working)
    leverage = np.diag(fit.leverage)
    return Errors(covariance=covariance, df=lambda weights: _satterthwaite(weights, leverage, shared, n, working))


def independent_errors(variances: Floats, dfs: Floats) -> Errors:
    """Cells whose estimates are independent, with these squared standard errors and their degrees of freedom."""

    def df(weights: Floats) -> float:
        used = _used(weights)
        parts = weights[used] ** 2 * variances[used]
        shares = parts / parts.sum()
        return float(1 / (shares**2 / dfs[used]).sum())

    return Errors(covariance=np.diag(variances), df=df)


def given_errors(covariance: Floats, df: float) -> Errors:
    """Cells with a covariance matrix from elsewhere (adjusted means, ratios), and one df for all (∞: the normal)."""
    return Errors(covariance=covariance, df=lambda _: df)


def _used(weights: Floats) -> NDArray[np.bool_]:
    magnitude = np.abs(weights)
    return np.asarray(magnitude > _NOISE * magnitude.max(initial=0.0))


def _working(n: Floats, variances: Floats, within: Floats) -> Floats:
    """Each cell's own variance, the pooled one where a cell has a single unit; 1 throughout where nothing varies."""
    free = n - 1
    pooled = within.sum() / max(free.sum(), 1.0)
    if pooled <= 0:
        return np.ones_like(n)
    return np.asarray(np.where(n > 1, variances, pooled) / pooled)


def _shared(leverage: Floats, n: Floats, working: Floats) -> Floats:
    """(I - H)Ω(I - H) less Ω, one number per pair of cells: HΩH - HΩ - ΩH."""
    crossed = leverage * (working[:, None] + working[None, :])
    return np.asarray((leverage * (n * working)) @ leverage - crossed)


def _satterthwaite(weights: Floats, leverage: Floats, shared: Floats, n: Floats, working: Floats) -> float:
    """2 E²/Var of e'De with e = (I - H)ε and ε of the working variances σ²; D is a²/(1 - h) per unit.

    (I - H)Ω(I - H) is σ² on the diagonal plus `shared` per pair of cells, so that units need not be listed.
    """
    free = 1 - leverage
    per_unit = np.where(_used(weights), weights / np.abs(weights).max() / n, 0.0)
    d = np.divide(per_unit**2, free, out=np.zeros_like(free), where=per_unit != 0)
    d /= d.max()
    own = np.diag(shared)
    mean = float((n * d * (working + own)).sum())
    square = float((n * d) @ shared**2 @ (n * d) + (n * d**2 * (2 * working * own + working**2)).sum())
    return mean**2 / square if square > 0 else np.nan
