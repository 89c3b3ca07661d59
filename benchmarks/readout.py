"""The readout's own speed, beside what a plain query takes for the same sums, and beside a peer.

    table     `analyze` of a Parquet file of units (a proportion, a mean, a ratio, all adjusted for a covariate) against
              DuckDB's plain aggregate of the same columns: count, sums, squares and the products that these need
    memory    the peak of a fresh process that does the same, above that of one that only imported the package
    tea       tea-tasting on the same file, with the same metrics: `--tea PYTHON` names an environment that has it
              (peers/tea_speed.py), by Ibis and by Narwhals, both on DuckDB; the faster counts
    events    `measure` of an archive's events (first exposures, whole units out by closed rectangles, units in two
              variants or other phases, sums inside windows, amounts missing or in other currencies, moments by variant
              and day) against SQL written by hand for the same (readout_events.py)
    first     `imp experiment analyze` of a smaller file, from the start of the process to its end

What is compared runs in turn: a ratio is the median of the pairs', with the lowest and the highest; seconds are
medians. CPU seconds say the same where others work beside. Usage:

uv run python -m benchmarks.readout [--rows 10000000] [--units 1000000] [--first-rows 1000000] [--pairs 7]
                                    [--tea PYTHON] [--folder DIR] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.readout_events import events_by_hand, events_measured, write_events
from imp_experiments import analyze

Timed = tuple[float, float]

_PEER = Path(__file__).parent / "peers" / "tea_speed.py"
_ASKED = {
    "variant": "variant",
    "control": "control",
    "proportions": ["converted"],
    "means": ["revenue"],
    "ratios": ["orders/sessions"],
    "covariates": ["revenue_before"],
}
# by DuckDB's own columns, as an analyst would write it who needs these figures alone
_PLAIN = (
    "SELECT variant, count(*), sum(converted), sum(revenue), sum(revenue * revenue), sum(orders), sum(orders * orders),"
    " sum(sessions), sum(sessions * sessions), sum(revenue_before), sum(revenue_before * revenue_before),"
    " sum(orders * sessions), sum(converted * revenue_before), sum(revenue * revenue_before),"
    " sum(orders * revenue_before), sum(sessions * revenue_before) FROM read_parquet('{path}') GROUP BY variant"
)
_PEAK = """
import imp_experiments
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
before = peak()
imp_experiments.analyze({path!r}, **{asked!r})
print(peak() - before)
"""


def write_units(path: Path, rows: int) -> Path:
    """One row a unit: heavy-tailed revenue that goes with the revenue before, orders and sessions that go together."""
    kind = "FORMAT parquet, COMPRESSION zstd" if path.suffix == ".parquet" else "FORMAT csv, HEADER"
    with duckdb.connect() as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(
            f"COPY (WITH drawn AS (SELECT range AS user_id, random() < .5 AS treated, random() AS chance,"
            f" sqrt(-2 * ln(1 - random())) AS size, random() AS turn, sqrt(-2 * ln(1 - random())) * cos(6.2831853 *"
            f" random()) AS other, 1 + (-3 * ln(1 - random()))::INTEGER AS sessions FROM range({rows}))"
            f" SELECT user_id, if(treated, 'treatment', 'control') AS variant,"
            f" (chance < if(treated, .052, .05))::INTEGER AS converted,"
            f" if(chance < .05, round(exp(3 + 1.2 * size * cos(6.2831853 * turn)), 2), 0) AS revenue,"
            f" (chance * sessions * .4)::INTEGER AS orders, sessions,"
            f" round(exp(2 + .9 * size * cos(6.2831853 * turn) + .5 * other), 2) AS revenue_before FROM drawn)"
            f" TO '{path}' ({kind})"
        )
    return path


def timed(function: Callable[[], object]) -> Timed:
    """Seconds on the wall, and of this process on all processors."""
    began, busy = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - began, time.process_time() - busy


def in_turn(plain: Callable[[], Timed], ours: Callable[[], Timed], pairs: int) -> dict[str, float]:
    """Medians of both and of their ratios; the first pair warms up."""
    found = [(plain(), ours()) for _ in range(pairs + 1)][1:]
    ratios = [ours[1] / plain[1] for plain, ours in found]
    return {
        "s": statistics.median(ours[0] for _, ours in found),
        "cpu_s": statistics.median(ours[1] for _, ours in found),
        "plain_s": statistics.median(plain[0] for plain, _ in found),
        "plain_cpu_s": statistics.median(plain[1] for plain, _ in found),
        "ratio": statistics.median(ours[0] / plain[0] for plain, ours in found),
        "ratio_cpu": statistics.median(ratios),
        "ratio_cpu_lowest": min(ratios),
        "ratio_cpu_highest": max(ratios),
    }


def table(path: Path, pairs: int) -> dict[str, float]:
    """The readout of a table against the plain aggregate, each on a connection of its own."""

    def plain() -> None:
        with duckdb.connect() as connection:
            connection.execute(_PLAIN.format(path=path)).fetchall()

    return in_turn(lambda: timed(plain), lambda: timed(lambda: analyze(path, **_ASKED)), pairs)


def memory(path: Path) -> float:
    """MiB that the readout takes at its peak, above the interpreter."""
    code = _PEAK.format(path=str(path), asked=_ASKED)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def peer(python: str, path: Path, pairs: int) -> dict[str, float]:
    """Each of the peer's ways against ours, in turn; the peer's process stays, so that it imports once."""
    found: dict[str, float] = {}
    for way in ("ibis", "narwhals"):
        words = [python, str(_PEER), way, str(path)]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

            def theirs(process: subprocess.Popen[str] = process) -> Timed:
                if process.stdin is None or process.stdout is None:
                    raise SystemExit("the peer has no pipes")
                process.stdin.write("again\n")
                process.stdin.flush()
                wall, cpu = map(float, process.stdout.readline().split())
                return wall, cpu

            run = in_turn(theirs, lambda: timed(lambda: analyze(path, **_ASKED)), pairs)
        found |= {f"tea_{way}_{key}": value for key, value in run.items()}
    return found


def first_answer(path: Path, runs: int) -> dict[str, float]:
    """Seconds of a fresh `imp experiment analyze`."""
    program = Path(sys.executable).with_name("imp")
    words = [str(program), "experiment", "analyze", str(path), "--variant", "variant", "--control", "control"]
    words += ["--proportion", "converted", "--mean", "revenue", "--ratio", "orders/sessions"]
    words += ["--covariate", "revenue_before"]
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "IMP_HOME": ""})
        taken.append(time.perf_counter() - began)
    kind = path.suffix[1:]
    return {f"first_{kind}_s": statistics.median(taken), f"first_{kind}_highest_s": max(taken)}


def events(path: Path, units: int, pairs: int) -> dict[str, float]:
    """The archive's measurement against SQL by hand; both must find the same."""
    write_events(path, units)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS archive (READ_ONLY)")
        ours, by_hand = events_measured(connection), events_by_hand(connection)
        if ours != by_hand:
            raise SystemExit("the measurement and the SQL by hand do not agree")
        return in_turn(
            lambda: timed(lambda: events_by_hand(connection)), lambda: timed(lambda: events_measured(connection)), pairs
        )


def show(name: str, found: dict[str, float], beside: str) -> None:
    """One line of the result."""
    one = {key: found[f"{name}_{key}"] for key in ("s", "cpu_s", "plain_s", "plain_cpu_s", "ratio", "ratio_cpu")}
    spread = f"({found[f'{name}_ratio_cpu_lowest']:.2f} to {found[f'{name}_ratio_cpu_highest']:.2f})"
    print(
        f"{name:<13} {one['s']:6.2f} s, CPU {one['cpu_s']:.2f} s   {beside} {one['plain_s']:.2f} s, CPU"
        f" {one['plain_cpu_s']:.2f} s   ratio {one['ratio']:.2f}, of CPU {one['ratio_cpu']:.2f} {spread}"
    )


def run(chosen: argparse.Namespace, folder: Path) -> dict[str, float]:
    """All that was asked for."""
    found: dict[str, float] = {}
    units = write_units(folder / "units.parquet", chosen.rows)
    found |= {f"table_{key}": value for key, value in table(units, chosen.pairs).items()}
    found["memory_mib"] = memory(units)
    if chosen.tea:
        found |= peer(chosen.tea, units, chosen.pairs)
    units.unlink()
    found |= {f"events_{k}": v for k, v in events(folder / "events.db", chosen.units, chosen.pairs).items()}
    for kind in ("csv", "parquet"):
        small = write_units(folder / f"first.{kind}", chosen.first_rows)
        found |= first_answer(small, chosen.pairs)
        small.unlink()
    return found


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the table of units")
    parser.add_argument("--units", type=int, default=1_000_000, help="in the archive, with ten events each")
    parser.add_argument("--first-rows", type=int, default=1_000_000, help="of the files of the first answer")
    parser.add_argument("--pairs", type=int, default=7, help="runs in turn")
    parser.add_argument("--tea", metavar="PYTHON", help="an environment with tea-tasting and Ibis on DuckDB")
    parser.add_argument("--folder", type=Path, help="where the files are written (a temporary folder if absent)")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        found = run(chosen, Path(name))
    if chosen.json:
        print(json.dumps({key: round(value, 3) for key, value in found.items()}))
        return
    show("table", found, "plain")
    print(f"memory        {found['memory_mib']:6.0f} MiB above the interpreter")
    if chosen.tea:
        show("tea_ibis", found, "theirs")
        show("tea_narwhals", found, "theirs")
    else:
        print("tea           not run: name an environment that has it with --tea PYTHON")
    show("events", found, "by hand")
    for kind in ("csv", "parquet"):
        highest = found[f"first_{kind}_highest_s"]
        print(f"first         {found[f'first_{kind}_s']:6.2f} s of {kind}, at most {highest:.2f} s")


if __name__ == "__main__":
    main()
