"""Few clusters of unequal sizes: errors like CR2's, and degrees of freedom of the effective number of clusters."""

from __future__ import annotations

import numpy as np
import pytest

from imp_experiments.measure.moments import Cell, Moments
from imp_experiments.stats.estimate import Estimates, Quantity, estimate

Arm = tuple[np.ndarray, np.ndarray]


def estimates(arms: dict[str, Arm]) -> Estimates:
    """Of clusters' sums of a value, and their sizes."""
    cells = tuple(
        Cell(
            name,
            None,
            "",
            len(size),
            (float(total.sum()), float(size.sum())),
            (float(total @ total), float(size @ size)),
            (float(total @ size),),
        )
        for name, (total, size) in arms.items()
    )
    moments = Moments(("value", "units"), (0.0, 0.0), cells, ((0, 1),))
    return estimate(moments, Quantity(column="value", denominator="units"), list(arms))


def drawn(dice: np.random.Generator, clusters: int, spread: float) -> Arm:
    size = 1.0 + dice.poisson(20 * dice.lognormal(0, spread, clusters))
    total = size * (5 + dice.normal(0, 0.5, clusters)) + dice.normal(0, 1, clusters) * np.sqrt(size)
    return total, size


def test_clusters_of_one_size_have_the_plain_variance_of_their_means() -> None:
    dice = np.random.default_rng(1)
    means = {name: dice.normal(5, 1, 6) for name in "ab"}
    found = estimates({name: (12 * x, np.full(6, 12.0)) for name, x in means.items()})
    assert np.diag(found.covariance) == pytest.approx([x.var(ddof=1) / 6 for x in means.values()], rel=1e-9)
    assert found.df == pytest.approx((5.0, 5.0))


def test_errors_are_on_average_those_of_cr2() -> None:
    dice, ours, cr2, cr0 = np.random.default_rng(2), 0.0, 0.0, 0.0
    for _ in range(2_000):
        arm = drawn(dice, 8, 0.8)
        ours += float(estimates({"a": arm, "b": arm}).covariance[0, 0])
        total, size = arm
        rest, share = total - total.sum() / size.sum() * size, size / size.sum()
        cr2 += float((rest**2 / (1 - share)).sum() / size.sum() ** 2)
        cr0 += float((rest**2).sum() / size.sum() ** 2 * 8 / 7)
    assert ours / cr2 == pytest.approx(1, abs=0.06)
    assert cr0 / cr2 < 0.93


@pytest.mark.parametrize(("clusters", "spread"), [((5, 5), 0.8), ((5, 5), 1.2), ((4, 20), 0.8)])
def test_no_difference_is_rejected_hardly_more_often_than_said(clusters: tuple[int, int], spread: float) -> None:
    dice, runs, rejected = np.random.default_rng(3), 1_500, 0
    for _ in range(runs):
        found = estimates({name: drawn(dice, count, spread) for name, count in zip("ab", clusters, strict=True)})
        effect = found.contrast("b", "a", method="").effect("absolute", tail=0.025)
        rejected += effect is not None and effect.p_value < 0.05
    # three standard errors are .017; with the number of clusters in place of the effective one .09 to .16 are rejected
    assert rejected / runs < 0.06 + 0.017


def test_one_cluster_with_all_units_leaves_nothing_to_test_by() -> None:
    sizes = np.array([1e12, 1.0, 1.0])
    found = estimates({"a": (sizes * [1.0, 2.0, 3.0], sizes), "b": (sizes * [2.0, 1.0, 5.0], sizes)})
    effect = found.contrast("b", "a", method="").effect("absolute", tail=0.025)
    assert effect is None or effect.p_value > 0.9
