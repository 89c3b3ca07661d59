from __future__ import annotations

import math

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from scipy import stats

from imp_core.errors import BadInput
from imp_experiments.measure.moments import Summary
from imp_experiments.measure.trim import trim
from imp_experiments.stats.health.lee import Retained, lee_bounds, trimming


def retained(name: str, assigned: int, values) -> Retained:
    n = len(values)
    mean = float(np.mean(values)) if n else None
    return Retained(
        name=name, assigned=assigned, summary=Summary(n, mean, float(np.var(values, ddof=1)) if n > 1 else None)
    )


def bound(new, old, *, assigned=(1_000, 1_000), alpha=0.05):
    """The way a caller goes: counts, then the second scan, then the bounds."""
    variant, control = retained("new", assigned[0], new), retained("old", assigned[1], old)
    cut = trimming(variant, control)
    tails = None
    if cut is not None and cut.variant is not None:
        names = ["new"] * len(new) + ["old"] * len(old)
        frame = nw.from_native(pl.DataFrame({"variant": names, "value": [*map(float, new), *map(float, old)]})).lazy()
        tails = trim(frame, cut.variant, cut.kept)
    return lee_bounds(variant, control, tails, alpha=alpha)


def sort_and_trim(more, fewer, kept: float):
    """Lee's bounds of the trimmed variant minus the other from units, each with a weight: whole, part or none."""
    ordered = np.sort(np.asarray(more, dtype=float))
    weights = np.clip(kept * len(ordered) - np.arange(len(ordered)), 0, 1)
    base = np.mean(fewer)
    return np.average(ordered, weights=weights) - base, np.average(ordered[::-1], weights=weights) - base


@pytest.mark.parametrize("seed", range(12))
def test_the_bounds_are_those_of_sorted_and_trimmed_units(seed: int) -> None:
    dice = np.random.default_rng(seed)
    new, old = dice.poisson(4, 700 + 20 * seed), dice.normal(4, 1, 810)
    found = bound(new, old)
    assert found.bounds is not None
    kept = min(len(new), 810) / max(len(new), 810)
    if len(new) > 810:
        low, high = sort_and_trim(new, old, kept)
        assert found.trimmed == "new"
    else:
        high, low = (-end for end in sort_and_trim(old, new, kept))
        assert found.trimmed == "old"
    assert found.share == pytest.approx(1 - kept)
    assert (found.bounds.low, found.bounds.high) == (pytest.approx(low, rel=1e-9), pytest.approx(high, rel=1e-9))


def bootstrap(new, old, assigned, dice, runs=1_200):
    """Standard deviation of both bounds when units, staying or not, are drawn anew."""
    ends = []
    for _ in range(runs):
        counts = dice.binomial(assigned[0], len(new) / assigned[0]), dice.binomial(assigned[1], len(old) / assigned[1])
        again = dice.choice(new, counts[0]), dice.choice(old, counts[1])
        kept = counts[1] * assigned[0] / (counts[0] * assigned[1])
        ends.append(sort_and_trim(*again, kept))
    return np.std(ends, axis=0, ddof=1)


@pytest.mark.parametrize("kind", ["normal", "skewed", "proportion"])
def test_the_standard_errors_are_those_of_a_bootstrap(kind: str) -> None:
    dice = np.random.default_rng(21)
    draw = {
        "normal": lambda n: dice.normal(1, 2, n),
        "skewed": lambda n: dice.exponential(3, n),
        "proportion": lambda n: (dice.random(n) < 0.4).astype(float),
    }[kind]
    new, old = draw(3_400), draw(2_000)
    found = bound(new, old, assigned=(4_000, 3_000)).bounds
    assert found is not None
    # a standard deviation of 1,200 runs has a standard error of 2 %: four of them
    expected = bootstrap(new, old, (4_000, 3_000), dice)
    assert (found.se_low, found.se_high) == pytest.approx(tuple(expected), rel=0.082)


def test_the_interval_covers_the_effect_as_often_as_it_says_where_selection_is_at_its_worst() -> None:
    dice, runs, cut = np.random.default_rng(4), 400, stats.norm.ppf(0.7)
    hits = 0
    for _ in range(runs):
        # the variant also keeps all units above the cut, control none of them: the effect, 0, is the lower bound
        ours, theirs = dice.normal(size=1_000), dice.normal(size=1_000)
        new = ours[(ours > cut) | (dice.random(1_000) < 0.6)]
        old = theirs[(theirs <= cut) & (dice.random(1_000) < 0.6)]
        found = bound(new, old).bounds
        assert found is not None
        hits += found.interval_low <= 0 <= found.interval_high
    # three standard errors of a share of .95 in 400 runs: .033
    assert abs(hits / runs - 0.95) < 0.033


def test_swapping_the_variants_mirrors_the_bounds() -> None:
    dice = np.random.default_rng(9)
    one, two = dice.gamma(2, 1, 800), dice.gamma(2, 1, 600)
    straight, swapped = bound(one, two).bounds, bound(two, one).bounds
    assert straight is not None
    assert swapped is not None
    assert (swapped.low, swapped.high) == (pytest.approx(-straight.high), pytest.approx(-straight.low))
    assert (swapped.se_low, swapped.se_high) == (pytest.approx(straight.se_high), pytest.approx(straight.se_low))
    assert swapped.interval_low == pytest.approx(-straight.interval_high)


def test_equal_rates_leave_nothing_to_trim_and_the_plain_difference() -> None:
    dice = np.random.default_rng(10)
    new, old = dice.normal(1, 1, 300), dice.normal(0, 2, 450)
    found = bound(new, old, assigned=(600, 900))
    assert (found.trimmed, found.share, found.verdict) == (None, 0.0, "excludes zero")
    assert found.bounds is not None
    assert found.bounds.low == found.bounds.high == pytest.approx(np.mean(new) - np.mean(old))
    assert found.bounds.se_low == pytest.approx(math.hypot(stats.sem(new), stats.sem(old)))


def test_the_result_names_monotonicity_whom_it_speaks_of_and_what_was_lost() -> None:
    dice = np.random.default_rng(12)
    found = bound(dice.normal(size=500), dice.normal(size=400))
    assert found.assumption == "monotonicity: every unit that stays in old would stay in new too"
    assert found.estimand == "units that stay in new and would stay in old too"
    assert (found.rate_variant, found.rate_control, found.trimmed) == (0.5, 0.4, "new")
    assert (found.assigned_variant, found.n_variant, found.assigned_control, found.n_control) == (1000, 500, 1000, 400)
    other = bound(dice.normal(size=400), dice.normal(size=500))
    assert other.assumption == "monotonicity: every unit that stays in new would stay in old too"


def test_the_order_of_units_changes_nothing() -> None:
    dice = np.random.default_rng(13)
    new, old = dice.poisson(5, 500), dice.poisson(5, 430)
    one, two = bound(new, old).bounds, bound(dice.permutation(new), dice.permutation(old)).bounds
    assert one is not None
    assert two is not None
    assert (one.low, one.high, one.se_low) == pytest.approx((two.low, two.high, two.se_low), rel=1e-12)


@pytest.mark.parametrize(
    ("new", "old"),
    [([], [1.0, 2.0]), ([1.0, 2.0], []), ([], []), ([1.0], [2.0]), ([1.0, 1.0, 1.0], [1.0, 1.0]), ([1.0, 2.0], [1.0])],
)
def test_what_cannot_be_bounded_has_no_bounds(new: list[float], old: list[float]) -> None:
    found = bound(new, old)
    assert (found.verdict, found.bounds) == ("not tested", None)
    assert found.reason
    assert found.assumption


def test_variants_without_any_unit_have_no_rate() -> None:
    found = bound([], [], assigned=(0, 0))
    assert (found.rate_variant, found.rate_control, found.share) == (None, None, None)


def test_figures_that_are_not_finite_have_no_bounds() -> None:
    broken = Retained(name="old", assigned=100, summary=Summary(50, math.nan, math.nan))
    found = lee_bounds(retained("new", 100, list(range(50))), broken, None)
    assert (found.verdict, found.bounds) == ("not tested", None)


def test_wrong_arguments_are_refused() -> None:
    new, old = retained("new", 100, list(range(60))), retained("old", 100, list(range(50)))
    frame = nw.from_native(pl.DataFrame({"variant": ["new"] * 60, "value": [float(x) for x in range(60)]})).lazy()
    with pytest.raises(BadInput, match="tails"):
        lee_bounds(new, old, None)
    with pytest.raises(BadInput, match="tails"):
        lee_bounds(new, old, trim(frame, "new", 0.5))
    right = trim(frame, "new", 50 / 60)
    assert lee_bounds(new, old, right).bounds is not None
    with pytest.raises(BadInput, match="tails"):
        lee_bounds(retained("new", 100, list(range(59))), old, right)
    with pytest.raises(BadInput, match="alpha"):
        lee_bounds(new, old, right, alpha=2)
    with pytest.raises(BadInput, match="assigned"):
        trimming(retained("new", 50, list(range(60))), old)
    with pytest.raises(BadInput, match="count"):
        trimming(new, Retained(name="old", assigned=-1, summary=Summary(0, None, None)))
