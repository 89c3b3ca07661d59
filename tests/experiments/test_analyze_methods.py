"""`analyze` with ratios, covariates, strata and clusters: the same figures from every kind of table."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests

from imp_core.errors import BadInput
from imp_experiments import analyze
from imp_experiments.readout.format import format_readout, parse_readout
from imp_experiments.readout.readout import Readout


def shop(seed: int = 1, n: int = 600) -> pd.DataFrame:
    dice = np.random.default_rng(seed)
    before = np.round(dice.gamma(2, 10, n), 6)
    treated = dice.integers(0, 2, n)
    orders = dice.poisson(1.5, n)
    return pd.DataFrame(
        {
            "user": np.arange(n),
            "arm": np.where(treated == 1, "b", "a"),
            "revenue": np.round(before * 0.5 + 2 * treated + dice.normal(0, 3, n), 6),
            "orders": orders,
            "sessions": orders + dice.poisson(2, n) + 1,
            "bought": (orders > 0).astype(int),
            "before": before,
            "country": dice.choice(["de", "fr", "日本"], n),
            "shop": dice.integers(0, 60, n),
        }
    )


def read(source: Any, **more: Any) -> Readout:
    asked = {"variant": "arm", "control": "a", "means": ["revenue"], "proportions": ["bought"], "scale": "absolute"}
    return analyze(source, **{**asked, **more})


FORMS: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "csv": lambda frame, folder: (frame.to_csv(folder / "t.csv", index=False), folder / "t.csv")[1],
    "parquet": lambda frame, folder: (pl.from_pandas(frame).write_parquet(folder / "t.parquet"), folder / "t.parquet")[
        1
    ],
    "jsonl": lambda frame, folder: (pl.from_pandas(frame).write_ndjson(folder / "t.jsonl"), folder / "t.jsonl")[1],
    "pandas": lambda frame, _: frame,
    "polars": lambda frame, _: pl.from_pandas(frame),
    "lazy": lambda frame, _: pl.from_pandas(frame).lazy(),
    "arrow": lambda frame, _: pl.from_pandas(frame).to_arrow(),
    "duckdb": lambda frame, _: duckdb.from_arrow(pl.from_pandas(frame).to_arrow()),
}
WAYS: dict[str, dict[str, Any]] = {
    "ratio": {"ratios": ["revenue/sessions"]},
    "covariate": {"covariates": ["before", "orders"]},
    "stratum": {"stratum": "country"},
    "cluster": {"cluster": "shop", "covariates": ["before"], "ratios": ["revenue/sessions"]},
    "unit": {"unit": "user", "covariates": ["before"], "stratum": "country", "ratios": ["orders/sessions"]},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("way", WAYS)
def test_every_kind_of_table_gives_the_same_figures(tmp_path: Path, form: str, way: str) -> None:
    frame = shop()
    # some covariates are unknown, in each form as it says so
    frame.loc[frame.index % 17 == 3, "before"] = np.nan
    expected = read(frame, **WAYS[way])
    found = read(FORMS[form](frame, tmp_path), **WAYS[way])
    assert len(found.comparisons) == len(expected.comparisons)
    for one, two in zip(found.comparisons, expected.comparisons, strict=True):
        assert one.absolute is not None
        assert two.absolute is not None
        for name in ("estimate", "low", "high", "se", "p_value", "df"):
            assert getattr(one.absolute, name) == pytest.approx(getattr(two.absolute, name), rel=1e-9), name
        assert one.variance_saved == (
            None if two.variance_saved is None else pytest.approx(two.variance_saved, rel=1e-7)
        )
        assert (one.n_variant, one.conditions) == (two.n_variant, two.conditions)


def test_the_adjusted_difference_is_the_regressions(tmp_path: Path) -> None:
    frame = shop(2)
    found = read(frame, covariates=["before"]).comparisons[1]
    treated, before = (frame.arm == "b").to_numpy(float), frame.before.to_numpy()
    centred = before - before.mean()
    oracle = sm.OLS(frame.revenue.to_numpy(), sm.add_constant(np.column_stack([treated, centred, centred * treated])))
    assert found.absolute is not None
    assert found.absolute.estimate == pytest.approx(oracle.fit().params[1], rel=1e-9)
    assert found.variance_saved is not None
    assert found.variance_saved > 0.5
    assert "adjusted for before (Lin 2013)" in found.method


def test_an_unknown_covariate_is_filled_and_its_indicator_added_not_read_as_zero() -> None:
    frame = shop(3)
    lost = frame.index % 5 == 0
    frame.loc[lost, "before"] = np.nan
    found = read(frame, covariates=["before"]).comparisons[1]
    treated = (frame.arm == "b").to_numpy(float)
    filled = np.column_stack([frame.before.fillna(0.0), lost.astype(float)])
    centred = filled - filled.mean(axis=0)
    design = sm.add_constant(np.column_stack([treated, centred, centred * treated[:, None]]))
    oracle = sm.OLS(frame.revenue.to_numpy(), design).fit()
    assert found.absolute is not None
    assert found.absolute.estimate == pytest.approx(oracle.params[1], rel=1e-9)
    assert found.method.count("before") == 1


def test_units_with_several_rows_are_summed_before_anything_else() -> None:
    frame = shop(4)
    halves = pd.concat(
        [
            frame.assign(revenue=frame.revenue / 2, sessions=frame.sessions - 1),
            frame.assign(revenue=frame.revenue / 2, sessions=1),
        ]
    )
    ways = {"unit": "user", "ratios": ["revenue/sessions"], "covariates": ["before"], "stratum": "country"}
    one, two = read(frame, **ways), read(halves, **ways)
    for mine, other in zip(one.comparisons, two.comparisons, strict=True):
        assert mine.absolute is not None
        assert other.absolute is not None
        assert mine.absolute.estimate == pytest.approx(other.absolute.estimate, rel=1e-9)
        assert mine.absolute.se == pytest.approx(other.absolute.se, rel=1e-9)


def test_clusters_count_their_units_and_widen_the_interval() -> None:
    dice = np.random.default_rng(5)
    frame = shop(5)
    frame["arm"] = np.where(frame.shop % 2 == 1, "b", "a")
    frame["revenue"] += dice.normal(0, 5, 60)[frame.shop]
    plain, clustered = read(frame).comparisons[1], read(frame, cluster="shop").comparisons[1]
    assert plain.absolute is not None
    assert clustered.absolute is not None
    assert clustered.absolute.estimate == pytest.approx(plain.absolute.estimate, rel=1e-9)
    assert clustered.absolute.se > 1.5 * plain.absolute.se
    assert (clustered.n_variant, clustered.n_control) == (plain.n_variant, plain.n_control)
    assert "errors by cluster" in clustered.method


@pytest.mark.parametrize(
    ("change", "more", "match"),
    [
        ({"country": None}, {"stratum": "country"}, "the stratum is missing.*column country"),
        ({"shop": None}, {"cluster": "shop"}, "the cluster is missing.*column shop"),
        ({"before": np.inf}, {"covariates": ["before"]}, "finite number.*column before"),
        ({"country": "xx"}, {"stratum": "country", "unit": "user"}, "several strata, clusters or values"),
        ({"before": 1.0}, {"covariates": ["before"], "unit": "user"}, "several strata, clusters or values"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "pandas", "lazy"])
def test_what_cannot_be_taken_is_named(
    tmp_path: Path, form: str, change: dict[str, Any], more: dict[str, Any], match: str
) -> None:
    frame = pd.concat([shop(6), shop(6)])
    frame = frame.astype(dict.fromkeys(change, object)) if None in change.values() else frame
    frame.iloc[3, frame.columns.get_loc(next(iter(change)))] = next(iter(change.values()))
    with pytest.raises(BadInput) as caught:
        read(FORMS[form](frame, tmp_path), **more)
    said = f"{caught.value} {caught.value.where}"
    assert re.search(match, said), said


@pytest.mark.parametrize("ratio", ["revenue", "revenue/", "/sessions", " / "])
def test_a_ratio_is_two_columns(ratio: str) -> None:
    with pytest.raises(BadInput, match="not a ratio of two columns"):
        read(shop(), ratios=[ratio])


def test_a_ratio_over_nothing_is_named_and_shows_no_figure() -> None:
    frame = shop().assign(sessions=0)
    found = read(frame, ratios=["revenue/sessions"]).comparisons[2]
    assert (found.absolute, found.relative, found.value_variant) == (None, None, None)
    assert [one.code for one in found.conditions] == ["no_denominator"]


def test_quantiles_of_units_and_of_events_nested_in_them() -> None:
    frame = shop(8)
    plain, nested = (read(frame, quantiles=["revenue:0.5", "orders:0.9"], **more) for more in ({}, {"cluster": "shop"}))
    for name, column, q in (("revenue:0.5", "revenue", 0.5), ("orders:0.9", "orders", 0.9)):
        found = next(one for one in plain.comparisons if one.metric == name)
        assert found.kind == "quantile"
        assert found.value_control == pytest.approx(np.quantile(frame[frame.arm == "a"][column], q))
        assert found.value_variant == pytest.approx(np.quantile(frame[frame.arm == "b"][column], q))
    assert "widened for clusters" in next(one for one in nested.comparisons if one.metric == "revenue:0.5").method


@pytest.mark.parametrize(
    "quantile", ["revenue", "revenue:", "revenue:1", "revenue:0", ":0.5", "revenue:x", "revenue:nan"]
)
def test_a_quantile_is_a_column_and_a_share(quantile: str) -> None:
    with pytest.raises(BadInput, match="not a quantile of a column"):
        read(shop(), quantiles=[quantile])


def test_a_proportion_of_few_events_is_compared_by_scores() -> None:
    frame = shop(9).assign(bought=0)
    frame.loc[:5, "bought"] = 1
    found = read(frame).comparisons[0]
    assert "Miettinen-Nurminen" in found.method
    assert found.absolute is not None
    assert found.absolute.df == float("inf")


def test_too_many_strata_are_no_strata() -> None:
    frame = shop(7, 1_200)
    with pytest.raises(BadInput, match="over 1,000 different values: not a column of strata"):
        read(frame, stratum="user")


def test_values_whose_sum_overflows_are_a_condition_not_a_fault() -> None:
    frame = shop()
    frame.loc[:9, "revenue"] = 1e308
    found = read(frame).comparisons[1]
    assert [one.code for one in found.conditions] == ["not_finite"]


def test_the_command_takes_them_all(imp_here: Any, tmp_path: Path) -> None:
    frame = shop()
    frame["region"] = frame["shop"] % 3
    path = FORMS["csv"](frame, tmp_path)
    answer = imp_here(
        *("experiment", "analyze", str(path), "--variant", "arm", "--control", "a", "--mean", "revenue"),
        *(
            "--ratio",
            "revenue/sessions",
            "--covariate",
            "before",
            "--stratum",
            "region",
            "--cluster",
            "shop",
            "--json",
        ),
    ).ok()
    assert [one["kind"] for one in answer.json["comparisons"]] == ["mean", "ratio"]
    assert all(one["variance_saved"] is not None for one in answer.json["comparisons"])


# -- several comparisons, and a prior ---------------------------------------------------------------------------------


def three(seed: int = 1) -> pd.DataFrame:
    frame = shop(seed, 900)
    frame["arm"] = np.random.default_rng(seed).choice(["a", "b", "c"], 900)
    frame["revenue"] += (frame.arm == "b") * 1.0
    return frame


@pytest.mark.parametrize("method", ["bonferroni", "max_t"])
def test_a_simultaneous_interval_excludes_no_effect_iff_its_corrected_p_is_below_alpha(method: str) -> None:
    for seed in range(6):
        plain, found = read(three(seed)), read(three(seed), adjust=method)
        for one, two in zip(plain.comparisons, found.comparisons, strict=True):
            assert one.absolute is not None
            assert two.absolute is not None
            assert two.p_corrected is not None
            assert two.p_value == one.p_value
            assert two.p_corrected > one.absolute.p_value
            assert two.absolute.high - two.absolute.low > one.absolute.high - one.absolute.low
            assert (two.p_corrected < 0.05) == (two.absolute.low > 0 or two.absolute.high < 0)


def test_max_t_is_narrower_than_bonferroni_because_treatments_share_control() -> None:
    widths = {}
    for method in ("bonferroni", "max_t"):
        effect = read(three(), adjust=method).comparisons[0].absolute
        assert effect is not None
        widths[method] = effect.high - effect.low
    assert 0.95 < widths["max_t"] / widths["bonferroni"] < 1


@pytest.mark.parametrize("method", ["holm", "hochberg", "benjamini_hochberg", "benjamini_yekutieli"])
def test_stepwise_corrections_are_statsmodels_and_leave_the_intervals(method: str) -> None:
    name = {"hochberg": "simes-hochberg", "benjamini_hochberg": "fdr_bh", "benjamini_yekutieli": "fdr_by"}
    plain, found = read(three(2)), read(three(2), adjust=method)
    raw = [one.p_value for one in plain.comparisons]
    assert [one.p_corrected for one in found.comparisons] == pytest.approx(
        list(multipletests(raw, method=name.get(method, method))[1])
    )
    assert [one.absolute for one in found.comparisons] == [one.absolute for one in plain.comparisons]


def test_a_metric_without_figures_is_no_hypothesis() -> None:
    frame = three(3).assign(bought=0)
    found = read(frame, adjust="bonferroni", scale="relative", means=["revenue", "orders"])
    with_p = [one for one in found.comparisons if one.p_value is not None]
    assert len(with_p) == 4
    for one in with_p:
        assert one.p_corrected == pytest.approx(min(1.0, 4 * (one.p_value or 0)))
    assert [one.p_corrected for one in found.comparisons if one.p_value is None] == [None, None]


def test_a_prior_draws_towards_no_effect_and_says_what_a_choice_may_cost() -> None:
    found = read(shop(4), scale="relative", prior=0.05, down=["bought"]).comparisons
    assert all(one.posterior is not None for one in found)
    revenue = found[1]
    assert revenue.posterior is not None
    assert revenue.relative is not None
    assert 0 < revenue.posterior.estimate < revenue.relative.estimate
    up = read(shop(4), scale="relative", prior=0.05).comparisons[0].posterior
    assert up is not None
    assert found[0].posterior is not None
    assert found[0].posterior.chance_to_beat == pytest.approx(1 - up.chance_to_beat)
    assert found[0].posterior.loss_of_shipping == pytest.approx(up.loss_of_keeping)


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"adjust": "sidak"}, "there is no correction 'sidak'"),
        ({"prior": 0.0}, "the prior's sd"),
        ({"prior": float("inf")}, "the prior's sd"),
        ({"prior": 0.1, "down": ["profit"]}, "no metric of this analysis"),
        ({"alpha": 1.0}, "alpha is not between 1e-09 and 0.5"),
        ({"alpha": float("nan")}, "alpha is not between 1e-09 and 0.5"),
    ],
)
def test_what_cannot_be_asked_is_refused(more: dict[str, Any], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        read(shop(), **more)


def test_all_of_it_reads_back_from_its_json() -> None:
    found = read(three(), adjust="max_t", prior=0.3, quantiles=["revenue:0.5"], covariates=["before"])
    assert parse_readout(format_readout(found)) == found


# -- ranks, clips, earlier looks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_ranks_are_compared_on_request(tmp_path: Path, form: str) -> None:
    frame = shop(10)
    found = read(FORMS[form](frame, tmp_path), ranks=["revenue"]).comparisons[2]
    treated, control = (frame[frame.arm == name].revenue for name in "ba")
    oracle = stats.brunnermunzel(treated, control)
    assert (found.metric, found.kind, found.scale) == ("revenue ranks", "ranks", "absolute")
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-8)
    assert found.relative is None


@pytest.mark.parametrize("form", FORMS)
def test_a_clip_is_pooled_over_all_variants_and_said(tmp_path: Path, form: str) -> None:
    frame = shop(11)
    found = read(FORMS[form](frame, tmp_path), clips=["revenue:0.02:0.98"])
    low, high = np.quantile(frame.revenue, [0.02, 0.98])
    ends = frame.assign(revenue=frame.revenue.clip(low, high))
    expected = read(ends).comparisons[1].absolute
    one = found.comparisons[1].absolute
    assert one is not None
    assert expected is not None
    assert (one.estimate, one.se) == (pytest.approx(expected.estimate, rel=1e-9), pytest.approx(expected.se, rel=1e-9))
    assert any(f"{high:,.6g}" in note and "revenue" in note for note in found.notes)


def test_a_clip_at_values_ends_a_units_sum() -> None:
    frame = pd.concat([shop(12), shop(12)])
    found = read(frame, unit="user", clips_at=["revenue::20"], ratios=["revenue/sessions"]).comparisons
    ends = shop(12)
    ends = ends.assign(revenue=(2 * ends.revenue).clip(upper=20), sessions=2 * ends.sessions)
    expected = read(ends, ratios=["revenue/sessions"]).comparisons
    for place in (1, 2):
        one, two = found[place].absolute, expected[place].absolute
        assert one is not None
        assert two is not None
        assert one.estimate == pytest.approx(two.estimate, rel=1e-9)


@pytest.mark.parametrize("sequential", ["obrien_fleming", "pocock", "power:2", "confidence_sequence"])
def test_earlier_looks_widen_the_interval_and_p_follows(sequential: str) -> None:
    frame = shop(13)
    looked = () if sequential == "confidence_sequence" else (0.25,)
    plain, found = read(frame), read(frame, sequential=sequential, planned=1_200, looked=looked)
    for one, two in zip(plain.comparisons, found.comparisons, strict=True):
        assert one.absolute is not None
        assert two.absolute is not None
        assert two.absolute.high - two.absolute.low > one.absolute.high - one.absolute.low
        assert two.absolute.p_value > one.absolute.p_value
        assert (two.absolute.p_value < 0.05) == (two.absolute.low > 0 or two.absolute.high < 0)
        assert two.look is not None


def test_a_sequential_test_of_several_comparisons_shares_alpha_by_bonferroni() -> None:
    one = read(shop(13), sequential="obrien_fleming", planned=1_200)
    two = read(shop(13), sequential="obrien_fleming", planned=1_200, adjust="bonferroni")
    assert one.comparisons[0].tail is not None
    assert two.comparisons[0].tail is not None
    assert two.comparisons[0].tail < one.comparisons[0].tail
    for found in two.comparisons:
        assert found.absolute is not None
        assert found.p_corrected is not None
        assert (found.p_corrected < 0.05) == (found.absolute.low > 0 or found.absolute.high < 0)


def test_so_early_that_no_alpha_is_there_shows_no_figure() -> None:
    found = read(shop(13), sequential="obrien_fleming", planned=100_000).comparisons[0]
    assert (found.absolute, found.relative) == (None, None)
    assert [one.code for one in found.conditions] == ["before_first_look"]


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"sequential": "weekly"}, "no way to look"),
        ({"sequential": "pocock"}, "needs the units planned"),
        ({"sequential": "pocock", "planned": 900, "looked": (0.5, 0.4)}, "do not ascend"),
        ({"sequential": "pocock", "planned": 1_200, "looked": (0.5,)}, "do not ascend"),
        ({"sequential": "power:x", "planned": 900}, "names no spending function"),
        ({"sequential": "pocock", "planned": 900, "adjust": "max_t"}, "max_t is of one look"),
        ({"planned": 900}, "of a sequential test"),
        ({"clips": ["revenue"]}, "not bounds of a column"),
        ({"clips": ["revenue::"]}, "not bounds of a column"),
        ({"clips": ["revenue:a:b"]}, "not bounds of a column"),
        ({"clips": ["revenue:0.9:0.1"]}, "wrong order"),
        ({"clips": ["revenue::1.5"]}, "no bounds to clip at"),
        ({"clips": ["before::0.9"]}, "no mean and no part of a ratio"),
        ({"clips": ["revenue::0.9"], "clips_at": ["revenue::9"]}, "clipped twice"),
        ({"ranks": ["revenue", "revenue"]}, "named twice"),
    ],
)
def test_what_cannot_be_asked_of_looks_and_clips_is_refused(more: dict[str, Any], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        read(shop(), **more)


def test_the_command_takes_looks_clips_and_ranks(imp_here: Any, tmp_path: Path) -> None:
    frame = shop()
    frame["region"] = frame["shop"] % 3
    path = FORMS["csv"](frame, tmp_path)
    answer = imp_here(
        *("experiment", "analyze", str(path), "--variant", "arm", "--control", "a", "--mean", "revenue"),
        *("--ranks", "orders", "--clip", "revenue::0.99", "--sequential", "obrien_fleming", "--planned", "1200"),
        *("--looked", "0.25", "--json"),
    ).ok()
    assert [one["kind"] for one in answer.json["comparisons"]] == ["mean", "ranks"]
    assert all("look 2" in one["look"] for one in answer.json["comparisons"])


def test_max_t_corrects_beside_a_variant_without_events() -> None:
    counts = {"a": 4, "b": 0, "c": 9}
    frame = pd.DataFrame([{"arm": arm, "bought": int(i < n)} for arm, n in counts.items() for i in range(100)])
    found = analyze(frame, variant="arm", control="a", proportions=["bought"], adjust="max_t").comparisons
    single = analyze(frame, variant="arm", control="a", proportions=["bought"], adjust="bonferroni").comparisons
    for one, other in zip(found, single, strict=True):
        assert one.p_value is not None
        assert one.p_corrected is not None
        assert other.p_corrected is not None
        assert one.p_value < one.p_corrected <= other.p_corrected


def test_max_t_corrects_beside_a_variant_of_one_unit() -> None:
    frame = three()
    lonely = pd.DataFrame([{**frame.iloc[0], "arm": "z"}])
    found = read(pd.concat([frame, lonely]), adjust="max_t", proportions=[]).comparisons
    alone = read(frame, adjust="max_t", proportions=[]).comparisons
    assert found[-1].p_corrected is None
    assert [one.p_corrected for one in found[:-1]] == pytest.approx([one.p_corrected for one in alone], rel=1e-9)


def test_a_table_with_too_few_units_for_a_confidence_sequence_has_no_figures_yet() -> None:
    frame = pd.DataFrame(
        {"arm": ["a", "b"] * 20, "bought": [0, 1, 0, 0, 1] * 8, "spend": range(40), "part": ["x"] * 40}
    )
    found = analyze(
        frame,
        variant="arm",
        control="a",
        proportions=["bought"],
        means=["spend"],
        by=["part"],
        sequential="confidence_sequence",
        planned=1_000_000,
    )
    for one in (*found.comparisons, *found.breakdowns[0].levels[0].comparisons):
        assert (one.absolute, one.relative) == (None, None)
        assert [condition.code for condition in one.conditions] == ["before_first_look"]
