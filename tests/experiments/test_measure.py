"""The archive path on DuckDB and Polars alike, against an oracle of plain loops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import narwhals as nw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imp_core.clock import DAY_US
from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.design.parse import parse_experiment
from imp_experiments.measure.archive import Measurement, matured, measure
from imp_experiments.measure.inside import events_inside
from imp_experiments.measure.metric import unit_values

UTC = ZoneInfo("UTC")
SPEND = """
[[metrics]]
name = "spend"
role = "secondary"
kind = "mean"
event = "order"
value = "amount"
where = { channel = "web" }
start = "1d"
window = "5d"
[[metrics]]
name = "orders"
role = "secondary"
kind = "mean"
event = "order"
value = "count"
window = "5d"
[[metrics]]
name = "pieces"
role = "secondary"
kind = "mean"
event = "order"
value = "quantity"
window = "7d"
"""
BACKENDS = ["duckdb", "polars"]


@pytest.fixture(scope="session")
def experiment(definition: str) -> Experiment:
    return parse_experiment((definition + SPEND).encode(), file="test.toml")


@pytest.fixture(params=BACKENDS)
def measured(
    request: pytest.FixtureRequest,
    connection: duckdb.DuckDBPyConnection,
    experiment: Experiment,
    at_day: Callable[[float], int],
) -> Callable[..., Measurement]:
    def run(rows: Any, *, as_of: float = 60, size: int = 50, started: float = 0, zone: ZoneInfo = UTC) -> Measurement:
        return run_on(
            request.param,
            connection,
            rows,
            experiment,
            as_of_us=at_day(as_of),
            size=size,
            phase=1,
            started_us=at_day(started),
            zone=zone,
        )

    return run


def run_on(
    backend: str, connection: duckdb.DuckDBPyConnection, rows: Any, experiment: Experiment, **when: Any
) -> Measurement:
    frames: dict[str, Any] = rows.relations(connection)
    if backend == "polars":
        frames = {name: relation.pl().lazy() for name, relation in frames.items()}
    return measure(frames["events"], frames["closed"], experiment, permitted=frames["permitted"], **when)


def means(found: Measurement, column: str) -> dict[str, tuple[int, float | None]]:
    return {name: (s.n, s.mean) for name in "ab" if (s := found.moments.summary(column, name)).n}


def test_events_count_from_the_first_exposure_to_the_windows_end(
    rows: Any, measured: Callable[..., Measurement]
) -> None:
    for subject in range(1, 7):
        rows.expose(subject, "a", 3)
    rows.outcome(1, "visit", 2.999)  # before
    rows.outcome(2, "visit", 3)  # at the exposure
    rows.outcome(3, "visit", 9.999)
    rows.outcome(4, "visit", 10)  # the window's end is not in it
    rows.outcome(5, "order", 4)  # another event
    rows.outcome(6, "visit", 4)
    rows.outcome(6, "visit", 5)
    assert means(measured(rows), "visit") == {"a": (6, pytest.approx(3 / 6))}


def test_a_metric_has_its_own_start_window_value_and_filter(rows: Any, measured: Callable[..., Measurement]) -> None:
    rows.expose(1, "a", 0)
    rows.expose(2, "a", 0)
    order = {"amount_micros": 10_500_000, "currency": "EUR", "quantity": 2, "channel": "web"}
    rows.outcome(1, "order", 0.5, **order)  # before spend's start of one day
    rows.outcome(1, "order", 1, **order)
    rows.outcome(1, "order", 4.9, **order)
    rows.outcome(1, "order", 5, **order)  # after spend's and orders' window, inside that of pieces
    rows.outcome(1, "order", 2, **{**order, "channel": "store"})
    rows.outcome(1, "order", 2, **{**order, "channel": None})
    found = measured(rows)
    assert means(found, "spend") == {"a": (2, 21.0 / 2)}
    assert means(found, "orders") == {"a": (2, 5 / 2)}
    assert means(found, "pieces") == {"a": (2, 12 / 2)}


def test_only_the_first_exposure_opens_the_window_and_other_experiments_do_not(
    rows: Any, measured: Callable[..., Measurement]
) -> None:
    rows.expose(1, "b", 1)
    rows.expose(1, "b", 8)
    rows.expose(1, "a", 0, experiment="another")
    rows.outcome(1, "visit", 0.5)
    rows.outcome(1, "visit", 9)  # inside the second exposure's window only
    found = measured(rows)
    assert means(found, "visit") == {"b": (1, 0.0)}
    assert found.present == 1


def test_of_exposures_at_one_instant_one_unit_remains(rows: Any, measured: Callable[..., Measurement]) -> None:
    rows.expose(1, "a", 1, seq=12, stratum="x")
    rows.expose(1, "a", 1, seq=11, stratum="y")
    assert measured(rows).moments.count() == 1


def test_a_unit_in_two_variants_is_out_and_counted(rows: Any, measured: Callable[..., Measurement]) -> None:
    rows.expose(1, "a", 1)
    rows.expose(1, "b", 2)
    rows.expose(2, "b", 2)
    found = measured(rows)
    assert found.left_out == {"two_variants": 1}
    assert found.pairs == {"a+b": 1}
    assert (found.moments.count(), found.present) == (1, 2)


def test_a_variant_the_definition_does_not_know_is_out_and_counted(
    rows: Any, measured: Callable[..., Measurement]
) -> None:
    rows.expose(1, "zzz", 1)
    rows.expose(2, "b", 2)
    assert measured(rows).left_out == {"unknown_variant": 1}


# exposure on day 10 at ledger size 10; the widest window is 7 days; read on day 60 at ledger size 50
BOX = [
    ("withdrawn inside the window, granted again", (12, 13, (0, 99)), "out"),
    ("withdrawn after the window", (17.1, None, (0, 99)), "in"),
    ("closed exactly at the window's end", (17, None, (0, 99)), "out"),
    ("closed until exactly the exposure", (0, 10, (0, 99)), "in"),
    ("closed until just after the exposure", (0, 10.001, (0, 99)), "out"),
    ("a late grant: closed at the exposure as known then", (0, None, (0, 11)), "out"),
    ("known to be closed only before the exposure was taken in", (0, None, (0, 10)), "in"),
    ("becomes known after this reading", (12, None, (51, 99)), "in"),
    ("becomes known with this reading's size", (12, None, (50, 99)), "out"),
]


@pytest.mark.parametrize(("story", "closed", "expected"), BOX, ids=[case[0] for case in BOX])
def test_a_unit_is_in_or_out_whole(
    rows: Any, measured: Callable[..., Measurement], story: str, closed: Any, expected: str
) -> None:
    rows.expose(1, "a", 10)
    rows.outcome(1, "visit", 11)
    rows.expose(2, "a", 10)
    from_day, to_day, seqs = closed
    rows.close(1, "withdrawn", from_day, to_day, seqs=seqs)
    found = measured(rows)
    if expected == "out":
        # out, and not a zero
        assert means(found, "visit") == {"a": (1, 0.0)}, story
        assert found.left_out == {"withdrawn": 1}, story
    else:
        assert means(found, "visit") == {"a": (2, 0.5)}, story
        assert found.left_out == {}, story


def test_the_box_ends_at_the_reading_before_the_window_is_over(rows: Any, measured: Callable[..., Measurement]) -> None:
    rows.expose(1, "a", 10)
    rows.close(1, "expired", 15, None)
    assert measured(rows, as_of=14.9).moments.count() == 1
    assert measured(rows, as_of=15).left_out == {"expired": 1}


def test_of_several_reasons_a_unit_is_counted_once(rows: Any, measured: Callable[..., Measurement]) -> None:
    rows.expose(1, "a", 10)
    rows.expose(1, "b", 11)
    rows.close(1, "withdrawn", 12, 13)
    rows.close(1, "refused", 13, 14)
    assert measured(rows).left_out == {"refused": 1}


def test_the_cohort_day_is_that_of_the_workspaces_zone(rows: Any, measured: Callable[..., Measurement]) -> None:
    rows.expose(1, "a", 86 + 22.5 / 24)  # 2026-03-28 22:30 UTC: 23:30 in Paris
    rows.expose(2, "a", 86 + 23.5 / 24)  # 2026-03-29 00:30 in Paris
    rows.expose(3, "a", 87 + 21.5 / 24)  # 2026-03-29 23:30 in Paris, summer time by then
    rows.expose(4, "a", 87 + 22.5 / 24)  # 2026-03-30 00:30
    found = measured(rows, as_of=120, zone=ZoneInfo("Europe/Paris"))
    assert [(cell.day, cell.n) for cell in found.moments.cells] == [(20_540, 1), (20_541, 2), (20_542, 1)]
    utc = measured(rows, as_of=120)
    assert [(cell.day, cell.n) for cell in utc.moments.cells] == [(20_540, 2), (20_541, 2)]


def test_a_cohort_matures_when_its_last_units_window_is_over(
    rows: Any, measured: Callable[..., Measurement], experiment: Experiment, at_day: Callable[[float], int]
) -> None:
    rows.expose(1, "a", 0.1)
    rows.expose(2, "a", 1.1)
    moments = measured(rows).moments
    visit = experiment.metrics[0]
    count = [
        matured(moments, visit, as_of_us=at_day(day) + extra, zone=UTC).count()
        for day, extra in ((8, -1), (8, 0), (9, -1), (9, 0))
    ]
    assert count == [0, 1, 1, 2]


def test_strata_are_those_of_the_first_exposure(rows: Any, measured: Callable[..., Measurement]) -> None:
    rows.expose(1, "a", 1, stratum="new")
    rows.expose(1, "a", 2, stratum="old")
    rows.expose(2, "a", 1)
    assert [(cell.stratum, cell.n) for cell in measured(rows).moments.cells] == [("", 1), ("new", 1)]


def test_amounts_in_two_currencies_do_not_add(rows: Any, measured: Callable[..., Measurement]) -> None:
    rows.expose(1, "a", 0)
    rows.expose(2, "b", 0)
    rows.outcome(1, "order", 2, amount_micros=1, currency="EUR", channel="web")
    rows.outcome(2, "order", 2, amount_micros=1, currency="EUR", channel="store")
    assert measured(rows).mixed == frozenset()
    rows.outcome(2, "order", 2, amount_micros=1, currency="USD", channel="web")
    assert measured(rows).mixed == {"spend"}
    rows.events[-1]["currency"] = None
    assert measured(rows).mixed == {"spend"}


def test_orders_without_an_amount_are_counted_as_gaps(rows: Any, measured: Callable[..., Measurement]) -> None:
    rows.expose(1, "a", 0)
    rows.outcome(1, "order", 2, currency="EUR", channel="web", quantity=1)
    rows.outcome(1, "order", 2, amount_micros=5_000_000, currency="EUR", channel="web")
    found = measured(rows)
    assert found.gaps == {"spend": 1, "pieces": 1}
    assert means(found, "spend") == {"a": (1, 5.0)}


def test_exposures_before_the_start_are_counted(rows: Any, measured: Callable[..., Measurement]) -> None:
    rows.expose(1, "a", 1)
    rows.expose(2, "a", 3)
    found = measured(rows, started=2)
    assert found.early == 1
    assert found.moments.count() == 2


def test_an_experiment_without_exposures_has_no_moments(rows: Any, measured: Callable[..., Measurement]) -> None:
    rows.outcome(1, "visit", 1)
    found = measured(rows)
    assert (found.moments.count(), found.present) == (0, 0)


def test_large_amounts_keep_their_variance(rows: Any, measured: Callable[..., Measurement]) -> None:
    for subject in range(1, 41):
        rows.expose(subject, "ab"[subject % 2], 0)
        amount = 100_000_000_000_000 + (subject % 5) * 1_000_000
        rows.outcome(subject, "order", 2, amount_micros=amount, currency="EUR", channel="web")
    found = measured(rows)
    exact = [float(subject % 5) for subject in range(1, 41) if subject % 2 == 0]
    mean = sum(exact) / 20
    variance = sum((value - mean) ** 2 for value in exact) / 19
    assert found.moments.summary("spend", "a").variance == pytest.approx(variance, rel=1e-9)


# -- against an oracle that shares no code with the frames ------------------------------------------------------------

moment = st.integers(0, 40).map(lambda quarter: quarter / 4)
exposure = st.tuples(st.integers(1, 6), st.sampled_from("ab"), moment, st.integers(8, 12))
outcome = st.tuples(st.integers(1, 7), st.sampled_from(["visit", "order"]), moment, st.integers(0, 5))
rectangle = st.tuples(st.integers(1, 6), moment, moment, st.integers(0, 60), st.integers(0, 60))


def oracle(
    exposures: list[Any], outcomes: list[Any], closed: list[Any], *, as_of: float, size: int
) -> tuple[dict[Any, list[float]], dict[str, int]]:
    """n, visits and pieces per variant and day, and who is out, by loops over people."""
    cells: dict[Any, list[float]] = defaultdict(lambda: [0, 0.0, 0.0, 0.0])
    out: dict[str, int] = defaultdict(int)
    for person in {row[0] for row in exposures}:
        mine = sorted((day, seq, variant) for subject, variant, day, seq in exposures if subject == person)
        start, seq = mine[0][0], mine[0][1]
        end = min(start + 7, as_of)
        shut = any(
            low < high and low <= end and high > start and known <= size and known_to > seq and known < known_to
            for subject, low, high, known, known_to in closed
            if subject == person
        )
        if shut or len({variant for _, _, variant in mine}) > 1:
            out["withdrawn" if shut else "two_variants"] += 1
            continue
        since = [(name, day - start, n) for subject, name, day, n in outcomes if subject == person]
        visited = float(any(name == "visit" and 0 <= gap < 7 for name, gap, _ in since))
        pieces = float(sum(n for name, gap, n in since if name == "order" and 0 <= gap < 7))
        cell = cells[mine[0][2], 20_454 + int(start)]
        cell[:] = [cell[0] + 1, cell[1] + visited, cell[2] + pieces, cell[3] + pieces**2]
    return dict(cells), dict(out)


@settings(max_examples=25)
@given(
    exposures=st.lists(exposure, max_size=10),
    outcomes=st.lists(outcome, max_size=12),
    closed=st.lists(rectangle, max_size=4),
)
def test_frames_and_loops_count_the_same(
    new_rows: Callable[[], Any],
    experiment: Experiment,
    at_day: Callable[[float], int],
    *,
    exposures: list[Any],
    outcomes: list[Any],
    closed: list[Any],
) -> None:
    rows = new_rows()
    for subject, variant, day, seq in exposures:
        rows.expose(subject, variant, day, seq=seq)
    for subject, name, day, n in outcomes:
        rows.outcome(subject, name, day, quantity=n)
    for subject, low, high, known, known_to in closed:
        if low < high and known < known_to:
            rows.close(subject, "withdrawn", low, high, seqs=(known, known_to))
    cells, out = oracle(exposures, outcomes, closed, as_of=9.0, size=50)
    with duckdb.connect() as connection:
        for backend in BACKENDS:
            found = run_on(
                backend,
                connection,
                rows,
                experiment,
                phase=1,
                as_of_us=at_day(9),
                size=50,
                started_us=at_day(0),
                zone=UTC,
            )
            shift = found.moments.shifts[3]
            assert found.left_out == out, backend
            assert {(cell.variant, cell.day): cell.n for cell in found.moments.cells} == {
                key: cell[0] for key, cell in cells.items()
            }
            for cell in found.moments.cells:
                n, visits, pieces, squares = cells[cell.variant, cell.day]
                assert cell.sums[0] + found.moments.shifts[0] * n == pytest.approx(visits, abs=1e-9)
                assert cell.sums[3] + shift * n == pytest.approx(pieces, abs=1e-9)
                assert cell.squares[3] == pytest.approx(squares - 2 * shift * pieces + n * shift**2, abs=1e-9)


def test_metrics_name_only_the_columns_they_need(
    rows: Any, connection: duckdb.DuckDBPyConnection, experiment: Experiment, at_day: Callable[[float], int]
) -> None:
    rows.expose(1, "a", 0)
    frames = rows.relations(connection)
    narrow = frames["events"].project(
        "type, subject, event_us, intake_seq, experiment, phase, variant, stratum, name, channel, amount_micros,"
        " currency, quantity"
    )
    found = measure(narrow, frames["closed"], experiment, phase=1, as_of_us=at_day(60), size=50, started_us=0, zone=UTC)
    assert found.moments.count() == 1
    assert isinstance(experiment.metrics[0], Metric)
    assert experiment.widest_us == 7 * DAY_US


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_unit_that_is_out_has_no_value_not_even_zero(
    rows: Any, connection: duckdb.DuckDBPyConnection, experiment: Experiment, backend: str
) -> None:
    rows.outcome(1, "visit", 1)
    units = connection.sql(
        "SELECT * FROM (VALUES (1, 'in'), (2, 'in'), (3, 'withdrawn')) AS unit (subject, status)"
        " CROSS JOIN (SELECT CAST(0 AS BIGINT) AS exposure_us)"
    )
    events = rows.relations(connection)["events"]
    frames = [nw.from_native(frame.pl().lazy() if backend == "polars" else frame) for frame in (events, units)]
    # the widest window ends long before 2026: all that is asked is who gets a zero
    values = unit_values(events_inside(frames[0], frames[1], experiment.metrics), frames[1], experiment.metrics)
    found = {row["subject"]: row[values.wanted.columns[0].source] for row in values.frame.collect().rows(named=True)}
    assert found == {1: 0.0, 2: 0.0, 3: None}
