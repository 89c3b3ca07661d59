"""One scale of a factorial analysis: the cells' values (as they are, or their logarithms) with their errors."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from imp_experiments.stats.effect import Effect
from imp_experiments.stats.sandwich import CellFit, Errors, given_errors, hc2_errors, independent_errors
from imp_experiments.stats.wald import Wald, wald_test

__all__ = ["Scale", "absolute_scale", "estimate_scales", "relative_scale"]

# A standard error this small beside the values is what arithmetic leaves behind.
_NOISE: Final = 1e-14

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Values per cell less a common centre and over `unit`, and their errors; or the code why there are none."""

    values: Floats | None = None
    errors: Errors | None = None
    unit: float = 1.0
    logs: bool = False
    code: str | None = None

    def effect(self, weights: Floats, alpha: float) -> Effect | str:
        """One combination of the cells, or the code of the condition why there is none."""
        if self.values is None or self.errors is None:
            return self.code or "not_finite"
        code = self._unknown(weights[None, :])
        if code is not None:
            return code
        se = math.sqrt(float(self.errors.variance(weights[None, :])[0, 0]))
        estimate = float(weights @ self.values)
        df = self.errors.df(weights)
        if not (math.isfinite(se) and math.isfinite(estimate) and df > 0):
            return "not_finite"
        half = float(stdtrit(df, 1 - alpha / 2)) * se
        effect = Effect(
            estimate=estimate * self.unit,
            low=(estimate - half) * self.unit,
            high=(estimate + half) * self.unit,
            se=se * self.unit,
            p_value=float(2 * stdtr(df, -abs(estimate / se))),
            df=df,
        )
        if self.logs:
            return _exponentiated(effect) or "unbounded"
        figures = (effect.estimate, effect.low, effect.high, effect.se)
        return effect if all(map(math.isfinite, figures)) and effect.se > 0 else "not_finite"

    def test(self, weights: Floats) -> Wald | str:
        """That all combinations are nil, or the code of the condition why it cannot be tested."""
        if self.values is None or self.errors is None:
            return self.code or "not_finite"
        return self._unknown(weights) or wald_test(weights, self.values, self.errors) or "no_spread"

    def _unknown(self, weights: Floats) -> str | None:
        if self.errors is None or not self.errors.known(weights):
            return "one_unit"
        variances = np.diag(self.errors.variance(weights))
        return None if (variances > _NOISE**2).all() else "no_spread"


def absolute_scale(fit: CellFit, n: Floats, means: Floats, variances: Floats, *, residual_df: bool) -> Scale:
    """Cell means with HC2 errors, centred and scaled so that nothing large or small is squared."""
    unit = float(max(np.abs(means).max(), np.sqrt(np.nan_to_num(variances)).max()))
    if not 0 < unit < math.inf:
        return Scale(code="not_finite" if unit else "no_spread")
    values, scaled = means / unit, variances / unit / unit
    centred = values - float(np.average(values, weights=n / n.max()))
    errors = hc2_errors(fit, n, centred, scaled, size=1.0, residual_df=residual_df)
    return Scale(values=centred, errors=errors, unit=unit)


def relative_scale(n: Floats, means: Floats, variances: Floats, *, residual_df: float | None) -> Scale:
    """Logarithms of cell means with the delta method's variance s²/(n ȳ²); every mean must be positive.

    Errors are the cells' own, with Satterthwaite's df of n - 1 each, or `residual_df` for all.
    """
    if (means <= 0).any():
        return Scale(code="mean_not_positive")
    with np.errstate(over="ignore", under="ignore"):
        squared = variances / n / means / means
    if np.isinf(squared).any():
        return Scale(code="unbounded")
    logs = np.log(means)
    errors = independent_errors(squared, n - 1) if residual_df is None else given_errors(np.diag(squared), residual_df)
    return Scale(values=logs - logs.mean(), errors=errors, logs=True)


def estimate_scales(values: Floats, covariance: Floats, df: float) -> tuple[Scale, Scale]:
    """Absolute and relative for estimates with a covariance matrix: on logs it is V over the values' products."""
    unit = float(np.abs(values).max())
    if not unit:
        return Scale(code="no_spread"), Scale(code="mean_not_positive")
    with np.errstate(over="ignore", under="ignore"):
        scaled = covariance / unit / unit
    absolute = Scale(code="not_finite")
    if np.isfinite(scaled).all():
        absolute = Scale(values=values / unit - (values / unit).mean(), errors=given_errors(scaled, df), unit=unit)
    if (values <= 0).any():
        return absolute, Scale(code="mean_not_positive")
    with np.errstate(over="ignore", under="ignore"):
        squared = covariance / values[:, None] / values[None, :]
    if not np.isfinite(squared).all():
        return absolute, Scale(code="unbounded")
    return absolute, Scale(values=np.log(values), errors=given_errors(squared, df), logs=True)


def _exponentiated(logarithm: Effect) -> Effect | None:
    """The effect as a ratio less 1; None where an end is too large for floating point."""
    try:
        estimate, low, high = (math.expm1(x) for x in (logarithm.estimate, logarithm.low, logarithm.high))
    except OverflowError:
        return None
    return replace(logarithm, estimate=estimate, low=low, high=high)
