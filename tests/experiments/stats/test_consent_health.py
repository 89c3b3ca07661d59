from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from imp_core.errors import BadInput
from imp_experiments.stats.health.consent import consent_health
from imp_experiments.stats.health.rates import homogeneity, wilson

pair = st.integers(1, 4_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.lists(pair, min_size=2, max_size=6))
def test_enough_expected_gives_pearsons_chi_square_without_correction(pairs: list[tuple[int, int]]) -> None:
    found = homogeneity(pairs)
    table = [[count for count, _ in pairs], [n - count for count, n in pairs]]
    if found.method == "chi-square":
        oracle = stats.chi2_contingency(table, correction=False)
        assert oracle.expected_freq.min() >= 5
        assert (found.statistic, found.df) == (pytest.approx(oracle.statistic, rel=1e-9, abs=1e-9), oracle.dof)
        assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-9, abs=1e-300)
    elif found.method == "exact" or found.reason.startswith("fewer than five"):
        assert stats.contingency.expected_freq(table).min() < 5


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_few_expected_of_two_variants_gives_fishers_exact_test(one: int, two: int, data) -> None:
    counts = data.draw(st.integers(0, one)), data.draw(st.integers(0, two))
    found = homogeneity([(counts[0], one), (counts[1], two)])
    if found.method == "exact":
        table = [[counts[0], counts[1]], [one - counts[0], two - counts[1]]]
        assert found.p_value == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-6)


@pytest.mark.parametrize("counts", [(0, 4, 1), (3, 3, 0), (6, 0, 1), (1, 1, 1)])
def test_few_expected_of_three_variants_is_the_tail_of_the_hypergeometric(counts: tuple[int, ...]) -> None:
    sizes, total = (120, 40, 300), sum(counts)
    law = stats.multivariate_hypergeom(m=sizes, n=total)
    chances = [law.pmf([a, b, total - a - b]) for a in range(total + 1) for b in range(total + 1 - a)]
    tail = sum(chance for chance in chances if chance <= law.pmf(counts) * (1 + 1e-7))
    found = homogeneity(list(zip(counts, sizes, strict=True)))
    assert found.method == "exact"
    assert found.p_value == pytest.approx(tail, rel=1e-9)
    assert (found.statistic, found.df) == (None, None)
    # the same of those to whom it did not happen
    rest = homogeneity([(n - count, n) for count, n in zip(counts, sizes, strict=True)])
    assert rest.p_value == pytest.approx(tail, rel=1e-9)


def test_the_exact_test_keeps_its_digits_in_many_units() -> None:
    found = homogeneity([(7, 100_000_000), (0, 100_000_000)])
    assert found.method == "exact"
    assert found.p_value == pytest.approx(2 / 2**7, rel=1e-6)


def test_too_many_divisions_are_not_gone_through() -> None:
    found = homogeneity([(2_000, 1_000_000), (0, 10), (2_000, 1_000_000), (1, 12)])
    assert (found.p_value, found.method) == (None, None)
    assert found.reason is not None
    assert "too many divisions" in found.reason


@given(pair, st.sampled_from([0.01, 0.05, 0.2]))
def test_the_interval_is_wilsons(counts: tuple[int, int], alpha: float) -> None:
    count, n = counts
    oracle = proportion_confint(count, n, alpha=alpha, method="wilson")
    assert wilson(count, n, alpha=alpha) == pytest.approx(oracle, rel=1e-9, abs=1e-12)


ENROLLED = {"old": 5_000, "new": 5_000}


def test_equal_rates_are_healthy() -> None:
    found = consent_health(
        ENROLLED, {"old": {"refused": 100}, "new": {"refused": 108}}, {"old": {"withdrawn": 51}, "new": {}}
    )
    assert found.denied.verdict == "ok"
    assert found.denied.rates["old"].n == 5_100
    assert found.denied.rates["old"].rate == pytest.approx(100 / 5_100)
    assert found.denied.by_reason == {"refused": {"old": 100, "new": 108}}


def test_a_variant_that_drives_people_out_differs() -> None:
    denied = {"old": {"refused": 100}, "new": {"refused": 100}}
    out = {"old": {"withdrawn": 50, "erased": 5}, "new": {"withdrawn": 100}}
    found = consent_health(ENROLLED, denied, out)
    assert (found.verdict, found.denied.verdict, found.out.verdict) == ("differs", "ok", "differs")
    oracle = stats.chi2_contingency([[55, 100], [4_945, 4_900]], correction=False).pvalue
    # of two rates tested
    assert found.out.p_adjusted == found.p_value == pytest.approx(2 * oracle, rel=1e-9)
    assert found.out.by_reason == {"erased": {"old": 5, "new": 0}, "withdrawn": {"old": 50, "new": 100}}
    assert found.out.rates["new"].count == 100


def test_one_rate_tested_is_not_corrected_for_another() -> None:
    found = consent_health(ENROLLED, {}, {"old": {"withdrawn": 50}, "new": {"withdrawn": 60}})
    assert found.denied.verdict == "not tested"
    assert found.denied.test.reason == "it happened to nobody"
    assert found.out.p_adjusted == found.out.test.p_value


def test_a_variant_without_units_leaves_the_degrees_of_freedom_and_has_no_rate() -> None:
    three = consent_health({**ENROLLED, "off": 0}, {}, {"old": {"withdrawn": 50}, "new": {"withdrawn": 60}})
    assert three.out.test.df == 1
    off = three.out.rates["off"]
    assert (off.count, off.n, off.rate, off.low, off.high) == (0, 0, None, None, None)


@given(st.permutations(["old", "new", "third"]))
def test_the_order_of_variants_and_splitting_a_reason_change_nothing(order: list[str]) -> None:
    n = {"old": 900, "new": 1_000, "third": 950}
    whole = {"old": {"a": 40}, "new": {"a": 70}, "third": {"a": 44}}
    split = {"old": {"a": 10, "b": 30}, "new": {"b": 70}, "third": {"a": 44, "b": 0}}
    found = consent_health({name: n[name] for name in order}, {name: split[name] for name in order}, {})
    assert found.p_value == pytest.approx(consent_health(n, whole, {}).p_value, rel=1e-12)


def test_alike_variants_are_called_different_as_rarely_as_stated() -> None:
    dice = np.random.default_rng(31)
    runs = 3_000
    alarms = 0
    for _ in range(runs):
        met, left = dice.binomial(600, 0.06, 2), dice.binomial(600, 0.04, 2)
        found = consent_health(
            {"a": 600, "b": 600},
            {name: {"refused": int(n)} for name, n in zip("ab", met, strict=True)},
            {name: {"withdrawn": int(n)} for name, n in zip("ab", left, strict=True)},
        )
        alarms += found.verdict == "differs"
    # at most .01, and three standard errors of such a share in 3,000 runs: .0055
    assert alarms / runs <= 0.0155


@pytest.mark.parametrize("enrolled", [{}, {"old": 0, "new": 0}, {"old": 100}, {"old": 100, "new": 0}, ENROLLED])
def test_what_cannot_be_tested_has_no_p(enrolled: dict[str, int]) -> None:
    found = consent_health(enrolled, {}, {})
    assert (found.verdict, found.p_value) == ("not tested", None)
    assert found.reason
    for rate in (found.denied, found.out):
        assert (rate.verdict, rate.p_adjusted, rate.test.p_value) == ("not tested", None, None)


def test_everybody_out_is_not_tested() -> None:
    found = consent_health({"a": 20, "b": 30}, {}, {"a": {"withdrawn": 20}, "b": {"withdrawn": 30}})
    assert found.out.test.reason == "it happened to everybody"
    assert found.out.rates["a"].rate == 1


@pytest.mark.parametrize(
    ("enrolled", "denied", "out"),
    [
        ({"a": -1}, {}, {}),
        ({"a": math.nan}, {}, {}),
        ({"a": 10}, {"a": {"refused": 1.5}}, {}),
        ({"a": 10}, {"b": {"refused": 1}}, {}),
        ({"a": 10}, {}, {"b": {"withdrawn": 1}}),
        ({"a": 10}, {}, {"a": {"withdrawn": 11}}),
    ],
)
def test_wrong_arguments_are_refused(enrolled: dict, denied: dict, out: dict) -> None:
    with pytest.raises(BadInput):
        consent_health(enrolled, denied, out)


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput, match="alpha"):
        consent_health(ENROLLED, {}, {}, alpha=2)
