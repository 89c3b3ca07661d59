"""`imp experiment simulate`: seeds repeat, a defect shows, one's own units are dealt, and what cannot be is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imp_core.errors import BadInput
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.parse import parse_experiment
from imp_experiments.simulate import simulate as module
from imp_experiments.simulate.chosen import population_of
from imp_experiments.simulate.own import own_units
from imp_experiments.simulate.populations import Amounts, Flags, Population, Rates
from imp_experiments.simulate.scenario import scenario_of
from imp_experiments.simulate.setup import Setup
from imp_experiments.simulate.simulate import simulate

DEFINITION = """
name = "spring"
purpose = "experimentation"
salt = "abcdefgh1234"
control = "a"
[plan]
horizon = "29d"
looks = "daily"
units = 5600
[[variants]]
name = "a"
[[variants]]
name = "b"
[[metrics]]
name = "visit"
kind = "proportion"
event = "visit"
window = "1d"
"""
MORE = """
[[metrics]]
name = "spend"
role = "secondary"
kind = "mean"
value = "amount"
event = "buy"
window = "1d"
pre = "7d"
[[metrics]]
name = "rate"
role = "secondary"
kind = "ratio"
event = "buy"
denominator = { event = "session", value = "count" }
window = "1d"
"""


def parsed(text: str = DEFINITION) -> Experiment:
    return parse_experiment(text.encode(), file="spring.toml")


def setup_of(text: str = DEFINITION, *, effect: float = 0.0, **scenario: Any) -> Setup:
    experiment = parsed(text)
    return Setup(
        experiment=experiment,
        scenario=scenario_of(experiment, **scenario),
        populations={metric.name: population_of(metric, None) for metric in experiment.metrics},
        effects={"visit": effect},
    )


def test_without_an_effect_looking_daily_errs_as_often_as_registered_and_a_daily_t_test_far_more() -> None:
    (found,) = simulate(setup_of(), runs=1500, seed=5).metrics
    assert found.shown.share == pytest.approx(0.05, abs=3 * 0.0056)
    assert found.naive.share == pytest.approx(0.27, abs=3 * 0.0115)
    assert found.coverage_end.share == pytest.approx(0.95, abs=3 * 0.0056)
    assert found.shown.se == pytest.approx(math.sqrt(0.05 * 0.95 / 1500), rel=0.2)
    assert found.right is None


def test_a_planted_defect_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = module.seen_at
    monkeypatch.setattr(module, "seen_at", lambda *given: [replace(one, tail=0.025) for one in honest(*given)])
    (found,) = simulate(setup_of(), runs=1000, seed=1).metrics
    assert found.shown.share is not None
    assert found.shown.share > 0.2
    assert found.shown == found.naive


def test_an_effect_is_found_early_and_held_by_the_intervals() -> None:
    found = simulate(setup_of(effect=0.5), runs=200, seed=1)
    (metric,) = found.metrics
    assert metric.right is not None
    assert (metric.shown.share, metric.right.share, found.ship.share) == (1.0, 1.0, 1.0)
    assert metric.days_median < 16
    assert metric.coverage_end.share == pytest.approx(0.95, abs=3 * 0.0155)
    assert found.days_mean == metric.days_mean


def test_a_seed_repeats_exactly_and_its_portions_differ() -> None:
    one, two, other = (simulate(setup_of(DEFINITION + MORE), runs=55, seed=seed) for seed in (3, 3, 4))
    assert one == two
    assert one != other
    first = [module.count_chunk(setup_of(), 3, chunk, 50)["visit"]["days"] for chunk in (0, 1)]
    assert not np.array_equal(*first)


def test_metrics_do_not_change_what_is_drawn_of_others() -> None:
    alone, beside = (simulate(setup_of(text), runs=50, seed=1).metrics[0] for text in (DEFINITION, DEFINITION + MORE))
    assert alone == beside


@pytest.mark.parametrize(
    ("population", "mean"),
    [
        (Flags(mean=0.2), 0.2),
        (Flags(mean=0.2, before=True), 0.2),
        (Amounts(mean=5.0, sd=25.0), 5.0),
        (Amounts(mean=5.0, sd=4.0, before=True), 5.0),
        (Rates(mean=0.2), 0.2),
        (Rates(mean=0.2, before=True), 0.2),
    ],
    ids=str,
)
def test_a_population_has_the_mean_the_spread_and_the_lift_that_it_says(population: Population, mean: float) -> None:
    draw = population.opened(np.random.default_rng(1), 40)
    columns = draw(20_000, 1.5)
    assert len(columns) == population.columns
    ratio = [one.mean() for one in columns]
    found = ratio[0] / ratio[1] if population.measured > 1 else ratio[0]
    assert found == pytest.approx(1.5 * mean, rel=0.03)
    if isinstance(population, Amounts):
        assert columns[0].std() == pytest.approx(1.5 * population.sd, rel=0.1)
    if population.columns > population.measured:
        before = columns[population.measured]
        assert np.corrcoef(columns[0].ravel(), before.ravel())[0, 1] > 0.15
        assert before.mean() == pytest.approx(columns[0].mean() / 1.5, rel=0.06)


def test_those_who_leave_are_as_many_as_said_and_the_same_in_every_run() -> None:
    scenario = scenario_of(parsed(), days=10, per_day=100, withdraw=0.2)
    assert scenario.kept[:, -1].sum() == 1000 - 180  # the last day's units have no time to leave
    assert (scenario.kept[0, 1:] <= scenario.kept[0, :-1]).all()
    assert not scenario.kept[5, :5].any()


def units(path: Path, n: int = 2800, *, lacking: bool = False) -> Path:
    draw = np.random.default_rng(1)
    rows = ["visit,spend,sessions,earlier"]
    for place in range(n):
        base = draw.lognormal(1, 1)
        before = "" if lacking and place % 7 == 0 else f"{base * draw.lognormal():.3f}"
        rows.append(f"{int(draw.random() < 0.3)},{1000 + base:.3f},{1 + draw.poisson(2)},{before}")
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_ones_own_units_are_dealt_without_putting_one_back(tmp_path: Path) -> None:
    experiment = parsed(DEFINITION + MORE)
    path = units(tmp_path / "units.csv", lacking=True)
    own = own_units(path, experiment.metrics, {"rate": "visit/sessions"}, covariate="earlier")
    assert [(one.measured, one.columns) for one in own.values()] == [(1, 1), (1, 3), (2, 2)]
    draw = own["spend"].opened(np.random.default_rng(1), 3)
    dealt = np.concatenate([draw(1000, 1.0)[0], draw(1800, 1.0)[0]], axis=1)
    for run in dealt:
        assert sorted(run) == pytest.approx(sorted(own["spend"].values[0]))
    setup = Setup(
        experiment=experiment, scenario=scenario_of(experiment, per_day=100), populations=own, effects={}
    )  # fmt: skip
    found = simulate(setup, runs=100, seed=1)
    for metric in found.metrics:
        # the same units are dealt to both sides: intervals are a little too wide for them
        assert metric.coverage_end.share == pytest.approx(0.95, abs=0.05 + 3 * 0.022)
    assert found.metrics[1].mean == pytest.approx(1004.5, abs=1)


def test_a_proportion_of_ones_own_units_has_no_effect(tmp_path: Path) -> None:
    own = own_units(units(tmp_path / "units.csv"), parsed().metrics, {})
    with pytest.raises(BadInput, match="no effect to give"):
        Setup(experiment=parsed(), scenario=scenario_of(parsed()), populations=own, effects={"visit": 0.1})


def test_a_file_of_the_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "imp.toml").touch()
    with pytest.raises(BadInput, match="archive"):
        own_units(units(tmp_path / "archive" / "units.csv"), parsed().metrics, {})


def test_a_covariate_that_changes_within_a_unit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "units.csv"
    path.write_text("who,visit,spend,sessions,earlier\na,1,2,3,4\na,1,2,3,4\nb,0,1,2,3\n", encoding="utf-8")
    given = {"rate": "visit/sessions"}
    own = own_units(path, parsed(DEFINITION + MORE).metrics, given, unit="who", covariate="earlier")
    assert sorted(own["visit"].values[0]) == [0.0, 1.0]
    path.write_text(path.read_text().replace("a,1,2,3,4\nb", "a,1,2,3,5\nb"), encoding="utf-8")
    with pytest.raises(BadInput, match="several values"):
        own_units(path, parsed(DEFINITION + MORE).metrics, given, unit="who", covariate="earlier")


@pytest.fixture
def here(imp_here: Any) -> Any:
    (imp_here.workspace / "spring.toml").write_text(DEFINITION + MORE, encoding="utf-8")
    return imp_here


def test_the_command_needs_no_workspace_and_says_the_answer_first(here: Any) -> None:
    words = ("experiment", "simulate", "spring.toml", "--runs", "40", "--effect", "0.5", "--withdraw", "0.1")
    answer = here(*words).ok()
    assert "ships" in answer.out.splitlines()[3]
    assert "visit (primary)    +50.00%" in answer.out
    assert answer.err == ""
    told = here(*words, "--json").ok().json
    assert (told["runs"], told["seed"], told["days"], told["units"]) == (40, 1, 28, 5600)
    assert told["left"] == 540
    assert [metric["truth"] for metric in told["metrics"]] == [0.5, 0.0, 0.0]
    assert told["ship"]["share"] == 1.0


def test_a_note_says_that_covariates_of_other_metrics_are_left_out(here: Any) -> None:
    text = DEFINITION + MORE.replace('name = "rate"', 'name = "rate"\npre = "7d"\ncovariates = ["spend"]')
    (here.workspace / "spring.toml").write_text(text, encoding="utf-8")
    words = ("experiment", "simulate", "spring.toml", "--runs", "2", "--days", "2")
    answer = here(*words).ok()
    assert "rate: what other metrics were before the exposure (spend) is left out" in answer.out
    assert here(*words, "--json").ok().json["notes"] == [answer.out.splitlines()[-1]]
    (here.workspace / "spring.toml").write_text(DEFINITION + MORE, encoding="utf-8")
    assert here(*words, "--json").ok().json["notes"] == []


def test_an_effect_of_nothing_that_there_is_names_metrics_and_factors(here: Any) -> None:
    factors = (
        '[[factors]]\nname = "subject"\nlevels = ["a", "b"]\n[[factors]]\nname = "image"\nlevels = ["none", "photo"]\n'
    )
    text = DEFINITION.replace('control = "a"\n', "").replace(
        '[[variants]]\nname = "a"\n[[variants]]\nname = "b"\n', factors
    )
    (here.workspace / "spring.toml").write_text(text, encoding="utf-8")
    answer = here("experiment", "simulate", "spring.toml", "--runs", "2", "--effect", "nope=0.1")
    assert answer.code == 2
    assert "'nope' is no metric or factor of this experiment" in answer.err
    assert "its metrics are: visit; its factors: image, subject" in answer.err


def test_the_real_command_line_simulates_a_file(imp: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "spring.toml"
    path.write_text(DEFINITION, encoding="utf-8")
    data = units(tmp_path / "units.csv")
    words = ("experiment", "simulate", str(path), "--runs", "20", "--data", str(data), "--days", "5", "--json")
    told = imp(*words).ok().json
    assert (told["units"], told["metrics"][0]["kind"]) == (2800, "proportion")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--runs", "0"), "--runs"),
        (("--seed", "-1"), "--seed"),
        (("--effect", "big"), "--effect"),
        (("--effect", "-1"), "--effect"),
        (("--effect", "9.5"), "--effect"),
        (("--effect", "nan"), "--effect"),
        (("--effect", "0.1", "--effect", "0.2"), "--effect"),
        (("--effect", "sales=0.1"), "--effect"),
        (("--baseline", "visit"), "--baseline"),
        (("--baseline", "visit=1"), "--baseline"),
        (("--baseline", "visit=0.1:2"), "--baseline"),
        (("--baseline", "spend=3"), "--baseline"),
        (("--baseline", "spend=0:3"), "--baseline"),
        (("--baseline", "spend=inf:3"), "--baseline"),
        (("--baseline", "visit=0.1", "--baseline", "visit=0.2"), "--baseline"),
        (("--days", "0"), "--days"),
        (("--days", "401"), "--days"),
        (("--per-day", "1"), "--per-day"),
        (("--per-day", "-5"), "--per-day"),
        (("--withdraw", "1"), "--withdraw"),
        (("--withdraw", "nan"), "--withdraw"),
        (("--unit", "u"), "--data"),
        (("--data", "none.csv", "--column", "rate=visit/sessions"), "none.csv"),
        (("--data", "units.csv"), "--column"),
        (("--data", "units.csv", "--column", "rate=visit/sessions", "--per-day", "900"), "--per-day"),
        (("--data", "units.csv", "--column", "rate=visit/nothing"), "nothing"),
        (("--data", "units.csv", "--column", "rate=visit/earlier"), "earlier"),
        (("--data", "units.csv", "--column", "rate=visit/sessions", "--effect", "0.1"), "--effect"),
        (("--data", "units.csv", "--column", "rate=visit/sessions", "--baseline", "visit=0.1"), "--baseline"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_refused_by_its_option(here: Any, words: tuple[str, ...], says: str) -> None:
    units(here.workspace / "units.csv", lacking=True)
    answer = here("experiment", "simulate", "spring.toml", *(("--runs", "2") if "--runs" not in words else ()), *words)
    assert (answer.code, answer.out) == (2, "")
    assert says in answer.err
