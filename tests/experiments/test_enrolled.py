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
