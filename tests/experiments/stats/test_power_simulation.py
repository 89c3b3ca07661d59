"""The power that is planned is the power that the house's own Welch test has in simulated experiments."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from imp_experiments.measure.moments import Summary
from imp_experiments.stats.power.baseline import Baseline, of_mean, of_proportion
from imp_experiments.stats.power.power import power as power_of
from imp_experiments.stats.power.setting import Setting
from imp_experiments.stats.power.units import units
from imp_experiments.stats.welch import welch

RUNS = 4_000
Draw = Callable[[np.random.Generator, float, int], tuple[np.ndarray, np.ndarray]]


def normal(dice: np.random.Generator, mean: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of n units in each run: of normal values they are independent, normal and chi-squared."""
    sd = 0.6 * mean
    return dice.normal(mean, sd / math.sqrt(n), RUNS), sd**2 * dice.chisquare(n - 1, RUNS) / (n - 1)


def binary(dice: np.random.Generator, mean: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    share = dice.binomial(n, mean, RUNS) / n
    return share, share * (1 - share) * n / (n - 1)


def lognormal(dice: np.random.Generator, mean: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    spread = math.sqrt(math.log1p(1.0))  # coefficient of variation 1
    return summed(dice.lognormal(math.log(mean) - spread**2 / 2, spread, (RUNS, n)))


def summed(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values.mean(axis=1), values.var(axis=1, ddof=1)


def shown(
    one: tuple[np.ndarray, np.ndarray], zero: tuple[np.ndarray, np.ndarray], n: tuple[int, int], setting: Setting
) -> float:
    """The share of runs whose registered interval lies above the null, by `welch`; n of treatment and control."""
    hits = 0
    for m1, v1, m0, v0 in zip(*one, *zero, strict=True):
        found = welch(Summary(n[0], float(m1), float(v1)), Summary(n[1], float(m0), float(v0)), alpha=2 * setting.tail)
        effect = found.relative if setting.scale == "relative" else found.absolute
        hits += effect is not None and effect.low > -(setting.margin or 0.0)
    return hits / RUNS


@pytest.mark.parametrize(
    ("name", "draw", "baseline", "setting", "effect", "power"),
    [
        ("normal", normal, of_mean(10, 6), Setting(), 0.08, 0.8),
        ("normal, few", normal, of_mean(10, 6), Setting(scale="absolute"), 8.0, 0.8),
        ("normal, unequal", normal, of_mean(10, 6), Setting(control=0.75, treatment=0.25), 0.01, 0.9),
        ("binary", binary, of_proportion(0.2), Setting(), 0.2, 0.8),
        ("binary, absolute", binary, of_proportion(0.2), Setting(scale="absolute", hypotheses=3), 0.05, 0.8),
        ("binary, margin", binary, of_proportion(0.3), Setting(sides=1, margin=0.15), 0.0, 0.8),
        ("lognormal", lognormal, of_mean(20, 20), Setting(), 0.12, 0.8),
    ],
)
def test_at_the_planned_units_welch_has_the_planned_power(
    name: str, draw: Draw, baseline: Baseline, setting: Setting, effect: float, power: float
) -> None:
    found = units(baseline, setting, effect=effect, power=power)
    assert found is not None
    mean = baseline.mean * (1 + effect) if setting.scale == "relative" else baseline.mean + effect
    dice = np.random.default_rng([20260301, *name.encode()])
    pair = (found.treatment, found.control)
    rate = shown(draw(dice, mean, pair[0]), draw(dice, baseline.mean, pair[1]), pair, setting)
    # whole units have a little more than was asked for
    planned = power_of(baseline, setting, effect=effect, units=found.total)
    assert planned is not None
    assert planned >= power - 1e-9
    assert rate == pytest.approx(planned, abs=3 * math.sqrt(planned * (1 - planned) / RUNS))


def test_at_the_planned_clusters_their_means_have_the_planned_power() -> None:
    size, icc, sd = 10, 0.2, 4.0
    setting = Setting(scale="absolute", cluster_size=size, icc=icc)
    found = units(of_mean(20, sd, follows="same"), setting, effect=1.5)
    assert found is not None
    dice, clusters = np.random.default_rng(3), round(found.control / size)
    means = []
    for mean in (21.5, 20.0):
        between = dice.normal(mean, sd * math.sqrt(icc), (RUNS, clusters, 1))
        units_of = between + dice.normal(0, sd * math.sqrt(1 - icc), (RUNS, clusters, size))
        means.append(summed(units_of.mean(axis=2)))
    # a part of a cluster is rounded: at most 2 % of the units, 0.01 of power
    assert shown(means[0], means[1], (clusters, clusters), setting) == pytest.approx(
        0.8, abs=3 * math.sqrt(0.16 / RUNS) + 0.01
    )
