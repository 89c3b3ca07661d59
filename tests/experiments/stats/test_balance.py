from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.oneway import anova_oneway

from imp_core.errors import BadInput
from imp_experiments.measure.moments import Summary
from imp_experiments.stats.health.balance import balance
from imp_experiments.stats.welch import welch

values = st.lists(st.floats(-1e4, 1e4, allow_subnormal=False), min_size=2, max_size=30)


def summary(data) -> Summary:
    return Summary(len(data), float(np.mean(data)), float(np.var(data, ddof=1)))


def summaries(groups) -> dict[str, Summary]:
    return {f"v{index}": summary(data) for index, data in enumerate(groups)}


def only(groups):
    return balance({"x": summaries(groups)}, control="v0").covariates[0]


@given(st.lists(values, min_size=2, max_size=5))
def test_the_omnibus_test_is_welchs_analysis_of_variance(groups: list[list[float]]) -> None:
    assume(min(np.std(data) for data in groups) > 1e-3)
    found = only(groups)
    oracle = stats.f_oneway(*groups, equal_var=False)
    assert found.statistic == pytest.approx(oracle.statistic, rel=1e-7, abs=1e-9)
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-6, abs=1e-12)
    other = anova_oneway(groups, use_var="unequal", welch_correction=True)
    assert found.df_within == pytest.approx(other.df_denom, rel=1e-8)
    assert found.df == other.df_num


@given(values, values)
def test_two_variants_have_welchs_t(one: list[float], two: list[float]) -> None:
    assume(min(np.std(one), np.std(two)) > 1e-3)
    found, t = only([one, two]), welch(summary(two), summary(one)).absolute
    assert t is not None
    assert found.statistic == pytest.approx((t.estimate / t.se) ** 2, rel=1e-8, abs=1e-12)
    assert found.df_within == pytest.approx(t.df, rel=1e-9)
    assert found.p_value == pytest.approx(t.p_value, rel=1e-7, abs=1e-12)


def test_one_variant_without_spread_is_the_limit_of_a_small_one() -> None:
    dice = np.random.default_rng(3)
    figures = {"a": summary(dice.normal(size=40)), "b": summary(dice.normal(0.2, 2, size=50))}
    still, nearly = Summary(30, 0.1, 0.0), Summary(30, 0.1, 1e-9)
    found = balance({"x": {**figures, "c": still}}, control="a").covariates[0]
    limit = balance({"x": {**figures, "c": nearly}}, control="a").covariates[0]
    assert found.statistic == pytest.approx(limit.statistic, rel=1e-6)
    assert found.df_within == pytest.approx(limit.df_within, rel=1e-6)
    pair = balance({"x": {"a": figures["a"], "c": still}}, control="a").covariates[0]
    t = welch(still, figures["a"]).absolute
    assert t is not None
    assert (pair.p_value, pair.df_within) == (pytest.approx(t.p_value, rel=1e-9), pytest.approx(39))


def test_the_standardised_difference_is_in_root_mean_variances() -> None:
    found = balance({"x": {"a": Summary(50, 10.0, 4.0), "b": Summary(70, 11.0, 12.0)}}, control="a").covariates[0]
    assert found.differences == {"b": pytest.approx(1 / math.sqrt(8))}
    assert found.n == {"a": 50, "b": 70}


def test_the_joint_verdict_is_bonferronis_over_the_covariates_tested() -> None:
    same = {"a": Summary(500, 1.0, 1.0), "b": Summary(500, 1.0, 1.0)}
    odd = {"a": Summary(500, 1.0, 1.0), "b": Summary(500, 1.22, 1.0)}
    empty = {"a": Summary(500, 1.0, 1.0), "b": Summary(0, None, None)}
    alone = balance({"odd": odd}, control="a")
    assert alone.verdict == "imbalanced"
    assert alone.p_value == alone.covariates[0].p_value
    joint = balance({"odd": odd, "same": same, "empty": empty}, control="a")
    assert alone.p_value is not None
    assert joint.p_value == pytest.approx(2 * alone.p_value, rel=1e-12)
    assert joint.verdict == "ok"
    assert joint.verdict == joint.covariates[0].verdict
    assert joint.covariates[1].p_adjusted == 1.0


def test_a_variant_without_units_leaves_the_degrees_of_freedom() -> None:
    three = {"a": Summary(50, 1.0, 1.0), "b": Summary(50, 1.3, 1.0), "c": Summary(0, None, None)}
    found = balance({"x": three}, control="a").covariates[0]
    two = balance({"x": {name: three[name] for name in "ab"}}, control="a").covariates[0]
    assert (found.p_value, found.df) == (two.p_value, 1)
    assert found.differences["c"] is None


@given(st.permutations(["a", "b", "c"]), st.floats(-1e6, 1e6))
def test_neither_the_order_of_variants_nor_the_origin_changes_the_test(order: list[str], origin: float) -> None:
    base = {"a": Summary(40, 1.0, 2.0), "b": Summary(60, 1.5, 1.0), "c": Summary(50, 0.7, 3.0)}
    one = balance({"x": base}, control="a").covariates[0]
    moved = {name: Summary(base[name].n, base[name].mean + origin, base[name].variance) for name in order}
    two = balance({"x": moved}, control="a").covariates[0]
    assert two.p_value == pytest.approx(one.p_value, rel=1e-6)


def test_a_sound_assignment_is_called_imbalanced_as_rarely_as_stated() -> None:
    dice = np.random.default_rng(11)
    runs, level = 4_000, 0.05
    low = 0
    for _ in range(runs):
        groups = [dice.normal(size=20), dice.normal(scale=2, size=30), dice.normal(scale=3, size=25)]
        found = only(groups)
        assert found.p_value is not None
        low += found.p_value < level
    # three standard errors of a share of .05 in 4,000 runs: .0103
    assert abs(low / runs - level) < 0.0103


FINE = Summary(50, 1.0, 1.0)


@pytest.mark.parametrize(
    "other",
    [
        Summary(0, None, None),
        Summary(1, 2.0, None),
        Summary(50, math.nan, math.nan),
        Summary(50, math.inf, math.nan),
        Summary(50, 1.0, math.inf),
        Summary(50, 1.0, -1.0),
        Summary(50, 1e308, 1e-300),
    ],
)
def test_what_cannot_be_tested_has_no_p(other: Summary) -> None:
    found = balance({"x": {"a": FINE, "b": other}}, control="a")
    assert (found.verdict, found.p_value) == ("not tested", None)
    one = found.covariates[0]
    assert (one.statistic, one.p_value, one.p_adjusted, one.df, one.df_within) == (None,) * 5
    assert found.reason
    assert one.reason


def test_two_variants_without_spread_are_not_tested() -> None:
    still = {"a": Summary(50, 1.0, 0.0), "b": Summary(50, 2.0, 0.0), "c": FINE}
    found = balance({"x": still}, control="a")
    assert found.verdict == "not tested"
    assert found.covariates[0].differences["b"] is None


def test_without_covariates_nothing_is_tested() -> None:
    assert balance({}, control="a").reason == "there is no covariate"


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(BadInput, match="control"):
        balance({"x": {"b": FINE}}, control="a")
    with pytest.raises(BadInput, match="count"):
        balance({"x": {"a": FINE, "b": Summary(-3, 1.0, 1.0)}}, control="a")
