"""Power loss: a run is recorded call by call; then the power is cut after any of its calls, as often as wanted.

strace(1) records every write, fsync, rename and unlink of a process at work on a shop. For a cut, the disk is rebuilt
as it may be found: what was fsynced is certain, everything else is dropped, kept or torn at random (`platter.py`). The
shop must open, `imp audit verify` find nothing, every deed answered before the cut be there, and none by half; then
the commands go on. The shared-memory index of SQLite is left out: a machine that starts again has none.
`--forget-syncs` cuts the power of a disk that syncs nothing: what is found then shows that the campaign sees. Usage:

    uv run poe campaign-power [--cuts 600] [--deeds 120] [--forget-syncs] [--json]
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.campaign import children
from benchmarks.campaign.acks import read_attempts
from benchmarks.campaign.check import aftermath
from benchmarks.campaign.deeds import desk_for, do
from benchmarks.campaign.platter import HABITS, Platter
from benchmarks.campaign.report import Report, arguments, publish
from benchmarks.campaign.shop import Shop, new_shop
from benchmarks.campaign.trace import Call, attach, can_trace, parse_trace, tracing

WEIGHTS: Final = {
    "append": 4, "record": 5, "import": 2, "ingest": 3, "accept": 4, "compact": 2, "request": 1, "erase": 3,
    "ratchet": 2, "readout": 2, "checkpoint": 2,
}  # fmt: skip
_RUNS = 4  # recordings that the cuts are spread over


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; 1 where anything was lost, 2 where nothing can be traced here."""
    parser = arguments(__doc__)
    parser.add_argument("--cuts", type=int, default=600)
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
        for number in range(chosen.runs):
            if report.problems:
                break
            calls, platter = _record(template, folder, f"run{number}", deeds=chosen.deeds, seed=chosen.seed)
            report.add("calls recorded", len(calls))
            if chosen.forget_syncs:
                calls = [call for call in calls if call.name not in {"fsync", "fdatasync"}]
            _cut(folder, calls, platter, report, chance, cuts=chosen.cuts // chosen.runs)
    return publish(report, as_json=chosen.json)


def _record(template: Shop, folder: Path, name: str, *, deeds: int, seed: int) -> tuple[list[Call], Platter]:
    """Let a process work under strace; what it called, and the disk as it was before."""
    shop, acks, output = template.copy(folder / name), folder / "acks", folder / "trace"
    acks.unlink(missing_ok=True)
    platter = Platter((shop.root, shop.keys))
    waiting, going = os.pipe()

    def work() -> None:
        os.close(going)
        os.read(waiting, 1)
        desk = desk_for(shop.context(), acks, name, seed=f"{seed} {name}")
        for _ in range(deeds):
            do(desk, desk.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0])
        desk.ctx.close()

    child = children.start(work)
    os.close(waiting)
    tracer = attach(child, tracing(output))
    os.write(going, b"!")
    os.close(going)
    child.join()
    _, said = tracer.communicate()
    if tracer.returncode:
        raise OSError(f"strace failed: {said.decode(errors='replace')}")
    shop.remove()
    return list(parse_trace(output.read_text(encoding="ascii").splitlines())), platter


def _cut(folder: Path, calls: Sequence[Call], platter: Platter, report: Report, chance: Random, *, cuts: int) -> None:
    """Cut the power after calls drawn at random, in one pass over them."""
    cut_after = sorted(chance.sample(range(len(calls)), min(cuts, len(calls))))
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
            report.find(place, aftermath(shop, folder / "cut-acks", attempts))
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
