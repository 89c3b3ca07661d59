from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from imp_experiments.measure.moments import Summary
from imp_experiments.stats.welch import welch

values = st.lists(st.floats(-1e4, 1e4, allow_subnormal=False), min_size=2, max_size=40)


def summary(data: list[float]) -> Summary:
    return Summary(len(data), float(np.mean(data)), float(np.var(data, ddof=1)))


@given(values, values, st.sampled_from([0.01, 0.05, 0.1]))
def test_absolute_figures_are_those_of_statsmodels(one: list[float], two: list[float], alpha: float) -> None:
    assume(min(np.std(one), np.std(two)) > 1e-3)
    found = welch(summary(one), summary(two), alpha=alpha).absolute
    assert found is not None
    oracle = CompareMeans(DescrStatsW(one), DescrStatsW(two))
    statistic, p_value, df = oracle.ttest_ind(usevar="unequal")
    low, high = oracle.tconfint_diff(alpha=alpha, usevar="unequal")
    assert found.estimate / found.se == pytest.approx(statistic, rel=1e-9, abs=1e-10)
    assert found.p_value == pytest.approx(p_value, rel=1e-8, abs=1e-12)
    assert found.df == pytest.approx(df, rel=1e-10)
    assert (found.low, found.high) == (pytest.approx(low, rel=1e-9, abs=1e-7), pytest.approx(high, rel=1e-9, abs=1e-7))


def test_the_relative_interval_is_that_of_the_logarithm_and_its_p_agrees_with_it() -> None:
    variant, control = Summary(400, 1.30, 0.9), Summary(500, 1.10, 1.1)
    found = welch(variant, control).relative
    assert found is not None
    se = math.sqrt(0.9 / 400 / 1.30**2 + 1.1 / 500 / 1.10**2)
    assert found.estimate == pytest.approx(1.30 / 1.10 - 1, rel=1e-12)
    assert found.se == pytest.approx(se, rel=1e-12)
    # symmetric around the logarithm, so not around the estimate
    middle = (math.log1p(found.low) + math.log1p(found.high)) / 2
    assert middle == pytest.approx(math.log(1.30 / 1.10), rel=1e-12)
    assert found.high - found.estimate > found.estimate - found.low


@given(st.floats(0.5, 2.0), st.integers(10, 5_000))
def test_p_and_interval_never_disagree(ratio: float, n: int) -> None:
    found = welch(Summary(n, ratio, 1.0), Summary(n, 1.0, 1.0))
    for effect in (found.absolute, found.relative):
        assert effect is not None
        assert (effect.p_value < 0.05) == (effect.low > 0 or effect.high < 0)
        assert effect.low <= effect.estimate <= effect.high


def test_the_relative_interval_covers_as_often_as_it_says() -> None:
    dice = np.random.default_rng(7)
    hits = 0
    runs = 1_500
    for _ in range(runs):
        one, two = dice.exponential(1.2, 300), dice.exponential(1.0, 300)
        found = welch(summary(one.tolist()), summary(two.tolist())).relative
        assert found is not None
        hits += found.low <= 0.2 <= found.high
    assert abs(hits / runs - 0.95) < 0.02


FINE = Summary(100, 5.0, 2.0)


@pytest.mark.parametrize(
    ("variant", "control", "code"),
    [
        (Summary(0, None, None), FINE, "no_units"),
        (FINE, Summary(0, None, None), "no_units"),
        (Summary(1, 3.0, None), FINE, "one_unit"),
        (Summary(100, 4.0, 0.0), Summary(100, 5.0, 0.0), "zero_variance"),
        (Summary(20, 0.0, 0.0), Summary(100, 5.0, 0.0), "zero_variance"),
        (Summary(100, math.nan, math.nan), FINE, "not_finite"),
        (Summary(100, math.inf, math.nan), FINE, "not_finite"),
        (FINE, Summary(100, 5.0, math.nan), "not_finite"),
    ],
)
def test_where_there_is_nothing_to_compare_a_condition_says_so(variant: Summary, control: Summary, code: str) -> None:
    found = welch(variant, control)
    assert (found.absolute, found.relative) == (None, None)
    assert [(condition.code, condition.scale) for condition in found.conditions] == [(code, "both")]
    assert found.conditions[0].text


@given(values, st.floats(-1e4, 1e4, allow_subnormal=False), st.integers(2, 40), st.booleans())
def test_one_variant_without_spread_has_the_figures_of_statsmodels(
    varying: list[float], same: float, n: int, swapped: bool
) -> None:
    assume(np.std(varying) > 1e-3)
    pair = [varying, [same] * n]
    one, two = reversed(pair) if swapped else pair
    found = welch(*(Summary(len(data), float(np.mean(data)), _variance(data)) for data in (one, two)))
    assert found.absolute is not None
    oracle = CompareMeans(DescrStatsW(one), DescrStatsW(two))
    _, p_value, df = oracle.ttest_ind(usevar="unequal")
    low, high = oracle.tconfint_diff(usevar="unequal")
    assert found.absolute.p_value == pytest.approx(p_value, rel=1e-6, abs=1e-12)
    assert found.absolute.df == pytest.approx(df, rel=1e-10)
    assert found.absolute.df == pytest.approx(len(varying) - 1)
    assert (found.absolute.low, found.absolute.high) == (
        pytest.approx(low, rel=1e-8, abs=1e-7),
        pytest.approx(high, rel=1e-8, abs=1e-7),
    )
    assert ("one_varies", "both") in [(condition.code, condition.scale) for condition in found.conditions]


def _variance(data: list[float]) -> float:
    return 0.0 if len(set(data)) == 1 else float(np.var(data, ddof=1))


def test_the_relative_scale_of_one_variant_without_spread_rests_on_the_other() -> None:
    found = welch(Summary(100, 4.0, 0.0), FINE)
    assert found.relative is not None
    assert found.relative.se == pytest.approx(math.sqrt(2.0 / 100 / 5.0**2), rel=1e-12)
    assert found.relative.df == pytest.approx(99)
    assert [condition.code for condition in found.conditions] == ["one_varies"]


def test_a_variant_of_nothing_but_zeros_leaves_the_absolute_scale_with_a_warning() -> None:
    found = welch(Summary(20, 0.0, 0.0), FINE)
    assert found.absolute is not None
    assert found.relative is None
    assert [condition.code for condition in found.conditions] == ["mean_not_positive", "one_varies"]


@pytest.mark.parametrize(("one", "two"), [(0.0, 5.0), (5.0, -1.0), (-2.0, -1.0)])
def test_a_mean_that_is_not_positive_leaves_only_the_absolute_scale(one: float, two: float) -> None:
    found = welch(Summary(50, one, 2.0), Summary(50, two, 2.0))
    assert found.absolute is not None
    assert found.relative is None
    assert [(condition.code, condition.scale) for condition in found.conditions] == [("mean_not_positive", "relative")]


def test_a_relative_interval_without_an_end_is_not_printed_as_a_number() -> None:
    found = welch(Summary(2, 1.0, 1e9), Summary(2, 1.0, 1e9))
    assert found.relative is None
    assert [condition.code for condition in found.conditions] == ["unbounded"]


def test_tiny_values_do_not_underflow() -> None:
    found = welch(Summary(1_000, 1e-160, 1e-322), Summary(1_000, 2e-160, 1e-322))
    for effect in (found.absolute, found.relative):
        assert effect is None or all(
            math.isfinite(x) for x in (effect.estimate, effect.low, effect.high, effect.se, effect.p_value, effect.df)
        )
