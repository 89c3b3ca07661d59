from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import optimize, stats

from imp_core.errors import BadInput
from imp_experiments.measure.moments import Summary
from imp_experiments.stats.health.identified import identified_set
from imp_experiments.stats.health.manski import manski_bounds

grades = st.lists(st.floats(1, 5, allow_subnormal=False), min_size=1, max_size=30)


def summary(data) -> Summary:
    n = len(data)
    return Summary(n, float(np.mean(data)), float(np.var(data, ddof=1)) if n > 1 else None)


@given(grades, grades, st.integers(1, 20), st.integers(0, 20))
def test_the_bounds_are_those_of_the_units_with_their_gaps_filled(one, two, gaps_one: int, gaps_two: int) -> None:
    assume(len(two) + gaps_two > 1)
    found = manski_bounds(
        summary(one), summary(two), missing_variant=gaps_one, missing_control=gaps_two, lowest=1, highest=5
    ).bounds
    low_one, high_one = ([*one, *[value] * gaps_one] for value in (1, 5))
    low_two, high_two = ([*two, *[value] * gaps_two] for value in (1, 5))
    ends = [
        (np.mean(a) - np.mean(b), math.hypot(stats.sem(a), stats.sem(b)))
        for a, b in ((low_one, high_two), (high_one, low_two))
    ]
    assume(min(se for _, se in ends) > 1e-6)
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(ends[0][0], abs=1e-9), pytest.approx(ends[1][0], abs=1e-9))
    assert (found.se_low, found.se_high) == (pytest.approx(ends[0][1], rel=1e-6), pytest.approx(ends[1][1], rel=1e-6))


@given(st.floats(0, 20), st.floats(0.1, 3), st.floats(0.1, 3), st.sampled_from([0.01, 0.05, 0.2]))
def test_the_interval_is_imbens_and_manskis(width: float, se_low: float, se_high: float, alpha: float) -> None:
    found = identified_set(1.0, 1.0 + width, se_low, se_high, alpha=alpha)
    assert found is not None
    largest = max(se_low, se_high)
    factor = optimize.brentq(
        lambda c: stats.norm.cdf(c + width / largest) - stats.norm.cdf(-c) - (1 - alpha), 0, 10, xtol=1e-13
    )
    assert found.interval_low == pytest.approx(1.0 - factor * se_low, rel=1e-8, abs=1e-9)
    assert found.interval_high == pytest.approx(1.0 + width + factor * se_high, rel=1e-8, abs=1e-9)


def test_nothing_missing_is_one_point_with_the_two_sided_interval() -> None:
    found = manski_bounds(Summary(100, 0.3, 0.21), Summary(100, 0.2, 0.16), missing_variant=0, missing_control=0)
    assert found.bounds is not None
    assert found.bounds.low == found.bounds.high == pytest.approx(0.1)
    assert found.bounds.interval_low == pytest.approx(0.1 - stats.norm.ppf(0.975) * math.sqrt(0.0037), rel=1e-9)


def test_the_set_is_as_wide_as_the_missing_shares_together() -> None:
    found = manski_bounds(Summary(90, 0.3, 0.21), Summary(60, 0.2, 0.16), missing_variant=10, missing_control=40)
    assert found.bounds is not None
    assert found.bounds.high - found.bounds.low == pytest.approx(0.1 + 0.4)
    assert (found.missing_variant, found.missing_control) == (10, 40)


def test_a_large_effect_outlives_a_few_missing_units() -> None:
    held = manski_bounds(Summary(990, 0.5, 0.25), Summary(990, 0.3, 0.21), missing_variant=10, missing_control=10)
    lost = manski_bounds(Summary(800, 0.5, 0.25), Summary(800, 0.3, 0.21), missing_variant=200, missing_control=200)
    assert (held.verdict, lost.verdict) == ("excludes zero", "includes zero")
    swapped = manski_bounds(Summary(990, 0.3, 0.21), Summary(990, 0.5, 0.25), missing_variant=10, missing_control=10)
    assert swapped.verdict == "excludes zero"
    assert held.bounds is not None
    assert swapped.bounds is not None
    assert swapped.bounds.low == pytest.approx(-held.bounds.high)


def test_the_interval_covers_as_often_as_it_says_at_the_ends_of_the_set() -> None:
    dice, runs = np.random.default_rng(8), 2_000
    hits = 0
    for _ in range(runs):
        # the true effect lies at the lower end: every missing unit of the variant is 0, of control 1
        one, two = dice.random(400) < 0.4, dice.random(400) < 0.3
        seen = one[: dice.binomial(400, 0.9)], two[: dice.binomial(400, 0.9)]
        found = manski_bounds(
            summary(seen[0]),
            summary(seen[1]),
            missing_variant=400 - len(seen[0]),
            missing_control=400 - len(seen[1]),
        ).bounds
        assert found is not None
        hits += found.interval_low <= (0.9 * 0.4) - (0.9 * 0.3 + 0.1) <= found.interval_high
    # three standard errors of a share of .95 in 2,000 runs: .0146
    assert abs(hits / runs - 0.95) < 0.0146


FINE = Summary(100, 0.3, 0.21)


@pytest.mark.parametrize(
    ("variant", "missing"),
    [
        (Summary(0, None, None), 5),
        (Summary(0, None, None), 0),
        (Summary(1, 0.0, None), 0),
        (Summary(50, math.nan, math.nan), 5),
        (Summary(50, 0.5, math.inf), 5),
        (Summary(50, 1.5, 0.2), 5),
        (Summary(50, -0.1, 0.0), 5),
        (Summary(50, 0.5, 0.4), 5),
    ],
)
def test_impossible_figures_have_no_bounds(variant: Summary, missing: int) -> None:
    for one, two, gaps in ((variant, FINE, (missing, 0)), (FINE, variant, (0, missing))):
        found = manski_bounds(one, two, missing_variant=gaps[0], missing_control=gaps[1])
        assert (found.verdict, found.bounds) == ("not tested", None)
        assert found.reason


def test_values_that_never_vary_have_no_bounds_unless_some_are_missing() -> None:
    still = Summary(50, 0.0, 0.0)
    assert manski_bounds(still, still, missing_variant=0, missing_control=0).bounds is None
    found = manski_bounds(still, still, missing_variant=5, missing_control=5).bounds
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(-5 / 55), pytest.approx(5 / 55))


@pytest.mark.parametrize(
    "more",
    [
        {"missing_variant": -1},
        {"missing_control": 1.5},
        {"alpha": 0},
        {"alpha": 2},
        {"alpha": math.nan},
        {"lowest": 1.0},
        {"highest": math.inf},
        {"lowest": math.nan},
    ],
)
def test_wrong_arguments_are_refused(more: dict) -> None:
    with pytest.raises(BadInput):
        manski_bounds(FINE, FINE, **{"missing_variant": 0, "missing_control": 0, **more})
