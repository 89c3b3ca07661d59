"""Units that count and units that do not yet: no count of few is their total less another's, nor the ledger's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from imp_experiments.commands.start import start_experiment

SHORT = '[[metrics]]\nname = "soon"\nrole = "secondary"\nkind = "proportion"\nevent = "visit"\nwindow = "1d"\n'


def totals(bench: Any, plain: dict[str, Any]) -> set[int]:
    """All that tell how many are in, mature or not."""
    both = [one for one in plain["metrics"] if None not in (one["matured"], one["immature"])]
    by_ledger = [closing["counts"]["units"] for closing in bench.view.closings if "units" in closing["counts"]]
    return {*(one["matured"] + one["immature"] for one in both), *by_ledger}


@pytest.mark.parametrize("few", [1, 9])
def test_few_that_are_not_mature_are_no_difference_of_totals(started: Any, fill: Any, told: Any, few: int) -> None:
    fill(100)
    for number in range(few):
        started.rows.expose(90_000 + number, "b", 55)
    plain = told(started)
    assert (plain["metrics"][0]["matured"], plain["metrics"][0]["immature"]) == (200, None)
    assert totals(started, plain) == set()


@pytest.fixture
def two(bench: Any, definition: str, at_day: Callable[[float], int]) -> Any:
    """Two metrics, of 7 days and of 1; the clock stands on day 59.5."""
    bench.write(definition + SHORT)
    bench.clock._now_us = at_day(0)
    start_experiment(bench.ctx, "test")
    bench.clock.move_to(at_day(59.5))
    return bench


def test_few_that_are_not_mature_are_not_told_by_another_metric(two: Any, fill: Any, told: Any) -> None:
    fill(100)
    fill(50, day=55)  # mature for the short one alone
    for number in range(3):
        two.rows.expose(90_000 + number, "b", 59)
    plain = told(two)
    seen = {one["metric"]: (one["matured"], one["immature"]) for one in plain["metrics"]}
    # 300 - 200 and 3: either with the other would tell the 3
    assert seen == {"visit": (200, None), "soon": (300, None)}
    assert totals(two, plain) == set()


def test_a_small_variant_is_no_difference_of_totals(two: Any, fill: Any, told: Any) -> None:
    fill(100, day=58)
    for number in range(60):
        two.rows.expose(80_000 + number, "a", 1)
    for number in range(3):
        two.rows.expose(90_000 + number, "b", 1)
    plain = told(two)
    by_metric = {one["metric"]: one for one in plain["comparisons"]}
    assert by_metric["visit"]["n"] == {"variant": None, "control": 60}
    assert totals(two, plain) == set()


def test_where_nothing_is_hidden_all_is_told(two: Any, fill: Any, told: Any) -> None:
    fill(100)
    fill(50, day=55)
    plain = told(two)
    assert totals(two, plain) == {300}
    assert json.dumps(plain["metrics"]).count("null") == 0


@pytest.mark.parametrize(("few", "said"), [(3, "fewer than 10 events"), (12, "12 events")])
def test_few_events_without_an_amount_are_not_counted_out(
    bench: Any, definition: str, at_day: Callable[[float], int], fill: Any, told: Any, few: int, said: str
) -> None:
    spend = '[[metrics]]\nname = "spend"\nkind = "mean"\nevent = "order"\nvalue = "amount"\nwindow = "7d"\n'
    bench.write(definition + spend)
    bench.clock._now_us = at_day(0)
    start_experiment(bench.ctx, "test")
    bench.clock.move_to(at_day(59.5))
    fill(100)
    exposed = [row["subject"] for row in bench.rows.events if row["type"] == "exposure"]
    for subject in exposed[:few]:
        bench.rows.outcome(subject, "order", 2)
    assert f"spend: {said} without amount counted as 0" in told(bench)["notes"]
