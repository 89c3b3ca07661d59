"""The gate's own speed: one decision, warm and cold, and the set form over many events.

    point     a decision of the runtime's gate about somebody it was asked about before, nothing committed since: µs,
              and beside it a plain dict look-up by the same key
    cold      a decision about somebody else each time: a snapshot, the rows with their MACs
    set       what experiments aggregate, over the archive's Parquet file: count, sum and sum of squares of what each
              person did, by variant; of the rows that pass the gate twice, as the view reads them, against all rows
    set flat  sums by variant row by row, where the aggregate without a gate looks at no person at all
    stage     what asks the gate, once a use, before the first aggregate; the rest only reads what it found

Aggregates are run in turn, without the gate and with it, on one connection: the ratio is the median of the pairs',
with the lowest and the highest; seconds are medians. CPU seconds say the same where others work beside.

The archive holds events of people of whom 85 in a hundred permitted before all of them and 5 renewed their consent
since; 3 permitted, 3 withdrew and of 2 the notice changed materially in the middle, of whom one consented again; of 2
nothing is known (`usual`). With `--everybody-changes`, nobody's permission holds throughout: half withdrew in the
middle and gave again a day later, half permitted in the middle (`hard`). Usage:

uv run python benchmarks/gate.py [--events 10000000] [--people 1000000] [--points 100000] [--pairs 9]
                                 [--everybody-changes] [--json]
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

from imp_consent.gate import ConsentGate
from imp_consent.gate.frames import PERMITTED_SQL, RECTANGLES
from imp_consent.gate.stage import stage
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.layout import FOREVER_SEQ, FOREVER_US
from imp_consent.ledger.log import Log, create_log
from imp_consent.policy.project import project
from imp_core.clock import DAY_US, SystemClock
from imp_core.event import RawId
from imp_core.gate import Action, Use
from imp_core.randomness import SeededRandomness

_PURPOSE = "marketing.email"
_FIRST_US = 1_760_000_000_000_000
_MIDDLE_US, _LAST_US = _FIRST_US + 15 * DAY_US, _FIRST_US + 30 * DAY_US
_SIZE = 6_000_000
_UNITS = (
    "SELECT variant, count(*), sum(total), sum(total * total)"
    " FROM (SELECT subject, variant, sum(value) AS total FROM {rows} GROUP BY ALL) GROUP BY variant"
)
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
    cold = timed(lambda: [gate.decide(use, at_us=_LAST_US) for use in uses])[0] / people
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


def sets(folder: Path, events: int, people: int, pairs: int, rectangles: Callable[..., pa.Table]) -> dict[str, float]:
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
        allowed = rectangles(subjects, random)
        staged = []
        wall, busy = timed(lambda: staged.append(stage(connection, allowed, read_us=_LAST_US, n=_SIZE)))
        staged[0].keep_passing(connection)
        passing = f"({staged[0].untested_sql('archive_row')} UNION ALL {PERMITTED_SQL})"
        found = {"stage_s": wall, "stage_cpu_s": busy}
        for name, query in (("set", _UNITS), ("set_flat", _FLAT)):
            plain = partial(_run, connection, query.format(rows="archive_row"))
            gated = partial(_run, connection, query.format(rows=passing))
            found |= {f"{name}_{key}": value for key, value in _in_turn(plain, gated, pairs).items()}
    return found


def _in_turn(plain: Callable[[], object], gated: Callable[[], object], pairs: int) -> dict[str, float]:
    without, with_gate = [], []
    for number in range(pairs + 1):
        one, other = timed(plain), timed(gated)
        if number:  # the first pair warms up
            without.append(one)
            with_gate.append(other)
    ratios = [other[0] / one[0] for one, other in zip(without, with_gate, strict=True)]
    return {
        "s": statistics.median(wall for wall, _ in with_gate),
        "plain_s": statistics.median(wall for wall, _ in without),
        "ratio": statistics.median(ratios),
        "ratio_lowest": min(ratios),
        "ratio_highest": max(ratios),
        "ratio_cpu": statistics.median(other[1] / one[1] for one, other in zip(without, with_gate, strict=True)),
    }


_Rows = list[tuple[int, int, int, int, int, bool, str]]


def usual(subjects: np.ndarray, random: np.random.Generator) -> pa.Table:
    """Rectangles of people most of whom permit throughout."""
    chance = random.random(len(subjects))
    rows: _Rows = []
    before, known = _FIRST_US - DAY_US, _SIZE - 500
    for number, (subject, drawn) in enumerate(zip(subjects.tolist(), chance.tolist(), strict=True)):
        if drawn < 0.85:
            rows.append((subject, before, FOREVER_US, number + 1, FOREVER_SEQ, True, "given"))
        elif drawn < 0.90:
            rows += _then(subject, number + 1, known, permit=True, reason="given")
        elif drawn < 0.93:
            rows.append((subject, _MIDDLE_US, FOREVER_US, number + 1, FOREVER_SEQ, True, "given"))
        elif drawn < 0.96:
            rows += _then(subject, number + 1, known, permit=False, reason="withdrawn")
        elif drawn < 0.98:
            rows.append((subject, before, _MIDDLE_US, number + 1, FOREVER_SEQ, True, "given"))
            again = _MIDDLE_US + DAY_US if drawn < 0.97 else FOREVER_US
            rows.append((subject, _MIDDLE_US, again, number + 1, FOREVER_SEQ, False, "notice_changed"))
            if again < FOREVER_US:
                rows.append((subject, again, FOREVER_US, known, FOREVER_SEQ, True, "given"))
    return _table(rows)


def hard(subjects: np.ndarray, random: np.random.Generator) -> pa.Table:
    """Rectangles of people who all changed their minds while the events happened."""
    rows: _Rows = []
    before, known = _FIRST_US - DAY_US, _SIZE - 500
    for number, (subject, drawn) in enumerate(zip(subjects.tolist(), random.random(len(subjects)), strict=True)):
        if drawn < 0.5:
            rows.append((subject, before, FOREVER_US, number + 1, known, True, "given"))
            rows.append((subject, before, _MIDDLE_US, known, FOREVER_SEQ, True, "given"))
            rows.append((subject, _MIDDLE_US, _MIDDLE_US + DAY_US, known, FOREVER_SEQ, False, "withdrawn"))
            rows.append((subject, _MIDDLE_US + DAY_US, FOREVER_US, known, FOREVER_SEQ, True, "given"))
        else:
            rows.append((subject, _MIDDLE_US, FOREVER_US, number + 1, FOREVER_SEQ, True, "given"))
    return _table(rows)


def _then(subject: int, seq: int, known: int, *, permit: bool, reason: str) -> _Rows:
    """Somebody who permitted, of whom it is known since then that they said something else in the middle."""
    before = _FIRST_US - DAY_US
    return [
        (subject, before, FOREVER_US, seq, known, True, "given"),
        (subject, before, _MIDDLE_US, known, FOREVER_SEQ, True, "given"),
        (subject, _MIDDLE_US, FOREVER_US, known, FOREVER_SEQ, permit, reason),
    ]


def _table(rows: _Rows) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, RECTANGLES, strict=True)], RECTANGLES
    )


def _run(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    connection.execute(query).fetchall()


def fastest(ask: Callable[[list[Use]], object], asked: list[Use]) -> float:
    """Seconds of one question, of the fastest thousand: what others do on this machine meanwhile is not ours."""
    ask(asked)
    return min(timed(partial(ask, asked[n : n + 1000]))[0] for n in range(0, len(asked), 1000)) / 1000


def timed(function: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the wall, and of this process on all processors."""
    began, busy = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - began, time.process_time() - busy


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--people", type=int, default=1_000_000, help="in the archive")
    parser.add_argument("--points", type=int, default=100_000, help="decisions asked of the point form")
    parser.add_argument("--pairs", type=int, default=9, help="with the gate and without, in turn")
    parser.add_argument("--everybody-changes", action="store_true", help="while the events happen")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = points(Path(name), 2_000, chosen.points) | sets(
            Path(name), chosen.events, chosen.people, chosen.pairs, hard if chosen.everybody_changes else usual
        )
    if chosen.json:
        print(json.dumps({key: round(value, 3) for key, value in found.items()}))
        return
    print(f"point     {found['point_us']:8.2f} µs   dict {found['dict_us']:.3f} µs   ratio {found['point_ratio']:.0f}")
    print(f"cold      {found['cold_us']:8.2f} µs")
    for name in ("set", "set_flat"):
        seconds = f"{found[f'{name}_s']:8.2f} s    without {found[f'{name}_plain_s']:.2f} s"
        spread = f"({found[f'{name}_ratio_lowest']:.2f} to {found[f'{name}_ratio_highest']:.2f})"
        ratio = f"ratio {found[f'{name}_ratio']:.2f} {spread}, of CPU {found[f'{name}_ratio_cpu']:.2f}"
        print(f"{name:<9} {seconds}   {ratio}")
    print(f"stage     {found['stage_s']:8.2f} s    CPU {found['stage_cpu_s']:.2f} s, once a use")


if __name__ == "__main__":
    main()
