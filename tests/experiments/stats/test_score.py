from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.proportion import test_proportions_2indep as score_test

from imp_core.errors import BadInput
from imp_experiments.stats.score import Count, Score, few_events, score

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "stats" / "score.json").read_text(encoding="utf-8")
)


def of(events: int, n: int, control_events: int, control_n: int) -> Score:
    return score(Count(events, n), Count(control_events, control_n))


@pytest.mark.parametrize("case", VECTORS, ids=[case["id"] for case in VECTORS])
def test_the_figures_are_those_of_papers_and_of_another_implementation(case: dict[str, Any]) -> None:
    given_, expected = case["input"], case["expected"]
    contrast = of(*given_["counts"])
    for scale in ("absolute", "relative"):
        if scale not in expected:
            continue
        effect = contrast.effect(scale, tail=given_["tail"])
        if expected[scale] is None:
            assert effect is None
            continue
        for name, value in expected[scale].items():
            assert getattr(effect, name) == pytest.approx(value, rel=case["tolerance"], abs=case["tolerance"])
    for scale, value in expected.get("p_beyond", {}).items():
        assert contrast.p_beyond(scale, given_["null"]) == pytest.approx(value, rel=1e-8)


def test_there_are_vectors_enough() -> None:
    assert len(VECTORS) >= 25


counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts, st.sampled_from([0.1, 0.025, 0.001, 1e-9]))
def test_p_and_interval_never_disagree(one: tuple[int, int], two: tuple[int, int], tail: float) -> None:
    contrast = of(*one, *two)
    for scale in ("absolute", "relative"):
        effect = contrast.effect(scale, tail=tail)
        if effect is None:
            continue
        assert effect.low <= effect.estimate <= effect.high
        assert (effect.p_value < 2 * tail) == (effect.low > 0 or effect.high < 0)
        assert all(map(math.isfinite, (effect.estimate, effect.low, effect.high, effect.se, effect.p_value)))


@given(counts, counts, st.sampled_from([0.1, 0.025, 1e-6]))
def test_at_its_own_bounds_the_one_sided_p_is_the_tail(one: tuple[int, int], two: tuple[int, int], tail: float) -> None:
    contrast = of(*one, *two)
    for scale, end in (("absolute", 1.0), ("relative", math.inf)):
        effect = contrast.effect(scale, tail=tail)
        if effect is None:
            continue
        if effect.low > -1:
            assert contrast.p_beyond(scale, effect.low) == pytest.approx(tail, rel=1e-6)
        if effect.high < end:
            assert contrast.p_beyond(scale, effect.high) == pytest.approx(1 - tail, rel=1e-6)


@given(counts, counts, st.floats(-0.99, 0.99), st.floats(-0.99, 5.0))
def test_a_higher_null_is_never_easier_to_exceed(
    one: tuple[int, int], two: tuple[int, int], delta: float, excess: float
) -> None:
    contrast = of(*one, *two)
    for scale, null, further in (("absolute", delta, delta + 0.009), ("relative", excess, excess + 0.01)):
        lower, higher = contrast.p_beyond(scale, null), contrast.p_beyond(scale, further)
        assert (lower is None) == (higher is None)
        assert lower is None or higher is None or lower <= higher + 1e-12


@pytest.mark.parametrize("null", [5e-324, -5e-324, 1e-300, 1e-200, -1e-20, 0.0])
def test_a_null_next_to_none_is_tested_as_none(null: float) -> None:
    for contrast in (of(0, 8, 0, 9), of(8, 8, 9, 9), of(3, 8, 4, 9)):
        for scale in ("absolute", "relative"):
            none = contrast.p_beyond(scale, 0.0)
            assert contrast.p_beyond(scale, null) == (None if none is None else pytest.approx(none, abs=1e-8))


@given(counts, counts)
def test_both_scales_have_one_p_where_there_is_no_difference(one: tuple[int, int], two: tuple[int, int]) -> None:
    contrast = of(*one, *two)
    relative = contrast.effect("relative", tail=0.025)
    absolute = contrast.effect("absolute", tail=0.025)
    assert absolute is not None
    assert relative is None or relative.p_value == absolute.p_value
    if absolute.se > 0:
        assert absolute.p_value == pytest.approx(2 * norm.sf(abs(absolute.estimate / absolute.se)), rel=1e-9)
    if 0 < one[0] < one[1] and 0 < two[0] < two[1]:
        oracle = score_test(*one, *two, value=0, compare="diff", method="score", correction=True)
        assert absolute.p_value == pytest.approx(oracle.pvalue, rel=1e-9)


@settings(max_examples=60)
@given(
    st.integers(30, 400).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n))),
    st.integers(30, 400).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n))),
    st.floats(-0.9, 3.0),
)
def test_the_ratio_is_tested_as_statsmodels_does(one: tuple[int, int], two: tuple[int, int], null: float) -> None:
    oracle = score_test(
        *one, *two, value=1 + null, compare="ratio", method="score", correction=True, alternative="larger"
    )
    assert of(*one, *two).p_beyond("relative", null) == pytest.approx(oracle.pvalue, rel=1e-6, abs=1e-12)


def test_the_interval_of_the_ratio_is_that_of_statsmodels() -> None:
    low, high = confint_proportions_2indep(30, 900, 44, 1000, method="score", compare="ratio", correction=True)
    effect = of(30, 900, 44, 1000).effect("relative", tail=0.025)
    assert effect is not None
    assert (effect.low, effect.high) == (pytest.approx(low - 1, rel=1e-9), pytest.approx(high - 1, rel=1e-9))


@given(counts, counts)
def test_the_difference_turns_with_the_variants_and_with_the_outcome(
    one: tuple[int, int], two: tuple[int, int]
) -> None:
    effect = of(*one, *two).effect("absolute", tail=0.025)
    swapped = of(*two, *one).effect("absolute", tail=0.025)
    without = of(one[1] - one[0], one[1], two[1] - two[0], two[1]).effect("absolute", tail=0.025)
    assert effect is not None
    assert swapped is not None
    assert without is not None
    for other in (swapped, without):
        assert (other.low, other.high) == (pytest.approx(-effect.high, abs=1e-9), pytest.approx(-effect.low, abs=1e-9))
        assert other.p_value == pytest.approx(effect.p_value, rel=1e-9)


def test_rare_events_among_very_many_units_keep_their_digits() -> None:
    n = 1_000_000_000
    effect, relative = (of(2, n, 5, n).effect(scale, tail=0.025) for scale in ("absolute", "relative"))
    assert effect is not None
    assert relative is not None
    # with n so large the counts are Poisson: their difference is score-tested with variance (2 λ₀ + n δ) / n²
    for bound in (effect.low, effect.high):
        d = bound * n
        # λ₀ > 0 with 2/(λ₀ + d) + 5/λ₀ = 2
        b, c = 2 * d - 7, -5 * d
        rate = (-b + math.sqrt(b * b - 8 * c)) / 4
        assert abs(2 - 5 - d) / math.sqrt(2 * rate + d) == pytest.approx(norm.isf(0.025), rel=1e-6)
    assert (effect.low < 0 < effect.high, relative.low < 0 < relative.high) == (True, True)
    assert effect.p_value == pytest.approx(float(2 * norm.sf(3 / math.sqrt(7))), rel=1e-6)
    without = of(n - 2, n, n - 5, n).effect("absolute", tail=0.025)
    assert without is not None
    assert (without.low, without.high) == (pytest.approx(-effect.high, rel=1e-9), pytest.approx(-effect.low, rel=1e-9))


@pytest.mark.parametrize(("p1", "p0"), [(0.002, 0.002), (0.01, 0.01), (0.01, 0.002), (0.002, 0.01)])
def test_the_intervals_cover_as_often_as_they_say_where_events_are_few(p1: float, p0: float) -> None:
    """No simulation: the coverage is summed over every outcome that has a chance above 1e-7 (in all under 1e-4)."""
    n = 1_000
    chances = [
        [(x, chance) for x, chance in enumerate(binom.pmf(np.arange(60), n, p)) if chance > 1e-7] for p in (p1, p0)
    ]
    covered, relative_covered, relative_chance = 0.0, 0.0, 0.0
    for x1, chance1 in chances[0]:
        for x0, chance0 in chances[1]:
            chance = chance1 * chance0
            if chance < 1e-8:
                covered += chance
                continue
            contrast = of(x1, n, x0, n)
            absolute, relative = (contrast.effect(scale, tail=0.025) for scale in ("absolute", "relative"))
            assert absolute is not None
            covered += chance * (absolute.low <= p1 - p0 <= absolute.high)
            if relative is not None:
                relative_chance += chance
                relative_covered += chance * (relative.low <= p1 / p0 - 1 <= relative.high)
    assert 0.935 <= covered <= 0.975
    assert 0.935 <= relative_covered / relative_chance <= 0.985


@pytest.mark.parametrize(
    ("counts_", "code"),
    [
        ((0, 0, 5, 10), "no_units"),
        ((5, 10, 0, 0), "no_units"),
        ((0, 10, 0, 10), "no_events"),
        ((3, 10, 0, 10), "control_zero"),
        ((0, 10, 3, 10), "variant_zero"),
    ],
)
def test_where_a_count_is_zero_a_condition_says_what_is_missing(counts_: tuple[int, ...], code: str) -> None:
    contrast = of(*counts_)
    assert [condition.code for condition in contrast.conditions] == [code]
    assert contrast.conditions[0].text
    assert (contrast.effect("absolute", tail=0.025) is None) == (code == "no_units")
    assert (contrast.effect("relative", tail=0.025) is None) == (code != "variant_zero")
    assert (contrast.p_beyond("absolute", 0.0) is None) == (code == "no_units")
    assert (contrast.p_beyond("relative", 0.0) is None) == (code in {"no_units", "no_events"})


def test_a_variant_without_events_is_exactly_minus_one_hundred_percent() -> None:
    effect = of(0, 1_000, 8, 1_000).effect("relative", tail=0.025)
    assert effect is not None
    assert (effect.estimate, effect.low) == (-1.0, -1.0)
    assert -1 < effect.high < 0
    assert effect.p_value < 0.05


@pytest.mark.parametrize("x", [0, 12])
def test_variants_that_are_all_alike_have_no_difference_and_an_interval(x: int) -> None:
    effect = of(x, 12, x, 12).effect("absolute", tail=0.025)
    assert effect is not None
    assert (effect.estimate, effect.p_value) == (0.0, 1.0)
    assert effect.low < -0.1
    assert effect.high > 0.1


@pytest.mark.parametrize(
    "bad",
    [
        (-1, 10, 2, 10),
        (11, 10, 2, 10),
        (2, 10, 3, -10),
        (2.5, 10, 3, 10),
        (math.nan, 5, 1, 5),
        (1, math.inf, 1, 5),
        (1, 10**400, 1, 5),
    ],
)
def test_what_is_no_count_is_refused(bad: tuple[Any, ...]) -> None:
    with pytest.raises(BadInput):
        of(*bad)


@pytest.mark.parametrize(
    ("scale", "arguments"),
    [("log", {"tail": 0.1}), ("absolute", {"tail": 0.0}), ("absolute", {"tail": 2}), ("relative", {"tail": math.nan})],
)
def test_a_wrong_scale_or_tail_is_refused(scale: str, arguments: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        of(3, 10, 4, 10).effect(scale, **arguments)


@pytest.mark.parametrize(
    ("scale", "null"),
    [("absolute", 1.0), ("absolute", -1.0), ("relative", -1.0), ("relative", math.inf), ("odds", 0.0)],
)
def test_a_null_that_no_two_proportions_have_is_refused(scale: str, null: float) -> None:
    with pytest.raises(BadInput):
        of(3, 10, 4, 10).p_beyond(scale, null)


def test_the_choice_of_method_does_not_look_at_the_difference() -> None:
    n = [1_000, 1_000]
    assert {few_events([x, 18 - x], n) for x in range(19)} == {True}
    assert {few_events([x, 20 - x], n) for x in range(21)} == {False}
    assert few_events([990, 995], n), "few without the event"
    assert few_events([25, 500], [250, 5_000]) is False
    assert few_events([1, 500], [5, 5_000]), "a small variant"
    assert few_events([0, 0], [0, 0])
    assert few_events([0, 300], [0, 900]) is False, "a variant without units does not decide"
