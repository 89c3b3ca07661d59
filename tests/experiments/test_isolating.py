"""Combinations of released groups that would tell of few people, against a search of all of them."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imp_experiments.readout.isolating import tells_at_least


def kinds(*rows: tuple[tuple[int, ...], int]) -> dict[frozenset[int], int]:
    return {frozenset(groups): n for groups, n in rows}


def fewest(people: dict[frozenset[int], int]) -> int:
    """The fewest people that a combination with weights -2 to 2 tells of (enough for so few groups)."""
    groups = sorted({group for kind in people for group in kind})
    found = sum(people.values()) + 1
    for weights in product(range(-2, 3), repeat=len(groups)):
        value = dict(zip(groups, weights, strict=True))
        told = sum(n for kind, n in people.items() if sum(value[group] for group in kind))
        found = min(found, told or found)
    return found


def test_a_partition_tells_of_its_smallest_group() -> None:
    people = kinds(((0,), 12), ((1,), 10), ((2,), 50))
    assert tells_at_least(people, 10)
    assert not tells_at_least(people, 11)


def test_two_groups_that_differ_by_few_tell_of_these() -> None:
    assert not tells_at_least(kinds(((0, 1), 50), ((0,), 3)), 10)
    assert tells_at_least(kinds(((0, 1), 50)), 10)
    assert tells_at_least(kinds(((0, 1), 50), ((0,), 10)), 10)


def test_those_who_came_hide_those_who_left() -> None:
    assert tells_at_least(kinds(((0, 1), 50), ((0,), 3), ((1,), 40)), 10)


def test_dimensions_that_cross_widely_tell_of_nobody_though_each_crossing_is_small() -> None:
    people = kinds(*(((i, 10 + j), 4) for i in range(6) for j in range(6)))
    assert tells_at_least(people, 10)


def test_dimensions_that_are_almost_the_same_tell_of_the_exceptions() -> None:
    assert not tells_at_least(kinds(((0, 2), 50), ((1, 3), 50), ((0, 3), 2), ((1, 2), 3)), 10)


@pytest.mark.parametrize(("absent", "safe"), [((0,), False), ((1,), False), ((), True)])
def test_who_is_gone_from_a_group_can_be_told_by_its_difference(absent: tuple[int, ...], *, safe: bool) -> None:
    assert tells_at_least(kinds(((0, 1), 50)), 10, absent=absent) is safe


def test_nothing_tells_nothing() -> None:
    assert tells_at_least({}, 10)
    assert tells_at_least({frozenset(): 3}, 10)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.frozensets(st.integers(0, 4), min_size=1, max_size=3), st.integers(1, 9), min_size=1),
    st.integers(1, 12),
)
def test_what_is_let_through_tells_of_at_least_k(people: dict[frozenset[int], int], k: int) -> None:
    least = fewest(people)
    if tells_at_least(people, k):
        assert least >= k
