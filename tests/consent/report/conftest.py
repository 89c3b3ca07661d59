"""A shop with a past: people who said yes and no over two months, events taken in, and a withdrawal that came late."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from imp_core.clock import DAY_US, SimulatedClock, format_time

HOUR_US = DAY_US // 24
PEOPLE = 40


@dataclass
class Shop:
    """The command line in the shop, on a clock that begins on 2026-03-01 at noon."""

    imp: Any
    clock: SimulatedClock
    folder: Path
    began_us: int

    def __call__(self, *words: object, code: int = 0, **environ: str) -> Any:
        """Run a command that ends with this code."""
        answer = self.imp(*map(str, words), **environ)
        assert answer.code == code, f"exit code {answer.code}\n{answer.out}\n{answer.err}"
        return answer

    def at(self, day: int) -> str:
        """Noon of a day, counted from the first."""
        return format_time(self.began_us + day * DAY_US)

    def go_to(self, day: int) -> None:
        """Let it be an hour past noon of that day."""
        self.clock.move_to(self.began_us + day * DAY_US + HOUR_US)

    def say(self, *rows: tuple[str, str, str, int]) -> None:
        """Import what people said: member, purpose, state, day."""
        path = self.folder / "said.csv"
        said = [(f"member:{who}", purpose, state, self.at(day), "button") for who, purpose, state, day in rows]
        write(path, ("identifier", "purpose", "state", "at", "action"), said)
        self("consent", "import", path)

    def visit(self, name: str, *, members: range = range(PEOPLE), purpose: str = "analytics") -> None:
        """Take in one visit of each member, an hour ago."""
        at = format_time(self.clock.now_us() - HOUR_US)
        rows = [("touchpoint", f"member:m{who}", at, purpose, f"{name}{who}", "visit", "web") for who in members]
        path = self.folder / f"{name}.csv"
        write(path, ("type", "identifier", "at", "purpose", "id", "name", "channel"), rows)
        self("ingest", "file", path)


def write(path: Path, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])


@pytest.fixture
def empty_shop(imp_here: Any, clock: SimulatedClock, tmp_path: Path) -> Shop:
    """A shop without customers."""
    made = Shop(imp_here, clock, tmp_path, clock.now_us())
    made("init", tmp_path / "workspace", "--controller", "Bäckerei Süß GmbH")
    made("plugin", "enable", "file")
    return made


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    """Forty members: all for analytics, fifteen for e-mail too; twelve withdraw on day 20, one late on day 41."""
    shop = empty_shop
    shop.say(*((f"m{who}", "analytics", "given", 0) for who in range(PEOPLE)))
    shop.go_to(10)
    shop.visit("early")
    shop.say(*((f"m{who}", "marketing.email", "given", 10) for who in range(15)))
    shop.go_to(20)
    shop.say(*((f"m{who}", "analytics", "withdrawn", 20) for who in range(12)))
    shop.go_to(40)
    shop.visit("late")
    shop.go_to(41)
    shop.say(("m30", "analytics", "withdrawn", 30))
    return shop
