"""Cochran's Q over groups, against statsmodels' meta-analysis and scipy's analysis of variance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2, f_oneway
from statsmodels.stats.meta_analysis import combine_effects

from imp_experiments.stats.heterogeneity import heterogeneity


@pytest.mark.parametrize("seed", range(5))
def test_q_is_that_of_a_meta_analysis(seed: int) -> None:
    dice = np.random.default_rng(seed)
    effects, errors = dice.normal(0, 1, 7), dice.uniform(0.1, 2, 7)
    found = heterogeneity([(effect, error, math.inf) for effect, error in zip(effects, errors, strict=True)])
    oracle = combine_effects(effects, errors**2)
    assert found is not None
    assert found.statistic == pytest.approx(oracle.q, rel=1e-10)
    assert found.p_value == pytest.approx(chi2.sf(oracle.q, 6), rel=1e-8)
    assert found.excess == pytest.approx(max(0.0, oracle.i2), rel=1e-8)


def test_groups_of_one_effect_do_not_differ() -> None:
    found = heterogeneity([(0.25, 0.1, math.inf), (0.25, 0.3, math.inf), (0.25, 1.0, math.inf)])
    assert found is not None
    assert (found.statistic, found.p_value, found.excess, found.df) == (pytest.approx(0.0, abs=1e-20), 1.0, 0.0, 2)


def test_what_has_no_error_or_no_estimate_is_left_out() -> None:
    whole = heterogeneity([(1.0, 0.5, math.inf), (2.0, 0.5, math.inf)])
    assert whole == heterogeneity(
        [
            (None, 1.0, math.inf),
            (1.0, 0.5, math.inf),
            (3.0, None, math.inf),
            (1.0, 0.0, math.inf),
            (math.nan, 1.0, math.inf),
            (math.inf, 1.0, math.inf),
            (1.0, -1.0, math.inf),
            (2.0, 0.5, math.inf),
        ]
    )


@pytest.mark.parametrize("few", [[], [(1.0, 1.0, math.inf)], [(1e300, 1e-300, math.inf), (0.0, 1e-300, math.inf)]])
def test_where_nothing_can_be_tested_there_is_no_answer(few: list[tuple[float | None, float | None, float]]) -> None:
    assert heterogeneity(few) is None


def test_tiny_errors_do_not_overflow() -> None:
    found = heterogeneity([(1e-200, 1e-200, math.inf), (3e-200, 1e-200, math.inf)])
    assert found is not None
    assert found.statistic == pytest.approx(2.0)


def test_of_two_groups_it_is_welchs_t_and_of_more_welchs_anova() -> None:
    dice = np.random.default_rng(3)
    samples = [dice.normal(0.5 * i, 1 + i, 6 + 3 * i) for i in range(4)]
    groups = [(float(x.mean()), float(x.std(ddof=1) / math.sqrt(len(x))), len(x) - 1.0) for x in samples]
    for count in (2, 4):
        found, oracle = heterogeneity(groups[:count]), f_oneway(*samples[:count], equal_var=False)
        assert found is not None
        assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-10)


def test_many_small_groups_of_one_effect_differ_as_often_as_they_may() -> None:
    dice, runs, rejected = np.random.default_rng(11), 1_500, 0
    for _ in range(runs):
        units = dice.normal(5, 1, size=(30, 2, 10))
        errors = units.var(axis=2, ddof=1) / 10
        found = heterogeneity(
            [
                (float(mean[1] - mean[0]), math.sqrt(error.sum()), float(error.sum() ** 2 / (error**2 / 9).sum()))
                for mean, error in zip(units.mean(axis=2), errors, strict=True)
            ]
        )
        assert found is not None
        rejected += found.p_value < 0.05
    # three standard errors are .017; Q as χ² rejects .13
    assert rejected / runs < 0.05 + 0.017
