"""Values at the ends of floating point, in every metric of moments: a figure or a named condition, never a fault."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imp_experiments.measure.moments import Cell, Moments
from imp_experiments.readout.compare import Asked, compare_metric
from imp_experiments.readout.corrected import corrected
from imp_experiments.readout.readout import Compared
from imp_experiments.readout.weighed import weighed
from imp_experiments.stats.bayes import Prior
from imp_experiments.stats.estimate import Quantity

COLUMNS = ("y", "d", "x", "z")
PAIRS = tuple((i, j) for i in range(4) for j in range(i + 1, 4))


def column(dice: np.random.Generator, n: int) -> np.ndarray:
    """n values of a kind that floating point, a mean or a variance has trouble with."""
    noise = np.clip(dice.normal(size=n), -1, 1)
    kinds = [
        np.zeros(n),
        np.full(n, dice.choice([1e308, -1e308, 5e-324, 1.0, 1e154])),
        noise * dice.choice([1e308, 1e154, 1e-160, 1e-308]),
        dice.choice([0.0, 1.0], size=n, p=[0.9, 0.1]),
        dice.choice([np.nan, np.inf, -np.inf, 1.0, 2.0], size=n, p=[0.02, 0.02, 0.02, 0.5, 0.44]),
        1e8 + noise,
        dice.choice([-1.0, 1.0]) * dice.lognormal(0, 3, size=n),
        dice.choice([0.0, 1e-320, 1e300], size=n),
        noise,
    ]
    return kinds[dice.integers(0, len(kinds))]


def drawn(dice: np.random.Generator) -> Moments:
    n = int(dice.choice([1, 2, 3, 5, 20, 100]))
    variant, stratum = dice.choice(list("abc"), n, p=[0.4, 0.4, 0.2]), dice.integers(0, dice.integers(1, 4), n)
    values = [column(dice, n) for _ in COLUMNS]
    cells = []
    for name in "abc":
        for one in range(3):
            mine = [x[(variant == name) & (stratum == one)] for x in values]
            if mine[0].size:
                sums, squares = [float(x.sum()) for x in mine], [float((x * x).sum()) for x in mine]
                products = [float((mine[i] * mine[j]).sum()) for i, j in PAIRS]
                cells.append(Cell(name, None, str(one), mine[0].size, tuple(sums), tuple(squares), tuple(products)))
    return Moments(COLUMNS, (0.0,) * 4, tuple(cells), PAIRS)


def hold(compared: Compared) -> None:
    for value in (compared.value_variant, compared.value_control):
        assert value is None or math.isfinite(value)
    for scale, effect in (("absolute", compared.absolute), ("relative", compared.relative)):
        if effect is None:
            assert any(one.bars and one.scale in ("both", scale) for one in compared.conditions)
            continue
        assert all(map(math.isfinite, (effect.estimate, effect.low, effect.high, effect.se)))
        assert effect.low <= effect.estimate <= effect.high
        assert effect.df > 0
        assert (effect.p_value < 0.05) == (effect.low > 0 or effect.high < 0)


@pytest.mark.parametrize("seed", range(6))
def test_extreme_units_make_figures_or_conditions(seed: int) -> None:
    dice = np.random.default_rng(seed)
    for _ in range(60):
        with np.errstate(all="ignore"):
            moments = drawn(dice)
        kind, below = [("mean", None), ("ratio", "d"), ("proportion", None)][dice.integers(0, 3)]
        quantity = Quantity(column="y", denominator=below, covariates=[(), ("x",), ("x", "z")][dice.integers(0, 3)])
        asked = Asked(metric="y", kind=kind, quantity=quantity, scale=str(dice.choice(["absolute", "relative"])))
        tested = compare_metric(moments, asked, variants=["b", "c"], control="a", tail=0.025)
        for one in tested:
            hold(one.compared)
        for method in ("bonferroni", "max_t", "benjamini_hochberg"):
            for one in corrected(tested, method, alpha=0.05):
                assert one.compared.p_corrected is None or 0 <= one.compared.p_corrected <= 1
        for one in weighed(tested, Prior(mean=0.0, sd=0.3), alpha=0.05):
            found = one.compared.posterior
            assert found is None or min(found.loss_of_shipping, found.loss_of_keeping, found.sd) >= 0


def test_a_registered_variant_without_a_p_counts_in_max_t_too() -> None:
    cells = tuple(
        Cell(name, None, "", n, (n * share,), (n * share,)) for name, n, share in (("a", 400, 0.3), ("b", 400, 0.4))
    )
    asked = Asked(metric="y", kind="mean", quantity=Quantity(column="y"), scale="absolute")
    tested = compare_metric(Moments(("y",), (0.0,), cells), asked, variants=["b", "c"], control="a", tail=0.025)
    raw = tested[0].compared.p_value
    assert raw is not None
    registered, absent = corrected(tested, "max_t", alpha=0.05, metrics=1)
    # what may yet get a p is taken for independent of the others: Šidák (1967) for two
    assert registered.compared.p_corrected == pytest.approx(1 - (1 - raw) ** 2, rel=1e-6)
    assert absent.compared.p_corrected is None
    shown, _ = corrected(tested, "max_t", alpha=0.05)
    assert shown.compared.p_corrected == pytest.approx(raw, rel=1e-6)


def of_cells(*cells: tuple[int, float, float]) -> Moments:
    made = tuple(Cell("a", None, str(at), n, (total,), (squares,)) for at, (n, total, squares) in enumerate(cells))
    return Moments(("y",), (0.0,), made)


def test_sums_of_strata_beyond_floating_point_are_no_number() -> None:
    found = of_cells((2, 1e308, 1.0), (2, 1e308, 1.0)).summary("y", "a")
    assert math.isnan(found.mean or 0.0)
    assert math.isnan(found.variance or 0.0)


def test_a_square_of_the_sum_beyond_floating_point_is_no_lack_of_spread() -> None:
    values = np.linspace(1e151, 3e151, 10_000)
    found = of_cells((values.size, float(values.sum()), float((values / 1e151 * values).sum()) * 1e151)).summary(
        "y", "a"
    )
    assert found.variance == pytest.approx(float((values / 1e151).var(ddof=1)) * 1e302, rel=1e-6)
