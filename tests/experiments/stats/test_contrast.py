"""Contrasts by t: what they refuse, and intervals at the tails of early looks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from imp_core.errors import BadInput
from imp_experiments.stats.contrast import Arm, TContrast, figures, t_contrast
from imp_experiments.stats.effect import WARNINGS


def two(value: float = 1.1, variance: float = 0.001, df: float = 999.0) -> TContrast:
    variant, control = (
        Arm(n=1_000, value=value, variance=variance, df=df),
        Arm(n=1_000, value=1.0, variance=0.001, df=df),
    )
    return t_contrast(variant, control, method="t")


@pytest.mark.parametrize("tail", [0.4, 0.025, 1e-6, 1e-17, 1e-32, 1e-100])
def test_the_interval_of_an_early_look_is_finite_and_that_of_t(tail: float) -> None:
    effect = two().effect("absolute", tail=tail)
    assert effect is not None
    assert (effect.high - effect.estimate) / effect.se == pytest.approx(stats.t.isf(tail, effect.df), rel=1e-9)
    relative = two().effect("relative", tail=tail)
    assert relative is not None
    assert -1 < relative.low < relative.estimate < relative.high < math.inf


def test_an_interval_without_a_finite_end_is_a_condition_and_no_figure() -> None:
    few = two(df=1.0)
    found = figures(few, tail=1e-300)
    assert found.relative is None
    assert ("unbounded", "relative") in [(one.code, one.scale) for one in found.conditions]
    wide = figures(two(value=1e300, variance=1e300, df=1.0), tail=1e-300)
    assert wide.absolute is None
    assert ("unbounded", "absolute") in [(one.code, one.scale) for one in wide.conditions]


@pytest.mark.parametrize("null", [-1.0, -2.0, math.nan, math.inf])
def test_a_null_that_no_ratio_can_have_is_refused(null: float) -> None:
    with pytest.raises(BadInput, match="no relative effect can be"):
        two().p_beyond("relative", null)


def test_scales_and_tails_that_there_are_not_are_refused() -> None:
    for ask in (lambda: two().effect("log", tail=0.025), lambda: two().p_beyond("log", 0.0)):
        with pytest.raises(BadInput, match="neither relative nor absolute"):
            ask()
    for tail in (0.0, 0.5, 0.7, -1.0, math.nan):
        with pytest.raises(BadInput, match="tail"):
            two().effect("absolute", tail=tail)


def test_conditions_beside_which_figures_stand_bar_nothing() -> None:
    assert {"constant_cells", "small_cells", "missing_cells"} <= WARNINGS


extreme = st.floats(allow_nan=True, allow_infinity=True)


@given(
    st.tuples(st.integers(0, 2**62), extreme, extreme.map(abs)),
    st.tuples(st.integers(0, 2**62), extreme, extreme.map(abs)),
    st.sampled_from([0.025, 1e-9, 1e-200]),
)
def test_whatever_the_estimates_figures_are_finite_or_have_a_reason(
    one: tuple[int, float, float], other: tuple[int, float, float], tail: float
) -> None:
    arms = [Arm(n=n, value=value, variance=variance, df=n - 1.0) for n, value, variance in (one, other)]
    found = figures(t_contrast(*arms, method="t"), tail=tail)
    for scale, effect in (("absolute", found.absolute), ("relative", found.relative)):
        if effect is None:
            assert any(each.bars and each.scale in ("both", scale) for each in found.conditions)
        else:
            assert all(map(math.isfinite, (effect.estimate, effect.low, effect.high, effect.se)))
            assert effect.se > 0
            assert 0 <= effect.p_value <= 1
            assert effect.low <= effect.estimate <= effect.high
