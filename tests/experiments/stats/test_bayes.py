from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from imp_core.errors import BadInput
from imp_experiments.stats.bayes import RELATIVE_PRIOR, Posterior, Prior, absolute_prior, posterior
from imp_experiments.stats.effect import Condition

CASES = json.loads(Path(__file__).parents[2].joinpath("vectors", "stats", "bayes.json").read_text(encoding="utf-8"))
effects = st.tuples(st.floats(-3, 3), st.floats(1e-4, 3))
scales = st.sampled_from(["absolute", "relative"])
directions = st.sampled_from(["up", "down"])


def known(found: Posterior | Condition) -> Posterior:
    assert isinstance(found, Posterior)
    return found


def asked(case: dict[str, Any]) -> Posterior:
    given_ = dict(case["input"])
    prior = given_.pop("prior")
    given_["prior"] = absolute_prior(prior["of_control_mean"]) if "of_control_mean" in prior else Prior(**prior)
    return known(posterior(given_.pop("estimate"), given_.pop("se"), **given_))


def test_there_are_cases_of_both_scales_and_of_both_sources() -> None:
    assert {case["input"]["scale"] for case in CASES} == {"absolute", "relative"}
    assert {case["source"].split()[0] for case in CASES} == {"gbstats", "mpmath"}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_figures_are_those_of_the_peers(case: dict[str, Any]) -> None:
    found = asked(case)
    for name, value in case["expected"].items():
        # relative even far in a tail, where mpmath is the peer: no digit is lost in rounding
        assert getattr(found, name) == pytest.approx(
            value, rel=case["tolerance"], abs=1e-8 * found.sd if "gbstats" in case["id"] else 0
        )


@given(effects, scales, directions, st.floats(0.01, 3))
def test_what_is_lost_by_either_decision_differs_by_the_expected_effect(
    effect: tuple[float, float], scale: str, direction: str, spread: float
) -> None:
    found = known(posterior(*effect, scale=scale, direction=direction, prior=Prior(mean=0.1, sd=spread)))
    expected = math.expm1(found.mean + found.sd**2 / 2) if scale == "relative" else found.mean
    sign = 1 if direction == "up" else -1
    balance = sign * (found.loss_of_keeping - found.loss_of_shipping)
    assert balance == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert found.loss_of_keeping >= 0
    assert found.loss_of_shipping >= 0


@given(effects, scales, directions, st.floats(0.001, 0.5))
def test_the_interval_excludes_no_effect_where_the_chance_says_so(
    effect: tuple[float, float], scale: str, direction: str, alpha: float
) -> None:
    found = known(posterior(*effect, scale=scale, direction=direction, prior=RELATIVE_PRIOR, alpha=alpha))
    surest = max(found.chance_to_beat, 1 - found.chance_to_beat)
    if abs(surest - (1 - alpha / 2)) > 1e-9:
        assert (found.low > 0 or found.high < 0) == (surest > 1 - alpha / 2)
    assert found.low <= found.estimate <= found.high


@given(effects, scales)
def test_the_posterior_lies_between_prior_and_data_and_is_surer_than_both(
    effect: tuple[float, float], scale: str
) -> None:
    prior = Prior(mean=-0.2, sd=0.4)
    found = known(posterior(*effect, scale=scale, direction="up", prior=prior))
    low, high = sorted((prior.mean, effect[0]))
    assert low - 1e-12 <= found.mean <= high + 1e-12
    assert found.sd < min(prior.sd, effect[1])


@given(effects)
def test_absolute_directions_mirror_each_other(effect: tuple[float, float]) -> None:
    estimate, se = effect
    up = known(posterior(estimate, se, scale="absolute", direction="up", prior=RELATIVE_PRIOR))
    down = known(posterior(-estimate, se, scale="absolute", direction="down", prior=RELATIVE_PRIOR))
    assert up.chance_to_beat == down.chance_to_beat
    assert (up.loss_of_shipping, up.loss_of_keeping) == (down.loss_of_shipping, down.loss_of_keeping)


@given(st.floats(-5, 5), st.floats(0.45, 0.55))
def test_narrow_and_wide_posteriors_meet_without_a_step(d: float, sd: float) -> None:
    # integrated below .5, the closed form from there on: both against a sum over the posterior
    wide = 1e6
    found = known(posterior(d * sd, sd, scale="relative", direction="up", prior=Prior(mean=0.0, sd=wide)))
    points = np.linspace(-40, 40, 16_001)
    ratio = np.expm1(found.mean + found.sd * points)
    weights = norm.pdf(points) * (points[1] - points[0])
    # the kink at ratio 1 costs the sum one step's square
    assert found.loss_of_shipping == pytest.approx(float(np.maximum(-ratio, 0) @ weights), rel=1e-3, abs=1e-300)
    assert found.loss_of_keeping == pytest.approx(float(np.maximum(ratio, 0) @ weights), rel=1e-3, abs=1e-300)


def test_intervals_hold_the_truth_as_often_as_they_say_when_the_prior_is_true() -> None:
    dice = np.random.default_rng(8)
    runs, se, hits = 4_000, 0.2, 0
    for _ in range(runs):
        truth = dice.normal(RELATIVE_PRIOR.mean, RELATIVE_PRIOR.sd)
        found = known(
            posterior(dice.normal(truth, se), se, scale="relative", direction="up", prior=RELATIVE_PRIOR, alpha=0.1)
        )
        hits += found.low <= math.expm1(truth) <= found.high
    # four standard errors of a share of .9 in 4,000 runs
    assert abs(hits / runs - 0.9) < 4 * math.sqrt(0.9 * 0.1 / runs)


def test_the_default_prior_draws_a_usual_experiment_hardly_and_ten_units_much() -> None:
    usual = known(posterior(0.03, 0.01, scale="relative", direction="up", prior=RELATIVE_PRIOR))
    assert usual.mean == pytest.approx(0.03, rel=0.002)
    scarce = known(posterior(0.9, 0.5, scale="relative", direction="up", prior=RELATIVE_PRIOR))
    assert scarce.mean < 0.3
    assert scarce.chance_to_beat < 0.9


def test_the_default_absolute_prior_is_in_the_unit_of_the_metric() -> None:
    assert absolute_prior(-40.0) == Prior(mean=0.0, sd=12.0)
    euros = known(posterior(0.5, 0.4, scale="absolute", direction="up", prior=absolute_prior(5.0)))
    cents = known(posterior(50.0, 40.0, scale="absolute", direction="up", prior=absolute_prior(500.0)))
    assert cents.chance_to_beat == pytest.approx(euros.chance_to_beat, rel=1e-12)
    assert cents.loss_of_shipping == pytest.approx(100 * euros.loss_of_shipping, rel=1e-12)


@pytest.mark.parametrize("control_mean", [0.0, math.nan, math.inf])
def test_control_at_nothing_gives_no_default_prior(control_mean: float) -> None:
    with pytest.raises(BadInput):
        absolute_prior(control_mean)


@pytest.mark.parametrize(("mean", "sd"), [(0, 0), (0, -1), (0, math.inf), (0, math.nan), (math.nan, 1), (math.inf, 1)])
def test_a_flat_or_impossible_prior_is_refused(mean: float, sd: float) -> None:
    with pytest.raises(BadInput) as caught:
        Prior(mean=mean, sd=sd)
    assert caught.value.where == "prior"
    assert caught.value.mend


@pytest.mark.parametrize("scale", ["absolute", "relative"])
@pytest.mark.parametrize(
    ("estimate", "se", "code"),
    [
        (math.nan, 1.0, "not_finite"),
        (math.inf, 1.0, "not_finite"),
        (0.1, math.nan, "not_finite"),
        (0.1, math.inf, "not_finite"),
        (0.1, 0.0, "no_error"),
        (0.1, -1.0, "no_error"),
    ],
)
def test_where_there_is_no_effect_a_condition_says_so(scale: str, estimate: float, se: float, code: str) -> None:
    found = posterior(estimate, se, scale=scale, direction="up", prior=RELATIVE_PRIOR)
    assert found == Condition(code, scale)
    assert found.text


def test_what_is_beyond_doubt_loses_nothing() -> None:
    for scale in ("absolute", "relative"):
        found = known(posterior(5.0, 1e-320, scale=scale, direction="up", prior=Prior(mean=0.0, sd=1.0)))
        assert (found.chance_to_beat, found.loss_of_shipping) == (1.0, 0.0)
        assert found.loss_of_keeping == pytest.approx(5.0 if scale == "absolute" else math.expm1(5.0))


def test_what_floating_point_cannot_hold_is_a_condition() -> None:
    wide = Prior(mean=0.0, sd=1e6)
    assert posterior(0.0, 1e6, scale="relative", direction="up", prior=wide) == Condition("unbounded", "relative")
    assert posterior(800.0, 1.0, scale="relative", direction="up", prior=wide) == Condition("unbounded", "relative")
    # a finite interval whose mean, e^(sd²/2), is not
    assert posterior(0.0, 40.0, scale="relative", direction="up", prior=wide) == Condition("unbounded", "relative")
    huge = Prior(mean=-1e308, sd=1e308)
    assert posterior(1.7e308, 1.0, scale="absolute", direction="up", prior=huge) == Condition("not_finite", "absolute")


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    scales,
    directions,
)
def test_no_finite_input_breaks_it_or_gets_an_infinite_answer(
    estimate: float, se: float, sd: float, scale: str, direction: str
) -> None:
    found = posterior(estimate, se, scale=scale, direction=direction, prior=Prior(mean=0.0, sd=sd))
    if isinstance(found, Posterior):
        figures = (found.mean, found.sd, found.estimate, found.low, found.high, found.chance_to_beat)
        assert all(math.isfinite(figure) for figure in figures)
        assert 0 <= found.loss_of_shipping < math.inf
        assert 0 <= found.loss_of_keeping < math.inf


@pytest.mark.parametrize("wrong", [{"scale": "log"}, {"direction": "left"}, {"alpha": 2.0}, {"alpha": 0.0}])
def test_wrong_arguments_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput) as caught:
        posterior(0.1, 0.1, **{"scale": "absolute", "direction": "up", "prior": RELATIVE_PRIOR, **wrong})
    assert caught.value.where in wrong
