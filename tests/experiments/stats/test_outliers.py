from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from imp_core.errors import BadInput
from imp_experiments.measure.moments import Summary
from imp_experiments.stats.health.outliers import LARGEST_SHARE, Extremes, outliers

values = st.lists(st.floats(-1e4, 1e4, allow_subnormal=False), min_size=3, max_size=40)


def extremes(data) -> Extremes:
    return Extremes(
        summary=Summary(len(data), float(np.mean(data)), float(np.var(data, ddof=1))),
        lowest=float(np.min(data)),
        highest=float(np.max(data)),
    )


def without_farthest(data):
    """The data less its unit farthest from the mean, and that unit."""
    index = int(np.argmax(np.abs(np.asarray(data) - np.mean(data))))
    return np.delete(data, index), data[index]


@given(values, values)
def test_the_figures_without_the_unit_are_those_of_the_other_units(one: list[float], two: list[float]) -> None:
    assume(min(np.std(one), np.std(two)) > 1e-3)
    found = outliers(extremes(one), extremes(two))
    for unit, data in ((found.variant, one), (found.control, two)):
        assert unit is not None
        rest, _ = without_farthest(data)
        gap = abs(unit.value - np.mean(data))
        assert gap == pytest.approx(np.max(np.abs(data - np.mean(data))), rel=1e-9)
        assert unit.share_of_spread == pytest.approx(gap**2 / np.sum((data - np.mean(data)) ** 2), rel=1e-7)
        assert unit.distance == pytest.approx(gap / np.std(data, ddof=1), rel=1e-9)
        if np.isclose(gap, np.sort(np.abs(data - np.mean(data)))[-2], rtol=1e-9):
            continue  # the lowest and the highest are as far: either may go
        assert unit.without.n == len(data) - 1
        assert unit.without.mean == pytest.approx(np.mean(rest), rel=1e-9, abs=1e-7)
        assert unit.without.variance == pytest.approx(np.var(rest, ddof=1), rel=1e-5, abs=1e-5 * np.var(data))


def test_one_player_carries_the_rounds_of_cookie_cats(data_folder) -> None:
    frame = pd.read_csv(data_folder / "cookie_cats" / "cookie_cats.csv.gz")
    new, old = (
        frame.loc[frame.version == name, "sum_gamerounds"].to_numpy(dtype=float) for name in ("gate_40", "gate_30")
    )
    found = outliers(extremes(new), extremes(old))
    assert (found.verdict, found.farthest) == ("warning", "control")
    assert found.control is not None
    assert found.variant is not None
    assert found.control.value == 49_854
    assert found.control.share_of_spread == pytest.approx(0.84, abs=0.005)
    assert found.control.share_of_sum == pytest.approx(49_854 / old.sum())
    assert found.variant.share_of_spread < found.variant.limit == LARGEST_SHARE
    rest = np.delete(old, old.argmax())
    for comparison, control in ((found.with_it, old), (found.without_it, rest)):
        assert comparison is not None
        assert comparison.absolute is not None
        oracle = CompareMeans(DescrStatsW(new), DescrStatsW(control))
        assert comparison.absolute.estimate == pytest.approx(new.mean() - control.mean(), rel=1e-8)
        assert comparison.absolute.se == pytest.approx(oracle.std_meandiff_separatevar, rel=1e-8)
        assert comparison.absolute.p_value == pytest.approx(oracle.ttest_ind(usevar="unequal")[1], rel=1e-7)
    assert found.with_it is not None
    assert found.without_it is not None
    assert found.with_it.absolute.estimate == pytest.approx(-1.157, abs=5e-4)
    assert found.without_it.absolute.estimate == pytest.approx(-0.0437, abs=5e-4)
    again = outliers(extremes(new), extremes(rest))
    assert again.verdict == "ok"


def test_a_whale_that_turns_the_answer_is_told() -> None:
    dice = np.random.default_rng(2)
    old, new = dice.normal(10, 3, 2_000), dice.normal(10.4, 3, 2_000)
    whale = np.append(new, 1_500.0)
    found = outliers(extremes(whale), extremes(old))
    assert (found.verdict, found.farthest, found.turns) == ("warning", "variant", True)
    # without it, the figures are those of the others
    others = outliers(extremes(new), extremes(old)).with_it.absolute
    assert found.without_it.absolute.estimate == pytest.approx(others.estimate, rel=1e-9)
    assert found.without_it.absolute.p_value == pytest.approx(others.p_value, rel=1e-6)


@pytest.mark.parametrize("n", [3, 5, 20, 100, 400])
def test_the_limit_in_few_units_is_grubbs(n: int) -> None:
    t = stats.t.ppf(1 - 0.001 / (2 * n), n - 2)
    grubbs = (n - 1) / math.sqrt(n) * math.sqrt(t * t / (n - 2 + t * t))
    data = np.random.default_rng(n).normal(size=n)
    found = outliers(extremes(data), extremes(data)).variant
    assert found is not None
    assert found.limit == pytest.approx(max(0.1, grubbs**2 / (n - 1)), rel=1e-9)


def test_normal_units_are_warned_of_as_rarely_as_stated() -> None:
    dice, runs = np.random.default_rng(6), 3_000
    alarms = sum(
        outliers(extremes(dice.normal(size=25)), extremes(dice.normal(size=25))).verdict == "warning"
        for _ in range(runs)
    )
    # .001 for each variant, and three standard errors of .002 in 3,000 runs: .0025
    assert alarms / runs <= 0.0045


def test_a_proportion_of_few_events_rests_on_single_units() -> None:
    few, many = ([1.0] * events + [0.0] * (10_000 - events) for events in (5, 50))
    assert outliers(extremes(few), extremes(many)).verdict == "warning"
    assert outliers(extremes(many), extremes(many)).verdict == "ok"


def test_a_share_of_the_sum_is_told_only_where_values_add_up() -> None:
    positive, mixed = [1.0, 2.0, 9.0], [-1.0, 2.0, 9.0]
    found = outliers(extremes(positive), extremes(mixed))
    assert found.variant.share_of_sum == pytest.approx(0.75)
    assert found.control.share_of_sum is None


def test_a_variant_without_spread_has_no_farthest_unit() -> None:
    found = outliers(extremes([5.0] * 10), extremes([1.0, 2.0, 3.0, 4.0]))
    assert found.variant is None
    assert found.farthest == "control"
    one = outliers(extremes([5.0] * 10), extremes([1.0] * 50 + [9.0]))
    assert one.verdict == "warning"
    # what is left does not vary at all: a named condition, no figure
    assert one.without_it.absolute is None
    assert one.turns is None


@given(st.permutations([1.0, 2.0, 3.0, 4.0, 50.0]))
def test_the_order_of_units_changes_nothing(data: list[float]) -> None:
    base = extremes([1.0, 2.0, 3.0, 4.0, 50.0])
    found = outliers(extremes(data), base)
    assert found.variant.share_of_spread == pytest.approx(found.control.share_of_spread, rel=1e-12)


FINE = extremes([1.0, 2.0, 3.0, 4.0])


@pytest.mark.parametrize(
    "other",
    [
        Extremes(summary=Summary(0, None, None), lowest=None, highest=None),
        Extremes(summary=Summary(1, 2.0, None), lowest=2.0, highest=2.0),
        Extremes(summary=Summary(2, 2.0, 2.0), lowest=1.0, highest=3.0),
        Extremes(summary=Summary(50, math.nan, math.nan), lowest=1.0, highest=3.0),
        Extremes(summary=Summary(50, 2.0, 1.0), lowest=math.nan, highest=3.0),
        Extremes(summary=Summary(50, 2.0, 1.0), lowest=1.0, highest=math.inf),
        Extremes(summary=Summary(50, 2.0, 1.0), lowest=None, highest=None),
        Extremes(summary=Summary(50, 2.0, 1.0), lowest=3.0, highest=4.0),
        Extremes(summary=Summary(50, 2.0, 1.0), lowest=1.0, highest=90.0),
        Extremes(summary=Summary(50, 2.0, -1.0), lowest=1.0, highest=3.0),
        Extremes(summary=Summary(50, 2.0, 0.0), lowest=1.0, highest=3.0),
        Extremes(summary=Summary(50, 2.0, 1e300), lowest=-1e308, highest=1e308),
    ],
)
def test_impossible_figures_are_not_tested(other: Extremes) -> None:
    for pair in ((other, FINE), (FINE, other)):
        found = outliers(*pair)
        assert found.verdict == "not tested"
        assert (found.variant, found.control, found.farthest, found.with_it, found.turns) == (None,) * 5
        assert found.reason


def test_units_of_one_value_are_not_tested() -> None:
    assert outliers(extremes([1.0] * 9), extremes([1.0] * 9)).verdict == "not tested"


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(BadInput, match="alpha"):
        outliers(FINE, FINE, alpha=0)
    with pytest.raises(BadInput, match="count"):
        outliers(FINE, Extremes(summary=Summary(-1, 0.0, 1.0), lowest=0.0, highest=1.0))
