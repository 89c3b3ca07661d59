"""Who may import whom, and how little `imp --help` imports."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

import imp_core.channel
from imp_core.installed import discover

PARTS = (
    "imp_core",
    "imp_consent",
    "imp_experiments",
    "imp_channel_email",
    "imp_channel_file",
    "imp_demo",
    "imp_testkit",
)
HEAVY = {
    "alembic", "cryptography", "dkim", "dns", "duckdb", "jinja2", "narwhals", "numpy", "pandas", "polars", "pyarrow",
    "pydantic", "scipy", "sqlalchemy", "sqlmodel", "statsmodels",
}  # fmt: skip
ENTRIES = {entry.name: entry.module for entry in importlib.metadata.entry_points(group="imp.plugins")}


def imported_by(code, environ, folder):
    script = f"import sys\n{code}\nimport json\nprint()\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=dict(environ), cwd=folder
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def of_the_framework(modules):
    return {name for name in modules if name.partition(".")[0] in PARTS and not name.startswith("imp_core")}


def test_every_import_contract_is_kept(project_folder):
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], capture_output=True, text=True, check=False, cwd=project_folder, env={"TERM": "dumb"}
    )
    assert done.returncode == 0, done.stdout[done.stdout.find("Contracts\n") :]


def test_help_imports_of_plugins_only_their_entry_points_and_nothing_heavy(imp):
    imp("init").ok()
    imp("plugin", "enable", "file").ok()
    modules = imported_by("from imp_core.cli import invoke\ninvoke(['--help'])", imp.environ, imp.workspace)
    assert {name.partition(".")[0] for name in modules} & HEAVY == set()
    enabled = {module for name, module in ENTRIES.items() if name in ("consent", "experiments", "demo", "file")}
    packages = {name.partition(".")[0] for name in enabled}
    assert of_the_framework(modules) == packages | enabled


def test_every_name_of_the_contract_of_channels_can_be_imported():
    for name in imp_core.channel.__all__:
        assert getattr(imp_core.channel, name) is not None
    with pytest.raises(AttributeError, match="has no attribute Chanel"):
        _ = imp_core.channel.Chanel


LAZY = """
    from collections.abc import Iterable
    from imp_core.channel import Channel
    from imp_core.hookspecs import CommandRef, hookimpl

    @hookimpl
    def imp_register_channel() -> Iterable[Channel]:
        from imp_core import outbound, held  # only core asks for channels, and `imp --help` does not
        raise AssertionError("imp --help asks no channel")

    @hookimpl
    def imp_register_commands():
        return [CommandRef(name=__name__.split(".")[0].replace("_", "-"), target="nowhere:command", help="A command.")]
"""
# What `imp --help` need not load, whoever is installed: each costs milliseconds.
NOT_FOR_HELP = {
    "asyncio", "difflib", "email.parser", "importlib.metadata", "imp_core.held", "imp_core.manifest",
    "imp_core.outbound.runner", "imp_core.ports", "logging", "socket", "subprocess", "traceback", "urllib.request",
    "zoneinfo",
}  # fmt: skip


def test_help_imports_of_fifty_enabled_channels_only_their_entry_points(imp, site):
    imp("init").ok()
    names = [f"many{number:02}" for number in range(50)]
    own = {site.install(name, LAZY) for name in names}
    pins = ""
    for status in (status for status in discover() if status.name in names):
        pins += f'[plugins.{status.name}]\nversion = "1.0"\nmanifest_sha256 = "{status.manifest_sha256()}"\n'
    with (imp.workspace / "imp.toml").open("a") as file:
        file.write(pins)
    # What the channels' packages hold besides is there to be imported by mistake.
    for module in own:
        (site.folder / module.partition(".")[0] / "channel.py").write_text("import email.parser\n")
    listed = imp("--help").ok().out
    assert all(f"stranger-{name}-x" in listed for name in names)
    before = imported_by("pass", imp.environ, imp.workspace)
    modules = imported_by("from imp_core.cli import invoke\ninvoke(['--help'])", imp.environ, imp.workspace)
    assert {name for name in modules if name.startswith("stranger_")} == own | {name.partition(".")[0] for name in own}
    assert (modules - before) & NOT_FOR_HELP == set()


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_an_entry_point_imports_only_imp_core(name, imp):
    modules = imported_by(f"import {ENTRIES[name]}", imp.environ, imp.workspace)
    assert {module.partition(".")[0] for module in modules} & HEAVY == set()
    assert of_the_framework(modules) == {ENTRIES[name], ENTRIES[name].partition(".")[0]}


def test_core_alone_needs_only_click_and_pluggy(imp):
    before = imported_by("pass", imp.environ, imp.workspace)
    code = "import pkgutil, importlib, imp_core\n"
    code += "for item in pkgutil.iter_modules(imp_core.__path__):\n    importlib.import_module(f'imp_core.{item.name}')"
    roots = {name.partition(".")[0] for name in imported_by(code, imp.environ, imp.workspace) - before}
    assert {name for name in roots - sys.stdlib_module_names if name[0] != "_"} == {"click", "imp_core", "pluggy"}
