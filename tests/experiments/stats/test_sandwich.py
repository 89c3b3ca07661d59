"""HC2 and Satterthwaite's df from cells, against the same formulas written out over units."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from imp_experiments.measure.moments import Summary
from imp_experiments.stats.sandwich import Errors, fit_cells, given_errors, hc2_errors, independent_errors
from imp_experiments.stats.wald import wald_test
from imp_experiments.stats.welch import welch

SIGNS = np.array([[a, b] for a in (-0.5, 0.5) for b in (-0.5, 0.5)])
ADDITIVE = np.column_stack([np.ones(4), SIGNS])
SATURATED = np.column_stack([ADDITIVE, SIGNS.prod(axis=1)])


def units(counts: list[int], seed: int) -> list[np.ndarray]:
    dice = np.random.default_rng(seed)
    return [dice.normal(dice.uniform(-5, 5), dice.uniform(0.5, 3), n) for n in counts]


def fitted(columns: np.ndarray, groups: list[np.ndarray]) -> tuple[Errors, np.ndarray]:
    """Errors of the fit and, per column, the cells' weights in its coefficient."""
    n = np.array([len(group) for group in groups], dtype=float)
    means = np.array([group.mean() for group in groups])
    variances = np.array([group.var(ddof=1) if len(group) > 1 else np.nan for group in groups])
    fit = fit_cells(columns, n)
    weights, estimable = fit.weights(np.eye(columns.shape[1]))
    assert estimable.all()
    return hc2_errors(fit, n, means, variances, size=float(np.abs(means).max())), weights


def long_hand_df(columns: np.ndarray, groups: list[np.ndarray], coefficient: int) -> float:
    """2 E²/Var of Σ a² e²/(1 - h), e = (I - H)ε: traces of matrices over all units."""
    rows = np.repeat(columns, [len(group) for group in groups], axis=0)
    inverse = np.linalg.inv(rows.T @ rows)
    hat = rows @ inverse @ rows.T
    rest = np.eye(len(rows)) - hat
    pooled = sum(((g - g.mean()) ** 2).sum() for g in groups) / sum(len(g) - 1 for g in groups)
    own = np.concatenate([np.full(len(g), g.var(ddof=1) if len(g) > 1 else pooled) for g in groups])
    a = (inverse @ rows.T)[coefficient]
    middle = rest @ np.diag(a**2 / (1 - np.diag(hat))) @ rest @ np.diag(own)
    return float(np.trace(middle) ** 2 / np.trace(middle @ middle))


@settings(max_examples=25)
@given(st.lists(st.integers(2, 12), min_size=4, max_size=4), st.integers(0, 10_000), st.booleans())
def test_errors_and_df_are_those_of_the_unit_level_matrices(counts: list[int], seed: int, additive: bool) -> None:
    columns, groups = ADDITIVE if additive else SATURATED, units(counts, seed)
    errors, weights = fitted(columns, groups)
    oracle = sm.OLS(np.concatenate(groups), np.repeat(columns, counts, axis=0)).fit(cov_type="HC2")
    assert errors.variance(weights) == pytest.approx(oracle.cov_params(), rel=1e-8, abs=1e-10)
    for at, weight in enumerate(weights):
        assert errors.df(weight) == pytest.approx(long_hand_df(columns, groups, at), rel=1e-8)


def test_a_cell_of_one_unit_has_an_error_only_where_the_model_is_smaller() -> None:
    groups = units([6, 1, 7, 5], 3)
    errors, weights = fitted(ADDITIVE, groups)
    oracle = sm.OLS(np.concatenate(groups), np.repeat(ADDITIVE, [6, 1, 7, 5], axis=0)).fit(cov_type="HC2")
    assert errors.variance(weights) == pytest.approx(oracle.cov_params(), rel=1e-9)
    assert errors.df(weights[1]) == pytest.approx(long_hand_df(ADDITIVE, groups, 1), rel=1e-9)
    errors, weights = fitted(SATURATED, groups)
    assert not errors.known(weights)
    assert errors.known(np.array([[-1.0, 0.0, 1.0, 0.0]]))


@given(st.integers(2, 50), st.integers(2, 50), st.floats(0.01, 100), st.floats(0.01, 100))
def test_two_cells_are_exactly_welchs_test(n1: int, n0: int, v1: float, v0: float) -> None:
    n, variances = np.array([n0, n1], dtype=float), np.array([v0, v1])
    fit = fit_cells(np.array([[1.0, -0.5], [1.0, 0.5]]), n)
    errors = hc2_errors(fit, n, np.array([3.0, 4.0]), variances, size=4.0)
    weights, _ = fit.weights(np.array([[0.0, 1.0]]))
    oracle = welch(Summary(n1, 4.0, v1), Summary(n0, 3.0, v0)).absolute
    assert oracle is not None
    assert math.sqrt(errors.variance(weights)[0, 0]) == pytest.approx(oracle.se, rel=1e-9)
    assert errors.df(weights[0]) == pytest.approx(oracle.df, rel=1e-9)
    assert independent_errors(variances / n, n - 1).df(weights[0]) == pytest.approx(oracle.df, rel=1e-9)


def test_weighted_least_squares_on_cell_means_has_the_wrong_hc2() -> None:
    groups = units([20, 30, 25, 15], 5)
    errors, weights = fitted(ADDITIVE, groups)
    means, n = [group.mean() for group in groups], [len(group) for group in groups]
    wrong = sm.WLS(means, ADDITIVE, weights=n).fit(cov_type="HC2")
    assert abs(wrong.bse[1] / math.sqrt(errors.variance(weights)[1, 1]) - 1) > 0.1


def test_columns_that_cannot_be_told_apart_are_not_estimable() -> None:
    fit = fit_cells(SATURATED[:3], np.array([5.0, 6.0, 7.0]))
    assert fit.rank == 3
    _, estimable = fit.weights(np.vstack([np.eye(4), [0.0, 0.0, 1.0, -0.5]]))
    assert estimable.tolist() == [False, False, False, False, True]


# --- Wald's test


def test_one_combination_is_the_square_of_its_t() -> None:
    groups = units([6, 9, 7, 5], 11)
    errors, weights = fitted(SATURATED, groups)
    values = np.array([group.mean() for group in groups])
    found = wald_test(weights[1:2], values, errors)
    assert found is not None
    t = float(weights[1] @ values) / math.sqrt(errors.variance(weights[1:2])[0, 0])
    assert (found.f, found.df_den) == (pytest.approx(t**2, rel=1e-12), pytest.approx(errors.df(weights[1]), rel=1e-12))


def test_the_f_of_equal_dfs_has_them_and_that_of_unequal_ones_lies_above_the_least() -> None:
    rows = np.eye(3)
    same = wald_test(rows, np.ones(3), independent_errors(np.ones(3), np.full(3, 9.0)))
    assert same is not None
    assert same.df_den == pytest.approx(9.0)
    mixed = wald_test(rows, np.ones(3), independent_errors(np.array([1.0, 2.0, 3.0]), np.array([5.0, 9.0, 40.0])))
    assert mixed is not None
    total = sum(df / (df - 2) for df in (5.0, 9.0, 40.0))
    assert mixed.df_den == pytest.approx(2 * total / (total - 3))
    few = wald_test(rows, np.ones(3), independent_errors(np.array([1.0, 2.0, 3.0]), np.array([1.0, 9.0, 40.0])))
    assert few is not None
    assert few.df_den == 2


def test_without_a_df_the_reference_is_chi_square() -> None:
    found = wald_test(np.eye(2), np.array([1.0, 2.0]), given_errors(np.eye(2), math.inf))
    assert found is not None
    assert (found.f, found.df_den) == (pytest.approx(2.5), math.inf)
    assert found.p_value == pytest.approx(math.exp(-2.5), rel=1e-12)


def test_combinations_that_repeat_one_another_have_no_test() -> None:
    assert wald_test(np.array([[1.0, -1.0], [2.0, -2.0]]), np.ones(2), given_errors(np.eye(2), math.inf)) is None
