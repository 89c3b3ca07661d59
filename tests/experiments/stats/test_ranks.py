from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import brunnermunzel, mannwhitneyu, norm

from imp_core.errors import BadInput
from imp_experiments.measure.ranks import RankSums, rank_rows
from imp_experiments.stats.ranks import RankContrast, rank_contrast

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "stats" / "ranks.json").read_text(encoding="utf-8")
)


def sums(variant: Sequence[float], control: Sequence[float]) -> RankSums:
    frame = pl.DataFrame(
        {
            "variant": ["b"] * len(variant) + ["a"] * len(control),
            "value_0": [float(x) for x in (*variant, *control)],
        }
    )
    return rank_rows(nw.from_native(frame).lazy(), ["b"], "a")["b"]


def of(variant: Sequence[float], control: Sequence[float]) -> RankContrast:
    return rank_contrast(sums(variant, control))


@pytest.mark.parametrize("case", VECTORS, ids=[case["id"] for case in VECTORS])
def test_the_figures_are_those_of_scipy_and_of_papers(case: dict[str, Any]) -> None:
    contrast = of(case["input"]["variant"], case["input"]["control"])
    effect = contrast.effect("absolute", tail=0.025)
    assert effect is not None
    for name, value in case["expected"].items():
        found = getattr(effect if name in ("low", "high", "p_value") else contrast, name)
        assert found == pytest.approx(value, rel=case["tolerance"], abs=1e-12), name
    assert effect.estimate == contrast.probability - 0.5


def test_there_are_vectors_enough() -> None:
    assert len(VECTORS) >= 8


few_values = st.lists(st.integers(-3, 3), min_size=2, max_size=30)


@given(few_values, few_values)
def test_both_tests_are_scipys(one: list[int], two: list[int]) -> None:
    assume(len(set(one)) > 1 and len(set(two)) > 1)
    assume(max(one) >= min(two) and max(two) >= min(one))
    contrast = of(one, two)
    effect = contrast.effect("absolute", tail=0.025)
    assert effect is not None
    assert contrast.mann_whitney_p == pytest.approx(
        mannwhitneyu(one, two, use_continuity=False, method="asymptotic").pvalue, rel=1e-9
    )
    assert effect.p_value == pytest.approx(brunnermunzel(two, one).pvalue, rel=1e-7, abs=1e-12)
    greater = brunnermunzel(two, one, alternative="less").pvalue
    assert contrast.p_beyond("absolute", 0.0) == pytest.approx(greater, rel=1e-7, abs=1e-12)


@given(few_values, few_values, st.sampled_from([0.1, 0.025, 0.001]))
def test_p_and_interval_never_disagree(one: list[int], two: list[int], tail: float) -> None:
    effect = of(one, two).effect("absolute", tail=tail)
    assume(effect is not None)
    assert -0.5 <= effect.low <= effect.estimate <= effect.high <= 0.5
    assert (effect.p_value < 2 * tail) == (effect.low > 0 or effect.high < 0)
    for bound, p_value in ((effect.low, tail), (effect.high, 1 - tail)):
        if abs(bound) < 0.5:
            assert of(one, two).p_beyond("absolute", bound) == pytest.approx(p_value, rel=1e-6)


def test_swapped_variants_have_the_opposite_effect() -> None:
    one, two = [1.0, 4.0, 2.5, 2.5, 9.0], [2.5, 0.0, 3.0, 1.0]
    forth, back = of(one, two).effect("absolute", tail=0.025), of(two, one).effect("absolute", tail=0.025)
    assert forth is not None
    assert back is not None
    assert (back.estimate, back.se, back.p_value) == (
        pytest.approx(-forth.estimate),
        pytest.approx(forth.se),
        pytest.approx(forth.p_value),
    )


def test_the_interval_covers_where_spreads_differ_and_the_classic_test_is_not_trusted_there() -> None:
    """1,500 experiments with P = 1/2 and spreads 1 to 4; standard error of 95 % is 0.56 %, the tolerance three."""
    dice = np.random.default_rng(2)
    runs, hits, classic = 1_500, 0, 0
    for _ in range(runs):
        one, two = dice.normal(0, 4, 40), dice.normal(0, 1, 160)
        below = np.searchsorted(np.sort(two), one)
        above = np.searchsorted(np.sort(one), two)
        contrast = rank_contrast(
            RankSums(
                n=40,
                control_n=160,
                places=float(below.sum()),
                place_squares=float(below @ below),
                control_place_squares=float(above @ above),
                ties=0.0,
            )
        )
        effect = contrast.effect("absolute", tail=0.025)
        assert effect is not None
        assert contrast.mann_whitney_p is not None
        hits += effect.low <= 0 <= effect.high
        classic += contrast.mann_whitney_p < 0.05
    assert abs(hits / runs - 0.95) < 0.017
    assert classic / runs > 0.1


def test_a_shift_of_normals_has_the_probability_that_theory_says() -> None:
    dice = np.random.default_rng(9)
    contrast = of(dice.normal(0.5, 1, 4_000), dice.normal(0, 1, 4_000))
    assert contrast.se is not None
    assert contrast.probability == pytest.approx(norm.cdf(0.5 / math.sqrt(2)), abs=4 * contrast.se)


GOOD = sums([1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 5.0])


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (sums([], [1.0, 2.0]), "no_units"),
        (sums([1.0, 2.0], []), "no_units"),
        (sums([1.5], [1.0, 2.0]), "one_unit"),
        (sums([1.5, math.inf], [1.0, 2.0]), "not_finite"),
        (sums([7.0] * 5, [7.0] * 9), "all_tied"),
        (sums([7.0, 8.0], [1.0, 2.0, 3.0]), "separated"),
        (sums([1.0, 1.0], [2.0, 2.0, 2.0]), "separated"),
    ],
)
def test_where_there_is_nothing_to_compare_a_condition_says_so(bad: RankSums, code: str) -> None:
    contrast = rank_contrast(bad)
    assert [(condition.code, condition.scale) for condition in contrast.conditions] == [
        (code, "both"),
        ("no_relative_scale", "relative"),
    ]
    assert all(condition.text for condition in contrast.conditions)
    assert contrast.effect("absolute", tail=0.025) is None
    assert contrast.p_beyond("absolute", 0.0) is None
    assert contrast.se is None
    assert (contrast.mann_whitney_p is None) == (code != "separated")


def test_separated_variants_keep_their_classic_figures() -> None:
    contrast = of([7.0, 8.0, 9.0], [1.0, 2.0, 3.0])
    assert (contrast.u, contrast.probability) == (9.0, 1.0)
    assert contrast.mann_whitney_p == pytest.approx(
        mannwhitneyu([7, 8, 9], [1, 2, 3], use_continuity=False, method="asymptotic").pvalue
    )


def test_a_variant_of_one_value_among_others_is_compared_by_their_spread() -> None:
    effect = of([2.5] * 6, [1.0, 2.0, 3.0, 4.0, 5.0]).effect("absolute", tail=0.025)
    assert effect is not None
    assert effect.df == pytest.approx(4)


def test_there_is_no_relative_scale_and_the_condition_names_it() -> None:
    contrast = rank_contrast(GOOD)
    assert contrast.effect("relative", tail=0.025) is None
    assert contrast.p_beyond("relative", 0.0) is None
    assert [(condition.code, condition.scale) for condition in contrast.conditions] == [
        ("no_relative_scale", "relative")
    ]


def test_millions_of_units_on_two_values_do_not_overflow() -> None:
    n = 50_000_000
    # of the variant 60 % have the higher value, of control 40 %
    low, high = 0.4 * n, 0.6 * n
    places = low * high / 2 + high * (high + low / 2)
    big = RankSums(
        n=n,
        control_n=n,
        places=places,
        place_squares=low * (high / 2) ** 2 + high * (high + low / 2) ** 2,
        control_place_squares=high * (low / 2) ** 2 + low * (low + high / 2) ** 2,
        ties=2 * float(n) ** 3 - 2 * n,
    )
    contrast = rank_contrast(big)
    assert contrast.probability == pytest.approx(0.6)
    assert contrast.se == pytest.approx(math.sqrt(2 * 0.25 * 0.24 / n), rel=1e-6)
    assert contrast.mann_whitney_p == 0.0


def test_wrong_arguments_are_refused() -> None:
    contrast = rank_contrast(GOOD)
    for wrong in (
        lambda: contrast.effect("odds", tail=0.1),
        lambda: contrast.effect("absolute", tail=0.7),
        lambda: contrast.p_beyond("absolute", 0.5),
        lambda: contrast.p_beyond("absolute", math.nan),
        lambda: contrast.p_beyond("ratio", 0.0),
    ):
        with pytest.raises(BadInput):
            wrong()
    assert rank_contrast(replace(GOOD, not_finite=1)).probability is None
