"""Backups, exports and receipts that were killed: nothing is where it was to be, and the next one clears up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imp_core.hold import beside

CommandLine = Any  # the conftest's class: test folders are no packages
VERIFIED = ("--verified", "reasonable", "--how", "answered a code")
COMMANDS = {
    "backup": ["backup", "out"],
    "export": ["audit", "export", "out"],
    "receipt": ["consent", "receipt", "member:ann", *VERIFIED, "--out", "out"],
}
# killed when everything is written and nothing is in its place yet
DIES = """
import os, sys
from pathlib import Path
from imp_core.cli import main
for name in ("rename", "replace"):
    real = getattr(Path, name)
    setattr(Path, name, lambda path, to, real=real: os._exit(9) if Path(to).name == "out" else real(path, to))
sys.argv[0] = "imp"
main()
"""


@pytest.fixture
def shop(imp_here: CommandLine) -> CommandLine:
    """A workspace with one person's consent."""
    imp_here("init", str(imp_here.workspace), "--controller", "Shop").ok()
    imp_here("consent", "record", "member:ann", "--purpose", "analytics", "--state", "given").ok()
    return imp_here


@pytest.mark.parametrize("what", COMMANDS)
def test_what_a_killed_command_left_goes_with_the_next_one(shop: CommandLine, tmp_path: Path, what: str) -> None:
    words = [*COMMANDS[what][:-1], str(tmp_path / "out")]
    script = [sys.executable, "-c", DIES, *words]
    done = subprocess.run(script, env=shop.environ, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 9, done.stderr
    (left,) = tmp_path.glob(".out.*")
    assert left.name.startswith(".out.imp-new-")
    assert left.stat().st_mode & 0o777 == 0o700, "what it holds is for nobody else"
    assert any(path.is_file() and path.stat().st_size for path in left.rglob("*"))
    assert not (tmp_path / "out").exists()
    shop(*words[:-1], str(tmp_path / "out-2026-03-02")).ok()
    assert (tmp_path / "out-2026-03-02").exists()
    assert not left.exists(), "names with dates do not come back"
    assert list(tmp_path.glob(".*")) == []


def test_what_somebody_is_writing_still_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".out.imp").write_text("a stranger's")
    with beside(tmp_path / "out") as first:
        first.write_text("first")
        with beside(tmp_path / "out") as second:
            assert first.read_text() == "first"
            assert (first.name, second.name) == ("out", "out")
            assert first.parent != second.parent
        assert first.exists()
        assert not second.parent.exists()
    assert [path.name for path in tmp_path.iterdir()] == [".out.imp"]


def test_a_killed_ones_folder_is_known_by_its_name_and_nothing_else_is_touched(tmp_path: Path) -> None:
    for name in (".out.imp-new-dead", ".王伟.imp-new-dead", ".out.imp-old", "x.imp-new-dead"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("x")
    with beside(tmp_path / "[ab]*"):
        assert sorted(path.name for path in tmp_path.glob("*out*")) == [".out.imp-old"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.imp-old", "x.imp-new-dead"]
