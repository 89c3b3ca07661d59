"""The gate's own speed: one decision, warm and cold, and the set form over many events.

    point     a decision of the runtime's gate about somebody it was asked about before, nothing committed since: µs,
              and beside it a plain dict look-up by the same key
    cold      a decision about somebody else each time: a snapshot, the rows with their MACs
    set       what experiments aggregate, over the archive's Parquet file: count, sum and sum of squares of what each
              person did, by variant; of the rows that pass the gate twice (`units_sql`) against all rows
    set rows  the same row by row (`PASSING_SQL`)
    set flat  sums by variant row by row, where the aggregate without a gate looks at no person at all

The archive holds events of people of whom nine in ten permitted before all of them, one in twenty in the middle, and
one in twenty withdrew in the middle. Usage:

uv run python benchmarks/gate.py [--events 10000000] [--people 1000000] [--points 100000] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from imp_consent.gate import PASSING_SQL, RECTANGLES, ConsentGate, stage, units_sql
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.log import Log, create_log
from imp_consent.ledger.tables import FOREVER_SEQ, FOREVER_US
from imp_consent.policy.project import project
from imp_core.clock import DAY_US, SystemClock
from imp_core.event import RawId
from imp_core.gate import Action, Use
from imp_core.randomness import SeededRandomness

_PURPOSE = "marketing.email"
_FIRST_US = 1_760_000_000_000_000
_MIDDLE_US, _LAST_US = _FIRST_US + 15 * DAY_US, _FIRST_US + 30 * DAY_US
_SIZE = 6_000_000
_RUNS = 5
_SELECTED = "variant, sum(value) AS total"
_ALL_UNITS = f"SELECT subject, {_SELECTED} FROM {{rows}} GROUP BY ALL"
_UNITS = "SELECT variant, count(*), sum(total), sum(total * total) FROM ({units}) GROUP BY variant"
_FLAT = "SELECT variant, count(*), sum(value), sum(value * value) FROM {rows} GROUP BY variant"


def points(folder: Path, people: int, count: int) -> dict[str, float]:
    """µs of a decision, and of a look-up in a dict."""
    keyring = Keyring.create(folder / "keys", "log-1")
    create_log(folder / "ledger.db", keyring, "log-1")
    log = Log(
        folder / "ledger.db", keyring, log_id="log-1", clock=SystemClock(), randomness=SeededRandomness(1),
        actor="benchmark", projection=project,
    )  # fmt: skip
    with log.write() as transaction:
        subjects = [transaction.subject_for(RawId("member", f"m{number}")) for number in range(people)]
        for number, subject in enumerate(subjects):
            grant = Statement(type="grant", purpose=_PURPOSE, channel="", at_us=_FIRST_US)
            transaction.append_person(subject, grant, {})
            if number % 3 == 0:
                no = Statement(type="withdraw", purpose="*", channel="sms", at_us=_FIRST_US + number)
                transaction.append_person(subject, no, {})
    log.checkpoint()
    gate = ConsentGate(lambda: log)
    uses = [
        Use(purpose=_PURPOSE, action=Action.ACTIVATE, subject=subject, channel=("email", "sms")[number % 2])
        for number, subject in enumerate(subjects)
    ]
    cold = timed(lambda: [gate.decide(use, at_us=_LAST_US) for use in uses]) / people
    asked = [uses[number % people] for number in range(count)]
    plain = {(use.subject, use.purpose, use.channel): gate.decide(use, at_us=_LAST_US) for use in uses}
    warm = fastest(lambda some: [gate.decide(use, at_us=_LAST_US) for use in some], asked)
    looked_up = fastest(lambda some: [plain[use.subject, use.purpose, use.channel] for use in some], asked)
    assert all(gate.decide(use, at_us=_LAST_US) == plain[use.subject, use.purpose, use.channel] for use in uses)
    log.close()
    return {
        "point_us": warm * 1e6,
        "dict_us": looked_up * 1e6,
        "point_ratio": warm / looked_up,
        "cold_us": cold * 1e6,
    }


def sets(folder: Path, events: int, people: int) -> dict[str, float]:
    """Seconds of the aggregates with the gate and without, in turn, and their ratios."""
    random = np.random.default_rng(1)
    subjects = random.integers(1, 2**62, people)
    with duckdb.connect() as connection:
        connection.register("person", pa.table({"subject": subjects, "number": np.arange(people)}))
        path = folder / "archive.parquet"
        connection.execute(
            f"COPY (SELECT p.subject, {_FIRST_US} + (random() * {30 * DAY_US})::BIGINT AS event_us,"
            f" {_SIZE - 1000} + (random() * 999)::BIGINT AS intake_seq, p.number % 3 AS variant, random() AS value,"
            f" uuid()::VARCHAR AS event_id FROM range({events}) r"
            f" JOIN person p ON p.number = (r.range * 7919) % {people})"
            f" TO '{path}' (COMPRESSION zstd)"
        )
        connection.execute(f"CREATE VIEW archive_row AS SELECT * FROM read_parquet('{path}')")
        allowed = _rectangles(subjects, random)
        staged = timed(lambda: stage(connection, allowed, read_us=_LAST_US, n=_SIZE))
        found = {"stage_s": staged}
        plain_units = _UNITS.format(units=_ALL_UNITS.format(rows="archive_row"))
        queries = {
            "set": (plain_units, _UNITS.format(units=units_sql(_SELECTED))),
            "set_rows": (plain_units, _UNITS.format(units=_ALL_UNITS.format(rows=f"({PASSING_SQL})"))),
            "set_flat": (_FLAT.format(rows="archive_row"), _FLAT.format(rows=f"({PASSING_SQL})")),
        }
        for name, (without, with_gate) in queries.items():
            plain, gated, ratios = [], [], []
            for _ in range(_RUNS):
                plain.append(timed(partial(_run, connection, without)))
                gated.append(timed(partial(_run, connection, with_gate)))
                ratios.append(gated[-1] / plain[-1])
            found |= {
                f"{name}_s": statistics.median(gated),
                f"{name}_plain_s": statistics.median(plain),
                f"{name}_ratio": statistics.median(ratios),
            }
    return found


def _rectangles(subjects: np.ndarray, random: np.random.Generator) -> pa.Table:
    chance = random.random(len(subjects))
    rows: list[tuple[int, int, int, int, int, bool, str]] = []
    before = _FIRST_US - DAY_US
    for number, (subject, drawn) in enumerate(zip(subjects.tolist(), chance.tolist(), strict=True)):
        if drawn < 0.9:
            rows.append((subject, before, FOREVER_US, number + 1, FOREVER_SEQ, True, "given"))
        elif drawn < 0.95:
            rows.append((subject, _MIDDLE_US, FOREVER_US, number + 1, FOREVER_SEQ, True, "given"))
        else:
            known = _SIZE - 500
            rows.append((subject, before, FOREVER_US, number + 1, known, True, "given"))
            rows.append((subject, before, _MIDDLE_US, known, FOREVER_SEQ, True, "given"))
            rows.append((subject, _MIDDLE_US, FOREVER_US, known, FOREVER_SEQ, False, "withdrawn"))
    columns = list(zip(*rows, strict=True))
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, RECTANGLES, strict=True)], RECTANGLES
    )


def _run(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    connection.execute(query).fetchall()


def fastest(ask: Callable[[list[Use]], object], asked: list[Use]) -> float:
    """Seconds of one question, of the fastest thousand: what others do on this machine meanwhile is not ours."""
    ask(asked)
    return min(timed(partial(ask, asked[n : n + 1000])) for n in range(0, len(asked), 1000)) / 1000


def timed(function: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--people", type=int, default=1_000_000, help="in the archive")
    parser.add_argument("--points", type=int, default=100_000, help="decisions asked of the point form")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = points(Path(name), 2_000, chosen.points) | sets(Path(name), chosen.events, chosen.people)
    if chosen.json:
        print(json.dumps({key: round(value, 3) for key, value in found.items()}))
        return
    print(f"point     {found['point_us']:8.2f} µs   dict {found['dict_us']:.3f} µs   ratio {found['point_ratio']:.0f}")
    print(f"cold      {found['cold_us']:8.2f} µs")
    for name in ("set", "set_rows", "set_flat"):
        line = f"{found[f'{name}_s']:8.2f} s    without {found[f'{name}_plain_s']:.2f} s"
        print(f"{name:<9} {line}   ratio {found[f'{name}_ratio']:.2f}")
    print(f"stage     {found['stage_s']:8.2f} s    once a use, before the first aggregate")


if __name__ == "__main__":
    main()
