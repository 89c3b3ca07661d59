"""Looks at clusters, counted in their units: what error that has where clusters come whole, where they grow, and drift.

The oracle is Genz's integration over the true correlation of all looks; nothing of ours but the boundaries goes in.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from imp_experiments.stats.sequential.boundary import plan_boundaries
from imp_experiments.stats.sequential.confidence_sequence import multiplier
from imp_experiments.stats.sequential.spending import parse_spending

WAYS = ["obrien_fleming", "pocock"]
TIMES = [0.25, 0.5, 0.75, 1.0]


def error(variances: list[float], bounds: list[float]) -> float:
    """Chance that a look crosses, of estimates each of which the later ones contain: ρ_jk = √(V_k / V_j), j < k.

    Holds where a later estimate uses what an earlier one had with the weights that are best for it.
    """
    correlation = np.array([[math.sqrt(min(a, b) / max(a, b)) for a in variances] for b in variances])
    return outside(correlation, bounds)


def outside(correlation: np.ndarray, bounds: list[float]) -> float:
    z = np.array(bounds)
    rng = np.random.default_rng(1)
    inside = multivariate_normal.cdf(z, cov=correlation, lower_limit=-z, maxpts=100_000, abseps=5e-5, rng=rng)
    return 1 - float(inside)


def bounds_at(way: str, times: list[float]) -> list[float]:
    return [one.z or math.inf for one in plan_boundaries(times, 0.05, parse_spending(way))]


@pytest.mark.parametrize("way", WAYS)
def test_clusters_that_come_whole_and_alike_spend_exactly_alpha(way: str) -> None:
    # information goes with clusters, and these with units, whatever the correlation within them
    assert error([1 / t for t in TIMES], bounds_at(way, TIMES)) == pytest.approx(0.05, abs=2e-4)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("icc", [0.01, 0.1, 0.5])
def test_clusters_that_grow_spend_less_than_alpha(way: str, icc: float) -> None:
    # a shop's mean has variance icc + (1 - icc) / m: its later customers tell less than as many new shops would
    variances = [icc + (1 - icc) / (40 * t) for t in TIMES]
    found = error(variances, bounds_at(way, TIMES))
    assert 0.02 < found < 0.05


@pytest.mark.parametrize("icc", [0.01, 0.5])
def test_a_confidence_sequence_of_growing_clusters_holds_at_all_looks(icc: float) -> None:
    days = [(day + 1) / 10 for day in range(10)]
    variances = [icc + (1 - icc) / (40 * t) for t in days]
    bounds = [multiplier(10_000 * t, alpha=0.05, expected_n=10_000) or math.inf for t in days]
    assert error(variances, bounds) < 0.05


def test_counting_growing_clusters_instead_would_err() -> None:
    # all 100 shops are there from the first look on: looks counted in shops would take the four for one
    alone = 1.959964
    variances = [0.01 + 0.99 / (40 * t) for t in TIMES]
    assert error(variances, [alone] * 4) > 0.1


@pytest.mark.parametrize(("way", "most"), [("obrien_fleming", 0.053), ("pocock", 0.0545)])
def test_clusters_whose_sizes_drift_err_little(way: str, most: float) -> None:
    # first half of the units alone, then clusters of m = ten with icc 0.1, whose sums have variance m (1 + (m - 1) icc)
    parts = [0.25, 0.25, 0.25 * 1.9, 0.25 * 1.9]
    spread, units = np.cumsum(parts), np.cumsum([0.25] * 4)
    covariance = np.array(
        [[spread[min(j, k)] / (units[j] * units[k]) for j in range(4)] for k in range(4)],
    )
    deviation = np.sqrt(np.diag(covariance))
    found = outside(covariance / np.outer(deviation, deviation), bounds_at(way, TIMES))
    assert 0.05 < found < most
