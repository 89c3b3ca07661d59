"""Published constants and other engines' figures, case by case; how each was made is in the file's `source`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_experiments.stats.sequential.boundary import Boundary, Look, next_boundary, plan_boundaries
from imp_experiments.stats.sequential.confidence_sequence import always_valid
from imp_experiments.stats.sequential.inflation import inflation, passage
from imp_experiments.stats.sequential.ratio import log_bayes_factor, sequential_ratio
from imp_experiments.stats.sequential.spending import parse_spending

CASES = json.loads((Path(__file__).parents[2] / "vectors" / "stats" / "sequential.json").read_text())

Given = dict[str, Any]


def plan(given: Given) -> tuple[Boundary, ...]:
    return plan_boundaries(given["fractions"], given["alpha"], parse_spending(given["spending"]), given["sides"])


def of_plan(given: Given) -> Given:
    return {"z": [boundary.z for boundary in plan(given)]}


def of_inflation(given: Given) -> Given:
    options = {name: given[name] for name in ("alpha", "power", "sides")}
    found = inflation(given["fractions"], spending=parse_spending(given["spending"]), **options)
    return {"factor": found.factor, "drift": found.drift} | of_plan(given)


def of_passage(given: Given) -> Given:
    found = passage(given["fractions"], plan(given), given["drift"], sides=given["sides"])
    return {"up": found.up, "both": found.up + found.down, "expected_fraction": found.expected_fraction}


def of_constants(given: Given) -> Given:
    bounds = [Boundary(z=z, tail=None, spent=0.0, cumulative=0.0) for z in given["z"]]
    found = passage(given["fractions"], bounds, 0.0, sides=given["sides"])
    return {"both": found.up + found.down}


def of_history(given: Given) -> Given:
    past: list[tuple[Look, Boundary]] = []
    spending = parse_spending(given["spending"])
    for index, look in enumerate(Look(**fields) for fields in given["looks"]):
        last = given["last"] and index == len(given["looks"]) - 1
        found = next_boundary(past, look, alpha=given["alpha"], spending=spending, sides=given["sides"], last=last)
        past.append((look, found))
    return {"z": [boundary.z for _, boundary in past]}


def of_sequence(given: Given) -> Given:
    options = {name: given[name] for name in ("alpha", "expected_n", "sides")}
    found = always_valid(given["statistic"], 1.0, given["n"], **options)
    assert found is not None
    return {"z": found.z, "p": found.p_value}


def of_bayes(given: Given) -> Given:
    return {"log": log_bayes_factor(given["counts"], given["shares"], given["concentration"])}


def of_ratio(given: Given) -> Given:
    names = [f"v{index}" for index in range(len(given["shares"]))]
    days = [dict(zip(names, day, strict=True)) for day in given["days"]]
    return {"p": sequential_ratio(days, dict(zip(names, given["shares"], strict=True))).p_value}


KINDS: dict[str, Callable[[Given], Given]] = {
    "plan": of_plan,
    "inflation": of_inflation,
    "passage": of_passage,
    "constants": of_constants,
    "history": of_history,
    "sequence": of_sequence,
    "bayes": of_bayes,
    "ratio": of_ratio,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_figures_are_those_of_the_source(case: Given) -> None:
    found = KINDS[case["input"]["kind"]](case["input"])
    for name, expected in case["expected"].items():
        assert found[name] == pytest.approx(expected, rel=case["tolerance"], abs=case["tolerance"]), name
