"""A shop that is backed up, goes on, and loses its database: what happened before, after, and how to lose it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from imp_consent.commands.backup import backup
from imp_consent.commands.ingest import ingest
from imp_consent.commands.init import init
from imp_consent.commands.record import record
from imp_core.clock import DAY_US, SimulatedClock, format_time, parse_time
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.plugin_commands import enable
from imp_core.randomness import SeededRandomness

START_US = parse_time("2026-03-01T12:00:00Z")
ANN, BEN, CID, DAN, EVE = (RawId("member", name) for name in ("ann", "ben", "cid", "dan", "eve"))


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

    @property
    def backup(self) -> Path:
        return self.folder / "ledger.bak"

    def open(self, *, days: int = 3) -> Context:
        """What a command that is started there, so many days after the beginning, gets; the caller closes it."""
        return Context(
            environ={"IMP_HOME": str(self.workspace), "IMP_KEYS": str(self.keys), "IMP_ACTOR": "tester"},
            directory=self.folder,
            clock=SimulatedClock(START_US + days * DAY_US),
            randomness=SeededRandomness(3 + days),
        )

    def copy(self, folder: Path) -> Place:
        """The same place again, in a folder that takes nothing else."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        return Place(folder)

    def lose(self) -> None:
        """The database is gone, its write-ahead log too."""
        for end in ("", "-wal", "-shm"):
            (self.workspace / f"ledger.db{end}").unlink(missing_ok=True)

    def visits(self, ctx: Context, name: str, *people: RawId) -> None:
        """A visit of each of these people, an hour ago, taken in from a file of this name."""
        at = format_time(ctx.clock.now_us() - 3_600_000_000)
        rows = [f"touchpoint,{who.kind}:{who.value},{at},analytics,{name}-{who.value},visit,web\n" for who in people]
        path = self.folder / f"{name}.csv"
        path.write_text("".join(["type,identifier,at,purpose,id,name,channel\n", *rows]))
        assert ingest(ctx, "file", path).admitted == len(people)


@pytest.fixture(scope="session")
def _backed_up(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Four people with consent and a visit each; then the backup."""
    place = Place(tmp_path_factory.mktemp("restore-template"))
    place.workspace.mkdir()
    ctx = place.open(days=0)
    init(ctx, place.workspace, controller="Shop Ltd")
    enable(ctx, "file")
    for raw in (ANN, BEN, CID, DAN):
        record(ctx, raw, purpose="analytics", state="given")
    ctx.close()
    ctx = place.open(days=1)
    place.visits(ctx, "before", ANN, BEN, CID, DAN)
    backup(ctx, place.backup)
    ctx.close()
    return place


@pytest.fixture
def place(_backed_up: Place, tmp_path: Path) -> Place:
    """The shop right after its backup, for a test to harm."""
    return _backed_up.copy(tmp_path / "place")


@pytest.fixture
def later(place: Place) -> Callable[[], Context]:
    """The shop a day after its backup, opened; whoever asks closes it."""
    return lambda: place.open(days=2)
