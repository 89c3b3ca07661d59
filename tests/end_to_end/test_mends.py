"""What a command cannot do, it says how to mend: the cases that once said nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

CommandLine = Any  # the conftest's class: test folders are no packages


@pytest.fixture
def shop(imp_here: CommandLine) -> CommandLine:
    """A workspace with one person and the channel for files."""
    imp_here("init", str(imp_here.workspace), "--controller", "Shop").ok()
    imp_here("plugin", "enable", "file").ok()
    imp_here("consent", "record", "member:ann", "--purpose", "analytics", "--state", "given").ok()
    return imp_here


def refused(shop: CommandLine, *words: object) -> str:
    """The mend of what a command refuses."""
    answer = shop(*words, "--json")
    assert answer.code in (1, 2, 3), answer.out
    return str(answer.json["error"].get("mend"))


def test_entries_are_proven_to_sizes_that_hold_them(shop: CommandLine) -> None:
    assert refused(shop, "audit", "prove", "2", "--size", "2") == "name a size from 3, or none to sign now"
    assert "numbered from 0" in refused(shop, "audit", "prove", "99999")
    assert "name OLD up to" in refused(shop, "audit", "prove", "--consistency", "99999")


@pytest.mark.parametrize("purpose", ["channel", "idem", "event"])
def test_a_key_that_stays_is_told_what_else_to_change(shop: CommandLine, purpose: str) -> None:
    assert "imp keys list" in refused(shop, "keys", "rotate", purpose)


@pytest.mark.parametrize("text", ["", "type,identifier,at,purpose,id,name\n"])
@pytest.mark.parametrize("command", [("ingest", "file"), ("consent", "import")])
def test_a_file_without_rows_is_told_what_it_lacks(
    shop: CommandLine, tmp_path: Path, command: tuple[str, ...], text: str
) -> None:
    if text and command[0] == "consent":
        text = "identifier,purpose,state,at\n"
    (tmp_path / "rows.csv").write_text(text)
    assert "below the header" in refused(shop, *command, tmp_path / "rows.csv")


def test_a_file_of_which_no_row_can_be_taken_is_told_what_to_look_at(shop: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("type,identifier,at,purpose,id,name\noutcome,x,y,z,e1,order\n")
    mend = refused(shop, "ingest", "file", tmp_path / "rows.csv", "--rejects", tmp_path / "rejects.csv")
    assert "--map" in mend


@pytest.mark.parametrize(
    ("line", "mend"),
    [("[keys]\nprovider = 1", '"folder"'), ("[runtime]\ngate = 1", "in quotes"), ("plugins = 1", "[plugins]")],
)
def test_a_setting_of_the_wrong_kind_is_told_how_to_write_it(shop: CommandLine, line: str, mend: str) -> None:
    path = shop.workspace / "imp.toml"
    text = path.read_text().partition("[plugins")[0]
    path.write_text(f"{line}\n{text}" if "[" not in line else f"{text}\n{line}\n")
    assert mend in refused(shop, "status")


def test_a_key_that_cannot_be_read_is_told_whose_it_must_be(shop: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.read_bytes

    def denied(path: Path) -> bytes:
        if path.name.startswith("kek-"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", denied)  # root may read everything
    assert "chmod 600" in refused(shop, "status")
