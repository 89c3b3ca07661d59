"""Events of an archive, and the same figures of them twice: by `measure`, and by SQL written by hand.

A million people are exposed once or twice over twenty days, nine events follow or precede: visits, orders with an
amount, and others. Every twentieth withdrew, half of them before they were exposed; one in a thousand met two variants.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import duckdb

from imp_core.clock import DAY_US
from imp_experiments.design.parse import parse_experiment
from imp_experiments.measure.archive import measure, needed

__all__ = ["events_by_hand", "events_measured", "write_events"]

_FIRST: Final = 20_454 * DAY_US
_AS_OF: Final = _FIRST + 60 * DAY_US
_SIZE: Final = 5_000_000
_FOREVER: Final = 2**62
_EXPERIMENT: Final = parse_experiment(
    b"""
name = "benchmark"
hypothesis = "It costs what it must"
purpose = "experimentation"
unit = "subject"
salt = "9c1d6c0c0f7e4a51"
namespace = "benchmark"
traffic = 1.0
trigger = "send.decided"
control = "a"
[plan]
horizon = "40d"
[[variants]]
name = "a"
weight = 1
[[variants]]
name = "b"
weight = 1
[[metrics]]
name = "visit"
role = "primary"
kind = "proportion"
event = "visit"
value = "any"
window = "14d"
[[metrics]]
name = "spend"
role = "secondary"
kind = "mean"
event = "order"
value = "amount"
window = "14d"
[[metrics]]
name = "orders"
role = "secondary"
kind = "mean"
event = "order"
value = "count"
window = "14d"
where = { channel = "web" }
""",
    file="benchmark",
)
_WINDOW: Final = 14 * DAY_US


class Figures(NamedTuple):
    """By variant and day n, sums, squares and largest squares; and what the readout says beside of the units.

    `left_out`: units that are out, by reason; `pairs`: those in two variants, by these; `early`: exposed before the
    start; `other_phases`: people exposed in another phase; `faults`: nothing if no order of a unit that is in lacks
    its amount or is in another currency than the rest.
    """

    cells: dict[tuple[str, int], tuple[float, ...]]
    left_out: dict[str, int]
    pairs: dict[str, int]
    early: int
    other_phases: int
    faults: int


def write_events(path: Path, units: int) -> None:
    """A database with the tables `events` (ten a unit) and `closed`."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("SELECT setseed(0.5)")
        connection.execute(
            f"CREATE TABLE person AS SELECT (hash(range) >> 2)::BIGINT AS subject, range AS number, {_FIRST} +"
            f" (random() * {20 * DAY_US})::BIGINT AS met_us, if(random() < .5, 'a', 'b') AS variant FROM range({units})"
        )
        exposure = "'exposure' AS type, subject, {at} AS event_us, 1000 + number AS intake_seq, NULL AS channel,"
        exposure += " NULL AS name, 'benchmark' AS experiment, 1 AS phase, {variant} AS variant, NULL AS stratum,"
        exposure += " NULL AS amount_micros, NULL AS currency, NULL AS quantity FROM person"
        other = "CASE WHEN number % 500 = 0 THEN if(variant = 'a', 'b', 'a') ELSE variant END"
        connection.execute(
            f"CREATE TABLE events AS SELECT * FROM (SELECT {exposure.format(at='met_us', variant='variant')}"
            f" UNION ALL SELECT {exposure.format(at=f'met_us + {DAY_US}', variant=other)} WHERE number % 2 = 0"
            " UNION ALL SELECT 'outcome', subject, event_us, 1000 + number, if(chance < .5, 'web', 'store'),"
            " CASE WHEN kind < .5 THEN 'visit' WHEN kind < .6 THEN 'order' ELSE 'page' END AS name, NULL, NULL, NULL,"
            " NULL, CASE WHEN kind >= .5 AND kind < .6 THEN (10 + chance * 90)::BIGINT * 1000000 END,"
            " CASE WHEN kind >= .5 AND kind < .6 THEN 'EUR' END, NULL"
            f" FROM (SELECT subject, number, met_us + ((random() - .2) * {30 * DAY_US})::BIGINT AS event_us,"
            " random() AS chance, random() AS kind FROM person, range(9)))"
        )
        connection.execute(
            f"CREATE TABLE closed AS SELECT subject, {_FIRST} + (number // 20 % 2) * {10 * DAY_US} AS from_us,"
            f" {_FOREVER} AS to_us, number AS from_seq, {_FOREVER} AS to_seq, 'withdrawn' AS reason FROM person"
            " WHERE number % 20 = 0"
        )


def events_measured(connection: duckdb.DuckDBPyConnection) -> Figures:
    """What the readout takes from an archive, by the project; on a cursor, whose tables go with it as a use's do."""
    columns = ", ".join(needed(_EXPERIMENT))
    with connection.cursor() as opened:
        found = measure(
            opened.sql(f"SELECT {columns} FROM archive.events"),
            opened.sql("SELECT * FROM archive.closed"),
            _EXPERIMENT,
            phase=1,
            as_of_us=_AS_OF,
            size=_SIZE,
            started_us=_FIRST,
            zone=ZoneInfo("UTC"),
        )
    return Figures(
        cells={
            (cell.variant, int(cell.day or 0)): (
                cell.n,
                *(round(value) for value in (*cell.sums, *cell.squares, *cell.farthest[1:])),
            )
            for cell in found.moments.cells
        },
        left_out=dict(found.left_out),
        pairs=dict(found.pairs),
        early=found.early,
        other_phases=found.other_phases,
        faults=sum(found.gaps.values()) + len(found.mixed),
    )


def events_by_hand(connection: duckdb.DuckDBPyConnection) -> Figures:
    """The same by one query, as somebody would write it who knows that the shop sells in euros and has no strata."""
    rows = connection.execute(_BY_HAND).fetchall()
    cells: dict[tuple[str, int], tuple[float, ...]] = {}
    left_out: dict[str, int] = {}
    pairs: dict[str, int] = {}
    early = others = faults = 0
    for status, variant, other, day, n, *sums, early_here, faults_here, others_here in rows:
        others = others_here
        if status == "in":
            cells[variant, day] = (n, *(round(value) for value in sums))
            early, faults = early + early_here, faults + faults_here
            continue
        left_out[status] = left_out.get(status, 0) + n
        if status == "two_variants":
            pairs[f"{variant}+{other}"] = pairs.get(f"{variant}+{other}", 0) + n
    return Figures(cells, left_out, pairs, early, others, faults)


_BY_HAND: Final = f"""
WITH unit AS (
  SELECT subject, min(event_us) AS met_us, arg_min(intake_seq, event_us) AS seq, min(variant) AS variant,
    max(variant) AS other
  FROM archive.events WHERE type = 'exposure' AND experiment = 'benchmark' AND phase = 1 GROUP BY subject
), out AS (
  SELECT u.subject, min(reason) AS reason FROM unit u JOIN archive.closed c ON c.subject = u.subject
    AND c.from_us <= least(met_us + {_WINDOW}, {_AS_OF}) AND c.to_us > met_us
    AND c.from_seq <= {_SIZE} AND c.to_seq > seq
  GROUP BY u.subject
), judged AS (
  SELECT subject, met_us, variant, other, (met_us // {DAY_US}) AS day,
    CASE WHEN reason IS NOT NULL THEN reason WHEN variant <> other THEN 'two_variants'
      WHEN variant IN ('a', 'b') THEN 'in' ELSE 'unknown_variant' END AS status
  FROM unit LEFT JOIN out USING (subject)
), value AS (
  SELECT subject, max((name = 'visit')::INTEGER) AS visit,
    sum(CASE WHEN name = 'order' THEN amount_micros ELSE 0 END) / 1e6 AS spend,
    sum((name = 'order' AND channel = 'web')::INTEGER)::DOUBLE AS orders,
    max((name = 'order' AND (amount_micros IS NULL OR currency IS DISTINCT FROM 'EUR'))::INTEGER) AS faults
  FROM archive.events e JOIN judged j USING (subject)
  WHERE name IN ('visit', 'order') AND type <> 'exposure' AND status = 'in'
    AND event_us >= met_us AND event_us < met_us + {_WINDOW} GROUP BY subject
)
SELECT status, variant, other, day, count(*), coalesce(sum(visit), 0) AS visits, coalesce(sum(spend), 0),
  coalesce(sum(orders), 0), visits, coalesce(sum(spend * spend), 0), coalesce(sum(orders * orders), 0),
  coalesce(max(spend * spend), 0), coalesce(max(orders * orders), 0), count_if(met_us < {_FIRST}),
  coalesce(sum(faults), 0), (SELECT count(DISTINCT subject) FROM archive.events WHERE type = 'exposure'
    AND experiment = 'benchmark' AND phase <> 1)
FROM judged LEFT JOIN value USING (subject) GROUP BY ALL
"""
