"""`analyze` reads the analyst's own files, never a workspace's archive around its gate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_core.cli import invoke
from imp_core.errors import BadInput
from imp_experiments import analyze

DATA = "v,x\n" + "a,1\na,0\nb,1\nb,0\n" * 20


def read(path: Path) -> None:
    analyze(path, variant="v", control="a", proportions=["x"])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    for folder in ("archive/2026", "tmp", "files"):
        (root / folder).mkdir(parents=True)
        (root / folder / "data.csv").write_text(DATA)
    (root / "imp.toml").write_text("[workspace]\n")
    return root


def straight(root: Path) -> Path:
    return root / "archive/2026/data.csv"


def spilled(root: Path) -> Path:
    return root / "tmp/data.csv"


def by_a_detour(root: Path) -> Path:
    return root / "files/../archive/2026/data.csv"


def by_a_link_to_the_file(root: Path) -> Path:
    link = root.parent / "mine.csv"
    link.symlink_to(root / "archive/2026/data.csv")
    return link


def by_a_link_to_the_folder(root: Path) -> Path:
    link = root.parent / "mine"
    link.symlink_to(root / "archive", target_is_directory=True)
    return link / "2026/data.csv"


def in_an_archive_that_is_a_link(root: Path) -> Path:
    (root / "archive").rename(root.parent / "disk")
    (root / "archive").symlink_to(root.parent / "disk", target_is_directory=True)
    return root / "archive/2026/data.csv"


def that_is_not_there(root: Path) -> Path:
    return root / "archive/other.parquet"


@pytest.mark.parametrize(
    "way",
    [
        straight,
        spilled,
        by_a_detour,
        by_a_link_to_the_file,
        by_a_link_to_the_folder,
        in_an_archive_that_is_a_link,
        that_is_not_there,
    ],
)
def test_a_file_of_an_archive_is_refused_whatever_the_way_to_it(workspace: Path, way: Callable[[Path], Path]) -> None:
    path = way(workspace)
    with pytest.raises(BadInput) as caught:
        read(path)
    assert caught.value.what == "this file belongs to a workspace's archive"
    assert caught.value.mend == "read it out with imp experiment readout"
    assert str(workspace) not in str(caught.value)


def test_a_relative_path_from_inside_the_archive_is_refused(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace / "archive/2026")
    with pytest.raises(BadInput, match="archive"):
        read(Path("data.csv"))


def test_the_analysts_own_files_are_read_also_beside_a_workspace(workspace: Path) -> None:
    read(workspace / "files/data.csv")
    own = workspace.parent / "archive"
    own.mkdir()
    (own / "data.csv").write_text(DATA)
    read(own / "data.csv")  # a folder of that name, but no workspace


def test_a_name_no_file_can_have_is_no_breakage() -> None:
    with pytest.raises(BadInput, match="no such file"):
        read(Path("a\0b.csv"))


def test_the_command_refuses_with_exit_code_two(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (bench.root / "archive").mkdir()
    (bench.root / "archive" / "data.csv").write_text(DATA)
    words = ("experiment", "analyze", "archive/data.csv", "--variant", "v", "--control", "a", "--proportion", "x")
    assert invoke(list(words), bench.ctx) == 2
    said = capsys.readouterr().err
    assert "this file belongs to a workspace's archive" in said
    assert "read it out with imp experiment readout" in said
