"""Wald's test that several combinations are all nil, with the F distribution's second df after Fai & Cornelius."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, fdtrc

from imp_experiments.stats.sandwich import Errors

__all__ = ["Wald", "wald_test"]

_RANK: Final = 1e-12
_SAME: Final = 1e-8
_NO_MEAN: Final = 2.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wald:
    """F = Wald's χ² / df_num with its p; df_den is ∞ where the χ² itself is the reference."""

    f: float
    df_num: int
    df_den: float
    p_value: float


def wald_test(weights: Floats, values: Floats, errors: Errors) -> Wald | None:
    """Test that the combinations (rows of `weights` over cells) of the values are all nil; None where V is singular.

    The second df: V is turned into independent combinations, each with its own Satterthwaite df (Fai & Cornelius
    1996, sec. 2; as in lmerTest: Kuznetsova, Brockhoff & Christensen 2017). One combination gives exactly the
    square of its t.
    """
    variance = errors.variance(weights)
    if not np.isfinite(variance).all():
        return None
    roots, turn = np.linalg.eigh(variance)
    if roots[0] <= _RANK * roots[-1]:
        return None
    turned = turn.T @ weights
    with np.errstate(over="ignore"):
        f = float(((turned @ values) ** 2 / roots).mean())
    df_den = _df_den([errors.df(row) for row in turned])
    if not (math.isfinite(f) and df_den > 0):
        return None
    q = len(roots)
    p_value = float(chdtrc(q, q * f) if math.isinf(df_den) else fdtrc(q, df_den, f))
    return Wald(f=f, df_num=q, df_den=df_den, p_value=p_value)


def _df_den(dfs: Sequence[float]) -> float:
    """The df whose F has the mean of the average of the squared t's; 2 where one of them has none."""
    if all(math.isinf(df) for df in dfs) or max(dfs) - min(dfs) <= _SAME * max(dfs):
        return sum(dfs) / len(dfs)
    if min(dfs) <= _NO_MEAN:
        return _NO_MEAN
    total = sum(df / (df - 2) for df in dfs)
    return 2 * total / (total - len(dfs))
