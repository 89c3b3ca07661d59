"""Readouts of an archive by the columns of exposures, and the guard between those that were published."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from imp_core.errors import BadInput, CheckFailed, LedgerBroken
from imp_experiments.commands.read_out import read_out
from imp_experiments.commands.start import start_experiment
from imp_experiments.readout import by_registered
from imp_experiments.readout.format import format_readout, parse_readout, to_plain
from imp_experiments.readout.readout import Breakdown, Readout
from imp_experiments.readout.render import render_table

SIZES = {"web": 60, "mail": 40, "sms": 6, "fax": 5}  # units of each variant


class Crowd:
    """People of both variants on channels; `who` lists the subjects by variant and channel."""

    def __init__(self, bench: Any, at_day: Callable[[float], int]) -> None:
        self.bench, self.at_day = bench, at_day
        self.last = 0
        self.who: dict[tuple[str, str], list[int]] = {}

    def add(self, variant: str, channel: str, n: int, *, day: float = 1, **more: Any) -> None:
        for index in range(n):
            self.last += 1
            self.who.setdefault((variant, channel), []).append(self.last)
            self.bench.rows.expose(self.last, variant, day, channel=channel, **more)
            if index % 3 == 0:
                self.bench.rows.outcome(self.last, "visit", day + 1)
        self.bench.rows.enrol(variant, n)

    def leave(self, n: int, *, variant: str = "b", channel: str = "mail") -> None:
        for subject in [self.who[variant, channel].pop(0) for _ in range(n)]:
            self.bench.rows.close(subject, "withdrawn", 0, None)

    def look(self, *by: str, day: float | None = None) -> Readout:
        if day is not None:
            self.bench.clock._now_us = self.at_day(day)
        readout = read_out(self.bench.ctx, "test", by=by).readout
        text = importlib.resources.files("imp_experiments.readout").joinpath("readout.schema.json").read_text("utf-8")
        jsonschema.validate(to_plain(readout), json.loads(text), cls=jsonschema.Draft202012Validator)
        assert parse_readout(format_readout(readout)) == readout
        return readout


@pytest.fixture
def crowd(started: Any, at_day: Callable[[float], int]) -> Crowd:
    made = Crowd(started, at_day)
    for variant in "ab":
        for channel, n in SIZES.items():
            made.add(variant, channel, n)
    return made


def units(breakdown: Breakdown) -> dict[str, tuple[int | None, int | None]]:
    return {level.level: (level.comparisons[0].n_control, level.comparisons[0].n_variant) for level in breakdown.levels}


def kept(bench: Any) -> list[dict[str, Any]]:
    return [one for entry in bench.ledger.entries("use-close") for one in entry.fields.get("released", [])]


def test_levels_are_compared_and_small_ones_merged(crowd: Crowd) -> None:
    whole, readout = crowd.look(), crowd.look("channel")
    (found,) = readout.breakdowns
    assert units(found) == {"mail": (40, 40), "web": (60, 60), "(other)": (11, 11)}
    assert (found.merged, found.hypotheses) == (2, 3)
    assert [one.scale for one in found.differences] == ["relative"]
    assert (readout.verdict, readout.comparisons) == (whole.verdict, whole.comparisons)
    assert whole.breakdowns == ()
    said = render_table(readout)
    assert said.index("relative") < said.index("by channel (exploratory)") < said.index("sample ratio")


def test_units_without_a_level_are_one_of_their_own(crowd: Crowd) -> None:
    assert units(crowd.look("campaign").breakdowns[0]) == {"(none)": (111, 111)}


def test_the_level_is_that_of_the_first_exposure(crowd: Crowd) -> None:
    for subject in crowd.who["a", "mail"]:
        crowd.bench.rows.expose(subject, "a", 3, channel="web")
    assert units(crowd.look("channel").breakdowns[0])["mail"] == (40, 40)


def test_strata_can_be_a_dimension_and_still_stratify_the_whole(crowd: Crowd) -> None:
    for variant in "ab":
        crowd.add(variant, "web", 50, stratum="new")
    readout = crowd.look("stratum")
    assert units(readout.breakdowns[0]) == {"(none)": (111, 111), "new": (50, 50)}
    assert "post-stratified" in readout.comparisons[0].method


def test_the_ledger_keeps_counts_of_k_or_more_and_no_words(crowd: Crowd) -> None:
    crowd.look("channel")
    (one,) = kept(crowd.bench)
    assert (one["experiment"], one["phase"], one["dimension"], one["size"]) == ("test", 1, "channel", 50)
    assert sorted(cells[0][0] for cells in one["levels"].values()) == [11, 40, 60]
    assert "mail" not in json.dumps(one)
    crowd.look()
    assert len(kept(crowd.bench)) == 1


def test_before_the_horizon_levels_have_confidence_sequences_and_differences_are_not_tested(
    bench: Any, at_day: Callable[[float], int]
) -> None:
    bench.clock._now_us = at_day(0)
    start_experiment(bench.ctx, "test")
    crowd = Crowd(bench, at_day)
    for variant in "ab":
        crowd.add(variant, "web", 150)
        crowd.add(variant, "mail", 150)
    (found,) = crowd.look("channel", day=12).breakdowns
    assert found.differences == ()
    for level in found.levels:
        for one in level.comparisons:
            assert "confidence sequence" in (one.look or "")
            assert one.tail is not None
            assert one.tail < 0.025


def test_the_same_again_is_shown_again(crowd: Crowd) -> None:
    assert crowd.look("channel").breakdowns == crowd.look("channel").breakdowns


@pytest.mark.parametrize("n", [1, 9])
def test_a_level_shown_again_with_a_few_fewer_is_refused(crowd: Crowd, n: int) -> None:
    crowd.look("channel")
    crowd.leave(n)
    with pytest.raises(CheckFailed, match=r"too little has changed since ledger entry \d+") as caught:
        crowd.look("channel")
    assert caught.value.where == "test, --by channel"
    assert "read the report" in (caught.value.mend or "")
    crowd.look()  # the whole is not refused
    assert [use.ended for use in crowd.bench.view.uses] == ["closed", "abandoned", "closed"]


def test_a_level_shown_again_with_k_fewer_is_shown(crowd: Crowd) -> None:
    crowd.look("channel")
    crowd.leave(10)
    assert units(crowd.look("channel").breakdowns[0])["mail"] == (40, 30)


def test_one_who_left_and_one_who_came_do_not_cover_each_other(crowd: Crowd) -> None:
    crowd.look("channel")
    crowd.leave(1)
    crowd.add("b", "mail", 1, seq=60)  # taken in late, known after the first readout
    crowd.bench.view.size = 70
    with pytest.raises(CheckFailed, match="too little has changed"):
        crowd.look("channel")


def isolated(one: Readout, two: Readout) -> list[int]:
    """How many people the difference of two readouts' levels tells of, where it is not nobody."""
    first, second = units(one.breakdowns[0]), units(two.breakdowns[0])
    pairs = [(a or 0, b or 0) for name in first for a, b in zip(first[name], second[name], strict=True)]
    return [abs(a - b) for a, b in pairs if a != b]


def test_without_the_guard_a_difference_tells_of_three_and_with_it_is_refused(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = crowd.look("channel")
    crowd.leave(3)
    with monkeypatch.context() as patch:
        patch.setattr(by_registered, "check_released", lambda *_, **__: None)
        assert isolated(first, crowd.look("channel")) == [3]
        assert kept(crowd.bench)[-1]["dimension"] == "channel"
        crowd.bench.ledger.written.pop()
    with pytest.raises(CheckFailed, match="too little has changed"):
        crowd.look("channel")


def test_two_dimensions_that_differ_in_a_few_people_are_refused(
    started: Any, at_day: Callable[[float], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd(started, at_day)
    for variant in "ab":
        crowd.add(variant, "web", 50, campaign="spring")
        crowd.add(variant, "mail", 50, campaign="autumn")
        crowd.add(variant, "web", 2, campaign="autumn")
    first = crowd.look("channel")
    with monkeypatch.context() as patch:
        patch.setattr(by_registered, "check_released", lambda *_, **__: None)
        second = crowd.look("campaign")
        # mail is autumn but for two
        assert (units(first.breakdowns[0])["mail"], units(second.breakdowns[0])["autumn"]) == ((50, 50), (52, 52))
        crowd.bench.ledger.written.pop()
    with pytest.raises(CheckFailed, match=r"with the levels of channel that ledger entry \d+ released"):
        crowd.look("campaign")
    crowd.bench.ledger.written.pop()
    with pytest.raises(CheckFailed, match="these dimensions together"):
        crowd.look("channel", "campaign")


def test_dimensions_that_cross_widely_may_both_be_shown(started: Any, at_day: Callable[[float], int]) -> None:
    crowd = Crowd(started, at_day)
    for variant in "ab":
        for channel in ("web", "mail"):
            for campaign in ("spring", "autumn"):
                crowd.add(variant, channel, 25, campaign=campaign)
    crowd.look("channel")
    assert units(crowd.look("campaign").breakdowns[0]) == {"autumn": (50, 50), "spring": (50, 50)}
    assert len(crowd.look("channel", "campaign").breakdowns) == 2


def test_days_that_add_many_people_may_be_looked_at_each(bench: Any, at_day: Callable[[float], int]) -> None:
    bench.clock._now_us = at_day(0)
    start_experiment(bench.ctx, "test")
    crowd = Crowd(bench, at_day)
    for day in range(4):
        for variant in "ab":
            for channel in ("web", "mail"):
                crowd.add(variant, channel, 60, day=day + 0.5)
    shown = []
    for day in range(4):
        shown.append(units(crowd.look("channel", day=8.5 + day).breakdowns[0])["mail"])
        crowd.leave(1)  # one a day among sixty who come
    assert shown == [(60, 60), (120, 119), (180, 178), (240, 237)]
    crowd.leave(1)
    with pytest.raises(CheckFailed):
        crowd.look("channel", day=11.8)


def test_where_all_together_are_too_few_no_level_is_shown(started: Any, at_day: Callable[[float], int]) -> None:
    crowd = Crowd(started, at_day)
    for variant, n in zip("ab", (40, 7), strict=True):
        crowd.add(variant, "web", n)
    (found,) = crowd.look("channel").breakdowns
    assert (found.levels, found.merged) == ((), 1)
    assert kept(started) == []


def test_an_empty_archive_has_no_levels(started: Any, at_day: Callable[[float], int]) -> None:
    (found,) = Crowd(started, at_day).look("channel").breakdowns
    assert (found.levels, found.merged, found.hypotheses) == ((), 0, 0)


@pytest.mark.parametrize("by", [["subject"], ["session"], ["channel", "channel"]])
def test_other_columns_are_no_dimensions(crowd: Crowd, by: list[str]) -> None:
    with pytest.raises(BadInput, match=r"dimension|twice"):
        crowd.look(*by)
    assert crowd.bench.view.uses == []


def test_a_column_of_very_many_values_is_refused(crowd: Crowd) -> None:
    for number in range(1_100):
        crowd.add("a", "web", 1, place=f"p{number}")
    with pytest.raises(BadInput, match="over 1,000 different values"):
        crowd.look("place")


def test_an_entry_that_is_not_as_it_is_written_is_named(crowd: Crowd) -> None:
    crowd.bench.ledger.append("use-close", {"released": [{"experiment": "test", "phase": 1, "dimension": "channel"}]})
    with pytest.raises(LedgerBroken, match="what a readout released"):
        crowd.look("channel")
    crowd.bench.ledger.written.pop()
    fields = {"experiment": "test", "phase": 1, "dimension": "channel", "size": 40, "through": [20_455]}
    crowd.bench.ledger.append("use-close", {"released": [{**fields, "levels": {"00000000": [[10, 10, 10]]}}]})
    with pytest.raises(LedgerBroken, match="other variants"):
        crowd.look("channel")


def test_quantiles_are_not_broken_down_yet_and_the_readout_says_so(
    bench: Any, definition: str, at_day: Callable[[float], int]
) -> None:
    more = '[[metrics]]\nname = "high"\nrole = "secondary"\nkind = "quantile"\nq = 0.9\nvalue = "amount"\n'
    bench.write(definition + more + 'event = "order"\nwindow = "7d"\n')
    bench.clock._now_us = at_day(0)
    start_experiment(bench.ctx, "test")
    crowd = Crowd(bench, at_day)
    for variant in "ab":
        crowd.add(variant, "web", 50)
    readout = crowd.look("channel", day=59.5)
    assert [one.metric for one in readout.breakdowns[0].levels[0].comparisons] == ["visit"]
    assert any("not broken down: high" in note for note in readout.notes)


def test_people_whom_a_late_import_moves_to_another_level_hide_nobody(crowd: Crowd) -> None:
    first = units(crowd.look("channel").breakdowns[0])
    for subject in crowd.who["b", "mail"][:12]:
        crowd.bench.rows.expose(subject, "b", 0.5, channel="web", seq=60)  # earlier than what was known of them
    crowd.add("b", "web", 1, seq=60)
    crowd.bench.view.size = 70
    assert first["mail"] == (40, 40)
    # the sums over all levels differ by the one who is new; 12 went and 13 came only as it seems
    with pytest.raises(CheckFailed, match="too little has changed"):
        crowd.look("channel")
