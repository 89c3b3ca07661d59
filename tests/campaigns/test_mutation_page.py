"""What docs/mutation.md says no test can tell apart is about code as it stands, and no file is left out."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROW = "| {}.py | `{}` | `{}` → `{}` | why |\n"


def check(project_folder: Path, page: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.mutate_policy", "--check-page", "--page", str(page)]
    return subprocess.run(command, cwd=project_folder, capture_output=True, text=True, check=False, timeout=300)


def test_every_change_that_is_explained_can_still_be_made(project_folder: Path) -> None:
    page = project_folder / "docs" / "mutation.md"
    done = check(project_folder, page)
    rows = sum(".py | `" in line for line in page.read_text(encoding="utf-8").splitlines())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{rows} changes explained, 0 of them of lines that are not there any more\n"


def test_a_line_that_is_gone_and_a_change_nobody_makes_are_named(project_folder: Path, tmp_path: Path) -> None:
    page, line = tmp_path / "page.md", "if self.ordered[index].to_us > after_us:"
    was, now = "self.ordered[index].to_us > after_us", "self.ordered[index].to_us >= after_us"
    page.write_text(
        ROW.format("late", line, was, now)
        + ROW.format("late", line, was, "True")
        + ROW.format("late", "if tomorrow:", was, now)
        + ROW.format("no_such", line, was, now),
        encoding="utf-8",
    )
    done = check(project_folder, page)
    assert done.returncode == 1
    assert done.stdout.startswith("4 changes explained, 3 of them of lines that are not there any more\n")
    assert "late.py: if tomorrow:" in done.stdout


def test_a_file_of_the_policy_in_which_a_change_can_be_made_and_that_has_no_tests_is_named(
    project_folder: Path, tmp_path: Path
) -> None:
    policy = Path("consent") / "imp_consent" / "policy"
    for folder in (Path("benchmarks"), policy):
        shutil.copytree(project_folder / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    page = project_folder / "docs" / "mutation.md"
    (tmp_path / policy / "plain.py").write_text("def plain(a: str) -> str:\n    return a.strip()\n", encoding="utf-8")
    (tmp_path / policy / "fresh.py").write_text("def fresh(a: int) -> bool:\n    return a > 1\n", encoding="utf-8")
    done = check(tmp_path, page)
    assert (done.returncode, "plain.py: " in done.stdout) == (1, False)
    assert "\nfresh.py: which tests are its own is not said in benchmarks/tests_of_policy.py\n" in done.stdout
