"""What the repository holds: small files, documented hooks, and nothing about the machines it was written on."""

from __future__ import annotations

import inspect
import re
import subprocess
import tomllib

import pytest

from imp_core import hookspecs

MEMBERS = ("consent", "experiments", "plugins/email", "plugins/file", "plugins/demo", "plugins/testkit")
LINES, TEST_LINES = 300, 500
# Written in halves, so that this file is not what it looks for.
FOLDERS = ("/wo" r"rk/", "/ro" r"ot/", "/ho" r"me/\w", "/Us" r"ers/\w")
REGISTRIES = ("py" r"pi\.", "python" r"hosted", "npm" r"js\.", "cra" r"tes\.io", "index" r"[-_]url", "/sim" r"ple/")
FOREIGN = re.compile("|".join((*FOLDERS, *REGISTRIES)))


@pytest.fixture
def tracked(project_folder):
    """Every file git tracks, as far as it is text: path → text."""
    if not (project_folder / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True, cwd=project_folder).stdout
    texts = {}
    for name in filter(None, listed.decode().split("\0")):
        try:
            texts[name] = (project_folder / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
    return texts


def test_the_repository_speaks_of_the_project_alone(tracked):
    found = {f"{name}: {match.group()}" for name, text in tracked.items() for match in FOREIGN.finditer(text)}
    assert found == set()


def test_no_lock_file_with_addresses_is_tracked(tracked):
    assert not {"uv.lock", "poetry.lock"} & set(tracked)


def test_a_file_is_one_noun_or_verb_and_short(tracked):
    limits = {name: TEST_LINES if name.startswith("tests/") else LINES for name in tracked if name.endswith(".py")}
    long = {name: tracked[name].count("\n") for name, limit in limits.items() if tracked[name].count("\n") > limit}
    assert long == {}


@pytest.mark.parametrize("member", MEMBERS)
def test_a_members_folder_is_no_package(project_folder, member):
    assert not (project_folder / member / "__init__.py").exists()
    (package,) = [path.parent for path in (project_folder / member).glob("*/__init__.py")]
    assert (package / "py.typed").exists()


def test_every_member_has_the_version_of_core_and_asks_for_it(project_folder):
    core = tomllib.loads((project_folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for member in MEMBERS:
        project = tomllib.loads((project_folder / member / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert project["version"] == core["version"]
        assert f"imp-core=={core['version']}" in project["dependencies"]
        assert project["license"] == core["license"]


def specs():
    return [item for name, item in vars(hookspecs).items() if name.startswith("imp_") and inspect.isfunction(item)]


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: spec.__name__)
def test_every_hook_says_what_it_is_for_and_since_when(spec):
    assert re.search(r"\(since \d+\.\d+\)", inspect.getdoc(spec) or "")
    assert inspect.signature(spec).return_annotation is not inspect.Signature.empty


def test_there_are_hooks_to_look_at():
    assert {spec.__name__ for spec in specs()} >= {"imp_register_channel", "imp_register_commands", "imp_veto"}


def test_no_skip_or_expected_failure_is_without_a_reason(tracked):
    bare = re.compile(r"pytest\.(skip|xfail)\(\)|mark\.(skip|xfail)(\(\)|\s*$)|# type: ignore\s*$|# noqa\s*$", re.M)
    assert {name for name, text in tracked.items() if name.endswith(".py") and bare.search(text)} == set()
