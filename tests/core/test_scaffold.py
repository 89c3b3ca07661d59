"""`imp plugin new`: what it writes, and what it refuses."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from imp_core.errors import BadInput
from imp_core.manifest import parse_manifest
from imp_core.scaffold import scaffold
from imp_core.scaffold.sources import checkout, sources_table, version_bounds

NAMES = ("sms-acme", "x", "a1-b2-c3", "a-name-as-long-as-it-may-ever-be")


def new(imp_here, *words):
    return imp_here("plugin", "new", *words)


def test_it_writes_a_whole_distribution_and_says_what_comes_next(imp_here):
    answer = new(imp_here, "sms-acme", "--identifier", "phone").ok()
    folder = imp_here.workspace / "imp-channel-sms-acme"
    assert f"cd {folder} && uv sync && uv run pytest" in answer.out
    assert "imp plugin enable sms-acme" in answer.out
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {
        ".gitignore",
        "README.md",
        "imp_channel_sms_acme/__init__.py",
        "imp_channel_sms_acme/channel.py",
        "imp_channel_sms_acme/imp-plugin.toml",
        "imp_channel_sms_acme/plugin.py",
        "imp_channel_sms_acme/py.typed",
        "pyproject.toml",
        "tests/test_conformance.py",
    }
    assert [path.name for path in imp_here.workspace.iterdir()] == ["imp-channel-sms-acme"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["phone", "email", "member"])
def test_what_it_writes_can_be_read(context, name, kind, tmp_path):
    made = scaffold(context, name, kind=kind, parent=tmp_path)
    for file in made.files:
        text = Path(made.folder, file).read_text(encoding="utf-8")
        assert "${" not in text
        if file.endswith(".py"):
            ast.parse(text)
    (path,) = Path(made.folder).glob("*/imp-plugin.toml")
    manifest = parse_manifest(path.read_bytes(), where="it")
    assert (manifest.name, list(manifest.identifiers), manifest.addresses) == (name, [kind], "resolve")
    project = tomllib.loads(Path(made.folder, "pyproject.toml").read_text(encoding="utf-8"))
    assert list(project["project"]["entry-points"]["imp.plugins"]) == [name]


@pytest.mark.parametrize("kind", ["phone", "email"])
def test_what_it_writes_keeps_the_rules_of_ruff_and_mypy(context, kind, tmp_path):
    folder = scaffold(context, "sms-acme", kind=kind, parent=tmp_path).folder
    ruff, mypy = (Path(sys.executable).with_name(name) for name in ("ruff", "mypy"))
    for words in (
        [ruff, "check"],
        [ruff, "format", "--check"],
        [mypy, "--cache-dir", tmp_path, "imp_channel_sms_acme"],
    ):
        done = subprocess.run([*words, *([] if mypy in words else ["."])], cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Sms",
        "sms_acme",
        "-sms",
        "sms-",
        "sms--acme",
        "1sms",
        "a" * 33,
        "../sms",
        "sms acme",
        "ann@example.com",
        "短信",
    ],
)
def test_a_bad_name_is_refused_and_not_repeated(context, name, tmp_path):
    with pytest.raises(BadInput, match="not a plugin's name") as raised:
        scaffold(context, name, kind="phone", parent=tmp_path)
    assert not name or f"{name};" not in str(raised.value)
    assert list(tmp_path.glob("imp-channel*")) == []


@pytest.mark.parametrize("name", ["file", "email", "consent", "experiments", "demo", "testkit", "core", "plugin"])
def test_the_name_of_a_part_of_the_framework_is_refused(imp_here, name):
    answer = new(imp_here, name, "--identifier", "phone")
    assert answer.code == 2
    assert "already" in answer.err


def test_the_name_of_an_installed_plugin_is_refused(imp_here, site):
    site.install("acme")
    assert new(imp_here, "acme", "--identifier", "phone").code == 2
    new(imp_here, "acme-two", "--identifier", "phone").ok()


@pytest.mark.parametrize("kind", ["", "Phone", "weird", "phone number", "phone:1", "p" * 17, "+8613800138000"])
def test_a_bad_kind_is_refused(context, kind, tmp_path):
    with pytest.raises(
        BadInput, match="not a kind of identifier; --identifier; choose one: email, phone, member, device, idfa, imei"
    ):
        scaffold(context, "sms-acme", kind=kind, parent=tmp_path)


def test_a_folder_with_something_in_it_is_left_alone(imp_here):
    folder = imp_here.workspace / "imp-channel-sms-acme"
    folder.mkdir()
    new(imp_here, "sms-acme", "--identifier", "phone").ok()
    (folder / "README.md").write_text("mine")
    answer = new(imp_here, "sms-acme", "--identifier", "phone", "--json")
    assert answer.code == 2
    assert "not empty" in answer.json["error"]["what"]
    assert (folder / "README.md").read_text() == "mine"


def test_a_file_in_its_place_is_left_alone(imp_here):
    (imp_here.workspace / "imp-channel-sms-acme").write_text("mine")
    assert new(imp_here, "sms-acme", "--identifier", "phone").code == 2


def test_what_cannot_be_written_leaves_nothing(imp_here, tmp_path):
    (tmp_path / "file").write_text("")
    answer = new(imp_here, "sms-acme", "--identifier", "phone", "--dir", str(tmp_path / "file"))
    assert answer.code == 2
    assert "cannot be written" in answer.err


def test_in_a_checkout_the_sources_are_its_folders(project_folder, context, tmp_path):
    assert checkout() == project_folder
    folder = scaffold(context, "sms-acme", kind="phone", parent=tmp_path).folder
    sources = tomllib.loads(Path(folder, "pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"]["sources"]
    assert {name: Path(source["path"]) for name, source in sources.items()} == {
        "imp-core": project_folder,
        "imp-consent": project_folder / "consent",
        "imp-testkit": project_folder / "plugins" / "testkit",
    }


def test_outside_a_checkout_there_are_none(tmp_path):
    package = tmp_path / "imp_core" / "__init__.py"
    assert checkout(str(package)) is None
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "somebody-else"\n')
    assert checkout(str(package)) is None
    (tmp_path / "pyproject.toml").write_text("[project")
    assert checkout(str(package)) is None
    assert sources_table(None) == ""


def test_versions_are_bounded_by_the_next_that_may_break():
    assert version_bounds("0.1.0") == ">=0.1.0,<0.2"
    assert version_bounds("1.9.3") == ">=1.9.3,<1.10"


def test_neither_network_nor_programs_are_needed(imp_here, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError

    monkeypatch.setattr("socket.socket", refuse)
    monkeypatch.setattr("subprocess.Popen", refuse)
    new(imp_here, "sms-acme", "--identifier", "phone").ok()
