"""Hostile and broken strangers, let in by the real door: installed, enabled, loaded, called by core."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from imp_core.channel import Batch, ChannelContext, Content, Recipient
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.outbound.backoff import Backoff
from imp_core.outbound.deliver import Delivered, deliver
from imp_core.outbound.handout import Handout
from imp_core.outbound.open import channel_context, open_runner
from imp_core.outbound.runner import ChannelRunner
from imp_core.plugin_enabling import enable
from imp_core.randomness import SeededRandomness
from imp_core.stopwatch import SimulatedStopwatch


@pytest.fixture(autouse=True)
def operator_may_interrupt() -> Iterator[None]:
    """^C reaches the tests, also where they run in the background of a shell that has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


MANIFEST = """
    [plugin]
    name = "{name}"
    summary = "a stranger"
    spec_version = 1
    identifiers = ["email"]
    hosts = [{hosts}]
    addresses = "{addresses}"
    secrets = ["token"]
    [purposes]
    activate = ["marketing.*"]
"""
CODE = """
{top}
from imp_core.channel import *
from imp_core.event import RawEvent, RawId, RowFault
from imp_core.hookspecs import hookimpl

class Acme:
    info = ChannelInfo(
        name="{name}", version="1.0", identifiers=(IdentifierSpec(kind="email"),),
        purposes={{"activate": ("marketing.*",)}}, hosts=({hosts}), supports={{{supports}}},
    )
    def check(self, ctx):
        return CheckResult(ok=True, detail="fine")
    def forget(self, ctx, batch):
        return DeliveryReport(rows=[])
    def plan(self, ctx, batch):
        return Plan(messages=len(batch.rows))
    def deliver(self, ctx, batch):
        return DeliveryReport(rows=[])
    def ingest(self, ctx, source):
        return []
{methods}

@hookimpl
def imp_register_channel():
    return [Acme()]
"""
ALL = '"deliver": "full", "ingest": "full"'


@pytest.fixture
def workspace(imp_environ) -> Path:
    """The least that is a workspace: an `imp.toml`, no ledger."""
    folder = Path(imp_environ["IMP_HOME"])
    (folder / "imp.toml").write_text('[workspace]\nlog_id = "test-log"\ncontroller = "Test"\n', encoding="utf-8")
    return folder


@dataclass
class Stranger:
    """A stranger's plugin, enabled: what core does with it."""

    context: Context
    runners: list[ChannelRunner] = field(default_factory=list)
    handout: Handout | None = None

    def runner(self) -> ChannelRunner:
        """The runner of its channel."""
        self.runners.append(open_runner(self.context, "acme"))
        return self.runners[-1]

    def check(self, **options: Any) -> Any:
        """Call its `check`, with 10 s unless told."""
        return self.runner().call("check", channel_context(self.context, "acme"), **{"seconds": 10.0, **options})

    def batch(self, count: int = 3, *, purpose: str = "marketing.email") -> Batch:
        """So many recipients: handles h0…, keys k0…."""
        rows = [Recipient(handle=f"h{number}", key=f"k{number}", content="") for number in range(count)]
        return Batch(
            id="1", campaign="spring", step="1", purpose=purpose, contents={"": Content(name="", parts={"text": "x"})},
            rows=rows, expires_us=30_000_000,
        )  # fmt: skip

    def deliver(
        self,
        count: int = 3,
        *,
        seconds: float = 10.0,
        granted: bool = True,
        fresh: Callable[[], bool] = lambda: True,
        batch: Batch | None = None,
        pace: Callable[[int, SimulatedStopwatch], object] = lambda _rows, _stopwatch: None,
        **callbacks: Any,
    ) -> Delivered:
        """Deliver a batch to zoe0@example.com and others; the handout stays in `handout`."""
        batch = batch or self.batch(count)
        addresses = {row.handle: RawId("email", f"zoe{row.handle[1:]}@example.com") for row in batch.rows}
        context = channel_context(self.context, "acme")
        self.handout = Handout(
            ChannelContext(settings=context.settings, now_us=context.now_us, secrets=context.secrets),
            batch.rows, addresses, purpose=batch.purpose, granted=granted, fresh=fresh, **callbacks,
        )  # fmt: skip
        stopwatch = SimulatedStopwatch()
        return deliver(
            self.runner(), self.handout, batch,
            seconds_left=lambda: seconds - stopwatch.seconds(), stopwatch=stopwatch,
            backoff=Backoff(SeededRandomness(1)), pace=lambda rows: pace(rows, stopwatch),
        )  # fmt: skip


@pytest.fixture
def code() -> Callable[..., str]:
    """Code of a channel plugin: `methods` go into the class, `top` before everything."""

    def code(methods: str = "", *, name: str = "acme", top: str = "", hosts: str = "", supports: str = ALL) -> str:
        inside = textwrap.indent(textwrap.dedent(methods), "    ")
        return CODE.format(top=textwrap.dedent(top), name=name, methods=inside, hosts=hosts, supports=supports)

    return code


@pytest.fixture
def manifest() -> Callable[..., str]:
    """Its manifest."""

    def manifest(hosts: str = "", addresses: str = "resolve") -> str:
        return MANIFEST.replace("{hosts}", hosts).replace("{addresses}", addresses)

    return manifest


@pytest.fixture
def stranger(site, workspace, context, code, manifest) -> Iterator[Callable[..., Stranger]]:
    """`stranger("def check(self, ctx): …", hosts='"sms.example.com",')`: installed, enabled, ready to be called."""
    made: list[Stranger] = []

    def stranger(methods: str = "", *, addresses: str = "resolve", hosts: str = "", **options: str) -> Stranger:
        site.install(
            "acme",
            code(methods, hosts=hosts.replace("{{", "{").replace("}}", "}"), **options),
            manifest=manifest(hosts, addresses),
        )
        enable(context, "acme")
        made.append(Stranger(context))
        return made[-1]

    yield stranger
    for one in made:
        for runner in one.runners:
            runner.close()


@pytest.fixture
def enabled_elsewhere(imp, site, workspace, code, manifest) -> Callable[..., None]:
    """Install and enable a stranger for child processes; nothing of it runs in this one."""

    def enabled(methods: str = "", *, hosts: str = "", **options: str) -> None:
        site.install("acme", code(methods, hosts=hosts, **options), manifest=manifest(hosts))
        imp("plugin", "enable", "acme").ok()

    return enabled


@pytest.fixture
def child(imp, site) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script in a process of its own, where the strangers are installed."""

    def run(script: str, **environ: str) -> subprocess.CompletedProcess[str]:
        code = script.replace("{path!r}", repr([str(site.folder)])).replace("{{", "{").replace("}}", "}")
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env={**imp.environ, **environ},
            cwd=imp.workspace, check=False, timeout=60,
        )  # fmt: skip

    return run


@dataclass(frozen=True)
class Peer:
    """A server of this machine that counts who connects."""

    port: int
    seen: list[object]


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A listening socket on 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        seen: list[object] = []
        stop = threading.Event()

        def listen() -> None:
            while not stop.is_set():
                try:
                    connection, address = listener.accept()
                except TimeoutError:
                    continue
                connection.close()
                seen.append(address)

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield Peer(listener.getsockname()[1], seen)
        stop.set()
        thread.join()
