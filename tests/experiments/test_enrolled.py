"""Whom the readout counts of those who met the experiment: files of unknown people, phases, several variants."""

from __future__ import annotations

from typing import Any

import pytest

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
