"""Every requirement has a test that bears its number, or names the later part it belongs to; the page is up to date."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

ROW = """
[[row]]
number = 1
area = "Consent"
title = "No record, no use"
given = "Given no record, then denied."
source = "GDPR 6(1)"
tier = "L"
rules = ["rule.py"]
"""


@pytest.fixture
def compliance(project_folder, monkeypatch):
    """The module docs/generate_compliance.py."""
    monkeypatch.syspath_prepend(project_folder / "docs")
    yield importlib.import_module("generate_compliance")
    del sys.modules["generate_compliance"]


@pytest.fixture
def rows(compliance):
    """The requirements."""
    return compliance.read_rows()


@pytest.fixture
def project(project_folder, tmp_path):
    """A project of one requirement, with the real generator."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "tests").mkdir()
    program = tmp_path / "docs" / "generate_compliance.py"
    program.write_text((project_folder / "docs" / "generate_compliance.py").read_text(encoding="utf-8"))
    (tmp_path / "docs" / "compliance.toml").write_text(ROW)
    return tmp_path


def generate(folder, *words):
    program = folder / "docs" / "generate_compliance.py"
    return subprocess.run([sys.executable, program, *words], capture_output=True, text=True, check=False)


def test_the_table_has_each_requirement_once_and_in_order(rows):
    assert [row.number for row in rows] == list(range(1, 62))


def test_every_row_has_a_test_or_says_to_which_later_part_it_belongs(compliance, rows):
    assert compliance.missing(rows, compliance.find_proofs()) == []


def test_no_test_proves_a_row_that_is_none(compliance, rows):
    assert set(compliance.find_proofs()) <= {row.number for row in rows}


def test_every_row_names_the_files_that_hold_its_rule_or_its_later_part(rows, project_folder):
    proved = [row for row in rows if row.later is None]
    assert [row.number for row in proved if not row.rules] == []
    assert {path for row in proved for path in row.rules if not (project_folder / path).is_file()} == set()


def test_the_page_is_what_the_table_and_the_tests_say(project_folder):
    done = generate(project_folder, "--check")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_row_without_a_test_is_refused_and_listed(project):
    assert generate(project).returncode == 0
    done = generate(project, "--check")
    assert (done.returncode, done.stderr) == (1, "row 1 has neither a test nor a later part\n")
    assert generate(project, "--missing").stdout == "1: No record, no use\n"


def test_a_row_with_a_test_is_taken_and_the_page_names_it(project):
    (project / "tests" / "test_gate.py").write_text("def test_r01_nothing_recorded_is_denied():\n    assert True\n")
    assert generate(project, "--check").returncode == 1, "the page is not written yet"
    assert generate(project).returncode == 0
    assert generate(project, "--check").returncode == 0
    page = (project / "docs" / "compliance.md").read_text(encoding="utf-8")
    assert "`test_r01_nothing_recorded_is_denied` in [test_gate.py](../tests/test_gate.py)" in page


def test_a_row_that_waits_for_a_later_part_is_taken(project):
    table = project / "docs" / "compliance.toml"
    table.write_text(table.read_text() + 'later = "comes with the web"\n')
    assert generate(project).returncode == 0
    assert generate(project, "--check").returncode == 0
    assert "- later: comes with the web" in (project / "docs" / "compliance.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("mark", ['skip(reason="later")', 'xfail(reason="broken")', 'skipif(True, reason="never")'])
def test_a_test_that_is_set_aside_proves_nothing(project, mark):
    test = f"import pytest\n\n\n@pytest.mark.{mark}\ndef test_r01_nothing_recorded_is_denied():\n    assert True\n"
    (project / "tests" / "test_gate.py").write_text(test)
    assert generate(project, "--missing").stdout == "1: No record, no use\n"


@pytest.mark.parametrize("mark", ["pytest.mark.skip", '[pytest.mark.slow, pytest.mark.xfail(reason="broken")]'])
def test_a_module_or_a_class_that_is_set_aside_proves_nothing(project, mark):
    test = "def test_r01_nothing_recorded_is_denied({}):\n{}    assert True\n"
    file = project / "tests" / "test_gate.py"
    for text in (
        f"import pytest\n\npytestmark = {mark}\n\n\n{test.format('', '')}",
        f"import pytest\n\n\nclass TestGate:\n    pytestmark = {mark}\n\n    {test.format('self', '    ')}",
        f"import pytest\n\n\n@pytest.mark.skip\nclass TestGate:\n    {test.format('self', '    ')}",
        f"import pytest\n\npytest.skip('later', allow_module_level=True)\n\n\n{test.format('', '')}",
    ):
        file.write_text(text)
        assert generate(project, "--missing").stdout == "1: No record, no use\n", text
    file.write_text(f"class TestGate:\n    {test.format('self', '    ')}")
    assert generate(project, "--missing").stdout == ""


def test_a_row_that_lacks_a_field_is_refused(project):
    table = project / "docs" / "compliance.toml"
    table.write_text(table.read_text().replace('source = "GDPR 6(1)"\n', ""))
    assert generate(project).returncode == 1
