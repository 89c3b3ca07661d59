from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from imp_core.errors import BadInput
from imp_experiments.stats.concurrent import PairCell, independence, interference

ONE, TWO = ("plain", "question", "name"), ("none", "photo")


def cells(means: dict[tuple[str, str], float], n: int = 400, variance: float = 4.0) -> list[PairCell]:
    return [PairCell(one=a, two=b, n=n, mean=mean, variance=variance) for (a, b), mean in means.items()]


def additive(bump: float = 0.0) -> dict[tuple[str, str], float]:
    means = {(a, b): 10.0 + i + 2 * j for i, a in enumerate(ONE) for j, b in enumerate(TWO)}
    means["name", "photo"] += bump
    return means


def test_effects_that_add_up_do_not_interfere() -> None:
    found = interference(cells(additive()), one=ONE, two=TWO)
    assert found.absolute is not None
    assert (found.absolute.f, found.absolute.df_num) == (pytest.approx(0.0, abs=1e-20), 2)
    assert found.warns is False
    assert all(item.absolute and item.absolute.estimate == pytest.approx(0.0, abs=1e-12) for item in found.interactions)


def test_effects_that_add_up_are_not_the_same_relative_effects() -> None:
    found = interference(cells(additive(), n=40_000), one=ONE, two=TWO, scale="relative")
    assert found.warns is True
    assert found.scale == "relative"


def test_an_interaction_warns_and_is_found_where_it_is() -> None:
    found = interference(cells(additive(bump=3.0)), one=ONE, two=TWO)
    assert found.warns is True
    listed = {(item.one_base, item.one, item.two_base, item.two): item.absolute for item in found.interactions}
    assert list(listed) == [
        ("plain", "question", "none", "photo"),
        ("plain", "name", "none", "photo"),
        ("question", "name", "none", "photo"),
    ]
    estimates = [item.estimate for item in listed.values() if item is not None]
    assert estimates == [pytest.approx(value, abs=1e-9) for value in (0.0, 3.0, 3.0)]
    assert listed["plain", "name", "none", "photo"].se == pytest.approx(math.sqrt(4 * 4.0 / 400))  # type: ignore[union-attr]


def test_pairs_with_both_controls_come_first_and_all_pairs_are_there() -> None:
    three = tuple("xyz")
    given_ = cells({(a, b): 1.0 for a in ONE for b in three})
    found = interference(given_, one=ONE, two=three)
    assert len(found.interactions) == 9
    assert [(item.one_base, item.two_base) for item in found.interactions[:4]] == [("plain", "x")] * 4


def test_two_variants_each_have_one_interaction_that_is_the_whole_test() -> None:
    means = {(a, b): float(i + j + 3 * i * j) for i, a in enumerate("ab") for j, b in enumerate("xy")}
    found = interference(cells(means, n=20, variance=9.0), one="ab", two="xy")
    effect = found.interactions[0].absolute
    assert found.absolute is not None
    assert effect is not None
    assert found.absolute.p_value == pytest.approx(effect.p_value, rel=1e-9)
    assert found.absolute.df_den == pytest.approx(4 * 19)
    assert found.warns == (effect.low > 0 or effect.high < 0)


def test_names_of_cells_may_be_those_of_a_factorial() -> None:
    one, two = ("a=0,b=0", "a=0,b=1"), ("对照", "处理")
    found = interference(cells({(a, b): 1.0 for a in one for b in two}), one=one, two=two)
    assert found.interactions[0].one == "a=0,b=1"


def test_an_empty_pair_leaves_the_interactions_that_do_not_need_it() -> None:
    given_ = [cell for cell in cells(additive()) if (cell.one, cell.two) != ("name", "photo")]
    found = interference(given_, one=ONE, two=TWO)
    assert found.warns is None
    assert [condition.code for condition in found.conditions] == ["not_estimable"]
    assert [item.absolute is None for item in found.interactions] == [False, True, True]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"one": ("plain",)}, "two variants"),
        ({"one": ("plain", "plain", "name")}, "two variants"),
        ({"one": ("plain", "question")}, "no pair"),
        ({"alpha": 0}, "error rate"),
        ({"scale": "log"}, "no scale"),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        interference(cells(additive()), **{"one": ONE, "two": TWO} | arguments)


def test_a_pair_that_comes_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="twice"):
        interference(cells(additive()) + cells(additive())[:1], one=ONE, two=TWO)


def test_a_value_that_is_not_finite_is_a_condition() -> None:
    found = interference(cells(additive(bump=math.nan)), one=ONE, two=TWO)
    assert [condition.code for condition in found.conditions] == ["not_finite"]
    assert found.warns is None


# --- independence of the assignments


@settings(max_examples=50)
@given(st.lists(st.lists(st.integers(20, 5_000), min_size=3, max_size=3), min_size=2, max_size=4))
def test_independence_is_pearsons_chi_square(table: list[list[int]]) -> None:
    found = independence({(str(i), str(j)): n for i, row in enumerate(table) for j, n in enumerate(row)})
    if found.verdict == "not tested":
        assert stats.contingency.expected_freq(table).min() < 5
        return
    oracle = stats.chi2_contingency(table, correction=False)
    assert found.statistic == pytest.approx(oracle.statistic, rel=1e-9, abs=1e-9)
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-7, abs=1e-300)
    assert found.df == oracle.dof
    assert found.verdict == ("dependent" if oracle.pvalue < 0.001 else "ok")
    assert found.expected is not None
    assert np.array(list(found.expected.values())) == pytest.approx(oracle.expected_freq.ravel())


def test_a_shared_salt_is_found() -> None:
    found = independence({("a", "x"): 5_000, ("a", "y"): 10, ("b", "x"): 12, ("b", "y"): 5_000})
    assert found.verdict == "dependent"


def test_a_variant_without_units_leaves_the_degrees_of_freedom() -> None:
    found = independence(
        {("a", "x"): 500, ("a", "y"): 510, ("b", "x"): 490, ("b", "y"): 505, ("c", "x"): 0, ("c", "y"): 0}
    )
    assert (found.verdict, found.df) == ("ok", 1)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({}, "fewer than two variants"),
        ({("a", "x"): 50, ("a", "y"): 50}, "fewer than two variants"),
        ({("a", "x"): 3, ("a", "y"): 3, ("b", "x"): 3, ("b", "y"): 3}, "fewer than five"),
        ({("a", "x"): -3, ("a", "y"): 50, ("b", "x"): 50, ("b", "y"): 50}, "below zero"),
        ({("a", "x"): 10**400, ("a", "y"): 50, ("b", "x"): 50, ("b", "y"): 50}, "too large"),
    ],
)
def test_what_cannot_be_tested_has_no_p(counts: dict[tuple[str, str], int], reason: str) -> None:
    found = independence(counts)
    assert (found.verdict, found.p_value, found.statistic, found.df, found.expected) == ("not tested",) + (None,) * 4
    assert reason in (found.reason or "")
