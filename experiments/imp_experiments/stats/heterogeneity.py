"""Does an effect differ between groups at all? Cochran's Q over independent estimates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scipy.special import chdtrc

__all__ = ["Heterogeneity", "heterogeneity"]

_FEWEST: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Heterogeneity:
    """Cochran's (1954) Q: `statistic` is χ² with `df` (groups - 1) where every group has the same effect; its p.

    `excess` is I², the share of the spread between groups beyond their errors (Higgins & Thompson 2002), 0 to 1.
    """

    statistic: float
    df: int
    p_value: float
    excess: float


def heterogeneity(estimates: Sequence[tuple[float | None, float | None]]) -> Heterogeneity | None:
    """Test that all groups have one effect; each gives its estimate and standard error, both on one scale.

    A group without an estimate or with an error that is not above 0 is left out. None: fewer than two are left, or
    they are too large or too small to square.
    """
    known = [
        (float(value), float(se))
        for value, se in estimates
        if value is not None and se is not None and math.isfinite(value) and math.isfinite(se) and se > 0
    ]
    if len(known) < _FEWEST:
        return None
    # scaled by the smallest error, so that tiny ones do not overflow
    smallest = min(se for _, se in known)
    weights = [(smallest / se) * (smallest / se) for _, se in known]
    total = math.fsum(weights)
    pooled = sum(weight / total * value for weight, (value, _) in zip(weights, known, strict=True))
    statistic = sum(((value - pooled) / se) * ((value - pooled) / se) for value, se in known)
    if not math.isfinite(statistic):
        return None
    df = len(known) - 1
    excess = max(0.0, 1 - df / statistic) if statistic else 0.0
    return Heterogeneity(statistic=statistic, df=df, p_value=float(chdtrc(df, statistic)), excess=excess)
