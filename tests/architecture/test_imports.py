"""Who may import whom, and how little `imp --help` imports."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

PARTS = ("imp_core", "imp_consent", "imp_experiments", "imp_channel_email", "imp_channel_file", "imp_demo", "imp_testkit")
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
    packages = {name.partition(".")[0] for name in ENTRIES.values()}
    assert of_the_framework(modules) == packages | set(ENTRIES.values())


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
