"""Which of several variants is best, with the selection paid for: comparisons with the best, and the winner's value.

Simultaneous intervals for μ_i - max over j ≠ i of μ_j: multiple comparisons with the best (Hsu 1984; for unequal
variances per pair the same argument holds: Hsu 1996, sec. 4.2, since it uses one variant's lower bounds at a time).
A variant whose interval ends at 0 from below is not the best, one whose interval begins at 0 is, with confidence
1 - alpha for all statements at once. Variants are independent, each with its own variance; critical values are
Dunnett's one-sided ones (`product_normal`) with the smallest Welch df of any pair. The winner's own value: `winner`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imp_core.errors import BadInput
from imp_experiments.measure.moments import Summary
from imp_experiments.stats.effect import Condition
from imp_experiments.stats.factor_effect import check_alpha
from imp_experiments.stats.product_normal import critical_value
from imp_experiments.stats.winner import Winner, corrected, simultaneous_reach

__all__ = ["METHOD", "BestCell", "WithBest", "best_cell"]

METHOD: Final = (
    "multiple comparisons with the best (Hsu 1984), unequal variances; the winner's value by the hybrid estimator "
    "of Andrews, Kitagawa and McCloskey (2024)"
)
_ENOUGH_TO_COMPARE: Final = 2
_SMALL: Final = 30
_MOST_UNITS: Final = 2**62
# Means of so many standard errors differ by rounding alone.
_LARGEST: Final = 1e15
_SMALLEST: Final = 1e-150

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithBest:
    """A variant against the best of the others, in the metric's units: estimate and simultaneous interval.

    The interval always touches or holds 0. `candidate`: the variant may be the best; the others are ruled out.
    """

    variant: str
    estimate: float
    low: float
    high: float
    candidate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BestCell:
    """The answer. `best` leads as observed; `proven` says that it is the only candidate, at 1 - alpha.

    `value` corrects the leader's mean for having been picked, `lead` its difference from control likewise (None
    where no control was named or it leads itself). All are None or empty where a condition says why. `df` is that
    of the critical values.
    """

    best: str | None
    proven: bool | None
    comparisons: tuple[WithBest, ...]
    value: Winner | None
    lead: Winner | None
    df: float | None
    method: str
    conditions: tuple[Condition, ...] = ()


def best_cell(
    variants: Mapping[str, Summary],
    *,
    control: str | None = None,
    direction: str = "up",
    alpha: float = 0.05,
) -> BestCell:
    """Compare every variant with the best of the others; "down" means that small values are good.

    Of variants that lead together, the first is the best. An empty variant, a single unit, values that are not
    finite or a variant that does not vary leave nothing but a condition.

    Raises:
        BadInput: an alpha or direction that cannot be, or a control that is none of the variants.
    """
    _check(variants, control=control, direction=direction, alpha=alpha)
    problem = _problem(list(variants.values()))
    if problem is not None:
        return _nothing(problem)
    scaled = _scaled(variants, sign=1.0 if direction == "up" else -1.0)
    if isinstance(scaled, str):
        return _nothing(scaled)
    y, se, n, unit, names = scaled.y, scaled.se, scaled.n, scaled.unit, list(variants)
    df = _smallest_df(se**2, n)
    low, high = _intervals(y, se, df, alpha)
    best = int(np.argmax(y))
    value = _value(y, se, best, alpha)
    lead = _lead(y, se, best, None if control is None else names.index(control), alpha)
    return BestCell(
        best=names[best],
        proven=bool((high > 0).sum() == 1),
        comparisons=tuple(
            _with_best(name, float(y[at] - np.delete(y, at).max()), float(low[at]), float(high[at]), unit)
            for at, name in enumerate(names)
        ),
        value=_turned(value, unit),
        lead=_turned(lead, unit),
        df=df,
        method=METHOD,
        conditions=_conditions(n, value, lead),
    )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Scaled:
    """Means `y` (more is better) and their errors `se`, of `n` units, in multiples of `unit` (below 0: turned)."""

    y: Floats
    se: Floats
    n: Floats
    unit: float


def _check(variants: Mapping[str, Summary], *, control: str | None, direction: str, alpha: float) -> None:
    check_alpha(alpha)
    if direction not in {"up", "down"}:
        raise BadInput(f"{direction!r} is no direction", where="direction", mend='use "up" or "down"')
    if control is not None and control not in variants:
        raise BadInput(f"{control!r} is not a variant", where="control", mend=f"use one of: {', '.join(variants)}")


def _scaled(variants: Mapping[str, Summary], *, sign: float) -> _Scaled | str:
    """In units of the largest standard error, so that nothing large or small is squared; or why that cannot be."""
    means = sign * np.array([summary.mean for summary in variants.values()], dtype=float)
    n = np.array([summary.n for summary in variants.values()], dtype=float)
    errors = np.array([summary.variance for summary in variants.values()], dtype=float) / n
    if not errors.all():
        return "constant_cell"
    unit = math.sqrt(float(errors.max()))
    with np.errstate(over="ignore"):
        y, se = means / unit, np.sqrt(errors) / unit
    if not (np.abs(y).max() < _LARGEST and se.min() > _SMALLEST):
        return "not_finite"
    return _Scaled(y=y, se=se, n=n, unit=sign * unit)


def _conditions(n: Floats, *winners: Winner | None) -> tuple[Condition, ...]:
    codes = []
    if n.min() < _SMALL:
        codes.append("small_cells")
    if any(winner is not None and winner.tied for winner in winners):
        codes.append("tied_cells")
    return tuple(Condition(code, "both") for code in codes)


def _problem(summaries: list[Summary]) -> str | None:
    if any(summary.n < 0 or (summary.variance or 0.0) < 0 for summary in summaries):
        return "impossible"
    if len(summaries) < _ENOUGH_TO_COMPARE or any(summary.n == 0 for summary in summaries):
        return "no_units"
    if any(summary.n > _MOST_UNITS for summary in summaries):
        return "not_finite"
    if any(summary.mean is None or not math.isfinite(summary.mean) for summary in summaries):
        return "not_finite"
    if any(summary.n == 1 for summary in summaries):
        return "one_unit"
    finite = all(summary.variance is not None and math.isfinite(summary.variance) for summary in summaries)
    return None if finite else "not_finite"


def _nothing(code: str) -> BestCell:
    return BestCell(
        best=None,
        proven=None,
        comparisons=(),
        value=None,
        lead=None,
        df=None,
        method=METHOD,
        conditions=(Condition(code, "both"),),
    )


def _smallest_df(errors: Floats, n: Floats) -> float:
    """Welch's for the pair that has the fewest: with them no pair's critical value is too small."""
    share = errors[:, None] / (errors[:, None] + errors[None, :])
    dfs = 1 / (share**2 / (n[:, None] - 1) + (1 - share) ** 2 / (n[None, :] - 1))
    return float(dfs[~np.eye(len(n), dtype=bool)].min())


def _intervals(y: Floats, se: Floats, df: float, alpha: float) -> tuple[Floats, Floats]:
    """Hsu's constrained intervals: upper ends from each variant's bounds on the others, lower ends from candidates."""
    count = len(y)
    others = [np.delete(np.arange(count), at) for at in range(count)]
    critical = np.array([critical_value(1 - alpha, float(se[at]), se[rest], df=df) for at, rest in enumerate(others)])
    widths = np.hypot(se[:, None], se[None, :])
    high = np.array(
        [max(0.0, float((y[at] - y[rest] + critical[at] * widths[at, rest]).min())) for at, rest in enumerate(others)]
    )
    low = np.zeros(count)
    for at in range(count):
        rivals = [other for other in range(count) if other != at and high[other] > 0]
        low[at] = min((float(y[at] - y[other] - critical[other] * widths[other, at]) for other in rivals), default=0.0)
    return np.minimum(low, 0.0), high


def _value(y: Floats, se: Floats, best: int, alpha: float) -> Winner:
    """The leader's mean, cut off where the second would have led."""
    cut = float(np.delete(y, best).max())
    return corrected(float(y[best]), float(se[best]), cut, partial(simultaneous_reach, len(y)), alpha=alpha)


def _lead(y: Floats, se: Floats, best: int, control: int | None, alpha: float) -> Winner | None:
    """The leader's difference from control: control must have lost (cut at 0), and so must all the others.

    Along this difference the leader's mean moves by the share σ_w²/(σ_w² + σ_c²), the others' not at all.
    """
    if control is None or control == best:
        return None
    naive, width = float(y[best] - y[control]), math.hypot(float(se[best]), float(se[control]))
    share = (float(se[best]) / width) ** 2
    thirds = np.delete(y, [best, control])
    cut = max([0.0, *(naive - (y[best] - thirds) / share)])

    def reach(level: float) -> float:
        return critical_value(1 - level, float(se[control]), np.delete(se, control), two_sided=True)

    return corrected(naive, width, float(cut), reach, alpha=alpha)


def _with_best(name: str, estimate: float, low: float, high: float, unit: float) -> WithBest:
    ends = sorted((low * unit, high * unit))
    return WithBest(variant=name, estimate=estimate * unit, low=ends[0], high=ends[1], candidate=high > 0)


def _turned(winner: Winner | None, unit: float) -> Winner | None:
    if winner is None:
        return None
    low, high = sorted((winner.low * unit, winner.high * unit))
    return replace(
        winner,
        naive=winner.naive * unit,
        estimate=winner.estimate * unit,
        low=low,
        high=high,
        se=winner.se * abs(unit),
    )
