"""An experiment that is looked at while it runs: boundaries, the ledger's record of looks, and when it may end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from imp_core.errors import BadInput, LedgerBroken
from imp_experiments.commands.read_out import read_out
from imp_experiments.commands.start import start_experiment
from imp_experiments.design.parse import parse_experiment
from imp_experiments.readout.format import to_plain
from imp_experiments.readout.looks import looks_of, way_of
from imp_experiments.stats.sequential.boundary import plan_boundaries
from imp_experiments.stats.sequential.spending import parse_spending

PER_DAY = 100  # units a variant and day
PLAN = '[plan]\nlooks = "daily"\nunits = 2000\nmin_conversions = 5\n'


@pytest.fixture
def running(bench: Any, definition: str, at_day: Callable[[float], int]) -> Callable[..., Any]:
    """An experiment with daily looks, of units that come from day 0 to 9; `shares` visit."""

    def run(
        plan: str = PLAN, *, shares: tuple[float, float] = (0.3, 0.3), more: str = "", days: int = 10, seed: int = 1
    ) -> Any:
        bench.write(definition.replace("[plan]\n", plan) + more)
        bench.clock._now_us = at_day(0)
        start_experiment(bench.ctx, "test")
        dice = np.random.default_rng(seed)
        subject = 0
        for day in range(days):
            for variant, share in zip("ab", shares, strict=True):
                for _ in range(PER_DAY):
                    subject += 1
                    bench.rows.expose(subject, variant, day + 0.5)
                    if dice.random() < share:
                        bench.rows.outcome(subject, "visit", day + 1)
        for variant in "ab":
            bench.rows.enrol(variant, days * PER_DAY)
        return bench

    return run


def look(bench: Any, at_day: Callable[[float], int], day: float) -> dict[str, Any]:
    bench.clock._now_us = at_day(day)
    plain: dict[str, Any] = json.loads(json.dumps(to_plain(read_out(bench.ctx, "test").readout)))
    return plain


def recorded(bench: Any) -> list[dict[str, Any]]:
    return [one for entry in bench.ledger.entries("use-close") for one in entry.fields.get("looks", [])]


def test_each_look_spends_its_boundary_and_the_ledger_keeps_it(
    running: Callable[..., Any], at_day: Callable[[float], int]
) -> None:
    bench = running()
    # windows are 7 days: the cohort of day d is ripe at d + 8
    tails = [look(bench, at_day, 8 + day)["comparisons"][0]["tail"] for day in range(10)]
    planned = plan_boundaries([(day + 1) / 10 for day in range(10)], 0.05, parse_spending("obrien_fleming"))
    assert tails == pytest.approx([one.tail for one in planned], rel=1e-6)
    kept = recorded(bench)
    assert [one["n"] for one in kept] == [200 * (day + 1) for day in range(10)]
    assert [one["kept"] for one in kept] == [None, *[200 * (day + 1) for day in range(9)]]
    assert kept[-1]["cumulative"] == pytest.approx(0.05e15, rel=1e-9)


def test_a_look_again_on_the_same_day_spends_nothing_and_shows_the_same(
    running: Callable[..., Any], at_day: Callable[[float], int]
) -> None:
    bench = running()
    one, two = (look(bench, at_day, 10 + part) for part in (0.1, 0.3))
    assert len(recorded(bench)) == 1
    assert one["comparisons"] == two["comparisons"]


def test_between_weekly_looks_the_last_look_is_shown_with_its_cohorts_alone(
    running: Callable[..., Any], at_day: Callable[[float], int]
) -> None:
    bench = running(PLAN.replace("daily", "weekly"))
    first, between, second = (look(bench, at_day, day) for day in (9, 12, 16))
    assert [one["comparisons"][0]["n"]["control"] for one in (first, between, second)] == [200, 200, 900]
    assert [one["day"] for one in recorded(bench)] == [20_455, 20_462]


def test_before_enough_units_or_conversions_there_is_no_look_and_no_figure(
    running: Callable[..., Any], at_day: Callable[[float], int]
) -> None:
    bench = running('[plan]\nlooks = "daily"\nunits = 2000\nmin_units = 150\n')
    early, later = look(bench, at_day, 8.5), look(bench, at_day, 9.5)
    (compared,) = early["comparisons"]
    assert (compared["absolute"], compared["relative"], compared["p_value"]) == (None, None, None)
    assert [one["code"] for one in compared["conditions"]] == ["before_first_look"]
    assert early["verdict"]["value"] == "keep running"
    assert later["comparisons"][0]["relative"] is not None
    assert [one["n"] for one in recorded(bench)] == [400]


def test_a_clear_effect_ends_it_before_the_horizon(running: Callable[..., Any], at_day: Callable[[float], int]) -> None:
    bench = running(shares=(0.2, 0.5))
    found = look(bench, at_day, 11)
    assert found["verdict"]["value"] == "ship"
    (compared,) = found["comparisons"]
    assert compared["p_value"] < 0.05
    assert compared["relative"]["low"] > 0
    assert "look 1" in compared["look"]


def test_a_harm_to_every_treatment_ends_it_too(running: Callable[..., Any], at_day: Callable[[float], int]) -> None:
    found = look(running(shares=(0.5, 0.2)), at_day, 11)
    assert found["verdict"]["value"] == "do not ship"
    assert found["verdict"]["tests"][0]["outcome"] == "worse"


def test_p_is_below_alpha_iff_the_interval_leaves_no_effect_out_at_every_look(
    running: Callable[..., Any], at_day: Callable[[float], int]
) -> None:
    bench = running(shares=(0.30, 0.37), seed=5)
    decided = []
    for day in range(10):
        (compared,) = look(bench, at_day, 8 + day)["comparisons"]
        effect = compared["relative"]
        assert (effect["p_value"] < 0.05) == (effect["low"] > 0 or effect["high"] < 0)
        decided.append(effect["p_value"] < 0.05)
    assert len(set(decided)) == 2, "choose shares that cross on the way"


def test_when_all_alpha_is_spent_the_answer_stands_before_the_horizon(
    running: Callable[..., Any], at_day: Callable[[float], int]
) -> None:
    bench = running('[plan]\nlooks = "daily"\nunits = 600\nmin_conversions = 5\n')
    found = look(bench, at_day, 12)  # 1,000 units of 600 planned: an overrun
    assert found["verdict"]["value"] == "do not ship"
    again = look(bench, at_day, 15)
    assert again["verdict"] == found["verdict"]
    assert again["comparisons"][0]["n"] == found["comparisons"][0]["n"]
    assert len(recorded(bench)) == 1


def test_at_the_horizon_what_is_left_is_spent_so_that_withdrawals_cannot_keep_it_from_ending(
    running: Callable[..., Any], at_day: Callable[[float], int]
) -> None:
    bench = running(PLAN.replace("2000", "10000"))
    look(bench, at_day, 12)
    for subject in range(1, 301):
        bench.rows.close(subject, "withdrawn", 0, None)
    found = look(bench, at_day, 21)
    assert found["verdict"]["value"] == "do not ship"
    first, last = recorded(bench)
    assert (first["n"], last["n"], last["kept"]) == (1_000, 1_700, 700)
    assert last["cumulative"] == pytest.approx(0.05e15, rel=1e-9)


def test_a_look_without_new_information_tests_nothing(
    running: Callable[..., Any], at_day: Callable[[float], int]
) -> None:
    bench = running()
    look(bench, at_day, 12)
    for subject in range(1, 801):
        bench.rows.close(subject, "withdrawn", 0, None)
    (compared,) = look(bench, at_day, 14)["comparisons"]
    assert [one["code"] for one in compared["conditions"]] == ["no_look"]
    assert compared["relative"] is None
    assert len(recorded(bench)) == 1


def test_hypotheses_share_alpha_and_each_has_its_own_looks(
    running: Callable[..., Any], at_day: Callable[[float], int]
) -> None:
    second = '[[metrics]]\nname = "early"\nkind = "proportion"\nevent = "visit"\nwindow = "2d"\n'
    bench = running(more=second)
    found = look(bench, at_day, 10)
    alone = plan_boundaries([0.3, 0.8], 0.025, parse_spending("obrien_fleming"))
    by_metric = {one["metric"]: one for one in found["comparisons"]}
    assert by_metric["visit"]["tail"] == pytest.approx(alone[0].tail, rel=1e-6)
    assert (by_metric["visit"]["n"]["control"], by_metric["early"]["n"]["control"]) == (300, 800)
    assert {one["metric"]: one["n"] for one in recorded(bench)} == {"visit": 600, "early": 1_600}
    for one in found["comparisons"]:
        assert one["p_corrected"] == pytest.approx(min(1.0, 2 * one["p_value"]))


def test_without_planned_units_intervals_hold_at_all_times(
    running: Callable[..., Any], at_day: Callable[[float], int]
) -> None:
    bench = running('[plan]\nlooks = "daily"\n', shares=(0.2, 0.5))
    found = look(bench, at_day, 12)
    assert found["verdict"]["value"] == "ship"
    assert found["comparisons"][0]["look"].startswith("asymptotic confidence sequence")
    assert recorded(bench) == []
    late = look(bench, at_day, 25)
    # also at the horizon: its alpha was never set aside
    assert late["comparisons"][0]["look"].startswith("asymptotic confidence sequence")


def test_a_look_that_was_not_committed_was_not_used(
    running: Callable[..., Any], at_day: Callable[[float], int]
) -> None:
    bench = running()
    bench.view.superseded = 1
    found = look(bench, at_day, 10)
    assert len(recorded(bench)) == 1
    assert found["comparisons"][0]["relative"] is not None


def test_looks_of_other_experiments_and_phases_are_not_mine() -> None:
    one = {"experiment": "a", "phase": 1, "metric": "m", "day": 3, "n": 10, "kept": None, "fraction": 5 * 10**11}
    more = {"z": 2 * 10**12, "tail": 10**13, "spent": 10**13, "cumulative": 10**13}
    found = looks_of([{**one, **more}, {**one, **more, "phase": 2}, {**one, **more, "experiment": "b"}], "a", 1)
    assert [taken.look.fraction for taken in found["m"]] == [0.5]
    assert found["m"][0].boundary.z == 2.0
    with pytest.raises(LedgerBroken):
        looks_of([one], "a", 1)
    with pytest.raises(LedgerBroken):
        looks_of([{**one, **more, "n": None}], "a", 1)


@pytest.mark.parametrize(
    ("plan", "way"),
    [
        ("", "once"),
        ('looks = "daily"\n', "confidence_sequence"),
        ('looks = "daily"\nunits = 100\n', "obrien_fleming"),
        ('looks = "weekly"\nunits = 100\nsequential = "pocock"\n', "pocock"),
        ('looks = "daily"\nunits = 100\nsequential = "power:2.5"\n', "power:2.5"),
        ('looks = "daily"\nunits = 100\nsequential = "confidence_sequence"\n', "confidence_sequence"),
    ],
)
def test_the_way_of_looking_follows_from_the_plan(definition: str, plan: str, way: str) -> None:
    parsed = parse_experiment(definition.replace("[plan]\n", f"[plan]\n{plan}").encode(), file="t.toml")
    assert way_of(parsed.plan) == way


@pytest.mark.parametrize(
    ("plan", "match"),
    [
        ('sequential = "pocock"\n', "one look alone"),
        ('looks = "daily"\nsequential = "pocock"\n', "units|missing"),
        ('looks = "daily"\nsequential = "haybittle"\n', "no way to look"),
        ('looks = "daily"\nsequential = "power:0"\n', "no way to look"),
        ('looks = "daily"\nsequential = "power:51"\n', "no way to look"),
        ('looks = "daily"\nunits = 1\n', "at least 2"),
        ('looks = "daily"\nunits = 2.5\n', "whole number"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(definition: str, plan: str, match: str) -> None:
    with pytest.raises(BadInput, match=match):
        parse_experiment(definition.replace("[plan]\n", f"[plan]\n{plan}").encode(), file="t.toml")


def test_while_it_runs_the_sample_ratio_is_a_test_that_may_be_read_every_day(
    running: Callable[..., Any], at_day: Callable[[float], int]
) -> None:
    bench = running()
    early = look(bench, at_day, 12)["health"]["srm"]
    late = look(bench, at_day, 25)["health"]["srm"]
    assert (early["method"], early["verdict"], early["statistic"]) == ("sequential", "ok", None)
    assert (late["method"], late["verdict"], late["df"]) == ("chi_square", "ok", 1)
    # far from what was promised: it blocks before the horizon too
    bench.rows.enrol("b", 1_500)
    broken = look(bench, at_day, 12)
    assert (broken["health"]["srm"]["verdict"], broken["verdict"]["value"]) == ("mismatch", "invalid")


def test_a_sample_ratio_that_the_fixed_test_would_block_by_reading_daily_is_let_run(
    running: Callable[..., Any], at_day: Callable[[float], int]
) -> None:
    bench = running()
    bench.rows.enrolled.clear()
    # chi-square alone gives p = .0005: at one look of many that is no finding
    bench.rows.enrol("a", 5_000)
    bench.rows.enrol("b", 5_350)
    assert look(bench, at_day, 12)["health"]["srm"]["verdict"] == "ok"
    assert look(bench, at_day, 25)["health"]["srm"]["verdict"] == "mismatch"


@pytest.mark.parametrize(("left", "kept"), [(3, 1_000), (9, 1_000), (10, 990)])
def test_the_ledger_does_not_tell_how_few_left_between_two_looks(
    running: Callable[..., Any], at_day: Callable[[float], int], left: int, kept: int
) -> None:
    bench = running()
    look(bench, at_day, 12)
    for subject in range(1, left + 1):
        bench.rows.close(subject, "withdrawn", 0, None)
    look(bench, at_day, 14)
    assert recorded(bench)[-1]["kept"] == kept
