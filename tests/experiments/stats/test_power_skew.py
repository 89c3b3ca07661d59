"""At unequal shares the statistic is skewed: the plan that knows it has the power of simulated experiments."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtr

from imp_core.errors import BadInput
from imp_experiments.stats.power.baseline import Baseline, of_mean, of_proportion
from imp_experiments.stats.power.mde import mde
from imp_experiments.stats.power.power import power
from imp_experiments.stats.power.setting import Setting
from imp_experiments.stats.power.units import units

RUNS = 400_000
FEWER = 40_000
Sampled = tuple[np.ndarray, np.ndarray]
Draw = Callable[[np.random.Generator, float, int, Baseline], Sampled]


def normal(dice: np.random.Generator, mean: float, n: int, baseline: Baseline) -> Sampled:
    variance = baseline.variance_at(mean)
    return dice.normal(mean, math.sqrt(variance / n), RUNS), variance * dice.chisquare(n - 1, RUNS) / (n - 1)


def binary(dice: np.random.Generator, mean: float, n: int, _: Baseline) -> Sampled:
    share = dice.binomial(n, mean, RUNS) / n
    return share, share * (1 - share) * n / (n - 1)


def gamma(dice: np.random.Generator, mean: float, n: int, baseline: Baseline) -> Sampled:
    shape = baseline.mean**2 / baseline.variance
    parts = [dice.gamma(shape, mean / shape, (1_000, n)) for _ in range(FEWER // 1_000)]
    means, variances = zip(*((one.mean(axis=1), one.var(axis=1, ddof=1)) for one in parts), strict=True)
    return np.concatenate(means), np.concatenate(variances)


def simulated(draw: Draw, baseline: Baseline, setting: Setting, effect: float, n: tuple[int, int]) -> float:
    """The share of runs in which Welch's t shows the effect with its sign, or, with a margin, non-inferiority."""
    dice = np.random.default_rng(20260301)
    relative = setting.scale == "relative"
    mean = baseline.mean * (1 + effect) if relative else baseline.mean + effect
    (m1, v1), (m0, v0) = draw(dice, mean, n[0], baseline), draw(dice, baseline.mean, n[1], baseline)
    one, zero = (v1 / n[0] / m1**2, v0 / n[1] / m0**2) if relative else (v1 / n[0], v0 / n[1])
    distance = (np.log(m1) - np.log(m0)) if relative else m1 - m0
    distance = math.copysign(1, effect) * distance - (math.log1p(-setting.margin) if setting.margin else 0.0)
    df = (one + zero) ** 2 / (one**2 / (n[0] - 1) + zero**2 / (n[1] - 1))
    return float((stdtr(df, -distance / np.sqrt(one + zero)) < setting.tail).mean())


def shares(control: float, **more: object) -> Setting:
    return replace(Setting(control=control, treatment=1 - control), **more)  # type: ignore[arg-type]


CASES = {
    "normal, a quarter treated": (normal, of_mean(10, 6, skewness=0.0), shares(0.75), 0.3),
    "normal, a tenth treated": (normal, of_mean(10, 6, skewness=0.0), shares(0.9), 0.1),
    "normal, a tenth control": (normal, of_mean(10, 6, skewness=0.0), shares(0.1), 0.1),
    "normal, down": (normal, of_mean(10, 6, skewness=0.0), shares(0.75, direction="down"), -0.2),
    "binary, a quarter treated": (binary, of_proportion(0.2, skewed=True), shares(0.75), 0.5),
    "binary, a tenth treated": (binary, of_proportion(0.2, skewed=True), shares(0.9), 0.2),
    "binary, a tenth control": (binary, of_proportion(0.05, skewed=True), shares(0.1), 0.2),
    "binary, absolute": (binary, of_proportion(0.05, skewed=True), shares(0.25, scale="absolute"), 0.015),
    "binary, margin": (binary, of_proportion(0.3, skewed=True), shares(0.9, sides=1, margin=0.15), 0.0),
    "gamma, absolute": (gamma, of_mean(10, 10, skewness=2.0), shares(0.75, scale="absolute"), 3.0),
    "gamma, relative": (gamma, of_mean(10, 10, skewness=2.0), shares(0.75), 0.3),
}


@pytest.mark.parametrize("case", CASES)
def test_at_unequal_shares_the_planned_units_have_the_planned_power(case: str) -> None:
    draw, baseline, setting, effect = CASES[case]
    found = units(baseline, setting, effect=effect, power=0.9)
    assert found is not None
    planned = power(baseline, setting, effect=effect, units=found.total)
    assert planned is not None
    rate = simulated(draw, baseline, setting, effect, (found.treatment, found.control))
    # standard error of the simulation: .0005 (of gamma .0015); the next term is of the order of 1/n, of events 1/events
    error = 0.0015 if draw is gamma else 0.0005
    fewest = min(found.treatment, found.control) * (baseline.mean if draw is binary else 1.0)
    assert rate == pytest.approx(planned, abs=3 * error + 0.25 / fewest)


@pytest.mark.parametrize(
    ("case", "promised_too_much"),
    [("normal, a quarter treated", 0.02), ("binary, a quarter treated", 0.02), ("binary, a tenth treated", 0.015)],
)
def test_without_the_skewness_it_promises_more_than_there_is(case: str, promised_too_much: float) -> None:
    draw, baseline, setting, effect = CASES[case]
    found = units(replace(baseline, skewness=None), setting, effect=effect, power=0.9)
    assert found is not None
    rate = simulated(draw, baseline, setting, effect, (found.treatment, found.control))
    assert rate < 0.9 - promised_too_much


def test_equal_shares_hardly_change_and_amounts_of_a_gamma_distribution_do_not() -> None:
    for base, change in ((of_proportion(0.05, skewed=True), 0.003), (of_mean(10, 10, skewness=2.0), 0.002)):
        plain = units(replace(base, skewness=None), Setting(), effect=0.1)
        mine = units(base, Setting(), effect=0.1)
        assert plain is not None
        assert mine is not None
        assert mine.exact == pytest.approx(plain.exact, rel=change)


@given(
    st.floats(0.02, 0.5),
    st.floats(0.1, 0.9),
    st.floats(0.1, 0.6),
    st.sampled_from(["up", "down"]),
    st.floats(0.6, 0.95),
)
def test_units_power_and_the_detectable_effect_are_each_others_way_back(
    share: float, control: float, size: float, direction: str, target: float
) -> None:
    base, setting = of_proportion(share, skewed=True), shares(control, direction=direction)
    effect = size if direction == "up" else -size
    found = units(base, setting, effect=effect, power=target)
    assert found is not None
    assert power(base, setting, effect=effect, units=found.exact) == pytest.approx(target, abs=1e-6)
    back = mde(base, setting, units=found.exact, power=target)
    assert back is not None
    assert abs(back) <= size * (1 + 1e-6)


def test_of_clusters_and_after_an_adjustment_skewness_is_left_out() -> None:
    for more in ({"cluster_size": 10, "icc": 0.1}, {"correlation": 0.5}):
        base, setting = of_mean(10, 10, skewness=3.0), shares(0.75, **more)
        plain = power(replace(base, skewness=None), setting, effect=0.3, units=2_000)
        assert power(base, setting, effect=0.3, units=2_000) == plain


def test_a_skewness_that_is_none_is_refused() -> None:
    for wrong in (math.nan, math.inf):
        with pytest.raises(BadInput, match="skewness"):
            of_mean(10, 10, skewness=wrong)


@given(
    st.sampled_from([1e-70, 1e-9, 1.0, 1e9, 1e70]),
    st.sampled_from([1e-70, 1e-9, 1.0, 1e9, 1e70]),
    st.sampled_from([-1e70, -30.0, 0.0, 5.0, 1e70]),
    st.sampled_from(["absolute", "relative"]),
)
def test_figures_at_the_edge_of_floating_point_have_a_power_or_are_refused(
    mean: float, sd: float, skewness: float, scale: str
) -> None:
    base = of_mean(mean, sd, skewness=skewness)
    effect = 0.1 if scale == "relative" else 0.1 * mean
    try:
        found = power(base, shares(0.75, scale=scale), effect=effect, units=1_000)
        needed = units(base, shares(0.75, scale=scale), effect=effect)
    except BadInput:
        return
    assert found is not None
    assert 0 <= found <= 1
    assert needed is None or needed.total > 0
