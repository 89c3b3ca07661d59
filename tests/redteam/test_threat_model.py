"""The threat model names the tests that show it, and no test of what cannot be contained goes unnamed."""

from __future__ import annotations

import ast
import re


def functions_in(folder):
    for path in folder.glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield f"{path.name}::{node.name}"


def test_every_test_it_names_is_there_and_what_is_not_containable_is_named(project_folder):
    text = (project_folder / "docs" / "threat-model.md").read_text()
    named = set(re.findall(r"`(test_\w+\.py::test_\w+)`", text))
    there = set(functions_in(project_folder / "tests" / "redteam"))
    assert named - there == set()
    assert {test for test in there if test.startswith("test_not_containable")} - named == set()
    assert len(named) > 40


def test_every_row_of_its_tables_names_a_test(project_folder):
    text = (project_folder / "docs" / "threat-model.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "| what becomes of it |" not in line]
    assert [row for row in rows if "::test_" not in row] == []
    bullets = re.split(r"\n- ", text.partition("## Not containable in-process")[2])[1:]
    assert [bullet for bullet in bullets if "::test_" not in bullet or "What helps:" not in bullet] == []


def test_it_says_honestly_what_the_wall_is_for(project_folder):
    text = " ".join((project_folder / "docs" / "threat-model.md").read_text().split())
    assert "In-process, the gate prevents mistakes and leaves a trail; it does not contain hostile code." in text
