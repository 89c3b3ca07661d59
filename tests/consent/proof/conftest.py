"""A log of a few hundred entries, exported once and copied for each test that harms it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from imp_consent.audit.export import Exported, export
from imp_consent.audit.exported import ExportVerification, verify
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.log import Log, create_log
from imp_consent.ledger.note import SigningKey
from imp_consent.ledger.tile import TileStream, format_tile_path
from imp_consent.policy.project import project
from imp_core.clock import SimulatedClock, parse_time
from imp_core.event import RawId
from imp_core.randomness import SeededRandomness

NOW_US = parse_time("2026-03-01T12:00:00Z")


@dataclass(frozen=True)
class Shipped:
    """An export, the public key an auditor has from elsewhere, and checkpoints taken on the way."""

    folder: Path
    vkey: str
    done: Exported
    pins: dict[int, str] = field(default_factory=dict)

    def verify(self, *pinned: tuple[str, bytes]) -> ExportVerification:
        """The auditor's look at it."""
        return verify(self.folder, self.vkey, pinned)

    def found(self, *pinned: tuple[str, bytes]) -> set[tuple[str, str]]:
        """Code and place of each problem."""
        return {(problem.code, problem.place) for problem in self.verify(*pinned).problems}

    def copy(self, folder: Path) -> Shipped:
        """The same export somewhere else."""
        shutil.copytree(self.folder, folder)
        return Shipped(folder, self.vkey, self.done, self.pins)


def _open(folder: Path) -> Log:
    return Log(
        folder / "ledger.db",
        Keyring.open(folder / "keys", "shipped"),
        log_id="shipped",
        clock=SimulatedClock(NOW_US),
        randomness=SeededRandomness(5),
        actor="tester",
        projection=project,
    )


@pytest.fixture
def open_log() -> Callable[[Path], Log]:
    """Opens the ledger in a folder; whoever opens closes."""
    return _open


@pytest.fixture(scope="session")
def shipped_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the log, its keys and its export lie."""
    return tmp_path_factory.mktemp("shipped")


@pytest.fixture(scope="session")
def pristine(shipped_folder: Path) -> Shipped:
    """600 entries, a third of them of people; pins at 7, 256, 300 and 600."""
    keyring = Keyring.create(shipped_folder / "keys", "shipped")
    create_log(shipped_folder / "ledger.db", keyring, "shipped")
    pins: dict[int, str] = {}
    log = _open(shipped_folder)
    try:
        for stop in (7, 256, 300, 600):
            with log.write() as transaction:
                while transaction.size < stop:
                    _append(transaction, transaction.size)
            pins[stop] = log.checkpoint().note
        done = export(log, shipped_folder / "export")
        return Shipped(shipped_folder / "export", f"{log.verifier_key}\n", done, pins)
    finally:
        log.close()


def _append(transaction, seq):
    if seq % 3:
        transaction.append_system("import", {"n": seq})
        return
    said = Statement(type="grant", purpose="analytics", channel="", at_us=NOW_US - seq)
    transaction.append_person(transaction.subject_for(RawId("member", str(seq % 60))), said, {"actor": "self"})


@pytest.fixture
def shipped(pristine: Shipped, tmp_path: Path) -> Shipped:
    """A copy that a test may harm."""
    return pristine.copy(tmp_path / "export")


@pytest.fixture
def log(pristine: Shipped, shipped_folder: Path):
    """The log itself, to be read only."""
    log = _open(shipped_folder)
    yield log
    log.close()


@pytest.fixture(scope="session")
def signer() -> SigningKey:
    """A log's key that a test may sign anything with."""
    return SigningKey.from_seed("log.example", bytes(range(32)))


@pytest.fixture
def write_tiles() -> Callable[[Path, list[bytes]], tuple[int, bytes]]:
    """Writes leaves as tiles and bundles into a folder; returns size and root."""

    def write(folder: Path, leaves: list[bytes]) -> tuple[int, bytes]:
        stream = TileStream()
        for tile, data in [*stream.extend(leaves), *stream.finish()]:
            path = folder / format_tile_path(tile)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return stream.frontier.size, stream.frontier.root()

    return write
