from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from imp_core.errors import BadInput
from imp_experiments.design.assign import bucket_shares
from imp_experiments.stats.health.phases import phased_ratio
from imp_experiments.stats.srm import sample_ratio

HALVES = {"a": 0.5, "b": 0.5}
counts = st.lists(st.integers(50, 10_000), min_size=3, max_size=3)


@given(st.lists(counts, min_size=1, max_size=5))
def test_the_phases_statistics_and_degrees_of_freedom_add_up(phases: list[list[int]]) -> None:
    shares = bucket_shares({"a": 2, "b": 1, "c": 1})
    observed = {phase: dict(zip("abc", row, strict=True)) for phase, row in enumerate(phases, 1)}
    found = phased_ratio(observed, dict.fromkeys(observed, shares))
    alone = [stats.chisquare(row, [sum(row) * share for share in shares.values()]) for row in phases]
    assert found.df == 2 * len(phases)
    assert found.statistic == pytest.approx(sum(one.statistic for one in alone), rel=1e-9)
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic, found.df), rel=1e-9, abs=1e-300)
    assert [ratio.p_value for ratio in found.phases.values()] == pytest.approx(
        [one.pvalue for one in alone], rel=1e-9, abs=1e-300
    )


def test_a_ramp_that_keeps_its_promises_is_no_mismatch_though_the_pooled_counts_would_be() -> None:
    observed = {1: {"a": 9_000, "b": 1_000}, 2: {"a": 5_010, "b": 4_990}}
    found = phased_ratio(observed, {1: {"a": 0.9, "b": 0.1}, 2: HALVES})
    assert found.verdict == "ok"
    assert sample_ratio({"a": 14_010, "b": 5_990}, {"a": 0.5, "b": 0.5}).verdict == "mismatch"


def test_small_losses_in_every_phase_are_a_mismatch_together() -> None:
    observed = {phase: {"a": 10_000, "b": 9_650} for phase in (1, 2, 3, 4)}
    found = phased_ratio(observed, dict.fromkeys(observed, HALVES))
    assert {ratio.verdict for ratio in found.phases.values()} == {"ok"}
    assert found.verdict == "mismatch"
    assert found.p_value is not None
    assert found.p_value < 0.001


def test_a_variant_without_weight_in_one_phase_leaves_that_phases_degrees_of_freedom() -> None:
    shares = {1: {"a": 0.5, "b": 0.5, "c": 0.0}, 2: {"a": 0.4, "b": 0.3, "c": 0.3}}
    found = phased_ratio({1: {"a": 100, "b": 90}, 2: {"a": 80, "b": 60, "c": 61}}, shares)
    assert found.df == 1 + 2
    assert found.strays == {}


def test_units_in_a_variant_without_a_share_are_counted_and_not_tested() -> None:
    shares = {1: {"a": 0.5, "b": 0.5, "c": 0.0}, 2: HALVES}
    with_strays = phased_ratio({1: {"a": 100, "b": 90, "c": 7}, 2: {"a": 50, "b": 51, "new": 2}}, shares)
    assert with_strays.strays == {1: 7, 2: 2}
    without = phased_ratio({1: {"a": 100, "b": 90}, 2: {"a": 50, "b": 51}}, shares)
    assert (with_strays.statistic, with_strays.df) == (without.statistic, without.df)


def test_a_phase_with_few_units_adds_nothing() -> None:
    alone = phased_ratio({1: {"a": 100, "b": 130}}, {1: HALVES})
    found = phased_ratio({1: {"a": 100, "b": 130}, 2: {"a": 3, "b": 1}}, {1: HALVES, 2: HALVES, 3: HALVES})
    assert (found.statistic, found.df, found.p_value) == (alone.statistic, alone.df, alone.p_value)
    assert found.phases[2].verdict == found.phases[3].verdict == "not tested"


@given(st.permutations([1, 2, 3]))
def test_the_order_of_phases_and_variants_changes_nothing(order: list[int]) -> None:
    observed = {1: {"a": 100, "b": 130}, 2: {"b": 90, "a": 70}, 3: {"a": 1_000, "b": 1_050}}
    found = phased_ratio(
        {phase: dict(reversed(observed[phase].items())) for phase in order}, dict.fromkeys(order, HALVES)
    )
    assert found == phased_ratio(observed, dict.fromkeys(observed, HALVES))


@pytest.mark.parametrize(
    ("observed", "shares"),
    [
        ({}, {}),
        ({}, {1: HALVES}),
        ({1: {"a": 2, "b": 2}, 2: {"a": 0, "b": 0}}, {1: HALVES, 2: HALVES}),
        ({1: {"a": 99}}, {1: {"a": 1.0, "b": 0.0}}),
    ],
)
def test_what_cannot_be_tested_has_no_p(observed: dict, shares: dict) -> None:
    found = phased_ratio(observed, shares)
    assert (found.verdict, found.p_value, found.statistic, found.df) == ("not tested", None, None, None)
    assert found.reason


@pytest.mark.parametrize(
    ("observed", "shares"),
    [
        ({1: {"a": 10, "b": 10}}, {}),
        ({1: {"a": -1, "b": 10}}, {1: HALVES}),
        ({1: {"a": 1.5, "b": 10}}, {1: HALVES}),
        ({1: {"a": math.nan, "b": 10}}, {1: HALVES}),
        ({1: {"a": 2**60, "b": 10}}, {1: HALVES}),
        ({1: {"a": 10, "b": 10}}, {1: {"a": 0.5, "b": 0.4}}),
        ({1: {"a": 10, "b": 10}}, {1: {"a": 1.5, "b": -0.5}}),
        ({1: {"a": 10, "b": 10}}, {1: {"a": math.nan, "b": 0.5}}),
    ],
)
def test_wrong_arguments_are_refused_by_name(observed: dict, shares: dict) -> None:
    with pytest.raises(BadInput, match="phase 1"):
        phased_ratio(observed, shares)
