"""Many processes append to one ledger at once, as fast as they can: no gap, and how long each append took.

Usage:

uv run poe campaign-processes [--processes 8] [--seconds 60] [--json]
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from benchmarks.campaign import children
from benchmarks.campaign.report import Report, arguments, publish
from benchmarks.campaign.shop import Shop, new_shop
from imp_consent.ledger.entry import Statement
from imp_consent.runtime import open_log
from imp_core.event import RawId

_WARM_UP_S = 0.3


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; 1 where an entry is missing or there is one too many."""
    parser = arguments(__doc__)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    chosen = parser.parse_args(words)
    children.preload()
    report = Report(f"{chosen.processes} processes", seed=chosen.seed)
    with report.folder(chosen.folder) as folder:
        shop = Shop(folder / "shop")
        before = children.run(lambda: _size(new_shop(shop.folder)), quiet=False)
        begin = time.monotonic() + _WARM_UP_S
        writers = [
            children.start(lambda name=f"p{number}": _append(shop, name, begin, chosen.seconds))
            for number in range(chosen.processes)
        ]
        said = [pair for writer in writers for pair in writer.join()]
        report.find("the ledger", children.run(lambda: _missing(shop, before, [seq for seq, _ in said]), quiet=False))
        _tell(report, sorted(seconds for _, seconds in said), chosen.seconds)
    return publish(report, as_json=chosen.json)


def _append(shop: Shop, name: str, begin: float, seconds: float) -> list[tuple[int, float]]:
    """One person's grant a transaction, until the time is over; the seq and the seconds of each."""
    said: list[tuple[int, float]] = []
    with shop.opened(actor=name) as ctx:
        log = open_log(ctx)
        grant = Statement(type="grant", purpose="analytics", channel="", at_us=ctx.clock.now_us())
        time.sleep(max(begin - time.monotonic(), 0.0))
        while time.monotonic() < begin + seconds:
            began = time.perf_counter()
            with log.write() as transaction:
                subject = transaction.subject_for(RawId("member", f"{name}-{len(said)}"))
                seq = transaction.append_person(subject, grant, {"actor": name})
            said.append((seq, time.perf_counter() - began))
    return said


def _size(shop: Shop) -> int:
    with shop.opened() as ctx:
        return open_log(ctx).size


def _missing(shop: Shop, before: int, seqs: list[int]) -> list[str]:
    found = [f"{problem.code} {problem.place}: {problem.sentence}" for problem in shop.verify().problems]
    if sorted(seqs) != list(range(before, before + len(seqs))):
        found.append(f"{len(seqs)} appends were answered, not with the numbers from {before} on, each once")
    size = _size(shop)
    if size != before + len(seqs):
        found.append(f"{before + len(seqs)} entries were answered, there are {size}")
    return found


def _tell(report: Report, seconds: Sequence[float], wall: float) -> None:
    report.add("appends", len(seconds))
    report.figures["appends a second"] = round(len(seconds) / wall)
    for name, share in (("p50", 0.5), ("p99", 0.99), ("longest", 1.0)):
        report.figures[f"{name}, ms"] = round(1000 * seconds[min(int(len(seconds) * share), len(seconds) - 1)], 2)
    report.figures["processors"] = os.cpu_count() or 0


if __name__ == "__main__":
    sys.exit(main())
