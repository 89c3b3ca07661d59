"""The command-line fixtures are what they say: the other tests lean on them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def test_the_real_command_line_answers_in_a_folder_of_its_own(imp):
    answer = imp("--version")
    assert (answer.code, answer.out) == (0, "imp, version 0.1.0\n")
    assert imp.environ["IMP_HOME"] == str(imp.workspace)


def test_the_command_line_in_this_process_answers_the_same(imp, imp_here):
    assert imp_here("plugin", "list", "--json").ok().json == imp("plugin", "list", "--json").ok().json


@pytest.mark.parametrize(("required", "code", "outcome"), [("", 0, "1 skipped"), ("1", 1, "1 error")])
def test_absent_data_sets_are_a_skip_and_a_failure_where_they_are_required(
    project_folder, tmp_path, required, code, outcome
):
    environ = {**os.environ, "IMP_TEST_DATA": str(tmp_path / "none"), "IMP_REQUIRE_DATA": required}
    words = ["-q", "-p", "no:cacheprovider", "tests/plugins/test_file_mapping.py", "-k", "hillstrom"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        capture_output=True,
        text=True,
        check=False,
        env=environ,
        cwd=project_folder,
    )
    assert done.returncode == code
    assert outcome in done.stdout
    assert "set IMP_TEST_DATA" in done.stdout
