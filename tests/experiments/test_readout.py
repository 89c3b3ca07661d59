"""The gated path on a fake view: what the readout says, hides and concludes."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from imp_core.clock import format_time
from imp_core.errors import BadInput, CheckFailed, ImpError
from imp_core.gate import Action
from imp_experiments.commands.read_out import ReadOut, read_out
from imp_experiments.commands.start import start_experiment
from imp_experiments.readout.format import format_readout, parse_readout, to_plain

GUARDED = """
[[metrics]]
name = "spend"
role = "guardrail"
kind = "mean"
event = "order"
value = "amount"
window = "5d"
scale = "absolute"
margin = 2.0
"""


def schema() -> Any:
    text = importlib.resources.files("imp_experiments.readout").joinpath("readout.schema.json").read_text("utf-8")
    return json.loads(text)


def check(done: ReadOut) -> dict[str, Any]:
    """The readout as JSON, held against the published schema and the way back."""
    plain = to_plain(done.readout)
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(plain, schema(), cls=jsonschema.Draft202012Validator)
    assert parse_readout(format_readout(done.readout)) == done.readout
    return plain


# -- the protocol -----------------------------------------------------------------------------------------------------


def test_the_use_is_opened_for_the_purpose_and_closed_with_the_hash_of_what_is_written(started: Any, fill: Any) -> None:
    fill()
    done = read_out(started.ctx, "test")
    ((use, definition_seq),) = started.view.asked
    assert (use.purpose, use.action, use.channel, use.subject) == ("experimentation", Action.ANALYSE, None, None)
    assert definition_seq == 0
    data = done.path.read_bytes()
    (closing,) = started.view.closings
    assert closing["sha256"] == hashlib.sha256(data).hexdigest() == done.sha256
    assert closing["counts"] == {"units": 400, "excluded": 0}
    assert data == format_readout(done.readout)
    assert check(done)["consent"] == {"checkpoint": "imp.local/test\n50\nroot\n", "use": 100}
    assert done.path == started.root / "reports" / "test-100.json"


@pytest.mark.parametrize("times", [1, 2])
def test_a_withdrawal_meanwhile_makes_it_run_again(started: Any, fill: Any, times: int) -> None:
    fill()
    started.view.superseded = times
    done = read_out(started.ctx, "test")
    assert [use.ended for use in started.view.uses] == ["abandoned"] * times + ["closed"]
    assert check(done)["consent"]["use"] == 100 + 10 * times
    assert len(list((started.root / "reports").iterdir())) == 1


def test_an_erasure_while_it_is_opened_makes_it_run_again_at_most_twice(started: Any, fill: Any) -> None:
    fill()
    started.view.erased_while_opening = 2
    assert check(read_out(started.ctx, "test"))["consent"]["use"] == 100
    assert len(started.view.asked) == 3
    started.view.erased_while_opening = 99
    with pytest.raises(CheckFailed, match="withdrew or were erased"):
        read_out(started.ctx, "test")
    assert len(started.view.asked) == 6


def test_after_running_again_twice_it_is_refused_and_nothing_is_written(started: Any, fill: Any) -> None:
    fill()
    started.view.superseded = 99
    with pytest.raises(CheckFailed, match="withdrew or were erased"):
        read_out(started.ctx, "test")
    assert [use.ended for use in started.view.uses] == ["abandoned"] * 3
    assert list((started.root / "reports").iterdir()) == []


def test_a_breakage_while_computing_abandons_the_use(started: Any, fill: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fill()

    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("imp_experiments.commands.read_out.run", broken)
    with pytest.raises(KeyboardInterrupt):
        read_out(started.ctx, "test")
    assert [use.ended for use in started.view.uses] == ["abandoned"]
    assert started.view.closings == []


def test_frames_that_cannot_be_read_are_a_breakage_without_the_drivers_words(started: Any, fill: Any) -> None:
    fill()
    relations = started.rows.relations
    started.rows.relations = lambda connection: {
        **relations(connection),
        "closed": connection.sql("SELECT subject, 'ann@example.com' AS reason FROM events"),
    }
    with pytest.raises(ImpError) as caught:
        read_out(started.ctx, "test")
    assert "ann@" not in str(caught.value)
    assert caught.value.exit_code == 3
    assert [use.ended for use in started.view.uses] == ["abandoned"]


def test_an_experiment_that_is_not_started_is_not_read(bench: Any) -> None:
    with pytest.raises(BadInput, match="not started"):
        read_out(bench.ctx, "test")
    assert bench.view.uses == []


def test_a_definition_changed_since_the_start_is_refused_with_both_hashes(started: Any, definition: str) -> None:
    started.write(definition.replace('window = "7d"', 'window = "6d"'))
    with pytest.raises(CheckFailed) as caught:
        read_out(started.ctx, "test")
    assert started.ledger.written[0].fields["analysis_sha256"] in caught.value.what
    assert caught.value.what.count("now ") == 1
    assert started.view.uses == []


def test_words_and_traffic_may_change_after_the_start(started: Any, fill: Any, definition: str) -> None:
    fill()
    started.write("traffic = 0.5\n" + definition.replace("It lifts", "It surely lifts"))
    assert check(read_out(started.ctx, "test"))["comparisons"]


# -- who is counted ---------------------------------------------------------------------------------------------------


def test_r53_a_withdrawal_and_new_grant_inside_the_window_exclude_the_unit_and_are_no_zero(
    started: Any, fill: Any
) -> None:
    fill(100)
    visitors = [row["subject"] for row in started.rows.events if row["type"] == "outcome" and row["name"] == "visit"]
    before = check(read_out(started.ctx, "test"))["comparisons"][0]
    for subject in visitors[20:40]:  # of variant b
        started.rows.close(subject, "withdrawn", 3, 4)
    after = check(read_out(started.ctx, "test"))
    compared = after["comparisons"][0]
    assert after["excluded"]["withdrawn"] == 20
    assert compared["n"] == {"variant": 80, "control": 100}
    # 50 of 100 visited; 20 visitors are gone: 30 of 80, not 30 of 100
    assert (before["value"]["variant"], compared["value"]["variant"]) == (0.5, 30 / 80)


def test_r53_a_readout_states_the_time_it_was_read_the_ledger_it_knew_and_who_is_out(started: Any, fill: Any) -> None:
    fill(100)
    done = read_out(started.ctx, "test")
    plain = check(done)
    assert plain["as_of"] == format_time(started.ctx.clock.now_us())
    assert (plain["consent"]["use"], bool(plain["consent"]["checkpoint"])) == (done.use_seq, True)
    assert plain["experiment"]["started"] < plain["experiment"]["horizon"]
    assert {"withdrawn", "refused", "expired", "erased", "no_record"} <= set(plain["excluded"])


def test_r53_a_late_grant_excludes_the_unit(started: Any, fill: Any) -> None:
    fill(100)
    for subject in [row["subject"] for row in started.rows.events if row["type"] == "exposure"][:15]:
        started.rows.close(subject, "no_record", 0, 2)
    after = check(read_out(started.ctx, "test"))
    assert after["excluded"]["no_record"] == 15
    assert after["comparisons"][0]["n"] == {"variant": 100, "control": 85}


def test_r53_excluded_adds_up_who_was_denied_who_no_longer_passes_and_who_is_erased(started: Any, fill: Any) -> None:
    fill(100)
    started.rows.enrol("a", 30, "refused")
    started.rows.enrol("b", 25, "refused")
    started.rows.enrol("a", 12)  # of these ten withdrew since, and two were erased
    refused = {"experiment": "test", "phase": 1, "variant": "a", "reason": "withdrawn"}
    started.rows.refused += [
        {**refused, "type": "exposure", "subjects": 10},
        {**refused, "type": "outcome", "subjects": 99},
        {**refused, "type": "exposure", "experiment": "another", "subjects": 99},
    ]
    plain = check(read_out(started.ctx, "test"))
    assert plain["excluded"] == {
        "withdrawn": 10,
        "refused": 55,
        "expired": 0,
        "erased": None,  # two: fewer than k
        "no_record": 0,
        "two_variants": 0,
    }
    started.rows.enrol("a", 8)
    plain = check(read_out(started.ctx, "test"))
    assert plain["excluded"]["erased"] == 10
    # all who met a known variant, whatever the gate said
    assert plain["health"]["srm"]["observed"] == {"a": 150, "b": 125}


def test_more_units_than_enrolments_are_no_negative_erasure(started: Any, fill: Any) -> None:
    fill(50)
    started.rows.enrolled.clear()
    plain = check(read_out(started.ctx, "test"))
    assert plain["excluded"]["erased"] == 0
    assert plain["health"]["srm"]["verdict"] == "not tested"


def test_immature_cohorts_wait(started: Any, fill: Any) -> None:
    fill(100, day=1)
    fill(30, day=52)  # its day ends on 53, the window on 60
    plain = check(read_out(started.ctx, "test"))
    assert plain["metrics"] == [{"metric": "visit", "role": "primary", "matured": 200, "immature": 60}]
    assert plain["comparisons"][0]["n"] == {"variant": 100, "control": 100}
    started.clock.move_to(started.clock.now_us() + 86_400_000_000)
    assert check(read_out(started.ctx, "test"))["metrics"][0]["immature"] == 0


def test_r54_cells_of_fewer_than_k_people_are_not_shown(started: Any, fill: Any) -> None:
    fill(9)
    plain = check(read_out(started.ctx, "test"))
    (compared,) = plain["comparisons"]
    assert compared["n"] == {"variant": None, "control": None}
    assert compared["value"] == {"variant": None, "control": None}
    assert (compared["absolute"], compared["relative"]) == (None, None)
    assert [condition["code"] for condition in compared["conditions"]] == ["fewer_than_k"]
    assert plain["health"]["srm"]["observed"] == {"a": None, "b": None}
    assert plain["metrics"][0]["matured"] is None  # two below ten that add up to 18 are nine each


def test_k_is_the_workspaces(started: Any, fill: Any) -> None:
    settings = started.root / "imp.toml"
    settings.write_text(settings.read_text() + "[privacy]\nk = 5\n")
    started.ctx.reload_workspace()
    started.ctx.view, started.ctx.ledger = started.view, started.ledger
    fill(9)
    assert check(read_out(started.ctx, "test"))["comparisons"][0]["n"] == {"variant": 9, "control": 9}


def test_without_any_exposure_there_is_a_readout_that_says_so(started: Any) -> None:
    plain = check(read_out(started.ctx, "test"))
    assert [condition["code"] for condition in plain["comparisons"][0]["conditions"]] == ["no_units"]
    assert plain["verdict"]["value"] == "keep running"


def test_exposures_before_the_start_are_accepted_and_noted(started: Any, fill: Any) -> None:
    fill(100, day=-3)
    told = check(read_out(started.ctx, "test"))
    assert "exposures before start: 200 units" in told["notes"]
    assert told["verdict"]["reason"].endswith("not pre-registered: 200 units were exposed before the start")


def test_a_handful_of_early_exposures_is_not_counted_out(started: Any, fill: Any) -> None:
    fill(100)
    started.rows.expose(999_999, "a", -1)
    assert "exposures before start: fewer than 10 units" in check(read_out(started.ctx, "test"))["notes"]


# -- the verdict ------------------------------------------------------------------------------------------------------


def verdict(bench: Any) -> dict[str, Any]:
    found: dict[str, Any] = check(read_out(bench.ctx, "test"))["verdict"]
    return found


def test_a_clear_lift_after_the_horizon_ships(started: Any, fill: Any) -> None:
    fill()
    found = verdict(started)
    assert (found["value"], found["variants"], found["hypotheses"]) == ("ship", ["b"], 1)
    assert "visit of b: better" in found["reason"]


def test_before_the_horizon_the_answer_is_to_keep_running_with_a_warning(
    started: Any, fill: Any, at_day: Callable[[float], int]
) -> None:
    fill()
    started.clock._now_us = at_day(19)
    plain = check(read_out(started.ctx, "test"))
    assert plain["verdict"]["value"] == "keep running"
    assert plain["verdict"]["tests"] == []
    assert any("hold at all times together" in note for note in plain["notes"])
    (early,) = plain["comparisons"]
    assert early["look"].startswith("asymptotic confidence sequence")
    started.clock._now_us = at_day(20)
    assert verdict(started)["value"] == "ship"
    (late,) = check(read_out(started.ctx, "test"))["comparisons"]
    # an early figure is corrected for all the times it may be looked at
    assert early["p_value"] > 10 * late["p_value"]
    assert early["relative"]["low"] < late["relative"]["low"]
    assert (early["relative"]["estimate"], early["relative"]["se"]) == (
        late["relative"]["estimate"],
        late["relative"]["se"],
    )


def test_the_horizon_of_imported_exposures_runs_from_the_first_of_them(
    started: Any, fill: Any, at_day: Callable[[float], int]
) -> None:
    fill(day=-15)
    started.clock._now_us = at_day(6)
    assert verdict(started)["value"] == "ship"


@pytest.mark.parametrize("visits", [(0.4, 0.4), (0.5, 0.2)])
def test_no_lift_or_harm_does_not_ship(started: Any, fill: Any, visits: tuple[float, float]) -> None:
    fill(visits=visits)
    found = verdict(started)
    assert found["value"] == "do not ship"
    assert found["tests"][0]["outcome"] == ("worse" if visits[1] < visits[0] else "not shown")


def test_lost_exposures_make_it_invalid_however_good_it_looks(started: Any, fill: Any) -> None:
    fill()
    started.rows.enrol("a", 150)
    assert verdict(started)["value"] == "invalid"


def restart(bench: Any, text: str, at_day: Callable[[float], int]) -> None:
    bench.write(text)
    bench.clock._now_us = at_day(0)
    start_experiment(bench.ctx, "test")
    bench.clock.move_to(at_day(59.5))


def test_several_hypotheses_are_corrected_in_p_interval_and_verdict_alike(
    bench: Any, fill: Any, definition: str, at_day: Callable[[float], int]
) -> None:
    second = '[[metrics]]\nname = "order"\nkind = "proportion"\nevent = "order"\nwindow = "7d"\n'
    restart(bench, definition + second, at_day)
    fill(visits=(0.40, 0.50))  # p = .044: enough for one hypothesis, not for two
    plain = check(read_out(bench.ctx, "test"))
    single = plain["comparisons"][0]
    assert 0.025 < single["p_value"] < 0.05
    found = plain["verdict"]
    visit = found["tests"][0]
    assert found["hypotheses"] == 2
    assert visit["p_value"] == pytest.approx(2 * single["p_value"], rel=1e-12)
    assert single["p_corrected"] == visit["p_value"]
    assert (single["relative"]["low"], single["relative"]["high"]) == (visit["low"], visit["high"])
    assert visit["low"] < 0 < visit["high"]
    assert (visit["outcome"], found["value"]) == ("not shown", "do not ship")
    assert any("2 hypotheses" in note for note in plain["notes"])


def test_all_primaries_must_win_where_all_is_registered(
    bench: Any, fill: Any, definition: str, at_day: Callable[[float], int]
) -> None:
    second = '[[metrics]]\nname = "spend"\nkind = "mean"\nevent = "order"\nvalue = "amount"\nwindow = "7d"\n'
    restart(bench, definition + second + '[decision]\nprimary = "all"\n', at_day)
    fill()
    assert verdict(bench)["value"] == "do not ship"


def test_a_guardrail_that_holds_lets_it_ship_and_one_that_breaks_does_not(
    bench: Any, fill: Any, definition: str, at_day: Callable[[float], int]
) -> None:
    restart(bench, definition + GUARDED, at_day)
    fill()
    found = verdict(bench)
    assert [(test["metric"], test["outcome"]) for test in found["tests"]] == [("visit", "better"), ("spend", "held")]
    assert found["value"] == "ship"
    # the orders of variant b lose three: more than the margin of two
    variant_of = {row["subject"]: row["variant"] for row in bench.rows.events if row["type"] == "exposure"}
    for row in bench.rows.events:
        if row.get("name") == "order" and variant_of[row["subject"]] == "b":
            row["amount_micros"] -= 3_000_000
    broken = verdict(bench)
    assert broken["value"] == "do not ship"
    assert "spend of b: broken" in broken["reason"]


def test_a_metric_where_down_is_good_ships_when_it_falls(
    bench: Any, fill: Any, definition: str, at_day: Callable[[float], int]
) -> None:
    restart(bench, definition + 'direction = "down"\n', at_day)
    fill(visits=(0.5, 0.2))
    assert verdict(bench)["value"] == "ship"


def test_amounts_in_several_currencies_have_a_condition_and_no_figures(
    bench: Any, fill: Any, definition: str, at_day: Callable[[float], int]
) -> None:
    restart(bench, definition + GUARDED, at_day)
    fill()
    bench.rows.events[-1]["currency"] = "USD"
    spend = check(read_out(bench.ctx, "test"))["comparisons"][1]
    assert [condition["code"] for condition in spend["conditions"]] == ["several_currencies"]
    assert (spend["absolute"], spend["value"]["variant"]) == (None, None)


# -- what is registered only -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        ("[plan]\n", 'trigger = "send.decided"\n[plan]\n', "the trigger is registered, but acting on it comes later"),
        ("[plan]\n", 'namespace = "mails"\n[plan]\n', "keeping its experiments apart comes later"),
        (
            'window = "7d"\n',
            'window = "7d"\n[[metrics]]\nname = "o"\nrole = "secondary"\nkind = "mean"\nevent = "o"\nwindow = "7d"\n',
            "secondary metrics are corrected for each other by the false discovery rate",
        ),
    ],
)
def test_what_is_registered_but_not_done_yet_is_said(
    bench: Any, fill: Any, definition: str, at_day: Callable[[float], int], change: tuple[str, str, str]
) -> None:
    old, new, said = change
    assert old in definition
    restart(bench, definition.replace(old, new, 1), at_day)
    fill(20)
    assert any(said in note for note in check(read_out(bench.ctx, "test"))["notes"])


def test_what_is_done_needs_no_such_note(started: Any, fill: Any) -> None:
    fill(20)
    assert not any("later" in note for note in check(read_out(started.ctx, "test"))["notes"])


# -- the way back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"null", b'{"schema": "imp.readout/2"}', b'{"schema": "imp.readout/1"}', b"\xff"]
)
def test_what_is_no_readout_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        parse_readout(data)


def test_an_unknown_field_is_refused(started: Any, fill: Any) -> None:
    fill(20)
    plain = to_plain(read_out(started.ctx, "test").readout)
    plain["health"]["srm"]["extra"] = 1
    with pytest.raises(BadInput):
        parse_readout(json.dumps(plain).encode())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plain, schema())
