"""Real data sets, read out: what docs/datasets.md shows is what comes out, and what it says of them is so."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from scipy import stats

from imp_experiments import analyze

DOCS = Path(__file__).resolve().parents[2] / "docs"
NAMES = [
    "cookie_cats", "cookie_cats_outlier", "udacity", "udacity_rows", "upworthy", "asos", "creditcard", "hillstrom",
    "gotv",
]  # fmt: skip


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module docs/generate_datasets.py."""
    monkeypatch.syspath_prepend(str(DOCS))
    yield importlib.import_module("generate_datasets")
    del sys.modules["generate_datasets"]


@pytest.fixture(scope="module")
def page() -> str:
    return (DOCS / "datasets.md").read_text(encoding="utf-8")


def shown(page: str, name: str) -> str:
    found = re.search(rf"<!-- figures: {name} -->\n(.*?)<!-- end -->", page, re.S)
    assert found is not None
    return found[1]


def table(page: str, name: str) -> list[list[str]]:
    """The rows of a block's table."""
    lines = [line for line in shown(page, name).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_block_of_the_page_has_its_maker(generator: ModuleType, page: str) -> None:
    assert re.findall(r"<!-- figures: (\w+) -->", page) == NAMES == list(generator.BLOCKS)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_what_comes_out(name: str, generator: ModuleType, page: str, data_folder: Path) -> None:
    assert shown(page, name) == generator.block(data_folder, name)


def test_cookie_cats_has_a_suspicious_ratio_that_is_not_a_mismatch(data_folder: Path) -> None:
    path = data_folder / "cookie_cats" / "cookie_cats.csv.gz"
    found = analyze(path, variant="version", control="gate_30", proportions=["retention_7"])
    counts = pd.read_csv(path)["version"].value_counts()
    assert found.health.srm.p_value == pytest.approx(stats.chisquare(counts).pvalue, rel=1e-9)
    assert (found.health.srm.verdict, found.verdict) == ("ok", None)
    assert 0.001 < found.health.srm.p_value < 0.01
    retained = found.comparisons[0].relative
    assert retained is not None
    assert retained.high < 0


def test_one_player_carries_the_mean_and_not_the_median(data_folder: Path) -> None:
    players = pd.read_csv(data_folder / "cookie_cats" / "cookie_cats.csv.gz")
    fewer = players[players["sum_gamerounds"] < 49_854]
    assert len(fewer) == len(players) - 1
    values: list[Any] = []
    for frame in (players, fewer):
        found = analyze(
            frame, variant="version", control="gate_30", means=["sum_gamerounds"], quantiles=["sum_gamerounds:0.5"]
        )
        values.append([one.absolute.estimate for one in found.comparisons if one.absolute])
    (mean, median), (mean_without, median_without) = values
    assert median == median_without == -1
    assert mean == pytest.approx(-1.157, abs=5e-4)
    assert mean_without == pytest.approx(-0.043, abs=5e-4)


def test_users_in_both_groups_are_out_and_repeated_rows_count_once(data_folder: Path) -> None:
    path = data_folder / "udacity_ab" / "ab_data.csv.gz"
    found = analyze(path, variant="group", control="control", unit="user_id", proportions=["converted"])
    rows = pd.read_csv(path)
    groups = rows.groupby("user_id")["group"].nunique()
    assert found.excluded == {"two_variants": int((groups > 1).sum())}
    users = rows[rows["user_id"].map(groups) == 1].groupby(["user_id", "group"])["converted"].max().reset_index()
    expected = users.groupby("group")["converted"].agg(["size", "mean"])
    compared = found.comparisons[0]
    assert (compared.n_control, compared.n_variant) == tuple(expected["size"])
    assert (compared.value_control, compared.value_variant) == pytest.approx(tuple(expected["mean"]), rel=1e-12)


def test_the_broken_half_year_fails_the_sample_ratio_and_the_rest_about_as_chance_has_it(
    page: str, data_folder: Path
) -> None:
    frame = pd.read_parquet(data_folder / "upworthy_exploratory" / "upworthy_exploratory.parquet")
    failed = {True: [0, 0], False: [0, 0]}
    for _, test in frame.groupby("clickability_test_id"):
        if len(test) > 1:
            broken = bool(201325 <= test["test_week"].min() <= 201401)
            failed[broken][0] += 1
            failed[broken][1] += bool(stats.chisquare(test["impressions"]).pvalue < 0.001)
    read = [[int(row[1].replace(",", "")), int(row[2].split()[0].replace(",", ""))] for row in table(page, "upworthy")]
    assert read == [failed[True], failed[False]]
    (broken_tests, broken_failed), (tests, failures) = read
    assert broken_failed / broken_tests > 0.5
    assert failures / tests < 0.01


def test_looking_often_at_many_tests_finds_more_than_a_correction_leaves(page: str, data_folder: Path) -> None:
    frame = pd.read_parquet(data_folder / "asos" / "asos_digital_experiments_dataset.parquet")
    ends = frame.sort_values("time_since_start").groupby(["experiment_id", "variant_id", "metric_id"]).tail(1)
    counted = {row[0]: int(row[1]) for row in table(page, "asos")}
    assert counted["comparisons (experiment, treatment, metric)"] == len(ends)
    columns = [ends[f"{what}_{side}"].to_numpy() for side in "tc" for what in ("mean", "variance", "count")]
    columns[1], columns[4] = columns[1] ** 0.5, columns[4] ** 0.5
    p_values = stats.ttest_ind_from_stats(*columns, equal_var=False).pvalue
    known = pd.Series(p_values).dropna()
    assert counted["of these, with a p"] == len(known)
    assert counted["p < 0.05 at the last look"] == (known < 0.05).sum()
    corrected = stats.false_discovery_control(known)
    assert counted["at the last look after Benjamini-Hochberg"] == (corrected < 0.05).sum()
    assert (
        counted["p < 0.05 at some look"]
        > counted["p < 0.05 at the last look"]
        > counted["at the last look after Benjamini-Hochberg"]
    )
    gone = counted["p < 0.05 at some look, but not at the last"]
    assert counted["p < 0.05 at some look"] == gone + counted["p < 0.05 at the last look"]


def test_the_credit_cards_have_their_published_reading(page: str) -> None:
    estimates = {row[0].split(" (")[0] if "×" not in row[0] else row[0]: row for row in table(page, "creditcard")}
    signs = {name: estimates[name][1][0] for name in ("x1", "x2", "x3", "x4")}
    assert signs == {"x1": "+", "x2": "-", "x3": "+", "x4": "-"}
    clear = [
        name for name, row in estimates.items() if "×" in name and (row[2].startswith("<") or float(row[2]) < 0.01)
    ]
    assert clear == ["x1 (annual fee) × x2 (opening fee)"]


def test_adjusting_hillstroms_figures_saves_about_nothing(data_folder: Path) -> None:
    path = data_folder / "hillstrom" / "hillstrom.csv.gz"
    asked = {"variant": "segment", "control": "No E-Mail", "proportions": ["visit"], "means": ["spend"]}
    found = analyze(path, **asked, ratios=["spend/visit"], covariates=["history"])
    assert len(found.comparisons) == 6
    for compared in found.comparisons:
        assert compared.variance_saved is not None
        assert 0 <= compared.variance_saved < 0.005
        assert compared.relative is not None
        assert (compared.relative.low > 0) == (compared.metric != "spend/visit")


def test_those_who_were_reached_are_no_experiment(data_folder: Path) -> None:
    path = data_folder / "gotv_phone" / "gerber_green_imai.csv.gz"
    asked: dict[str, Any] = {"variant": "PHN.C", "control": "0", "proportions": ["VOTED98", "VOTE96.1"]}
    found = analyze(path, **asked)
    assert found.verdict is not None
    assert found.verdict.value == "invalid"
    declared = analyze(path, **asked, weights={"0": 10_582, "1": 247})
    assert declared.verdict is None
    before = next(one for one in declared.comparisons if one.metric == "VOTE96.1")
    assert before.p_value is not None
    assert before.p_value < 1e-6
