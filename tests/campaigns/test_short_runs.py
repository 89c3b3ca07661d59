"""Each campaign, short: what is done for hours before a release is done for seconds at every change.

docs/ledger.md says what the long ones do and found. Each is told to find something, too: a campaign that cannot fail
shows nothing.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.campaign import peeking

PROJECT = Path(__file__).resolve().parent.parent.parent
NOTHING_TRACED = 2


def campaign(name: str, folder: Path, *words: str, code: int = 0) -> dict[str, Any]:
    """What a campaign's command says, as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.campaign.{name}", *words, "--folder", str(folder), "--json"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == NOTHING_TRACED and "usage:" not in done.stderr:
        if "IMP_REQUIRE_STRACE" in os.environ:
            pytest.fail(done.stderr)
        pytest.skip(done.stderr.strip())
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_fifty_times_four_writers_are_killed_and_nothing_answered_is_lost(tmp_path: Path) -> None:
    said = campaign("kill", tmp_path, "--cycles", "50", "--longest", "0.1", "--sweep", "0")
    assert said["problems"] == []
    assert said["counts"]["kills"] == 200
    assert said["counts"]["acknowledged"] > 0  # how many is the machine's affair: the writers have a tenth of a second
    assert list(tmp_path.iterdir()) == []


def test_changes_of_keys_and_a_restore_are_killed_and_what_they_promise_holds(tmp_path: Path) -> None:
    deeds = ("rotate-pepper", "rotate-row", "rotate-sign", "wrap-pepper", "wrap-supp", "retire", "restore")
    said = campaign("kill", tmp_path, "--cycles", "0", "--sweep", "2", "--swept", *deeds)
    assert said["problems"] == []
    assert (said["counts"]["kills in sweeps"], said["counts"]["kills of a restore"]) == (14, 2)


def test_the_power_is_cut_in_a_restore_and_the_next_one_ends_it(tmp_path: Path) -> None:
    said = campaign("power", tmp_path, "--runs", "0", "--restores", "8")
    assert said["problems"] == []
    assert said["counts"]["cuts"] == 8


def test_the_power_is_cut_and_nothing_answered_is_lost(tmp_path: Path) -> None:
    said = campaign("power", tmp_path, "--cuts", "12", "--deeds", "24", "--runs", "1", "--restores", "0")
    assert said["problems"] == []
    assert said["counts"]["cuts"] == 12
    assert said["counts"]["acknowledgements held against a cut"] > 12


def test_a_disk_that_syncs_nothing_is_found_out(tmp_path: Path) -> None:
    words = ("--cuts", "12", "--deeds", "12", "--runs", "1", "--restores", "0", "--forget-syncs")
    assert campaign("power", tmp_path, *words, code=1)["problems"]


def test_calls_fail_and_nothing_answered_is_lost(tmp_path: Path) -> None:
    said = campaign("disk", tmp_path, "--faults", "10", "--deeds", "record", "ingest", "erase")
    assert said["problems"] == []
    assert said["counts"]["faults"] == 15
    assert said["counts"]["refused with an error of ours"] > 0


@pytest.mark.parametrize("deed", ["ingest", "ratchet"])
def test_a_commit_that_failed_at_its_fsync_comes_back_to_no_missing_file_or_key(deed: str, tmp_path: Path) -> None:
    said = campaign("disk", tmp_path, "--only", f"{deed}, fdatasync", "--deeds", deed, "--faults", "6")
    assert said["problems"] == []
    assert said["counts"]["faults"] == 6


def test_whatever_is_changed_at_rest_is_noticed_and_what_no_one_can_notice_is_shown(tmp_path: Path) -> None:
    said = campaign("tamper", tmp_path, "--mutations", "200", "--processes", "2")
    assert said["problems"] == []
    assert said["counts"]["mutations"] > 100
    assert said["counts"]["untouched shops verified"] >= 2


def test_processes_append_at_once_without_a_gap(tmp_path: Path) -> None:
    said = campaign("processes", tmp_path, "--processes", "4", "--seconds", "1")
    assert said["problems"] == []
    assert said["counts"]["appends"] > 50


def test_the_gate_answers_random_histories_as_the_slow_clerk_does(tmp_path: Path) -> None:
    said = campaign("histories", tmp_path, "--histories", "300", "--town", "150", "--processes", "1")
    assert said["problems"] == []
    assert said["counts"]["histories"] == 300
    answered = {name.removeprefix("answered: ") for name in said["counts"] if name.startswith("answered: ")}
    assert {"given", "basis", "purpose_not_covered", "objected", "restricted", "under_age"} <= answered


def test_looking_every_day_errs_no_more_often_than_promised(tmp_path: Path) -> None:
    said = campaign("peeking", tmp_path, "--runs", "200", "--metrics", "revenue")
    assert said["problems"] == []
    assert said["counts"]["runs"] == 4 * 200


def test_looks_that_are_not_corrected_are_found_out(tmp_path: Path) -> None:
    said = campaign("peeking", tmp_path, "--runs", "300", "--metrics", "binary", "--uncorrected", code=1)
    assert any("obrien_fleming shows a difference where there is none in 0.2" in one for one in said["problems"])


def test_by_itself_the_campaign_of_looks_makes_the_runs_that_its_promises_need() -> None:
    for share in (peeking.LARGEST_ERROR, *peeking.COVERAGE):
        assert math.sqrt(share * (1 - share) / peeking.RUNS) <= 0.0015
    assert f"--runs {peeking.RUNS}" in (peeking.__doc__ or "")
