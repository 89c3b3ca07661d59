"""Looks at their edges: the very first, the last, those that show nothing, and two at once. Alpha is spent once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from imp_experiments.commands import read_out as reading
from imp_experiments.commands.read_out import read_out
from imp_experiments.commands.start import start_experiment
from imp_experiments.readout import looks
from imp_experiments.readout.format import to_plain
from imp_experiments.readout.render import render_table

PLAN = '[plan]\nlooks = "daily"\nunits = UNITS\nmin_units = 2\nmin_conversions = 0\n'

Look = Callable[[float], dict[str, Any]]


@pytest.fixture
def start(bench: Any, definition: str, at_day: Callable[[float], int]) -> Callable[..., Look]:
    """Start it with units of two variants from day 0 to 9; the answer looks at a day."""

    def run(
        units: int = 2_000,
        *,
        shares: tuple[float, float] = (0.3, 0.3),
        per_day: int = 100,
        plan: str = PLAN,
        more: str = "",
        file: str = definition,
    ) -> Look:
        bench.write(file.replace("[plan]\n", plan.replace("UNITS", str(units))) + more)
        bench.clock._now_us = at_day(0)
        start_experiment(bench.ctx, "test")
        dice = np.random.default_rng(1)
        subject = 0
        for day in range(10):
            for variant, share in zip("ab", shares, strict=True):
                for _ in range(per_day):
                    subject += 1
                    bench.rows.expose(subject, variant, day + 0.5)
                    if dice.random() < share:
                        bench.rows.outcome(subject, "visit", day + 1)
        for variant in "ab":
            bench.rows.enrol(variant, 10 * per_day)

        def look(day: float) -> dict[str, Any]:
            bench.clock._now_us = at_day(day)
            plain: dict[str, Any] = json.loads(json.dumps(to_plain(read_out(bench.ctx, "test").readout)))
            return plain

        return look

    return run


def recorded(bench: Any) -> list[dict[str, Any]]:
    return [one for entry in bench.ledger.entries("use-close") for one in entry.fields.get("looks", [])]


@pytest.mark.parametrize("per_day", [100, 12])  # by t, and by scores where events are few
def test_a_very_early_look_has_its_finite_interval_now_and_when_shown_again(
    start: Callable[..., Look], per_day: int
) -> None:
    look = start(30 * per_day, per_day=per_day)
    one, two = look(8.1)["comparisons"][0], look(8.3)["comparisons"][0]
    # a boundary of 8.7 standard errors leaves 2e-18, less than shares of alpha are kept in
    assert 0 < one["tail"] < 1e-15
    for scale in ("absolute", "relative"):
        assert -1e6 < one[scale]["low"] < one[scale]["high"] < 1e6
    assert one == two


def test_an_early_interval_is_dual_to_p_though_its_tail_is_tiny(start: Callable[..., Look]) -> None:
    look = start(3_000, shares=(0.2, 0.98))
    effects = [look(day)["comparisons"][0]["relative"] for day in (8.1, 9.1)]
    assert [effect["p_value"] < 0.05 for effect in effects] == [effect["low"] > 0 for effect in effects]
    assert [effect["p_value"] < 0.05 for effect in effects] == [False, True]


def test_the_last_look_is_one_though_no_cohort_was_added_since_the_look_before(
    bench: Any, start: Callable[..., Look]
) -> None:
    look = start(10_000)
    look(18)  # all cohorts are ripe
    first = look(21)
    assert [one["n"] for one in recorded(bench)] == [2_000, 2_000]
    assert recorded(bench)[-1]["cumulative"] == pytest.approx(0.05e15, rel=1e-9)
    for subject in range(1, 601):
        bench.rows.close(subject, "withdrawn", 0, None)
    again = look(22)
    assert len(recorded(bench)) == 2, "alpha is spent"
    assert again["comparisons"][0]["tail"] == first["comparisons"][0]["tail"]
    assert "look 2" in again["comparisons"][0]["look"]


def test_all_of_a_very_small_alpha_is_spent_once(bench: Any, start: Callable[..., Look]) -> None:
    look = start(10_000, plan=PLAN.replace("\nunits =", "\nalpha = 1.23456789012345e-8\nunits ="))
    first, again = look(21), look(23)
    assert len(recorded(bench)) == 1
    assert first["comparisons"] == again["comparisons"]


def test_a_look_that_showed_nothing_was_not_used(bench: Any, start: Callable[..., Look]) -> None:
    spend = '[[metrics]]\nname = "spend"\nkind = "mean"\nevent = "order"\nvalue = "amount"\nwindow = "7d"\n'
    look = start(more=spend)
    for number, currency in enumerate(["EUR", "USD"]):
        bench.rows.outcome(number + 1, "order", 1, amount_micros=1_000_000, currency=currency)
    found = look(12)
    assert {one["code"] for one in found["comparisons"][1]["conditions"]} == {"several_currencies"}
    assert [one["metric"] for one in recorded(bench)] == ["visit"]


def test_the_ledger_does_not_tell_how_few_a_variant_has(
    bench: Any, start: Callable[..., Look], definition: str
) -> None:
    look = start(file=definition.replace("[[metrics]]", '[[variants]]\nname = "c"\n[[metrics]]', 1))
    for number in range(3):
        bench.rows.expose(9_000 + number, "c", 0.5)
    shown = {one["variant"]: one["n"] for one in look(21)["comparisons"]}
    assert shown["c"] == {"variant": None, "control": 1_000}
    assert [one["n"] for one in recorded(bench)] == [2_000]


def test_there_are_only_so_many_looks_and_the_last_is_kept_for_the_horizon(
    bench: Any, start: Callable[..., Look], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "MOST_LOOKS", 3)
    look = start()
    seen = [look(8 + day)["comparisons"][0]["n"]["control"] for day in range(5)]
    assert seen == [100, 200, 200, 200, 200]
    assert look(21)["comparisons"][0]["n"]["control"] == 1_000
    assert len(recorded(bench)) == 3


def test_two_readouts_at_once_use_one_look(
    bench: Any, start: Callable[..., Look], monkeypatch: pytest.MonkeyPatch
) -> None:
    look = start()
    run, others = reading.run, []

    def meanwhile(*args: Any, **options: Any) -> Any:
        if not others:
            others.append(1)
            look(10)
        return run(*args, **options)

    monkeypatch.setattr(reading, "run", meanwhile)
    found = look(10)
    assert len(recorded(bench)) == 1
    assert "look 1" in found["comparisons"][0]["look"]


GUARDRAIL = (
    '[[metrics]]\nname = "harm"\nrole = "guardrail"\nkind = "proportion"\nevent = "leave"\nwindow = "7d"\n'
    'direction = "down"\nmargin = 0.5\n'
)


def test_when_alpha_is_spent_early_guardrails_wait_for_the_horizon(bench: Any, start: Callable[..., Look]) -> None:
    look = start(600, shares=(0.2, 0.4), more=GUARDRAIL)
    for subject in range(1, 2_001, 11):
        bench.rows.outcome(subject, "leave", 10)
    early, late = look(14), look(20)
    assert recorded(bench)[0]["cumulative"] == 50_000_000_000_000
    shown = {one["metric"]: one for one in early["comparisons"]}["harm"]
    (test,) = [one for one in early["verdict"]["tests"] if one["metric"] == "harm"]
    # not the fixed test of the end, day after day
    assert (test["p_value"], test["low"], test["high"]) == (
        shown["p_value"],
        shown["relative"]["low"],
        shown["relative"]["high"],
    )
    assert test["outcome"] == "not shown"
    assert early["verdict"]["value"] == "keep running"
    assert "guardrails are judged" in early["verdict"]["reason"]
    assert late["verdict"]["value"] == "ship"


def test_a_treatment_that_is_better_waits_for_its_guardrail_in_so_many_words(
    bench: Any, start: Callable[..., Look]
) -> None:
    look = start(2_000, shares=(0.2, 0.5), more=GUARDRAIL)
    for subject in range(1, 2_001, 11):
        bench.rows.outcome(subject, "leave", 10)
    early = look(13)
    assert recorded(bench)[-1]["cumulative"] < 50_000_000_000_000
    assert [one["outcome"] for one in early["verdict"]["tests"]] == ["better", "not shown"]
    assert early["verdict"]["reason"].startswith("guardrails are judged at the horizon, which ends")


def test_at_the_end_a_guardrail_shows_the_bound_and_the_margin_that_it_is_judged_by(
    bench: Any, start: Callable[..., Look]
) -> None:
    look = start(2_000, shares=(0.2, 0.5), more=GUARDRAIL)
    for subject in range(1, 2_001, 11):
        bench.rows.outcome(subject, "leave", 10)
    primary, harm = look(21)["verdict"]["tests"]
    assert (primary["margin"], harm["margin"]) == (None, 0.5)
    assert (harm["outcome"] == "held") == (harm["high"] < 0.5) == (harm["p_value"] < 0.05)
    (line,) = [
        one for one in render_table(read_out(bench.ctx, "test").readout).splitlines() if "verdict on harm" in one
    ]
    assert f"one-sided bound {harm['high']:+.2%} against the margin +50.00%, one-sided p" in line


def test_how_few_ripened_since_the_last_look_is_not_told_by_a_difference(
    bench: Any, start: Callable[..., Look]
) -> None:
    look = start(plan="[plan]\n")
    first = look(21)
    assert first["metrics"][0]["matured"] == 2_000
    for number in range(3):
        bench.rows.expose(9_000 + number, "a", 20.5)
    (units,), (compared,) = (look(40)[what] for what in ("metrics", "comparisons"))
    assert compared["n"] == {"variant": 1_000, "control": 1_000}
    assert units["matured"] is None
    for number in range(3, 30):
        bench.rows.expose(9_000 + number, "a", 20.5)
    assert look(41)["metrics"][0]["matured"] == 2_030


SOON = '[[metrics]]\nname = "soon"\nrole = "secondary"\nkind = "proportion"\nevent = "visit"\nwindow = "2d"\n'


@pytest.mark.parametrize(("late", "soon"), [(3, 1_000), (9, 1_000), (10, 1_010)])
def test_how_few_came_between_the_cohorts_of_two_metrics_is_not_told_by_their_difference(
    bench: Any, start: Callable[..., Look], late: int, soon: int
) -> None:
    look = start(plan="[plan]\n", more=SOON)
    for number in range(late):
        bench.rows.expose(9_000 + number, "a", 20.5)
    found = look(24)
    counts = {one["metric"]: one["n"] for one in found["comparisons"]}
    # of the later ones two days are over, and not the seven of a visit
    assert counts == {"visit": {"variant": 1_000, "control": 1_000}, "soon": {"variant": 1_000, "control": soon}}


def test_what_a_look_has_shown_is_shown_again_though_few_stay_between(bench: Any, start: Callable[..., Look]) -> None:
    look = start(plan="[plan]\n", more=SOON)
    for number in range(12):
        bench.rows.expose(9_000 + number, "a", 20.5)
    assert {one["n"]["control"] for one in look(24)["comparisons"]} == {1_000, 1_012}
    for number in range(5):
        bench.rows.close(9_000 + number, "withdrawn", 0, None)
    assert {one["n"]["control"] for one in look(25)["comparisons"]} == {1_000, 1_007}
