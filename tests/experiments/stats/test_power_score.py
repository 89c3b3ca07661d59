from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from imp_core.errors import BadInput
from imp_experiments.stats.power.score import restricted, score_power, score_units
from imp_experiments.stats.power.setting import Setting

proportions = st.floats(0.02, 0.98)


@given(proportions, proportions, st.floats(0.2, 0.8), st.sampled_from(["absolute", "relative"]), st.floats(0.02, 0.3))
def test_the_restricted_proportions_are_the_likeliest(
    treatment: float, control: float, share: float, scale: str, margin: float
) -> None:
    null = -margin if scale == "absolute" else 1 - margin
    one, zero = restricted(treatment, control, shares=(share, 1 - share), null=null, scale=scale)

    def far(base: float) -> float:
        other = base + null if scale == "absolute" else base * null
        pairs = ((share, treatment, other), (1 - share, control, base))
        return -sum(n * (p * math.log(q) + (1 - p) * math.log(1 - q)) for n, p, q in pairs)

    low = -null if scale == "absolute" else 0.0
    oracle = optimize.minimize_scalar(far, bounds=(low + 1e-12, 1 - 1e-12), method="bounded", options={"xatol": 1e-10})
    assert far(zero) <= oracle.fun + 1e-9
    assert one == pytest.approx(zero + null if scale == "absolute" else zero * null, abs=1e-9)


def test_without_a_margin_the_null_pools_both() -> None:
    for scale, null in (("absolute", 0.0), ("relative", 1.0)):
        found = restricted(0.3, 0.1, shares=(0.25, 0.75), null=null, scale=scale)
        assert found == (pytest.approx(0.15), pytest.approx(0.15))


@given(proportions, st.floats(0.02, 0.3), st.floats(0.1, 0.8), st.sampled_from(["up", "down"]))
def test_units_and_power_are_each_others_way_back(control: float, margin: float, share: float, direction: str) -> None:
    setting = Setting(sides=1, margin=margin, control=share, treatment=1 - share, direction=direction)
    if control * (1 + margin) >= 1:
        return
    number = score_units(control, setting, effect=0.0, power=0.85)
    assert number is not None
    assert score_power(control, setting, effect=0.0, units=number) == pytest.approx(0.85, abs=1e-9)


def test_the_planned_power_is_that_of_simulated_score_tests() -> None:
    dice, runs, n = np.random.default_rng(5), 20_000, 400
    setting = Setting(scale="absolute", sides=1, margin=0.08)
    planned = score_power(0.3, setting, effect=0.0, units=2 * n)
    one, zero = dice.binomial(n, 0.3, runs) / n, dice.binomial(n, 0.3, runs) / n
    shown = 0
    pairs, counts = np.unique(np.stack([one, zero], axis=1), axis=0, return_counts=True)
    for (p1, p0), count in zip(pairs, counts, strict=True):
        q1, q0 = restricted(p1, p0, shares=(0.5, 0.5), null=-0.08, scale="absolute")
        z = (p1 - p0 + 0.08) / math.sqrt((q1 * (1 - q1) + q0 * (1 - q0)) / n)
        shown += count * (z > stats.norm.isf(0.05))
    # 3 standard errors, and as much again as one whole unit moves the test
    assert shown / runs == pytest.approx(planned, abs=3 * math.sqrt(planned * (1 - planned) / runs) + 0.005)


def test_what_cannot_be_is_none_or_refused() -> None:
    margin = Setting(scale="absolute", sides=1, margin=0.05)
    assert score_units(0.3, margin, effect=-0.05) is None
    assert score_units(0.3, Setting(), effect=0) is None
    assert score_units(0.3, Setting(), effect=1e-9) is None
    assert score_power(0.5, Setting(scale="absolute"), effect=0.5, units=1_000) > 0.999
    for control, setting, effect, number in (
        (0.0, margin, 0.0, 10.0),
        (0.3, margin, 0.8, 10.0),
        (0.3, margin, 0.0, 0.0),
        (0.3, Setting(correlation=0.5), 0.1, 10.0),
    ):
        with pytest.raises(BadInput):
            score_power(control, setting, effect=effect, units=number)
