"""A shop that sends by `post`, a stranger's channel whose peer is a file: a line for each message it takes."""

from __future__ import annotations

import csv
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MANIFEST = """
[plugin]
name = "post"
summary = "puts messages into a file"
spec_version = 1
identifiers = ["email"]
addresses = "resolve"
[purposes]
activate = ["marketing.*"]
"""
CODE = """
    import os, time
    from decimal import Decimal
    from imp_core.channel import (
        AuthInvalid, BatchLimit, Capability, ChannelInfo, CheckResult, ContentFormat, DeliveryReport, DeliveryStatus,
        IdentifierSpec, PayloadInvalid, Permanent, Plan, Preview, Retryable, RowStatus, Support,
    )
    from imp_core.hookspecs import hookimpl

    def put(path, line):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, (line + chr(10)).encode())
        os.close(descriptor)

    class Post:
        info = ChannelInfo(
            name="post", version="1.0", identifiers=(IdentifierSpec(kind="email"),),
            purposes={"activate": ("marketing.*",)},
            content_formats=(ContentFormat(name="text", required=True, max_chars=200), ContentFormat(name="subject")),
            batch=BatchLimit(rows=50),
            supports={Capability.DELIVER: Support.FULL},
        )
        calls = 0
        def check(self, ctx):
            return CheckResult(ok=True, detail="fine")
        def forget(self, ctx, batch):
            return DeliveryReport(rows=[])
        def plan(self, ctx, batch):
            if any("forbidden" in content.parts["text"] for content in batch.contents.values()):
                raise PayloadInvalid("bad-words")
            return Plan(
                messages=len(batch.rows), cost=Decimal("0.01") * len(batch.rows), currency="EUR",
                previews=[Preview(content=name, parts=dict(item.parts)) for name, item in batch.contents.items()],
            )
        def deliver(self, ctx, batch):
            self.calls += 1
            mode = ctx.settings.get("mode", "")
            if mode == "signal":
                put(ctx.settings["inbox"] + ".started", str(self.calls))
                while not os.path.exists(ctx.settings["inbox"] + ".go"):
                    time.sleep(0.01)
            if mode == "retry" and self.calls < 3:
                raise Retryable("busy", after=1)
            if mode in ("handles", "handles-die"):  # reaches people by its own names for them
                for place, row in enumerate(batch.rows):
                    put(ctx.settings["inbox"], " ".join([row.handle, row.key, row.content, "-", "-"]))
                    if mode == "handles-die" and place == 2:
                        os.kill(os.getpid(), 9)
                    ctx.settle(RowStatus(key=row.key, status=DeliveryStatus.ACCEPTED))
                return DeliveryReport(rows=[])
            if mode == "auth":
                raise AuthInvalid("535")
            if mode == "permanent":
                raise Permanent("gone")
            if mode == "raise" or (mode == "raise-once" and self.calls == 1):
                raise RuntimeError("ann@example.com")
            out = []
            for place, row in enumerate(batch.rows):
                if mode == "defer":
                    ctx.settle(RowStatus(key=row.key, status=DeliveryStatus.DEFERRED, code="later"))
                    continue
                address = ctx.resolve(row.handle, batch.purpose).value
                if mode == "fail":
                    ctx.settle(RowStatus(key=row.key, status=DeliveryStatus.FAILED, code="field-missing"))
                    continue
                if mode == "half" and place == 1:
                    raise RuntimeError
                words = batch.contents[row.content].parts["text"]
                if "bounce" in address:
                    ctx.settle(RowStatus(key=row.key, status=DeliveryStatus.REFUSED, code="5.1.1"))
                    continue
                if mode == "slow":
                    time.sleep(0.002)
                name = row.fields.get("name", "-")
                put(ctx.settings["inbox"], " ".join([address, row.key, row.content, name, words]))
                if mode == "die" and place == 2:
                    os.kill(os.getpid(), 9)  # the peer has it, and nobody hears of it
                ctx.settle(RowStatus(key=row.key, status=DeliveryStatus.ACCEPTED, code="250"))
            return DeliveryReport(rows=out)

    @hookimpl
    def imp_register_channel():
        return [Post()]
"""
CAMPAIGN = """
channel = "post"
purpose = "marketing.email"
fields = ["name"]
[content]
text = "Spring is here"
"""
EXPERIMENT = """
name = "spring"
hypothesis = "A question brings more people"
purpose = "experimentation"
unit = "subject"
salt = "0123456789abcdef"
namespace = "mail"
traffic = 1.0
trigger = "send.decided"
control = "plain"
[plan]
horizon = "14d"
[[variants]]
name = "plain"
weight = 1
[[variants]]
name = "question"
weight = 1
[[variants]]
name = "nothing"
weight = 1
[[metrics]]
name = "visit"
role = "primary"
kind = "proportion"
event = "visit"
value = "any"
window = "7d"
"""


@dataclass
class Shop:
    """A workspace with a campaign `spring` on the channel `post`; `imp` is its command line."""

    imp: Any
    folder: Path
    inbox: Path

    def settings(self, **values: str) -> None:
        """Set the channel's settings; the inbox is always among them."""
        path = self.folder / "imp.toml"
        text = re.sub(r"\[channels\.post\]\n[^\[]*", "", path.read_text(encoding="utf-8")).rstrip()
        rows = "".join(f'{name} = "{value}"\n' for name, value in {"inbox": self.inbox, **values}.items())
        path.write_text(f"{text}\n\n[channels.post]\n{rows}", encoding="utf-8")

    def campaign(self, text: str = CAMPAIGN, name: str = "spring") -> None:
        """Write a campaign's file."""
        folder = self.folder / "campaigns"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")

    def audience(self, rows: list[list[str]], header: tuple[str, ...] = ("email", "name")) -> str:
        """Write an audience file and return its path."""
        path = self.folder / "audience.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(rows)
        return str(path)

    def people(self, count: int, *, first: int = 0) -> str:
        """An audience of p0@example.com and so on."""
        return self.audience([[f"p{i}@example.com", f"P{i}"] for i in range(first, first + count)])

    def consent(self, *rows: tuple[str, str, str]) -> None:
        """Import what people said: identifier, purpose, state."""
        path = self.folder / "consent.csv"
        lines = [f"{who},{purpose},{state},2026-02-01T00:00:00Z" for who, purpose, state in rows]
        path.write_text("identifier,purpose,state,at\n" + "\n".join(lines) + "\n", encoding="utf-8")
        self.imp("consent", "import", str(path)).ok()
        path.unlink()

    def everybody(self, count: int, *, purposes: tuple[str, ...] = ("marketing.email",)) -> None:
        """So many people give their consent."""
        self.consent(*((f"email:p{i}@example.com", purpose, "given") for i in range(count) for purpose in purposes))

    def send(self, audience: str, *options: str, campaign: str = "spring") -> Any:
        """Run `imp send post`; returns the answer."""
        return self.imp("send", "post", "--audience", audience, "--campaign", campaign, "--json", *options)

    def received(self) -> list[list[str]]:
        """What the peer took: address, key, content, name, words."""
        if not self.inbox.exists():
            return []
        return [line.split(" ", 4) for line in self.inbox.read_text(encoding="utf-8").splitlines()]

    def addresses(self) -> list[str]:
        """Who received something, once for each message."""
        return sorted(row[0] for row in self.received())


def install(folder: Path) -> None:
    """Put the channel `post` where an installer would."""
    package = folder / "stranger_post"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "plugin.py").write_text(textwrap.dedent(CODE), encoding="utf-8")
    (package / "imp-plugin.toml").write_text(MANIFEST, encoding="utf-8")
    info = folder / "stranger_post-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: imp-channel-post\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[imp.plugins]\npost = stranger_post.plugin\n")


@pytest.fixture
def post_site(tmp_path, monkeypatch, imp_environ):
    """The stranger's distribution, for this process and for child processes."""
    folder = tmp_path / "site"
    install(folder)
    monkeypatch.syspath_prepend(folder)
    imp_environ["PYTHONPATH"] = str(folder)
    yield folder
    import sys  # noqa: PLC0415 (what this test loaded is let go)

    for name in [name for name in sys.modules if name.startswith("stranger_post")]:
        del sys.modules[name]


def _shop(imp, tmp_path):
    imp("init", "--controller", "Shop").ok()
    imp("plugin", "enable", "post").ok()
    shop = Shop(imp=imp, folder=Path(imp.environ["IMP_HOME"]), inbox=tmp_path / "inbox")
    shop.settings()
    shop.campaign()
    return shop


@pytest.fixture
def shop(post_site, imp_here, tmp_path):
    """The shop in this process, on the simulated clock."""
    return _shop(imp_here, tmp_path)


@pytest.fixture
def real_shop(post_site, imp, tmp_path):
    """The shop as processes of its own, on the machine's clock."""
    return _shop(imp, tmp_path)


@pytest.fixture
def experiment(shop):
    """A started experiment of three variants, one of which is sent nothing, and its campaign."""
    (shop.folder / "experiments" / "spring.toml").write_text(EXPERIMENT, encoding="utf-8")
    shop.imp("experiment", "start", "spring").ok()
    shop.campaign(
        'channel = "post"\npurpose = "marketing.email"\nexperiment = "spring"\n'
        '[variants.plain]\ntext = "Spring"\n[variants.question]\ntext = "Spring?"\n[variants.nothing]\nsend = false\n'
    )
    return shop
