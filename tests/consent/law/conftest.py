"""Fixtures of the law's tests: a shop at a desk with few words, and the rules of writing by themselves."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from imp_consent.commands.init import init
from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.policy.case import Case
from imp_consent.policy.cuts import Cut
from imp_consent.policy.notice import Notice, RegisteredNotice
from imp_consent.policy.purpose import DEFAULT_PURPOSES, DeclaredPurpose
from imp_consent.policy.regime import packaged
from imp_consent.policy.saying import Saying
from imp_consent.policy.write_rules import check_statement
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, SimulatedClock, parse_time
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.randomness import SeededRandomness

NOW_US = parse_time("2026-03-01T12:00:00Z")
TEXT = "Shop Ltd asks you for {words}. Write to us.\n\nYou can withdraw your consent at any time. {more}"


@pytest.fixture(scope="session")
def _desk_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    environ = {"IMP_HOME": str(folder / "workspace"), "IMP_KEYS": str(folder / "keys"), "IMP_ACTOR": "tester"}
    context = Context(environ=environ, directory=folder, clock=SimulatedClock(NOW_US), randomness=SeededRandomness(1))
    init(context, folder / "workspace", controller="Shop Ltd")
    context.close()
    return folder


@pytest.fixture
def shop(_desk_template: Path, tmp_path: Path, context: Context) -> Iterator[Context]:
    """A new workspace of "Shop Ltd" at 2026-03-01T12:00:00Z."""
    for name in ("workspace", "keys"):
        shutil.copytree(_desk_template / name, tmp_path / name, dirs_exist_ok=True)
    yield context
    context.close()


class Desk:
    """`imp consent` in few words. What a command answers comes back; `text` of what it refused as well."""

    def __init__(self, shop: Context, clock: SimulatedClock, imp: Callable[..., Any], folder: Path) -> None:
        self.shop, self.clock, self.imp, self._folder = shop, clock, imp, folder

    def consent(self, *words: str) -> Any:
        """Any command below `imp consent`."""
        return self.imp("consent", *words)

    def purpose(self, name: str, *words: str) -> Any:
        """A new purpose."""
        kind = () if "--trait" in words else ("--trait", "none")
        return self.consent("purpose", "add", name, "--description", f"We do {name}.", *kind, *words).ok()

    def notice(self, *purposes: str, name: str = "shown", more: str = "", words: Sequence[str] = ()) -> Any:
        """A notice that asks for these purposes."""
        path = self._folder / f"{name}.txt"
        path.write_text(TEXT.format(words=", ".join(purposes), more=more), encoding="utf-8")
        asked = [word for purpose in purposes for word in ("--purpose", purpose)]
        return self.consent("notice", "add", str(path), "--name", name, *asked, *words, "--json")

    def record(self, purpose: str, state: str = "given", *words: str, who: str = "member:1") -> Any:
        """What somebody said."""
        return self.consent("record", who, "--purpose", purpose, "--state", state, *words, "--json")

    def asked(self, purpose: str, *words: str, who: str = "member:1") -> str:
        """The reason of the gate's answer."""
        return str(self.consent("check", who, "--purpose", purpose, *words, "--json").json["reason"])

    def entries(self, who: str = "member:1") -> list[PersonEntry]:
        """Somebody's entries."""
        with open_log(self.shop).read() as reader:
            subject = reader.find_subject(RawId.parse(who))
            return [] if subject is None else reader.history(subject)

    def wait(self, days: float) -> None:
        """Let time pass."""
        self.clock.move_to(self.clock.now_us() + int(days * DAY_US))


@pytest.fixture
def desk(shop: Context, clock: SimulatedClock, imp_here: Callable[..., Any], tmp_path: Path) -> Desk:
    """The shop's desk."""
    return Desk(shop, clock, imp_here, tmp_path)


@dataclass
class Law:
    """The rules of writing alone: what was written is what `history` then holds."""

    regimes: tuple[str, ...] = ("gdpr", "eprivacy")
    jurisdiction: str | None = None
    purposes: dict[str, DeclaredPurpose] = field(default_factory=lambda: {p.name: p for p in DEFAULT_PURPOSES})
    notice: Notice | None = None
    history: list[Any] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)

    def declare(self, name: str, **said: Any) -> None:
        """One more purpose."""
        self.purposes[name] = DeclaredPurpose(name=name, description="We do.", **said)

    def show(self, *purposes: str, **said: Any) -> Notice:
        """The notice that people see from now on."""
        text = TEXT.format(words=", ".join(purposes), more=said.pop("more", ""))
        words: dict[str, Any] = {"name": "shown", "version": 1, "language": "en", "controller": "Shop Ltd"}
        words |= {"withdrawal": "You can withdraw your consent at any time.", "text": text, "purposes": purposes}
        self.notice = Notice(**(words | said))
        return self.notice

    def case(self) -> Case:
        """The circumstances."""
        notice = self.notice or self.show(*self.purposes)
        return Case(
            rules=packaged().rules(self.regimes, self.jurisdiction),
            purposes=self.purposes,
            shown=RegisteredNotice(seq=1, sha256=notice.sha256, notice=notice),
            history=self.history,
            cuts=self.cuts,
            strictest=packaged().strictest(),
        )

    def write(self, type_: str, purpose: str, *, at_us: int = NOW_US, **said: Any) -> Statement:
        """What a saying becomes; it is remembered."""
        statement = check_statement(Saying(type=type_, purpose=purpose, at_us=at_us, **said), self.case())
        payload = {"evidence": said.get("evidence"), **said.get("more", {})}
        self.history.append(SimpleNamespace(seq=len(self.history) + 2, statement=statement, payload=payload))
        return statement


@pytest.fixture
def law() -> Law:
    """GDPR and ePrivacy over the default purposes; a test may change any of it."""
    return Law()
