"""No count of 1 to k - 1 people can be worked out from the others that a readout shows."""

from __future__ import annotations

from typing import Any

import pytest

from imp_experiments.commands.read_out import read_out
from imp_experiments.readout.render import render_table

NOTE = "because with the totals a count below k could be worked out"


def withdraw(bench: Any, n: int) -> None:
    for subject in [row["subject"] for row in bench.rows.events if row["type"] == "exposure"][:n]:
        bench.rows.close(subject, "withdrawn", 0, None)


@pytest.mark.parametrize("n", [0, 10, 40])
def test_where_nothing_is_hidden_the_counts_stand(started: Any, fill: Any, told: Any, n: int) -> None:
    fill(100)
    withdraw(started, n)
    plain = told(started)
    assert plain["excluded"]["withdrawn"] == n
    assert plain["health"]["srm"]["observed"] == {"a": 100, "b": 100}
    assert plain["health"]["srm"]["statistic"] == 0.0
    assert not any(NOTE in note for note in plain["notes"])


@pytest.mark.parametrize(("few", "told_of"), [(0, 15), (1, 15), (9, 15), (10, 25)])
def test_r54_the_ledger_counts_of_who_is_left_out_what_the_readout_shows(
    started: Any, fill: Any, few: int, told_of: int
) -> None:
    fill(100)
    withdraw(started, 15)
    started.rows.enrol("a", few, "refused")
    done = read_out(started.ctx, "test")
    shown = sum(n or 0 for n in done.readout.excluded.values())
    (closing,) = started.view.closings
    assert closing["counts"]["excluded"] == shown == told_of


@pytest.mark.parametrize("n", [1, 9])
def test_r54_a_hidden_reason_hides_the_counts_by_variant_that_would_tell_it(
    started: Any, fill: Any, told: Any, n: int
) -> None:
    fill(100)
    started.rows.enrol("a", 17, "refused")
    exact = told(started)["health"]["srm"]
    withdraw(started, n)
    plain = told(started)
    ratio = plain["health"]["srm"]
    assert plain["excluded"]["withdrawn"] is None
    assert ratio["observed"] == {"a": None, "b": None}
    assert ratio["expected_share"] == {"a": 0.5, "b": 0.5}
    # 17^2 / 217 tells the counts; so does p, even of two digits (test_recovery)
    assert (ratio["statistic"], ratio["p_value"]) == (None, None)
    assert (ratio["verdict"], ratio["df"]) == (exact["verdict"], exact["df"]) == ("ok", 1)
    assert any(NOTE in note for note in plain["notes"])
    text = render_table(read_out(started.ctx, "test").readout)
    assert "sample ratio: ok (p is not shown: with the totals it would tell a count below k)" in text
    assert "a hidden (50.00% expected)" in text


def test_r54_two_hidden_reasons_whose_sum_would_be_known_hide_them_too(started: Any, fill: Any, told: Any) -> None:
    fill(100)
    withdraw(started, 1)
    started.rows.enrol("a", 1, "refused")
    plain = told(started)
    assert (plain["excluded"]["withdrawn"], plain["excluded"]["refused"]) == (None, None)
    assert plain["health"]["srm"]["observed"] == {"a": None, "b": None}


def test_a_few_units_that_are_not_mature_hide_them_too(started: Any, fill: Any, told: Any) -> None:
    fill(100)
    fill(3, day=55)
    plain = told(started)
    assert (plain["metrics"][0]["matured"], plain["metrics"][0]["immature"]) == (200, None)
    assert plain["health"]["srm"]["observed"] == {"a": None, "b": None}


def test_r54_a_small_variant_cannot_be_worked_out_from_the_matured_units(started: Any, fill: Any, told: Any) -> None:
    fill(100)
    exposed = [row for row in started.rows.events if row["type"] == "exposure" and row["variant"] == "b"]
    for row in exposed[:95]:
        started.rows.close(row["subject"], "withdrawn", 0, None)
    plain = told(started)
    assert plain["comparisons"][0]["n"] == {"variant": None, "control": 100}
    assert plain["metrics"][0]["matured"] is None
    assert plain["health"]["srm"]["observed"] == {"a": None, "b": None}


def test_a_mismatch_stays_invalid_where_its_counts_are_hidden(started: Any, fill: Any, told: Any) -> None:
    fill(100)
    started.rows.enrol("a", 90)
    withdraw(started, 3)
    plain = told(started)
    assert plain["health"]["srm"]["verdict"] == "mismatch"
    assert plain["verdict"]["value"] == "invalid"
    assert plain["health"]["srm"]["p_value"] is None


def test_a_few_who_left_one_variant_hide_the_counts_that_would_tell_them(started: Any, fill: Any, told: Any) -> None:
    fill(100)
    withdraw(started, 20)  # of a
    exposed = [row["subject"] for row in started.rows.events if row["type"] == "exposure" and row["variant"] == "b"]
    for subject in exposed[:3]:
        started.rows.close(subject, "withdrawn", 0, None)
    plain = told(started)
    # 23 withdrew in all, which is told; 100 - 97 of b would be told too
    assert (plain["excluded"]["withdrawn"], plain["comparisons"][0]["n"]["variant"]) == (23, 97)
    assert plain["health"]["srm"]["observed"] == {"a": None, "b": None}


def test_a_few_of_one_variant_that_are_not_mature_hide_them_too(started: Any, fill: Any, told: Any) -> None:
    fill(100)
    for subject in range(50_000, 50_015):
        started.rows.expose(subject, "a" if subject < 50_012 else "b", 55)
    started.rows.enrol("a", 12)
    started.rows.enrol("b", 3)
    plain = told(started)
    assert plain["metrics"][0]["immature"] == 15
    assert plain["health"]["srm"]["observed"] == {"a": None, "b": None}
