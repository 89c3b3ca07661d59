"""What an experiment file says of corrections, prior and covariates, as its readout does it."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import numpy as np
import pytest

from imp_core.errors import BadInput
from imp_experiments.commands.plan_basis import basis_of
from imp_experiments.commands.plan_file import plan_experiment
from imp_experiments.commands.read_out import read_out
from imp_experiments.commands.start import start_experiment
from imp_experiments.design.experiment import analysis_sha256
from imp_experiments.design.parse import parse_experiment
from imp_experiments.readout.format import format_readout, parse_readout, to_plain
from imp_experiments.stats.multiplicity import adjust
from imp_experiments.stats.power.setting import Setting

THIRD = '[[variants]]\nname = "c"\n'
METRIC = """
[[metrics]]
name = "{name}"
role = "{role}"
kind = "mean"
event = "{name}"
value = "quantity"
window = "7d"
scale = "absolute"
"""
SECONDARIES = "".join(METRIC.format(name=name, role="secondary") for name in ("one", "two", "three"))
Read = Callable[..., dict[str, Any]]


def with_third(definition: str) -> str:
    return definition.replace("[[metrics]]", THIRD + "[[metrics]]", 1)


@pytest.fixture
def read(bench: Any, definition: str, at_day: Callable[[float], int]) -> Read:
    """The readout of three variants of 200, whose `one`, `two` and `three` differ the less the later they are named."""

    def run(*, plan: str = "", decision: str = "", more: str = "", day: float = 59.5) -> dict[str, Any]:
        text = with_third(definition).replace("[plan]\n", f"[plan]\n{plan}")
        bench.write(f"{text}{more}\n[decision]\n{decision}\n")
        bench.clock._now_us = at_day(0)
        start_experiment(bench.ctx, "test")
        dice = np.random.default_rng(5)
        for subject in range(1, 601):
            place = subject % 3
            bench.rows.expose(subject, "abc"[place], 10)
            bench.rows.permit(subject, -60)
            if dice.random() < (0.4, 0.52, 0.5)[place]:
                bench.rows.outcome(subject, "visit", 11)
            taste = dice.integers(0, 50)
            for lift, name in enumerate(("three", "two", "one"), start=1):
                drawn = int(dice.integers(0, 30)) + 2 * lift * (place > 0) + int(taste)
                bench.rows.outcome(subject, name, 11, quantity=drawn)
                bench.rows.outcome(subject, name, 5, quantity=int(taste) + int(dice.integers(0, 10)))
        for arm in "abc":
            bench.rows.enrol(arm, 200)
        bench.clock._now_us = at_day(day)
        readout = read_out(bench.ctx, "test").readout
        assert parse_readout(format_readout(readout)) == readout
        plain: dict[str, Any] = json.loads(json.dumps(to_plain(readout)))
        schema = importlib.resources.files("imp_experiments.readout").joinpath("readout.schema.json").read_text("utf-8")
        jsonschema.validate(plain, json.loads(schema), cls=jsonschema.Draft202012Validator)
        return plain

    return run


def of(plain: dict[str, Any], *metrics: str) -> list[dict[str, Any]]:
    return [one for one in plain["comparisons"] if one["metric"] in metrics]


# -- corrections ------------------------------------------------------------------------------------------------------


def test_max_t_is_narrower_than_bonferroni_and_p_interval_and_verdict_agree(read: Read) -> None:
    found = read(decision='primaries = "max_t"')
    visits = of(found, "visit")
    assert {one["correction"] for one in visits} == {"max_t"}
    assert found["verdict"]["correction"] == "max_t"
    assert any("2 hypotheses (max-T)" in note for note in found["notes"])
    for one, test in zip(visits, found["verdict"]["tests"], strict=True):
        # beyond alpha alone, within Bonferroni's
        assert 0.0125 < one["tail"] < 0.025
        assert one["p_value"] < one["p_corrected"] < 2 * one["p_value"]
        excludes = one["relative"]["low"] > 0 or one["relative"]["high"] < 0
        assert (one["p_corrected"] < 0.05) == excludes == (test["outcome"] != "not shown")
        assert (test["low"], test["high"], test["p_value"]) == (
            one["relative"]["low"],
            one["relative"]["high"],
            one["p_corrected"],
        )


def test_by_max_t_what_was_told_at_the_horizon_stays_when_another_metric_ripens(
    read: Read, bench: Any, at_day: Callable[[float], int]
) -> None:
    later = METRIC.format(name="one", role="primary").replace('"7d"', '"14d"')
    first = read(decision='primaries = "max_t"', more=later, day=21)
    assert {one["p_value"] for one in of(first, "one")} == {None}
    bench.clock._now_us = at_day(59.5)
    again: dict[str, Any] = json.loads(json.dumps(to_plain(read_out(bench.ctx, "test").readout)))
    assert None not in {one["p_value"] for one in of(again, "one")}
    assert of(again, "visit") == of(first, "visit")
    assert {one["correction"] for one in of(again, "one", "visit")} == {"max_t"}


def test_before_the_horizon_max_t_keeps_to_bonferroni(read: Read) -> None:
    found = read(decision='primaries = "max_t"', day=18.5)
    assert {one["correction"] for one in of(found, "visit")} == {"bonferroni"}
    assert any("2 hypotheses (Bonferroni)" in note for note in found["notes"])


@pytest.mark.parametrize("method", ["benjamini_hochberg", "benjamini_yekutieli", "holm", "hochberg"])
def test_secondaries_are_corrected_as_registered(read: Read, method: str) -> None:
    plain = read(decision=f'secondaries = "{method}"', more=SECONDARIES)
    found = of(plain, "one", "two", "three")
    assert {one["correction"] for one in found} == {method}
    wanted = adjust([one["p_value"] for one in found], method)
    assert [one["p_corrected"] for one in found] == pytest.approx(wanted)
    assert sum("secondary metrics are" in note for note in plain["notes"]) == 1


def test_secondaries_may_be_left_uncorrected_as_registered(read: Read) -> None:
    found = read(decision='secondaries = "none"', more=SECONDARIES)
    assert {one["p_corrected"] for one in of(found, "one", "two", "three")} == {None}
    assert "secondary metrics are not corrected for each other, as registered" in found["notes"]


# -- prior ------------------------------------------------------------------------------------------------------------


def test_a_prior_gives_chances_at_the_horizon(read: Read) -> None:
    found = read(plan="prior = 0.1\n", more=METRIC.format(name="one", role="secondary"))
    for one in found["comparisons"]:
        assert one["posterior"]["prior"] == {"mean": 0.0, "sd": 0.1}
    (one, _) = of(found, "one")
    # normal-normal by hand, absolute
    estimate, se = one["absolute"]["estimate"], one["absolute"]["se"]
    weight = 0.1**2 / (0.1**2 + se**2)
    assert one["posterior"]["estimate"] == pytest.approx(weight * estimate)
    assert any("do not make looking early safe" in note for note in found["notes"])


def test_before_the_horizon_a_prior_tells_nothing(read: Read) -> None:
    found = read(plan="prior = 0.1\n", day=18.5)
    assert {one["posterior"] for one in found["comparisons"]} == {None}
    assert any("chances to beat control are told at the horizon" in note for note in found["notes"])


# -- covariates -------------------------------------------------------------------------------------------------------


def test_the_past_of_other_metrics_adjusts_too(read: Read) -> None:
    before = METRIC + 'pre = "8d"\n'
    alone = METRIC.format(name="three", role="secondary")
    more = before.format(name="one", role="secondary") + before.format(name="two", role="secondary") + alone
    found = read(more=more + 'covariates = ["one", "two"]\n')
    one, three = of(found, "one")[0], of(found, "three")[0]
    assert "adjusted for one (before), two (before) (Lin 2013)" in three["method"]
    assert "adjusted for one (before) (Lin 2013)" in one["method"]
    assert three["variance_saved"] > 0.5


def test_covariates_are_those_of_a_regression_with_interactions(read: Read, bench: Any) -> None:
    before = METRIC + 'pre = "8d"\n'
    more = before.format(name="one", role="secondary") + METRIC.format(name="three", role="secondary")
    found = of(read(more=more + 'covariates = ["one"]\n'), "three")
    arms = {row["subject"]: row["variant"] for row in bench.rows.events if row["type"] == "exposure"}
    values: dict[tuple[int, str, bool], int] = {}
    for row in bench.rows.events:
        if row["type"] == "outcome" and row["name"] != "visit":
            exposed = next(iter(bench.rows.events))["event_us"]
            values[row["subject"], row["name"], row["event_us"] < exposed] = row["quantity"]
    y = np.array([values[subject, "three", False] for subject in arms], dtype=float)
    x = np.array([values[subject, "one", True] for subject in arms], dtype=float)
    arm = np.array(list(arms.values()))
    adjusted = {}
    for name in "abc":
        slope, level = np.polyfit(x[arm == name], y[arm == name], 1)
        adjusted[name] = level + slope * x.mean()
    for one in found:
        assert one["absolute"]["estimate"] == pytest.approx(adjusted[one["variant"]] - adjusted["a"], rel=1e-9)


# -- clusters ---------------------------------------------------------------------------------------------------------


def test_clusters_are_planned_with_their_size_and_correlation(definition: str) -> None:
    experiment = parse_experiment(f'cluster = "household"\n{definition}'.encode(), file="x.toml")
    baselines = {"visit": basis_of("proportion", "0.2")}
    with pytest.raises(BadInput, match=r"come in clusters \(household\)"):
        plan_experiment(experiment, baselines, mde=0.1)
    housed = plan_experiment(experiment, baselines, mde=0.1, shape=Setting(cluster_size=5, icc=0.1))
    assert housed.metrics[0].units is not None


# -- the file ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "where", "problem"),
    [
        (("", '[decision]\nprimaries = "holm"\n'), "decision", "must be one of: bonferroni, max_t"),
        (("", '[decision]\nsecondaries = "max_t"\n'), "decision", "must be one of"),
        (("[plan]", '[decision]\nprimaries = "max_t"\n[plan]\nlooks = "daily"'), "primaries", "looks split alpha"),
        (("[plan]", "[plan]\nprior = 0"), "prior", "must be above 0"),
        (("[plan]", "[plan]\nprior = true"), "prior", "must be a number"),
        (("", 'covariates = ["visit"]\n'), "covariates", "not another metric with a pre"),
        (("", 'covariates = "visit"\n'), "covariates", "must be a list of texts"),
    ],
)
def test_what_cannot_be_registered_is_refused_by_its_field(
    definition: str, change: tuple[str, str], where: str, problem: str
) -> None:
    old, new = change
    text = definition.replace(old, new, 1) if old else definition + new
    with pytest.raises(BadInput, match=problem) as caught:
        parse_experiment(text.encode(), file="x.toml")
    assert where in str(caught.value.where)


def test_the_hash_covers_what_is_chosen_and_not_that_a_default_was_written(definition: str) -> None:
    def hashed(text: str) -> str:
        return analysis_sha256(parse_experiment(text.encode(), file="x.toml"))

    plain = hashed(definition)
    written = '\n[decision]\nprimaries = "bonferroni"\nsecondaries = "benjamini_hochberg"\n'
    assert hashed(definition + written) == plain
    chosen = [
        definition + '\n[decision]\nprimaries = "max_t"\n',
        definition + '\n[decision]\nsecondaries = "none"\n',
        definition.replace("[plan]", "[plan]\nprior = 0.1"),
    ]
    assert len({plain, *(hashed(text) for text in chosen)}) == 4
