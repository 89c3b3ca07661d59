from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit
from scipy.stats import ttest_ind
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from imp_core.errors import BadInput
from imp_experiments.stats.effect import Condition
from imp_experiments.stats.noninferior import Equivalence, Guarded, equivalent, no_harm, non_inferior

ONE = [4.1, 5.3, 3.9, 6.2, 5.8, 4.4, 5.1, 4.9]
TWO = [5.0, 4.7, 5.9, 4.2, 5.5, 6.1, 4.8]
effects = st.tuples(st.floats(-3, 3), st.floats(0.01, 2), st.floats(1, 500))
scales = st.sampled_from(["absolute", "relative"])
directions = st.sampled_from(["up", "down"])


def difference() -> tuple[float, float, float]:
    welch = ttest_ind(ONE, TWO, equal_var=False)
    estimate = float(np.mean(ONE) - np.mean(TWO))
    return estimate, estimate / float(welch.statistic), float(welch.df)


CASES = json.loads(
    Path(__file__).parents[2].joinpath("vectors", "stats", "noninferior.json").read_text(encoding="utf-8")
)


def guarded(found: Guarded | Condition) -> Guarded:
    assert isinstance(found, Guarded)
    return found


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_answers_are_those_of_a_peer(case: dict[str, Any]) -> None:
    found = guarded(non_inferior(**case["input"]))
    assert found.p_value == pytest.approx(case["expected"]["p_value"], rel=1e-7, abs=1e-14)
    assert found.bound == pytest.approx(case["expected"]["bound"], rel=case["tolerance"])
    assert found.outcome == case["expected"]["outcome"]


@pytest.mark.parametrize("margin", [0.2, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_the_absolute_test_is_that_of_statsmodels(margin: float, direction: str) -> None:
    found = guarded(non_inferior(*difference(), margin=margin, scale="absolute", direction=direction, alpha=0.05))
    oracle = CompareMeans(DescrStatsW(ONE), DescrStatsW(TWO))
    null, side = (-margin, "larger") if direction == "up" else (margin, "smaller")
    _, p_value, _ = oracle.ttest_ind(alternative=side, usevar="unequal", value=null)
    low, high = oracle.tconfint_diff(alpha=0.05, alternative=side, usevar="unequal")
    assert found.null == null
    assert found.p_value == pytest.approx(p_value, rel=1e-9)
    assert found.bound == pytest.approx(low if direction == "up" else high, rel=1e-9)
    assert found.outcome == ("held" if p_value < 0.05 else "broken")


@pytest.mark.parametrize("direction", ["up", "down"])
def test_harm_is_the_one_sided_test_of_statsmodels_against_nothing(direction: str) -> None:
    found = guarded(no_harm(*difference(), scale="absolute", direction=direction))
    oracle = CompareMeans(DescrStatsW(ONE), DescrStatsW(TWO))
    side = "smaller" if direction == "up" else "larger"
    assert found.p_value == pytest.approx(oracle.ttest_ind(alternative=side, usevar="unequal")[1], rel=1e-9)
    assert found.outcome == "held"


def test_equivalence_is_the_two_one_sided_tests_of_statsmodels() -> None:
    found = equivalent(*difference(), margin=1.5, scale="absolute")
    assert isinstance(found, Equivalence)
    p_value, *_ = CompareMeans(DescrStatsW(ONE), DescrStatsW(TWO)).ttost_ind(-1.5, 1.5, usevar="unequal")
    assert found.p_value == pytest.approx(p_value, rel=1e-9)
    assert found.equivalent
    assert (found.low > -1.5, found.high < 1.5) == (True, True)


def test_a_relative_margin_is_a_ratio_and_not_a_difference_of_logarithms() -> None:
    # the standard error is tiny, so that the estimate alone decides: the ratio 0.9 is just the margin of 0.1
    just, worse = math.log(0.9 + 1e-6), math.log(0.9 - 1e-6)
    assert guarded(non_inferior(just, 1e-9, 50, margin=0.1, scale="relative", direction="up")).outcome == "held"
    assert guarded(non_inferior(worse, 1e-9, 50, margin=0.1, scale="relative", direction="up")).outcome == "broken"
    just, worse = math.log(1.1 - 1e-6), math.log(1.1 + 1e-6)
    assert guarded(non_inferior(just, 1e-9, 50, margin=0.1, scale="relative", direction="down")).outcome == "held"
    assert guarded(non_inferior(worse, 1e-9, 50, margin=0.1, scale="relative", direction="down")).outcome == "broken"


def test_the_relative_bound_is_a_share_of_control() -> None:
    found = guarded(non_inferior(0.02, 0.01, math.inf, margin=0.01, scale="relative", direction="up"))
    assert found.bound == pytest.approx(math.exp(0.02 - 1.6448536269514722 * 0.01) - 1, rel=1e-12)
    assert (found.null, found.outcome) == (-0.01, "held")


@given(effects, scales, directions, st.floats(0.01, 0.99), st.floats(0.001, 0.5))
def test_p_bound_and_outcome_never_disagree(
    effect: tuple[float, float, float], scale: str, direction: str, margin: float, alpha: float
) -> None:
    found = guarded(non_inferior(*effect, margin=margin, scale=scale, direction=direction, alpha=alpha))
    beyond = found.bound > found.null if direction == "up" else found.bound < found.null
    assert (found.outcome == "held") == (found.p_value < alpha) == beyond
    harm = guarded(no_harm(*effect, scale=scale, direction=direction, alpha=alpha))
    worse = harm.bound < 0 if direction == "up" else harm.bound > 0
    assert (harm.outcome == "broken") == (harm.p_value < alpha) == worse


@given(st.floats(0.01, 0.99), st.floats(0.01, 5), st.floats(1, 1e6), st.floats(0.001, 0.5), scales, directions)
def test_at_the_very_edge_p_and_bound_fall_on_one_side(
    margin: float, se: float, df: float, alpha: float, scale: str, direction: str
) -> None:
    null = -margin if direction == "up" else margin
    start = math.log1p(null) if scale == "relative" else null
    edge = start + (-1 if direction == "up" else 1) * float(stdtrit(df, alpha)) * se
    for estimate in (edge, math.nextafter(edge, math.inf), math.nextafter(edge, -math.inf)):
        found = guarded(non_inferior(estimate, se, df, margin=margin, scale=scale, direction=direction, alpha=alpha))
        assert (found.bound > null if direction == "up" else found.bound < null) == (found.p_value < alpha)


@given(effects, scales, st.floats(0.01, 0.99))
def test_the_directions_mirror_each_other(effect: tuple[float, float, float], scale: str, margin: float) -> None:
    estimate, se, df = effect
    if scale == "relative":
        # 1 - m and 1 + m' mirror on the logarithm where 1 + m' = 1 / (1 - m); a margin above 1 does not exist
        margin = margin / 2
        other = 1 / (1 - margin) - 1
    else:
        other = margin
    up = guarded(non_inferior(estimate, se, df, margin=margin, scale=scale, direction="up"))
    down = guarded(non_inferior(-estimate, se, df, margin=other, scale=scale, direction="down"))
    assert up.p_value == pytest.approx(down.p_value, rel=1e-9, abs=1e-300)


def test_a_guardrail_at_its_margin_holds_as_rarely_as_alpha_says() -> None:
    dice = np.random.default_rng(11)
    runs, n, held = 4_000, 200, 0
    for _ in range(runs):
        one, two = dice.normal(-0.3, 1, n), dice.normal(0, 1, n)
        se = math.sqrt(one.var(ddof=1) / n + two.var(ddof=1) / n)
        effect = float(one.mean() - two.mean())
        held += guarded(non_inferior(effect, se, 2 * n - 2, margin=0.3, scale="absolute", direction="up")).outcome == (
            "held"
        )
    # four standard errors of a share of .05 in 4,000 runs
    assert abs(held / runs - 0.05) < 4 * math.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize(
    ("estimate", "se", "df", "code"),
    [
        (math.nan, 1.0, 10.0, "not_finite"),
        (math.inf, 1.0, 10.0, "not_finite"),
        (0.1, math.nan, 10.0, "not_finite"),
        (0.1, math.inf, 10.0, "not_finite"),
        (0.1, 1.0, math.nan, "not_finite"),
        (0.1, 0.0, 10.0, "no_error"),
        (0.1, -1.0, 10.0, "no_error"),
        (0.1, 1.0, 0.0, "no_error"),
        (1e308, 1e308, 1.0, "not_finite"),
    ],
)
def test_where_there_is_no_effect_a_condition_says_so(estimate: float, se: float, df: float, code: str) -> None:
    for found in (
        non_inferior(estimate, se, df, margin=0.1, scale="absolute", direction="down"),
        no_harm(estimate, se, df, scale="absolute", direction="up"),
        equivalent(estimate, se, df, margin=0.1, scale="absolute"),
    ):
        assert found == Condition(code, "absolute")
        assert found.text


def test_a_relative_bound_beyond_floating_point_is_the_largest() -> None:
    found = guarded(non_inferior(0.0, 1e5, 1.0, margin=0.1, scale="relative", direction="down"))
    assert math.isfinite(found.bound)
    assert found.outcome == "broken"


@pytest.mark.parametrize(
    "wrong",
    [
        {"margin": 0.0},
        {"margin": -0.1},
        {"margin": 1.0},
        {"margin": math.nan},
        {"margin": math.inf, "scale": "absolute"},
        {"margin": 0.0, "scale": "absolute"},
        {"scale": "log"},
        {"direction": "sideways"},
        {"alpha": 0.0},
        {"alpha": 2.0},
        {"alpha": math.nan},
    ],
)
def test_wrong_arguments_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput) as caught:
        non_inferior(0.1, 0.1, 10, **{"margin": 0.1, "scale": "relative", "direction": "up", **wrong})
    assert caught.value.where in wrong
