"""Levels too small to show are merged, and none of them can be found by difference."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imp_experiments.measure.merge import OTHER, Grouping, merge_levels


def merge(counts: dict[str, tuple[int, ...]], k: int = 10, most: int = 30) -> Grouping:
    return merge_levels({level: [units] for level, units in counts.items()}, k, most=most)


def test_large_levels_stay_as_they_are() -> None:
    assert merge({"a": (10, 10), "b": (30, 12)}) == Grouping(groups={"a": ("a",), "b": ("b",)}, merged=0)


def test_small_levels_are_merged() -> None:
    found = merge({"a": (50, 50), "b": (9, 40), "c": (40, 9)})
    assert found == Grouping(groups={"a": ("a",), OTHER: ("b", "c")}, merged=2)


def test_where_the_others_stay_too_small_the_next_smallest_joins_them() -> None:
    found = merge({"a": (50, 50), "b": (20, 30), "c": (3, 30)})
    assert found == Grouping(groups={"a": ("a",), OTHER: ("b", "c")}, merged=2)
    assert found.shown("c") == OTHER
    assert found.shown("nowhere") is None


def test_where_only_the_whole_is_left_nothing_is_shown() -> None:
    assert merge({"a": (50, 50), "c": (3, 3)}) == Grouping(groups={}, merged=2)
    assert merge({"c": (3, 3)}) == Grouping(groups={}, merged=1)
    assert merge({}) == Grouping(groups={}, merged=0)


def test_a_single_large_level_is_shown() -> None:
    assert merge({"a": (50, 50)}) == Grouping(groups={"a": ("a",)}, merged=0)


def test_a_level_that_is_called_other_is_merged_with_the_others() -> None:
    assert merge({OTHER: (90, 90), "a": (50, 50), "b": (1, 1)}).groups == {"a": ("a",), OTHER: (OTHER, "b")}


def test_of_too_many_the_smallest_are_merged() -> None:
    found = merge({f"l{n:02}": (n, n) for n in range(10, 60)}, most=5)
    assert list(found.groups) == ["l56", "l57", "l58", "l59", OTHER]
    assert found.merged == 46


def test_a_level_with_a_few_units_more_in_another_metrics_cohorts_is_merged() -> None:
    found = merge_levels({"a": [[50, 50], [53, 50]], "b": [[50, 50], [50, 70]], "c": [[60, 50], [67, 70]]}, 10)
    # 3 and 7 are 10 together
    assert found.groups == {"b": ("b",), OTHER: ("a", "c")}


@given(
    st.dictionaries(
        st.sampled_from([*"abcdefgh", OTHER]),
        st.lists(st.lists(st.integers(0, 40), min_size=2, max_size=2), min_size=2, max_size=2),
    ),
    st.integers(1, 15),
    st.integers(1, 6),
)
def test_nothing_below_k_is_shown_nor_found_by_difference(drawn: dict[str, list[list[int]]], k: int, most: int) -> None:
    counts = {
        level: [small, [a + b for a, b in zip(small, more, strict=True)]] for level, (small, more) in drawn.items()
    }
    found = merge_levels(counts, k, most=most)
    assert len(found.groups) <= most
    if found.groups:  # everybody is in some level, so that totals tell nothing more
        assert sorted(one for levels in found.groups.values() for one in levels) == sorted(counts)
    for levels in found.groups.values():
        for variant in range(2):
            first, last = (sum(counts[level][population][variant] for level in levels) for population in range(2))
            assert first >= k
            assert last - first == 0 or last - first >= k
