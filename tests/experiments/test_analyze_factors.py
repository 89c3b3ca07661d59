"""`analyze` of several factors: what the statistics give for the same cells, through the whole way."""

from __future__ import annotations

import importlib.resources
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm

from imp_core.errors import BadInput
from imp_experiments import analyze
from imp_experiments.readout.factored import FactoredMetric
from imp_experiments.readout.format import format_readout, parse_readout, to_plain
from imp_experiments.readout.readout import Readout
from imp_experiments.readout.render import render_markdown, render_table
from imp_experiments.stats.factor_effect import FactorEffect

FACTORS = ("x1", "x2", "x3", "x4")
SCHEMA = json.loads(importlib.resources.files("imp_experiments.readout").joinpath("readout.schema.json").read_text())


@pytest.fixture
def write(tmp_path: Path) -> Callable[[pd.DataFrame], Path]:
    def run(frame: pd.DataFrame) -> Path:
        path = tmp_path / "units.csv"
        frame.to_csv(path, index=False)
        return path

    return run


def units(n: int = 900, *, seed: int = 5) -> pd.DataFrame:
    """Units at random in subject (plain, question) × image (none, photo, video); a clear effect of both."""
    rng = np.random.default_rng(seed)
    subject, image = rng.integers(0, 2, n), rng.integers(0, 3, n)
    before = rng.normal(20, 4, n)
    spend = 10 + subject + 2 * (image == 2) + 1.5 * subject * (image == 1) + 0.8 * (before - 20) + rng.normal(0, 3, n)
    return pd.DataFrame(
        {
            "subject": np.array(["plain", "question"])[subject],
            "image": np.array(["none", "photo", "video"])[image],
            "visit": (rng.random(n) < 0.3 + 0.1 * subject).astype(int),
            "spend": spend,
            "orders": rng.integers(1, 5, n),
            "before": before,
        }
    )


def by_factors(source: Any, *factors: str, **more: Any) -> Readout:
    """A readout that holds to the schema and reads back."""
    readout = analyze(source, factors=factors or ("subject", "image"), **more)
    jsonschema.validate(to_plain(readout), SCHEMA, cls=jsonschema.Draft202012Validator)
    assert parse_readout(format_readout(readout)) == readout
    return readout


def only(readout: Readout) -> FactoredMetric:
    assert readout.factorial is not None
    (metric,) = readout.factorial.metrics
    return metric


def effects(readout: Readout) -> dict[str, FactorEffect]:
    result = only(readout).result
    assert result is not None
    return {effect.label: effect for effect in result.effects}


def half_coded(frame: pd.DataFrame, factors: tuple[str, ...]) -> tuple[list[str], np.ndarray]:
    """±1/2 columns of main effects, and of two-way interactions twice their product: both halves of a difference."""
    halves = {name: np.where(frame[name] == frame[name].max(), 0.5, -0.5) for name in factors}
    pairs = list(itertools.combinations(factors, 2))
    names = [*factors, *(f"{one} {two}" for one, two in pairs)]
    columns = [*halves.values(), *(halves[one] * halves[two] for one, two in pairs)]
    return names, sm.add_constant(np.column_stack(columns))


def test_the_credit_card_letters_give_unit_level_least_squares_with_hc2(data_folder: Path) -> None:
    path = data_folder / "creditcard_factorial" / "creditcard.csv.gz"
    readout = by_factors(path, *FACTORS, proportions=["y"], scale="absolute")
    frame = pd.read_csv(path)
    names, columns = half_coded(frame, FACTORS)
    fit = sm.OLS(frame.y, columns).fit(cov_type="HC2", use_t=False)
    found = {" ".join(effect.term): effect.absolute for effect in effects(readout).values()}
    assert list(found) == names
    for at, name in enumerate(names, start=1):
        effect = found[name]
        assert effect is not None
        assert effect.estimate == pytest.approx(fit.params.iloc[at], abs=1e-12)
        assert effect.se == pytest.approx(fit.bse.iloc[at], rel=1e-9)
    metric = only(readout)
    assert metric.best is not None
    assert metric.best.value is not None
    assert metric.best.best == "x1=1,x2=-1,x3=1,x4=-1"
    assert metric.best.value.estimate < metric.best.value.naive == pytest.approx(254 / 7500)
    assert readout.health.srm.verdict == "ok"
    assert readout.comparisons == ()


def test_an_interaction_is_the_full_difference_in_differences() -> None:
    rows = [(a, b, y) for (a, b), mean in zip(itertools.product("01", repeat=2), (1, 2, 4, 9), strict=True)
            for y in (mean - 0.5, mean + 0.5) for _ in range(40)]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["a", "b", "y"], orient="row")
    found = effects(by_factors(frame, "a", "b", means=["y"]))
    values = {label: effect.absolute.estimate for label, effect in found.items() if effect.absolute is not None}
    expected = {"a: 1 - 0": 5.0, "b: 1 - 0": 3.0, "a: 1 - 0 × b: 1 - 0": (9 - 4) - (2 - 1)}
    assert values == pytest.approx(expected)


def test_order_one_leaves_interactions_out(write: Any) -> None:
    metric = only(by_factors(write(units()), means=["spend"], order=1))
    assert metric.result is not None
    assert {effect.term for effect in metric.result.effects} == {("subject",), ("image",)}


def test_levels_are_ordered_by_number_and_control_leads(write: Any) -> None:
    frame = units()
    frame["fee"] = np.where(frame.image == "none", 9, np.where(frame.image == "photo", 10, 100))
    readout = by_factors(write(frame), "subject", "fee", means=["spend"])
    assert readout.factorial is not None
    assert [factor.levels for factor in readout.factorial.factors] == [("plain", "question"), ("9", "10", "100")]
    control = "subject=question,fee=10"
    led = by_factors(write(frame), "subject", "fee", means=["spend"], control=control)
    assert led.factorial is not None
    assert [factor.levels for factor in led.factorial.factors] == [("question", "plain"), ("10", "9", "100")]
    assert led.factorial.control == control
    assert {one.control for one in led.comparisons} == {control}
    assert len(led.comparisons) == 5


def test_a_factor_of_three_levels_has_an_omnibus_test_like_statsmodels(write: Any) -> None:
    frame = units()
    metric = only(by_factors(write(frame), means=["spend"], scale="absolute", order=1))
    assert metric.result is not None
    test = next(test for test in metric.result.tests if test.term == ("image",))
    columns = sm.add_constant(
        np.column_stack([frame.subject == "question", frame.image == "photo", frame.image == "video"]).astype(float)
    )
    wald = sm.OLS(frame.spend, columns).fit(cov_type="HC2").wald_test(np.eye(4)[2:], use_f=False, scalar=True)
    assert test.absolute is not None
    assert test.absolute.df_num == 2
    assert 2 * test.absolute.f == pytest.approx(wald.statistic, rel=1e-9)


def test_covariates_narrow_the_effects_and_the_best_cell_says_why_it_is_left_out(write: Any) -> None:
    path = write(units())
    plain, adjusted = (by_factors(path, means=["spend"], covariates=names) for names in ([], ["before"]))
    one, two = (effects(readout)["subject: question - plain"].absolute for readout in (plain, adjusted))
    assert one is not None
    assert two is not None
    assert two.se < 0.85 * one.se
    assert abs(two.estimate - 1.5) < 3 * two.se
    metric = only(adjusted)
    assert metric.best is not None
    assert [condition.code for condition in metric.best.conditions] == ["cells_dependent"]
    assert metric.result is not None
    assert "Lin 2013" in metric.result.method


def test_a_ratio_has_the_effects_of_its_cells_with_the_delta_method(write: Any) -> None:
    frame = units()
    effect = effects(by_factors(write(frame), ratios=["spend/orders"]))["subject: question - plain"].absolute
    assert effect is not None
    values, variances = {}, {}
    for (subject, image), cell in frame.groupby(["subject", "image"]):
        ratio = cell.spend.mean() / cell.orders.mean()
        values[subject, image] = ratio
        variances[subject, image] = (cell.spend - ratio * cell.orders).var() / len(cell) / cell.orders.mean() ** 2
    differences = [values["question", image] - values["plain", image] for image in ("none", "photo", "video")]
    assert effect.estimate == pytest.approx(np.mean(differences), rel=1e-9)
    assert effect.se == pytest.approx(np.sqrt(sum(variances.values())) / 3, rel=1e-9)


def test_units_in_two_cells_are_out_and_counted_by_the_cells_names(write: Any) -> None:
    frame = units(200)
    frame.insert(0, "id", range(200))
    moved = frame.iloc[[0]].assign(subject="plain", image="none"), frame.iloc[[0]].assign(subject="plain", image="x+y")
    readout = by_factors(write(pd.concat([frame.iloc[1:], *moved])), unit="id", means=["spend"])
    assert readout.health.two_variants == {"subject=plain,image=none+subject=plain,image=x+y": 1}


def test_weights_name_cells(write: Any) -> None:
    weights = {"subject=plain,image=none": 9}
    readout = by_factors(write(units()), means=["spend"], weights=weights)
    assert readout.health.srm.expected_share["subject=plain,image=none"] == pytest.approx(9 / 14)
    assert readout.health.srm.verdict == "mismatch"
    assert readout.verdict is not None
    assert readout.verdict.value == "invalid"


def test_a_missing_cell_is_named_and_what_rests_on_it_is_not_estimable(write: Any) -> None:
    frame = units()
    frame = frame[(frame.subject == "plain") | (frame.image != "video")]
    readout = by_factors(write(frame), means=["spend"])
    metric = only(readout)
    assert metric.result is not None
    assert metric.result.missing == ("subject=question,image=video",)
    assert metric.result.estimable_order == 1
    broken = effects(readout)["subject: question - plain × image: video - none"]
    assert broken.absolute is None
    assert [condition.code for condition in broken.conditions] == ["not_estimable"]
    text = render_table(readout)
    assert "cells without units: subject=question,image=video" in text
    main = effects(by_factors(write(frame), means=["spend"], order=1))["subject: question - plain"]
    assert main.absolute is not None


def test_a_cell_of_one_unit_and_a_cell_that_does_not_vary_never_give_plausible_figures(write: Any) -> None:
    frame = units()
    cell = (frame.subject == "plain") & (frame.image == "none")
    lonely = pd.concat([frame[~cell], frame[cell].iloc[:1]])
    for more in ({"means": ["spend"]}, {"ratios": ["spend/orders"]}, {"means": ["spend"], "covariates": ["before"]}):
        metric = only(by_factors(write(lonely), **more))
        assert metric.result is None or all(effect.absolute is None for effect in metric.result.effects)
    still = frame.assign(spend=7.0)
    assert all(effect.absolute is None for effect in effects(by_factors(write(still), means=["spend"])).values())


def test_nine_hundred_cells_are_read_and_a_thousand_and_more_refused() -> None:
    rows = [(f"{a:02}", f"{b:02}", a + b + y) for a in range(30) for b in range(30) for y in (0.0, 1.0)]
    frame = pl.DataFrame(rows, schema=["a", "b", "y"], orient="row")
    readout = by_factors(frame, "a", "b", means=["y"], order=1)
    metric = only(readout)
    assert len(metric.cells) == 900
    assert metric.best is not None
    assert [condition.code for condition in metric.best.conditions] == ["too_many_cells"]
    assert "836 more in the JSON" in render_table(readout)
    more = pl.DataFrame([(f"{a}", f"{b}", 1.0) for a in range(40) for b in range(40)], schema=["a", "b", "y"],
                        orient="row")  # fmt: skip
    with pytest.raises(BadInput, match="1,000 different values"):
        analyze(more, factors=["a", "b"], means=["y"])
    sparse = pl.DataFrame([(f"{a}", f"{a}", float(y)) for a in range(40) for y in range(3)], schema=["a", "b", "y"],
                          orient="row")  # fmt: skip
    with pytest.raises(BadInput, match="1,600 cells"):
        analyze(sparse, factors=["a", "b"], means=["y"])


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"factors": ["subject"]}, "only one factor"),
        ({"factors": ["subject", "subject"]}, "named twice"),
        ({"variant": "image"}, "a variant beside factors"),
        ({"factors": []}, "no column says the variant"),
        ({"order": 0}, "the order is below 1"),
        ({"adjust": "holm"}, "no comparisons to correct"),
        ({"quantiles": ["spend:0.9"]}, "not analysed by factors"),
        ({"ranks": ["spend"]}, "not analysed by factors"),
        ({"sequential": "confidence_sequence"}, "not analysed by factors"),
        ({"control": "subject=plain"}, "not a cell"),
        ({"control": "subject=plain,image=gif"}, "not a cell"),
        ({"weights": {"plain": 2}}, "which no unit is in"),
        ({"factors": ["subject", "imaeg"]}, "imaeg"),
        ({"down": ["visit"]}, "no metric of this analysis"),
    ],
)
def test_what_cannot_be_asked_of_factors_is_refused(write: Any, more: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        analyze(write(units(200)), **{"factors": ["subject", "image"], "means": ["spend"], **more})


@pytest.mark.parametrize("level", ["red, blue", "a=b"])
def test_a_level_with_a_separator_is_refused_without_repeating_it(write: Any, level: str) -> None:
    with pytest.raises(BadInput, match="a level holds a comma") as caught:
        analyze(write(units(200).replace({"image": {"photo": level}})), factors=["subject", "image"], means=["spend"])
    assert caught.value.where == "column image"
    assert level not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda frame: frame.assign(image=[f"person-{at}" for at in range(200)]), "over 100 different values"),
        (lambda frame: frame.assign(image=["person-" * 20 + str(at % 2) for at in range(200)]), "longer than 100"),
    ],
)
def test_a_column_of_identifiers_is_refused_without_repeating_one(
    write: Any, change: Callable[[pd.DataFrame], pd.DataFrame], problem: str
) -> None:
    with pytest.raises(BadInput, match=problem) as caught:
        analyze(write(change(units(200))), factors=["subject", "image"], means=["spend"])
    assert "person" not in str(caught.value)
    assert caught.value.where == "column image"


def test_a_row_without_a_level_is_named(write: Any) -> None:
    frame = units(200)
    frame.loc[6, "image"] = None
    with pytest.raises(BadInput, match="the variant is missing") as caught:
        analyze(write(frame), factors=["subject", "image"], means=["spend"])
    assert "row 7, column image" in str(caught.value.where)


def test_a_factor_of_one_level_is_refused(write: Any) -> None:
    with pytest.raises(BadInput, match="two levels or more"):
        analyze(write(units(200).assign(image="none")), factors=["subject", "image"], means=["spend"])


def test_the_command_shows_effects_cells_and_what_a_winner_is_worth(imp_here: Any, write: Any) -> None:
    asked = (
        "experiment",
        "analyze",
        str(write(units())),
        "--factor",
        "subject",
        "--factor",
        "image",
        "--mean",
        "spend",
    )
    text = imp_here(*asked).ok().out
    assert "subject: question - plain" in text
    assert "spend, image as a whole: F" in text
    assert "too high for having been picked, corrected" in text
    assert "full factorial, 6 cells" in text
    answer = imp_here(*asked, "--control", "subject=plain,image=none", "--adjust", "bonferroni", "--json").ok().json
    assert len(answer["comparisons"]) == 5
    assert answer["factorial"]["metrics"][0]["effects"][0]["label"] == "subject: question - plain"
    refused = imp_here(*asked, "--variant", "image")
    assert (refused.code, "a variant beside factors" in refused.err) == (2, True)


def test_a_tie_has_a_leader_and_an_interval_but_no_corrected_value() -> None:
    rows = [(a, b, int(at < events)) for (a, b), events in zip(itertools.product("01", repeat=2), (20, 30, 50, 50),
            strict=True) for at in range(100)]  # fmt: skip
    readout = by_factors(pl.DataFrame(rows, schema=["a", "b", "y"], orient="row"), "a", "b", proportions=["y"])
    best = only(readout).best
    assert best is not None
    assert (best.best, best.proven) == ("a=1,b=0", False)
    assert best.value is not None
    assert best.value.tied
    assert best.value.low < 0.5 - 2 * best.value.se < 0.5 + 2 * best.value.se < best.value.high
    assert [condition.code for condition in best.conditions] == ["tied_cells"]
    assert "the leading cells are tied" in render_table(readout)
    assert "by how much a tie does not tell: [" in render_table(readout)
    assert parse_readout(format_readout(readout)) == readout


def test_markdown_has_a_table_of_effects_and_one_of_cells(write: Any) -> None:
    text = render_markdown(by_factors(write(units()), means=["spend"], down=["spend"]))
    assert "| metric | effect | absolute | relative | p |" in text
    assert "| metric | cell | units | value | standard error |" in text
    assert "too low for having been picked" in text
