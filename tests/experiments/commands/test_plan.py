from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from imp_core.cli import invoke

TWO = """
name = "two"
purpose = "experimentation"
salt = "k3x9qa7vdd"
control = "a"
traffic = 0.5
[plan]
horizon = "28d"
mde = 0.1
[[variants]]
name = "a"
weight = 2
[[variants]]
name = "b"
[[variants]]
name = "c"
[[variants]]
name = "resting"
weight = 0
[[metrics]]
name = "visit"
kind = "proportion"
event = "visit"
window = "7d"
[[metrics]]
name = "spend"
kind = "mean"
event = "order"
value = "amount"
window = "14d"
[[metrics]]
name = "complaint"
role = "guardrail"
kind = "proportion"
event = "complaint"
direction = "down"
margin = 0.2
window = "7d"
[[metrics]]
name = "clicks"
role = "secondary"
kind = "mean"
event = "click"
window = "7d"
"""
BOTH = ("--baseline", "visit=0.1", "--baseline", "spend=10:20")


@pytest.fixture
def run(bench: Any, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`imp experiment plan …` in this process, on the bench's fakes."""

    def invoked(*arguments: str) -> tuple[int, str, str]:
        code = invoke(["experiment", "plan", *arguments], bench.ctx)
        out, err = capsys.readouterr()
        return code, out, err

    return invoked


@pytest.fixture
def plan(run: Any) -> Callable[..., Any]:
    """The JSON of a plan that can be reached."""

    def planned(*arguments: str) -> Any:
        code, out, err = run(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    return planned


# -- figures ----------------------------------------------------------------------------------------------------------


def test_the_real_command_line_plans_without_a_workspace(imp: Any) -> None:
    answer = imp(
        "experiment", "plan", "--baseline", "0.05", "--mde", "0.1", "--power", "0.8", "--alpha", "0.05",
        "--variants", "2", "--daily", "2000", "--window", "14d", "--json",
    ).ok()  # fmt: skip
    # (1.959964 + 0.841621)² × 2 × (0.945 / 0.055 + 0.95 / 0.05) / log(1.1)², less what the skewness gives
    assert answer.json["units"] == pytest.approx(62_525, rel=0.002)
    assert answer.json["days"] == 32 + 14
    assert [week["matured"] for week in answer.json["weeks"]] == [2_000 * max(0, 7 * n - 14) for n in range(1, 9)]
    assert answer.json["weeks"][1]["mde"] is None
    text = (
        imp("experiment", "plan", "--baseline", "0.05", "--mde", "0.1", "--daily", "2000", "--window", "14d").ok().out
    )
    assert "62,430 in all" in text
    assert "46 until" in text
    assert "+9.43%" in text


def test_each_of_effect_units_and_power_is_solved_for_where_it_is_missing(plan: Any) -> None:
    units = plan("--baseline", "0.05", "--mde", "0.1")
    assert (units["solved"], units["power"]) == ("units", 0.8)
    effect = plan("--baseline", "0.05", "--units", str(units["units"]))
    assert effect["solved"] == "mde"
    assert effect["mde"] == pytest.approx(0.1, abs=1e-4)
    power = plan("--baseline", "0.05", "--units", str(units["units"]), "--mde", "0.1")
    assert power["solved"] == "power"
    assert power["power"] == pytest.approx(0.8, abs=1e-4)
    weeks = plan("--baseline", "0.05", "--daily", "1000")
    assert (weeks["solved"], weeks["units"]) == ("weeks", None)
    assert weeks["weeks"][0]["mde"] > weeks["weeks"][7]["mde"] > 0


def test_a_mean_is_given_as_two_options_or_as_one(plan: Any) -> None:
    one = plan("--mean", "10", "--sd", "20", "--mde", "0.05")
    assert one == plan("--baseline", "10:20", "--mde", "0.05")
    z = 1.959964 + 0.841621
    assert one["units"] == pytest.approx(4 * 4 * (z / math.log(1.05)) ** 2, rel=1e-3)
    absolute = plan("--mean", "-1", "--sd", "20", "--mde", "1", "--scale", "absolute", "--direction", "down")
    assert absolute["mde"] == -1
    assert absolute["units"] == pytest.approx(4 * 400 * z**2, rel=1e-3)


def test_a_ratio_is_planned_by_its_linear_form(plan: Any) -> None:
    found = plan("--ratio", "12,40,3,5,0.6", "--mde", "0.05")
    assert (found["baseline"], found["sd"]) == (4, pytest.approx(math.sqrt(115.5555555), rel=1e-6))


def test_several_variants_share_alpha_and_are_told_of_a_larger_control(plan: Any) -> None:
    found = plan("--baseline", "0.1", "--mde", "0.1", "--variants", "4")
    assert (found["hypotheses"], found["share_control"]) == (3, 0.25)
    assert "√3" in found["advice"][0]
    weighted = plan("--baseline", "0.1", "--mde", "0.1", "--weights", "1.732,1,1,1", "--primaries", "2")
    assert weighted["hypotheses"] == 6
    assert weighted["advice"] == []
    assert plan("--baseline", "0.1", "--mde", "0.1", "--weights", "1.732,1,1,1")["units"] < 0.94 * found["units"]


def test_what_methods_add_changes_the_units_by_its_factor(plan: Any) -> None:
    plain = plan("--baseline", "0.1", "--mde", "0.1")["units"]
    for options, factor in (
        (("--r2", "0.3"), 0.7),
        (("--cluster-size", "20", "--icc", "0.05"), 1.95),
        (("--cluster-size", "20", "--icc", "0.05", "--cluster-cv", "0.5"), 2.2),
        (("--inflation", "1.05"), 1.05),
    ):
        # the tolerance: few clusters have few degrees of freedom
        assert plan("--baseline", "0.1", "--mde", "0.1", *options)["units"] / plain == pytest.approx(factor, rel=3e-3)


def test_of_clusters_it_says_what_they_cost_and_that_the_sample_ratio_counts_them(plan: Any, run: Any) -> None:
    figures = ("--baseline", "0.1", "--units", "40000")
    clusters = ("--cluster-size", "20", "--icc", "0.05")
    found, plain = plan(*figures, *clusters), plan(*figures)
    assert (found["cluster_size"], found["design_effect"]) == (20, pytest.approx(1.95))
    assert (plain["cluster_size"], plain["design_effect"]) == (1, 1)
    # 2,000 clusters are all that the check counts
    assert found["loss"] == pytest.approx(plan("--baseline", "0.1", "--units", "2000")["loss"], rel=1e-6)
    told = run(*figures, *clusters)[1]
    assert "clusters      take 1.95 times the units that come by themselves (design effect)" in told
    assert "of the smallest variant's clusters are lost" in told
    assert "clusters" not in run(*figures)[1]


def test_a_margin_plans_non_inferiority_on_one_side(plan: Any, run: Any) -> None:
    found = plan("--baseline", "0.2", "--margin", "0.05", "--daily", "3000", "--traffic", "0.5", "--consent", "0.8")
    assert (found["sides"], found["mde"], found["power"]) == (1, None, 0.8)
    assert found["days"] == math.ceil(found["units"] / 1_200)
    assert found["weeks"][7]["power"] > 0.8
    assert plan("--baseline", "0.2", "--margin", "0.05", "--units", "37600")["power"] == pytest.approx(0.8, abs=1e-3)
    assert "not worse than control by 5.00%" in run("--baseline", "0.2", "--margin", "0.05")[1]


def test_where_nothing_can_be_detected_the_exit_code_is_1_and_the_answer_says_so(run: Any) -> None:
    code, out, err = run("--baseline", "0.9", "--units", "10")
    assert (code, err) == (1, "")
    assert "none can be detected" in out
    code, out, _ = run("--baseline", "0.9", "--units", "3", "--mde", "0.05")
    assert code == 1
    assert "too few units to test" in out
    code, out, _ = run("--baseline", "0.9", "--mde", "0.0000001")
    assert code == 1
    assert "no number of units" in out


@pytest.mark.parametrize(
    ("words", "where", "says"),
    [
        ("--mde 0.1", "--baseline", "one baseline"),
        ("--baseline 0.1 --mean 3 --sd 2 --mde 0.1", "--baseline", "one baseline"),
        ("--baseline 0.1 --baseline 0.2 --mde 0.1", "--baseline", "one baseline"),
        ("--baseline 1.1 --mde 0.1", "--baseline", "not a proportion"),
        ("--baseline visit=0.1 --mde 0.1", "--baseline", "has no name"),
        ("--baseline x --mde 0.1", "--baseline", "not a baseline"),
        ("--baseline 1:2:3:4 --mde 0.1", "--baseline", "not a baseline"),
        ("--baseline nan --mde 0.1", "--baseline", "not a proportion"),
        ("--mean 10 --mde 0.1", "--sd", "give both"),
        ("--mean 10 --sd 0 --mde 0.1", "--baseline", "without spread"),
        ("--mean 0 --sd 1 --mde 0.1", "--baseline", "no relative scale"),
        ("--ratio 1,2 --mde 0.1", "--ratio", "12,40,3,5,0.6"),
        ("--ratio 1,2,x,4,0 --mde 0.1", "--ratio", "not numbers"),
        ("--baseline 0.1", "--mde", "--units or --daily"),
        ("--baseline 0.1 --mde 0.1 --units 9 --power 0.8", "--power", "nothing is left"),
        ("--baseline 0.1 --mde 0", "--mde", "above 0"),
        ("--baseline 0.1 --mde 20", "--mde", "cannot be"),
        ("--baseline 0.1 --mde 0.1 --alpha 2", "--alpha", "between 0 and 1"),
        ("--baseline 0.1 --mde 0.1 --power 1", "--power", "below 1"),
        ("--baseline 0.1 --mde 0.1 --sides 3", "--sides", "1 or 2"),
        ("--baseline 0.1 --mde 0.1 --variants 1", "--variants", "2 or more"),
        ("--baseline 0.1 --mde 0.1 --weights 1", "--weights", "not weights"),
        ("--baseline 0.1 --mde 0.1 --weights 1,nan", "--weights", "not weights"),
        ("--baseline 0.1 --mde 0.1 --weights 1,1 --variants 3", "--variants", "2 weights"),
        ("--baseline 0.1 --mde 0.1 --primaries 0", "--primaries", "1 or more"),
        ("--baseline 0.1 --mde 0.1 --r2 1", "--r2", "below 1"),
        ("--baseline 0.1 --mde 0.1 --icc 0.1", "--icc", "size"),
        ("--baseline 0.1 --mde 0.1 --cluster-size 5", "--cluster-size", "how alike"),
        ("--baseline 0.1 --mde 0.1 --cluster-size 5 --icc 2", "--icc", "intra-cluster"),
        ("--baseline 0.1 --mde 0.1 --inflation 0.5", "--inflation", "1 or more"),
        ("--baseline 0.1 --units 0", "--units", "above 0"),
        ("--baseline 0.1 --margin 0.1 --mde 0.1", "--mde", "leave it out"),
        ("--baseline 0.1 --margin 0.1 --primaries 2", "--primaries", "uncorrected"),
        ("--baseline 0.1 --margin 1", "--margin", "below 1"),
        ("--baseline 0.1 --margin 0.1 --sides 2", "--sides", "one side"),
        ("--baseline 0.1 --mde 0.1 --window 7d", "--window", "--daily"),
        ("--baseline 0.1 --mde 0.1 --consent 0.7", "--consent", "--daily"),
        ("--baseline 0.1 --mde 0.1 --daily 0", "--daily", "above 0"),
        ("--baseline 0.1 --mde 0.1 --daily 9 --window 7", "--window", "14d"),
        ("--baseline 0.1 --mde 0.1 --daily 9 --traffic 1.5", "--traffic", "share"),
    ],
)
def test_what_cannot_be_planned_names_the_option_and_how_to_mend_it(
    run: Any, words: str, where: str, says: str
) -> None:
    code, out, err = run(*words.split())
    assert (code, out) == (2, "")
    assert f"where: {where}\n" in err
    assert "mend: " in err
    assert says in err


# -- an experiment file -----------------------------------------------------------------------------------------------


def test_a_file_gives_alpha_variants_primaries_and_horizon(bench: Any, plan: Any) -> None:
    bench.write(TWO, name="two")
    found = plan("two", *BOTH, "--baseline", "complaint=0.1", "--daily", "100000")
    assert found["shares"] == {"a": 0.5, "b": 0.25, "c": 0.25, "resting": 0}
    assert found["enough"] is True
    visit, spend, complaint = found["metrics"]
    assert (visit["hypotheses"], spend["hypotheses"], complaint["hypotheses"]) == (4, 4, 1)
    alone = plan("--baseline", "0.1", "--mde", "0.1", "--weights", "2,1,1", "--primaries", "2")
    assert visit["units"] == alone["units"]
    assert (
        spend["units"] == plan("--baseline", "10:20", "--mde", "0.1", "--weights", "2,1,1", "--primaries", "2")["units"]
    )
    # traffic is the file's half; a cohort counts when its window is over
    assert (visit["matured"], spend["matured"]) == (50_000 * 21, 50_000 * 14)
    assert complaint["test"] == "non-inferiority"
    guard = plan("--baseline", "0.1", "--margin", "0.2", "--direction", "down", "--weights", "2,1,1")
    assert complaint["units"] == guard["units"]


def test_a_horizon_that_does_not_suffice_is_said_first_with_what_would(bench: Any, run: Any, plan: Any) -> None:
    bench.write(TWO, name="two")
    code, out, err = run("two", *BOTH, "--daily", "2000", "--consent", "0.5")
    assert (code, err) == (1, "")
    assert out.startswith("two: the horizon of 28 days does NOT suffice\n")
    found = json.loads(run("two", *BOTH, "--daily", "2000", "--consent", "0.5", "--json")[1])
    needed = max(metric["daily"] for metric in found["metrics"])
    assert needed == max(math.ceil(m["units"] / d / 0.25) for m, d in zip(found["metrics"], (21, 14), strict=True))
    assert plan("two", *BOTH, "--daily", str(needed), "--consent", "0.5")["enough"] is True
    assert run("two", *BOTH, "--daily", str(needed - 1), "--consent", "0.5")[0] == 1


def test_without_traffic_it_says_what_a_day_would_do(bench: Any, run: Any) -> None:
    bench.write(TWO, name="two")
    code, out, _ = run("two", *BOTH)
    assert code == 0
    assert "depends on what was not given" in out
    assert "new units a day to be ready at the horizon" in out
    assert "guardrails not planned" in out
    assert "complaint" in out


def test_the_treatment_with_the_fewest_units_decides(bench: Any, plan: Any) -> None:
    bench.write(TWO.replace('name = "c"', 'name = "c"\nweight = 5'), name="two")
    visit = plan("two", *BOTH)["metrics"][0]
    assert (
        visit["units"] == plan("--baseline", "0.1", "--mde", "0.1", "--weights", "2,1,5", "--primaries", "2")["units"]
    )


def test_all_primaries_are_planned_at_a_root_of_the_power(bench: Any, plan: Any) -> None:
    bench.write(TWO + '[decision]\nprimary = "all"\n', name="two")
    found = plan("two", *BOTH)
    assert [metric["power"] for metric in found["metrics"]] == [pytest.approx(math.sqrt(0.8))] * 2


def test_without_an_effect_the_weeks_traffic_says_what_the_horizon_detects(
    bench: Any, plan: Any, definition: str
) -> None:
    bench.write(definition.replace("horizon", 'looks = "daily"\nhorizon'))
    found = plan("test", "--baseline", "visit=0.1", "--daily", "1000")
    (visit,) = found["metrics"]
    assert (visit["matured"], visit["units"], found["enough"]) == (13_000, None, None)
    alone = plan("--baseline", "0.1", "--units", "13000", "--sequential", "confidence_sequence")
    assert visit["detectable"] == pytest.approx(alone["mde"], rel=1e-9)
    assert any("confidence sequence has no last look" in note for note in found["notes"])
    assert plan("test", "--baseline", "visit=0.1", "--mde", "0.1")["metrics"][0]["effect"] == 0.1


def test_a_window_as_long_as_the_horizon_never_suffices(bench: Any, run: Any, definition: str) -> None:
    bench.write(definition.replace('"7d"', '"20d"'))
    code, out, _ = run("test", "--baseline", "visit=0.1", "--mde", "0.1", "--daily", "1000000")
    assert code == 1
    assert "a longer horizon" in out


@pytest.mark.parametrize(
    ("words", "where", "says"),
    [
        ("test --mde 0.1", "--baseline", "visit=0.05"),
        ("test --baseline visit=0.1", "test: plan.mde", "--daily"),
        ("test --baseline 0.1 --mde 0.1", "--baseline", "METRIC=0.05"),
        ("test --baseline visit=3:4 --mde 0.1", "--baseline", "a proportion like"),
        ("test --baseline other=0.1 --mde 0.1", "--baseline", "its metrics are: visit"),
        ("test --baseline visit=0.1 --baseline other=3:4 --mde 0.1", "--baseline", "no metric"),
        ("test --baseline visit=0.1 --mde -1", "--mde", "above 0"),
        ("test --baseline visit=0.1 --mde 9.5", "--mde", "cannot be"),
        ("test --baseline visit=0.1 --mde 0.1 --alpha 0.1", "--alpha", "file says this"),
        ("test --baseline visit=0.1 --mde 0.1 --daily 5 --window 7d", "--window", "file says this"),
        ("nothing --baseline visit=0.1", "nothing.toml", "no experiment"),
    ],
)
def test_what_a_file_cannot_be_planned_with_is_named(run: Any, words: str, where: str, says: str) -> None:
    code, out, err = run(*words.split())
    assert (code, out) == (2, "")
    assert where in err
    assert says in err


def test_a_secondary_metric_is_not_planned(bench: Any, run: Any) -> None:
    bench.write(TWO, name="two")
    code, _, err = run("two", *BOTH, "--baseline", "clicks=1:1")
    assert code == 2
    assert "secondary" in err
    (named,) = [line for line in err.splitlines() if "its metrics are" in line]
    assert "visit" in named
    assert "clicks" not in named


def test_a_baseline_of_a_guardrail_whose_margin_is_not_tested_is_refused(bench: Any, run: Any) -> None:
    harm = TWO + '[decision]\nguardrails = "no_harm"\n'
    bench.write(harm, name="two")
    code, out, err = run("two", *BOTH, "--baseline", "complaint=0.01")
    assert (code, out) == (2, "")
    assert "'complaint' is a guardrail of no_harm, whose margin is not tested" in err
    assert 'guardrails = "noninferior"' in err
    assert "guardrails not planned (no_harm tests no margin): complaint" in run("two", *BOTH)[1]


def test_a_missing_value_of_ones_own_units_is_no_missing_variant(run: Any, bench: Any) -> None:
    (bench.ctx.directory / "holes.csv").write_text("visits,spend\n1,2\n2,\n3,4\n")
    code, _, err = run("--data", "holes.csv", "--column", "spend", "--mde", "0.1")
    assert code == 2
    assert "the value is missing" in err
    assert "row 2, column spend" in err
    assert "variant" not in err


def test_a_file_by_its_path_needs_no_workspace_and_its_names_cannot_forge_a_line(
    imp_here: Any, definition: str
) -> None:
    hostile = definition.replace('name = "visit"', r'name = "vi\u001b[31m\nsit"')
    (imp_here.workspace / "test.toml").write_text(hostile, encoding="utf-8")
    answer = imp_here("experiment", "plan", "test.toml", "--baseline", "vi\x1b[31m\nsit=0.1", "--mde", "0.1").ok()
    assert "\x1b" not in answer.out
    assert "vi [31m sit (primary)" in answer.out


def test_planning_imports_no_statsmodels_and_writes_nothing(imp: Any) -> None:
    before = sorted(imp.workspace.rglob("*"))
    imp("experiment", "plan", "--baseline", "0.05", "--mde", "0.1").ok()
    assert sorted(imp.workspace.rglob("*")) == before
    listed = imp("experiment", "--help").ok().out
    assert "plan" in listed
    assert "Example: imp experiment plan" in " ".join(imp("experiment", "plan", "--help").ok().out.split())


def test_registered_looks_are_allowed_for_in_the_units(bench: Any, plan: Any, definition: str) -> None:
    once = plan("test", "--baseline", "visit=0.1", "--mde", "0.1")["metrics"][0]["units"]
    bench.write(definition.replace("horizon", 'looks = "daily"\nunits = 50000\nhorizon'))
    found = plan("test", "--baseline", "visit=0.1", "--mde", "0.1")
    # O'Brien-Fleming type looks cost a few per cent
    assert 1.01 < found["metrics"][0]["units"] / once < 1.06
    assert any("obrien_fleming" in note for note in found["notes"])


def test_a_baseline_of_no_metric_names_the_metrics_there_are(bench: Any, run: Any) -> None:
    bench.write(TWO, name="two")
    code, _, err = run("two", "--baseline", "vist=0.1")
    assert code == 2
    assert "'vist' is no metric of the experiment" in err
    assert "its metrics are: visit" in err
