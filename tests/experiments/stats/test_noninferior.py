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
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from imp_core.errors import BadInput
from imp_experiments.stats.contrast import Arm, TContrast, t_contrast
from imp_experiments.stats.noninferior import Guarded, non_inferior
from imp_experiments.stats.score import Count, score

ONE = [4.1, 5.3, 3.9, 6.2, 5.8, 4.4, 5.1, 4.9]
TWO = [5.0, 4.7, 5.9, 4.2, 5.5, 6.1, 4.8]
effects = st.tuples(st.floats(-3, 3), st.floats(0.01, 2), st.floats(1, 500))
scales = st.sampled_from(["absolute", "relative"])
directions = st.sampled_from(["up", "down"])


def contrast_of(estimate: float, se: float, df: float, scale: str) -> TContrast:
    """A contrast with this estimate (relative: of the logarithm): control is known exactly."""
    value, base = (math.exp(estimate), 1.0) if scale == "relative" else (estimate, 0.0)
    unit = value if scale == "relative" else 1.0
    return TContrast(
        variant=Arm(n=10, value=value, variance=(se * unit) ** 2, df=df),
        control=Arm(n=10, value=base, variance=0.0, df=df),
        covariance=0.0,
        method="t",
    )


def welch() -> TContrast:
    arms = [Arm(n=len(x), value=float(np.mean(x)), variance=float(np.var(x, ddof=1) / len(x)), df=len(x) - 1)
            for x in (ONE, TWO)]  # fmt: skip
    return t_contrast(*arms, method="Welch")


CASES = json.loads(
    Path(__file__).parents[2].joinpath("vectors", "stats", "noninferior.json").read_text(encoding="utf-8")
)


def guarded(found: Guarded | None) -> Guarded:
    assert found is not None
    return found


def bound(found: Guarded, direction: str) -> float:
    return found.low if direction == "up" else found.high


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_answers_are_those_of_a_peer(case: dict[str, Any]) -> None:
    given = dict(case["input"])
    contrast = contrast_of(given.pop("estimate"), given.pop("se"), given.pop("df"), given["scale"])
    found = guarded(non_inferior(contrast, **given))
    assert found.p_value == pytest.approx(case["expected"]["p_value"], rel=1e-7, abs=1e-14)
    assert bound(found, given["direction"]) == pytest.approx(case["expected"]["bound"], rel=case["tolerance"])
    assert found.held == (case["expected"]["outcome"] == "held")


@pytest.mark.parametrize("margin", [0.2, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_the_absolute_test_is_that_of_statsmodels(margin: float, direction: str) -> None:
    found = guarded(non_inferior(welch(), margin=margin, scale="absolute", direction=direction, alpha=0.05))
    oracle = CompareMeans(DescrStatsW(ONE), DescrStatsW(TWO))
    null, side = (-margin, "larger") if direction == "up" else (margin, "smaller")
    _, p_value, _ = oracle.ttest_ind(alternative=side, usevar="unequal", value=null)
    low, high = oracle.tconfint_diff(alpha=0.05, alternative=side, usevar="unequal")
    assert found.null == null
    assert found.p_value == pytest.approx(p_value, rel=1e-9)
    assert bound(found, direction) == pytest.approx(low if direction == "up" else high, rel=1e-9)
    assert found.held == (p_value < 0.05)


def test_a_relative_margin_is_a_ratio_and_not_a_difference_of_logarithms() -> None:
    # the standard error is tiny, so that the estimate alone decides: the ratio 0.9 is just the margin of 0.1
    for ratio, direction, held in ((0.9 + 1e-6, "up", True), (0.9 - 1e-6, "up", False),
                                   (1.1 - 1e-6, "down", True), (1.1 + 1e-6, "down", False)):  # fmt: skip
        contrast = contrast_of(math.log(ratio), 1e-9, 50, "relative")
        assert guarded(non_inferior(contrast, margin=0.1, scale="relative", direction=direction)).held == held


def test_the_relative_bound_is_a_share_of_control() -> None:
    contrast = contrast_of(0.02, 0.01, math.inf, "relative")
    found = guarded(non_inferior(contrast, margin=0.01, scale="relative", direction="up"))
    assert found.low == pytest.approx(math.exp(0.02 - 1.6448536269514722 * 0.01) - 1, rel=1e-12)
    assert (found.null, found.held) == (-0.01, True)


@given(effects, scales, directions, st.floats(0.01, 0.99), st.floats(0.001, 0.49))
def test_p_bound_and_outcome_never_disagree(
    effect: tuple[float, float, float], scale: str, direction: str, margin: float, alpha: float
) -> None:
    found = non_inferior(contrast_of(*effect, scale), margin=margin, scale=scale, direction=direction, alpha=alpha)
    if found is None:  # a relative bound beyond floating point
        assert scale == "relative"
        return
    within = found.low > found.null if direction == "up" else found.high < found.null
    assert found.held == (found.p_value < alpha) == within


@given(st.integers(0, 20), st.integers(0, 20), scales, directions, st.floats(0.01, 0.9))
def test_scores_of_few_events_agree_too(one: int, two: int, scale: str, direction: str, margin: float) -> None:
    found = non_inferior(score(Count(one, 50), Count(two, 60)), margin=margin, scale=scale, direction=direction)
    if found is not None:
        within = found.low > found.null if direction == "up" else found.high < found.null
        assert found.held == (found.p_value < 0.05) == within


@given(st.floats(0.01, 0.99), st.floats(0.01, 5), st.floats(1, 1e6), st.floats(0.001, 0.49), directions)
def test_at_the_very_edge_p_and_bound_fall_on_one_side(
    margin: float, se: float, df: float, alpha: float, direction: str
) -> None:
    null = -margin if direction == "up" else margin
    edge = null + (-1 if direction == "up" else 1) * float(stdtrit(df, alpha)) * se
    for estimate in (edge, math.nextafter(edge, math.inf), math.nextafter(edge, -math.inf)):
        contrast = contrast_of(estimate, se, df, "absolute")
        found = guarded(non_inferior(contrast, margin=margin, scale="absolute", direction=direction, alpha=alpha))
        assert (found.low > null if direction == "up" else found.high < null) == (found.p_value < alpha)


def test_a_guardrail_at_its_margin_holds_as_rarely_as_alpha_says() -> None:
    dice = np.random.default_rng(11)
    runs, n, held = 4_000, 200, 0
    for _ in range(runs):
        one, two = dice.normal(-0.3, 1, n), dice.normal(0, 1, n)
        arms = [Arm(n=n, value=float(x.mean()), variance=float(x.var(ddof=1) / n), df=n - 1) for x in (one, two)]
        contrast = t_contrast(*arms, method="Welch")
        held += guarded(non_inferior(contrast, margin=0.3, scale="absolute", direction="up")).held
    # four standard errors of a share of .05 in 4,000 runs
    assert abs(held / runs - 0.05) < 4 * math.sqrt(0.05 * 0.95 / runs)


def test_without_an_effect_there_is_no_answer() -> None:
    nobody = Arm(n=0, value=math.nan, variance=math.nan, df=0)
    contrast = t_contrast(Arm(n=9, value=1.0, variance=1.0, df=8), nobody, method="t")
    assert contrast.conditions
    for scale in ("absolute", "relative"):
        assert non_inferior(contrast, margin=0.1, scale=scale, direction="up") is None


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
        {"alpha": 0.5},
        {"alpha": 2.0},
        {"alpha": math.nan},
    ],
)
def test_wrong_arguments_are_named(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"margin": 0.1, "scale": "relative", "direction": "up"}
    with pytest.raises(BadInput) as caught:
        non_inferior(contrast_of(0.1, 0.1, 10, "relative"), **{**right, **wrong})
    assert caught.value.where in wrong
