"""A shop with people, events, an erasure under way and a full inbox, so that every deed has something to do."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.campaign import children
from benchmarks.campaign.acks import Attempt, read_attempts
from benchmarks.campaign.deeds import do
from benchmarks.campaign.desk import Desk, desk_for
from benchmarks.campaign.people import consenting
from benchmarks.campaign.shop import Shop, new_shop

__all__ = ["Furnished", "furnish"]

_ROUND = ("import", "ingest", "accept", "compact", "ingest", "accept")
_DEEDS = (*_ROUND, *_ROUND, "record", "request", "readout")


@dataclass(frozen=True, slots=True)
class Furnished:
    """A shop and the file of what was told about it."""

    shop: Shop
    acks: Path

    def attempts(self) -> list[Attempt]:
        """What was told."""
        return read_attempts(self.acks.read_text(encoding="utf-8").splitlines())

    def copy(self, folder: Path) -> Furnished:
        """Another one, in a folder that is emptied for it."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copyfile(self.acks, folder / "acks")
        return Furnished(self.shop.copy(folder / "shop"), folder / "acks")

    def desk(self, seed: str) -> Desk:
        """One more writer, who has all people who consent for its own."""
        return desk_for(self.shop.context(), self.acks, "one", seed=seed, people=consenting(self.attempts()))


def furnish(folder: Path) -> Furnished:
    """Make one, in a process of its own."""
    folder.mkdir()
    furnished = Furnished(Shop(folder / "shop"), folder / "acks")

    def work() -> None:
        new_shop(furnished.shop.folder)
        desk = desk_for(furnished.shop.context(), furnished.acks, "ready", seed="ready")
        for deed in _DEEDS:
            do(desk, deed)
        desk.ctx.close()

    children.run(work, quiet=False)
    return furnished
