"""Fixtures every area shares: real data, a clock that stands still, and the command line, real and in-process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from imp_core.cli import invoke
from imp_core.clock import SimulatedClock, parse_time
from imp_core.context import Context
from imp_core.plugins import discover
from imp_core.randomness import SeededRandomness
from imp_core.stopwatch import SimulatedStopwatch

PROJECT = Path(__file__).resolve().parent.parent
# Machines differ and cores are shared: a slow example is not a wrong one.
settings.register_profile("imp", deadline=None, print_blob=True)
settings.load_profile("imp")


@pytest.fixture
def project_folder() -> Path:
    """The root of the checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The real data sets: IMP_TEST_DATA, else ../shared/data; a skip where absent, a failure under IMP_REQUIRE_DATA."""
    folder = Path(os.environ.get("IMP_TEST_DATA") or PROJECT.parent / "shared" / "data")
    if folder.is_dir():
        return folder
    reason = "no data sets: set IMP_TEST_DATA or put them at ../shared/data"
    if os.environ.get("IMP_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def clock() -> SimulatedClock:
    """A clock that stands at 2026-03-01T12:00:00Z until a test moves it."""
    return SimulatedClock(parse_time("2026-03-01T12:00:00Z"))


@pytest.fixture
def randomness() -> SeededRandomness:
    """A repeatable stream."""
    return SeededRandomness(20260301)


@dataclass(frozen=True)
class Answer:
    """What a command line answered: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output read as JSON."""
        return json.loads(self.out)

    def ok(self) -> Answer:
        """Itself, having checked that the command succeeded."""
        assert self.code == 0, f"exit code {self.code}\n{self.out}\n{self.err}"
        return self


@dataclass(frozen=True)
class CommandLine:
    """`imp` as a user runs it, in `workspace` with keys in `keys`. Call it with the words after `imp`."""

    run: Callable[..., Answer]
    workspace: Path
    keys: Path
    environ: Mapping[str, str]

    def __call__(self, *arguments: str, input: str | bytes = b"", **environ: str) -> Answer:  # noqa: A002 (as subprocess.run says)
        """Run one command line; keyword arguments are further environment variables."""
        data = input.encode() if isinstance(input, str) else input
        return self.run([str(item) for item in arguments], data, {**self.environ, **environ}, self.workspace)

    def in_folder(self, workspace: Path) -> CommandLine:
        """The same command line in another workspace folder."""
        return replace(self, workspace=workspace, environ={**self.environ, "IMP_HOME": str(workspace)})


@pytest.fixture
def imp_environ(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing outside `tmp_path` can be meant."""
    (tmp_path / "workspace").mkdir()
    (tmp_path / "home").mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
        "IMP_HOME": str(tmp_path / "workspace"),
        "IMP_KEYS": str(tmp_path / "keys"),
        "IMP_ACTOR": "tester",
    }


@pytest.fixture
def imp(tmp_path: Path, imp_environ: dict[str, str]) -> CommandLine:
    """The installed command in a process of its own: `imp("status", "--json").ok().json`."""

    def run(arguments: list[str], data: bytes, environ: dict[str, str], folder: Path) -> Answer:
        program = Path(sys.executable).with_name("imp")
        done = subprocess.run(
            [program, *arguments], input=data, capture_output=True, env=environ, cwd=folder, check=False, timeout=600
        )
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())

    return CommandLine(run, tmp_path / "workspace", tmp_path / "keys", imp_environ)


@pytest.fixture
def imp_here(
    tmp_path: Path,
    imp_environ: dict[str, str],
    clock: SimulatedClock,
    randomness: SeededRandomness,
    monkeypatch: pytest.MonkeyPatch,
) -> CommandLine:
    """The same command line in this process: fast, on the simulated clock and randomness, waiting for nothing."""

    def run(arguments: list[str], data: bytes, environ: dict[str, str], folder: Path) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        context = Context(
            environ=environ, directory=folder, clock=clock, randomness=randomness, stopwatch=SimulatedStopwatch()
        )
        with monkeypatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            patch.chdir(folder)  # relative paths are the user's, who stands there
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
            code = invoke(arguments, context)
        context.close()
        return Answer(code, out.getvalue(), err.getvalue())

    return CommandLine(run, tmp_path / "workspace", tmp_path / "keys", imp_environ)


@pytest.fixture
def context(
    tmp_path: Path, imp_environ: dict[str, str], clock: SimulatedClock, randomness: SeededRandomness
) -> Iterator[Context]:
    """What a command's plain function takes first, on the simulated clock and randomness."""
    made = Context(environ=imp_environ, directory=tmp_path / "workspace", clock=clock, randomness=randomness)
    yield made
    made.close()


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
            supports={{"ingest": "full"}},
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

    def pin(self, name="acme"):
        """Enable an installed plugin past `imp plugin enable`, which refuses one that is broken."""
        (found,) = [status for status in discover() if status.name == name]
        with (self.folder.parent / "workspace" / "imp.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[plugins.{name}]\nversion = "{found.version}"\n')
            file.write(f'manifest_sha256 = "{found.manifest_sha256()}"\n')


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
