"""The p of a group-sequential look: the smallest alpha whose boundaries, at the looks so far, would reject there.

The repeated (sequential) p of Jennison and Turnbull (2000), section 9.5, and Liu and Anderson (2008): valid whenever
one stops, and dual to the look's interval, so that p < alpha iff the interval leaves no effect out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.stats.sequential.boundary import Look, last_boundary
from imp_experiments.stats.sequential.spending import Spending

__all__ = ["repeated_p"]

_LARGEST: Final = 0.99
_CLOSE: Final = 1e-9


def repeated_p(
    looks: Sequence[Look], nominal: float, *, spending: Spending, sides: int = 2, last: bool = False
) -> float:
    """The p at the last of `looks`, whose statistic has the `nominal` p (two-sided, or one-sided with `sides` 1).

    1.0 where no alpha below .99 would reject there. `last`: that look spends all that remains.

    Raises:
        BadInput: there is no look, the nominal p is not between 0 and 1, or as for `next_boundary`.
    """
    if not looks or not 0 <= nominal <= 1:
        raise BadInput("a p needs a look and a nominal p from 0 to 1", where="nominal", mend="pass the looks so far")
    if _tail(looks, _LARGEST, spending=spending, sides=sides, last=last) * sides < nominal:
        return 1.0
    if nominal == 0:
        return 0.0
    # the alpha of a look is never below its own statistic's p
    low, high = math.log(nominal) - 1.0, math.log(_LARGEST)
    while high - low > _CLOSE:
        middle = (low + high) / 2
        rejects = _tail(looks, math.exp(middle), spending=spending, sides=sides, last=last) * sides >= nominal
        low, high = (low, middle) if rejects else (middle, high)
    return math.exp(high)


def _tail(looks: Sequence[Look], alpha: float, *, spending: Spending, sides: int, last: bool) -> float:
    """The nominal tail at the last look of a test at `alpha`; 0 where it may not reject there."""
    tail = last_boundary(looks, alpha=alpha, spending=spending, sides=sides, last=last).tail
    return 0.0 if tail is None else tail
