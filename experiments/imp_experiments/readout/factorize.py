"""A metric of a multivariate experiment: the effects of its factors and the best cell, from the moments. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from imp_core.suppress import any_hidden, hidden
from imp_experiments.design.factorial import Factorial, parse_cell
from imp_experiments.measure.layout import UNITS
from imp_experiments.measure.moments import Moments, Summary
from imp_experiments.readout.compare import Asked, units_in
from imp_experiments.readout.factored import CellShown, Factored, FactoredMetric
from imp_experiments.stats.best_cell import METHOD as BEST_METHOD
from imp_experiments.stats.best_cell import BestCell, best_cell
from imp_experiments.stats.effect import Condition
from imp_experiments.stats.estimate import Estimates, estimate
from imp_experiments.stats.factor_effect import CellSummary, FactorialResult
from imp_experiments.stats.factorial import analyze_estimates, analyze_factorial

__all__ = [
    "EFFECTS_AT_END",
    "FACTORIAL_NOTES",
    "VERDICT_BY_CELLS",
    "barred_metric",
    "effects_in",
    "factor_metric",
    "factored",
]

FACTORIAL_NOTES: Final = (
    "effects of factors are averages over the levels of the others, each level weighing the same; a two-way "
    "interaction is the full difference in differences; they are not corrected for how many they are",
    "the value of a best cell as observed is too high, because it was picked for being the highest (or lowest): the "
    "corrected value stands beside it",
)
VERDICT_BY_CELLS: Final = (
    "the verdict compares each cell with control; effects of factors and the best cell decide nothing, and are named "
    "beside it where they are shown"
)
EFFECTS_AT_END: Final = "effects of factors are told once, when the horizon is over"
# The critical values of more take minutes.
_MOST_TO_PICK_FROM: Final = 64
_ENOUGH_TO_VARY: Final = 2


def factored(made: Factorial, metrics: Sequence[FactoredMetric], *, order: int) -> Factored:
    """The section of a design."""
    fraction = made.fraction
    return Factored(
        factors=made.factors,
        design=made.design,
        control=made.control,
        runs=len(made.variants),
        order=min(order, len(made.factors)),
        resolution=None if fraction is None else fraction.resolution,
        defining_relation=None if fraction is None else fraction.defining_relation,
        metrics=tuple(metrics),
    )


def factor_metric(
    moments: Moments,
    asked: Asked,
    made: Factorial,
    *,
    order: int,
    alpha: float,
    direction: str = "up",
    k: int = 0,
    barred: str | None = None,
) -> FactoredMetric:
    """The effects of the factors on a metric, up to `order` of them at once.

    Where a cell has 1 to k - 1 units, or clusters, or `barred` names a condition, there are no figures: an effect over
    all cells would tell those of the small one.
    """
    names = [name for name in made.variants if moments.count(name)]
    counts = [hidden(units_in(moments, name), k) for name in names]
    estimates = estimate(moments, asked.quantity, names)
    barred = barred or _small(moments, names, k) or _problem(moments, asked, estimates)
    if barred is not None:
        return barred_metric(asked, barred, names=names, made=made, counts=counts, direction=direction)
    result = _effects(moments, asked, made, estimates, order=min(order, len(made.factors)), alpha=alpha)
    cells = [
        _cell(name, made, n=n, value=float(estimates.values[at]), variance=float(estimates.covariance[at, at]))
        for at, (name, n) in enumerate(zip(names, counts, strict=True))
    ]
    return FactoredMetric(
        metric=asked.metric,
        kind=asked.kind,
        scale=asked.scale,
        direction=direction,
        cells=tuple(cells),
        result=result,
        best=_best(estimates, made.control if made.control in names else None, direction=direction, alpha=alpha),
    )


def effects_in(moments: Moments, asked: Asked, made: Factorial, *, order: int, alpha: float) -> FactorialResult | None:
    """The effects of `factor_metric` alone, without the best cell; None where there are no figures."""
    estimates = estimate(moments, asked.quantity, [name for name in made.variants if moments.count(name)])
    if _problem(moments, asked, estimates) is not None:
        return None
    return _effects(moments, asked, made, estimates, order=min(order, len(made.factors)), alpha=alpha)


def barred_metric(
    asked: Asked,
    code: str,
    *,
    names: Sequence[str] = (),
    made: Factorial,
    counts: Sequence[int | None] = (),
    direction: str = "up",
) -> FactoredMetric:
    """A metric without figures, for the reason of a condition's code."""
    cells = [
        CellShown(variant=name, levels=parse_cell(name, made.factors), n=n, value=None, se=None)
        for name, n in zip(names, counts, strict=True)
    ]
    return FactoredMetric(
        metric=asked.metric,
        kind=asked.kind,
        scale=asked.scale,
        direction=direction,
        cells=tuple(cells),
        result=None,
        best=None,
        barred=code,
    )


def _plain(moments: Moments, asked: Asked) -> bool:
    """Whether a cell is its own units' mean: neither ratio nor adjusted, without strata and clusters."""
    simple = asked.quantity.denominator is None and not asked.quantity.covariates
    return simple and len(moments.strata) <= 1 and UNITS not in moments.columns


def _small(moments: Moments, names: Sequence[str], k: int) -> str | None:
    """The code of the condition that hides cells of few units, or of few clusters where the moments are of these."""
    if any_hidden(hidden(units_in(moments, name), k) for name in names):
        return "fewer_than_k"
    return "fewer_than_k_clusters" if any_hidden(hidden(moments.count(name), k) for name in names) else None


def _problem(moments: Moments, asked: Asked, estimates: Estimates) -> str | None:
    """Why cells whose estimates come with a covariance have no effects; plain cells say it themselves."""
    for condition in estimates.conditions:
        if condition.bars:
            return condition.code
    if not estimates.names:
        return "no_units"
    if _plain(moments, asked):
        return None
    if min(estimates.n) < _ENOUGH_TO_VARY:
        return "one_unit"
    return None if min(estimates.df) > 0 else "no_error"


def _effects(
    moments: Moments, asked: Asked, made: Factorial, estimates: Estimates, *, order: int, alpha: float
) -> FactorialResult:
    levels = [parse_cell(name, made.factors) for name in estimates.names]
    if _plain(moments, asked):
        summaries = [moments.summary(asked.quantity.column, name) for name in estimates.names]
        cells = [
            CellSummary(levels=at, n=one.n, mean=one.mean, variance=one.variance)
            for at, one in zip(levels, summaries, strict=True)
        ]
        return analyze_factorial(made, cells, order=order, alpha=alpha)
    found = analyze_estimates(
        made,
        levels,
        estimates.values,
        estimates.covariance,
        weights=np.array(estimates.n, dtype=float),
        order=order,
        alpha=alpha,
        # a combination of cells has at least as many as the cell with the fewest
        df=min(estimates.df),
    )
    missing = (Condition("missing_cells", "both"),) if found.missing else ()
    told = tuple(dict.fromkeys((*found.conditions, *missing, *estimates.conditions)))
    method = "; ".join([found.method, *_adjustments(moments, asked)])
    return replace(found, conditions=told, method=method, n=sum(units_in(moments, name) for name in estimates.names))


def _adjustments(moments: Moments, asked: Asked) -> list[str]:
    found = []
    if asked.quantity.covariates:
        found.append("cells adjusted for covariates (Lin 2013)")
    if len(moments.strata) > 1:
        found.append("post-stratified")
    if UNITS in moments.columns:
        found.append("errors by cluster")
    elif asked.quantity.denominator is not None:
        found.append("cells' ratios of means by the delta method")
    return found


def _cell(name: str, made: Factorial, *, n: int | None, value: float, variance: float) -> CellShown:
    return CellShown(
        variant=name,
        levels=parse_cell(name, made.factors),
        n=n,
        value=value if math.isfinite(value) else None,
        se=math.sqrt(variance) if math.isfinite(variance) and variance >= 0 else None,
    )


def _best(estimates: Estimates, control: str | None, *, direction: str, alpha: float) -> BestCell:
    """The best cell: of independent estimates, with the variance of a unit that would give theirs."""
    if len(estimates.names) > _MOST_TO_PICK_FROM:
        return _no_best("too_many_cells")
    if np.any(estimates.covariance[~np.eye(len(estimates.names), dtype=bool)]):
        return _no_best("cells_dependent")
    summaries = {
        name: Summary(n, float(value), float(variance) * n)
        for name, n, value, variance in zip(
            estimates.names, estimates.n, estimates.values, np.diag(estimates.covariance), strict=True
        )
    }
    return best_cell(summaries, control=control, direction=direction, alpha=alpha)


def _no_best(code: str) -> BestCell:
    return BestCell(
        best=None,
        proven=None,
        comparisons=(),
        value=None,
        lead=None,
        df=None,
        method=BEST_METHOD,
        conditions=(Condition(code, "both"),),
    )
