"""A shop of two people with consent and events, as erasure and its crashes find it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imp_consent.commands.ingest import ingest
from imp_consent.commands.init import init
from imp_consent.commands.record import record
from imp_core.clock import DAY_US, SimulatedClock, format_time, parse_time
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.plugin_commands import enable
from imp_core.randomness import SeededRandomness

ANN, BEN = RawId("email", "ann@example.com"), RawId("member", "ben")
START_US = parse_time("2026-03-01T12:00:00Z")


@dataclass(frozen=True)
class Place:
    """A folder with a workspace and its keys."""

    folder: Path

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    def open(self, now_us: int = START_US + DAY_US) -> Context:
        """What a command that is started there gets; the caller closes it."""
        return Context(
            environ={"IMP_HOME": str(self.workspace), "IMP_KEYS": str(self.keys), "IMP_ACTOR": "tester"},
            directory=self.folder,
            clock=SimulatedClock(now_us),
            randomness=SeededRandomness(3),
        )

    def copy(self, folder: Path) -> Place:
        """The same place again, in a folder that takes nothing else."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        return Place(folder)


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("erase-template"))
    place.workspace.mkdir()
    ctx = place.open(START_US)
    init(ctx, place.workspace, controller="Shop Ltd")
    enable(ctx, "file")
    for raw in (ANN, BEN):
        record(ctx, raw, purpose="analytics", state="given")
    ctx.close()
    ctx = place.open()
    for number in range(2):
        path = place.folder / f"{number}.csv"
        path.write_text(events(number, ["email:ann@example.com", "member:ben"]))
        assert ingest(ctx, "file", path).admitted == 2
    ctx.close()
    return place


def events(number: int, people: list[str]) -> str:
    at = format_time(START_US + DAY_US - 3_600_000_000)
    rows = [f"touchpoint,{word},{at},analytics,{number}-{i},visit,web\n" for i, word in enumerate(people)]
    return "".join(["type,identifier,at,purpose,id,name,channel\n", *rows])


@pytest.fixture
def place(_template: Place, tmp_path: Path) -> Place:
    """A shop that a test may harm: Ann and Ben, a consent each, a row each in two files."""
    return _template.copy(tmp_path / "place")


@pytest.fixture
def shop(place: Place) -> Iterator[Context]:
    """The same, opened."""
    ctx = place.open()
    yield ctx
    ctx.close()


@pytest.fixture
def csv_of() -> Callable[[int, list[str]], str]:
    """A file of visits, one of each of these people."""
    return events
