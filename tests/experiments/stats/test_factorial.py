from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imp_core.errors import BadInput
from imp_experiments.design.factorial import Design, Factor, Factorial, factorial
from imp_experiments.measure.moments import Summary
from imp_experiments.stats.effect import CONDITIONS, Effect
from imp_experiments.stats.factor_effect import CellSummary, FactorEffect, FactorialResult
from imp_experiments.stats.factorial import analyze_estimates, analyze_factorial
from imp_experiments.stats.welch import welch

A, B = Factor(name="a", levels=("a0", "a1")), Factor(name="b", levels=("b0", "b1"))
C = Factor(name="c", levels=("c0", "c1", "c2"))
PAIR = factorial([A, B])


def cells(design: Factorial, means: Any, n: Any = 50, variance: Any = 4.0) -> list[CellSummary]:
    """One summary per cell in the design's order; a number stands for all of them."""
    count = len(design.cells)
    spread = [value if isinstance(value, list | tuple) else [value] * count for value in (n, means, variance)]
    return [
        CellSummary(levels=levels, n=size, mean=mean, variance=wide)
        for levels, size, mean, wide in zip(design.cells, *spread, strict=True)
    ]


def effect_of(result: FactorialResult, *term: str, kind: str = "difference", levels: Any = None) -> FactorEffect:
    found = [
        effect
        for effect in result.effects
        if effect.term == term and effect.kind == kind and levels in {None, effect.levels}
    ]
    assert len(found) == 1, found
    return found[0]


def absolute(effect: FactorEffect) -> Effect:
    assert effect.absolute is not None, effect.conditions
    return effect.absolute


def relative(effect: FactorEffect) -> Effect:
    assert effect.relative is not None, effect.conditions
    return effect.relative


# --- what the effects are


def test_main_effects_average_over_the_other_factor_and_an_interaction_is_the_full_difference_in_differences() -> None:
    found = analyze_factorial(PAIR, cells(PAIR, [10.0, 11.0, 14.0, 18.0], n=[10, 80, 30, 20]))
    assert absolute(effect_of(found, "a")).estimate == pytest.approx(((14 - 10) + (18 - 11)) / 2)
    assert absolute(effect_of(found, "b")).estimate == pytest.approx(((11 - 10) + (18 - 14)) / 2)
    assert absolute(effect_of(found, "a", "b")).estimate == pytest.approx((18 - 11) - (14 - 10))


def test_relative_effects_are_ratios_of_geometric_averages_and_an_interaction_a_ratio_of_ratios() -> None:
    found = analyze_factorial(PAIR, cells(PAIR, [10.0, 11.0, 14.0, 18.0], n=[10, 80, 30, 20]))
    assert relative(effect_of(found, "a")).estimate == pytest.approx(math.sqrt(14 * 18 / (10 * 11)) - 1)
    assert relative(effect_of(found, "a", "b")).estimate == pytest.approx((18 / 11) / (14 / 10) - 1)
    spread = math.sqrt(4 / 10 / 10**2 + 4 / 80 / 11**2 + 4 / 30 / 14**2 + 4 / 20 / 18**2)
    assert relative(effect_of(found, "a", "b")).se == pytest.approx(spread)


def test_levels_are_held_against_the_first_and_against_the_mean_over_the_levels() -> None:
    design = factorial([A, C])
    found = analyze_factorial(design, cells(design, [1.0, 2.0, 6.0, 3.0, 6.0, 9.0]))
    assert absolute(effect_of(found, "c", levels=("c2",))).estimate == pytest.approx(7.5 - 2)
    assert absolute(effect_of(found, "c", kind="deviation", levels=("c2",))).estimate == pytest.approx(7.5 - 4.5)
    assert absolute(effect_of(found, "c", kind="deviation", levels=("c0",))).estimate == pytest.approx(2 - 4.5)
    # a's effects at the levels of c are 2, 4 and 3
    assert absolute(effect_of(found, "a", "c", levels=("a1", "c1"))).estimate == pytest.approx(4 - 2)
    deviation = effect_of(found, "a", "c", kind="deviation", levels=("a1", "c1"))
    assert absolute(deviation).estimate == pytest.approx(4 - 3)
    assert deviation.label == "a: a1 - a0 × c: c1 - mean"
    assert [test.term for test in found.tests] == [("a",), ("c",), ("a", "c")]
    assert [test.absolute.df_num for test in found.tests if test.absolute] == [1, 2, 2]


def test_one_factor_of_two_levels_is_welchs_test_on_both_scales() -> None:
    design = factorial([A])
    found = effect_of(analyze_factorial(design, cells(design, [1.1, 1.3], n=[40, 25], variance=[0.9, 2.1])), "a")
    oracle = welch(Summary(25, 1.3, 2.1), Summary(40, 1.1, 0.9))
    for ours, theirs in ((found.absolute, oracle.absolute), (found.relative, oracle.relative)):
        assert ours is not None
        assert theirs is not None
        for name in ("estimate", "low", "high", "se", "p_value", "df"):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-10), name


figures = st.tuples(st.integers(10, 200), st.floats(0.1, 50), st.floats(0.01, 100))


@settings(max_examples=40)
@given(st.lists(figures, min_size=6, max_size=6), st.sampled_from([1, 2]), st.sampled_from([0.01, 0.05, 0.3]))
def test_p_and_interval_and_the_test_of_a_term_never_disagree(given_: Any, order: int, alpha: float) -> None:
    design = factorial([A, C])
    n, means, variances = (list(column) for column in zip(*given_, strict=True))
    found = analyze_factorial(design, cells(design, means, n, variances), order=order, alpha=alpha)
    for effect in found.effects:
        for scale in (effect.absolute, effect.relative):
            assert scale is not None
            assert scale.low <= scale.estimate <= scale.high
            if abs(scale.p_value - alpha) > 1e-9:
                assert (scale.p_value < alpha) == (scale.low > 0 or scale.high < 0)
    test = found.tests[0]
    assert test.absolute is not None
    assert test.absolute.p_value == pytest.approx(absolute(effect_of(found, "a")).p_value, rel=1e-6, abs=1e-12)


@given(st.permutations(range(3)), st.booleans())
def test_the_order_of_levels_and_factors_changes_no_test(order: list[int], turned: bool) -> None:
    means, n = [1.0, 2.5, 6.0, 3.0, 6.0, 9.5], [4, 9, 5, 7, 6, 8]
    plain = factorial([A, C])
    given_ = cells(plain, means, n)
    shuffled = Factor(name="c", levels=tuple(C.levels[at] for at in order))
    other = factorial([shuffled, A] if turned else [A, shuffled])
    tests = {frozenset(test.term): test.absolute for test in analyze_factorial(plain, given_).tests}
    for test in analyze_factorial(other, given_).tests:
        expected = tests[frozenset(test.term)]
        assert expected is not None
        assert test.absolute is not None
        assert test.absolute.f == pytest.approx(expected.f, rel=1e-9)
        assert test.absolute.df_den == pytest.approx(expected.df_den, rel=1e-6)


@given(st.sampled_from([1e-150, 1e-8, 1.0, 1e8, 1e150]))
def test_the_units_of_the_metric_change_no_p(unit: float) -> None:
    means, variances = [10.0, 11.0, 14.0, 18.0], [4.0, 1.0, 9.0, 2.0]
    plain = analyze_factorial(PAIR, cells(PAIR, means, 30, variances), order=1)
    scaled = [mean * unit for mean in means], [variance * unit * unit for variance in variances]
    found = analyze_factorial(PAIR, cells(PAIR, scaled[0], 30, scaled[1]), order=1)
    for one, two in zip(plain.effects, found.effects, strict=True):
        assert absolute(two).estimate == pytest.approx(absolute(one).estimate * unit, rel=1e-9)
        assert absolute(two).p_value == pytest.approx(absolute(one).p_value, rel=1e-6)
        assert relative(two).low == pytest.approx(relative(one).low, rel=1e-9)


def test_a_large_mean_costs_no_digits() -> None:
    near, far = ([offset + mean for mean in (0.0, 1.0, 1.5, 4.0)] for offset in (0.0, 1e8))
    one, two = (analyze_factorial(PAIR, cells(PAIR, means, 30), order=1).effects[0] for means in (near, far))
    assert absolute(two).estimate == pytest.approx(absolute(one).estimate, rel=1e-7)
    assert absolute(two).se == pytest.approx(absolute(one).se, rel=1e-7)


def test_small_unequal_cells_keep_the_error_rate() -> None:
    design = factorial([C])
    dice = np.random.default_rng(20)
    n, spread = np.array([5, 12, 20]), np.array([4.0, 1.0, 2.0])
    runs = 1_000
    p_values = []
    for _ in range(runs):
        means = (1.0 + spread * dice.standard_normal(3) / np.sqrt(n)).tolist()
        variances = (spread**2 * dice.chisquare(n - 1) / (n - 1)).tolist()
        found = analyze_factorial(design, cells(design, means, n.tolist(), variances))
        p_values.append(
            [
                absolute(effect_of(found, "c", levels=("c1",))).p_value,
                *(t.absolute.p_value for t in found.tests if t.absolute),
            ]
        )
    rates = (np.array(p_values) < 0.05).mean(axis=0)
    # the standard error of a rate of .05 in 1,000 runs is .0069; three of them
    assert np.all(np.abs(rates - 0.05) < 0.021), rates


# --- what cannot be


def codes(result: FactorialResult) -> set[tuple[str, str]]:
    return {(condition.code, condition.scale) for effect in result.effects for condition in effect.conditions}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"mean": math.nan}, "not_finite"),
        ({"mean": math.inf}, "not_finite"),
        ({"mean": None}, "not_finite"),
        ({"variance": math.nan}, "not_finite"),
        ({"variance": math.inf}, "not_finite"),
        ({"variance": None}, "not_finite"),
        ({"variance": -1.0}, "impossible"),
        ({"n": -3}, "impossible"),
        ({"n": 10**400}, "not_finite"),
    ],
)
def test_impossible_figures_leave_a_condition_and_no_number(change: dict[str, Any], code: str) -> None:
    given_ = cells(PAIR, [1.0, 2.0, 3.0, 4.0])
    values = {"n": 50, "mean": 4.0, "variance": 4.0} | change
    given_[3] = CellSummary(levels=given_[3].levels, **values)
    found = analyze_factorial(PAIR, given_)
    assert codes(found) == {(code, "both")}
    assert [condition.code for condition in found.conditions] == [code]
    assert all(effect.absolute is None and effect.relative is None for effect in found.effects)
    assert all(test.absolute is None and test.relative is None and test.conditions for test in found.tests)
    assert len(found.effects) == 3


def test_fewer_than_two_cells_with_units_have_no_effects() -> None:
    found = analyze_factorial(
        PAIR, cells(PAIR, [1.0, None, None, None], n=[50, 0, 0, 0], variance=[4.0, None, None, None])
    )
    assert codes(found) == {("no_units", "both")}
    assert codes(analyze_factorial(PAIR, [])) == {("no_units", "both")}


def test_an_empty_cell_is_named_and_so_is_every_effect_that_needs_it() -> None:
    given_ = cells(PAIR, [10.0, 11.0, 14.0, None], n=[50, 50, 50, 0], variance=[4.0, 4.0, 4.0, None])
    found = analyze_factorial(PAIR, given_)
    assert codes(found) == {("not_estimable", "both")}
    assert found.missing == ("a=a1,b=b1",)
    assert [condition.code for condition in found.conditions] == ["missing_cells"]
    assert found.estimable_order == 1
    lower = analyze_factorial(PAIR, given_[:3], order=1)
    assert absolute(effect_of(lower, "a")).estimate == pytest.approx(4.0)
    assert (lower.estimable_order, lower.missing) == (1, found.missing)


def test_an_empty_cell_leaves_the_effects_that_do_not_need_it() -> None:
    design = factorial([A, C])
    given_ = [cell for cell in cells(design, [1.0, 2.0, 6.0, 3.0, 6.0, 9.0]) if cell.levels != {"a": "a1", "c": "c2"}]
    found = analyze_factorial(design, given_)
    assert absolute(effect_of(found, "a", "c", levels=("a1", "c1"))).estimate == pytest.approx(2.0)
    assert effect_of(found, "a", "c", levels=("a1", "c2")).absolute is None
    assert [test.absolute is None for test in found.tests] == [True, True, True]


def test_a_factor_with_one_level_left_has_no_effect_at_any_order() -> None:
    found = analyze_factorial(PAIR, cells(PAIR, [10.0, 11.0, 14.0, 18.0])[:2])
    assert found.estimable_order == 0
    assert effect_of(found, "a").absolute is None


def test_a_single_unit_leaves_its_variance_unknown_where_the_model_is_saturated() -> None:
    given_ = cells(PAIR, [10.0, 11.0, 14.0, 18.0], n=[50, 50, 50, 1], variance=[4.0, 4.0, 4.0, None])
    assert codes(analyze_factorial(PAIR, given_)) == {("one_unit", "both")}
    lower = analyze_factorial(PAIR, given_, order=1)
    assert codes(lower) == {("one_unit", "relative")}
    assert absolute(effect_of(lower, "a")).se > 0


def test_cells_without_any_spread_have_no_error_to_test_against() -> None:
    found = analyze_factorial(PAIR, cells(PAIR, [10.0, 11.0, 14.0, 18.0], variance=0.0))
    assert codes(found) == {("no_spread", "both")}
    assert all(test.absolute is None for test in found.tests)
    flat = analyze_factorial(PAIR, cells(PAIR, 0.0, variance=0.0))
    assert codes(flat) == {("no_spread", "absolute"), ("mean_not_positive", "relative")}
    additive = analyze_factorial(PAIR, cells(PAIR, [0.1, 0.3, 0.7, 0.9], variance=0.0), order=1)
    assert codes(additive) == {("no_spread", "both")}


def test_some_cells_without_spread_are_warned_of() -> None:
    found = analyze_factorial(PAIR, cells(PAIR, [10.0, 11.0, 14.0, 18.0], variance=[0.0, 1.0, 1.0, 1.0]))
    assert [condition.code for condition in found.conditions] == ["constant_cells"]
    assert absolute(effect_of(found, "a")).p_value < 0.05


def test_where_a_mean_is_not_positive_only_the_relative_scale_is_missing() -> None:
    found = analyze_factorial(PAIR, cells(PAIR, [10.0, 11.0, 14.0, 0.0]))
    assert codes(found) == {("mean_not_positive", "relative")}
    assert all(effect.absolute is not None for effect in found.effects)


def test_a_relative_interval_without_an_end_is_a_condition() -> None:
    found = analyze_factorial(PAIR, cells(PAIR, [10.0, 1e-6, 14.0, 18.0]))
    assert codes(found) == {("unbounded", "relative")}


anything = st.one_of(st.floats(), st.none(), st.just(0.0), st.sampled_from([5e-324, 1e-200, 1e200, 1.7e308, -1.7e308]))


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(-1, 2**65), anything, anything), min_size=4, max_size=4), st.sampled_from([1, 2]))
def test_whatever_the_figures_there_is_a_finite_number_or_a_condition(given_: Any, order: int) -> None:
    n, means, variances = (list(column) for column in zip(*given_, strict=True))
    for effect in analyze_factorial(PAIR, cells(PAIR, means, n, variances), order=order).effects:
        named = {condition.scale for condition in effect.conditions}
        for scale in ("absolute", "relative"):
            figures = getattr(effect, scale)
            if figures is None:
                assert named & {scale, "both"}
            else:
                assert all(map(math.isfinite, (figures.estimate, figures.low, figures.high, figures.se, figures.df)))
                assert 0 <= figures.p_value <= 1


def test_every_condition_has_its_words() -> None:
    for code in ("impossible", "missing_cells", "not_estimable", "no_spread", "constant_cells"):
        assert CONDITIONS[code]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"alpha": 2}, "error rate"),
        ({"alpha": math.nan}, "error rate"),
        ({"alpha": True}, "error rate"),
        ({"order": 0}, "order"),
        ({"order": 1.5}, "order"),
        ({"df": "many"}, "degrees of freedom"),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        analyze_factorial(PAIR, cells(PAIR, 1.0), **arguments)


@pytest.mark.parametrize("levels", [{"a": "a0"}, {"a": "a0", "b": "b9"}, {"a": "a0", "b": "b0", "c": "c0"}, {}])
def test_a_cell_that_is_not_in_the_design_is_refused(levels: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="not a cell"):
        analyze_factorial(PAIR, [CellSummary(levels=levels, n=5, mean=1.0, variance=1.0)])


def test_a_cell_that_comes_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="twice"):
        analyze_factorial(PAIR, cells(PAIR, 1.0) + cells(PAIR, 1.0)[:1])


# --- estimates with a covariance matrix


def test_estimates_with_their_covariance_give_the_same_effects() -> None:
    given_ = cells(PAIR, [10.0, 11.0, 14.0, 18.0], n=[10, 80, 30, 20])
    values = [cell.mean for cell in given_]
    covariance = np.diag([4.0 / cell.n for cell in given_])
    plain = analyze_factorial(PAIR, given_)
    found = analyze_estimates(PAIR, PAIR.cells, values, covariance)
    for one, two in zip(plain.effects, found.effects, strict=True):
        assert absolute(two).estimate == pytest.approx(absolute(one).estimate)
        assert absolute(two).se == pytest.approx(absolute(one).se)
        assert relative(two).se == pytest.approx(relative(one).se)
        assert absolute(two).df == math.inf
    assert (found.n, found.residual_df) == (None, None)


def test_estimates_that_share_an_error_have_it_cancelled_in_a_difference() -> None:
    shared = np.full((4, 4), 0.5) + np.diag([0.1, 0.2, 0.3, 0.4])
    found = analyze_estimates(PAIR, PAIR.cells, [10.0, 11.0, 14.0, 18.0], shared, df=30)
    assert absolute(effect_of(found, "a")).se == pytest.approx(math.sqrt(1.0) / 2)
    assert absolute(effect_of(found, "a", "b")).se == pytest.approx(1.0)
    assert absolute(effect_of(found, "a")).df == 30


@pytest.mark.parametrize(
    ("values", "covariance", "code"),
    [
        ([1.0, 2.0, math.nan, 4.0], np.eye(4), "not_finite"),
        ([1.0, 2.0, 3.0, 4.0], np.full((4, 4), math.inf), "not_finite"),
        ([1.0, 2.0, 3.0, 4.0], -np.eye(4), "impossible"),
        ([1.0, 2.0, 3.0, 4.0], np.zeros((4, 4)), "no_spread"),
    ],
)
def test_estimates_that_cannot_be_are_conditions(values: list[float], covariance: Any, code: str) -> None:
    assert codes(analyze_estimates(PAIR, PAIR.cells, values, covariance)) == {(code, "both")}


@pytest.mark.parametrize(
    "arguments",
    [
        {"values": [1.0, 2.0]},
        {"values": ["a", "b", "c", "d"]},
        {"covariance": np.eye(3)},
        {"covariance": np.triu(np.ones((4, 4)))},
        {"weights": [1.0, 1.0, 1.0, 0.0]},
        {"weights": [1.0, 1.0, 1.0, math.nan]},
        {"df": 0},
        {"df": math.nan},
    ],
)
def test_estimates_of_other_shapes_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        analyze_estimates(PAIR, PAIR.cells, **{"values": [1.0, 2.0, 3.0, 4.0], "covariance": np.eye(4)} | arguments)


# --- fractions


def fraction(count: int, *generators: str) -> Factorial:
    factors = [Factor(name=name, levels=("-", "+")) for name in "ABCDEFG"[:count]]
    return factorial(factors, Design(kind="fraction", generators=generators))


def test_a_fraction_reports_chains_and_never_an_aliased_interaction_alone() -> None:
    design = fraction(4, "D=ABC")
    found = analyze_factorial(design, cells(design, [float(at) for at in range(1, 9)]))
    assert (found.resolution, found.defining_relation) == (4, "I = ABCD")
    labels = [effect.label for effect in found.effects]
    assert labels == ["A = B*C*D", "B = A*C*D", "C = A*B*D", "D = A*B*C", "A*B = C*D", "A*C = B*D", "A*D = B*C"]
    assert [effect.clear for effect in found.effects] == [True] * 4 + [False] * 3
    assert [test.term for test in found.tests] == [effect.term for effect in found.effects]
    assert all(effect.relative is not None for effect in found.effects)


@pytest.mark.parametrize(("count", "generator"), [(3, "C=AB"), (4, "D=ABC"), (4, "D=-ABC"), (5, "E=ABCD")])
def test_a_chain_is_the_sum_of_its_effects_by_their_shares(count: int, generator: str) -> None:
    """The truth of all effects is known from the full factorial; the fraction sees only its own cells."""
    names = "ABCDE"[:count]
    full = factorial([Factor(name=name, levels=("-", "+")) for name in names])
    dice = np.random.default_rng(8)
    truth = dict(zip(full.variants, dice.uniform(1, 9, len(full.variants)).tolist(), strict=True))
    whole = analyze_factorial(full, cells(full, list(truth.values())), order=None)
    every = {effect.term: absolute(effect).estimate for effect in whole.effects}
    design = fraction(count, generator)
    found = analyze_factorial(design, cells(design, [truth[name] for name in design.variants]), order=None)
    for effect in found.effects:
        total = every[effect.term] + sum(share * every[alias.factors] for alias, share in effect.shares)
        assert absolute(effect).estimate == pytest.approx(total)


def test_a_full_factorial_has_no_aliases() -> None:
    found = analyze_factorial(PAIR, cells(PAIR, [1.0, 2.0, 3.0, 4.0]))
    assert (found.resolution, found.defining_relation) == (None, None)
    assert all(effect.clear and effect.chain is None and effect.shares == () for effect in found.effects)


def test_a_fractions_missing_run_is_named() -> None:
    design = fraction(3, "C=AB")
    found = analyze_factorial(design, cells(design, [1.0, 2.0, 3.0, 4.0])[1:])
    assert found.missing == ("A=-,B=-,C=+",)
    assert codes(found) == {("not_estimable", "both")}
    other = {"A": "+", "B": "+", "C": "-"}
    with pytest.raises(BadInput, match="not a cell"):
        analyze_factorial(design, [CellSummary(levels=other, n=5, mean=1.0, variance=1.0)])


def test_chinese_factors_are_analysed_like_others() -> None:
    design = factorial([Factor(name="主题", levels=("陈述", "疑问")), Factor(name="图片", levels=("无", "有"))])
    found = analyze_factorial(design, cells(design, [10.0, 11.0, 14.0, 18.0]))
    assert effect_of(found, "主题", "图片").label == "主题: 疑问 - 陈述 × 图片: 有 - 无"


def test_a_large_factorial_is_analysed_like_a_small_one() -> None:
    design = factorial([Factor(name=f"f{at}", levels=("0", "1")) for at in range(7)])
    means = [1.0 + sum(int(level) for level in levels.values()) for levels in design.cells]
    found = analyze_factorial(design, cells(design, means))
    assert len(found.effects) == 7 + 21
    assert all(absolute(effect).estimate == pytest.approx(float(len(effect.term) == 1)) for effect in found.effects)
    assert len(design.cells) == 128


def test_a_covariance_beyond_floating_point_is_a_condition() -> None:
    cells_of = list(PAIR.cells)
    found = analyze_estimates(PAIR, cells_of, [1e-300, 2e-300, 1e-300, 3e-300], np.diag([1e154, 1.0, 1.0, 1.0]))
    assert {one.code for effect in found.effects for one in effect.conditions} == {"not_finite", "unbounded"}
