from __future__ import annotations

import math
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from imp_core.errors import BadInput
from imp_experiments.measure.moments import Summary
from imp_experiments.stats.best_cell import BestCell, best_cell
from imp_experiments.stats.effect import CONDITIONS
from imp_experiments.stats.product_normal import critical_value, probability_within
from imp_experiments.stats.winner import corrected, simultaneous_reach

RUNS = 1_500


def variants(*means: float, n: int = 10_000, variance: float = 1.0) -> dict[str, Summary]:
    return {f"v{at}": Summary(n, mean, variance) for at, mean in enumerate(means)}


# --- critical values


@settings(max_examples=30)
@given(st.floats(0.2, 5), st.lists(st.floats(0.2, 5), min_size=1, max_size=5), st.floats(0.2, 3), st.booleans())
def test_probabilities_are_those_of_adaptive_quadrature(base: float, others: list[float], d: float, both: bool) -> None:
    def inside(z: float) -> float:
        tails = [((d * math.hypot(o, base) + base * z) / o, (base * z - d * math.hypot(o, base)) / o) for o in others]
        return math.prod(stats_cdf(up) - (stats_cdf(down) if both else 0.0) for up, down in tails) * density(z)

    oracle = integrate.quad(inside, -9, 9, epsabs=1e-11, limit=400)[0]
    assert probability_within(d, base, np.array(others), two_sided=both) == pytest.approx(oracle, abs=1e-8)


def stats_cdf(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize("df", [4.0, 12.0, 80.0, 1e4, math.inf])
def test_one_comparison_has_students_critical_value(df: float) -> None:
    for two_sided, tail in ((False, 0.95), (True, 0.975)):
        found = critical_value(0.95, 2.0, np.array([0.7]), df=df, two_sided=two_sided)
        assert found == pytest.approx(stats.t.ppf(tail, df) if df < math.inf else stats.norm.ppf(tail), abs=1e-4)


def test_others_far_more_certain_than_the_base_are_one_comparison_or_a_little_more() -> None:
    found = critical_value(0.95, 1.0, np.full(5, 1e-7))
    assert 1.6449 < found < 1.68


def test_nothing_to_compare_needs_no_room() -> None:
    assert critical_value(0.95, 1.0, np.array([])) == 0.0


# --- multiple comparisons with the best


def test_a_clear_leader_is_proven_and_the_others_are_ruled_out() -> None:
    found = best_cell(variants(1.0, 1.2, 1.1), control="v0")
    assert (found.best, found.proven) == ("v1", True)
    assert [item.candidate for item in found.comparisons] == [False, True, False]
    leader = found.comparisons[1]
    assert (leader.low, leader.estimate) == (0.0, pytest.approx(0.1))
    assert all(item.high == 0 and item.low < item.estimate < 0 for item in found.comparisons if item is not leader)


def test_near_ties_stay_candidates() -> None:
    found = best_cell(variants(1.0, 1.2, 1.19))
    assert (found.best, found.proven) == ("v1", False)
    assert [item.candidate for item in found.comparisons] == [False, True, True]
    assert all(item.low <= 0 <= item.high for item in found.comparisons)


def test_the_intervals_of_equal_cells_are_hsus() -> None:
    n, means = 10_000, (1.0, 1.2, 1.19, 1.15)
    width = critical_value(0.95, 1.0, np.ones(3), df=2 * (n - 1)) * math.sqrt(2 / n)
    for item, mean in zip(best_cell(variants(*means)).comparisons, means, strict=True):
        rest = max(other for other in means if other != mean)
        assert item.high == pytest.approx(max(0.0, mean - rest + width), abs=1e-9)
        # Hsu 1984: of equal cells the lower end is that against the best of the others
        assert item.low == pytest.approx(min(0.0, mean - rest - width), abs=1e-9)


def test_two_variants_are_decided_by_welchs_one_sided_test() -> None:
    lead = stats.norm.ppf(0.95) * math.sqrt(2 / 10_000)
    assert best_cell(variants(1.0, 1.0 + lead * 1.001)).proven
    assert not best_cell(variants(1.0, 1.0 + lead * 0.999)).proven


def test_small_values_are_best_where_down_is_good() -> None:
    up, down = (
        best_cell(variants(1.0, 1.2, 1.1), control="v0"),
        best_cell(variants(-1.0, -1.2, -1.1), control="v0", direction="down"),
    )
    assert (down.best, down.proven) == (up.best, up.proven)
    for one, two in zip(up.comparisons, down.comparisons, strict=True):
        assert (two.estimate, two.low, two.high) == pytest.approx((-one.estimate, -one.high, -one.low))
    assert up.value is not None
    assert down.value is not None
    assert (down.value.estimate, down.value.low) == pytest.approx((-up.value.estimate, -up.value.high))
    assert up.lead is not None
    assert down.lead is not None
    assert down.lead.estimate == pytest.approx(-up.lead.estimate)


@given(st.sampled_from([1e-120, 1e-6, 1e6, 1e120]))
@settings(max_examples=4)
def test_the_units_of_the_metric_change_no_answer(unit: float) -> None:
    plain = best_cell(variants(1.0, 1.2, 1.19))
    found = best_cell(variants(unit, 1.2 * unit, 1.19 * unit, variance=unit * unit))
    assert (found.best, found.proven) == (plain.best, plain.proven)
    assert found.comparisons[0].low == pytest.approx(plain.comparisons[0].low * unit)


def test_the_intervals_hold_all_the_truths_at_once() -> None:
    dice = np.random.default_rng(4)
    truth, se = np.array([1.0, 1.0, 0.95, 0.8]), np.array([0.05, 0.1, 0.03, 0.08])
    n = 100_000
    # the critical values depend on the standard errors alone, which stay the same
    wanted = [truth[at] - np.delete(truth, at).max() for at in range(4)]
    runs, hits, wrong = 150, 0, 0
    for _ in range(runs):
        means = dice.normal(truth, se)
        found = best_cell(
            {str(at): Summary(n, float(m), float(s * s * n)) for at, (m, s) in enumerate(zip(means, se, strict=True))}
        )
        hits += all(item.low <= true <= item.high for item, true in zip(found.comparisons, wanted, strict=True))
        wrong += bool(found.proven and found.best not in {"0", "1"})
    # the standard error of .95 in 150 runs is .018; three of them
    assert hits / runs > 0.95 - 0.054
    assert wrong / runs < 0.05 + 0.054


# --- the winner's value


@cache
def winners(spread: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True value, naive estimate and correction (estimate, low, high) of the winner among eight, over many runs."""
    dice = np.random.default_rng(12)
    se, alpha = np.linspace(0.5, 1.5, 8), 0.05
    reach = partial(simultaneous_reach, 8)
    truth = spread * np.linspace(-1, 1, 8)
    true, naive, ours = [], [], []
    for _ in range(RUNS):
        y = dice.normal(truth, se)
        best = int(np.argmax(y))
        found = corrected(float(y[best]), float(se[best]), float(np.delete(y, best).max()), reach, alpha=alpha)
        true.append(truth[best])
        naive.append(found.naive)
        ours.append((found.estimate, found.low, found.high))
    return np.array(true), np.array(naive), np.array(ours)


@pytest.mark.parametrize("spread", [0.0, 0.5, 2.0])
def test_a_winners_naive_mean_is_too_large_and_the_correction_is_not(spread: float) -> None:
    true, naive, ours = winners(spread)
    above, ours_above = (naive > true).mean(), (ours[:, 0] > true).mean()
    # the standard error of a half in 1,500 runs is .013; the hybrid may miss the half by β/2 = .0025 besides
    assert above > 0.6
    assert abs(ours_above - 0.5) < 0.042
    assert abs(np.median(ours[:, 0] - true)) < np.median(naive - true) / 2
    assert abs(np.mean(ours[:, 0] - true)) < np.mean(naive - true)


@pytest.mark.parametrize("spread", [0.0, 0.5, 2.0])
def test_a_winners_interval_holds_its_value_as_often_as_it_says(spread: float) -> None:
    true, _, ours = winners(spread)
    covered = ((ours[:, 1] <= true) & (true <= ours[:, 2])).mean()
    # the standard error of .95 in 1,500 runs is .0056; three of them
    assert covered > 0.95 - 0.017


def test_the_naive_interval_of_a_winner_does_not_hold_its_value() -> None:
    true, naive, ours = winners(0.0)
    se = np.linspace(0.5, 1.5, 8)
    assert (np.abs(naive - true) > 1.96 * se.max()).mean() > 0.05
    assert ours.shape == (RUNS, 3)


def test_a_lead_over_control_is_corrected_too() -> None:
    dice = np.random.default_rng(6)
    n, naive, ours, covered = 10_000, [], [], []
    for _ in range(150):
        means = 1 + dice.standard_normal(4) / math.sqrt(n)
        found = best_cell(variants(*means.tolist(), n=n), control="v0")
        if found.lead is not None:
            naive.append(found.lead.naive * math.sqrt(n))
            ours.append(found.lead.estimate * math.sqrt(n))
            covered.append(found.lead.low <= 0 <= found.lead.high)
    # every naive lead is above its true value, 0, by construction; the standard error of a half in 110 is .048
    assert min(naive) > 0
    assert abs((np.array(ours) > 0).mean() - 0.5) < 0.15
    # of .95: .021
    assert np.mean(covered) > 0.95 - 0.063


def test_a_leader_far_ahead_is_not_corrected() -> None:
    found = best_cell(variants(1.0, 1.1, 2.0), control="v0")
    assert found.value is not None
    assert found.lead is not None
    for winner, naive in ((found.value, 2.0), (found.lead, 1.0)):
        assert winner.naive == pytest.approx(naive)
        assert winner.estimate == pytest.approx(naive, abs=1e-9)
        half = stats.norm.ppf(1 - 0.045 / 0.995 / 2) * winner.se
        # the hybrid is a little narrower or wider than ±half by its cut at the simultaneous interval
        assert (winner.high - winner.low) / 2 == pytest.approx(half, rel=0.02)


def test_a_tie_has_the_simultaneous_interval_of_all_and_says_so() -> None:
    found = best_cell(variants(1.0, 1.0, 1.0), control="v1")
    assert found.best == "v0"
    assert found.value is not None
    assert found.lead is not None
    reach, most = (simultaneous_reach(3, alpha) * 0.01 for alpha in (0.05, 0.005))
    assert found.value.low == pytest.approx(1.0 - most, rel=1e-6)
    assert found.value.high == pytest.approx(1.0 + reach)
    assert found.value.low <= found.value.estimate
    assert (found.value.tied, found.lead.tied) == (True, True)
    assert found.lead.low < 0 < found.lead.high
    assert [condition.code for condition in found.conditions] == ["tied_cells"]


def tie_coverage(means: np.ndarray, se: np.ndarray, *, seed: int) -> tuple[list[bool], list[bool]]:
    """Whether the winner's interval held its value: over all runs, and where it won by less than .05 errors."""
    dice, count = np.random.default_rng(seed), len(se)
    everywhere: list[bool] = []
    near: list[bool] = []
    for y in dice.normal(means, se, (6_000, count)):
        best = int(np.argmax(y))
        second = float(np.delete(y, best).max())
        tie = y[best] - second < 0.05 * se[best]
        # all ties, and so many of the others that both take part by their shares
        if tie or len(everywhere) < 1_500:
            reach = partial(simultaneous_reach, count)
            found = corrected(float(y[best]), float(se[best]), second, reach, alpha=0.05)
            held = found.low <= means[best] <= found.high
            if len(everywhere) < 1_500:
                everywhere.append(held)
            if tie:
                near.append(held)
    return everywhere, near


@pytest.mark.parametrize("count", [2, 4, 8])
@pytest.mark.parametrize("equal", [True, False])
def test_near_ties_hold_the_value_as_often_as_the_rest(count: int, *, equal: bool) -> None:
    se = np.ones(count) if equal else np.linspace(0.5, 2.0, count)
    everywhere, near = tie_coverage(np.zeros(count), se, seed=count)
    # the standard error of .95 in 1,500 runs is .0056; of the ties in n it is √(.95 × .05 / n); three of them each
    assert np.mean(everywhere) > 0.95 - 0.017
    assert len(near) > 100
    assert np.mean(near) > 0.95 - 3 * math.sqrt(0.95 * 0.05 / len(near))


@given(st.floats(0.001, 8), st.floats(0.001, 8))
def test_the_more_ahead_the_less_correction(one: float, two: float) -> None:
    near, far = sorted((one, two))
    reach = partial(simultaneous_reach, 5)
    first, second = (corrected(0.0, 1.0, -room, reach, alpha=0.05) for room in (near, far))
    assert first.estimate <= second.estimate + 1e-9 <= 2e-9
    assert first.low <= first.estimate <= first.high


# --- what cannot be


FINE = variants(1.0, 1.2)


@pytest.mark.parametrize(
    ("given_", "code"),
    [
        ({}, "no_units"),
        (variants(1.0), "no_units"),
        (FINE | {"x": Summary(0, None, None)}, "no_units"),
        (FINE | {"x": Summary(1, 1.0, None)}, "one_unit"),
        (FINE | {"x": Summary(9, math.nan, math.nan)}, "not_finite"),
        (FINE | {"x": Summary(9, math.inf, math.nan)}, "not_finite"),
        (FINE | {"x": Summary(9, 1.0, None)}, "not_finite"),
        (FINE | {"x": Summary(9, 1.0, 0.0)}, "constant_cell"),
        (FINE | {"x": Summary(9, 1.0, -1.0)}, "impossible"),
        (FINE | {"x": Summary(-9, 1.0, 1.0)}, "impossible"),
        (FINE | {"x": Summary(10**400, 1.0, 1.0)}, "not_finite"),
        (variants(1e308, -1e308, variance=1e-300), "not_finite"),
    ],
)
def test_impossible_figures_leave_a_condition_and_no_number(given_: dict[str, Summary], code: str) -> None:
    found = best_cell(given_)
    assert [condition.code for condition in found.conditions] == [code]
    assert CONDITIONS[code]
    nothing = BestCell(best=None, proven=None, comparisons=(), value=None, lead=None, df=None, method=found.method)
    assert replace(found, conditions=()) == nothing


anything = st.one_of(st.floats(), st.sampled_from([5e-324, 1e-200, 1e200, 1.7e308, -1.7e308, 0.0, 1.0]))


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(-1, 2**65), anything, anything), min_size=2, max_size=4))
def test_whatever_the_figures_there_are_finite_numbers_or_a_condition(given_: list[tuple[int, float, float]]) -> None:
    found = best_cell({str(at): Summary(*summary) for at, summary in enumerate(given_)}, control="0")
    if found.value is None:
        assert found.conditions
        return
    for item in found.comparisons:
        assert math.isfinite(item.estimate)
        assert item.low <= 0 <= item.high
    for winner in (found.value, found.lead):
        if winner is not None:
            assert all(map(math.isfinite, (winner.naive, winner.estimate, winner.low, winner.high, winner.se)))
            assert winner.low <= winner.estimate <= winner.high


def test_few_units_are_warned_of_and_widen_the_intervals() -> None:
    few = best_cell(variants(1.0, 1.2, n=8, variance=0.01))
    assert [condition.code for condition in few.conditions] == ["small_cells"]
    assert few.df == pytest.approx(14)


@pytest.mark.parametrize("arguments", [{"alpha": 1.0}, {"direction": "sideways"}, {"control": "v9"}])
def test_arguments_that_cannot_be_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        best_cell(FINE, **arguments)
