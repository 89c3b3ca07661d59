"""Disk full, and a fault at each write and fsync: our error or the answer, nothing lost, and the next command works.

Each deed is done once under strace(1) to number its calls; then again on fresh copies, each time with another call
failing: writes with ENOSPC or EIO, fsyncs with EIO, renames and unlinks with EIO; once, or from there on. Besides,
SQLite is given no more pages than so many (`max_page_count`). Usage:

    uv run poe campaign-disk [--faults N] [--only NAME] [--json]
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.campaign import children
from benchmarks.campaign.check import aftermath
from benchmarks.campaign.children import Crashed
from benchmarks.campaign.deeds import DEEDS, do
from benchmarks.campaign.furnished import Furnished, furnish
from benchmarks.campaign.report import Report, arguments, publish
from benchmarks.campaign.trace import attach, can_trace
from imp_core.errors import ImpError

# What each call may fail with.
FAULTS: Final = {
    "write": ("ENOSPC", "EIO"),
    "pwrite64": ("ENOSPC", "EIO"),
    "fsync": ("EIO",),
    "fdatasync": ("EIO",),
    "ftruncate": ("EIO",),
    "rename": ("EIO",),
    "unlink": ("EIO",),
    "mkdir": ("ENOSPC",),
}
_LINE = re.compile(r"\d+ +(?P<name>\w+)\((?P<arguments>.*)")
_ENOUGH = 20  # problems, after which nothing more is tried
_PAGES = 12  # pages more, at most, in the trials of a full database


@dataclass(frozen=True, slots=True)
class _Fault:
    deed: str
    call: str
    number: int
    error: str
    lasting: bool

    @property
    def words(self) -> list[str]:
        """What strace is told."""
        when = f"{self.number}{'+' if self.lasting else ''}"
        return ["-e", f"inject={self.call}:error={self.error}:when={when}"]

    def __str__(self) -> str:
        return f"{self.deed}, {self.call} {self.number}{' and on' if self.lasting else ''}: {self.error}"


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; 1 where anything was lost, 2 where nothing can be traced here."""
    parser = arguments(__doc__)
    parser.add_argument("--faults", type=int, default=0, help="how many, drawn at random (default: every one)")
    parser.add_argument("--deeds", nargs="+", choices=list(DEEDS), default=list(DEEDS))
    parser.add_argument("--only", default="", help="those whose name holds this, such as: ingest, fdatasync")
    chosen = parser.parse_args(words)
    why = can_trace()
    if why is not None:
        sys.stderr.write(f"no fault can be made here: {why}\n")
        return 2
    children.preload()
    report = Report("disk full and faults", seed=chosen.seed)
    with report.folder(chosen.folder) as folder:
        ready = furnish(folder / "ready")
        faults = [fault for deed in chosen.deeds for fault in _faults(ready.copy(folder / "counted"), deed)]
        report.add("faults possible", len(faults))
        faults = [fault for fault in faults if chosen.only in str(fault)]
        pages = [(deed, more) for deed in chosen.deeds for more in range(0 if chosen.only else _PAGES)]
        if chosen.faults:
            chance = Random(chosen.seed)
            faults = chance.sample(faults, min(chosen.faults, len(faults)))
            pages = chance.sample(pages, min(chosen.faults // 2, len(pages)))
        for fault in faults:
            _try(ready, folder, report, str(fault), fault.deed, words=fault.words)
        for deed, more in pages:
            _try(ready, folder, report, f"{deed}, {more} pages more", deed, pages=more)
    return publish(report, as_json=chosen.json)


def _faults(counted: Furnished, deed: str) -> Iterator[_Fault]:
    """Every fault a deed can meet in its own files."""
    output = counted.shop.folder / "trace"
    names = ",".join(FAULTS)
    _traced(["strace", "-f", "-y", "-o", str(output), "-e", f"trace={names}"], _doing(counted, deed))
    counts = dict.fromkeys(FAULTS, 0)
    for line in output.read_text(encoding="utf-8", errors="replace").splitlines():
        found = _LINE.match(line)
        if found is None or found["name"] not in FAULTS:
            continue
        counts[found["name"]] += 1
        if str(counted.shop.folder) in found["arguments"]:
            for error in FAULTS[found["name"]]:
                for lasting in (False, True):
                    yield _Fault(deed, found["name"], counts[found["name"]], error, lasting)


def _try(
    ready: Furnished, folder: Path, report: Report, place: str, deed: str, *, words: list[str] | None = None,
    pages: int | None = None,
) -> None:  # fmt: skip
    """Do a deed that meets a fault; then hold everything that was told against what is there."""
    if len(report.problems) >= _ENOUGH:
        return
    trial = ready.copy(folder / "trial")
    work = _doing(trial, deed, pages=pages)
    try:
        said = children.run(work) if words is None else _traced(["strace", "-f", "-o", os.devnull, *words], work)
        report.add("answered all the same" if said["done"] else "refused with an error of ours", 1)
    except Crashed as crash:
        report.find(place, [str(crash)])
    report.add("faults", 1)
    report.find(place, aftermath(trial.shop, folder / "after-acks", trial.attempts()))
    report.progress(place)


def _doing(trial: Furnished, deed: str, *, pages: int | None = None) -> Callable[[], object]:
    def work() -> dict[str, Any]:
        desk = trial.desk(deed)
        try:
            if pages is not None:
                with desk.log.read() as reader:
                    (now,) = reader.sql.execute("PRAGMA page_count").fetchone()
                    reader.sql.execute(f"PRAGMA max_page_count = {now + pages}")
            do(desk, deed)
            desk.ctx.close()
        except ImpError as error:
            return {"done": False, "why": str(error)}
        return {"done": True}

    return work


def _traced(words: list[str], work: Callable[[], object]) -> Any:  # noqa: ANN401 (the work's answer)
    """Do a piece of work in a process that strace attaches to before it begins.

    Raises:
        Crashed: as `children.run`.
    """
    waiting, going = os.pipe()

    def held() -> object:
        os.close(going)
        os.read(waiting, 1)
        return work()

    child = children.start(held)
    os.close(waiting)
    tracer = attach(child, words)
    os.close(going)
    try:
        return child.join()
    finally:
        tracer.communicate()


if __name__ == "__main__":
    sys.exit(main())
