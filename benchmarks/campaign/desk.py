"""Where one writer works: an open shop, what it tells, and its own people."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.campaign.acks import Teller
from imp_consent.ledger.log import Log
from imp_consent.runtime import open_log
from imp_core.context import Context

__all__ = ["CHANNEL", "PURPOSE", "Desk", "desk_for"]

CHANNEL: Final = "web"
PURPOSE: Final = "analytics"


@dataclass(slots=True)
class Desk:
    """Where one writer works. `name` is no other writer's; `people` are its own, who consented and were not erased."""

    ctx: Context
    teller: Teller
    chance: Random
    name: str
    people: list[str] = field(default_factory=list)
    count: int = 0

    @property
    def log(self) -> Log:
        """The ledger as this writer has it open."""
        return open_log(self.ctx)

    def new_name(self) -> str:
        """A name nobody had before."""
        self.count += 1
        return f"{self.name}-{self.count}"

    def some(self, most: int) -> list[str]:
        """Some of its people, at most so many."""
        return self.chance.sample(self.people, min(len(self.people), self.chance.randint(1, most)))


def desk_for(ctx: Context, acks: Path, name: str, *, seed: str, people: list[str] | None = None) -> Desk:
    """A writer's desk; what it does follows from the seed."""
    return Desk(ctx, Teller(acks, name), Random(seed), name, list(people or ()))
