"""Throw-away plugins: a distribution of a stranger's in a folder, as an installer would have left it."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

MANIFEST = """
    [plugin]
    name = "{name}"
    summary = "a stranger"
    spec_version = 1
    identifiers = ["phone"]
    hosts = ["sms.example.com"]
    [purposes]
    collect = ["analytics"]
"""
CHANNEL = """
    from imp_core.channel import ChannelInfo, CheckResult, DeliveryReport, IdentifierSpec
    from imp_core.hookspecs import hookimpl

    class Acme:
        info = ChannelInfo(
            name="{name}",
            version="1.0",
            identifiers=(IdentifierSpec(kind="phone"),),
            purposes={{"collect": ("analytics",)}},
        )
        def check(self, ctx):
            return CheckResult(ok=True, detail="fine")
        def forget(self, ctx, batch):
            return DeliveryReport(rows=[])
        def ingest(self, ctx, source):
            return []

    @hookimpl
    def imp_register_channel():
        return [Acme()]
"""


@dataclass(frozen=True)
class Site:
    """A folder on the module path into which strangers are installed."""

    folder: Path

    def install(self, name="acme", code=CHANNEL, *, manifest=MANIFEST, dist=None, version="1.0", entry=None):
        """Install a plugin `name` whose entry-point module holds `code`; returns the name of that module."""
        package = f"stranger_{''.join(char if char.isalnum() else '_' for char in name)}_{dist or 'x'}".replace(
            "-", "_"
        )
        home = self.folder / package
        home.mkdir(exist_ok=True)
        (home / "__init__.py").write_text("")
        (home / "plugin.py").write_text(
            textwrap.dedent(code).format(name=name) if code is CHANNEL else textwrap.dedent(code)
        )
        if manifest is not None:
            (home / "imp-plugin.toml").write_text(textwrap.dedent(manifest).format(name=name), encoding="utf-8")
        dist = dist or f"imp-channel-{name}"
        info = self.folder / f"{package}-{version}.dist-info"
        for old in self.folder.glob(f"{package}-*.dist-info"):
            old.rename(info)
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[imp.plugins]\n{name} = {entry or package + '.plugin'}\n")
        return f"{package}.plugin"


@pytest.fixture
def site(tmp_path, monkeypatch, imp_environ):
    """Where strangers are installed, for this process and for the real command line alike."""
    folder = tmp_path / "site"
    folder.mkdir()
    before = set(sys.modules)
    monkeypatch.syspath_prepend(folder)
    imp_environ["PYTHONPATH"] = str(folder)
    yield Site(folder)
    for name in set(sys.modules) - before:
        if name.startswith("stranger_"):
            del sys.modules[name]


@pytest.fixture
def workspace(imp_environ):
    """The least that is a workspace: an `imp.toml`, no ledger."""
    folder = Path(imp_environ["IMP_HOME"])
    (folder / "imp.toml").write_text('[workspace]\nlog_id = "test-log"\ncontroller = "Test"\n', encoding="utf-8")
    return folder
