"""Health checks in the readout of an experiment, on a fake archive: what they find, and when they are silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pytest

from imp_core.errors import ImpError
from imp_experiments.commands.read_out import read_out
from imp_experiments.commands.start import start_experiment
from imp_experiments.readout.render import render_markdown, render_table

SPEND = """
[[metrics]]
name = "spend"
role = "secondary"
kind = "mean"
event = "order"
value = "amount"
window = "7d"
scale = "absolute"
"""
COUNTED = SPEND.replace('value = "amount"', 'value = "count"')


def checks(plain: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [check for check in plain["health"]["checks"] if check["name"] == name]


def people(bench: Any, variant: str) -> list[int]:
    return [row["subject"] for row in bench.rows.events if row["type"] == "exposure" and row["variant"] == variant]


def withdraw(bench: Any, variant: str, n: int) -> None:
    for subject in people(bench, variant)[:n]:
        bench.rows.close(subject, "withdrawn", 0, None)


@pytest.fixture
def begun(bench: Any, definition: str, at_day: Callable[[float], int]) -> Callable[..., Any]:
    """Start the experiment with more of a definition; the clock stands after the horizon."""

    def run(more: str = "", *, old: str = "", new: str = "") -> Any:
        bench.write(definition.replace(old, new) + more if old else definition + more)
        bench.clock._now_us = at_day(0)
        start_experiment(bench.ctx, "test")
        bench.clock.move_to(at_day(59.5))
        return bench

    return run


# -- before the exposure ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("visited", "verdict"), [((30, 32), "ok"), ((10, 70), "warning")])
def test_what_was_before_the_exposure_is_compared(
    begun: Any, fill: Any, told: Any, visited: tuple[int, int], verdict: str
) -> None:
    bench = begun(old='window = "7d"\n', new='window = "7d"\npre = "10d"\n')
    fill(100, day=20)
    for variant, n in zip("ab", visited, strict=True):
        for subject in people(bench, variant):
            bench.rows.permit(subject, 0)
        for subject in people(bench, variant)[:n]:
            bench.rows.outcome(subject, "visit", 15)
    (check,) = checks(told(bench), "balance")
    assert (check["about"], check["verdict"]) == ("visit (before)", verdict)
    assert (check["p_value"] < 0.001) == (verdict == "warning")


def test_without_a_pre_period_there_is_no_balance_to_check(begun: Any, fill: Any, told: Any) -> None:
    bench = begun(SPEND)
    fill(100)
    assert checks(told(bench), "balance") == []


def test_where_the_time_before_was_permitted_to_nobody_balance_is_not_tested(begun: Any, fill: Any, told: Any) -> None:
    bench = begun(old='window = "7d"\n', new='window = "7d"\npre = "10d"\n')
    fill(100, day=20)
    (check,) = checks(told(bench), "balance")
    assert (check["verdict"], check["p_value"]) == ("not tested", None)


# -- outliers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("amount", "verdict"), [(2, "ok"), (9_000, "warning")])
def test_one_unit_that_carries_a_mean_is_warned_of_without_a_figure_of_it(
    begun: Any, fill: Any, told: Any, amount: int, verdict: str
) -> None:
    bench = begun(SPEND)
    fill(100, spend=0)
    bench.rows.events[-1]["amount_micros"] = amount * 1_000_000
    (check,) = checks(told(bench), "outliers")
    assert (check["about"], check["verdict"], check["p_value"]) == ("spend, b", verdict, None)
    assert not any(character.isdigit() for character in check["text"])


def test_flags_and_metrics_in_several_currencies_have_no_outliers(begun: Any, fill: Any, told: Any) -> None:
    bench = begun(SPEND)
    fill(100)
    bench.rows.events[-1]["currency"] = "USD"
    assert checks(told(bench), "outliers") == []


def test_variants_of_fewer_than_k_units_are_not_looked_at(begun: Any, fill: Any, told: Any) -> None:
    bench = begun(COUNTED)
    fill(9)
    (check,) = checks(told(bench), "outliers")
    assert (check["verdict"], check["text"]) == ("not tested", "a variant has fewer than 10 units")


# -- novelty ----------------------------------------------------------------------------------------------------------


def test_an_effect_that_fades_over_cohorts_is_told_at_the_horizon_and_not_before(
    begun: Any, fill: Any, told: Any, at_day: Callable[[float], int]
) -> None:
    bench = begun()
    for day in range(10):
        fill(60, day=day, visits=(0.3, 0.9 - day * 0.06))
    bench.clock._now_us = at_day(19.9)
    (early,) = checks(told(bench), "novelty")
    assert (early["verdict"], early["p_value"]) == ("not tested", None)
    assert early["text"] == "told when the horizon is over: before, it would be another look at the effect"
    bench.clock._now_us = at_day(20)
    (late,) = checks(told(bench), "novelty")
    assert (late["verdict"], late["about"], late["text"]) == (
        "warning", "visit, b", "the effect fades over 10 cohort days",
    )  # fmt: skip
    assert late["p_value"] < 0.01


def test_before_the_horizon_no_check_tells_a_p_of_an_outcome(
    begun: Any, fill: Any, told: Any, at_day: Callable[[float], int]
) -> None:
    bench = begun(SPEND)
    for day in range(10):
        fill(60, day=day, visits=(0.1, 0.9))
    bench.clock._now_us = at_day(19.9)
    early = {check["name"] for check in told(bench)["health"]["checks"] if check["p_value"] is not None}
    assert early <= {"balance", "consent"}


# -- consent ----------------------------------------------------------------------------------------------------------


def only_consent(plain: dict[str, Any]) -> dict[str, Any]:
    (check,) = checks(plain, "consent")
    return check


def test_as_many_who_leave_every_variant_are_well(begun: Any, fill: Any, told: Any) -> None:
    bench = begun(SPEND)
    fill(200)
    withdraw(bench, "a", 21)
    withdraw(bench, "b", 20)
    plain = told(bench)
    check = only_consent(plain)
    assert (check["verdict"], check["p_value"]) == ("ok", 0.87)
    assert check["text"] == "refusals and departures are as frequent in every variant: left since: a 10.5%, b 10.0%"
    assert plain["health"]["bounds"] == []
    assert not any("bounds" in note for note in plain["notes"])


def test_more_who_leave_the_treatment_are_warned_of_with_bounds_at_the_end(begun: Any, fill: Any, told: Any) -> None:
    bench = begun(SPEND)
    fill(200)
    withdraw(bench, "a", 20)
    withdraw(bench, "b", 60)
    plain = told(bench)
    check = only_consent(plain)
    assert (check["verdict"], check["p_value"]) == ("warning", 5.7e-07)
    assert "left since: a 10.0%, b 30.0%" in check["text"]
    assert [(one["metric"], one["method"]) for one in plain["health"]["bounds"]] == [
        ("visit", "manski"),
        ("spend", "lee"),
    ]
    words = render_table(read_out(bench.ctx, "test").readout)
    assert "consent: warning: consent differs between variants" in words
    assert "bounds (spend, b, lee): " in words
    assert "monotonicity: every unit that stays in b would stay in a too" in words
    assert "bounds" in render_markdown(read_out(bench.ctx, "test").readout)


def test_the_bounds_are_those_of_the_units_values(begun: Any, fill: Any, told: Any) -> None:
    bench = begun(SPEND)
    fill(200)
    withdraw(bench, "a", 20)
    withdraw(bench, "b", 60)
    plain = told(bench)
    manski, lee = plain["health"]["bounds"]
    # 200 met each variant; the 20 and 60 of whom nothing is known may have visited, or not
    visits = {"a": 0.2 * 200 - 20, "b": 0.5 * 200 - 60}
    worst = (visits["b"] / 200) - (visits["a"] + 20) / 200, (visits["b"] + 60) / 200 - visits["a"] / 200
    assert (manski["low"], manski["high"]) == pytest.approx(worst, rel=5e-3)
    amounts = {"a": np.array([10 + i % 3 for i in range(20, 200)]), "b": np.array([10 + i % 3 for i in range(60, 200)])}
    kept = np.sort(amounts["a"])
    share = 140  # of the 180 that stayed in a, as many as would stay in b
    ends = amounts["b"].mean() - kept[-share:].mean(), amounts["b"].mean() - kept[:share].mean()
    assert (lee["low"], lee["high"]) == pytest.approx(ends, rel=5e-3)
    for one in (manski, lee):
        assert one["interval_low"] < one["low"] <= one["high"] < one["interval_high"]
        assert all(one[name] == float(f"{one[name]:.3g}") for name in ("low", "high", "interval_low", "interval_high"))


def test_before_the_horizon_it_warns_and_shows_no_bounds(
    begun: Any, fill: Any, told: Any, at_day: Callable[[float], int]
) -> None:
    bench = begun()
    fill(200)
    withdraw(bench, "b", 60)
    bench.clock._now_us = at_day(19)
    plain = told(bench)
    assert only_consent(plain)["verdict"] == "warning"
    assert plain["health"]["bounds"] == []
    assert "bounds: consent differs between variants; they are told when the horizon is over" in plain["notes"]


def test_bounds_wait_until_all_windows_are_over(begun: Any, fill: Any, told: Any) -> None:
    bench = begun()
    fill(200)
    withdraw(bench, "b", 60)
    fill(30, day=55)
    plain = told(bench)
    assert plain["health"]["bounds"] == []
    assert "bounds (visit): not shown: not all units' windows are over" in plain["notes"]


def test_who_comes_after_the_look_of_the_horizon_is_in_neither_novelty_nor_bounds(
    begun: Any, fill: Any, told: Any, at_day: Callable[[float], int]
) -> None:
    bench = begun()
    for day in range(6):
        fill(60, day=day)
    withdraw(bench, "b", 90)
    bench.clock._now_us = at_day(21)
    first = told(bench)
    assert [one["method"] for one in first["health"]["bounds"]] == ["manski"]
    (steady,) = checks(first, "novelty")
    for day in range(30, 36):
        fill(60, day=day, visits=(0.2, 0.95 - (day - 30) * 0.15))
    bench.clock._now_us = at_day(59)
    later = told(bench)
    assert later["comparisons"] == first["comparisons"]
    assert checks(later, "novelty") == [steady]
    assert later["health"]["bounds"] == []
    assert "bounds (visit): not shown: the comparison stays at its look, and people came since" in later["notes"]


def test_what_health_warns_of_is_named_at_the_head(begun: Any, fill: Any, told: Any) -> None:
    bench = begun(SPEND)
    fill(200)
    head = "health warns of: consent; read on before you trust the answer"
    assert head not in render_table(read_out(bench.ctx, "test").readout)
    withdraw(bench, "b", 60)
    done = read_out(bench.ctx, "test").readout
    assert render_table(done).splitlines()[2] == head
    assert head in render_markdown(done)


def test_of_ratios_quantiles_and_several_currencies_there_are_no_bounds(begun: Any, fill: Any, told: Any) -> None:
    quantile = SPEND.replace('"spend"', '"half"').replace('kind = "mean"', 'kind = "quantile"\nq = 0.5')
    bench = begun(SPEND + quantile)
    fill(200)
    withdraw(bench, "b", 60)
    bench.rows.events[-1]["currency"] = "USD"
    plain = told(bench)
    assert [one["metric"] for one in plain["health"]["bounds"]] == ["visit"]
    assert "bounds (spend): not shown: its amounts are in several currencies" in plain["notes"]
    assert any(note.startswith("bounds (half): not shown") for note in plain["notes"])


def test_where_fewer_than_k_would_be_trimmed_means_have_no_bounds(begun: Any, fill: Any, told: Any) -> None:
    more = '[[variants]]\nname = "c"\n[[metrics]]\nname = "visit"'
    bench = begun(SPEND, old='[[metrics]]\nname = "visit"', new=more)
    fill(200)
    for subject in range(50_000, 50_200):
        bench.rows.expose(subject, "c", 1)
        bench.rows.outcome(subject, "order", 2, amount_micros=5_000_000, currency="EUR")
    bench.rows.enrol("c", 200)
    withdraw(bench, "b", 5 + 10)
    withdraw(bench, "a", 10)
    withdraw(bench, "c", 70)
    plain = told(bench)
    shown = [(one["metric"], one["variant"]) for one in plain["health"]["bounds"]]
    assert shown == [("visit", "b"), ("visit", "c"), ("spend", "c")]
    assert "bounds (spend, b): not shown: fewer than 10 units would be trimmed, or kept" in plain["notes"]


def test_a_few_of_a_variant_that_are_not_mature_would_be_told_by_it(begun: Any, fill: Any, told: Any) -> None:
    bench = begun()
    fill(200)
    withdraw(bench, "b", 60)
    for subject in range(50_000, 50_015):
        bench.rows.expose(subject, "a" if subject < 50_012 else "b", 55)
    bench.rows.enrol("a", 12)
    bench.rows.enrol("b", 3)
    check = only_consent(told(bench))
    assert (check["verdict"], check["p_value"]) == ("not tested", None)
    assert check["text"].startswith("fewer than 10 units of a variant are in, or in and not compared yet")


def test_people_kept_out_at_once_count_too(begun: Any, fill: Any, told: Any) -> None:
    bench = begun()
    fill(200)
    bench.rows.enrol("a", 20, "refused")
    bench.rows.enrol("b", 40, "refused")
    plain = told(bench)
    assert only_consent(plain)["text"].endswith("kept out at once: a 9.1%, b 16.7%")
    assert only_consent(plain)["p_value"] == pytest.approx(0.02, rel=0.3)


def test_those_who_no_longer_pass_are_counted_by_the_variant_they_met(begun: Any, fill: Any, told: Any) -> None:
    bench = begun()
    fill(200)
    gone = {"type": "exposure", "experiment": "test", "phase": 1, "reason": "withdrawn"}
    bench.rows.refused += [{**gone, "variant": "a", "subjects": 12}, {**gone, "variant": "b", "subjects": 60}]
    bench.rows.enrol("a", 12)
    bench.rows.enrol("b", 60)
    assert only_consent(told(bench))["text"].endswith("left since: a 5.7%, b 23.1%")


def test_the_erased_are_known_by_variant_unless_somebody_was_in_two(begun: Any, fill: Any, told: Any) -> None:
    bench = begun()
    fill(200)
    bench.rows.enrol("b", 40)  # and nothing is left of them
    check = only_consent(told(bench))
    assert (check["verdict"], check["text"].rpartition(": ")[2]) == ("warning", "a 0.0%, b 16.7%")
    for subject in range(50_000, 50_012):
        bench.rows.expose(subject, "a", 1)
        bench.rows.expose(subject, "b", 2)
    bench.rows.enrol("a", 12)
    plain = told(bench)
    assert plain["excluded"]["erased"] == 40
    assert only_consent(plain)["verdict"] == "not tested"
    assert only_consent(plain)["text"].endswith("or how many is not known: erased")


def test_people_nobody_knows_in_several_files_are_left_out_and_then_no_bounds_are_shown(
    begun: Any, fill: Any, told: Any
) -> None:
    bench = begun()
    fill(200)
    withdraw(bench, "b", 60)
    bench.rows.enrol("b", 90, "no_record")
    bench.rows.enrol("", 2, "no_record_files")
    plain = told(bench)
    assert only_consent(plain)["text"].endswith(": left since: a 0.0%, b 30.0%")
    assert plain["health"]["bounds"] == []
    assert any(note.endswith("people without any record may be counted more than once") for note in plain["notes"])


def test_where_nobody_left_there_is_nothing_to_compare(begun: Any, fill: Any, told: Any) -> None:
    bench = begun()
    fill(200)
    check = only_consent(told(bench))
    assert (check["verdict"], check["text"]) == ("not tested", "nobody who could be compared was kept out or left")


def test_without_any_exposure_every_check_is_silent(begun: Any, told: Any) -> None:
    bench = begun(SPEND)
    assert {check["verdict"] for check in told(bench)["health"]["checks"]} == {"not tested"}


def test_a_second_scan_that_fails_is_a_breakage_without_the_drivers_words(
    begun: Any, fill: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise duckdb.IOException("member:ann@example.com")

    bench = begun(SPEND)
    fill(200)
    withdraw(bench, "b", 60)
    monkeypatch.setattr("imp_experiments.readout.consent_bounds.trim", broken)
    with pytest.raises(ImpError) as caught:
        read_out(bench.ctx, "test")
    assert (caught.value.exit_code, "ann@" in str(caught.value)) == (3, False)
