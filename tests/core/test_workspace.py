"""A workspace is found like a git repository, its file is read strictly, and changing a table touches no other line."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_core.errors import BadInput, ImpError, WorkspaceMissing
from imp_core.settings import quote, replace_table
from imp_core.workspace import Workspace, find_workspace, write_atomically

LEAST = '[workspace]\nlog_id = "l1"\ncontroller = "Acme"\n'
RICH = """\
# Ours.
title = "a \\u2028 b\u2028c"  # a line separator inside
[workspace]
log_id = "l1"  # never change
controller = "玩具店「小熊」 \\"Bär\\" & Söhne"

[plugins.old]
# pinned in spring
version = "1"
manifest_sha256 = "x"

# What legal agreed to:
[privacy]
k = 20
[acme]
matrix = [
  [1, 2],
  [3],
]
"""
PIN = {"version": "1.0", "manifest_sha256": "ab"}


def made(folder: Path, text=LEAST) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "imp.toml").write_bytes(text.encode())
    return folder


def test_a_workspace_is_found_from_any_folder_below_it(tmp_path):
    made(tmp_path / "w")
    below = tmp_path / "w" / "a" / "b"
    below.mkdir(parents=True)
    assert find_workspace(below, {}).root == tmp_path / "w"


def test_imp_home_names_it_whatever_lies_around(tmp_path):
    made(tmp_path / "w")
    made(tmp_path / "other", LEAST.replace("l1", "l2"))
    assert find_workspace(tmp_path / "w", {"IMP_HOME": str(tmp_path / "other")}).log_id == "l2"
    assert find_workspace(tmp_path / "w", {"IMP_HOME": "../other"}).log_id == "l2"


@pytest.mark.parametrize("home", ["none", "file", "../elsewhere"])
def test_a_folder_without_a_workspace_that_imp_home_chose_is_named_with_who_chose_it(tmp_path, home):
    made(tmp_path / "w")
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceMissing, match="IMP_HOME names") as caught:
        find_workspace(tmp_path / "w", {"IMP_HOME": str(tmp_path / home)})
    assert "unset it" in caught.value.mend


@pytest.mark.parametrize("home", [None, "none", "file"])
def test_no_workspace_says_how_to_make_one(tmp_path, home):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceMissing, match="imp init") as caught:
        find_workspace(tmp_path, {} if home is None else {"IMP_HOME": str(tmp_path / home)})
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[workspace\n", "not a TOML file"),
        ("", r"\[workspace\] lacks log_id"),
        ('[workspace]\nlog_id = "l"\n', r"\[workspace\] lacks controller"),
        ('[workspace]\nlog_id = 1\ncontroller = "x"\n', r"\[workspace\] lacks log_id"),
        ('workspace = "x"\n', r"\[workspace\] is not a table"),
        (LEAST.replace("l1", "../../l1"), "log_id is not the id of a log"),
        (LEAST + 'timezone = "Mars/Olympus"\n', "timezone"),
        (LEAST + 'timezone = "../../etc/passwd"\n', "timezone"),
        (LEAST + '[privacy]\nk = "ten"\n', "k is not a whole number"),
        (LEAST + "[privacy]\nk = 0\n", "k is not a whole number"),
        (LEAST + "[privacy]\nk = true\n", "k is not a whole number"),
        (LEAST + "[plugins]\nfile = 3\n", r"\[plugins\] file is not a table"),
        (LEAST + "[runtime]\ngate = 3\n", r"\[runtime\] gate is not a text"),
        (LEAST + "[privacy]\nkk = 3\n", r"\[privacy\] knows no kk"),
    ],
)
def test_a_file_that_does_not_hold_what_it_must_is_refused_by_name(tmp_path, text, problem):
    made(tmp_path, text)
    with pytest.raises(BadInput, match=problem) as caught:
        Workspace.load(tmp_path)
    assert caught.value.where == str(tmp_path / "imp.toml")
    assert not isinstance(caught.value, WorkspaceMissing)


def test_bytes_that_are_no_text_and_a_folder_in_its_place_are_refused(tmp_path):
    (tmp_path / "imp.toml").write_bytes(LEAST.encode("utf-16"))
    with pytest.raises(BadInput, match="not a TOML file"):
        Workspace.load(tmp_path)
    (tmp_path / "imp.toml").unlink()
    (tmp_path / "imp.toml").mkdir()
    with pytest.raises(BadInput, match="cannot be read"):
        find_workspace(tmp_path, {})


def test_a_table_is_added_replaced_and_removed_while_every_other_line_stays(tmp_path):
    made(tmp_path, RICH)
    workspace = Workspace.load(tmp_path)

    added = workspace.with_table("plugins.file", PIN)
    assert added.plugin_pins == {"old": {"version": "1", "manifest_sha256": "x"}, "file": PIN}
    assert (tmp_path / "imp.toml").read_bytes().decode().startswith(RICH.rstrip("\n"))

    replaced = added.with_table("plugins.file", {"version": "2.0", "manifest_sha256": "cd"})
    assert replaced.plugin_pins["file"]["version"] == "2.0"

    removed = replaced.without_table("plugins.file")
    assert (tmp_path / "imp.toml").read_bytes() == RICH.encode()
    assert removed.controller == '玩具店「小熊」 "Bär" & Söhne'


def test_a_table_in_the_middle_goes_without_the_comment_of_the_next():
    text = replace_table(RICH, "plugins.old", None)
    assert "# What legal agreed to:\n[privacy]" in text
    assert "pinned in spring" not in text
    assert tomllib.loads(text)["acme"]["matrix"] == [[1, 2], [3]]


def test_windows_line_ends_stay():
    text = replace_table(RICH.replace("\n", "\r\n"), "plugins.old", None)
    assert text.count("\n") - text.count("\r\n") == 1  # the file's own end
    again = replace_table(text, "plugins.new", PIN)
    assert again.startswith(text.rstrip("\n"))


@pytest.mark.parametrize(
    "spelling",
    [
        '[plugins]\nfile = { version = "1" }\n',
        '[plugins."file"]\nversion = "1"\n',
        "[ plugins . file ]\nversion = '1'\n",
        '[plugins]\nfile.version = "1"\n',
        '[plugins.file.more]\nx = "1"\n',
        '[other]\ntext = """\n[plugins.file]\n"""\n',
    ],
)
def test_a_table_in_another_spelling_is_left_for_its_author(tmp_path, spelling):
    made(tmp_path, LEAST + spelling)
    before = (tmp_path / "imp.toml").read_bytes()
    with pytest.raises(BadInput, match="cannot be changed by machine") as caught:
        Workspace.load(tmp_path).with_table("plugins.file", PIN)
    assert caught.value.where == str(tmp_path / "imp.toml")
    assert (tmp_path / "imp.toml").read_bytes() == before


@given(st.text())
def test_any_text_survives_being_quoted(text):
    try:
        quoted = quote(text)
    except BadInput:
        assert any("\ud800" <= char <= "\udfff" for char in text)
        return
    assert tomllib.loads(f"x = {quoted}")["x"] == text


def test_the_file_keeps_its_mode_and_its_link(tmp_path):
    real = made(tmp_path / "real")
    (real / "imp.toml").chmod(0o600)
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "imp.toml").symlink_to(real / "imp.toml")
    Workspace.load(tmp_path / "link").with_table("plugins.file", PIN)
    assert (tmp_path / "link" / "imp.toml").is_symlink()
    assert stat.S_IMODE((real / "imp.toml").stat().st_mode) == 0o600
    assert Workspace.load(real).plugin_pins == {"file": PIN}


def test_a_leftover_of_a_crash_lends_nothing_to_the_next_write(tmp_path):
    leftover = tmp_path / ".secret.new"
    leftover.write_bytes(b"from a crash")
    leftover.chmod(0o666)
    write_atomically(tmp_path / "secret", b"new", mode=0o600)
    assert (tmp_path / "secret").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"secret", ".secret.new"}


def test_a_failed_write_leaves_the_old_file_and_says_which(tmp_path, monkeypatch):
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def full(_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ImpError, match="No space left") as caught:
        write_atomically(target, b"new")
    assert caught.value.where == str(target)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
