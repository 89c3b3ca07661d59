"""A breakdown by the variant of another experiment, through the command."""

from __future__ import annotations

import importlib.resources
import itertools
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from imp_core.cli import invoke
from imp_core.errors import BadInput, CheckFailed
from imp_experiments.commands.read_out import read_out
from imp_experiments.commands.start import start_experiment
from imp_experiments.readout.format import format_readout, parse_readout, to_plain
from imp_experiments.readout.readout import Breakdown

SCHEMA = json.loads(importlib.resources.files("imp_experiments.readout").joinpath("readout.schema.json").read_text())
# Of 100 units each: variant of this experiment, of the other → share that visits. Beside y, b does 30 points more.
SHARES = {("a", "x"): 20, ("b", "x"): 30, ("a", "y"): 20, ("b", "y"): 60}


@pytest.fixture
def pair(bench: Any, definition: str, at_day: Callable[[float], int]) -> Callable[..., Any]:
    """Two started experiments, "test" (a, b) and "other" (x, y); day 59.5, after the horizon of both."""

    def run(
        shares: dict[tuple[str, str], int] = SHARES,
        *,
        met: float = 0.5,
        units: int = 100,
        other: str = "",
        day: float = 59.5,
        top: str = "",
    ) -> Any:
        bench.write(top + definition.replace('kind = "proportion"', 'kind = "proportion"\nscale = "absolute"'))
        text = definition.replace('"test"', '"other"').replace('"a"', '"x"').replace('name = "b"', 'name = "y"')
        bench.write(text + other, "other")
        bench.clock._now_us = at_day(0)
        for name in ("test", "other"):
            start_experiment(bench.ctx, name)
        subject = itertools.count(1)
        for (a, x), share in shares.items():
            for index in range(units):
                number = next(subject)
                bench.rows.expose(number, a, 1)
                bench.rows.expose(number, x, met, experiment="other")
                if index < share * units / 100:
                    bench.rows.outcome(number, "visit", 2)
            bench.rows.enrol(a, units)
        for a in "ab":
            for index in range(40):  # who never met the other one
                number = next(subject)
                bench.rows.expose(number, a, 1)
                if index < 10:
                    bench.rows.outcome(number, "visit", 2)
            bench.rows.enrol(a, 40)
        bench.clock.move_to(at_day(day))
        return bench

    return run


def broken(bench: Any) -> Breakdown:
    readout = read_out(bench.ctx, "test", by=["experiment:other"]).readout
    jsonschema.validate(to_plain(readout), SCHEMA, cls=jsonschema.Draft202012Validator)
    assert parse_readout(format_readout(readout)) == readout
    (found,) = readout.breakdowns
    return found


def test_the_interaction_is_the_difference_in_differences_of_the_four_cells(pair: Callable[..., Any]) -> None:
    found = broken(pair())
    assert {level.level: level.comparisons[0].n_variant for level in found.levels} == {"x": 100, "y": 100, "(none)": 40}
    (differ,) = found.differences
    (between,) = differ.between
    assert (between.level, between.base) == ("y", "x")
    assert between.interaction.estimate == pytest.approx((0.6 - 0.2) - (0.3 - 0.2))
    variance = sum(share / 100 * (1 - share / 100) / 99 for share in SHARES.values())
    assert between.interaction.se == pytest.approx(variance**0.5)
    assert differ.test is not None
    assert differ.test.df == 1  # who never met the other is no level of the test
    assert differ.test.p_value == pytest.approx(between.interaction.p_value)
    assert found.independence is not None
    assert found.independence.verdict == "ok"


def test_the_command_says_it_in_words_and_the_ledger_keeps_the_use(
    pair: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    bench = pair()
    assert invoke(["experiment", "readout", "test", "--by", "experiment:other"], bench.ctx) == 0
    text = capsys.readouterr().out
    assert "by experiment:other (exploratory)" in text
    assert "visit: beside y in place of x the effect of b differs by +30.00 pp [" in text
    assert "both experiments assign independently: p = 1.0" in text
    assert "the variant that was met before test" in text
    (entry,) = bench.ledger.entries("use-close")
    (kept,) = entry.fields["released"]
    assert kept["dimension"] == "experiment:other"
    assert sorted(units for cells in kept["levels"].values() for units in cells) == [[40, 40], [100, 100], [100, 100]]


def test_before_the_horizon_no_difference_is_tested(pair: Callable[..., Any]) -> None:
    found = broken(pair(day=12))
    assert len(found.levels) == 3
    assert (found.differences, found.independence) == ((), None)


def test_what_was_met_after_the_first_exposure_is_no_level(pair: Callable[..., Any]) -> None:
    assert [level.level for level in broken(pair(met=1.5)).levels] == ["(none)"]


def test_what_was_met_at_the_same_instant_is_one(pair: Callable[..., Any]) -> None:
    assert {level.level for level in broken(pair(met=1.0)).levels} == {"x", "y", "(none)"}


def test_who_met_two_variants_of_the_other_is_neither(pair: Callable[..., Any]) -> None:
    bench = pair()
    for number in (*range(1, 16), *range(101, 116)):
        bench.rows.expose(number, "y", 0.6, experiment="other")
    levels = {level.level: level.comparisons[0] for level in broken(bench).levels}
    assert (levels["(several)"].n_variant, levels["x"].n_variant, levels["y"].n_variant) == (15, 85, 100)


def test_variants_of_fewer_than_k_are_merged_and_then_there_is_no_interaction(pair: Callable[..., Any]) -> None:
    found = broken(pair(units=9))
    assert {"x", "y"}.isdisjoint(level.level for level in found.levels)
    assert all(one.between == () for one in found.differences)


def test_one_withdrawal_later_the_difference_would_tell_of_it(pair: Callable[..., Any]) -> None:
    bench = pair()
    broken(bench)
    bench.rows.close(1, "withdrawn", 0, None)
    with pytest.raises(CheckFailed, match="too little has changed"):
        broken(bench)
    # and so would another dimension, beside which that one is held
    with pytest.raises(CheckFailed, match="experiment:other"):
        read_out(bench.ctx, "test", by=["channel"])


def test_as_many_who_leave_a_level_as_a_late_import_brings_are_not_hidden_by_it(pair: Callable[..., Any]) -> None:
    bench = pair()
    broken(bench)
    exposed = [row["subject"] for row in bench.rows.events if row["type"] == "exposure"]
    alone, beside_x = exposed[-40:], exposed[200:206:2]  # in b: without the other; three of those beside x
    for subject in alone[:3]:
        bench.rows.expose(subject, "x", 0.5, experiment="other", seq=60)
    for subject in (*beside_x, *alone[3:13]):
        bench.rows.close(subject, "withdrawn", 0, None)
    bench.view.size = 70
    # x has 100 before and after: the difference of its figures tells of the three who left and the three who came
    with pytest.raises(CheckFailed, match="too little has changed"):
        broken(bench)


def test_what_the_other_showed_once_more_moves_nobody(pair: Callable[..., Any]) -> None:
    bench = pair()
    broken(bench)
    for subject in range(1, 101):
        bench.rows.expose(subject, "x", 0.6, experiment="other", seq=60)
    for subject in range(101, 121):
        bench.rows.close(subject, "withdrawn", 0, None)
    bench.view.size = 70
    assert {level.level for level in broken(bench).levels} == {"x", "y", "(none)"}


def test_of_clusters_independence_is_not_tested_by_their_units(
    pair: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    bench = pair(top='cluster = "household"\n')
    for row in bench.rows.events:
        if row["type"] == "exposure":
            row["cluster"] = f"h{row['subject'] // 4}"
    found = broken(bench)
    assert found.independence is not None
    assert (found.independence.verdict, found.independence.p_value) == ("not tested", None)
    assert invoke(["experiment", "readout", "test", "--by", "experiment:other"], bench.ctx) == 0
    assert "independently is not tested: units of a cluster" in capsys.readouterr().out


def test_a_shared_salt_is_told(pair: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    bench = pair()
    for number in range(1, 161):
        bench.rows.expose(1_000 + number, "a", 1)
        bench.rows.expose(1_000 + number, "x", 0.5, experiment="other")
    assert invoke(["experiment", "readout", "test", "--by", "experiment:other"], bench.ctx) == 0
    assert "WARNING: the experiments do not assign independently" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("by", "what"),
    [
        ("experiment:", "is no dimension"),
        ("experiment:test", "by itself"),
        ("experiment:nobody", "nobody"),
        ("experiment:idle", "not started"),
        ("experiment:ads", "of purpose advertising"),
        ("variant", "is no dimension"),
    ],
)
def test_another_experiment_must_be_started_and_of_the_same_purpose(
    pair: Callable[..., Any], definition: str, by: str, what: str
) -> None:
    bench = pair()
    bench.write(definition.replace('"test"', '"idle"'), "idle")
    bench.write(definition.replace('"test"', '"ads"'), "ads")
    bench.gate.knows = lambda _: True
    path = bench.write(definition.replace('"test"', '"ads"').replace('"experimentation"', '"advertising"'), "ads")
    assert path.exists()
    start_experiment(bench.ctx, "ads")
    opened = len(bench.view.asked)
    with pytest.raises(BadInput, match=what):
        read_out(bench.ctx, "test", by=[by])
    assert len(bench.view.asked) == opened  # nobody's data was touched
