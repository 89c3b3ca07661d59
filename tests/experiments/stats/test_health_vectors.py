"""Every case of tests/vectors/stats/health.json: figures of other packages and of published tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest

from imp_experiments.measure.moments import Summary
from imp_experiments.measure.trim import trim
from imp_experiments.stats.health.balance import balance
from imp_experiments.stats.health.lee import Retained, lee_bounds, trimming
from imp_experiments.stats.health.manski import manski_bounds
from imp_experiments.stats.health.novelty import DayEffect, novelty
from imp_experiments.stats.health.outliers import Extremes, outliers
from imp_experiments.stats.health.rates import homogeneity, wilson

FILE = Path(__file__).parents[2] / "vectors" / "stats" / "health.json"
CASES = json.loads(FILE.read_text(encoding="utf-8"))


def summary(data) -> Summary:
    return Summary(len(data), float(np.mean(data)), float(np.var(data, ddof=1)))


def balanced(given) -> dict[str, Any]:
    groups = {f"v{index}": summary(data) for index, data in enumerate(given["groups"])}
    found = balance({"x": groups}, control="v0").covariates[0]
    return {
        "statistic": found.statistic,
        "df": found.df,
        "df_within": found.df_within,
        "p_value": found.p_value,
        "differences": list(found.differences.values()),
    }


def outlying(given) -> dict[str, Any]:
    new, old = (
        Extremes(summary=summary(given[key]), lowest=min(given[key]), highest=max(given[key])) for key in ("new", "old")
    )
    found = outliers(new, old)
    return {
        "farthest": found.farthest,
        "share_variant": found.variant.share_of_spread,
        "share_control": found.control.share_of_spread,
        "limit_variant": found.variant.limit,
        "limit_control": found.control.limit,
        "estimate_with": found.with_it.absolute.estimate,
        "p_with": found.with_it.absolute.p_value,
        "estimate_without": found.without_it.absolute.estimate,
        "p_without": found.without_it.absolute.p_value,
    }


def drifting(given) -> dict[str, Any]:
    days = zip(given["days"], given["effects"], given["se"], strict=True)
    found = novelty([DayEffect(day=day, estimate=estimate, se=se) for day, estimate, se in days])
    return {
        "q": found.differences.statistic,
        "q_df": found.differences.df,
        "q_p": found.differences.p_value,
        "pooled": found.differences.pooled,
        "pooled_se": found.differences.se,
        "slope": found.trend.slope,
        "slope_se": found.trend.se,
        "trend_p": found.trend.p_value,
    }


def rates(given) -> dict[str, Any]:
    found = homogeneity([(count, n) for count, n in given["pairs"]])
    return {"method": found.method, "statistic": found.statistic, "df": found.df, "p_value": found.p_value}


def interval(given) -> dict[str, Any]:
    low, high = wilson(given["count"], given["n"], alpha=given["alpha"])
    return {"low": low, "high": high}


def bounds_of(found) -> dict[str, Any]:
    names = ("low", "high", "se_low", "se_high", "interval_low", "interval_high")
    return {name: getattr(found, name) for name in names}


def trimmed(given) -> dict[str, Any]:
    sides = [
        Retained(name=key, assigned=given[f"assigned_{key}"], summary=summary(given[key])) for key in ("new", "old")
    ]
    cut = trimming(*sides)
    frame = pl.DataFrame({"variant": cut.variant, "value": given[cut.variant]})
    tails = trim(nw.from_native(frame).lazy(), cut.variant, cut.kept)
    found = lee_bounds(*sides, tails, alpha=given["alpha"])
    return {**bounds_of(found.bounds), "share": found.share}


def worst(given) -> dict[str, Any]:
    found = manski_bounds(
        summary(given["new"]),
        summary(given["old"]),
        missing_variant=given["missing_new"],
        missing_control=given["missing_old"],
        lowest=given["lowest"],
        highest=given["highest"],
        alpha=given["alpha"],
    )
    return bounds_of(found.bounds)


CHECKS = {
    "balance": balanced,
    "outliers": outlying,
    "novelty": drifting,
    "rates": rates,
    "wilson": interval,
    "lee": trimmed,
    "manski": worst,
}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_case_has_the_figures_of_its_source(case) -> None:
    found = CHECKS[case["input"]["check"]](case["input"])
    for name, value in case["expected"].items():
        if isinstance(value, str):
            assert found[name] == value, name
        elif isinstance(value, float) and case["tolerance"] > 1e-6:
            assert found[name] == pytest.approx(value, abs=case["tolerance"]), name  # a table's own rounding
        else:
            assert found[name] == pytest.approx(value, rel=case["tolerance"], abs=1e-13), name


def test_there_are_cases_of_every_check_each_with_its_source() -> None:
    assert {case["input"]["check"] for case in CASES} == set(CHECKS)
    assert len({case["id"] for case in CASES}) == len(CASES) >= 20
    assert all(case["source"] for case in CASES)
