"""Multivariate experiments: main effects and interactions of a factorial from its cells, full or fractional.

Unit-level OLS on sum-coded factors (`contrasts`) with HC2 errors (`sandwich`), computed from cells. Relative effects
take the logarithms of the cell means as the response, with the delta method's variance s²/(n ȳ²) and Satterthwaite's
df: a main effect is a ratio of geometric averages, a two-way interaction a ratio of ratios. In a fraction, effects
that share a column are reported as one chain and never alone (`design.fraction`). Where the order is below the
number of factors, higher interactions are taken as nil: with cells of unequal size they would leak into the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imp_core.errors import BadInput
from imp_experiments.design.factorial import Factorial, cell_name
from imp_experiments.design.fraction import Chain
from imp_experiments.stats.contrasts import Contrast, Model, Term, build_model, terms_up_to
from imp_experiments.stats.effect import Condition, Effect
from imp_experiments.stats.factor_effect import CellSummary, FactorEffect, FactorialResult, TermTest, check_alpha
from imp_experiments.stats.factor_scale import Scale, absolute_scale, estimate_scales, relative_scale
from imp_experiments.stats.sandwich import CellFit, fit_cells

__all__ = ["METHOD", "analyze_estimates", "analyze_factorial"]

METHOD: Final = (
    "OLS on sum-coded factors, HC2 from cells, {df} degrees of freedom; relative by the delta method on logs"
)
_ESTIMATES_METHOD: Final = "least squares on sum-coded factors with the cells' covariance; relative likewise on logs"
_DFS: Final = {"satterthwaite": "Satterthwaite", "residual": "unit-level residual"}
_ENOUGH_CELLS: Final = 2
_MOST_UNITS: Final = 2**62

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What is asked of the cells at hand, apart from their values."""

    design: Factorial
    cells: tuple[dict[str, str], ...]
    order: int
    alpha: float
    chains: Mapping[Term, Chain]

    def terms(self, order: int) -> tuple[Term, ...]:
        if self.design.fraction is None:
            return terms_up_to(self.design.factors, order)
        return tuple(term for term, chain in self.chains.items() if chain.order <= order)

    def model(self, order: int) -> Model:
        return build_model(self.design.factors, self.cells, self.terms(order))

    @property
    def missing(self) -> tuple[str, ...]:
        names = {cell_name(cell) for cell in self.cells}
        return tuple(name for name in self.design.variants if name not in names)


def analyze_factorial(
    design: Factorial,
    cells: Sequence[CellSummary],
    *,
    order: int | None = 2,
    alpha: float = 0.05,
    df: str = "satterthwaite",
) -> FactorialResult:
    """Estimate all effects of up to `order` factors (None: all, the saturated model) from the cells' summaries.

    Cells that are absent or without units are missing. `df` is "satterthwaite", or "residual": units less rank, as
    unit-level OLS has it. Impossible figures are conditions: of the whole, or of the effects they concern.

    Raises:
        BadInput: an alpha, order or df that cannot be, or a cell that the design does not run or that comes twice.
    """
    if df not in _DFS:
        raise BadInput(f"{df!r} are no degrees of freedom", where="df", mend=f"use one of: {', '.join(_DFS)}")
    order = _order(order, design)
    levels = _check_cells(design, [cell.levels for cell in cells])
    present = [(at, cell) for at, cell in zip(levels, cells, strict=True) if cell.n != 0]
    question = _question(design, [at for at, _ in present], order, alpha)
    method = METHOD.format(df=_DFS[df])
    problem = _problem([cell for _, cell in present])
    if problem is not None:
        return _nothing(question, problem, method)
    n = np.array([cell.n for _, cell in present], dtype=float)
    means = np.array([cell.mean for _, cell in present], dtype=float)
    variances = np.array([np.nan if cell.n == 1 else cell.variance for _, cell in present], dtype=float)
    model = question.model(order)
    fit = fit_cells(model.columns, n)
    scales = (
        absolute_scale(fit, n, means, variances, residual_df=df == "residual"),
        relative_scale(n, means, variances, residual_df=float(n.sum()) - fit.rank if df == "residual" else None),
    )
    constant = any(variance == 0 for variance in variances)
    advice = (Condition("constant_cells", "both"),) if constant and variances[variances > 0].size else ()
    units = sum(cell.n for _, cell in present)
    return _result(question, model, fit, scales, method=method, units=units, advice=advice)


def analyze_estimates(
    design: Factorial,
    cells: Sequence[Mapping[str, str]],
    values: ArrayLike,
    covariance: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    order: int | None = 2,
    alpha: float = 0.05,
    df: float = math.inf,
) -> FactorialResult:
    """The same from one estimate per cell (adjusted means, ratios) and their covariance matrix (cells × cells).

    `weights` are those of least squares (units, say; equal if None) and matter only below the saturated order. The
    errors are those of the estimates alone: lack of fit is no part of them. `df` holds for all (∞: the normal).

    Raises:
        BadInput: shapes that do not fit, weights that are not positive, or as `analyze_factorial`.
    """
    order = _order(order, design)
    question = _question(design, _check_cells(design, cells), order, alpha)
    y, v, w = _arrays(len(cells), values, covariance, np.ones(len(cells)) if weights is None else weights)
    if not (np.isfinite(w).all() and (w > 0).all()) or not df > 0:
        raise BadInput("weights and df must be above 0", where="weights", mend="leave out cells without units")
    if len(cells) < _ENOUGH_CELLS:
        return _nothing(question, "no_units", _ESTIMATES_METHOD)
    if not (np.isfinite(y).all() and np.isfinite(v).all()):
        return _nothing(question, "not_finite", _ESTIMATES_METHOD)
    if (np.diag(v) < 0).any():
        return _nothing(question, "impossible", _ESTIMATES_METHOD)
    model = question.model(order)
    fit = fit_cells(model.columns, w)
    return _result(question, model, fit, estimate_scales(y, v, df), method=_ESTIMATES_METHOD, units=None, advice=())


def _arrays(count: int, values: ArrayLike, covariance: ArrayLike, weights: ArrayLike) -> tuple[Floats, Floats, Floats]:
    try:
        y, v, w = (np.asarray(given, dtype=float) for given in (values, covariance, weights))
    except (TypeError, ValueError, OverflowError):
        raise BadInput("values, covariance or weights are not numbers", where="values", mend="give floats") from None
    if y.shape != (count,) or v.shape != (count, count) or w.shape != y.shape:
        raise BadInput("values, covariance and weights do not fit the cells", where="values", mend="give one per cell")
    if not np.allclose(v, v.T, rtol=1e-6, atol=0.0, equal_nan=True):
        raise BadInput(
            "the covariance is not symmetric", where="covariance", mend="give the matrix of the cells' values"
        )
    return y, v, w


def _order(order: object, design: Factorial) -> int:
    most = len(design.factors)
    if order is None:
        return most
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise BadInput("not an order of effects", where="order", mend="1 is main effects, 2 adds two-way interactions")
    return min(order, most)


def _check_cells(design: Factorial, cells: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The cells with their factors in the design's order."""
    names = [factor.name for factor in design.factors]
    known = set(design.variants)
    out: list[dict[str, str]] = []
    for cell in cells:
        levels = {name: cell[name] for name in names} if set(cell) == set(names) else {}
        if cell_name(levels) not in known:
            raise BadInput(f"{cell_name(cell)!r} is not a cell of this design", where="cells", mend="name its levels")
        if levels in out:
            raise BadInput(f"{cell_name(levels)!r} comes twice", where="cells", mend="merge its units into one cell")
        out.append(levels)
    return out


def _question(design: Factorial, cells: Sequence[dict[str, str]], order: int, alpha: float) -> _Question:
    chains = {} if design.fraction is None else {chain.first: chain for chain in design.fraction.chains}
    return _Question(design=design, cells=tuple(cells), order=order, alpha=check_alpha(alpha), chains=chains)


def _problem(cells: Sequence[CellSummary]) -> str | None:
    """Why nothing at all can be said."""
    if any(cell.n < 0 or (cell.variance is not None and cell.variance < 0) for cell in cells):
        return "impossible"
    if len(cells) < _ENOUGH_CELLS:
        return "no_units"
    if any(cell.n > _MOST_UNITS for cell in cells):
        return "not_finite"
    needed = [cell.mean for cell in cells] + [cell.variance for cell in cells if cell.n > 1]
    return None if all(value is not None and math.isfinite(value) for value in needed) else "not_finite"


def _result(
    question: _Question,
    model: Model,
    fit: CellFit,
    scales: tuple[Scale, Scale],
    *,
    method: str,
    units: int | None,
    advice: tuple[Condition, ...],
) -> FactorialResult:
    weights, estimable = fit.weights(np.array([contrast.row for contrast in model.contrasts]))
    effects = [
        _effect(
            question, contrast, *(scale.effect(weight, question.alpha) if fine else "not_estimable" for scale in scales)
        )
        for contrast, weight, fine in zip(model.contrasts, weights, estimable, strict=True)
    ]
    fraction = question.design.fraction
    return FactorialResult(
        effects=tuple(effects),
        tests=tuple(_test(term, fit, basis, scales) for term, basis in model.bases.items()),
        order=question.order,
        estimable_order=_estimable_order(question, all_estimable=bool(estimable.all())),
        n=units,
        residual_df=None if units is None else units - fit.rank,
        missing=question.missing,
        method=method,
        resolution=fraction.resolution if fraction else None,
        defining_relation=fraction.defining_relation if fraction else None,
        conditions=((Condition("missing_cells", "both"),) if question.missing else ()) + advice,
    )


def _effect(question: _Question, contrast: Contrast, absolute: object, relative: object) -> FactorEffect:
    """One effect; on each scale its figures, or the code why there are none."""
    return FactorEffect(
        term=contrast.term,
        kind=contrast.kind,
        levels=contrast.levels,
        against=contrast.against,
        absolute=absolute if isinstance(absolute, Effect) else None,
        relative=relative if isinstance(relative, Effect) else None,
        conditions=_conditions(absolute, relative),
        chain=question.chains.get(contrast.term),
    )


def _test(term: Term, fit: CellFit, basis: Floats, scales: tuple[Scale, Scale]) -> TermTest:
    weights, estimable = fit.weights(basis)
    found = [scale.test(weights) if estimable.all() else "not_estimable" for scale in scales]
    absolute, relative = (None if isinstance(one, str) else one for one in found)
    return TermTest(term=term, absolute=absolute, relative=relative, conditions=_conditions(*found))


def _conditions(absolute: object, relative: object) -> tuple[Condition, ...]:
    """A code in place of a figure becomes a condition of its scale, or of both where it is the same."""
    if isinstance(absolute, str) and absolute == relative:
        return (Condition(absolute, "both"),)
    named = ((absolute, "absolute"), (relative, "relative"))
    return tuple(Condition(code, scale) for code, scale in named if isinstance(code, str))


def _estimable_order(question: _Question, *, all_estimable: bool) -> int:
    if all_estimable:
        return question.order
    for order in range(question.order - 1, 0, -1):
        model = question.model(order)
        _, fine = fit_cells(model.columns, np.ones(len(question.cells))).weights(np.vstack(list(model.bases.values())))
        if fine.all():
            return order
    return 0


def _nothing(question: _Question, code: str, method: str) -> FactorialResult:
    """Every effect and test of the order asked for, with nothing but the reason."""
    model = question.model(question.order)
    condition = (Condition(code, "both"),)
    fraction = question.design.fraction
    return FactorialResult(
        effects=tuple(_effect(question, contrast, code, code) for contrast in model.contrasts),
        tests=tuple(TermTest(term=term, absolute=None, relative=None, conditions=condition) for term in model.bases),
        order=question.order,
        estimable_order=0,
        n=None,
        residual_df=None,
        missing=question.missing,
        method=method,
        resolution=fraction.resolution if fraction else None,
        defining_relation=fraction.defining_relation if fraction else None,
        conditions=condition,
    )
