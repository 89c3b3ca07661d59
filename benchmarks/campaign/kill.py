"""kill -9: writers are killed at any moment, again and again; nothing that was answered may be lost or half-done.

A cycle: writers are forked from a parent that holds nothing open, work on one shop as fast as they can, and are all
killed at a random moment. Then what they were answered is read, then one snapshot of the shop, and the two compared;
`imp audit verify` looks at the whole. After some cycles somebody goes on two hours later, and nothing may be left over.
Then the next shop begins. `--sweep` kills one deed at moments spread over its length, each on a fresh copy; the last is
a restore (`restored.py`). Usage:

    uv run poe campaign-kill [--cycles 1000] [--writers 4] [--sweep 60] [--json]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.campaign import children
from benchmarks.campaign.acks import Attempt, read_attempts
from benchmarks.campaign.check import later, lost, recover, unsound
from benchmarks.campaign.children import Child, Crashed
from benchmarks.campaign.deeds import DEEDS, do_for_ever
from benchmarks.campaign.desk import desk_for
from benchmarks.campaign.furnished import furnish
from benchmarks.campaign.key_deeds import KEY_DEEDS
from benchmarks.campaign.people import consenting
from benchmarks.campaign.report import Report, arguments, publish
from benchmarks.campaign.restored import sweep_restore
from benchmarks.campaign.shop import Shop, new_shop
from benchmarks.campaign.sweep import sweep

WEIGHTS: Final = {
    "append": 16, "record": 16, "import": 4, "ingest": 6, "accept": 12, "compact": 4, "request": 4, "erase": 6,
    "ratchet": 4, "readout": 4, "checkpoint": 2, **dict.fromkeys(KEY_DEEDS, 1),
}  # fmt: skip
SWEPT: Final = (*DEEDS, "restore")
_CYCLES_A_SHOP = 25


@dataclass(slots=True)
class _Trial:
    """One shop and everything its writers told."""

    shop: Shop
    acks: Path
    told: int = 0
    attempts: list[Attempt] = field(default_factory=list)

    def read(self) -> list[Attempt]:
        """Everything told so far. Read before any snapshot."""
        self.attempts = read_attempts(self.acks.read_text(encoding="utf-8").splitlines() if self.acks.exists() else [])
        return self.attempts


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; 1 where anything was lost."""
    parser = arguments(__doc__)
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--sweep", type=int, default=60, help="kills of each deed alone (0: none)")
    parser.add_argument("--longest", type=float, default=0.4, help="seconds that a cycle's writers live at most")
    parser.add_argument("--swept", nargs="+", choices=SWEPT, default=SWEPT, help="which")
    chosen = parser.parse_args(words)
    children.preload()
    chance, report = Random(chosen.seed), Report("kill -9", seed=chosen.seed)
    with report.folder(chosen.folder) as folder:
        template = Shop(folder / "template")
        children.run(lambda: new_shop(template.folder) and None, quiet=False)
        _kill_writers(
            template, folder, report, chance, cycles=chosen.cycles, writers=chosen.writers, longest=chosen.longest
        )
        if chosen.sweep and not report.problems:
            _sweep(folder, report, chosen.swept, kills=chosen.sweep)
    return publish(report, as_json=chosen.json)


def _kill_writers(
    template: Shop, folder: Path, report: Report, chance: Random, *, cycles: int, writers: int, longest: float
) -> None:
    trial = None
    for cycle in range(cycles):
        if trial is None:
            trial = _Trial(template.copy(folder / "shop"), folder / "acks")
        lines = [
            children.start(lambda name=f"{cycle}w{number}", trial=trial: _write(trial, name, chance.random()))
            for number in range(writers)
        ]
        time.sleep(chance.uniform(0.0, longest))
        _kill(lines, report)
        attempts = trial.read()
        report.add("kills", writers)
        report.find(f"cycle {cycle}", _look(trial.shop, attempts))
        if cycle % _CYCLES_A_SHOP == _CYCLES_A_SHOP - 1 or cycle == cycles - 1 or report.problems:
            report.find(f"after cycle {cycle}", _go_on(trial, f"{cycle}end"))
            _count(report, attempts)
            if report.problems:
                return
            trial.shop.remove()
            trial.acks.unlink()
            trial = None
        report.progress(f"cycle {cycle + 1} of {cycles}")


def _write(trial: _Trial, name: str, seed: float) -> None:
    number = name.partition("w")[2]
    own = [attempt for attempt in trial.attempts if attempt.writer.partition("w")[2] == number]
    desk = desk_for(trial.shop.context(), trial.acks, name, seed=f"{seed} {name}", people=consenting(own))
    do_for_ever(desk, WEIGHTS)


def _kill(writers: Sequence[Child], report: Report) -> None:
    for writer in writers:
        writer.kill()
    for writer in writers:
        try:
            writer.join()
        except Crashed as crash:
            report.find("a writer, before it was killed", [str(crash)])


def _look(shop: Shop, attempts: list[Attempt]) -> list[str]:
    try:
        return list(children.run(lambda: lost(shop, attempts) + unsound(shop), quiet=False))
    except Crashed as crash:
        return [str(crash)]


def _go_on(trial: _Trial, name: str) -> list[str]:
    """Two hours later: recovery, then every promise once more."""

    def work() -> list[str]:
        ctx = later(trial.shop)
        desk = desk_for(ctx, trial.acks, name, seed=name)
        return recover(trial.shop, desk) + lost(trial.shop, trial.read())

    try:
        return list(children.run(work, quiet=False))
    except Crashed as crash:
        return [str(crash)]


def _count(report: Report, attempts: Sequence[Attempt]) -> None:
    for attempt in attempts:
        report.add("acknowledged" if attempt.answer is not None else "cut or refused", 1)
        report.add(f"acknowledged, {attempt.deed}", int(attempt.answer is not None))
        if attempt.failed:
            report.add(f"refused: {attempt.failed}", 1)


def _sweep(folder: Path, report: Report, swept: Sequence[str], *, kills: int) -> None:
    ready = furnish(folder / "ready")
    for deed in swept:
        if not report.problems:
            if deed == "restore":
                sweep_restore(ready, folder, report, kills=kills)
            else:
                sweep(ready, folder, report, deed, kills=kills)


if __name__ == "__main__":
    sys.exit(main())
