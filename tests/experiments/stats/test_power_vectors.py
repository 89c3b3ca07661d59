"""Every case of tests/vectors/stats/power.json: published tables and seven other packages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_experiments.design.factorial import Factor, factorial
from imp_experiments.stats.power.baseline import Baseline, of_mean, of_proportion
from imp_experiments.stats.power.cells import cells_units
from imp_experiments.stats.power.effects import effects_of
from imp_experiments.stats.power.mde import mde
from imp_experiments.stats.power.power import power
from imp_experiments.stats.power.ratio import of_ratio
from imp_experiments.stats.power.sample_ratio import sample_ratio_power, sample_ratio_units
from imp_experiments.stats.power.score import score_power, score_units
from imp_experiments.stats.power.setting import Setting
from imp_experiments.stats.power.units import units

CASES = json.loads((Path(__file__).parents[2] / "vectors" / "stats" / "power.json").read_text(encoding="utf-8"))


def baseline(given: dict[str, Any]) -> Baseline:
    rest = {key: value for key, value in given.items() if key != "of"}
    if given["of"] == "mean":
        return of_mean(rest["mean"], rest["sd"], follows=rest["follows"])
    if given["of"] == "proportion":
        return of_proportion(rest["share"])
    return of_ratio(tuple(rest["numerator"]), tuple(rest["denominator"]), correlation=rest["correlation"])


def exact_units(*arguments: Any, **named: Any) -> float:
    found = units(*arguments, **named)
    assert found is not None
    return found.exact


def factorial_units(
    sd: float, setting: Setting, *, order: int, high: list[float], effect: float, power: float
) -> float:
    """Of halves alone, as all cases are."""
    assert set(high) == {0.5}
    made = factorial([Factor(name=f"f{place}", levels=("0", "1")) for place in range(len(high))])
    shares = dict.fromkeys(made.variants, 1 / len(made.variants))
    cells = next(one.cells for one in effects_of(made, shares, order=order) if len(one.term) == order)
    found = cells_units(of_mean(0, sd, follows="same"), setting, cells, effect=effect, power=power)
    assert found is not None
    return found


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "power": power,
    "units": exact_units,
    "mde": mde,
    "score_power": score_power,
    "score_units": score_units,
    "factorial_units": factorial_units,
    "sample_ratio_power": sample_ratio_power,
    "sample_ratio_units": sample_ratio_units,
}


def answer(given: dict[str, Any]) -> float:
    name, arguments, setting = given["function"], dict(given["arguments"]), Setting(**given["setting"])
    first: tuple[Any, ...] = ()
    if name == "variance":
        return baseline(given["baseline"]).variance
    if name.startswith("sample_ratio"):
        return float(FUNCTIONS[name](arguments.pop("expected"), arguments.pop("true"), **arguments))
    if name.startswith("score"):
        first = (arguments.pop("control"),)
    elif name.startswith("factorial"):
        first = (arguments.pop("sd"),)
    else:
        first = (baseline(given["baseline"]),)
    return float(FUNCTIONS[name](*first, setting, **arguments))


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_plan_is_that_of_the_published_figure(case: dict[str, Any]) -> None:
    expected, tolerance = case["expected"]["value"], case["tolerance"]
    near = pytest.approx(expected, abs=tolerance) if tolerance >= 1 else pytest.approx(expected, rel=tolerance)
    assert answer(case["input"]) == near


def test_there_are_enough_cases_and_each_says_where_it_is_from() -> None:
    assert len(CASES) >= 35
    assert len({case["id"] for case in CASES}) == len(CASES)
    assert all(case["source"] for case in CASES)
