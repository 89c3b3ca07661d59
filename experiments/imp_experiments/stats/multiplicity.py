"""Several tests at once: adjusted p-values, and the tails of simultaneous intervals.

`tests/experiments/stats/test_multiplicity.py` proves the adjustments against statsmodels' `multipletests`. Only
Bonferroni (`bonferroni_tail`) and max-T (`imp_experiments.stats.max_t`) have intervals that agree with their p; the
step-wise and false-discovery methods have none, which is why verdicts on primaries do not use them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.stats.arguments import check_alpha, check_sides

__all__ = ["METHODS", "adjust", "bonferroni_tail"]

# method → what it promises, for people
METHODS: Final[dict[str, str]] = {
    "bonferroni": "family-wise error, under any dependence",
    "holm": "family-wise error, under any dependence (step-down)",
    "hochberg": "family-wise error, where the statistics are independent or positively dependent (step-up)",
    "benjamini_hochberg": "false discovery rate, where the statistics are independent or positively dependent",
    "benjamini_yekutieli": "false discovery rate, under any dependence",
}


def adjust(p_values: Sequence[float | None], method: str) -> tuple[float | None, ...]:
    """Adjust p-values for their number, in the order given; None (no test) stays None and is not counted.

    An adjusted p is the smallest level at which the method rejects that hypothesis (Wright 1992, Biometrics 48).
    Bonferroni; Holm 1979; Hochberg 1988; Benjamini and Hochberg 1995; Benjamini and Yekutieli 2001, theorem 1.3.

    Raises:
        BadInput: a p outside 0 to 1 (NaN is), or a method that there is not.
    """
    if method not in METHODS:
        raise BadInput("there is no such correction", where="method", mend=f"say one of {', '.join(METHODS)}")
    found = [(p, index) for index, p in enumerate(p_values) if p is not None]
    if not all(0 <= p <= 1 for p, _ in found):
        raise BadInput("a p-value is not between 0 and 1", where="p_values", mend="leave out tests without a p (None)")
    found.sort()
    out: list[float | None] = [None] * len(p_values)
    for (_, index), adjusted in zip(found, _RULES[method]([p for p, _ in found]), strict=True):
        out[index] = min(1.0, adjusted)
    return tuple(out)


def bonferroni_tail(alpha: float, m: int, sides: int = 2) -> float:
    """Return the tail on each side of each of `m` intervals that hold together with 1 - `alpha`: alpha / m / sides.

    A two-sided p below alpha / m, an adjusted p below alpha and an interval without the null are one and the same.

    Raises:
        BadInput: alpha is not between 0 and 1, m is below 1, or sides is neither 1 nor 2.
    """
    check_alpha(alpha)
    check_sides(sides)
    if m < 1:
        raise BadInput("there is no hypothesis", where="m", mend="say how many are tested together, from 1 on")
    return alpha / m / sides


def _bonferroni(ordered: list[float]) -> list[float]:
    return [p * len(ordered) for p in ordered]


def _holm(ordered: list[float]) -> list[float]:
    m = len(ordered)
    return list(accumulate(((m - rank) * p for rank, p in enumerate(ordered)), max))


def _hochberg(ordered: list[float]) -> list[float]:
    m = len(ordered)
    return _from_largest([(m - rank) * p for rank, p in enumerate(ordered)])


def _benjamini_hochberg(ordered: list[float]) -> list[float]:
    m = len(ordered)
    return _from_largest([p * (m / (rank + 1)) for rank, p in enumerate(ordered)])


def _benjamini_yekutieli(ordered: list[float]) -> list[float]:
    harmonic = math.fsum(1 / rank for rank in range(1, len(ordered) + 1))
    return [p * harmonic for p in _benjamini_hochberg(ordered)]


def _from_largest(values: list[float]) -> list[float]:
    """The smallest of each value and those after it."""
    return list(accumulate(reversed(values), min))[::-1]


_RULES: Final[dict[str, Callable[[list[float]], list[float]]]] = {
    "bonferroni": _bonferroni,
    "holm": _holm,
    "hochberg": _hochberg,
    "benjamini_hochberg": _benjamini_hochberg,
    "benjamini_yekutieli": _benjamini_yekutieli,
}
