"""Simulated clusters are judged as readouts judge them, err as seldom as promised, and find what was planned."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from imp_core.errors import BadInput
from imp_experiments import analyze
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.parse import parse_experiment
from imp_experiments.simulate.chosen import population_of
from imp_experiments.simulate.dealt import Dealt
from imp_experiments.simulate.evidence import Evidence, evidence_of
from imp_experiments.simulate.held import Held
from imp_experiments.simulate.nesting import Shape, drawn_alike, nested_of
from imp_experiments.simulate.own import own_units
from imp_experiments.simulate.populations import Amounts, Flags, Rates
from imp_experiments.simulate.scenario import scenario_of
from imp_experiments.simulate.setup import Setup, draw_chunk, truths_of
from imp_experiments.simulate.sights import seen_at
from imp_experiments.simulate.simulate import simulate
from imp_experiments.stats.power.baseline import of_mean
from imp_experiments.stats.power.power import power
from imp_experiments.stats.power.setting import Setting

HEAD = """
name = "spring"
purpose = "experimentation"
salt = "abcdefgh1234"
{control}
cluster = "household"
[plan]
horizon = "11d"
units = 4000
{plan}
{decision}
{variants}
"""
TWO = '[[variants]]\nname = "a"\n[[variants]]\nname = "b"\n'
FACTORS = (
    '[[factors]]\nname = "subject"\nlevels = ["a", "b"]\n[[factors]]\nname = "image"\nlevels = ["none", "photo"]\n'
)
METRICS = {
    "proportion": 'kind = "proportion"',
    "mean": 'kind = "mean"\nvalue = "amount"',
    "adjusted": 'kind = "mean"\nvalue = "amount"\npre = "7d"\nscale = "absolute"',
    "clipped": 'kind = "mean"\nvalue = "amount"\nclip = { high = 9 }',
    "ratio": 'kind = "ratio"\ndenominator = { event = "session", value = "count" }',
    "adjusted ratio": 'kind = "ratio"\npre = "7d"\ndenominator = { event = "session", value = "count" }',
    "quantile": 'kind = "quantile"\nq = 0.7\nvalue = "amount"',
    "at quantiles": 'kind = "mean"\nvalue = "amount"\nclip = { low_quantile = 0.05, high_quantile = 0.97 }',
}
# how `analyze` is asked for the same, of columns y, d (denominator), xy and xd (before)
ASKED: dict[str, dict[str, Any]] = {
    "proportion": {"proportions": ["y"]},
    "mean": {"means": ["y"]},
    "adjusted": {"means": ["y"], "covariates": ["xy"], "scale": "absolute"},
    "clipped": {"means": ["y"]},
    "ratio": {"ratios": ["y/d"]},
    "adjusted ratio": {"ratios": ["y/d"], "covariates": ["xy", "xd"]},
    "quantile": {"quantiles": ["y:0.7"]},
    "at quantiles": {"means": ["y"], "clips_at": ["y:0.05:0.97"]},
}
UNEVEN = Shape(size=4, cv=0.7, icc=0.2)


def define(*metrics: str, plan: str = 'looks = "daily"', decision: str = "", variants: str = TWO) -> Experiment:
    control = "" if "factors" in variants else 'control = "a"'
    text = HEAD.format(plan=plan, decision=decision, variants=variants, control=control)
    for place, metric in enumerate(metrics):
        text += f'[[metrics]]\nname = "m{place}"\nevent = "visit"\nwindow = "1d"\n{METRICS[metric]}\n'
    return parse_experiment(text.encode(), file="spring.toml")


def setup_of(
    experiment: Experiment, shape: Shape | None = UNEVEN, *, effect: float = 0.0, factors: Any = None, **scenario: Any
) -> Setup:
    figures = {"mean": (4.0, 4.0), "quantile": (4.0, 4.0)}
    return Setup(
        experiment=experiment,
        scenario=scenario_of(experiment, clusters=shape, **scenario),
        populations={metric.name: population_of(metric, figures.get(metric.kind)) for metric in experiment.metrics},
        effects={metric.name: effect for metric in experiment.metrics},
        factor_effects=factors or {},
    )


def evidence(setup: Setup, drawn: Any, *, measured: int | None = None) -> Evidence:
    (metric,) = setup.experiment.metrics
    return evidence_of(
        setup.experiment,
        metric,
        drawn,
        lambda first: seen_at(setup.experiment, metric, setup.scenario, first),
        measured=setup.measured(metric) if measured is None else measured,
        truths=truths_of(setup)["m0"].effects,
    )


def table(drawn: Held, run: int, look: int) -> pd.DataFrame:
    """The units of a run that are in at a look, with their clusters, made without the sums that are tried."""
    scenario = drawn.scenario
    assert scenario.nested is not None
    at = look if scenario.kept.shape[1] > 1 else 0
    parts = []
    for place, variant in enumerate(scenario.variants):
        for day in range(look + 1):
            first, n = int(drawn.starts[day, place]), int(scenario.kept[day, at, place])
            columns = {f"c{i}": drawn.values[i, run, first : first + n] for i in range(len(drawn.values))}
            ids = [f"{day} {variant} {one}" for one in scenario.nested.members[day][place][:n]]
            parts.append(pd.DataFrame({"variant": variant, "day": day, "house": ids, **columns}))
    names = ["y", "xy"] if drawn.measured == 1 else ["y", "d", "xy", "xd"]
    return pd.concat(parts).rename(columns={f"c{i}": name for i, name in enumerate(names)})


@pytest.mark.parametrize("name", METRICS)
def test_every_look_says_what_the_analysis_of_its_units_by_cluster_says(name: str) -> None:
    setup = setup_of(define(name), effect=0.2, withdraw=0.3)
    (metric,) = setup.experiment.metrics
    drawn = draw_chunk(setup, metric, 1, 0, 2)
    assert isinstance(drawn, Held)
    found = evidence(setup, drawn)
    for look in (4, 9):
        units = table(drawn, 1, look)
        if name == "at quantiles":
            # bounds are those of all units at a look, which are more than those compared
            low, high = np.quantile(units[units["day"] <= look]["y"], (0.05, 0.97))
            units["y"] = units["y"].clip(low, high)
        asked = {key: value for key, value in ASKED[name].items() if key != "clips_at"}
        (one,) = analyze(units, variant="variant", control="a", cluster="house", **asked).comparisons
        p = one.p_value
        assert p is not None
        assert found.daily.tail[1, look, 0] == pytest.approx(p / 2, rel=1e-8)


def test_looks_count_units_and_the_first_waits_for_thirty_clusters_a_variant() -> None:
    experiment = define("mean")
    setup = setup_of(experiment, Shape(size=40, icc=0.1))
    sights = seen_at(experiment, experiment.metrics[0], setup.scenario, 0)
    n = [int(setup.scenario.clusters(day, day).min()) for day in range(10)]
    assert n == [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]
    assert [sight.tail is None for sight in sights] == [True] * 5 + [False] * 5
    single = seen_at(experiment, experiment.metrics[0], setup_of(experiment, Shape(size=1)).scenario, 0)
    assert all(sight.tail is not None for sight in single)
    # what is spent follows the units: the sixth of ten equal days has the same share of them, however they come
    assert sights[9].tail == pytest.approx(single[9].tail, rel=0.05)


def test_two_units_of_a_cluster_are_as_alike_as_was_said_and_each_is_as_without_clusters() -> None:
    rng = np.random.default_rng(1)
    members = np.repeat(np.arange(2000), 2)
    for population in (Flags(mean=0.2), Amounts(mean=4, sd=4, before=True), Rates(mean=0.3)):
        draw = population.opened(rng, 40)
        columns = drawn_alike(draw, members, 1.5, 0.3, rng)
        for column in columns[: population.measured]:
            pairs = column.reshape(40, 2000, 2)
            # 80,000 pairs: .0035, more for what is skewed
            assert np.corrcoef(pairs[..., 0].ravel(), pairs[..., 1].ravel())[0, 1] == pytest.approx(0.3, abs=0.02)
        if population.measured == 1:
            assert columns[0].mean() == pytest.approx(population.mean * 1.5, rel=0.02)


def test_sizes_are_drawn_once_with_the_mean_and_the_spread_that_were_said() -> None:
    counts = np.full((10, 2), 400)
    for shape in (Shape(size=5), Shape(size=2.5), Shape(size=12, cv=0.6)):
        nested = nested_of(shape, counts)
        sizes = np.concatenate([np.bincount(ids) for cohort in nested.members for ids in cohort])
        assert len(sizes) == 8000
        assert sizes.min() >= 1
        assert sizes.mean() == pytest.approx(shape.size, rel=0.03)
        # a part of a unit is rounded by chance
        spread = math.hypot(shape.cv * shape.size, 0.5 if shape.size % 1 else 0.0)
        assert sizes.std() == pytest.approx(spread, rel=0.05, abs=1e-12)
        again = nested_of(shape, counts)
        assert all((one == two).all() for one, two in zip(nested.members[3], again.members[3], strict=True))


def test_clusters_shrink_as_units_leave_and_vanish_with_their_last_one() -> None:
    setup = setup_of(define("mean"), Shape(size=2, icc=0.1), withdraw=0.8)
    scenario = setup.scenario
    whole = scenario.whole()
    assert whole[0] == 4000
    assert whole[2] == 2000
    assert whole[1] == 4000 - int(scenario.n(9, 9).sum())
    assert scenario.sums(9, 0, 0).sizes.sum() == scenario.kept[0, 9, 0]
    # of the first day's pairs a fifth of the units are left: some pairs are whole, most of the others gone
    assert scenario.clusters(9, 0)[0] < 0.5 * 100
    assert set(scenario.sums(9, 0, 0).sizes.tolist()) == {1, 2}


ONCE = 'looks = "once"'
SEQUENCE = 'looks = "daily"\nsequential = "confidence_sequence"'


@pytest.mark.parametrize(("plan", "most"), [(ONCE, 0.05), ('looks = "daily"', 0.05), (SEQUENCE, 0.03)])
def test_without_an_effect_clusters_err_as_seldom_as_promised(plan: str, most: float) -> None:
    setup = setup_of(define("proportion", plan=plan), Shape(size=10, icc=0.1))
    found = simulate(setup, runs=1000, seed=3)
    (metric,) = found.metrics
    assert (found.units, found.clusters) == (4000, 400)
    assert metric.shown.share is not None
    # s.e. .007 at .05
    assert metric.shown.share <= most + 3 * 0.007
    assert metric.coverage_end.share == pytest.approx(0.95, abs=3 * 0.007)


def test_judged_one_by_one_units_of_clusters_err_far_more_often() -> None:
    setup = setup_of(define("proportion", plan=ONCE), Shape(size=10, icc=0.1))
    drawn = draw_chunk(setup, setup.experiment.metrics[0], 1, 0, 400)
    assert isinstance(drawn, Held)
    alone = replace(drawn, scenario=replace(drawn.scenario, cluster_size=None, nested=None))
    tails = {
        name: evidence(setup, one, measured=measured).last.tail
        for name, one, measured in (("by cluster", drawn, 2), ("alone", alone, 1))
    }
    errors = {name: float((tail < 0.025).mean()) for name, tail in tails.items()}
    # errors of units are too small by the root of the design effect 1.9: 2 Φ(-1.96/1.38) = .155
    assert errors["by cluster"] == pytest.approx(0.05, abs=3 * 0.011)
    assert errors["alone"] == pytest.approx(0.155, abs=3 * 0.018)


@pytest.mark.parametrize("shape", [Shape(size=8, icc=0.1), Shape(size=8, cv=0.5, icc=0.1)])
def test_an_effect_is_found_as_often_as_was_planned_for_such_clusters(shape: Shape) -> None:
    setup = setup_of(define("mean", plan=ONCE), shape, effect=0.12)
    found = simulate(setup, runs=1000, seed=1)
    setting = Setting(cluster_size=shape.size, cluster_cv=shape.cv, icc=shape.icc)
    planned = power(of_mean(4, 4), setting, effect=0.12, units=found.units)
    assert planned is not None
    assert 0.6 < planned < 0.95
    (metric,) = found.metrics
    assert metric.right is not None
    assert metric.right.share == pytest.approx(planned, abs=3 * math.sqrt(planned * (1 - planned) / 1000) + 0.01)
    assert metric.coverage_end.share == pytest.approx(0.95, abs=3 * 0.007)


@pytest.mark.parametrize("metric", ["mean", "ratio"])
@pytest.mark.parametrize("variants", [FACTORS, TWO + '[[variants]]\nname = "c"\n'], ids=["factors", "max-T"])
def test_what_is_decided_run_by_run_knows_of_clusters(variants: str, metric: str) -> None:
    decision = "" if "factors" in variants else '[decision]\nprimaries = "max_t"'
    experiment = define(metric, plan=ONCE, decision=decision, variants=variants)
    factors = {"subject": 0.3} if "factors" in variants else None
    found = simulate(setup_of(experiment, factors=factors, days=6), runs=60, seed=1)
    (one,) = found.metrics
    assert found.clusters == sum(
        int(ids.max()) + 1
        for cohort in nested_members(experiment)
        for ids in cohort
    )  # fmt: skip
    assert one.coverage_end.share == pytest.approx(0.95, abs=0.05 + 3 * 0.028)
    for effect in one.factors:
        assert effect.coverage.share == pytest.approx(0.95, abs=0.05 + 3 * 0.028)
    if factors:
        assert one.factors[0].shown.share is not None
        assert one.factors[0].shown.share > 0.9


def nested_members(experiment: Experiment) -> Any:
    nested = scenario_of(experiment, clusters=UNEVEN, days=6).nested
    assert nested is not None
    return nested.members


def houses(path: Path, n: int = 900) -> tuple[Path, pd.DataFrame]:
    rng = np.random.default_rng(4)
    sizes = rng.integers(1, 6, n)
    ids = np.repeat(np.arange(n), sizes)
    keen = rng.random(n)[ids]
    frame = pd.DataFrame(
        {
            "house": [f"屋{one}" for one in ids],
            "m0": (rng.random(len(ids)) < 0.4 * keen).astype(int),
            "spend": (rng.lognormal(1, 0.8, len(ids)) * (0.5 + keen)).round(4),
            "before": (rng.lognormal(1, 0.8, len(ids)) * (0.5 + keen)).round(4),
            "sessions": 1 + rng.poisson(2, len(ids)),
        }
    ).sample(frac=1, random_state=1)
    frame.to_csv(path, index=False)
    return path, frame


@pytest.mark.parametrize("name", ["proportion", "mean", "adjusted", "clipped", "ratio", "quantile", "at quantiles"])
def test_clusters_of_ones_own_are_dealt_whole_and_err_as_seldom_as_promised(name: str, tmp_path: Path) -> None:
    path, frame = houses(tmp_path / "units.csv")
    experiment = define(name, plan=ONCE)
    columns = {"proportion": {}, "ratio": {"m0": "spend/sessions"}}.get(name, {"m0": "spend"})
    own = own_units(path, experiment.metrics, columns, cluster="house", covariate="before")
    size = len(frame) / frame["house"].nunique()
    scenario = scenario_of(experiment, clusters=size, per_day=int(90 * size))
    setup = Setup(experiment=experiment, scenario=scenario, populations=own, effects={})
    # what is judged unit by unit takes longer; s.e. .018 of .05 in 150 runs, .0034 in 4,000
    runs, error = (150, 0.018) if name in ("quantile", "at quantiles") else (4000, 0.0034)
    found = simulate(setup, runs=runs, seed=7)
    assert found.clusters == pytest.approx(900, abs=10)
    assert found.units == pytest.approx(len(frame), rel=0.01)
    (metric,) = found.metrics
    sums = frame.assign(spend=frame["spend"].clip(upper=9) if name == "clipped" else frame["spend"])
    mean = {
        "proportion": sums["m0"].mean(),
        "ratio": sums["spend"].sum() / sums["sessions"].sum(),
        "quantile": sums["spend"].quantile(0.7),
        "at quantiles": sums["spend"].clip(*np.quantile(sums["spend"], (0.05, 0.97))).mean(),
    }
    assert metric.mean == pytest.approx(mean.get(name, sums["spend"].mean()), rel=1e-3 if "quantiles" in name else 1e-6)
    assert metric.shown.share == pytest.approx(0.05, abs=3 * error)
    assert metric.coverage_end.share == pytest.approx(0.95, abs=3 * error)


def test_the_truth_of_ones_own_clusters_clipped_at_quantiles_is_that_of_their_units(tmp_path: Path) -> None:
    path, frame = houses(tmp_path / "units.csv")
    experiment = define("at quantiles")
    own = own_units(path, experiment.metrics, {"m0": "spend"}, cluster="house")
    scenario = scenario_of(experiment, clusters=len(frame) / 900, per_day=len(frame) / 10)
    setup = Setup(experiment=experiment, scenario=scenario, populations=own, effects={"m0": 0.3})
    both = frame["spend"], frame["spend"] * 1.3
    ends = np.quantile(pd.concat(both), (0.05, 0.97))
    control, treated = (values.clip(*ends).mean() for values in both)
    (effect,) = truths_of(setup)["m0"].effects
    assert effect == pytest.approx(treated / control - 1, rel=2e-3)


def test_an_effect_multiplies_each_unit_of_ones_own_clusters_before_its_clip(tmp_path: Path) -> None:
    path, frame = houses(tmp_path / "units.csv")
    (metric,) = define("clipped").metrics
    own = own_units(path, [metric], {"m0": "spend"}, cluster="house")["m0"]
    expected = (frame["spend"] * 1.4).clip(upper=9).groupby(frame["house"]).sum()
    assert sorted(own.lifted(1.4) + own.shifts[0]) == pytest.approx(sorted(expected), rel=1e-12)
    assert sorted(own.values[1] + own.shifts[1]) == sorted(frame.groupby("house").size())


@pytest.mark.parametrize("name", ["quantile", "at quantiles"])
def test_of_clusters_of_ones_own_units_are_asked_where_sums_do_not_answer(name: str, tmp_path: Path) -> None:
    path, frame = houses(tmp_path / "units.csv")
    experiment = define(name)
    own = own_units(path, experiment.metrics, {"m0": "spend"}, cluster="house")
    scenario = scenario_of(experiment, clusters=len(frame) / 900, per_day=len(frame) / 10, withdraw=0.3)
    setup = Setup(experiment=experiment, scenario=scenario, populations=own, effects={"m0": 0.3})
    drawn = draw_chunk(setup, experiment.metrics[0], 1, 0, 2)
    assert isinstance(drawn, Dealt)
    assert sorted(drawn.order[1]) == list(range(900))
    found = evidence(setup, drawn)
    # the houses of the file in the order in which they were first met are the numbers of clusters
    names = list(dict.fromkeys(pd.read_csv(path)["house"]))
    for look in (4, 9):
        day_of = {}
        for day in range(look + 1):
            for place, variant in enumerate("ab"):
                first, n = drawn.starts[day, place], scenario.kept[day, look, place]
                day_of |= {names[one]: (day, variant) for one in drawn.order[1, first : first + n]}
        units = frame[frame["house"].isin(day_of)].copy()
        units["variant"] = [day_of[one][1] for one in units["house"]]
        units.loc[units["variant"] == "b", "spend"] *= 1.3
        asked: dict[str, Any] = {"quantiles": ["spend:0.7"]}
        if name == "at quantiles":
            units["spend"] = units["spend"].clip(*np.quantile(units["spend"], (0.05, 0.97)))
            asked = {"means": ["spend"]}
        (one,) = analyze(units, variant="variant", control="a", cluster="house", **asked).comparisons
        assert one.p_value is not None
        assert found.daily.tail[1, look, 0] == pytest.approx(one.p_value / 2, rel=1e-8)


def test_a_unit_without_a_cluster_or_in_two_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "units.csv"
    metrics = define("proportion").metrics
    path.write_text("who,house,m0\na,h1,1\nb,,0\nc,h1,0\n", encoding="utf-8")
    with pytest.raises(BadInput, match="cluster"):
        own_units(path, metrics, {}, cluster="house")
    path.write_text("who,house,m0\na,h1,1\na,h2,0\nc,h1,0\n", encoding="utf-8")
    with pytest.raises(BadInput, match="several clusters"):
        own_units(path, metrics, {}, cluster="house", unit="who")


def test_looks_at_ones_own_clusters_count_their_units_as_looks_at_drawn_ones_do() -> None:
    experiment = define("mean")
    drawn, own = (scenario_of(experiment, clusters=one, per_day=400) for one in (Shape(size=4), 4.0))
    metric = experiment.metrics[0]
    assert seen_at(experiment, metric, own, 0) == seen_at(experiment, metric, drawn, 0)
    # of a longer window none has matured yet
    assert [own.n(9, through).tolist() for through in (-1, -3)] == [[0, 0], [0, 0]]


# -- the command ------------------------------------------------------------------------------------------------------

DEFINITION = HEAD.format(plan='looks = "daily"', decision="", variants=TWO, control='control = "a"') + (
    '[[metrics]]\nname = "m0"\nevent = "visit"\nwindow = "1d"\nkind = "proportion"\n'
)


@pytest.fixture
def here(imp_here: Any) -> Any:
    (imp_here.workspace / "spring.toml").write_text(DEFINITION, encoding="utf-8")
    houses(imp_here.workspace / "units.csv")
    return imp_here


def test_the_command_says_how_many_clusters_there_are(here: Any) -> None:
    words = ("experiment", "simulate", "spring.toml", "--runs", "20")
    answer = here(*words, "--cluster-size", "8", "--cluster-cv", "0.5", "--icc", "0.1", "--json").ok().json
    assert answer["clusters"] == 500
    assert answer["units"] == pytest.approx(4000, rel=0.05)
    told = here(*words, "--data", "units.csv", "--cluster", "house", "--withdraw", "0.1").ok().out
    assert " in 900 clusters over 10 days" in told
    assert "clusters of your own are dealt and leave whole; looks count them at their mean size" in told


@pytest.mark.parametrize(("days", "words", "dealt"), [(3, ("--cluster", "house"), 48), (1, (), 100)])
def test_a_file_deals_no_more_than_it_has_though_shares_are_rounded(
    here: Any, days: int, words: tuple[str, ...], dealt: int
) -> None:
    rows = [f"h{place // 2},{place % 2}\n" for place in range(101)]
    (here.workspace / "few.csv").write_text("house,m0\n" + "".join(rows), encoding="utf-8")
    text = DEFINITION if words else DEFINITION.replace('cluster = "household"', "")
    (here.workspace / "spring.toml").write_text(text, encoding="utf-8")
    asked = ("experiment", "simulate", "spring.toml", "--runs", "5", "--data", "few.csv", "--days", str(days), *words)
    answer = here(*asked, "--json").ok().json
    assert (answer["clusters"] if words else answer["units"]) == dealt
    # 51 for each of two variants
    refused = here(*asked, "--per-day", "101")
    assert (refused.code, refused.out) == (2, "")
    assert "too few for" in refused.err


@pytest.mark.parametrize(
    ("words", "problem", "mend"),
    [
        ((), "units come in clusters (household), of which too little is said", "--cluster-size and --icc"),
        (("--cluster-size", "4"), "nobody says how alike", "give --icc too"),
        (("--icc", "0.1"), "clusters need a size", "--cluster-size"),
        (("--cluster-cv", "0.1"), "clusters need a size", "--cluster-size"),
        (("--cluster-size", "0.5", "--icc", "0.1"), "clusters hold 1 unit or more", "mean number"),
        (("--cluster-size", "4", "--icc", "1.5"), "not an intra-cluster correlation", "0 to 1"),
        (("--cluster-size", "4", "--icc", "0.1", "--cluster-cv", "nan"), "not a coefficient of variation", "sizes"),
        (("--cluster-size", "400", "--icc", "0.1"), "too few units a day for a cluster a variant", "say more"),
        (("--cluster", "house"), "it describes a file of units", "--data"),
        (("--data", "units.csv"), "of which too little is said", "the column --cluster"),
        (("--data", "units.csv", "--cluster", "nope"), "no column 'nope'", "the file's header"),
        (("--data", "units.csv", "--cluster", "house", "--icc", "0.1"), "has the clusters", "leave it"),
        (("--data", "units.csv", "--cluster", "house", "--per-day", "900"), "the file has 900 clusters", "fewer"),
    ],
)
def test_clusters_of_which_too_little_or_too_much_is_said_are_refused_with_a_mend(
    here: Any, words: tuple[str, ...], problem: str, mend: str
) -> None:
    answer = here("experiment", "simulate", "spring.toml", "--runs", "2", *words)
    assert (answer.code, answer.out) == (2, "")
    assert problem in answer.err
    assert mend in answer.err


@pytest.mark.parametrize(
    "words", [("--cluster-size", "4", "--icc", "0.1"), ("--data", "units.csv", "--cluster", "house")]
)
def test_clusters_are_refused_where_the_definition_randomises_units(here: Any, words: tuple[str, ...]) -> None:
    (here.workspace / "spring.toml").write_text(DEFINITION.replace('cluster = "household"', ""), encoding="utf-8")
    answer = here("experiment", "simulate", "spring.toml", "--runs", "2", *words)
    assert answer.code == 2
    assert "the definition randomises units, not clusters" in answer.err
