"""Health checks in a readout: of a file with all figures, of moments as an archive may show them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from imp_experiments import analyze
from imp_experiments.measure.moments import Cell, Moments
from imp_experiments.readout.checked import checks_in_words
from imp_experiments.readout.checks import balance_checks, novelty_check
from imp_experiments.readout.format import format_readout, parse_readout
from imp_experiments.readout.one_unit import outlier_in_archive
from imp_experiments.readout.readout import Bounds, Check, Health, Readout
from imp_experiments.readout.render import render_table
from imp_experiments.stats.estimate import Quantity
from imp_experiments.stats.srm import sample_ratio


def moments(values: dict[str, Sequence[float]], *, day: int | None = None) -> Moments:
    cells = [
        Cell(name, day, "", len(x), (float(np.sum(x)),), (float(np.sum(np.square(x))),), (), (max(map(abs, x)) ** 2,))
        for name, x in values.items()
    ]
    return Moments(("x",), (0.0,), tuple(cells))


def only(readout: Readout, name: str) -> Check:
    (check,) = [check for check in readout.health.checks if check.name == name]
    return check


# -- outliers ---------------------------------------------------------------------------------------------------------


def test_the_player_of_49854_rounds_is_warned_of_with_and_without_figures(data_folder: Path) -> None:
    readout = analyze(
        data_folder / "cookie_cats" / "cookie_cats.csv.gz",
        variant="version",
        control="gate_30",
        unit="userid",
        means=["sum_gamerounds"],
    )
    check = only(readout, "outliers")
    assert (check.verdict, check.about) == ("warning", "sum_gamerounds, gate_40")
    assert "one unit of gate_30 (49,854, 194 standard deviations" in check.text
    assert "-1.157 (p = 0.38) with it and -0.04334 (p = 0.95) without it" in check.text
    assert parse_readout(format_readout(readout)) == readout


def test_the_command_tells_the_outlier(imp_here: Any, data_folder: Path) -> None:
    file = str(data_folder / "cookie_cats" / "cookie_cats.csv.gz")
    asked = ("experiment", "analyze", file, "--variant", "version", "--control", "gate_30", "--mean", "sum_gamerounds")
    (check,) = imp_here(*asked, "--json").ok().json["health"]["checks"]
    assert (check["name"], check["verdict"], check["p_value"]) == ("outliers", "warning", None)
    assert "49,854" in check["text"]


def test_values_without_an_outlier_are_well_and_only_counted() -> None:
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({"v": ["a", "b"] * 500, "x": rng.normal(100, 15, 1000)})
    readout = analyze(frame, variant="v", control="a", means=["x"])
    assert only(readout, "outliers").verdict == "ok"
    assert "checks: 1 ok" in render_table(readout)


def test_a_far_unit_on_the_low_side_is_found_too() -> None:
    frame = pl.DataFrame({"v": ["a", "b"] * 500, "x": [0.0, 1.0, 1.0, 0.0] * 249 + [0.0, 1.0, 1.0, -9_000.0]})
    check = only(analyze(frame, variant="v", control="a", means=["x"]), "outliers")
    assert check.verdict == "warning"
    assert "one unit of b (-9,000" in check.text


@pytest.mark.parametrize(("far", "verdict"), [(1.0, "ok"), (900.0, "warning")])
def test_of_an_archive_the_bound_alone_judges_and_no_value_is_told(far: float, verdict: str) -> None:
    found = moments({"a": [0.0, 1.0] * 100, "b": [*[0.0, 1.0] * 100, far]})
    check = outlier_in_archive(found, "x", metric="m", variant="b", control="a", counts=True)
    assert check.verdict == verdict
    assert not any(character.isdigit() for character in check.text)


def test_where_the_bound_leaves_both_open_it_is_not_tested() -> None:
    found = moments({"a": [100.0, 104.0] * 50, "b": [101.0, 103.0] * 50})
    check = outlier_in_archive(found, "x", metric="m", variant="b", control="a", counts=False)
    assert check.verdict == "not tested"
    counted = outlier_in_archive(found, "x", metric="m", variant="b", control="a", counts=True)
    assert counted.verdict == "ok"


# -- balance ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "ok"), (1.0, "warning")])
def test_covariates_are_compared_among_units_that_have_them(shift: float, verdict: str) -> None:
    rng = np.random.default_rng(2)
    before = rng.normal(50, 5, 1000) + shift * 5 * np.tile([0, 1], 500)
    holes = [None if index % 7 == 0 else value for index, value in enumerate(before)]
    frame = pl.DataFrame({"v": ["a", "b"] * 500, "x": rng.normal(size=1000), "before": holes})
    readout = analyze(frame, variant="v", control="a", means=["x"], covariates=["before"])
    check = only(readout, "balance")
    sides = [[x for x, v in zip(holes, frame["v"], strict=True) if v == name and x is not None] for name in "ab"]
    p_value = stats.ttest_ind(*sides, equal_var=False).pvalue
    assert (check.verdict, check.about) == (verdict, "before")
    assert check.p_value == pytest.approx(p_value, rel=0.05)
    assert len(f"{check.p_value:e}".split("e")[0].rstrip("0")) <= 3  # two digits and the point


def test_a_variant_of_few_units_leaves_the_balance() -> None:
    found = moments({"a": [0.0, 1.0] * 20, "b": [5.0, 6.0, 7.0]})
    (shown,) = balance_checks(found, {"m": ("x", None)}, variants=["b"], control="a", k=0)
    (hidden,) = balance_checks(found, {"m": ("x", None)}, variants=["b"], control="a", k=10)
    assert (shown.verdict, hidden.verdict, hidden.p_value) == ("ok", "not tested", None)


# -- novelty ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def daily() -> Callable[..., Moments]:
    """Ten cohort days of n units a variant, whose effect falls from 2 by `fall` a day."""

    def run(*, n: int = 60, fall: float = 0.0) -> Moments:
        rng = np.random.default_rng(3)
        parts = [
            moments({"a": rng.normal(10, 1, n).tolist(), "b": rng.normal(12 - fall * day, 1, n).tolist()}, day=day)
            for day in range(10)
        ]
        together = parts[0]
        for part in parts[1:]:
            together = together.merge(part)
        return together

    return run


def novel(found: Moments, *, k: int = 10, scale: str = "relative") -> Check:
    quantity = Quantity(column="x")
    return novelty_check(found, quantity, metric="m", variant="b", control="a", scale=scale, k=k)


@pytest.mark.parametrize("scale", ["relative", "absolute"])
def test_an_effect_that_fades_over_cohorts_is_warned_of(daily: Callable[..., Moments], scale: str) -> None:
    check = novel(daily(fall=0.2), scale=scale)
    assert (check.verdict, check.text) == ("warning", "the effect fades over 10 cohort days")
    assert check.p_value is not None
    assert check.p_value < 0.01
    assert novel(daily(), scale=scale).verdict == "ok"


@pytest.mark.parametrize(("n", "k"), [(20, 10), (60, 61)])
def test_days_of_too_few_units_are_not_looked_at(daily: Callable[..., Moments], n: int, k: int) -> None:
    assert novel(daily(n=n, fall=0.2), k=k).verdict == "not tested"


# -- as words ---------------------------------------------------------------------------------------------------------


def in_words(*checks: Check, bounds: tuple[Bounds, ...] = ()) -> list[str]:
    ratio = sample_ratio({"a": 100, "b": 100}, {"a": 1, "b": 1})
    return checks_in_words(Health(srm=ratio, checks=checks, bounds=bounds))


def test_why_a_check_was_not_made_is_told_once_for_all_it_concerns() -> None:
    novelty = [
        Check(name="novelty", about=about, verdict="not tested", text="fewer than 7 days")
        for about in ("visit, b", "visit, c")
    ]
    consent = Check(name="consent", about="", verdict="not tested", text="no p is given: left since: a 2.5%, b 12.5%")
    well = Check(name="outliers", about="spend, b", verdict="ok", text="none")
    assert in_words(*novelty, well, consent) == [
        "checks: 1 ok",
        "novelty (visit, b; visit, c): not tested: fewer than 7 days",
        "consent: not tested: no p is given: left since: a 2.5%, b 12.5%",
    ]


def test_bounds_of_a_proportion_are_in_the_points_of_its_table() -> None:
    bounds = Bounds(
        metric="visit",
        variant="b",
        control="a",
        method="manski",
        assumption="none",
        estimand="all units",
        low=-0.0075,
        high=0.143,
        interval_low=-0.0371,
        interval_high=0.173,
    )
    (told,) = in_words(bounds=(bounds,))
    assert told == "bounds (visit, b, manski): -0.75 to +14.3 pp [-3.71, +17.3] for all units; it assumes none"


def test_an_adjustment_that_saves_nothing_is_no_negative_zero() -> None:
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({"v": ["a", "b"] * 500, "x": rng.normal(100, 15, 1000), "before": rng.normal(size=1000)})
    readout = analyze(frame, variant="v", control="a", means=["x"], covariates=["before"])
    (compared,) = readout.comparisons
    tiny = replace(readout, comparisons=(replace(compared, variance_saved=-0.0002),))
    assert "adjustment saved 0.0% of the variance" in render_table(tiny)
