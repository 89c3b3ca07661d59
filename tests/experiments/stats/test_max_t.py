from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr, ndtri, stdtr, stdtrit
from scipy.stats import dunnett, multivariate_normal, multivariate_t, studentized_range

from imp_core.errors import BadInput
from imp_experiments.stats.exceed import _draws, _root, exceedance
from imp_experiments.stats.max_t import max_t

ps = st.lists(st.floats(0, 1), min_size=3, max_size=3)


def alike(m: int, r: float) -> np.ndarray:
    return np.full((m, m), r) + (1 - r) * np.eye(m)


def any_matrix(m: int, seed: int) -> np.ndarray:
    table = np.random.default_rng(seed).normal(size=(m, m + 3))
    return np.corrcoef(table)


def all_pairs(groups: int) -> np.ndarray:
    """The correlation of all differences between equally large groups: singular."""
    rows = [(i, j) for i in range(groups) for j in range(i)]
    contrasts = np.zeros((len(rows), groups))
    for k, (i, j) in enumerate(rows):
        contrasts[k, [i, j]] = (1, -1)
    return contrasts @ contrasts.T / 2


def test_independent_statistics_have_the_critical_value_of_sidak() -> None:
    for m in (1, 2, 7, 40):
        found = max_t(np.eye(m), alpha=0.05)
        assert found.critical == pytest.approx(-ndtri(-math.expm1(math.log(0.95) / m) / 2), rel=1e-12)
        assert found.error == 0.0


@pytest.mark.parametrize("m", [2, 4, 12])
@pytest.mark.parametrize("r", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("sides", [1, 2])
def test_one_factor_is_the_integral_over_that_factor(m: int, r: float, sides: int) -> None:
    def none_exceeds(z: float, limit: float) -> float:
        high = ndtr((limit - math.sqrt(r) * z) / math.sqrt(1 - r))
        low = ndtr((-limit - math.sqrt(r) * z) / math.sqrt(1 - r)) if sides == 2 else 0.0
        return float((high - low) ** m * math.exp(-z * z / 2) / math.sqrt(2 * math.pi))

    found = max_t(alike(m, r), alpha=0.05, sides=sides)
    inside, _ = quad(none_exceeds, -12, 12, args=(found.critical,), epsabs=1e-13, epsrel=1e-13, limit=400)
    assert 1 - inside == pytest.approx(0.05, abs=1e-11)


@pytest.mark.parametrize("df", [1.0, 4.5, 30.0, 3_000.0])
def test_one_factor_with_degrees_of_freedom_is_that_of_scipy(df: float) -> None:
    matrix = alike(3, 0.5)
    found = max_t(matrix, alpha=0.05, df=df)
    inside = multivariate_t(shape=matrix, df=df, seed=1).cdf(
        np.full(3, found.critical), lower_limit=np.full(3, -found.critical), maxpts=200_000
    )
    # scipy's own answer is from some ten runs of a lattice
    assert 1 - inside == pytest.approx(0.05, abs=2e-4)


def test_many_degrees_of_freedom_are_the_normal() -> None:
    found, normal = max_t(alike(4, 0.5), df=1e9), max_t(alike(4, 0.5))
    assert found.critical == pytest.approx(normal.critical, rel=1e-8)


def test_comparisons_with_one_control_are_those_of_dunnett() -> None:
    dice = np.random.default_rng(3)
    samples = [dice.normal(shift, 1, 12) for shift in (0.3, 0.9, 0.0)]
    control = dice.normal(0, 1, 12)
    oracle = dunnett(*samples, control=control, random_state=1)
    df = 4 * 11
    raw = [2 * float(stdtr(df, -abs(t))) for t in oracle.statistic]
    assert max_t(alike(3, 0.5), raw, df=df).p_values == pytest.approx(oracle.pvalue, abs=2e-4)


@pytest.mark.parametrize("df", [8.0, 60.0])
def test_all_pairs_are_those_of_tukey(df: float) -> None:
    found = max_t(all_pairs(4), df=df)
    chance = studentized_range.sf(found.critical * math.sqrt(2), 4, df)
    assert chance == pytest.approx(0.05, abs=2 * found.error)
    assert 0 < found.error < 5e-4


@pytest.mark.parametrize("sides", [1, 2])
def test_any_other_matrix_is_that_of_scipy(sides: int) -> None:
    matrix = any_matrix(5, seed=4)
    found = max_t(matrix, sides=sides)
    low = np.full(5, -found.critical if sides == 2 else -np.inf)
    inside = multivariate_normal(np.zeros(5), matrix, maxpts=2_000_000, abseps=1e-7).cdf(
        np.full(5, found.critical), lower_limit=low, rng=np.random.default_rng(2)
    )
    assert 1 - inside == pytest.approx(0.05, abs=found.error + 1e-5)
    assert 0 < found.error < 1e-4


@pytest.mark.parametrize("df", [math.inf, 6.0])
@pytest.mark.parametrize("sides", [1, 2])
def test_sampling_agrees_with_the_integral_where_there_is_one(df: float, sides: int) -> None:
    integrated = exceedance(alike(4, 0.6), df=df, sides=sides)
    sampled = replace(integrated, loadings=None, draws=_draws(_root(integrated.matrix), df))
    for limit in (0.5, 2.0, 4.0, 7.0):
        chance, error = sampled.chance(limit)
        exact, _ = integrated.chance(limit)
        # 5/3 of three standard errors, which are themselves estimated from twelve shifts
        assert chance == pytest.approx(exact, abs=5 / 3 * error)
        assert error < 0.01 * exact


@pytest.mark.parametrize(("limit", "rel"), [(12.0, 1e-8), (20.0, 1e-11), (35.0, 1e-11)])
def test_far_in_the_tail_the_chance_keeps_its_digits(limit: float, rel: float) -> None:
    # so far out two normal statistics hardly ever exceed together: the union is the sum
    union = 6 * float(ndtr(-limit))
    integrated = exceedance(alike(3, 0.5), df=math.inf, sides=2).chance(limit)[0]
    assert integrated == pytest.approx(union, rel=rel, abs=0)
    sampled = exceedance(any_matrix(4, 1), df=math.inf, sides=2).chance(limit)[0]
    assert sampled == pytest.approx(8 * float(ndtr(-limit)), rel=1e-6, abs=0)


def test_a_matrix_that_is_nearly_of_one_factor_is_not_taken_for_one() -> None:
    pairs = np.array([[1, 0.5, 0.4, 0.3], [0.5, 1, 0.3, 0.4], [0.4, 0.3, 1, 0.5], [0.3, 0.4, 0.5, 1]])
    series = max_t(pairs)
    inside = multivariate_normal(np.zeros(4), pairs, maxpts=1_000_000, abseps=1e-7).cdf(
        np.full(4, series.critical), lower_limit=np.full(4, -series.critical), rng=np.random.default_rng(2)
    )
    assert series.error > 0
    assert 1 - inside == pytest.approx(0.05, abs=series.error + 1e-5)
    loadings = np.array([0.9, -0.5, 0.3, 0.0])
    factor = np.outer(loadings, loadings)
    np.fill_diagonal(factor, 1)
    assert max_t(factor).error == 0.0


def test_perfectly_correlated_statistics_are_one_test() -> None:
    found = max_t(alike(4, 1.0), [0.01, 0.2, 0.6, 1.0])
    assert found.critical == pytest.approx(-ndtri(0.025), rel=1e-9)
    assert found.p_values == pytest.approx((0.01, 0.2, 0.6, 1.0), rel=1e-6)
    opposite = max_t([[1.0, -1.0], [-1.0, 1.0]])
    assert opposite.critical == pytest.approx(-ndtri(0.025), rel=1e-9)
    # one-sided, opposite statistics are two tests that never reject together
    assert max_t([[1.0, -1.0], [-1.0, 1.0]], sides=1).tail == pytest.approx(0.025, rel=1e-6)


@settings(max_examples=8, deadline=None)
@given(ps, st.sampled_from([0.01, 0.05, 0.2]), st.sampled_from([None, 7.0]), st.sampled_from([1, 2]), st.booleans())
def test_p_interval_and_threshold_never_disagree(
    raw: list[float], alpha: float, df: float | None, sides: int, sampled: bool
) -> None:
    matrix = any_matrix(3, 9) if sampled else alike(3, 0.5)
    edge = max_t(matrix, alpha=alpha, df=df, sides=sides)
    threshold = sides * edge.tail
    raw = [raw[0], threshold, math.nextafter(threshold, 0)]
    found = max_t(matrix, raw, alpha=alpha, df=df, sides=sides)
    assert (found.critical, found.tail) == (edge.critical, edge.tail)
    for p, adjusted in zip(raw, found.p_values, strict=True):
        assert (adjusted < alpha) == (p < threshold)
        assert p <= adjusted <= min(1, 3 * p * (1 + 1e-12)) or adjusted in (alpha, math.nextafter(alpha, 0))
    ordered = [adjusted for _, adjusted in sorted(zip(raw, found.p_values, strict=True))]
    assert ordered == sorted(ordered)


def test_the_tail_is_what_an_interval_takes() -> None:
    found = max_t(alike(3, 0.5), [0.004, 0.3, 0.04], df=40)
    for raw, adjusted in zip([0.004, 0.3, 0.04], found.p_values, strict=True):
        statistic = -float(stdtrit(40, raw / 2))
        low = statistic - float(stdtrit(40, 1 - found.tail))
        assert (low > 0) == (adjusted < 0.05)


def test_the_same_input_gives_the_same_answer_to_the_last_digit() -> None:
    one, two = (max_t(any_matrix(3, 2), [0.01, 0.02, 0.9], df=11.0) for _ in range(2))
    assert one == two


def test_it_rejects_a_true_family_as_rarely_as_alpha_says() -> None:
    dice = np.random.default_rng(5)
    matrix = any_matrix(4, 6)
    drawn = dice.multivariate_normal(np.zeros(4), matrix, size=100_000)
    rejected = (abs(drawn).max(axis=1) > max_t(matrix).critical).mean()
    # four standard errors of a share of .05 in 100,000 draws
    assert abs(rejected - 0.05) < 4 * math.sqrt(0.05 * 0.95 / 100_000)


def test_nothing_certain_and_nothing_impossible_breaks_it() -> None:
    assert max_t(alike(3, 0.5), [0.0, 1.0, 0.5]).p_values[:2] == (0.0, 1.0)
    assert max_t(any_matrix(3, 1), [0.0, 1.0, 0.5], df=2.0).p_values[:2] == (0.0, 1.0)
    assert max_t([[1.0]], [0.03]).p_values == pytest.approx((0.03,))


@pytest.mark.parametrize(
    "matrix",
    [
        [],
        [[]],
        [1.0, 0.5],
        [[1.0, 0.5]],
        [[1.0, 0.5], [0.4, 1.0]],
        [[2.0, 0.5], [0.5, 1.0]],
        [[1.0, 1.5], [1.5, 1.0]],
        [[1.0, math.nan], [math.nan, 1.0]],
        [[1.0, "x"], ["x", 1.0]],
        [[1.0, 0.5], [0.5]],
        [[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]],
    ],
)
def test_what_is_no_correlation_matrix_is_named(matrix: list[object]) -> None:
    with pytest.raises(BadInput) as caught:
        max_t(matrix)
    assert caught.value.where == "correlation"


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"p_values": [0.1]}, "p_values"),
        ({"p_values": [0.1, math.nan]}, "p_values"),
        ({"p_values": [0.1, 1.1]}, "p_values"),
        ({"alpha": 2.0}, "alpha"),
        ({"sides": 3}, "sides"),
        ({"df": 0.0}, "df"),
        ({"df": 0.9}, "df"),
        ({"df": math.nan}, "df"),
    ],
)
def test_wrong_arguments_are_named(wrong: dict[str, object], where: str) -> None:
    with pytest.raises(BadInput) as caught:
        max_t(alike(2, 0.5), **wrong)
    assert caught.value.where == where
