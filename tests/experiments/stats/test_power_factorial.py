from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from imp_core.errors import BadInput
from imp_experiments.stats.power.factorial import contrast_factor, factorial_mde, factorial_power, factorial_units
from imp_experiments.stats.power.setting import Setting

ABSOLUTE = Setting(scale="absolute")
HALVES = (0.5, 0.5)


def needed(order: int, effect: float, high: tuple[float, ...] = HALVES) -> float:
    found = factorial_units(1.0, ABSOLUTE, order=order, high=high, effect=effect)
    assert found is not None
    return found


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("high", [(0.5, 0.5, 0.5), (0.2, 0.5, 0.7), (0.9, 0.3, 0.4)])
def test_a_contrasts_variance_is_that_of_least_squares(order: int, high: tuple[float, ...]) -> None:
    cells = list(itertools.product((-0.5, 0.5), repeat=3))
    subsets = [subset for size in range(4) for subset in itertools.combinations(range(3), size)]
    design = np.array([[math.prod(cell[f] for f in subset) for subset in subsets] for cell in cells])
    shares = [math.prod(p if x > 0 else 1 - p for x, p in zip(cell, high, strict=True)) for cell in cells]
    covariance = np.linalg.inv(design.T @ np.diag(shares) @ design)
    place = subsets.index(tuple(range(order)))
    assert contrast_factor(order, high) == pytest.approx(covariance[place, place], rel=1e-9)


def test_an_interaction_takes_4_times_the_units_of_a_main_effect_as_large_and_16_times_at_half_the_size() -> None:
    main = needed(1, 0.02)
    assert needed(2, 0.02) / main == pytest.approx(4)
    assert needed(2, 0.01) / main == pytest.approx(16)


def test_few_units_have_the_noncentral_ts_power() -> None:
    expected = stats.nct.sf(stats.t.isf(0.025, 20 - 4), 20 - 4, 1.2 * math.sqrt(20 / 4))
    found = factorial_power(1.0, ABSOLUTE, order=1, high=HALVES, effect=1.2, units=20)
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("number", [12, 60, 4_000, 1e6])
@pytest.mark.parametrize("order", [1, 2])
def test_the_detectable_effect_and_the_units_are_each_others_way_back(number: float, order: int) -> None:
    effect = factorial_mde(2.0, ABSOLUTE, order=order, high=HALVES, units=number, power=0.9)
    assert effect is not None
    back = factorial_units(2.0, ABSOLUTE, order=order, high=HALVES, effect=effect, power=0.9)
    assert back == pytest.approx(number, rel=1e-6)


def test_the_planned_power_of_an_interaction_is_that_of_simulated_experiments() -> None:
    dice, n, runs = np.random.default_rng(11), 40, 4_000
    planned = factorial_power(1.0, ABSOLUTE, order=2, high=HALVES, effect=0.9, units=4 * n)
    assert planned is not None
    cells = dice.normal(0, 1, (runs, 4, n)) + np.array([0, 0.3, -0.2, 0.9 + 0.1]).reshape(1, 4, 1)
    means, variances = cells.mean(axis=2), cells.var(axis=2, ddof=1)
    effect = means[:, 3] - means[:, 2] - means[:, 1] + means[:, 0]
    error = np.sqrt(variances.mean(axis=1) * 4 / n)
    shown = (effect / error > stats.t.isf(0.025, 4 * n - 4)).mean()
    assert shown == pytest.approx(planned, abs=3 * math.sqrt(planned * (1 - planned) / runs))


def test_where_nothing_can_be_shown_there_is_no_number() -> None:
    assert factorial_units(1.0, ABSOLUTE, order=1, high=HALVES, effect=0) is None
    assert factorial_units(1.0, ABSOLUTE, order=1, high=HALVES, effect=1e-200) is None
    assert factorial_power(1.0, ABSOLUTE, order=1, high=HALVES, effect=1, units=7) is None
    assert factorial_mde(1.0, ABSOLUTE, order=1, high=HALVES, units=7) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"order": 0}, {"order": 3}, {"high": (0.5, 1.0)}, {"high": (0.5, math.nan)}, {"sd": 0}, {"sd": math.nan},
        {"effect": math.nan}, {"units": 0}, {"units": math.inf}, {"setting": Setting()},
        {"setting": Setting(scale="absolute", sides=1, margin=0.1)},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    good: dict[str, Any] = {"sd": 1.0, "setting": ABSOLUTE, "order": 1, "high": HALVES, "effect": 0.1, "units": 1e3}
    with pytest.raises(BadInput):
        factorial_power(**{**good, **wrong})
