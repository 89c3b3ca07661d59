from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from imp_core.errors import BadInput
from imp_experiments.stats.concurrent import independence, interaction
from imp_experiments.stats.heterogeneity import heterogeneity

effects = st.tuples(st.floats(-3, 3), st.floats(0.01, 2), st.floats(3, 1e6) | st.just(math.inf))


@given(effects, effects, st.sampled_from(["absolute", "relative"]), st.floats(0.001, 0.5), st.integers(1, 9))
def test_p_and_interval_never_disagree(
    effect: tuple[float, float, float], base: tuple[float, float, float], scale: str, alpha: float, hypotheses: int
) -> None:
    found = interaction(effect, base, scale=scale, alpha=alpha, hypotheses=hypotheses)
    assert found is not None
    assert (found.p_value < alpha) == (found.low > 0 or found.high < 0)
    assert found.low <= found.estimate <= found.high


@given(effects, effects)
def test_of_two_groups_it_is_cochrans_q(effect: tuple[float, float, float], base: tuple[float, float, float]) -> None:
    found, q = interaction(effect, base, scale="absolute"), heterogeneity([effect, base])
    assert found is not None
    assert q is not None
    assert found.p_value == pytest.approx(q.p_value, rel=1e-6, abs=1e-300)


def test_it_is_wald_of_a_difference_and_of_a_ratio_of_ratios() -> None:
    found = interaction((0.5, 0.3, math.inf), (0.1, 0.4, math.inf), scale="absolute")
    assert found is not None
    assert (found.estimate, found.se) == pytest.approx((0.4, 0.5))
    assert found.p_value == pytest.approx(2 * stats.norm.sf(0.8))
    assert (found.low, found.high) == pytest.approx((0.4 - 1.959964 * 0.5, 0.4 + 1.959964 * 0.5), rel=1e-6)
    ratio = interaction((math.log(1.5), 0.3, math.inf), (math.log(1.2), 0.4, math.inf), scale="relative")
    assert ratio is not None
    assert ratio.estimate == pytest.approx(1.5 / 1.2 - 1)


def test_errors_of_few_units_are_judged_by_t() -> None:
    dice = np.random.default_rng(1)
    one, two = dice.normal(0.2, 1, 6), dice.normal(0, 2, 9)
    sides = [(float(x.mean()), float(x.std(ddof=1) / math.sqrt(len(x))), len(x) - 1.0) for x in (one, two)]
    found, oracle = interaction(*sides, scale="absolute"), stats.ttest_ind(one, two, equal_var=False)
    assert found is not None
    assert found.p_value == pytest.approx(oracle.pvalue)
    interval = oracle.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_several_are_corrected_in_p_and_interval_alike() -> None:
    one, three = (
        interaction((0.5, 0.3, math.inf), (0.1, 0.4, math.inf), scale="absolute", hypotheses=n) for n in (1, 3)
    )
    assert one is not None
    assert three is not None
    assert three.p_value == pytest.approx(min(1.0, 3 * one.p_value))
    assert three.low < one.low < one.high < three.high


def test_without_an_effect_there_is_no_difference() -> None:
    for figures in ((None, None), (math.nan, 1.0), (1.0, 0.0), (1.0, math.inf), (1e308, 1.0)):
        effect = (*figures, math.inf)
        assert interaction(effect, (-1e308, 1.0, 9.0), scale="absolute") is None
        assert interaction((-1e308, 1.0, 9.0), effect, scale="absolute") is None
    assert interaction((0.1, 0.1, 0.0), (0.1, 0.1, 9.0), scale="absolute") is None
    for wrong in ({"scale": "log"}, {"scale": "absolute", "alpha": 2.0}):
        with pytest.raises(BadInput):
            interaction((0.1, 0.1, 9.0), (0.1, 0.1, 9.0), **wrong)  # type: ignore[arg-type]


def test_interactions_of_nothing_are_found_as_often_as_alpha_says() -> None:
    dice, runs = np.random.default_rng(3), 4_000
    drawn = dice.normal(0.2, (0.1, 0.3), (runs, 2))
    found = [interaction((float(a), 0.1, math.inf), (float(b), 0.3, math.inf), scale="absolute") for a, b in drawn]
    share = sum(one is not None and one.p_value < 0.05 for one in found) / runs
    # four standard errors of a share of .05 in 4,000 runs
    assert abs(share - 0.05) < 4 * math.sqrt(0.05 * 0.95 / runs)


# --- independence of the assignments


@settings(max_examples=50)
@given(st.lists(st.lists(st.integers(20, 5_000), min_size=3, max_size=3), min_size=2, max_size=4))
def test_independence_is_pearsons_chi_square(table: list[list[int]]) -> None:
    found = independence({(str(i), str(j)): n for i, row in enumerate(table) for j, n in enumerate(row)})
    if found.verdict == "not tested":
        assert stats.contingency.expected_freq(table).min() < 5
        return
    oracle = stats.chi2_contingency(table, correction=False)
    assert found.statistic == pytest.approx(oracle.statistic, rel=1e-9, abs=1e-9)
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-7, abs=1e-300)
    assert found.df == oracle.dof
    assert found.verdict == ("dependent" if oracle.pvalue < 0.001 else "ok")
    assert found.expected is not None
    assert np.array(list(found.expected.values())) == pytest.approx(oracle.expected_freq.ravel())


def test_a_shared_salt_is_found() -> None:
    found = independence({("a", "x"): 5_000, ("a", "y"): 10, ("b", "x"): 12, ("b", "y"): 5_000})
    assert found.verdict == "dependent"


def test_a_variant_without_units_leaves_the_degrees_of_freedom() -> None:
    found = independence(
        {("a", "x"): 500, ("a", "y"): 510, ("b", "x"): 490, ("b", "y"): 505, ("c", "x"): 0, ("c", "y"): 0}
    )
    assert (found.verdict, found.df) == ("ok", 1)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({}, "fewer than two variants"),
        ({("a", "x"): 50, ("a", "y"): 50}, "fewer than two variants"),
        ({("a", "x"): 3, ("a", "y"): 3, ("b", "x"): 3, ("b", "y"): 3}, "fewer than five"),
        ({("a", "x"): -3, ("a", "y"): 50, ("b", "x"): 50, ("b", "y"): 50}, "below zero"),
        ({("a", "x"): 10**400, ("a", "y"): 50, ("b", "x"): 50, ("b", "y"): 50}, "too large"),
    ],
)
def test_what_cannot_be_tested_has_no_p(counts: dict[tuple[str, str], int], reason: str) -> None:
    found = independence(counts)
    assert (found.verdict, found.p_value, found.statistic, found.df, found.expected) == ("not tested",) + (None,) * 4
    assert reason in (found.reason or "")
