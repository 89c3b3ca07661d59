from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from imp_experiments.design.assign import bucket_shares
from imp_experiments.stats.srm import sample_ratio


@given(st.lists(st.integers(50, 10_000), min_size=2, max_size=6))
def test_p_is_that_of_pearsons_chi_square(counts: list[int]) -> None:
    observed = {str(index): n for index, n in enumerate(counts)}
    found = sample_ratio(observed, dict.fromkeys(observed, 1 / len(counts)))
    assert found.p_value == pytest.approx(stats.chisquare(counts).pvalue, rel=1e-9, abs=1e-300)
    assert found.df == len(counts) - 1


def test_cookie_cats_is_suspicious_but_no_mismatch() -> None:
    found = sample_ratio({"gate_30": 44_700, "gate_40": 45_489}, {"gate_30": 0.5, "gate_40": 0.5})
    assert found.p_value == pytest.approx(0.0086, abs=5e-5)
    assert found.verdict == "ok"


def test_a_lost_share_is_a_mismatch() -> None:
    found = sample_ratio({"a": 10_000, "b": 9_500}, {"a": 0.5, "b": 0.5})
    assert found.verdict == "mismatch"
    assert found.p_value is not None
    assert found.p_value < 0.001


def test_a_variant_of_weight_zero_leaves_the_degrees_of_freedom() -> None:
    shares = bucket_shares({"a": 1, "b": 1, "c": 0})
    found = sample_ratio({"a": 10_000, "b": 10_300, "c": 0}, shares)
    assert found.df == 1
    assert found.p_value == pytest.approx(stats.chisquare([10_000, 10_300]).pvalue, rel=1e-9)


def test_a_variant_that_nobody_reached_is_a_mismatch() -> None:
    assert sample_ratio({"a": 1_000}, {"a": 0.5, "b": 0.5}).verdict == "mismatch"


@pytest.mark.parametrize(
    ("observed", "shares"),
    [({}, {"a": 0.5, "b": 0.5}), ({"a": 4, "b": 4}, {"a": 0.5, "b": 0.5}), ({"a": 99}, {"a": 1.0, "b": 0.0})],
)
def test_what_cannot_be_tested_has_no_p(observed: dict[str, int], shares: dict[str, float]) -> None:
    found = sample_ratio(observed, shares)
    assert (found.verdict, found.p_value, found.statistic, found.df) == ("not tested", None, None, None)
    assert found.reason


def test_equal_weights_of_three_expect_whole_buckets() -> None:
    assert list(bucket_shares({"a": 1, "b": 1, "c": 1}).values()) == [0.3334, 0.3333, 0.3333]
