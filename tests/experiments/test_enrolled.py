"""Whom the readout counts of those who met the experiment: files of unknown people, phases, several variants."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imp_experiments.commands.read_out import read_out
from imp_experiments.commands.start import start_experiment
from imp_experiments.readout.format import parse_readout, to_plain
from imp_experiments.readout.render import render_table

LEFT_OUT = "the sample ratio leaves them out"


def test_people_without_a_record_in_one_file_count_in_the_sample_ratio(started: Any, fill: Any, told: Any) -> None:
    fill(100)
    started.rows.enrol("a", 30, "no_record")
    started.rows.enrol("", 1, "no_record_files")
    plain = told(started)
    assert plain["health"]["srm"]["observed"] == {"a": 130, "b": 100}
    assert plain["excluded"]["no_record"] == 30
    assert "no_record_files" not in plain["excluded"]
    assert not any(LEFT_OUT in note for note in plain["notes"])


def test_people_without_a_record_in_several_files_are_left_out_of_the_sample_ratio(
    started: Any, fill: Any, told: Any
) -> None:
    fill(100)
    started.rows.enrol("a", 200, "no_record")
    started.rows.enrol("b", 15, "refused")
    started.rows.enrol("", 1, "no_record_files")
    assert told(started)["health"]["srm"]["verdict"] == "mismatch"
    started.rows.enrol("", 2, "no_record_files")
    plain = told(started)
    assert plain["health"]["srm"]["observed"] == {"a": 100, "b": 115}
    assert plain["health"]["srm"]["verdict"] == "ok"
    assert (plain["excluded"]["no_record"], plain["excluded"]["refused"]) == (200, 15)
    assert "no_record_files" not in plain["excluded"]
    said = f"people without any record came in 3 files and may be counted more than once: {LEFT_OUT}"
    assert said in plain["notes"]


@pytest.mark.parametrize("phase", [2, 3])
def test_files_of_another_phase_say_nothing(started: Any, fill: Any, told: Any, phase: int) -> None:
    fill(100)
    started.rows.enrol("a", 30, "no_record")
    started.rows.enrol("", 5, "no_record_files", phase=phase)
    plain = told(started)
    assert plain["health"]["srm"]["observed"] == {"a": 130, "b": 100}
    assert not any(LEFT_OUT in note for note in plain["notes"])


def test_only_the_registered_phase_is_counted_and_no_phase_means_the_first(started: Any, fill: Any, told: Any) -> None:
    fill(100)  # these name no phase
    for subject in range(50_000, 50_020):
        started.rows.expose(subject, "b", 1, phase=1)
    for subject in range(60_000, 60_030):
        started.rows.expose(subject, "a", 0.5, phase=2)
        started.rows.outcome(subject, "visit", 2)
    first = next(row for row in started.rows.events if row.get("variant") == "b")
    started.rows.expose(first["subject"], "a", 0.5, phase=2)  # nobody is in two variants of one phase
    started.rows.enrol("b", 20)
    started.rows.enrol("a", 500, phase=2)
    started.rows.enrol("a", 70, "refused", phase=2)
    refused = {"type": "exposure", "experiment": "test", "variant": "a", "reason": "withdrawn"}
    started.rows.refused += [
        {**refused, "phase": None, "subjects": 11},
        {**refused, "phase": 1, "subjects": 13},
        {**refused, "phase": 2, "subjects": 300},
    ]
    started.rows.enrol("a", 24)
    plain = told(started)
    assert plain["comparisons"][0]["n"] == {"variant": 120, "control": 100}
    assert plain["health"]["srm"]["observed"] == {"a": 124, "b": 120}
    assert {reason: n for reason, n in plain["excluded"].items() if n} == {"withdrawn": 24}
    assert "exposures of other phases, which are left out: 31 units" in plain["notes"]


def test_a_handful_of_another_phase_is_not_counted_out(started: Any, fill: Any, told: Any) -> None:
    fill(100)
    started.rows.expose(60_000, "a", 1, phase=2)
    assert "exposures of other phases, which are left out: fewer than 10 units" in told(started)["notes"]


def test_exposures_of_other_phases_alone_are_no_units(started: Any, told: Any) -> None:
    for subject in range(20):
        started.rows.expose(subject, "a", 1, phase=2)
    plain = told(started)
    assert [condition["code"] for condition in plain["comparisons"][0]["conditions"]] == ["no_units"]
    assert "exposures of other phases, which are left out: 20 units" in plain["notes"]


THREE = """
[[variants]]
name = "c"
[[metrics]]"""


@pytest.fixture
def three(bench: Any, fill: Any, definition: str, at_day: Any) -> Any:
    """A started bench with variants a, b and c, of which a and b have units."""
    bench.write(definition.replace("[[metrics]]", THREE.strip()))
    bench.clock._now_us = at_day(0)
    start_experiment(bench.ctx, "test")
    bench.clock.move_to(at_day(59.5))
    fill(100)
    return bench


def both(bench: Any, first: int, n: int, *variants: str) -> None:
    for subject in range(first, first + n):
        for day, variant in enumerate(variants, start=1):
            bench.rows.expose(subject, variant, day)


def test_units_in_two_variants_are_counted_by_these(three: Any, told: Any) -> None:
    both(three, 50_000, 12, "b", "a")
    both(three, 60_000, 11, "a", "c", "b")  # in all of them: first and last by name
    both(three, 70_000, 10, "c", "b")
    plain = told(three)
    assert plain["health"]["two_variants"] == {"a+b": 12, "a+c": 11, "b+c": 10}
    assert plain["excluded"]["two_variants"] == 33


def test_a_pair_below_k_hides_the_others_which_with_the_total_would_tell_it(three: Any, told: Any) -> None:
    both(three, 50_000, 12, "b", "a")
    both(three, 70_000, 3, "c", "b")
    plain = told(three)
    assert plain["health"]["two_variants"] == {"a+b": None, "b+c": None}
    assert plain["excluded"]["two_variants"] == 15


def test_a_variant_nobody_registered_is_not_named(three: Any, told: Any) -> None:
    both(three, 50_000, 12, "a", "secret")
    assert told(three)["health"]["two_variants"] == {"a+?": 12}


def test_the_table_names_the_variants_a_unit_was_in(three: Any) -> None:
    both(three, 50_000, 12, "b", "a")
    assert "in two variants: a+b 12" in render_table(read_out(three.ctx, "test").readout)


def test_a_readout_without_the_optional_field_is_read(three: Any) -> None:
    plain = to_plain(read_out(three.ctx, "test").readout)
    del plain["health"]["two_variants"]
    assert parse_readout(json.dumps(plain).encode()).health.two_variants == {}
