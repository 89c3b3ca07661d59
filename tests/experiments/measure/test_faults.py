"""Amounts that do not add up are found whoever has them, and only those of units that are in count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imp_experiments.design.experiment import Experiment
from imp_experiments.design.parse import parse_experiment
from imp_experiments.measure.archive import Measurement, measure

METRICS = """
[[metrics]]
name = "spend"
role = "secondary"
kind = "mean"
event = "order"
value = "amount"
window = "5d"
pre = "3d"
[[metrics]]
name = "back"
role = "secondary"
kind = "mean"
event = "refund"
value = "amount"
start = "1d"
window = "5d"
[[metrics]]
name = "pieces"
role = "secondary"
kind = "mean"
event = "order"
value = "quantity"
window = "2d"
"""
# subject, name, day, amount, quantity, currency
event = st.tuples(
    st.integers(1, 4), st.sampled_from(["order", "refund", "visit"]), st.integers(0, 9), st.sampled_from([None, 5]),
    st.sampled_from([None, 2]), st.sampled_from([None, "", "EUR", "USD"]),
)  # fmt: skip
MET = 3


@pytest.fixture(scope="session")
def experiment(definition: str) -> Experiment:
    return parse_experiment((definition + METRICS).encode(), file="test.toml")


@pytest.fixture(scope="session")
def on_both(experiment: Experiment, at_day: Callable[[float], int]) -> Callable[..., list[Measurement]]:
    def run(connection: duckdb.DuckDBPyConnection, rows: Any) -> list[Measurement]:
        found = []
        for polars in (False, True):
            frames: dict[str, Any] = rows.relations(connection)
            if polars:
                frames = {name: relation.pl().lazy() for name, relation in frames.items()}
            found.append(
                measure(
                    frames["events"], frames["closed"], experiment, permitted=frames["permitted"], phase=1,
                    as_of_us=at_day(60), size=50, started_us=0, zone=ZoneInfo("UTC"),
                )
            )  # fmt: skip
        return found

    return run


def oracle(events: list[Any], admitted: set[int]) -> tuple[dict[str, int], set[str]]:
    """Gaps and mixed metrics, event by event: spend from -3 (the covariate) to 5 days, and so on."""
    gaps, met = {"spend": 0, "back": 0, "pieces": 0}, {"spend": set(), "back": set()}
    for subject, name, day, amount, quantity, currency in events:
        since = day - MET
        if subject not in admitted:
            continue
        if name == "order" and -3 <= since < 5:
            met["spend"].add(currency or "")
            gaps["spend"] += amount is None and since >= 0
        if name == "refund" and 1 <= since < 5:
            met["back"].add(currency or "")
            gaps["back"] += amount is None
        if name == "order" and 0 <= since < 2:
            gaps["pieces"] += quantity is None
    return gaps, {metric for metric, names in met.items() if len(names) > 1}


@settings(max_examples=25)
@given(st.lists(event, max_size=8))
def test_gaps_and_currencies_are_those_of_loops(
    new_rows: Callable[[], Any], on_both: Callable[..., list[Measurement]], events: list[Any]
) -> None:
    rows = new_rows()
    for subject in (1, 2):
        rows.expose(subject, "ab"[subject - 1], MET)
    rows.expose(3, "a", MET)
    rows.close(3, "withdrawn", MET + 1, None)
    for subject, name, day, amount, quantity, currency in events:
        rows.outcome(subject, name, day, amount_micros=amount, quantity=quantity, currency=currency)
    gaps, mixed = oracle(events, {1, 2})
    with duckdb.connect() as connection:
        for found in on_both(connection, rows):
            assert (found.gaps, found.mixed) == (gaps, mixed)


def test_two_metrics_may_each_have_a_currency_of_its_own(
    rows: Any, connection: duckdb.DuckDBPyConnection, on_both: Callable[..., list[Measurement]]
) -> None:
    rows.expose(1, "a", MET)
    rows.outcome(1, "order", MET + 1, amount_micros=1, quantity=1, currency="EUR")
    rows.outcome(1, "refund", MET + 1, amount_micros=1, currency="USD")
    assert [found.mixed for found in on_both(connection, rows)] == [frozenset()] * 2


def test_the_currency_of_somebody_who_is_out_mixes_nothing(
    rows: Any, connection: duckdb.DuckDBPyConnection, on_both: Callable[..., list[Measurement]]
) -> None:
    rows.outcome(9, "order", MET, amount_micros=1, quantity=1, currency="USD")  # the first of all, of nobody exposed
    rows.expose(1, "a", MET)
    rows.outcome(1, "order", MET + 1, amount_micros=1, quantity=1, currency="EUR")
    assert [found.mixed for found in on_both(connection, rows)] == [frozenset()] * 2
    rows.outcome(1, "order", MET - 1, amount_micros=1, quantity=1, currency="USD")  # in the covariate
    assert [found.mixed for found in on_both(connection, rows)] == [{"spend"}] * 2
