"""Where the demo plays: its folders, a clock that starts 45 days ago, and the files the shop hands in."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imp_core.clock import DAY_US, SimulatedClock
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.randomness import SeededRandomness
from imp_demo.dice import Dice
from imp_demo.shop import DAYS

__all__ = ["Stage", "free_folder", "set_stage"]


@dataclass
class Stage:
    """The context every command gets, the simulated clock in it, and chance that repeats with the seed."""

    ctx: Context
    clock: SimulatedClock
    dice: Dice
    folder: Path
    seed: int
    start_us: int
    next_id: int = 1
    salts: SeededRandomness = field(init=False)

    def __post_init__(self) -> None:
        self.salts = SeededRandomness(self.seed + 1)

    @property
    def workspace(self) -> Path:
        """Where the workspace is."""
        return self.folder / "workspace"

    @property
    def keys(self) -> Path:
        """Where its keys are: beside, not inside."""
        return self.folder / "keys"

    @property
    def inputs(self) -> Path:
        """The shop's exports: they hold identifiers, so each is removed once it was taken in."""
        return self.folder / "inputs"

    def day(self, number: float) -> int:
        """The time `number` days after the start, in UTC microseconds."""
        return self.start_us + int(number * DAY_US)

    def salt(self) -> str:
        """A salt for an experiment file."""
        return self.salts.token(8).hex()

    def beside(self, name: str) -> Context:
        """A context on a copy of the workspace, with the same keys."""
        environ = {**self.ctx.environ, "IMP_HOME": str(self.folder / name)}
        return Context(environ=environ, directory=self.folder, clock=self.clock, chosen_actor=self.ctx.actor)


def free_folder(directory: Path) -> Path:
    """The first of imp-demo, imp-demo-2, … that is not there yet: whoever went on in an earlier one keeps it."""
    names = itertools.chain(["imp-demo"], (f"imp-demo-{number}" for number in itertools.count(2)))
    return next(directory / name for name in names if not (directory / name).exists())


def set_stage(folder: Path, *, seed: int, now_us: int, environ: Mapping[str, str]) -> Stage:
    """Prepare a folder; one that holds anything, an earlier demo included, is left alone.

    Raises:
        BadInput: the folder is not empty.
    """
    folder = folder.absolute()
    if folder.exists() and any(folder.iterdir()):
        raise BadInput("the folder is not empty", where=str(folder), mend="choose another one: --dir DIR")
    (folder / "inputs").mkdir(mode=0o700, parents=True)
    clock = SimulatedClock(now_us - DAYS * DAY_US)
    randomness = SeededRandomness(seed)
    ctx = Context(
        environ={**environ, "IMP_HOME": str(folder / "workspace"), "IMP_KEYS": str(folder / "keys")},
        directory=folder,
        clock=clock,
        randomness=randomness,
        chosen_actor="demo",
    )
    people = Dice(SeededRandomness(seed + 2))
    return Stage(ctx=ctx, clock=clock, dice=people, folder=folder, seed=seed, start_us=clock.now_us())
