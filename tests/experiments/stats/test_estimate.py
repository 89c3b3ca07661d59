"""Estimates from moments against regressions of statsmodels on the units themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from imp_experiments.measure.moments import Cell, Moments
from imp_experiments.stats.estimate import Quantity, estimate

Arrays = dict[str, np.ndarray]


def moments_of(columns: Arrays, variant: np.ndarray, stratum: np.ndarray | None = None, shift: float = 0.0) -> Moments:
    names = list(columns)
    pairs = tuple((i, j) for i in range(len(names)) for j in range(i + 1, len(names)))
    strata = np.zeros(len(variant), dtype=int) if stratum is None else stratum
    cells = []
    for arm in np.unique(variant):
        for one in np.unique(strata):
            inside = (variant == arm) & (strata == one)
            moved = [columns[name][inside] - shift for name in names]
            cells.append(
                Cell(
                    str(arm),
                    None,
                    str(one),
                    int(inside.sum()),
                    tuple(float(x.sum()) for x in moved),
                    tuple(float((x * x).sum()) for x in moved),
                    tuple(float((moved[i] * moved[j]).sum()) for i, j in pairs),
                )
            )
    return Moments(tuple(names), (shift,) * len(names), tuple(cells), pairs)


def people(seed: int, n: int = 400, arms: str = "ab") -> tuple[Arrays, np.ndarray]:
    dice = np.random.default_rng(seed)
    variant = dice.choice(list(arms), n, p=[0.3, *([0.7 / (len(arms) - 1)] * (len(arms) - 1))])
    x = dice.gamma(2.0, 2.0, n)
    z = dice.normal(3.0, 1.0, n)
    y = 5 + 0.8 * x - 0.3 * z + (variant == "b") * (0.5 + 0.4 * x) + dice.normal(0, 1, n)
    return {"y": y, "x": x, "z": z}, variant


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("covariates", [("x",), ("x", "z")])
def test_the_adjusted_difference_is_lins_interacted_regression(seed: int, covariates: tuple[str, ...]) -> None:
    columns, variant = people(seed)
    found = estimate(moments_of(columns, variant), Quantity(column="y", covariates=covariates), ["a", "b"])
    treated = (variant == "b").astype(float)
    centred = np.column_stack([columns[name] - columns[name].mean() for name in covariates])
    design = np.column_stack([np.ones(len(treated)), treated, centred, centred * treated[:, None]])
    oracle = sm.OLS(columns["y"], design).fit()
    contrast = found.contrast("b", "a", method="")
    effect = contrast.effect("absolute", tail=0.025)
    assert effect is not None
    assert effect.estimate == pytest.approx(oracle.params[1], rel=1e-10)


def test_the_variance_of_an_adjusted_difference_is_that_of_the_specification() -> None:
    columns, variant = people(11)
    found = estimate(moments_of(columns, variant), Quantity(column="y", covariates=("x",)), ["a", "b"])
    x, y, total = columns["x"], columns["y"], len(variant)
    slopes, residual = {}, {}
    for arm in "ab":
        inside = variant == arm
        fit = sm.OLS(y[inside], sm.add_constant(x[inside])).fit()
        slopes[arm], residual[arm] = fit.params[1], fit.mse_resid / inside.sum()
    spread = float(np.var(x, ddof=1))
    for i, one in enumerate("ab"):
        for j, two in enumerate("ab"):
            expected = slopes[one] * slopes[two] * spread / total + (residual[one] if one == two else 0.0)
            assert found.covariance[i, j] == pytest.approx(expected, rel=1e-10)


def coverage(draw, runs: int, truth: float, quantity: Quantity, scale: str = "absolute") -> float:
    hits = 0
    for seed in range(runs):
        effect = estimate(draw(seed), quantity, ["a", "b"]).contrast("b", "a", method="").effect(scale, tail=0.025)
        assert effect is not None
        hits += effect.low <= truth <= effect.high
    return hits / runs


def test_adjusted_intervals_cover_as_often_as_they_say_where_slopes_differ() -> None:
    # E x = 4: the effect is 0.5 + 0.4 * 4. Three standard errors of 1,500 runs are .017.
    def draw(seed: int) -> Moments:
        columns, variant = people(seed, 300)
        return moments_of(columns, variant)

    found = coverage(draw, 1_500, 2.1, Quantity(column="y", covariates=("x",)))
    assert abs(found - 0.95) < 0.017


def test_adjusted_relative_intervals_divide_by_the_adjusted_mean() -> None:
    def draw(seed: int) -> Moments:
        columns, variant = people(seed, 300)
        return moments_of(columns, variant)

    # control's mean is 5 + 0.8 * 4 - 0.3 * 3
    assert abs(coverage(draw, 1_500, 2.1 / 7.3, Quantity(column="y", covariates=("x",)), "relative") - 0.95) < 0.017


def test_of_several_variants_every_pair_shares_the_pooled_covariate() -> None:
    columns, variant = people(3, 900, "abc")
    found = estimate(moments_of(columns, variant), Quantity(column="y", covariates=("x",)), ["a", "b", "c"])
    x, y = columns["x"], columns["y"]
    for place, arm in enumerate("abc"):
        inside = variant == arm
        slope = sm.OLS(y[inside], sm.add_constant(x[inside])).fit().params[1]
        assert found.values[place] == pytest.approx(y[inside].mean() - slope * (x[inside].mean() - x.mean()), rel=1e-10)


def test_collinear_and_constant_covariates_change_nothing() -> None:
    columns, variant = people(5)
    more = columns | {"twice": 2 * columns["x"] + 1, "flat": np.full(len(variant), 7.0)}
    one = estimate(moments_of(more, variant), Quantity(column="y", covariates=("x",)), ["a", "b"])
    two = estimate(moments_of(more, variant), Quantity(column="y", covariates=("x", "twice", "flat")), ["a", "b"])
    assert two.values == pytest.approx(one.values, rel=1e-9)
    assert two.covariance == pytest.approx(one.covariance, rel=1e-6)


def test_a_covariate_that_explains_all_leaves_only_its_own_sampling() -> None:
    columns, variant = people(5)
    exact = {"y": 3 * columns["x"], "x": columns["x"]}
    found = estimate(moments_of(exact, variant), Quantity(column="y", covariates=("x",)), ["a", "b"])
    assert found.values[0] == pytest.approx(found.values[1], rel=1e-9)
    contrast = found.contrast("b", "a", method="")
    assert contrast.effect("absolute", tail=0.025) is None
    assert [one.code for one in contrast.conditions] == ["zero_variance"]


def test_too_few_units_to_adjust_leave_the_plain_mean_and_say_so() -> None:
    columns = {"y": np.array([1.0, 2, 3, 4, 6]), "x": np.array([1.0, 3, 2, 5, 4])}
    found = estimate(moments_of(columns, np.array(list("aabbb"))), Quantity(column="y", covariates=("x",)), ["a", "b"])
    assert found.values == pytest.approx([1.5, 13 / 3])
    assert [one.code for one in found.conditions] == ["too_few_to_adjust"]


# -- ratios -----------------------------------------------------------------------------------------------------------


def test_a_ratio_is_the_delta_method_of_its_linearised_units() -> None:
    dice = np.random.default_rng(2)
    below = dice.poisson(4, 500) + 1.0
    above = below * dice.gamma(3, 1, 500)
    variant = dice.choice(list("ab"), 500)
    found = estimate(moments_of({"n": above, "d": below}, variant), Quantity(column="n", denominator="d"), ["a", "b"])
    for place, arm in enumerate("ab"):
        inside = variant == arm
        ratio = above[inside].sum() / below[inside].sum()
        linear = (above[inside] - ratio * below[inside]) / below[inside].mean()
        assert found.values[place] == pytest.approx(ratio, rel=1e-12)
        assert found.covariance[place, place] == pytest.approx(np.var(linear, ddof=1) / inside.sum(), rel=1e-10)


def test_errors_by_cluster_are_those_of_statsmodels() -> None:
    dice = np.random.default_rng(4)
    clusters = 60
    sizes = dice.integers(3, 12, clusters)
    group = np.repeat(np.arange(clusters), sizes)
    treated = np.repeat(dice.integers(0, 2, clusters), sizes)
    y = 2 + 0.5 * treated + np.repeat(dice.normal(0, 1, clusters), sizes) + dice.normal(0, 1, len(group))
    sums = {"y": np.bincount(group, y), "units": sizes.astype(float)}
    variant = np.where(np.array([treated[group == one][0] for one in range(clusters)]) == 1, "b", "a")
    found = estimate(moments_of(sums, variant), Quantity(column="y", denominator="units"), ["a", "b"])
    fit = sm.OLS(y, sm.add_constant(treated.astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": group, "use_correction": False}
    )
    effect = found.contrast("b", "a", method="").effect("absolute", tail=0.025)
    assert effect is not None
    assert effect.estimate == pytest.approx(fit.params[1], rel=1e-10)
    # statsmodels' plain sandwich has no factor, ours that of the effective number of clusters in each variant
    worth = np.array([sizes[variant == name].sum() ** 2 / (sizes[variant == name] ** 2).sum() for name in "ab"])
    plain = float(np.sum(np.diag(found.covariance) * (worth - 1) / worth))
    assert found.df == pytest.approx(tuple(worth - 1), rel=1e-10)
    assert math.sqrt(plain) == pytest.approx(fit.bse[1], rel=1e-9)


@pytest.mark.parametrize("below", [[0.0, 0, 0, 0], [1.0, -1, 2, 3], [-1.0, -2, 1, 1]])
def test_a_denominator_that_is_not_positive_is_named(below: list[float]) -> None:
    columns = {"n": np.array([1.0, 2, 3, 4]), "d": np.array(below)}
    found = estimate(
        moments_of(columns, np.array(list("aabb"))), Quantity(column="n", denominator="d"), ["a", "b"]
    ).contrast("b", "a", method="")
    assert [one.code for one in found.conditions][:1] == ["no_denominator"]
    assert (found.effect("absolute", tail=0.025), found.effect("relative", tail=0.025)) == (None, None)


def test_a_ratio_of_one_value_everywhere_has_no_variance_to_test_by() -> None:
    below = np.array([1.0, 2, 3, 4, 5, 6])
    columns = {"n": 0.1 * below, "d": below}
    found = estimate(
        moments_of(columns, np.array(list("aaabbb"))), Quantity(column="n", denominator="d"), ["a", "b"]
    ).contrast("b", "a", method="")
    assert [one.code for one in found.conditions] == ["zero_variance"]


# -- strata -----------------------------------------------------------------------------------------------------------


def test_post_stratification_weighs_strata_by_their_share_of_all_units() -> None:
    columns, variant = people(6, 600)
    stratum = np.digitize(columns["x"], [2.0, 5.0])
    found = estimate(moments_of({"y": columns["y"]}, variant, stratum), Quantity(column="y"), ["a", "b"])
    for place, arm in enumerate("ab"):
        means = [columns["y"][(variant == arm) & (stratum == one)].mean() for one in range(3)]
        shares = [np.mean(stratum == one) for one in range(3)]
        assert found.values[place] == pytest.approx(np.dot(means, shares), rel=1e-12)


def test_post_stratified_intervals_cover_as_often_as_they_say() -> None:
    def draw(seed: int) -> Moments:
        columns, variant = people(seed, 300)
        return moments_of({"y": columns["y"]}, variant, np.digitize(columns["x"], [2.0, 5.0]))

    assert abs(coverage(draw, 1_500, 2.1, Quantity(column="y")) - 0.95) < 0.017


def test_strata_with_too_few_units_are_merged_and_that_is_said() -> None:
    columns, variant = people(7, 200)
    stratum = np.zeros(200, dtype=int)
    stratum[:2] = 1
    found = estimate(moments_of({"y": columns["y"]}, variant, stratum), Quantity(column="y"), ["a", "b"])
    plain = estimate(moments_of({"y": columns["y"]}, variant), Quantity(column="y"), ["a", "b"])
    assert [one.code for one in found.conditions] == ["strata_merged"]
    assert found.values == pytest.approx(plain.values, rel=1e-12)
    assert found.covariance == pytest.approx(plain.covariance, rel=1e-12)


@given(st.integers(0, 10_000), st.floats(-1e3, 1e3))
def test_the_shift_changes_no_estimate(seed: int, shift: float) -> None:
    columns, variant = people(seed, 60)
    quantity = Quantity(column="y", covariates=("x", "z"))
    one = estimate(moments_of(columns, variant), quantity, ["a", "b"])
    two = estimate(moments_of(columns, variant, shift=shift), quantity, ["a", "b"])
    assert two.values == pytest.approx(one.values, rel=1e-6)
    assert two.covariance == pytest.approx(one.covariance, rel=1e-4, abs=1e-9)


def test_at_a_mean_of_a_hundred_million_the_covariance_is_right_to_a_millionth() -> None:
    dice = np.random.default_rng(9)
    x = dice.normal(1e8, 1.0, 20_000)
    y = x + dice.normal(0, 0.5, 20_000)
    variant = dice.choice(list("ab"), 20_000)
    joint = moments_of({"y": y, "x": x}, variant, shift=1e8).joint(["y", "x"])
    assert joint.covariance == pytest.approx(np.cov(y - 1e8, x - 1e8), rel=1e-6)


def test_products_that_were_not_summed_are_an_error_not_a_zero() -> None:
    cells = (Cell("a", None, "", 2, (1.0, 2.0), (3.0, 4.0)),)
    with pytest.raises(Exception, match="products of 'y' and 'x' were not summed"):
        Moments(("y", "x"), (0.0, 0.0), cells).joint(["y", "x"])


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e200])
def test_what_is_not_finite_in_one_variant_bars_its_comparisons_alone(bad: float) -> None:
    columns, variant = people(8, 300, "abc")
    columns["y"][np.flatnonzero(variant == "c")[0]] = bad
    with np.errstate(over="ignore"):
        moments = moments_of(columns, variant)
    found = estimate(moments, Quantity(column="y"), ["a", "b", "c"])
    assert found.contrast("b", "a", method="").effect("absolute", tail=0.025) is not None
    assert [one.code for one in found.contrast("c", "a", method="").conditions] == ["not_finite"]


def fallen(counts: dict[str, tuple[int, int]]) -> Moments:
    """Units of a and b by stratum."""
    dice = np.random.default_rng(5)
    arms = [
        (stratum, arm) for stratum, pair in counts.items() for arm, n in zip("ab", pair, strict=True) for _ in range(n)
    ]
    variant, stratum = np.array([arm for _, arm in arms]), np.array([name for name, _ in arms])
    x = dice.normal(size=len(arms))
    return moments_of({"y": x + dice.normal(size=len(arms)), "x": x}, variant, stratum)


def test_strata_are_merged_by_their_size_and_not_by_how_their_units_fell() -> None:
    plain, adjusted = Quantity(column="y"), Quantity(column="y", covariates=("x",))
    even, uneven = (
        fallen({"s": (15, 15), "t": (15, 15), "u": (90, 90)}),
        fallen({"s": (6, 24), "t": (24, 6), "u": (90, 90)}),
    )
    small = fallen({"s": (9, 9), "t": (9, 9), "u": (90, 90)})
    codes = {
        (name, len(quantity.covariates)): [one.code for one in estimate(moments, quantity, ["a", "b"]).conditions]
        for name, moments in {"even": even, "uneven": uneven, "small": small}.items()
        for quantity in (plain, adjusted)
    }
    merged = ["strata_merged"]
    assert codes == {
        ("even", 0): [],
        ("uneven", 0): [],
        ("small", 0): merged,
        ("even", 1): merged,
        ("uneven", 1): merged,
        ("small", 1): merged,
    }
