"""A shop and a stranger's channel, `acme`, that reports spend, forgets people and hears of the end of permissions.

It does so in whichever way a test asks for.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.init import init
from imp_core.clock import SimulatedClock, parse_time
from imp_core.context import Context
from imp_core.plugin_commands import enable
from imp_core.randomness import SeededRandomness

PACKAGE = "stranger_acme_outside"
MANIFEST = """
[plugin]
name = "acme"
summary = "reports and forgets"
spec_version = 1
withdrawals = true
[purposes]
activate = ["marketing.*"]
"""
CODE = """
    import time
    from decimal import Decimal
    from imp_core.channel import (
        AuthInvalid, Capability, ChannelInfo, CheckResult, DeliveryReport, DeliveryStatus, Permanent, Retryable,
        RowStatus, SpendPage, SpendRow, Support,
    )
    from imp_core.event import RowFault
    from imp_core.hookspecs import hookimpl

    class Text(str):
        def __len__(self):
            raise SystemExit("ann@example.com")

    def day(number, **more):
        given = dict(day=f"2026-02-{number:02}", campaign="spring", cost=Decimal("1.50"), currency="EUR", row=number)
        return SpendRow(**{**given, **more})

    class Acme:
        info = ChannelInfo(
            name="acme", version="1.0",
            supports={Capability.REPORT: Support.FULL, Capability.WITHDRAWN: Support.FULL},
        )
        calls = 0

        def check(self, ctx):
            return CheckResult(ok=True, detail="fine")

        def report(self, ctx, window, cursor):
            self.calls += 1
            return getattr(self, ctx.settings["report"])(window, cursor)

        def two_pages(self, window, cursor):
            if cursor is None:
                return SpendPage(rows=[day(1), day(2)], cursor="more")
            assert cursor == "more"
            return SpendPage(rows=[day(3)])

        def quiet(self, window, cursor):
            return SpendPage(rows=[])

        def retry(self, window, cursor):
            if self.calls < 3:
                raise Retryable("busy", after=7)
            return SpendPage(rows=[day(1)])

        def auth(self, window, cursor):
            raise AuthInvalid("401")

        def raises(self, window, cursor):
            raise RuntimeError("ann@example.com")

        def exits(self, window, cursor):
            raise SystemExit("ann@example.com")

        def nothing(self, window, cursor):
            return None

        def endless(self, window, cursor):
            return SpendPage(rows=[], cursor="again")

        def floats(self, window, cursor):
            return SpendPage(rows=[day(1, cost=1.5)])

        def subclass(self, window, cursor):
            return SpendPage(rows=[day(1, campaign=Text("x"))])

        def many(self, window, cursor):
            def rows():
                while True:
                    yield day(1)
            return SpendPage(rows=rows())

        def outside(self, window, cursor):
            return SpendPage(rows=[day(1), day(28)])

        def faults(self, window, cursor):
            words = "ann@example.com has 13800138000"
            return SpendPage(rows=[day(1)], faults=[RowFault(row=2, field="x", problem=words)])

        def forget(self, ctx, batch):
            self.calls += 1
            with open(ctx.settings["told"], "a") as file:
                file.write("".join(f"{row.handle} {row.key}" + chr(10) for row in batch.rows))
            return getattr(self, ctx.settings.get("forget", "all"))(batch)

        def withdrawn(self, ctx, batch):
            with open(ctx.settings["told"], "a") as file:
                file.write("".join(f"{row.handle} {row.key} {batch.purpose}" + chr(10) for row in batch.rows))
            return getattr(self, ctx.settings.get("withdrawn", "all"))(batch)

        def all(self, batch):
            return DeliveryReport(rows=[RowStatus(key=row.key, status=DeliveryStatus.ACCEPTED) for row in batch.rows])

        def half(self, batch):
            return DeliveryReport(rows=self.all(batch).rows[::2])

        def later(self, batch):
            statuses = [DeliveryStatus.DEFERRED, DeliveryStatus.IN_DOUBT, DeliveryStatus.FAILED, DeliveryStatus.REFUSED]
            return DeliveryReport(
                rows=[RowStatus(key=row.key, status=status) for row, status in zip(batch.rows, statuses, strict=False)]
            )

        def broken(self, batch):
            raise RuntimeError("ann@example.com")

        def gone(self, batch):
            raise Permanent("410")

        def hangs(self, batch):
            time.sleep(60)

        def others(self, batch):
            return DeliveryReport(rows=[RowStatus(key="another", status=DeliveryStatus.ACCEPTED)])

    @hookimpl
    def imp_register_channel():
        return [Acme()]
"""


@pytest.fixture(scope="session")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    home = folder / PACKAGE
    home.mkdir()
    (home / "__init__.py").write_text("")
    (home / "plugin.py").write_text(textwrap.dedent(CODE))
    (home / "imp-plugin.toml").write_text(MANIFEST)
    info = folder / "stranger_acme_outside-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: imp-channel-acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[imp.plugins]\nacme = {PACKAGE}.plugin\n")
    return folder


@pytest.fixture(scope="session")
def _shop(tmp_path_factory: pytest.TempPathFactory, _site: Path) -> Path:
    """A shop with `file` and the stranger enabled, made once."""
    folder = tmp_path_factory.mktemp("shop")
    environ = {"IMP_HOME": str(folder / "workspace"), "IMP_KEYS": str(folder / "keys"), "IMP_ACTOR": "tester"}
    clock = SimulatedClock(parse_time("2026-03-01T12:00:00Z"))
    context = Context(environ=environ, directory=folder, clock=clock, randomness=SeededRandomness(1))
    init(context, folder / "workspace", controller="Shop")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(_site)
        for name in ("file", "acme"):
            enable(context, name)
        context.close()
    return folder


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch, imp_environ: dict[str, str], _site: Path) -> Iterator[str]:
    """The stranger, installed: the name of its module."""
    monkeypatch.syspath_prepend(_site)
    imp_environ["PYTHONPATH"] = str(_site)
    yield f"{PACKAGE}.plugin"
    unload()


def unload() -> None:
    """Let go of the stranger's modules, as a new process has none."""
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]


@pytest.fixture
def at_import(acme: str, _site: Path) -> Iterator[Callable[[str], None]]:
    """`at_import("raise …")`: what the stranger's module does from now on when it is imported."""
    path = _site / PACKAGE / "plugin.py"
    text = path.read_text()

    def does(line: str) -> None:
        path.write_text(f"{line}\n{text}")
        unload()

    yield does
    path.write_text(text)


@pytest.fixture
def line(imp_here: Any, acme: str, tmp_path: Path, _shop: Path) -> Any:
    """The command line in a copy of that shop."""
    for name in ("workspace", "keys"):
        shutil.copytree(_shop / name, tmp_path / name, dirs_exist_ok=True)
    return imp_here


@pytest.fixture
def settings(line: Any, tmp_path: Path) -> Callable[..., None]:
    """`settings(report="…", forget="…")`: the stranger's settings; `told` is where it notes whom it was told of."""

    def put(**values: str) -> None:
        path = line.workspace / "imp.toml"
        text = path.read_text().partition("\n[channels.acme]")[0]
        values = {"told": str(tmp_path / "told.txt"), **values}
        table = "".join(f'{name} = "{value}"\n' for name, value in values.items())
        path.write_text(f"{text}\n[channels.acme]\n{table}")

    return put


@pytest.fixture
def told(tmp_path: Path) -> Callable[[], list[list[str]]]:
    """Whom and what the stranger was told of: handle, key, and the purpose whose permission ended."""

    def read() -> list[list[str]]:
        path = tmp_path / "told.txt"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    return read
