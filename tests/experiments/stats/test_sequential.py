from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imp_core.errors import BadInput
from imp_experiments.stats.sequential.boundary import Boundary, Look, next_boundary, plan_boundaries
from imp_experiments.stats.sequential.confidence_sequence import always_valid, multiplier, rho_squared
from imp_experiments.stats.sequential.inflation import inflation, passage
from imp_experiments.stats.sequential.ratio import log_bayes_factor, sequential_ratio
from imp_experiments.stats.sequential.spending import Spending

FLEMING, POCOCK = Spending("obrien_fleming"), Spending("pocock")
DAYS = 28
DAILY = [(day + 1) / DAYS for day in range(DAYS)]
HALVES = {"a": 0.5, "b": 0.5}


@cache
def daily_z(runs: int, *, leaving: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """z of 28 looks at the mean of growing N(0, 1) data, units in, and units of the last look still in.

    50 units come a day; in all, the share `leaving` withdraws by the end, each at a random later look.
    """
    dice = np.random.default_rng(seed)
    day = np.repeat(np.arange(DAYS), 50)
    values = dice.standard_normal((runs, len(day)))
    # one pattern of withdrawals: which units leave does not depend on what they show
    exit_day = np.where(dice.random(len(day)) < leaving, dice.integers(day + 1, DAYS + 1), DAYS + 1)
    z, n, kept = [], [], []
    before = np.zeros(len(day), dtype=bool)
    for look in range(DAYS):
        here = (day <= look) & (exit_day > look)
        z.append(values[:, here].sum(axis=1) / math.sqrt(here.sum()))
        n.append(here.sum())
        kept.append((here & before).sum())
        before = here
    return np.array(z), np.array(n), np.array(kept)


def boundaries(n: np.ndarray, kept: np.ndarray, sides: int) -> list[Boundary]:
    past: list[tuple[Look, Boundary]] = []
    used = False
    for look in range(DAYS):
        now = Look(fraction=float(n[look]) / (50 * DAYS), n=int(n[look]), kept=int(kept[look]) if used else None)
        found = next_boundary(past, now, alpha=0.05, spending=FLEMING, sides=sides, last=look == DAYS - 1)
        past.append((now, found))
        assert used <= (found.z is not None), "every look after the first used one is used, so that `kept` is right"
        used = used or found.z is not None
    return [boundary for _, boundary in past]


@pytest.mark.parametrize(("leaving", "sides"), [(0.0, 2), (0.3, 2), (0.3, 1)])
def test_twenty_eight_daily_looks_reject_no_more_than_alpha_under_the_null(leaving: float, sides: int) -> None:
    runs = 10_000
    z, n, kept = daily_z(runs, leaving=leaving, seed=20)
    limits = np.array([math.inf if b.z is None else b.z for b in boundaries(n, kept, sides)])[:, None]
    rejected = (z if sides == 1 else np.abs(z)) >= limits
    rate = rejected.any(axis=0).mean()
    # three standard errors of a share of 0.05; all of alpha is spent, so from below too
    assert abs(rate - 0.05) < 3 * math.sqrt(0.05 * 0.95 / runs)
    assert (np.abs(z) >= 1.96).any(axis=0).mean() > 0.2


@pytest.mark.parametrize("leaving", [0.0, 0.3])
@pytest.mark.parametrize("sides", [1, 2])
def test_a_confidence_sequence_leaves_nil_out_at_any_look_no_more_often_than_alpha(leaving: float, sides: int) -> None:
    runs = 10_000
    z, n, _ = daily_z(runs, leaving=leaving, seed=20)
    limits = np.array([multiplier(int(units), alpha=0.05, expected_n=1400, sides=sides) for units in n])[:, None]
    rate = ((z if sides == 1 else np.abs(z)) >= limits).any(axis=0).mean()
    assert rate < 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
    assert rate > 0.005


@settings(deadline=None)
@given(st.floats(-8, 8), st.floats(1, 1e9), st.floats(1e-6, 0.4), st.floats(1, 1e9), st.sampled_from([1, 2]))
def test_an_always_valid_p_agrees_with_its_interval(
    statistic: float, n: float, alpha: float, expected: float, sides: int
) -> None:
    found = always_valid(statistic * 0.1, 0.1, n, alpha=alpha, expected_n=expected, sides=sides)
    assert found is not None
    reached = statistic if sides == 1 else abs(statistic)
    if abs(reached - found.z) > 1e-9 * found.z:
        assert (found.p_value < alpha) == (reached > found.z)
    assert 0 <= found.p_value <= 1


def test_a_sequence_is_narrowest_where_it_is_tuned() -> None:
    best = multiplier(5000, alpha=0.05, expected_n=5000)
    assert best is not None
    for other in (2500, 4500, 5500, 10_000):
        assert multiplier(5000, alpha=0.05, expected_n=other) > best
    assert rho_squared(alpha=0.05, expected_n=100) == pytest.approx(50 * rho_squared(alpha=0.05, expected_n=5000))


@pytest.mark.parametrize(
    ("estimate", "se", "n"),
    [
        (math.nan, 1.0, 10),
        (math.inf, 1.0, 10),
        (1.0, 0.0, 10),
        (1.0, -1.0, 10),
        (1.0, math.nan, 10),
        (1.0, math.inf, 10),
        (1.0, 1.0, 0),
        (1.0, 1.0, -5),
        (1.0, 1.0, math.nan),
        (1.0, 1.0, math.inf),
    ],
)
def test_no_sequence_is_made_up_where_there_is_no_estimate(estimate: float, se: float, n: float) -> None:
    assert always_valid(estimate, se, n, alpha=0.05, expected_n=100) is None


def test_extreme_estimates_have_a_p_all_the_same() -> None:
    for sides in (1, 2):
        found = always_valid(1e300, 1e-300, 1e6, alpha=0.05, expected_n=1e6, sides=sides)
        assert found is not None
        assert found.p_value == 0.0
        found = always_valid(1e-300, 1.0, 1e6, alpha=0.05, expected_n=1e6, sides=sides)
        assert found is not None
        assert found.p_value == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"alpha": 2.0},
        {"alpha": 0.0},
        {"alpha": math.nan},
        {"sides": 0},
        {"sides": 1, "alpha": 0.5},
        {"expected_n": 0},
        {"expected_n": math.nan},
        {"expected_n": math.inf},
    ],
)
def test_a_sequence_refuses_impossible_settings(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        multiplier(100, **({"alpha": 0.05, "expected_n": 100} | wrong))


def test_a_plan_of_one_look_needs_the_fixed_sample() -> None:
    found = inflation([1.0], alpha=0.05, power=0.8, spending=FLEMING)
    assert (found.factor, found.expected_fraction) == (1.0, 1.0)


def test_daily_looks_keep_nearly_all_of_the_fixed_tests_power() -> None:
    fixed = inflation([1.0], alpha=0.05, power=0.8, spending=FLEMING)
    power = passage(DAILY, plan_boundaries(DAILY, 0.05, FLEMING), fixed.drift).up
    assert 0.95 * 0.8 < power < 0.8
    inflated = inflation(DAILY, alpha=0.05, power=0.8, spending=FLEMING)
    assert passage(DAILY, plan_boundaries(DAILY, 0.05, FLEMING), inflated.drift).up == pytest.approx(0.8, abs=1e-10)
    assert 1 < inflated.factor < 1.07
    assert inflated.expected_fraction * inflated.factor < 1


def test_a_drift_the_other_way_is_the_mirror_image() -> None:
    plan = plan_boundaries(DAILY, 0.05, POCOCK)
    one, two = passage(DAILY, plan, 1.5), passage(DAILY, plan, -1.5)
    assert (one.up, one.down) == (pytest.approx(two.down, rel=1e-9), pytest.approx(two.up, rel=1e-9))
    huge = passage(DAILY, plan, 1e6)
    assert huge.up == pytest.approx(1.0)
    assert huge.expected_fraction == pytest.approx(DAILY[0])


def test_simulated_power_is_the_computed_one() -> None:
    runs, drift = 10_000, 2.8
    z, _, _ = daily_z(runs, leaving=0.0, seed=20)
    plan = plan_boundaries(DAILY, 0.05, FLEMING)
    limits = np.array([math.inf if b.z is None else b.z for b in plan])[:, None]
    crossed = z + drift * np.sqrt(np.array(DAILY))[:, None] >= limits
    found = passage(DAILY, plan, drift)
    assert abs(crossed.any(axis=0).mean() - found.up) < 3 * math.sqrt(found.up * (1 - found.up) / runs)
    ends = np.where(crossed.any(axis=0), (crossed.argmax(axis=0) + 1) / DAYS, 1.0)
    assert abs(ends.mean() - found.expected_fraction) < 3 * ends.std() / math.sqrt(runs)


@pytest.mark.parametrize(
    ("fractions", "power"),
    [([0.5, 1.0], 1.0), ([0.5, 1.0], 0.01), ([0.5, 1.0], math.nan), ([0.5, 0.9], 0.8), ([], 0.8)],
)
def test_an_impossible_plan_has_no_inflation(fractions: list[float], power: float) -> None:
    with pytest.raises(BadInput):
        inflation(fractions, alpha=0.05, power=power, spending=FLEMING)


@pytest.mark.parametrize("drift", [math.nan, math.inf])
def test_a_drift_that_is_no_number_is_refused(drift: float) -> None:
    with pytest.raises(BadInput):
        passage([1.0], plan_boundaries([1.0], 0.05, FLEMING), drift)


def test_the_sample_ratio_blocks_from_the_day_it_breaks() -> None:
    days = [{"a": 1000, "b": 1000}] * 3 + [{"a": 1000, "b": 1300}] * 4 + [{"a": 1150, "b": 1000}] * 8
    found = sequential_ratio(days, HALVES)
    assert found.verdict == "mismatch"
    assert found.day == 6
    # what evens out later does not undo it
    assert found.p_value == sequential_ratio(days[:7], HALVES).p_value


def test_a_variant_without_a_weight_leaves_the_ratio() -> None:
    days = [{"a": 500, "b": 560, "gone": 90}, {"a": 500, "b": 590}]
    bare = [{"a": 500, "b": 560}, {"a": 500, "b": 590}]
    assert sequential_ratio(days, HALVES | {"gone": 0.0}) == sequential_ratio(bare, HALVES)


@pytest.mark.parametrize(
    ("days", "shares", "reason"),
    [
        ([{"a": 5}], {"a": 1.0}, "fewer than two variants have a weight"),
        ([{"a": 5}], {"a": 1.0, "b": 0.0}, "fewer than two variants have a weight"),
        ([], HALVES, "no unit has come"),
        ([{}, {"a": 0, "other": 7}], HALVES, "no unit has come"),
    ],
)
def test_a_ratio_that_cannot_be_tested_says_why(
    days: list[dict[str, int]], shares: dict[str, float], reason: str
) -> None:
    found = sequential_ratio(days, shares)
    assert (found.verdict, found.p_value, found.day, found.reason) == ("not tested", None, None, reason)


@pytest.mark.parametrize(
    ("days", "shares", "concentration"),
    [
        ([{"a": -1}], HALVES, 1e4),
        ([{"a": math.nan}], HALVES, 1e4),
        ([{"a": 10**400}], HALVES, 1e4),
        ([], {"a": 0.5, "b": 0.6}, 1e4),
        ([], {"a": 1.5, "b": -0.5}, 1e4),
        ([], {"a": math.nan, "b": 0.5}, 1e4),
        ([], HALVES, 0.0),
        ([], HALVES, math.inf),
    ],
)
def test_a_ratio_refuses_impossible_counts(
    days: list[dict[str, int]], shares: dict[str, float], concentration: float
) -> None:
    with pytest.raises(BadInput):
        sequential_ratio(days, shares, concentration=concentration)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=6))
def test_a_ratio_is_finite_and_falls_with_the_days(counts: list[tuple[int, int]]) -> None:
    days = [{"a": a, "b": b} for a, b in counts]
    found = [sequential_ratio(days[: index + 1], HALVES).p_value for index in range(len(days))]
    known = [p for p in found if p is not None]
    assert known == sorted(known, reverse=True)
    assert all(0 <= p <= 1 for p in known)


def test_the_bayes_factor_is_a_martingale_under_the_promised_shares() -> None:
    # its mean over all outcomes of 40 units is 1
    mean = math.fsum(
        math.comb(40, k) * 0.25**k * 0.75 ** (40 - k) * math.exp(log_bayes_factor([k, 40 - k], [0.25, 0.75], 7.0))
        for k in range(41)
    )
    assert mean == pytest.approx(1.0, rel=1e-12)


def test_daily_peeks_at_the_ratio_raise_few_false_alarms() -> None:
    runs = 1_000
    steps = np.random.default_rng(23).binomial(1000, 0.5, size=(runs, DAYS))
    days = [[{"a": int(a), "b": 1000 - int(a)} for a in row] for row in steps]
    low = sum(p < 0.05 for row in days if (p := sequential_ratio(row, HALVES).p_value) is not None)
    assert low / runs < 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
