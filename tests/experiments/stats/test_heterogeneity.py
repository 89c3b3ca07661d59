"""Cochran's Q over groups, against statsmodels' meta-analysis."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2
from statsmodels.stats.meta_analysis import combine_effects

from imp_experiments.stats.heterogeneity import heterogeneity


@pytest.mark.parametrize("seed", range(5))
def test_q_is_that_of_a_meta_analysis(seed: int) -> None:
    dice = np.random.default_rng(seed)
    effects, errors = dice.normal(0, 1, 7), dice.uniform(0.1, 2, 7)
    found = heterogeneity(list(zip(effects, errors, strict=True)))
    oracle = combine_effects(effects, errors**2)
    assert found is not None
    assert found.statistic == pytest.approx(oracle.q, rel=1e-10)
    assert found.p_value == pytest.approx(chi2.sf(oracle.q, 6), rel=1e-8)
    assert found.excess == pytest.approx(max(0.0, oracle.i2), rel=1e-8)


def test_groups_of_one_effect_do_not_differ() -> None:
    found = heterogeneity([(0.25, 0.1), (0.25, 0.3), (0.25, 1.0)])
    assert found is not None
    assert (found.statistic, found.p_value, found.excess, found.df) == (pytest.approx(0.0, abs=1e-20), 1.0, 0.0, 2)


def test_what_has_no_error_or_no_estimate_is_left_out() -> None:
    whole = heterogeneity([(1.0, 0.5), (2.0, 0.5)])
    assert whole == heterogeneity(
        [(None, 1.0), (1.0, 0.5), (3.0, None), (1.0, 0.0), (math.nan, 1.0), (math.inf, 1.0), (1.0, -1.0), (2.0, 0.5)]
    )


@pytest.mark.parametrize("few", [[], [(1.0, 1.0)], [(1e300, 1e-300), (0.0, 1e-300)]])
def test_where_nothing_can_be_tested_there_is_no_answer(few: list[tuple[float | None, float | None]]) -> None:
    assert heterogeneity(few) is None


def test_tiny_errors_do_not_overflow() -> None:
    found = heterogeneity([(1e-200, 1e-200), (3e-200, 1e-200)])
    assert found is not None
    assert found.statistic == pytest.approx(2.0)
