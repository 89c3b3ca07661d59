"""When an experiment ends: no person's own moment is told by it, nor does one who leaves move it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("early", [1, 9])
def test_the_horizon_tells_no_moment_of_a_few_early_people(started: Any, fill: Any, told: Any, early: int) -> None:
    fill(100)
    for number in range(early):
        started.rows.expose(90_000 + number, "a", -3.123456)
    assert told(started)["experiment"]["horizon"] == "2026-01-21T00:00:00Z"  # the start, and 20 days


def test_imported_exposures_move_it_to_the_end_of_the_day_by_which_k_had_come(
    started: Any, fill: Any, told: Any
) -> None:
    fill(100)
    for number in range(10):
        started.rows.expose(90_000 + number, "a", -7.5 if number else -9.5)
    assert told(started)["experiment"]["horizon"] == "2026-01-14T00:00:00Z"


def test_a_first_day_of_the_start_is_the_start_itself(started: Any, fill: Any, told: Any) -> None:
    fill(100, day=0.25)
    assert told(started)["experiment"]["horizon"] == "2026-01-21T00:00:00Z"


def test_a_horizon_that_was_told_over_stays_over_whoever_leaves(
    started: Any, fill: Any, told: Any, at_day: Callable[[float], int]
) -> None:
    fill(100)
    for number in range(10):
        started.rows.expose(90_000 + number, "a", -7.5)
    started.clock._now_us = at_day(15)
    first = told(started)
    assert first["experiment"]["horizon"] == "2026-01-14T00:00:00Z"
    assert first["verdict"]["value"] == "ship"
    # without these the horizon would be that of the start, which is not over
    for number in range(10):
        started.rows.close(90_000 + number, "withdrawn", -30, None)
    again = told(started)
    assert again["verdict"]["value"] == "ship"
    assert again["comparisons"][0]["tail"] == first["comparisons"][0]["tail"]
