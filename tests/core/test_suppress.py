"""Which counts may be shown, alone and together; the rule is the same in readouts and in audit reports."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_core.suppress import any_hidden, hidden, hidden_together, steady


@pytest.mark.parametrize(("n", "shown"), [(0, 0), (1, None), (9, None), (10, 10), (11, 11)])
def test_r54_a_count_below_k_is_hidden_and_none_is_shown(n, shown):
    assert hidden(n, 10) == shown


def test_r54_counts_of_a_known_sum_are_hidden_together():
    assert hidden_together({"a": 40, "b": 3}, 10) == {"a": None, "b": None}
    assert hidden_together({"a": 40, "b": 0}, 10) == {"a": 40, "b": 0}
    assert any_hidden([40, None])
    assert not any_hidden([40, 0])


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ([0, 5, 12, 13, 22], [0, None, 12, 12, 22]),
        ([40, 39, 31, 30], [40, 40, 40, 30]),
        ([40, 3, 12, 13], [40, None, 12, 12]),
        ([12, 0, 5], [12, 0, None]),
        ([], []),
    ],
)
def test_r54_a_count_over_time_moves_only_once_k_came_or_went(counts, shown):
    assert steady(counts, 10) == shown


@given(st.lists(st.integers(0, 40)), st.integers(1, 12))
def test_r54_no_two_shown_counts_over_time_differ_by_less_than_k_and_none_is_small(counts, k):
    shown = [n for n in steady(counts, k) if n is not None]
    assert all(n == 0 or n >= k for n in shown)
    moves = [abs(b - a) for a, b in pairwise(shown) if a != b]
    assert all(move >= k for move in moves)
