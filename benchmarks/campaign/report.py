"""What a campaign counted and found, for people or as JSON; and the folder it works in."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Report", "arguments", "publish"]

_SHOWN = 20


@dataclass(slots=True)
class Report:
    """Counts by name, figures that are no counts, and problems, each with its place; none is the goal."""

    campaign: str
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    figures: dict[str, float | str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    kept: str | None = None
    _began: float = field(default_factory=time.perf_counter)

    def add(self, name: str, count: int) -> None:
        """Count something."""
        self.counts[name] += count

    def find(self, place: str, problems: Iterable[str]) -> None:
        """Note what is wrong at a place."""
        self.problems += [f"{place}: {problem}" for problem in problems]

    def progress(self, text: str) -> None:
        """Tell a terminal how far it is; a pipe hears nothing."""
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{text}")

    @contextmanager
    def folder(self, chosen: Path | None) -> Iterator[Path]:
        """A new folder to work in, removed at the end unless something was found: then it is evidence."""
        path = Path(tempfile.mkdtemp(prefix="campaign-", dir=chosen))
        try:
            yield path
        except BaseException:
            self.kept = str(path)
            raise
        if self.problems:
            self.kept = str(path)
        else:
            shutil.rmtree(path)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self._began


def arguments(document: str | None) -> argparse.ArgumentParser:
    """What every campaign takes."""
    parser = argparse.ArgumentParser(description=document, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="what is drawn at random follows from it")
    parser.add_argument("--folder", type=Path, help="where to work (default: the system's folder for temporary files)")
    parser.add_argument("--json", action="store_true")
    return parser


def publish(report: Report, *, as_json: bool) -> int:
    """Print it; the exit code."""
    if as_json:
        print(
            json.dumps(
                {
                    "campaign": report.campaign,
                    "seed": report.seed,
                    "seconds": round(report.seconds, 1),
                    "counts": dict(sorted(report.counts.items())),
                    "figures": report.figures,
                    "problems": report.problems,
                }
            )
        )
    else:
        print(f"{report.campaign}: seed {report.seed}, {report.seconds:.0f} s")
        for name, value in [*sorted(report.counts.items()), *report.figures.items()]:
            print(f"  {name:<44} {value:>12,}" if not isinstance(value, str) else f"  {name:<44} {value:>12}")
        print(f"  problems{len(report.problems):>49,}")
        for problem in report.problems[:_SHOWN]:
            print(f"    {problem}")
        if report.kept:
            print(f"  what was found is kept in {report.kept}")
    return 1 if report.problems else 0
