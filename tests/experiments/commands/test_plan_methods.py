"""`imp experiment plan` for every method that has a power: quantiles, factors, looks, rare events, one's own units."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from imp_core.cli import invoke
from imp_experiments.measure.quantiles import QuantileRow
from imp_experiments.stats.quantile import quantile_contrast, quantile_points
from imp_experiments.stats.sequential.inflation import inflation
from imp_experiments.stats.sequential.spending import parse_spending

FACTORS = """
name = "letter"
purpose = "experimentation"
salt = "k3x9qa7vdd"
[plan]
horizon = "28d"
mde = 0.1
{plan}
[[factors]]
name = "subject"
levels = ["plain", "question"]
[[factors]]
name = "image"
levels = ["none", "photo"]
[[metrics]]
name = "spend"
event = "buy"
window = "7d"
{metric}
"""
MEAN = 'kind = "mean"\nvalue = "amount"'


@pytest.fixture
def run(bench: Any, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`imp experiment plan …` in this process, on the bench's fakes."""

    def invoked(*arguments: str) -> tuple[int, str, str]:
        code = invoke(["experiment", "plan", *arguments], bench.ctx)
        out, err = capsys.readouterr()
        return code, out, err

    return invoked


@pytest.fixture
def plan(run: Any) -> Callable[..., Any]:
    """The JSON of a plan that can be reached; words are split at spaces."""

    def planned(words: str, *more: str) -> Any:
        code, out, err = run(*words.split(), *more, "--json")
        assert code == 0, err
        return json.loads(out)

    return planned


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Units with a flag, an amount, a count below it, and the amount before."""
    dice = np.random.default_rng(3)
    before = dice.lognormal(1, 1, 3000)
    columns = {
        "visit": (dice.random(3000) < 0.2).astype(int),
        "spend": before * dice.lognormal(0, 0.6, 3000),
        "sessions": 1 + dice.poisson(2, 3000),
        "before": before,
    }
    path = tmp_path / "units.csv"
    rows = "\n".join(",".join(f"{one:.17g}" for one in row) for row in zip(*columns.values(), strict=True))
    path.write_text(",".join(columns) + "\n" + rows, encoding="utf-8")
    return path


def column(file: Path, name: str) -> np.ndarray:
    found = np.genfromtxt(file, delimiter=",", names=True)
    return np.asarray(found[name])


# -- rare events ------------------------------------------------------------------------------------------------------


def test_the_plan_of_rare_events_is_the_score_tests_as_the_readout_is(plan: Any) -> None:
    assert "score" in plan("--baseline 0.0005 --mde 5")["method"]
    assert "Welch" in plan("--baseline 0.05 --mde 0.1")["method"]
    assert "score" in plan("--baseline 0.0005 --units 6000")["method"]
    assert "score" not in plan("--baseline 0.0005 --mde 5 --r2 0.1")["method"]


def test_unequal_shares_are_planned_with_the_skewness_of_the_statistic(plan: Any) -> None:
    found = plan("--baseline 0.2 --mde 0.5 --weights 9,1 --power 0.9")["units"]
    # the textbook's normal answer has .86 there, see test_power_skew
    normal = (1.959964 + 1.281552) ** 2 * ((1 - 0.3) / 0.3 / 0.1 + 0.8 / 0.2 / 0.9) / math.log(1.5) ** 2
    assert found > 1.08 * normal
    skewed = [plan(f"--baseline 10:20{skewness} --mde 0.3 --weights 9,1")["units"] for skewness in ("", ":6")]
    assert skewed[1] < 0.985 * skewed[0]


# -- quantiles --------------------------------------------------------------------------------------------------------


def test_the_planned_power_of_a_quantile_is_that_of_simulated_readouts(plan: Any) -> None:
    normal = NormalDist()
    density = normal.pdf(normal.inv_cdf(0.8)) / math.exp(normal.inv_cdf(0.8))
    found = plan(f"--quantile 0.8:{math.exp(normal.inv_cdf(0.8))}:{density} --mde 0.15 --power 0.8")
    n, runs, dice, shown = found["units_control"], 1500, np.random.default_rng(5), 0
    points = [0.8, *quantile_points(0.8)(n, None)]
    sides = [np.quantile(dice.lognormal(0, 1, (runs, n)) * lift, points, axis=1).T for lift in (1.15, 1.0)]
    for one, two in zip(*sides, strict=True):
        rows = [QuantileRow(q=0.8, n=n, value=row[0], points=dict(zip(points, row, strict=True))) for row in (one, two)]
        effect = quantile_contrast(rows[0], rows[1]).effect("relative", tail=0.025)
        shown += effect is not None and effect.low > 0
    # s.e. .0103, and .01 of what the order statistics' error varies
    assert shown / runs == pytest.approx(0.8, abs=3 * 0.0103 + 0.01)


# -- looks ------------------------------------------------------------------------------------------------------------


def test_looks_take_their_inflation(plan: Any) -> None:
    once = plan("--mean 10 --sd 20 --mde 0.1")["units"]
    for words, spending in (("--looks 14", "obrien_fleming"), ("--looks 14 --sequential pocock", "pocock")):
        factor = inflation(
            [(look + 1) / 14 for look in range(14)], alpha=0.05, power=0.8, spending=parse_spending(spending)
        ).factor
        found = plan(f"--mean 10 --sd 20 --mde 0.1 {words}")
        assert found["inflation"] == pytest.approx(factor)
        assert found["units"] / once == pytest.approx(factor, rel=1e-3)
    assert plan("--mean 10 --sd 20 --mde 0.1 --looks 1")["units"] == once


def test_a_confidence_sequence_takes_what_its_width_costs(plan: Any) -> None:
    found = plan("--mean 10 --sd 20 --mde 0.1 --sequential confidence_sequence")
    # narrowest at n, x = ρ² n solves x - log(x + 1) = -2 log(alpha): its multiple of the error is √(2 (1 + 1/x) …)
    x = 1.0
    for _ in range(200):
        x = math.log1p(x) - 2 * math.log(0.05)
    z = math.sqrt(2 * (1 + 1 / x) * (0.5 * math.log1p(x) - math.log(0.05)))
    assert found["inflation"] == pytest.approx(((z + 0.8416212) / (1.959964 + 0.8416212)) ** 2, rel=1e-6)


# -- factors ----------------------------------------------------------------------------------------------------------


def test_an_interaction_of_factors_takes_four_times_the_units_of_a_main_effect(plan: Any) -> None:
    main, both = (plan(f"--mean 10 --sd 20 --mde 0.05 --factors 2,2,2 --order {order}") for order in (1, 2))
    assert main["units"] == pytest.approx(plan("--mean 10 --sd 20 --mde 0.05")["units"], rel=2e-3)
    assert both["units"] / main["units"] == pytest.approx(4, rel=2e-3)
    assert (main["cells"], main["effect"], main["units_control"]) == (8, "A: 2 - 1", None)
    assert plan(f"--mean 10 --sd 20 --factors 2,2,2 --units {main['units']}")["mde"] == pytest.approx(0.05, abs=1e-4)
    power = plan(f"--mean 10 --sd 20 --factors 2,2,2 --units {main['units']} --mde 0.05")["power"]
    assert power == pytest.approx(0.8, abs=1e-3)


def test_more_levels_and_unequal_cells_take_more_units(plan: Any) -> None:
    two, three = (plan(f"--mean 10 --sd 20 --mde 0.05 --factors {levels}")["units"] for levels in ("2,2", "2,3"))
    assert three / two == pytest.approx(1.5, rel=2e-3)
    weighted = plan("--mean 10 --sd 20 --mde 0.05 --factors 2,2 --weights 3,1,3,1")
    assert weighted["effect"] == "B: 2 - 1"
    assert weighted["units"] / two == pytest.approx((1 / 0.75 + 1 / 0.25) / 4, rel=2e-3)


def test_a_file_with_factors_says_what_every_effect_takes(bench: Any, plan: Any, run: Any) -> None:
    bench.write(FACTORS.format(plan="", metric=MEAN), name="letter")
    (spend,) = plan("letter --baseline spend=10:20 --daily 4000")["metrics"]
    subject, image, both = spend["factors"]
    assert subject["effect"] == "subject: question - plain"
    assert subject["units"] == plan("--mean 10 --sd 20 --mde 0.1 --factors 2,2")["units"] == image["units"]
    assert both["units"] == plan("--mean 10 --sd 20 --mde 0.1 --factors 2,2 --order 2")["units"]
    assert (subject["enough"], both["enough"]) == (True, True)
    assert subject["days"] == math.ceil(subject["units"] / 4000) + 7
    out = run("letter", "--baseline", "spend=10:20")[1]
    assert "  subject: question - plain × image: photo - none: " in out
    assert "effects of factors are planned at alpha each" in out


# -- an experiment file -----------------------------------------------------------------------------------------------


def test_quantiles_and_ratios_of_a_file_have_baselines_of_their_own_form(bench: Any, plan: Any) -> None:
    quantile = 'kind = "quantile"\nq = 0.9\nvalue = "amount"'
    bench.write(FACTORS.format(plan="", metric=quantile), name="letter")
    (spend,) = plan("letter --baseline spend=120:0.004")["metrics"]
    assert spend["sd"] == pytest.approx(0.3 / 0.004)
    assert spend["factors"] == []
    ratio = 'kind = "ratio"\ndenominator = { event = "session", value = "count" }'
    bench.write(FACTORS.format(plan="", metric=ratio), name="letter")
    for text, sd in (("12,40,3,5,0.6", math.sqrt(115.5555555)), ("4:9", 9.0)):
        (spend,) = plan(f"letter --baseline spend={text}")["metrics"]
        assert (spend["baseline"], spend["sd"]) == (4, pytest.approx(sd, rel=1e-6))


def test_a_file_of_units_says_the_baselines_of_an_experiment(bench: Any, plan: Any, file: Path) -> None:
    bench.write(FACTORS.format(plan="", metric=MEAN + '\npre = "28d"\nclip = { high_quantile = 0.99 }'), name="letter")
    (spend,) = plan("letter --data", str(file), "--covariate", "before")["metrics"]
    values = column(file, "spend")
    values = np.minimum(values, np.quantile(values, 0.99))
    assert (spend["baseline"], spend["sd"]) == (pytest.approx(values.mean()), pytest.approx(values.std(ddof=1)))
    (other,) = plan("letter --data", str(file))["metrics"]
    explained = np.corrcoef(values, column(file, "before"))[0, 1] ** 2
    assert spend["units"] / other["units"] == pytest.approx(1 - explained, rel=0.01)


# -- one's own units --------------------------------------------------------------------------------------------------


def test_ones_own_units_say_what_a_plan_rests_on(plan: Any, file: Path) -> None:
    def planned(*words: str) -> Any:
        return plan("--mde 0.05 --data", str(file), "--column", *words)

    visit, spend = column(file, "visit"), column(file, "spend")
    flags = planned("visit")
    assert (flags["kind"], flags["baseline"]) == ("proportion", visit.mean())
    assert flags["units"] == plan(f"--baseline {visit.mean()} --mde 0.05")["units"]
    amounts = planned("spend")
    skewness = ((spend - spend.mean()) ** 3).mean() / spend.std() ** 3
    assert amounts["units"] == plan(f"--baseline {spend.mean()}:{spend.std(ddof=1)}:{skewness} --mde 0.05")["units"]
    ratio = planned("spend/sessions")
    sessions = column(file, "sessions")
    form = (spend - spend.mean() / sessions.mean() * sessions) / sessions.mean()
    assert (ratio["baseline"], ratio["sd"]) == (
        pytest.approx(spend.mean() / sessions.mean()), pytest.approx(form.std(ddof=1)),
    )  # fmt: skip
    adjusted = planned("spend", "--covariate", "before")
    explained = np.corrcoef(spend, column(file, "before"))[0, 1] ** 2
    assert adjusted["explained"] == pytest.approx(explained)
    assert adjusted["units"] / amounts["units"] == pytest.approx(1 - explained, rel=0.01)


def test_the_error_of_ones_own_quantile_is_the_readouts(plan: Any, file: Path) -> None:
    found = plan("--quantile 0.9 --mde 0.05 --data", str(file), "--column", "spend")
    spend = column(file, "spend")
    half = 1.959964 * math.sqrt(0.09 / 3000)
    low, high = np.quantile(spend, (0.9 - half, 0.9 + half))
    assert found["baseline"] == pytest.approx(np.quantile(spend, 0.9))
    assert found["sd"] == pytest.approx((high - low) / 2 / 1.959964 * math.sqrt(3000), rel=1e-6)


@pytest.mark.parametrize(
    ("words", "where", "says"),
    [
        ("--quantile 0.9 --mde 0.1", "--quantile", "Q:VALUE:DENSITY"),
        ("--quantile 1:5:0.1 --mde 0.1", "--quantile", "between 0 and 1"),
        ("--quantile 0.9:5:0 --mde 0.1", "--quantile", "above 0"),
        ("--quantile 0.9:5:0.1 --baseline 0.1 --mde 0.1", "--baseline", "one baseline"),
        ("--baseline 0.1 --mde 0.1 --factors 2", "--factors", "two or more"),
        ("--baseline 0.1 --mde 0.1 --factors 2,1", "--factors", "two or more"),
        ("--baseline 0.1 --mde 0.1 --factors 2,2.5", "--factors", "two or more"),
        ("--baseline 0.1 --mde 0.1 --factors 2,2 --order 3", "--order", "not so many factors"),
        ("--baseline 0.1 --mde 0.1 --factors 2,2 --order 0", "--order", "order"),
        ("--baseline 0.1 --mde 0.1 --factors 2,2 --variants 4", "--variants", "cells"),
        ("--baseline 0.1 --factors 2,2 --margin 0.1", "--margin", "cells"),
        ("--baseline 0.1 --mde 0.1 --factors 2,2 --weights 1,1", "--weights", "give 4"),
        ("--baseline 0.1 --mde 0.1 --order 2", "--order", "--factors"),
        ("--baseline 0.1 --mde 0.1 --looks 0", "--looks", "1 to 1000"),
        ("--baseline 0.1 --mde 0.1 --sequential pocock", "--looks", "how many"),
        ("--baseline 0.1 --mde 0.1 --sequential daily --looks 3", "--sequential", "spending"),
        ("--baseline 0.1 --mde 0.1 --looks 3 --inflation 1.1", "--inflation", "leave it out"),
        ("--baseline 0.1 --mde 0.1 --column visit", "--column", "--data"),
        ("--baseline 0.1 --mde 0.1 --data units.csv", "--data", "leave the baseline"),
        ("--mde 0.1 --data units.csv", "--column", "--column COL"),
        ("--mde 0.1 --data units.csv --column visit --quantile 2", "--quantile", "between 0 and 1"),
        ("--mde 0.1 --data units.csv --column visit --covariate before --r2 0.1", "--r2", "leave it out"),
        ("--mde 0.1 --data units.csv --column nothing", "units.csv", "nothing"),
        ("--mde 0.1 --data units.csv --column visit --quantile 0.9", "--data", "no standard error"),
    ],
)
def test_what_cannot_be_planned_names_the_option(
    run: Any, bench: Any, file: Path, words: str, where: str, says: str
) -> None:
    (bench.ctx.directory / "units.csv").write_bytes(file.read_bytes())
    code, out, err = run(*words.split())
    assert (code, out) == (2, "")
    assert where in err
    assert says in err


# -- what else the units show -----------------------------------------------------------------------------------------


def test_the_smallest_loss_that_the_sample_ratio_check_finds_is_told(plan: Any, run: Any) -> None:
    found = plan("--baseline 0.1 --mde 0.1 --weights 2,1,1")
    loss, n = found["loss"], found["units"]
    left = np.array([0.5, 0.25, 0.25 * (1 - loss)])
    dice = np.random.default_rng(1)
    counts = dice.multinomial(n, left / left.sum(), 20_000)
    expected = n * np.array([0.5, 0.25, 0.25])
    # χ² of two degrees of freedom is beyond 13.8155 in one of a thousand
    shown = (((counts - expected) ** 2 / expected).sum(axis=1) > 13.8155).mean()
    assert shown == pytest.approx(0.8, abs=3 * 0.0029)
    assert "of the smallest variant is lost" in run("--baseline", "0.1", "--mde", "0.1")[1]
    assert plan("--baseline 0.4 --units 8 --mde 1")["loss"] is None


def test_what_the_horizon_shows_of_several_primaries_together_is_told(bench: Any, plan: Any, run: Any) -> None:
    more = MEAN + '\n[[metrics]]\nname = "visit"\nkind = "proportion"\nevent = "visit"\nwindow = "7d"'
    bench.write(FACTORS.format(plan="", metric=more), name="letter")
    words = "letter --baseline spend=10:20 --baseline visit=0.2 --daily 3000"
    found = plan(words)
    chances = [metric["chance"] for metric in found["metrics"]]
    assert found["together"]["all_product"] == pytest.approx(math.prod(chances))
    assert found["together"]["any_least"] == max(chances)
    assert "all primary metrics are shown with a chance of" in run(*words.split())[1]
