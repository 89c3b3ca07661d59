"""After the horizon nobody looks again: each metric is tested once, on the cohorts of that one look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imp_experiments.commands.start import start_experiment

MORE = """
[[metrics]]
name = "orders"
role = "secondary"
kind = "mean"
event = "order"
window = "3d"
[[metrics]]
name = "harm"
role = "guardrail"
kind = "proportion"
event = "visit"
window = "1d"
margin = 0.2
"""


@pytest.fixture
def endless(bench: Any, definition: str, at_day: Callable[[float], int]) -> Callable[..., Any]:
    """An experiment to which people keep coming, 20 a day and variant."""

    def run(plan: str = "[plan]\n") -> Any:
        bench.write(definition.replace("[plan]\n", plan) + MORE)
        bench.clock._now_us = at_day(0)
        start_experiment(bench.ctx, "test")
        for day in range(40):
            for number in range(40):
                subject = day * 100 + number
                bench.rows.expose(subject, "ab"[number % 2], day + 0.5)
                if (subject * 7919) % 10 < 3:
                    bench.rows.outcome(subject, "visit", day + 0.6)
                    bench.rows.outcome(subject, "order", day + 0.7)
        bench.rows.enrol("a", 800)
        bench.rows.enrol("b", 800)
        return bench

    return run


def compared(bench: Any, told: Any, at_us: int) -> dict[str, Any]:
    bench.clock._now_us = at_us
    return {one["metric"]: one for one in told(bench)["comparisons"]}


@pytest.mark.parametrize("plan", ["[plan]\n", '[plan]\nlooks = "daily"\nunits = 5000\n'])
def test_who_reads_on_sees_the_one_look_of_the_horizon_again(
    endless: Callable[..., Any], told: Any, at_day: Callable[[float], int], plan: str
) -> None:
    bench = endless(plan)
    first = compared(bench, told, at_day(20))
    # day d is ripe when it and the window are over
    assert {name: one["n"]["control"] for name, one in first.items()} == {"visit": 260, "orders": 340, "harm": 380}
    assert compared(bench, told, at_day(21)) == first
    assert compared(bench, told, at_day(35)) == first
    looks = [one for entry in bench.ledger.entries("use-close") for one in entry.fields.get("looks", [])]
    assert [(one["metric"], one["n"], one["cumulative"]) for one in looks] == [
        ("visit", 520, 50_000_000_000_000),
        ("orders", 680, 50_000_000_000_000),
        ("harm", 760, 50_000_000_000_000),
    ]


def test_before_the_horizon_others_than_primaries_use_no_look(
    endless: Callable[..., Any], told: Any, at_day: Callable[[float], int]
) -> None:
    bench = endless()
    one, two = (compared(bench, told, at_day(day)) for day in (12, 14))
    assert one["orders"]["n"]["control"] < two["orders"]["n"]["control"]
    assert one["orders"]["look"].startswith("asymptotic confidence sequence")
    assert not any("looks" in entry.fields for entry in bench.ledger.entries("use-close"))


def test_who_withdraws_leaves_the_look_that_is_shown_again(
    endless: Callable[..., Any], told: Any, at_day: Callable[[float], int]
) -> None:
    bench = endless()
    first = compared(bench, told, at_day(20))
    for subject in range(0, 40, 2):
        bench.rows.close(subject, "withdrawn", 0, None)
    again = compared(bench, told, at_day(30))
    assert again["visit"]["n"] == {"variant": 260, "control": 240}
    assert again["visit"]["tail"] == first["visit"]["tail"] == 0.025
