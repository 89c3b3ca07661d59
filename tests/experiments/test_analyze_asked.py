"""What `analyze` is asked for: kinds of arguments, columns that cannot be what they are named for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from imp_core.errors import BadInput
from imp_experiments import analyze
from imp_experiments.commands.analyze import analyze_command
from imp_experiments.readout.readout import Readout
from imp_experiments.readout.render import render_markdown, render_table


def shop(n: int = 400) -> pd.DataFrame:
    dice = np.random.default_rng(8)
    return pd.DataFrame(
        {
            "arm": np.where(np.arange(n) % 2 == 1, "b", "a"),
            "spend": np.round(dice.gamma(2, 10, n), 2),
            "visits": dice.poisson(3, n) + 1,
            "bought": dice.integers(0, 2, n),
            "before": np.round(dice.gamma(2, 10, n), 2),
            "shop": np.arange(n) // 20,
        }
    )


def read(frame: Any = None, **more: Any) -> Readout:
    return analyze(shop() if frame is None else frame, **{"variant": "arm", "control": "a", "means": ["spend"]} | more)


def test_every_option_of_the_command_is_an_argument_of_analyze() -> None:
    options = {parameter.name for parameter in analyze_command.params} - {"file", "as_json"}
    assert options == set(inspect.signature(analyze).parameters) - {"source", "clock"}


def test_without_a_metric_nothing_is_compared() -> None:
    with pytest.raises(BadInput, match="no metric is named"):
        read(means=[])


def test_the_command_without_a_metric_is_wrong_usage(imp_here: Any, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    shop().to_csv(path, index=False)
    answer = imp_here("experiment", "analyze", str(path), "--variant", "arm", "--control", "a")
    assert answer.code == 2
    assert "no metric is named" in answer.err


def test_two_metrics_of_one_name_are_refused() -> None:
    with pytest.raises(BadInput, match="two metrics are called 'bought'"):
        read(means=["bought"], proportions=["bought"])


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"means": "spend"}, r"means is one text, not a list.*\['spend'\]"),
        ({"by": "shop"}, "by is one text, not a list"),
        ({"covariates": [1]}, "covariates is not a list of texts"),
        ({"means": {"spend": 1}}, "means is not a list of texts"),
        ({"control": 0}, "control is not text.*'0'"),
        ({"control": False}, "control is not text.*'false'"),
        ({"alpha": "0.05"}, "alpha is not a number"),
        ({"prior": "0.1"}, "prior is not a number"),
        ({"k": "10"}, "k is not a whole number"),
        ({"k": 2.5}, "k is not a whole number"),
        ({"order": True}, "order is not a whole number"),
        ({"planned": 0.5, "sequential": "pocock"}, "planned is not a whole number"),
        ({"looked": 0.5, "sequential": "pocock", "planned": 900}, "looked is not a list"),
        ({"looked": ["x"], "sequential": "pocock", "planned": 900}, "looked is not a number"),
        ({"weights": {"a": "x"}}, "weight is not a number"),
        ({"weights": ["a"]}, "weights are not by variant"),
    ],
)
def test_an_argument_of_another_kind_is_refused_by_name(more: dict[str, Any], match: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(**more)
    assert re.search(match, f"{caught.value} {caught.value.mend}", re.DOTALL)


def test_numbers_of_numpy_are_numbers() -> None:
    assert read(alpha=np.float64(0.05), k=np.int64(10)) is not None


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"means": ["spend"], "covariates": ["spend"]}, "'spend' is a metric and a covariate"),
        ({"means": [], "ratios": ["spend/visits"], "covariates": ["visits"]}, "'visits' is a metric and a covariate"),
        ({"stratum": "arm"}, "'arm' says the variant, and cannot be the stratum"),
        ({"cluster": "arm"}, "'arm' says the variant, and cannot be the cluster"),
        ({"unit": "arm"}, "'arm' says the variant, and cannot be the unit"),
        ({"by": ["arm"]}, "'arm' says the variant, and cannot be the dimension"),
        ({"covariates": ["arm"]}, "'arm' says the variant, and cannot be the covariate"),
        ({"ranks": ["spend"], "cluster": "shop"}, "ranks are not compared by cluster"),
        ({"means": [], "ranks": ["spend"], "clips": ["spend::0.9"]}, "no mean and no part of a ratio"),
        ({"quantiles": ["visits:0.5"], "clips": ["visits::0.9"]}, "no mean and no part of a ratio"),
    ],
)
def test_a_column_that_cannot_be_what_it_is_named_for_is_refused(more: dict[str, Any], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        read(**more)


def test_a_clip_says_that_quantiles_and_ranks_are_not_clipped() -> None:
    plain = read(means=[], quantiles=["spend:0.9"], ranks=["spend"])
    found = read(quantiles=["spend:0.9"], ranks=["spend"], clips=["spend::0.5"])
    assert [one.absolute for one in found.comparisons[1:]] == [one.absolute for one in plain.comparisons]
    (note,) = [note for note in found.notes if "moved there" in note]
    assert re.fullmatch(r"spend: values above \S+ were moved there, in all variants alike; its quantiles and.*", note)


def test_what_is_neither_adjusted_nor_stratified_is_named() -> None:
    said = "neither adjusted nor stratified: spend:0.9, spend ranks"
    assert said in read(quantiles=["spend:0.9"], ranks=["spend"], covariates=["before"]).notes
    assert not any("neither adjusted" in note for note in read(quantiles=["spend:0.9"]).notes)


@pytest.mark.parametrize("by", [(), ("shop",)])
@pytest.mark.parametrize("sequential", ["obrien_fleming", "confidence_sequence"])
def test_a_quantile_is_looked_at_before_the_end(sequential: str, by: tuple[str, ...]) -> None:
    planned = {"planned": 800} if sequential == "obrien_fleming" else {}
    (plain,) = read(means=[], quantiles=["spend:0.5"]).comparisons
    found = read(means=[], quantiles=["spend:0.5"], sequential=sequential, by=by, **planned)
    (one,) = found.comparisons
    assert one.absolute is not None
    assert plain.absolute is not None
    assert one.absolute.se == plain.absolute.se
    assert one.absolute.low < plain.absolute.low
    assert one.absolute.p_value > plain.absolute.p_value


@pytest.mark.parametrize("form", [pd.DataFrame, lambda frame: pl.from_pandas(frame).lazy()], ids=["pandas", "lazy"])
def test_clusters_in_several_variants_are_warned_of(form: Callable[[pd.DataFrame], Any]) -> None:
    frame = shop()
    (check,) = read(form(frame), cluster="shop").health.checks
    assert (check.name, check.verdict) == ("clusters", "warning")
    assert check.text.startswith("20 of 20 clusters are in several variants")
    frame["shop"] = frame.shop * 2 + (frame.arm == "b")
    (check,) = read(form(frame), cluster="shop").health.checks
    assert (check.name, check.verdict) == ("clusters", "ok")


def test_what_could_not_be_adjusted_is_not_said_to_be() -> None:
    frame = shop(10).assign(shop=lambda one: one.arm + (one.index % 3).astype(str))
    (found,) = read(frame, cluster="shop", covariates=["before"]).comparisons
    assert [one.code for one in found.conditions] == ["too_few_to_adjust", "control_near_zero", "few_clusters"]
    assert found.variance_saved is None
    assert "adjusted for" not in found.method
    assert found.absolute == read(frame, cluster="shop").comparisons[0].absolute


def fault(read_it: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as caught:
        read_it()
    return f"{caught.value}; {caught.value.where}; {caught.value.mend}"


def in_csv(frame: pd.DataFrame, folder: Path) -> Path:
    frame.to_csv(folder / "shop.csv", index=False)
    return folder / "shop.csv"


def in_memory(frame: pd.DataFrame, folder: Path) -> pd.DataFrame:
    return frame


FORMS = pytest.mark.parametrize("form", [in_csv, in_memory])


@FORMS
def test_a_column_spelt_a_little_wrong_is_recognised(form: Callable[..., Any], tmp_path: Path) -> None:
    source = form(shop(), tmp_path)
    assert "did you mean 'spend'?" in fault(lambda: read(source, means=["spnd"]))
    assert "did you mean 'spend'?" in fault(lambda: read(source, means=[" Spend"]))
    told = fault(lambda: read(source, means=["revenue"]))
    assert not any(name in told.rpartition(";")[2] for name in shop())


@FORMS
@pytest.mark.parametrize(
    ("values", "control", "meant"),
    [(["A", "B"], "a", "'A'"), (["0.0", "1.0"], "0", "'0.0'"), (["a ", "b"], "a", "'a '"), (["x", "y"], "a", None)],
    ids=["capital", "number", "space", "none"],
)
def test_a_control_that_is_all_but_a_value_is_recognised(
    form: Callable[..., Any], tmp_path: Path, values: list[str], control: str, meant: str | None
) -> None:
    frame = shop()
    frame["arm"] = np.where(frame.arm == "a", *values)
    told = fault(lambda: read(form(frame, tmp_path), control=control))
    assert f"no unit is in the control {control!r}" in told
    assert (f"did you mean {meant}?" in told) == (meant is not None)
    assert "'x'" not in told


def test_a_unit_that_is_in_every_variant_is_what_is_wrong() -> None:
    told = fault(lambda: read(unit="shop"))
    assert "every unit in the control 'a' is in another variant too" in told
    assert "unit" in told


@FORMS
def test_a_missing_value_is_not_called_a_wrong_one(form: Callable[..., Any], tmp_path: Path) -> None:
    frame = shop()
    frame.loc[6, "spend"] = np.nan
    told = fault(lambda: read(form(frame, tmp_path)))
    assert "the value is missing" in told
    assert "row 7, column spend" in told
    assert "write 0 where nothing happened" in told
    lazy = pl.from_pandas(frame).lazy()
    assert "the value is missing" in fault(lambda: read(lazy))


def test_a_value_that_is_no_number_says_how_to_write_one(tmp_path: Path) -> None:
    path = in_csv(shop().assign(spend="12,50 €"), tmp_path)
    told = fault(lambda: read(path))
    assert "not a finite number" in told
    assert "write a number like 1234.5" in told
    assert "12,50" not in told


def test_a_folder_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").mkdir()
    assert "it is a folder" in fault(lambda: read(tmp_path / "shop.csv"))
    assert "it is a folder" in fault(lambda: read(tmp_path))


def test_a_column_of_lists_is_no_column_of_numbers(tmp_path: Path) -> None:
    pl.DataFrame({"arm": ["a", "b"], "spend": [[1], [2]]}).write_parquet(tmp_path / "shop.parquet")
    told = fault(lambda: read(tmp_path / "shop.parquet"))
    assert "the column does not hold numbers" in told


def test_a_corrected_p_stands_in_the_table_beside_the_interval_that_agrees_with_it() -> None:
    found = read(means=["spend", "visits"], adjust="bonferroni")
    for text in (render_table(found), render_markdown(found)):
        (head,) = [line for line in text.splitlines() if "absolute" in line and "relative" in line]
        assert head.rstrip(" |").endswith("corrected")
        assert "p corrected by bonferroni: spend, visits" in text
    for one in found.comparisons:
        assert one.p_corrected is not None
        assert any(line.endswith(f"{one.p_corrected:.4f}") for line in render_table(found).splitlines())
    assert "corrected" not in render_table(read())


def test_a_control_that_is_no_cell_is_the_controls_fault() -> None:
    told = fault(lambda: read(variant=None, factors=["arm", "bought"], control="arm=a"))
    assert "'arm=a' is not a cell of this design; control; cells are named arm=…,bought=…" in told


def test_variants_that_capitals_or_spaces_tell_apart_are_pointed_out() -> None:
    frame = shop()
    frame["arm"] = np.where(np.arange(len(frame)) % 3 == 0, "B ", frame.arm)
    (note,) = [note for note in read(frame).notes if "capitals" in note]
    assert "'B ', 'b'" in note
    assert not any("capitals" in note for note in read().notes)


@pytest.mark.parametrize(("scale", "shown"), [("relative", "%"), ("absolute", "")])
def test_a_posterior_is_told_with_its_interval_and_no_certainty(scale: str, shown: str) -> None:
    frame = shop()
    frame["spend"] += np.where(frame.arm == "b", 100, 0)
    found = read(frame, prior=10, scale=scale)
    (line,) = [line for line in render_table(found).splitlines() if "chance to beat" in line]
    assert "chance to beat a > 99.9%" in line
    assert re.search(rf"with the prior \+[\d.,]+{shown} \[\+[\d.,]+{shown}, \+[\d.,]+{shown}\]", line)


@pytest.mark.parametrize(
    ("asked", "where", "says"),
    [
        ({"down": ["spend"]}, "down", "give --prior too"),
        ({"order": 3}, "order", "name each --factor"),
        ({"k": 50}, "k", "name a column with --by"),
        ({"sequential": "confidence_sequence", "looked": [0.5]}, "looked", "name a spending function"),
        ({"alpha": 1e-300}, "alpha", "0.05 means intervals of 95 %"),
        ({"alpha": 0.99}, "alpha", "0.05 means intervals of 95 %"),
    ],
)
def test_what_would_change_nothing_or_mean_nothing_is_refused(asked: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(**asked)
    assert caught.value.where == where
    assert says in (caught.value.mend or "")


@pytest.mark.parametrize("alpha", [1e-9, 0.5])
def test_the_ends_of_what_alpha_may_be_are_taken(alpha: float) -> None:
    assert read(alpha=alpha).alpha == alpha


@pytest.mark.parametrize("option", ["--order=2", "--k=10"])
def test_the_command_refuses_an_option_without_effect_even_where_it_says_the_default(
    imp_here: Any, tmp_path: Path, option: str
) -> None:
    path = tmp_path / "shop.csv"
    shop().to_csv(path, index=False)
    answer = imp_here(*("experiment", "analyze", str(path), "--variant=arm", "--control=a", "--mean=spend"), option)
    assert answer.code == 2
    assert f"where: {option.partition('=')[0]}" in answer.err


def test_standard_input_is_refused_with_how_to_go_on(imp_here: Any) -> None:
    answer = imp_here("experiment", "analyze", "-", "--variant=arm", "--control=a", "--mean=spend")
    assert answer.code == 2
    assert "which standard input cannot be" in answer.err
    assert "save it first" in answer.err


@pytest.mark.parametrize("empty", ["", " ", None])
def test_an_empty_level_of_a_breakdown_is_named_as_one(empty: str | None) -> None:
    frame = shop()
    frame["country"] = ["at", empty] * (len(frame) // 2)
    with pytest.raises(BadInput, match="the level to break down by is missing") as caught:
        read(frame, by=["country"])
    assert "column country" in (caught.value.where or "")


def answer(frame: Any = None, **more: Any) -> str:
    """The first line of the readout."""
    return render_table(read(frame, **more)).splitlines()[0]


def apart(by: float) -> pd.DataFrame:
    frame = shop()
    frame["spend"] += np.where(frame["arm"] == "b", by, 0.0)
    return frame


def test_the_first_line_of_a_file_says_what_the_first_metric_shows_with_its_interval() -> None:
    (effect,) = [one.relative for one in read(apart(9)).comparisons]
    assert effect is not None
    figures = f"{effect.estimate:+.1%}, 95% interval [{effect.low:+.1%}, {effect.high:+.1%}], p < 0.0001"
    assert answer(apart(9)) == f"file: spend is higher in b than in a: {figures}"
    assert answer(apart(-9), scale="absolute").startswith("file: spend is lower in b than in a: -")
    assert answer(apart(9), means=["spend", "visits"]).endswith("(the first of 2 comparisons)")


def test_the_first_line_says_where_it_cannot_be_told() -> None:
    assert answer().startswith("file: it cannot be told whether spend differs between b and a: ")
    assert "95% interval [" in answer()
    assert answer(apart(9), alpha=0.01).count("99% interval [") == 1
    frame = shop()
    frame["spend"] = 3.0
    assert answer(frame).startswith("file: spend of b and a is not compared: nothing varies")


def test_a_correction_that_leaves_the_interval_takes_the_first_line_back() -> None:
    by = next(by for by in np.arange(0.5, 9, 0.1) if (read(apart(by)).comparisons[0].p_value or 1) < 0.04)
    assert "spend is higher" in answer(apart(by), means=["spend", "visits", "before"])
    text = answer(apart(by), means=["spend", "visits", "before"], adjust="holm")
    assert "it cannot be told whether spend differs" in text
    assert "corrected p" in text


@pytest.mark.parametrize("adjust", ["holm", "bonferroni"])
def test_figures_in_place_of_those_that_would_be_corrected_tell_no_difference(adjust: str) -> None:
    frame = apart(9)
    frame["spend"] -= frame["spend"].mean() + 100.0
    several = {"means": ["spend", "visits", "before"]}
    assert "spend is higher" in answer(frame, **several)
    text = answer(frame, **several, adjust=adjust)
    assert "it cannot be told whether spend differs" in text
    assert "p < 0.0001, not corrected (" in text


def test_the_first_line_of_factors_is_their_first_effect() -> None:
    frame = apart(9)
    frame["photo"] = np.where(np.arange(len(frame)) % 4 < 2, "no", "yes")
    text = answer(frame, variant=None, control=None, factors=["arm", "photo"])
    assert text.startswith("file: spend is higher with arm: b - a: +")
    assert text.endswith("(the first of 3 effects)")


@pytest.mark.parametrize("render", [render_table, render_markdown])
def test_a_breakdown_of_one_level_says_so_in_place_of_the_same_table(render: Callable[[Readout], str]) -> None:
    frame = shop()
    frame["country"] = "austria"
    text = render(read(frame, by=["country"]))
    assert "all units are of one level (austria): there is nothing to compare" in text.replace("\\", "")
    assert "| level" not in text
    assert "level  " not in text
    assert text.count("spend") == render(read(frame)).count("spend")


@pytest.mark.parametrize(("base", "sd"), [(1e15, 3.0), (1e9, 1e-6), (1.0, 1e-14), (1e-200, 1e-201)])
def test_a_spread_below_double_precision_is_not_said_to_be_none(base: float, sd: float) -> None:
    frame = shop()
    noise = np.random.default_rng(3).standard_normal(len(frame))
    frame["spend"] = base + sd * noise
    (found,) = read(frame).comparisons
    assert [one.code for one in found.conditions] == ["spread_lost"]
    assert (found.absolute, found.relative) == (None, None)
    assert "subtract a constant, or rescale" in render_table(read(frame))
    # the mend mends
    (mended,) = read(frame.assign(spend=sd * noise / sd), scale="absolute").comparisons
    assert mended.absolute is not None


def test_values_that_are_one_and_the_same_do_not_vary() -> None:
    (found,) = read(shop().assign(spend=1e15)).comparisons
    assert [one.code for one in found.conditions] == ["zero_variance"]


@pytest.mark.parametrize(("errors", "warned"), [(2.9, True), (3.1, False)])
def test_a_control_under_three_standard_errors_from_zero_is_warned_of_on_the_relative_scale(
    errors: float, warned: bool
) -> None:
    frame = shop()
    noise = np.random.default_rng(3).standard_normal(len(frame))
    control = frame["arm"] == "a"
    noise[control] -= noise[control].mean()
    se = noise[control].std(ddof=1) / np.sqrt(control.sum())
    frame["spend"] = noise + errors * se + np.where(control, 0.0, 1.0)
    (found,) = read(frame).comparisons
    assert (("control_near_zero", "relative") in [(one.code, one.scale) for one in found.conditions]) is warned
    assert found.relative is not None
    assert found.absolute is not None
