from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from imp_core.errors import BadInput
from imp_experiments.stats.power.allocation import best_shares
from imp_experiments.stats.power.baseline import Baseline, of_mean, of_proportion
from imp_experiments.stats.power.chance import chance
from imp_experiments.stats.power.clusters import design_effect
from imp_experiments.stats.power.mde import mde
from imp_experiments.stats.power.power import power
from imp_experiments.stats.power.primaries import power_each, together
from imp_experiments.stats.power.quantile import of_quantile
from imp_experiments.stats.power.ratio import of_ratio
from imp_experiments.stats.power.sample_ratio import sample_ratio_power, sample_ratio_units
from imp_experiments.stats.power.setting import Setting
from imp_experiments.stats.power.units import MOST_UNITS, units

baselines = st.one_of(
    st.floats(0.01, 0.99).map(of_proportion),
    st.tuples(st.floats(0.1, 1e4), st.floats(0.01, 5)).map(lambda pair: of_mean(pair[0], pair[0] * pair[1])),
    st.tuples(st.floats(0.1, 1e4), st.floats(0.01, 5)).map(
        lambda pair: of_mean(pair[0], pair[0] * pair[1], follows="same")
    ),
)
settings = st.builds(
    Setting,
    alpha=st.sampled_from([0.01, 0.05, 0.2]),
    sides=st.sampled_from([1, 2]),
    hypotheses=st.integers(1, 6),
    scale=st.sampled_from(["absolute", "relative"]),
    direction=st.sampled_from(["up", "down"]),
    control=st.floats(0.1, 0.5),
    treatment=st.floats(0.1, 0.5),
    correlation=st.floats(-0.9, 0.9),
    inflation=st.floats(1, 1.3),
)
HALVES = Setting()


def exact(*arguments: Any, **named: Any) -> float:
    found = units(*arguments, **named)
    assert found is not None
    return found.exact


@given(baselines, settings, st.floats(10, 1e7), st.sampled_from([0.5, 0.8, 0.95]))
def test_the_detectable_effect_has_the_power_it_was_asked_for(
    baseline: Baseline, setting: Setting, number: float, target: float
) -> None:
    effect = mde(baseline, setting, units=number, power=target) if number * 0.1 >= 2 else None
    if effect is None:
        return
    assert (effect > 0) == (setting.direction == "up")
    assert power(baseline, setting, effect=effect, units=number) == pytest.approx(target, abs=1e-6)
    assert (power(baseline, setting, effect=effect * 0.99, units=number) or 0) < target


@given(baselines, settings, st.floats(0.001, 0.5), st.sampled_from([0.5, 0.8, 0.95]))
def test_the_units_are_the_fewest_that_have_the_power(
    baseline: Baseline, setting: Setting, size: float, target: float
) -> None:
    effect = (size if setting.direction == "up" else -size) * (1 if setting.scale == "relative" else baseline.mean)
    if not baseline.possible(baseline.mean * (1 + effect) if setting.scale == "relative" else baseline.mean + effect):
        return
    found = units(baseline, setting, effect=effect, power=target)
    assert found is not None
    assert (power(baseline, setting, effect=effect, units=found.total) or 0) >= target - 1e-9
    fewer = power(baseline, setting, effect=effect, units=found.exact * 0.999)
    assert fewer is None or fewer < target
    assert found.control >= 2
    assert found.treatment >= 2


@given(st.floats(0, 8), st.sampled_from([0.025, 0.001]), st.floats(1, 2e4), st.floats(1, 2))
def test_power_grows_with_the_distance_and_with_the_degrees_of_freedom(
    distance: float, tail: float, df: float, more: float
) -> None:
    here = chance(distance, tail=tail, df=df)
    assert tail - 1e-12 <= here <= 1
    assert chance(distance * more, tail=tail, df=df) >= here - 1e-12
    assert chance(distance, tail=tail, df=df * more) >= here - 1e-9


@pytest.mark.parametrize("df", [1, 3, 50, 5e3])
@pytest.mark.parametrize("distance", [1e2, 1e4, 1e5, 1e20, 1e75])
def test_a_far_effect_is_shown_as_often_as_the_estimated_spread_lets_it(df: float, distance: float) -> None:
    critical = stats.t.isf(1e-6, df)
    expected = stats.chi2.cdf(df * min(distance / critical, 1e6) ** 2, df)
    # at a hundred standard errors the numerator still has a say
    assert chance(distance, tail=1e-6, df=df) == pytest.approx(expected, abs=1e-4 if distance > 100 else 0.02)


def test_at_no_effect_only_the_side_that_is_asked_about_counts() -> None:
    assert power(of_proportion(0.1), HALVES, effect=0, units=1e6) == pytest.approx(0.025)
    assert power(of_proportion(0.1), Setting(sides=1), effect=0, units=1e6) == pytest.approx(0.05)


def test_three_variants_count_all_units_and_test_two_of_them() -> None:
    third = Setting(control=1 / 3, treatment=1 / 3, hypotheses=2)
    two = units(of_proportion(0.1), Setting(hypotheses=2), effect=0.1)
    three = units(of_proportion(0.1), third, effect=0.1)
    assert two is not None
    assert three is not None
    assert three.control == pytest.approx(two.control, abs=1)
    assert three.total == pytest.approx(1.5 * two.total, abs=3)


def test_the_logs_variance_is_used_on_the_relative_scale() -> None:
    n = exact(of_mean(10, 20), HALVES, effect=0.05)
    z = stats.norm.isf(0.025) + stats.norm.ppf(0.8)
    assert n == pytest.approx(2 * 2 * 2**2 * (z / math.log(1.05)) ** 2, rel=1e-9)


# -- what the methods add ---------------------------------------------------------------------------------------------


def test_a_covariate_leaves_one_less_its_r_squared_of_the_units() -> None:
    base = of_mean(10, 20)
    plain, adjusted = (exact(base, Setting(correlation=rho), effect=0.02) for rho in (0.0, 0.6))
    assert adjusted / plain == pytest.approx(1 - 0.6**2, rel=1e-9)


def test_unequal_slopes_cost_what_lins_formula_says() -> None:
    setting = Setting(scale="absolute", correlation=0.6, control=0.4, treatment=0.3)
    n, v0, v1 = 40_000, 400.0, 400 * 1.07**2
    adjusted = 0.64 * (v0 / 0.4 + v1 / 0.3) + 0.36 * (math.sqrt(v1) - math.sqrt(v0)) ** 2
    expected = stats.norm.sf(stats.norm.isf(0.025) - 0.7 / math.sqrt(adjusted / n))
    assert power(of_mean(10, 20), setting, effect=0.7, units=n) == pytest.approx(expected, rel=1e-9)


def test_clusters_and_looks_multiply_the_units() -> None:
    base = of_proportion(0.1)
    plain = exact(base, HALVES, effect=0.02)
    setting = Setting(cluster_size=20, icc=0.05, cluster_cv=0.65, inflation=1.03)
    factor = 1 + ((0.65**2 + 1) * 20 - 1) * 0.05
    assert exact(base, setting, effect=0.02) / plain == pytest.approx(factor * 1.03, rel=1e-3)
    assert design_effect(20, 0.05) == pytest.approx(1.95)
    assert design_effect(1, 0.9) == 1


def test_few_clusters_have_few_degrees_of_freedom() -> None:
    setting = Setting(scale="absolute", cluster_size=50, icc=0.1)
    base = of_mean(10, 1, follows="same")
    se = math.sqrt(4 * design_effect(50, 0.1) / 1_000)
    expected = stats.nct.sf(stats.t.isf(0.025, 18), 18, 0.6 / se)
    assert power(base, setting, effect=0.6, units=1_000) == pytest.approx(expected, rel=1e-9)
    assert power(base, setting, effect=0.6, units=199) is None


def test_the_ratio_is_that_of_its_linear_form(rng: np.random.Generator) -> None:
    below = rng.poisson(3, 400_000) + 1.0
    above = below * rng.lognormal(0, 0.5, 400_000)
    base = of_ratio(
        (above.mean(), above.std()), (below.mean(), below.std()), correlation=float(np.corrcoef(above, below)[0, 1])
    )
    linear = (above - base.mean * below) / below.mean()
    assert base.variance == pytest.approx(linear.var(), rel=1e-9)
    assert base.mean == pytest.approx(above.mean() / below.mean())


def test_a_quantiles_variance_is_that_of_samples(rng: np.random.Generator) -> None:
    n, runs = 401, 4_000
    base = of_quantile(5.0, q=0.5, density=stats.norm(5, 2).pdf(5.0))
    medians = np.median(rng.normal(5, 2, (runs, n)), axis=1)
    # the variance's own standard error is its √(2 / runs)-fold; the asymptotic one is off by order 1 / n
    assert medians.var() * n == pytest.approx(base.variance, rel=3 * math.sqrt(2 / runs) + 2 / n)


def test_non_inferiority_is_the_verdicts_bound() -> None:
    base = of_proportion(0.2)
    up = Setting(sides=1, margin=0.05)
    z = stats.norm.isf(0.05) + stats.norm.ppf(0.8)
    assert exact(base, up, effect=0) == pytest.approx(4 * 4 * (z / math.log(0.95)) ** 2, rel=1e-9)
    down = Setting(sides=1, margin=0.05, direction="down")
    assert exact(base, down, effect=0) == pytest.approx(4 * 4 * (z / math.log(1.05)) ** 2, rel=1e-9)
    assert units(base, up, effect=-0.05) is None
    assert units(base, up, effect=-0.02) is not None
    assert exact(base, up, effect=0.02) < exact(base, up, effect=0)


def test_the_product_of_powers_is_a_lower_bound_where_metrics_go_together() -> None:
    found = together([0.8, 0.9])
    assert found.all_product == pytest.approx(0.72)
    assert found.all_least == pytest.approx(0.7)
    assert found.any_product == pytest.approx(0.98)
    assert found.any_least == 0.9
    for rho in (0.0, 0.3, 0.9):
        mean = [stats.norm.isf(0.025) + stats.norm.ppf(p) for p in (0.8, 0.9)]
        both = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([m - stats.norm.isf(0.025) for m in mean])
        assert both >= found.all_product - 1e-6
        assert 0.8 + 0.9 - both <= found.any_product + 1e-6
    assert power_each(0.8, 2, rule="all") ** 2 == pytest.approx(0.8)
    assert power_each(0.8, 2, rule="any") == 0.8


@pytest.mark.parametrize("treatments", [1, 2, 5])
@pytest.mark.parametrize("sd_ratio", [0.5, 1.0, 2.0])
def test_no_other_shares_are_more_precise(treatments: int, sd_ratio: float) -> None:
    control, each = best_shares(treatments, sd_ratio=sd_ratio)
    assert control + treatments * each == pytest.approx(1)
    best = 1 / control + sd_ratio**2 / each
    for other in np.linspace(0.01, 0.99, 99):
        assert 1 / other + sd_ratio**2 * treatments / (1 - other) >= best - 1e-9


def test_the_units_that_show_a_lost_percent_are_those_with_the_power() -> None:
    found = sample_ratio_units((0.5, 0.5), (0.505, 0.495), power=0.9)
    assert found is not None
    assert sample_ratio_power((0.5, 0.5), (0.505, 0.495), units=found) == pytest.approx(0.9, abs=1e-9)
    z = stats.norm.isf(0.0005) + stats.norm.ppf(0.9)
    assert found == pytest.approx((z / 0.01) ** 2, rel=1e-4)
    assert sample_ratio_units((0.5, 0.5), (0.5, 0.5)) is None


# -- what cannot be ---------------------------------------------------------------------------------------------------


def test_where_nothing_can_be_shown_there_is_no_number() -> None:
    assert units(of_proportion(0.1), HALVES, effect=0) is None
    assert units(of_proportion(0.1), HALVES, effect=1e-9) is None
    assert units(of_proportion(0.1), HALVES, effect=1e-300) is None
    assert mde(of_proportion(0.9), HALVES, units=10) is None
    assert mde(of_proportion(0.5), HALVES, units=3) is None
    assert mde(of_mean(1, 50), Setting(scale="absolute", direction="down"), units=100) is None
    assert power(of_proportion(0.5), HALVES, effect=0.1, units=3) is None
    assert MOST_UNITS == 1e12


def test_the_smallest_fall_is_found_where_larger_ones_are_harder_to_show() -> None:
    """On the log scale a proportion near 0 has a large error: the power of a fall rises, then sinks."""
    base, setting = of_proportion(0.05), Setting(direction="down")
    sizes = np.linspace(0.01, 0.99, 981)
    powers = np.array([power(base, setting, effect=-size, units=900) or 0 for size in sizes])
    highest = powers.max()
    assert powers[-1] < highest - 0.2
    # within a narrow range at the top only
    found = mde(base, setting, units=900, power=highest - 0.002)
    assert found is not None
    assert found == pytest.approx(-sizes[powers >= highest - 0.002][0], abs=0.001)
    assert mde(base, setting, units=900, power=highest + 0.001) is None


@pytest.mark.parametrize("extreme", [1e-70, 1e-3, 1e70])
@pytest.mark.parametrize("scale", ["absolute", "relative"])
def test_extreme_figures_give_numbers_or_none_and_no_traceback(extreme: float, scale: str) -> None:
    for base in (of_mean(extreme, 1.0), of_mean(1.0, extreme), of_mean(extreme, extreme)):
        setting = Setting(scale=scale)
        found = mde(base, setting, units=1e4)
        assert found is None or (math.isfinite(found) and found > 0)
        needed = units(base, setting, effect=extreme if scale == "absolute" else 0.5)
        assert needed is None or needed.exact > 0


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, 1.1, math.nan, math.inf])
def test_what_is_no_proportion_is_refused(value: float) -> None:
    with pytest.raises(BadInput):
        of_proportion(value)


@pytest.mark.parametrize(
    ("mean", "sd", "follows"),
    [
        (1, 0, "cv"), (1, -1, "cv"), (1, math.nan, "cv"), (1, math.inf, "cv"), (math.nan, 1, "same"),
        (math.inf, 1, "same"), (0, 1, "cv"), (1e300, 1, "same"), (1, 1, "other"), (1, 1e-200, "same"),
    ],
)  # fmt: skip
def test_what_is_no_mean_with_spread_is_refused(mean: float, sd: float, follows: str) -> None:
    with pytest.raises(BadInput):
        of_mean(mean, sd, follows=follows)


@pytest.mark.parametrize(
    "wrong",
    [
        {"alpha": 2}, {"alpha": 0}, {"alpha": math.nan}, {"sides": 3}, {"hypotheses": 0}, {"scale": "log"},
        {"direction": "sideways"}, {"control": 0}, {"control": 0.7}, {"treatment": math.nan}, {"margin": 0.1},
        {"margin": 1, "sides": 1}, {"margin": -0.1, "sides": 1}, {"correlation": 1}, {"cluster_size": 0},
        {"icc": -0.1}, {"icc": 2, "cluster_size": 5}, {"cluster_cv": -1}, {"inflation": 0.9},
        {"inflation": math.inf}, {"correlation": math.nan},
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Setting(**wrong)


@pytest.mark.parametrize("effect", [-1, -2, 20, math.nan, math.inf, 1e300])
def test_an_effect_that_no_variant_can_have_is_refused(effect: float) -> None:
    with pytest.raises(BadInput):
        power(of_proportion(0.05), HALVES, effect=effect, units=1_000)


@pytest.mark.parametrize("number", [0, -5, math.nan, math.inf])
def test_what_is_no_number_of_units_is_refused(number: float) -> None:
    for function in (power, mde):
        with pytest.raises(BadInput):
            function(of_proportion(0.05), HALVES, units=number, **({"effect": 0.1} if function is power else {}))


@pytest.mark.parametrize("target", [0.0, 0.01, 1.0, 1.5, math.nan])
def test_a_power_that_no_test_is_planned_for_is_refused(target: float) -> None:
    with pytest.raises(BadInput):
        units(of_proportion(0.05), HALVES, effect=0.1, power=target)
    with pytest.raises(BadInput):
        mde(of_proportion(0.05), HALVES, units=1_000, power=target)


def test_a_relative_plan_needs_a_mean_above_zero_and_a_margin_leaves_no_effect_to_solve() -> None:
    with pytest.raises(BadInput, match="no relative scale"):
        units(of_mean(0, 1, follows="same"), HALVES, effect=0.1)
    with pytest.raises(BadInput, match="no relative scale"):
        mde(of_mean(-3, 1, follows="same"), HALVES, units=100)
    with pytest.raises(BadInput, match="margin"):
        mde(of_proportion(0.1), Setting(sides=1, margin=0.1), units=100)


def test_helpers_refuse_what_cannot_be() -> None:
    calls = [
        lambda: of_ratio((1, 1), (0, 1), correlation=0),
        lambda: of_ratio((1, -1), (1, 1), correlation=0),
        lambda: of_ratio((1, 1), (1, 1), correlation=2),
        lambda: of_ratio((1, 1), (1, 1), correlation=1),
        lambda: of_quantile(1, q=1, density=1),
        lambda: of_quantile(1, q=0.5, density=0),
        lambda: best_shares(0),
        lambda: best_shares(2, sd_ratio=math.nan),
        lambda: together([]),
        lambda: together([1.2]),
        lambda: power_each(0.8, 0, rule="all"),
        lambda: power_each(0.8, 1, rule="most"),
        lambda: sample_ratio_power((0.5, 0.6), (0.5, 0.5), units=100),
        lambda: sample_ratio_power((0.5, 0.5), (0.5, 0.5, 0), units=100),
        lambda: sample_ratio_power((0.5, 0.5), (0.4, 0.6), units=math.inf),
        lambda: sample_ratio_power((0.5, 0.5), (0.4, 0.6), units=100, alpha=2),
        lambda: sample_ratio_units((0.5, 0.5), (0.4, 0.6), power=1),
    ]
    for call in calls:
        with pytest.raises(BadInput):
            call()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260301)
