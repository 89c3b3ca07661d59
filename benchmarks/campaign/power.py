"""Power loss: a run is recorded call by call; then the power is cut after any of its calls, as often as wanted.

strace(1) records every write, fsync, rename and unlink of a process at work on a shop. For a cut, the disk is rebuilt
as it may be found: what was fsynced is certain, everything else is dropped, kept or torn at random (`platter.py`). The
shop must open, `imp audit verify` find nothing, every deed answered before the cut be there, and none by half; then
the commands go on. Then a restore is recorded, cut and run once more (`restored.py`). The shared-memory index of SQLite
is left out: a machine that starts again has none.
`--forget-syncs` cuts the power of a disk that syncs nothing: what is found then shows that the campaign sees. Usage:

    uv run poe campaign-power [--cuts 600] [--restores 120] [--deeds 120] [--forget-syncs] [--json]
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.campaign import children
from benchmarks.campaign.acks import Attempt, read_attempts
from benchmarks.campaign.check import aftermath
from benchmarks.campaign.deeds import do
from benchmarks.campaign.desk import desk_for
from benchmarks.campaign.furnished import Furnished, furnish
from benchmarks.campaign.key_deeds import KEY_DEEDS
from benchmarks.campaign.platter import HABITS
from benchmarks.campaign.recording import Recording, record
from benchmarks.campaign.report import Report, arguments, publish
from benchmarks.campaign.restored import DAMAGES, Scene, backup_of, damage, restore_told, restored, scene
from benchmarks.campaign.shop import Shop, new_shop
from benchmarks.campaign.trace import can_trace

WEIGHTS: Final = {
    "append": 8, "record": 10, "import": 4, "ingest": 6, "accept": 8, "compact": 4, "request": 2, "erase": 6,
    "ratchet": 4, "readout": 4, "checkpoint": 4, **dict.fromkeys(KEY_DEEDS, 1),
}  # fmt: skip
Check = Callable[[Shop, list[Attempt]], list[str]]  # what is wrong with a shop, of which this was told
_RUNS = 4  # recordings that the cuts are spread over


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; 1 where anything was lost, 2 where nothing can be traced here."""
    parser = arguments(__doc__)
    parser.add_argument("--cuts", type=int, default=600)
    parser.add_argument("--restores", type=int, default=120, help="cuts of a restore")
    parser.add_argument("--deeds", type=int, default=120, help="how many in each recording")
    parser.add_argument("--runs", type=int, default=_RUNS, help="how many recordings")
    parser.add_argument("--forget-syncs", action="store_true", help="a disk on which fsync does nothing")
    chosen = parser.parse_args(words)
    why = can_trace()
    if why is not None:
        sys.stderr.write(f"no power can be cut here: {why}\n")
        return 2
    children.preload()
    chance, report = Random(chosen.seed), Report("power loss", seed=chosen.seed)
    with report.folder(chosen.folder) as folder:
        template = Shop(folder / "template")
        children.run(lambda: new_shop(template.folder) and None, quiet=False)

        def check(shop: Shop, told: list[Attempt]) -> list[str]:
            return aftermath(shop, folder / "cut-acks", told)

        for number in range(chosen.runs):
            if report.problems:
                break
            recording = _record(template, folder, f"run{number}", deeds=chosen.deeds, seed=chosen.seed)
            report.add("calls recorded", len(recording.calls))
            recording = recording.kept(forget_syncs=chosen.forget_syncs)
            _cut(folder, recording, report, chance, check, cuts=chosen.cuts // chosen.runs)
        if chosen.restores and not report.problems:
            _restores(folder, report, chance, cuts=chosen.restores, forget_syncs=chosen.forget_syncs)
    return publish(report, as_json=chosen.json)


def _record(template: Shop, folder: Path, name: str, *, deeds: int, seed: int) -> Recording:
    """Let a process do deeds under strace."""
    shop, acks = template.copy(folder / name), folder / "acks"
    acks.unlink(missing_ok=True)

    def work() -> None:
        desk = desk_for(shop.context(), acks, name, seed=f"{seed} {name}")
        for _ in range(deeds):
            do(desk, desk.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0])
        desk.ctx.close()

    recording = record(shop, folder / "trace", work)
    shop.remove()
    return recording


def _record_restore(ready: Furnished, folder: Path, chance: Random, kind: str) -> tuple[Recording, Scene]:
    """Let a process restore a shop that lost its database, under strace."""
    acted = scene(ready, folder / "scene", chance)
    trial = acted.furnished.copy(folder / "restored")
    damage(trial.shop, kind)
    return record(trial.shop, folder / "trace", lambda: restore_told(trial)), acted


def _restores(folder: Path, report: Report, chance: Random, *, cuts: int, forget_syncs: bool) -> None:
    """Cut the power of restores, each of another shop, and restore it to its end."""
    ready = furnish(folder / "ready")
    kinds = list(DAMAGES)
    for number in range(min(cuts, len(kinds))):
        if not report.problems:
            recording, acted = _record_restore(ready, folder, chance, kinds[number])
            report.add("calls recorded, of restores", len(recording.calls))

            def check(shop: Shop, told: list[Attempt], acted: Scene = acted) -> list[str]:
                shutil.copyfile(backup_of(acted.furnished.shop), backup_of(shop))
                trial = Furnished(shop, folder / "cut-acks")
                return restored(trial, acted.before, [*acted.furnished.attempts(), *told])

            _cut(folder, recording.kept(forget_syncs=forget_syncs), report, chance, check, cuts=-(-cuts // len(kinds)))


def _cut(folder: Path, recording: Recording, report: Report, chance: Random, check: Check, *, cuts: int) -> None:
    """Cut the power after calls drawn at random and after the last, in one pass over them."""
    calls, platter = recording.calls, recording.platter
    cut_after = [*sorted(chance.sample(range(len(calls) - 1), min(cuts, len(calls)) - 1)), len(calls) - 1]
    habits, told = cycle(HABITS), ""
    for number, call in enumerate(calls):
        platter.replay(call)
        if call.name == "writev" and call.texts and call.texts[0].startswith(b'{"writer"'):
            told += call.texts[0].decode()
        while cut_after and cut_after[0] == number:
            cut_after.pop(0)
            habit, shop = next(habits), Shop(folder / "cut")
            platter.cut(shop.folder, chance, habit)
            attempts = read_attempts(told.splitlines())
            place = f"seed {report.seed}, after call {number} ({call.name}), {habit}"
            report.find(place, check(shop, attempts))
            report.add("cuts", 1)
            report.add(f"cuts, unsynced: {habit}", 1)
            report.add("acknowledgements held against a cut", sum(a.answer is not None for a in attempts))
            if report.problems:
                return
            report.progress(place)
            shutil.rmtree(shop.folder)
    report.add("fsyncs recorded", platter.syncs)


if __name__ == "__main__":
    sys.exit(main())
