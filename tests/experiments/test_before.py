"""Ratios and the time before the exposure, on DuckDB and Polars: what nobody may know is not zero."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from imp_core.clock import DAY_US
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.parse import parse_experiment
from imp_experiments.measure.archive import Measurement, measure
from imp_experiments.measure.parts import missing_name

UNKNOWN = missing_name(10 * DAY_US)
MORE = """
[[metrics]]
name = "spend"
role = "secondary"
kind = "mean"
event = "order"
value = "amount"
window = "5d"
pre = "10d"
[[metrics]]
name = "basket"
role = "secondary"
kind = "ratio"
event = "order"
value = "amount"
window = "5d"
pre = "10d"
denominator = { event = "order", value = "count", where = { channel = "web" } }
"""


@pytest.fixture(scope="session")
def experiment(definition: str) -> Experiment:
    return parse_experiment((definition + MORE).encode(), file="test.toml")


@pytest.fixture(params=["duckdb", "polars"])
def measured(
    request: pytest.FixtureRequest,
    connection: duckdb.DuckDBPyConnection,
    experiment: Experiment,
    at_day: Callable[[float], int],
) -> Callable[..., Measurement]:
    def run(rows: Any, *, size: int = 50, asked: bool = True) -> Measurement:
        frames: dict[str, Any] = rows.relations(connection)
        if request.param == "polars":
            frames = {name: relation.pl().lazy() for name, relation in frames.items()}
        return measure(
            frames["events"],
            frames["closed"],
            experiment,
            permitted=frames["permitted"] if asked else None,
            phase=1,
            as_of_us=at_day(60),
            size=size,
            started_us=at_day(0),
            zone=ZoneInfo("UTC"),
        )

    return run


def order(rows: Any, subject: int, day: float, euros: int, channel: str = "web") -> None:
    rows.outcome(subject, "order", day, amount_micros=euros * 10**6, currency="EUR", channel=channel)


def mean(found: Measurement, column: str) -> float | None:
    return found.moments.summary(column, "a").mean


def test_a_ratio_has_numerator_and_denominator_each_with_its_own_events(
    rows: Any, measured: Callable[..., Measurement]
) -> None:
    for subject in (1, 2):
        rows.expose(subject, "a", 20)
    order(rows, 1, 21, 30)
    order(rows, 1, 22, 10, channel="store")
    order(rows, 1, 26, 99)  # after the window
    found = measured(rows)
    assert (mean(found, "basket"), mean(found, "basket (denominator)")) == (20.0, 0.5)
    joint = found.moments.joint(["basket", "basket (denominator)"], "a")
    assert joint.covariance[0, 1] == pytest.approx(40 * 1 / 1 - 2 * 20 * 0.5)


def test_the_time_before_the_exposure_is_a_covariate_of_its_own(
    rows: Any, measured: Callable[..., Measurement]
) -> None:
    rows.expose(1, "a", 20)
    rows.permit(1, 0)
    order(rows, 1, 9.9, 7)  # before the ten days
    order(rows, 1, 10, 1)
    order(rows, 1, 19.999, 2)
    order(rows, 1, 20, 40)  # at the exposure: after it
    found = measured(rows)
    assert (mean(found, "spend"), mean(found, "spend (before)"), mean(found, UNKNOWN)) == (40.0, 3.0, 0.0)


@pytest.mark.parametrize(
    ("permits", "known"),
    [
        ([(0, None)], True),
        ([(10, None)], True),
        ([(10, 15), (15, None)], True),
        ([(10.001, None)], False),  # the first moments are not covered
        ([(0, 15), (16, None)], False),  # a gap
        ([(0, 12)], False),
        ([], False),
        ([(20, None)], False),  # given at the exposure
    ],
)
def test_what_permission_did_not_cover_before_is_unknown_not_zero(
    rows: Any, measured: Callable[..., Measurement], permits: list[Any], *, known: bool
) -> None:
    for subject in (1, 2):
        rows.expose(subject, "a", 20)
        order(rows, subject, 12, 6)
    rows.permit(2, 0)
    for first, last in permits:
        rows.permit(1, first, last)
    found = measured(rows)
    assert mean(found, UNKNOWN) == (0.0 if known else 0.5)
    # filled with the shift, here the mean of what is known: never with zero
    assert mean(found, "spend (before)") == 6.0


def test_permission_that_became_known_after_the_exposure_covers_nothing_before_it(
    rows: Any, measured: Callable[..., Measurement]
) -> None:
    rows.expose(1, "a", 20, seq=10)
    rows.permit(1, 0, seqs=(11, 2**62))
    assert mean(measured(rows), UNKNOWN) == 1.0


def test_permission_that_was_taken_back_since_covers_nothing(rows: Any, measured: Callable[..., Measurement]) -> None:
    rows.expose(1, "a", 20, seq=10)
    rows.permit(1, 0, 15, seqs=(0, 2**62))
    rows.permit(1, 15, seqs=(0, 40))  # known until entry 40, and the ledger has 50
    assert mean(measured(rows), UNKNOWN) == 1.0
    assert mean(measured(rows, size=39), UNKNOWN) == 0.0


def test_without_the_frame_nothing_is_known_of_before(rows: Any, measured: Callable[..., Measurement]) -> None:
    rows.expose(1, "a", 20)
    rows.permit(1, 0)
    order(rows, 1, 12, 6)
    found = measured(rows, asked=False)
    assert mean(found, "spend (before)") == 0.0
    assert UNKNOWN not in found.moments.columns


def test_covariates_of_units_that_are_out_are_not_summed(rows: Any, measured: Callable[..., Measurement]) -> None:
    rows.expose(1, "a", 20)
    rows.expose(2, "a", 20)
    rows.close(2, "withdrawn", 21, None)
    for subject in (1, 2):
        rows.permit(subject, 0)
        order(rows, subject, 12, 6)
    found = measured(rows)
    assert found.moments.count() == 1
    assert mean(found, "spend (before)") == 6.0
    assert not math.isnan(found.moments.summary("spend (before)", "a").mean or math.nan)
