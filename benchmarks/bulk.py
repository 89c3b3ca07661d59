"""Bulk import of consent and ingest of events through the real command line: rows a second and peak memory.

Each is shown beside a floor measured in the same run: reading the same file with the csv module and inserting its rows
into a plain SQLite table in one transaction (synchronous FULL). Usage:

    uv run python benchmarks/bulk.py [--consent 1000000] [--events 1000000] [--limit 1024]
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOW = datetime.now(UTC).replace(microsecond=0)


def imp(folder: Path, *words: str) -> tuple[float, float]:
    """Run one command line; its seconds and peak memory in MiB."""
    environ = {**os.environ, "IMP_HOME": str(folder / "workspace"), "IMP_KEYS": str(folder / "keys")}
    program = Path(sys.executable).with_name("imp")
    began = time.perf_counter()
    with subprocess.Popen([str(program), *words], env=environ, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"imp {words[0]} failed")
    return time.perf_counter() - began, used.ru_maxrss / 1024


def floor(file: Path, folder: Path) -> float:
    """Seconds to read the same rows and put them into a plain table."""
    began = time.perf_counter()
    sql = sqlite3.connect(folder / "floor.db")
    sql.execute("PRAGMA journal_mode = WAL")
    sql.execute("PRAGMA synchronous = FULL")
    with file.open(newline="", encoding="utf-8") as source:
        rows = csv.reader(source)
        header = next(rows)
        sql.execute(f"CREATE TABLE t ({', '.join(header)})")
        with sql:
            sql.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(header))})", rows)
    sql.close()
    seconds = time.perf_counter() - began
    (folder / "floor.db").unlink()
    return seconds


def consent_rows(count: int) -> Iterator[tuple[str, ...]]:
    """Every tenth refuses; each is somebody else."""
    yield ("identifier", "purpose", "state", "at")
    asked = (NOW - timedelta(days=60)).isoformat()
    for number in range(count):
        state = "refused" if number % 10 == 9 else "given"
        yield (f"email:person{number}@example.com", "experimentation", state, asked)


def event_rows(count: int, people: int) -> Iterator[tuple[str, ...]]:
    """Touchpoints of the same people and of some strangers, at ever later times."""
    yield ("type", "identifier", "at", "purpose", "id", "channel", "name")
    begin = NOW - timedelta(days=30)
    for number in range(count):
        who = number * 7919 % (people + people // 10)
        at = begin + timedelta(seconds=number)
        identifier = f"email:person{who}@example.com"
        yield ("touchpoint", identifier, at.isoformat(), "experimentation", f"e{number}", "web", "visit")


def write(path: Path, rows: Iterator[tuple[str, ...]]) -> Path:
    """Write rows as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def show(what: str, rows: int, seconds: float, memory: float, plain: float) -> None:
    """One line of the result."""
    print(
        f"{what:<16} {rows:>9,} rows  {seconds:7.1f} s  {rows / seconds:>9,.0f} rows/s  peak {memory:6.0f} MiB"
        f"  plain inserts {plain:5.1f} s  ratio {plain / seconds:5.1%}"
    )


def main() -> None:
    """Run both once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--consent", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--limit", type=int, default=1024, help="MiB that neither may exceed: else exit code 1")
    chosen = parser.parse_args()
    peaks: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        imp(folder, "init", str(folder / "workspace"), "--controller", "Benchmark")
        imp(folder, "plugin", "enable", "file")
        consent = write(folder / "consent.csv", consent_rows(chosen.consent))
        seconds, memory = imp(folder, "consent", "import", str(consent))
        peaks.append(memory)
        show("consent import", chosen.consent, seconds, memory, floor(consent, folder))
        events = write(folder / "events.csv", event_rows(chosen.events, chosen.consent))
        seconds, memory = imp(folder, "ingest", "file", str(events))
        peaks.append(memory)
        show("ingest", chosen.events, seconds, memory, floor(events, folder))
        seconds, memory = imp(folder, "audit", "verify")
        print(f"audit verify     {seconds:7.1f} s  peak {memory:6.0f} MiB")
        print(f"this process     peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    if max(peaks) > chosen.limit:
        raise SystemExit(f"more than {chosen.limit:,} MiB")


if __name__ == "__main__":
    main()
