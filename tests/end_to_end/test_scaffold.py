"""A channel from its first command to its first message: made, tested, built, installed where nothing else is, run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from imp_testkit import HttpSink

NOTICE = """\
Shop sends you offers by text message (marketing.sms). You may withdraw this at any time, by the link in each of them.
"""
CAMPAIGN = """\
channel = "sms-acme"
purpose = "marketing.sms"
fields = ["first_name"]

[content]
text = "Hello {{ first_name }}, spring is here."
"""
AUDIENCE = "phone,first_name\n+447700900001,Ann\n+447700900002,Bob\n"
SETTINGS = """
[channels.sms-acme]
host = "{host}"
port = {port}
tls = false
unsubscribe_url = "https://shop.example/u?t={{token}}"
"""


def run(*words, cwd, environ=None, seconds=120):
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def wheel_of(project, folder):
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=project)


def find_uv(project_folder):
    """The uv that README's command puts into the checkout, else the one on the path."""
    own = project_folder / ".uv" / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    if uv is None:
        pytest.skip("no uv: neither .uv/bin/uv nor on the PATH")
    return uv


def install(uv, environment, wheels, constraints):
    """Install wheels and what they need: from uv's cache, which is full after a sync, else from the network."""
    words = [uv, "pip", "install", "-q", "--python", environment / "bin" / "python", "-c", constraints, *wheels]
    for offline in (["--offline"], []):
        done = subprocess.run([*map(str, words), *offline], capture_output=True, text=True, check=False, timeout=120)
        if done.returncode == 0:
            return
    pytest.fail(f"uv cannot install the wheels: {done.stderr}")


@pytest.fixture
def made(imp, tmp_path):
    """The folder of a new channel, made by the real command."""
    answer = imp("plugin", "new", "sms-acme", "--identifier", "phone", "--dir", tmp_path, "--json").ok().json
    assert answer["folder"] == str(tmp_path / "imp-channel-sms-acme")
    return tmp_path / "imp-channel-sms-acme"


@pytest.fixture
def clean(made, project_folder, tmp_path):
    """The folder of programs of an environment that holds core, consent and the new channel, all from wheels."""
    uv = find_uv(project_folder)
    dist = tmp_path / "dist"
    for project in (project_folder, project_folder / "consent", made):
        wheel_of(project, dist)
    config = tomllib.loads((project_folder / "pyproject.toml").read_text(encoding="utf-8"))
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("\n".join(config["tool"]["uv"]["constraint-dependencies"]))
    environment = tmp_path / "environment"
    run(uv, "venv", "-q", "--python", sys.executable, environment, cwd=tmp_path)
    install(uv, environment, sorted(dist.glob("*.whl")), constraints)
    return environment / "bin"


@pytest.mark.parametrize(("name", "kind"), [("sms-acme", "phone"), ("mail-acme", "email"), ("card", "member")])
def test_what_the_command_writes_passes_its_own_conformance_tests(name, kind, imp, tmp_path):
    imp("plugin", "new", name, "--identifier", kind, "--dir", tmp_path).ok()
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    words = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly")
    said = run(*words, cwd=tmp_path / f"imp-channel-{name}", environ=environ)
    assert " passed" in said
    assert "skipped" not in said


@pytest.mark.enable_socket
def test_a_new_channel_is_built_installed_enabled_and_sends(clean, made, tmp_path):
    workspace = tmp_path / "shop"
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "IMP_HOME": str(workspace),
        "IMP_KEYS": str(tmp_path / "keys"),
        "IMP_SMS_ACME_API_KEY": "kit-key",
    }
    shutil.rmtree(made)  # what runs is what was installed

    def imp(*words):
        return run(clean / "imp", *words, cwd=tmp_path, environ=environ)

    imp("init", workspace)
    assert "sms-acme         0.1.0      not enabled" in imp("plugin", "list")
    assert "may activate: marketing.sms" in imp("plugin", "enable", "sms-acme")
    assert "sms-acme         0.1.0      loaded" in imp("plugin", "list")
    (tmp_path / "sms.txt").write_text(NOTICE)
    words = ("--description", "We send you offers by text message.", "--trait", "direct-marketing")
    imp("consent", "purpose", "add", "marketing.sms", *words)
    imp("consent", "notice", "add", tmp_path / "sms.txt", "--name", "sms", "--purpose", "marketing.sms")
    imp("consent", "record", "phone:+447700900001", "--purpose", "marketing.sms", "--state", "given")
    (workspace / "campaigns").mkdir(exist_ok=True)
    (workspace / "campaigns" / "spring.toml").write_text(CAMPAIGN)
    (tmp_path / "people.csv").write_text(AUDIENCE)
    with HttpSink() as gateway:
        with (workspace / "imp.toml").open("a", encoding="utf-8") as file:
            file.write(SETTINGS.format(host=gateway.settings["host"], port=gateway.settings["port"]))
        imp("plugin", "check", "sms-acme")
        send = ("send", "sms-acme", "--audience", tmp_path / "people.csv", "--campaign", "spring")
        imp(*send)
        assert gateway.seen == ()
        imp(*send, "--execute")
        imp(*send, "--execute")
    (seen,) = gateway.seen
    assert "+447700900001" in seen.text
    assert "Hello Ann, spring is here." in seen.text
    assert "https://shop.example/u?t=" in seen.text
    imp("audit", "verify")


def test_an_installed_imp_asks_for_versions_and_not_for_a_checkout(clean, tmp_path):
    run(clean / "imp", "plugin", "new", "push-acme", "--identifier", "device", cwd=tmp_path, environ={"HOME": "/"})
    text = (tmp_path / "imp-channel-push-acme" / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)
    assert "sources" not in project["tool"].get("uv", {})
    assert project["project"]["dependencies"] == ["imp-core>=0.1.0,<0.2"]
    assert project["dependency-groups"]["dev"] == ["imp-consent>=0.1.0,<0.2", "imp-testkit>=0.1.0,<0.2"]


def test_a_built_plugin_carries_manifest_and_entry_point(made, tmp_path):
    wheel_of(made, tmp_path / "dist")
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    held = Path(shutil.unpack_archive(wheel, tmp_path / "held", "zip") or tmp_path / "held")
    assert (held / "imp_channel_sms_acme" / "imp-plugin.toml").is_file()
    (entries,) = held.glob("*.dist-info/entry_points.txt")
    assert entries.read_text() == "[imp.plugins]\nsms-acme = imp_channel_sms_acme.plugin\n"
