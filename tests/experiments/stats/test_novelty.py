from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.regression.linear_model import WLS
from statsmodels.stats.meta_analysis import combine_effects

from imp_core.errors import BadInput
from imp_experiments.stats.health.novelty import DayEffect, novelty

effects = st.lists(st.tuples(st.floats(-5, 5), st.floats(0.05, 3)), min_size=7, max_size=40)


def days(pairs, first=20_454):
    return [DayEffect(day=first + index, estimate=estimate, se=se) for index, (estimate, se) in enumerate(pairs)]


def line(start, slope, n=21, se=0.2, seed=1):
    noise = np.random.default_rng(seed).normal(0, se, n)
    return days([(start + slope * day + noise[day], se) for day in range(n)])


@given(effects)
def test_q_is_that_of_a_fixed_effect_meta_analysis(pairs: list[tuple[float, float]]) -> None:
    found = novelty(days(pairs)).differences
    assert found is not None
    assume(found.statistic > 1e-3)
    # its random effects, which are not looked at, divide by 0 or take the root of a negative where days agree
    with np.errstate(all="ignore"):
        oracle = combine_effects(*np.array([(y, se * se) for y, se in pairs]).T, method_re="chi2")
    homogeneity = oracle.test_homogeneity()
    assert (found.statistic, found.df) == (pytest.approx(homogeneity.statistic, rel=1e-8, abs=1e-8), len(pairs) - 1)
    assert found.p_value == pytest.approx(homogeneity.pvalue, rel=1e-8, abs=1e-12)
    assert found.pooled == pytest.approx(oracle.mean_effect_fe, rel=1e-9, abs=1e-9)
    assert found.se == pytest.approx(oracle.sd_eff_w_fe, rel=1e-9)
    assert found.excess == pytest.approx(max(0.0, oracle.i2), rel=1e-6, abs=1e-9)


@given(effects)
def test_the_trend_is_weighted_least_squares(pairs: list[tuple[float, float]]) -> None:
    estimates, ses = (np.array(column) for column in zip(*pairs, strict=True))
    found = novelty(days(pairs)).trend
    x = np.arange(len(pairs))
    oracle = WLS(estimates, np.column_stack([np.ones(len(pairs)), x]), weights=1 / ses**2).fit()
    if found is None:
        assert oracle.ssr < 1e-16 * max(1.0, np.sum((estimates / ses) ** 2))
        return
    if oracle.ssr < 1e-12:
        return
    assert found.slope == pytest.approx(oracle.params[1], rel=1e-6, abs=1e-9)
    assert found.se == pytest.approx(oracle.bse[1], rel=1e-6)
    assert found.p_value == pytest.approx(oracle.pvalues[1], rel=1e-5, abs=1e-9)
    assert found.df == oracle.df_resid
    assert (found.first, found.last) == pytest.approx(tuple(oracle.predict()[[0, -1]]), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("start", "slope", "reading"),
    [
        (2.0, -0.1, "the effect fades"),
        (-2.0, 0.1, "the effect fades"),
        (0.5, 0.1, "the effect grows"),
        (-0.5, -0.1, "the effect grows"),
        (2.0, -0.2, "the effect turns"),
        (1.0, 0.0, "no change is shown"),
    ],
)
def test_the_reading_is_plain(start: float, slope: float, reading: str) -> None:
    found = novelty(line(start, slope))
    assert found.reading == reading
    assert found.verdict == ("ok" if reading.startswith("no ") else "warning")


def test_an_effect_that_fades_past_nothing_does_not_turn() -> None:
    found = novelty(line(2.0, -0.102))
    assert found.trend is not None
    assert found.trend.last < 0
    assert found.reading == "the effect fades"


def test_one_odd_day_differs_without_a_trend() -> None:
    pairs = [(0.5 + 0.1 * (-1) ** day, 0.2) for day in range(15)]
    pairs[7] = (3.0, 0.2)
    found = novelty(days(pairs))
    assert (found.verdict, found.reading) == ("warning", "the effect differs between days without a trend")


@given(st.permutations(list(range(9))), st.integers(-30_000, 30_000), st.floats(1e-100, 1e100))
def test_neither_order_nor_origin_nor_unit_changes_the_tests(order: list[int], first: int, unit: float) -> None:
    base = [(0.3 * day + math.sin(day), 0.4 + 0.1 * (day % 3)) for day in range(9)]
    one, other = novelty(days(base)), days([(y * unit, se * unit) for y, se in base], first)
    two = novelty([other[index] for index in order])
    assert one.trend is not None
    assert two.trend is not None
    assert one.differences is not None
    assert two.differences is not None
    assert two.reading == one.reading
    assert two.differences.p_value == pytest.approx(one.differences.p_value, rel=1e-7)
    assert two.trend.p_value == pytest.approx(one.trend.p_value, rel=1e-7)
    assert two.trend.slope == pytest.approx(one.trend.slope * unit, rel=1e-7)


def test_merging_days_leaves_the_pooled_effect() -> None:
    apart = line(1.0, 0.05, 20)
    both = [
        DayEffect(
            day=one.day,
            estimate=(one.estimate / one.se**2 + two.estimate / two.se**2) / (1 / one.se**2 + 1 / two.se**2),
            se=(1 / one.se**2 + 1 / two.se**2) ** -0.5,
        )
        for one, two in zip(apart[::2], apart[1::2], strict=True)
    ]
    before, after = novelty(apart).differences, novelty(both).differences
    assert before is not None
    assert after is not None
    assert (after.pooled, after.se) == (pytest.approx(before.pooled), pytest.approx(before.se))
    assert after.df == 9


def test_days_without_an_effect_are_left_out_and_counted() -> None:
    base = line(1.0, 0.05, 10)
    gaps = [
        DayEffect(day=index, estimate=estimate, se=se)
        for index, (estimate, se) in enumerate(
            [(None, 1.0), (1.0, None), (math.nan, 1.0), (1.0, math.inf), (1.0, 0.0), (1.0, -1.0)]
        )
    ]
    found = novelty([*gaps, *base])
    assert (found.days, found.left_out) == (10, 6)
    assert found.trend == novelty(base).trend


@pytest.mark.parametrize("n", [0, 1, 6])
def test_few_days_are_not_tested(n: int) -> None:
    found = novelty(line(1.0, 0.5, 30)[:n])
    assert (found.verdict, found.reading, found.differences, found.trend) == ("not tested", None, None, None)
    assert found.days == n
    assert found.reason


def test_days_on_one_line_leave_its_errors_unknown() -> None:
    found = novelty(days([(0.1, 0.3)] * 10))
    assert (found.verdict, found.trend, found.reading) == ("ok", None, "no change is shown")


@pytest.mark.parametrize("pair", [(1e308, 1e-300), (1e200, 1e-200), (-1e308, 1e308), (1e-320, 1e-320)])
def test_extreme_figures_are_no_traceback(pair: tuple[float, float]) -> None:
    found = novelty([*line(1.0, 0.1, 10), DayEffect(day=1, estimate=pair[0], se=pair[1])])
    for test in (found.differences, found.trend):
        assert test is None or 0 <= test.p_value <= 1


def test_a_day_given_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="twice"):
        novelty([DayEffect(day=1, estimate=1.0, se=1.0), DayEffect(day=1, estimate=2.0, se=1.0)])


def test_a_steady_effect_is_warned_of_as_rarely_as_stated() -> None:
    dice, runs = np.random.default_rng(17), 4_000
    alarms = sum(novelty(days([(y, 0.5) for y in dice.normal(1, 0.5, 14)])).verdict == "warning" for _ in range(runs))
    # at most .01, and three standard errors of such a share in 4,000 runs: .0047
    assert alarms / runs <= 0.0147


def test_a_line_whose_error_is_beyond_floating_point_is_no_trend() -> None:
    figures = [
        (139.0, 1e-3),
        (1e-300, 614.0),
        (1.0, 1.0),
        (1e154, 3.1),
        (6.6, 3.7),
        (3.7, 1e8),
        (-25.0, 6.5),
        (0.0, 0.01),
    ]
    found = novelty([*days(figures), DayEffect(day=30_000, estimate=1e308, se=1e160)])
    assert found.differences is not None
    assert found.trend is None or math.isfinite(found.trend.se)
