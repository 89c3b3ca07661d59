"""Every case of `tests/vectors/stats/factorial.json`: published designs and independent implementations."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imp_experiments.design.factorial import Design, Factor, Factorial, factorial
from imp_experiments.design.fraction import LETTERS, fraction_of
from imp_experiments.measure.moments import Summary
from imp_experiments.stats.concurrent import independence, interaction
from imp_experiments.stats.factor_effect import CellSummary, FactorialResult
from imp_experiments.stats.factorial import analyze_estimates, analyze_factorial
from imp_experiments.stats.product_normal import critical_value
from imp_experiments.stats.welch import welch_contrast

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "stats" / "factorial.json").read_text(encoding="utf-8")
)


def of_kind(kind: str) -> Any:
    return pytest.mark.parametrize(
        "case", [pytest.param(case, id=case["id"]) for case in CASES if case["input"]["kind"] == kind]
    )


def design(given: dict[str, Any]) -> Factorial:
    factors = [Factor(name=factor["name"], levels=tuple(factor["levels"])) for factor in given["factors"]]
    generators = tuple(given.get("generators", ()))
    return factorial(factors, Design(kind="fraction" if generators else "full", generators=generators))


def cells(given: dict[str, Any], data_folder: Path) -> list[CellSummary]:
    if "cells" in given:
        return [CellSummary(**cell) for cell in given["cells"]]
    with (data_folder / given["data"]).open(encoding="utf-8", newline="") as file:
        return [letters(row, given["factors"]) for row in csv.DictReader(file)]


def letters(row: dict[str, str], factors: list[dict[str, Any]]) -> CellSummary:
    n, orders = int(row["mailed"]), int(row["orders"])
    levels = {factor["name"]: row[factor["name"]] for factor in factors}
    return CellSummary(levels=levels, n=n, mean=orders / n, variance=orders / n * (1 - orders / n) * n / (n - 1))


def test_there_are_cases_of_every_kind() -> None:
    assert len(CASES) >= 25
    assert len({case["id"] for case in CASES}) == len(CASES)
    kinds = {case["input"]["kind"] for case in CASES}
    assert kinds == {"effects", "estimates", "aliases", "critical", "concurrent"}
    assert all(case["source"] for case in CASES)


@of_kind("effects")
def test_effects_are_those_of_unit_level_least_squares_with_hc2(case: dict[str, Any], request: Any) -> None:
    given, expected, tolerance = case["input"], case["expected"], case["tolerance"]
    folder = request.getfixturevalue("data_folder") if "data" in given else Path()
    found = analyze_factorial(design(given), cells(given, folder), order=given["order"], df=given["df"])
    assert found.residual_df == expected["residual_df"]
    effects = {(effect.term, effect.kind, effect.levels): effect for effect in found.effects}
    assert len(effects) == len(expected["effects"])
    for wanted in expected["effects"]:
        effect = effects[tuple(wanted["term"]), wanted["kind"], tuple(wanted["levels"])].absolute
        assert effect is not None
        for name in ("estimate", "se", "low", "high"):
            value = pytest.approx(wanted[name], rel=tolerance, abs=tolerance * wanted["se"])
            assert getattr(effect, name) == value, (wanted["term"], name)
        assert effect.p_value == pytest.approx(wanted["p_value"], rel=1e-7, abs=tolerance)
    check_tests(found, expected["tests"], tolerance)


def check_tests(found: FactorialResult, expected: list[dict[str, Any]], tolerance: float) -> None:
    tests = {test.term: test.absolute for test in found.tests}
    for wanted in expected:
        test = tests[tuple(wanted["term"])]
        assert test is not None
        assert test.df_num == wanted["df_num"]
        assert test.f == pytest.approx(wanted["f"], rel=100 * tolerance, abs=tolerance)
        assert test.p_value == pytest.approx(wanted["p_value"], rel=1e-6, abs=tolerance)


@of_kind("estimates")
def test_effects_of_single_replicates_are_the_textbooks_but_for_its_halving(case: dict[str, Any]) -> None:
    given = case["input"]
    values = [run["value"] for run in given["values"]]
    found = analyze_estimates(
        design(given), [run["levels"] for run in given["values"]], values, np.eye(len(values)), order=given["order"]
    )
    effects = {"".join(effect.term): effect for effect in found.effects}
    for word, published in case["expected"]["textbook_effects"].items():
        effect = effects[word].absolute
        assert effect is not None
        halved = 2 ** (len(word) - 1)
        assert effect.estimate / halved == pytest.approx(published, rel=case["tolerance"], abs=1e-10)
        # a mean of half of the runs less one of the other half, each value of variance 1
        assert effect.se / halved == pytest.approx(2 / math.sqrt(len(values)), rel=1e-10)


@of_kind("aliases")
def test_fractions_have_the_published_resolution_and_aliases(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    names = list(LETTERS[: given["factors"]])
    found = fraction_of(names, given["generators"])
    assert found.resolution == expected["resolution"]
    assert list(found.word_lengths) == expected["word_lengths"]
    assert found.defining_relation == " = ".join(["I", *expected["relation"]])
    assert [chain.letters for chain in found.chains] == [" = ".join(words) for words in expected["chains"]]


@of_kind("critical")
def test_critical_values_are_dunnetts(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    df = math.inf if given["df"] is None else given["df"]
    found = critical_value(0.95, 1.0, np.ones(given["others"]), df=df, two_sided=given["two_sided"])
    assert found == pytest.approx(expected["value"], abs=case["tolerance"])
    assert found == pytest.approx(expected["published"], abs=0.0051)


@of_kind("concurrent")
def test_interference_is_the_interaction_of_the_two_experiments(case: dict[str, Any]) -> None:
    given, expected, tolerance = case["input"], case["expected"], case["tolerance"]
    cells = {(cell["levels"]["one"], cell["levels"]["two"]): cell for cell in given["cells"]}
    means = {at: Summary(cell["n"], cell["mean"], cell["variance"]) for at, cell in cells.items()}
    for wanted in expected["interactions"]:
        effects = [
            welch_contrast(means[wanted["one"], two], means["a", two]).effect("absolute", tail=0.025)
            for two in (wanted["two"], "x")
        ]
        # only estimate and error are of the vector: t or normal is ours
        (one, base) = [(effect and effect.estimate, effect and effect.se, math.inf) for effect in effects]
        found = interaction(one, base, scale="absolute")
        assert found is not None
        assert found.estimate == pytest.approx(wanted["estimate"], rel=tolerance, abs=tolerance)
        assert found.se == pytest.approx(wanted["se"], rel=tolerance)
    counts = independence({at: cell["n"] for at, cell in cells.items()})
    assert counts.statistic == pytest.approx(expected["chi2"], rel=tolerance)
    assert (counts.df, counts.p_value) == (expected["chi2_df"], pytest.approx(expected["chi2_p"], rel=1e-7))
