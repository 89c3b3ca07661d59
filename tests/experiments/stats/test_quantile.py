from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm, t

from imp_core.errors import BadInput
from imp_experiments.measure.quantiles import Clusters, QuantileRow, quantile_rows
from imp_experiments.stats.quantile import (
    METHOD,
    METHOD_CLUSTERED,
    quantile_contrast,
    quantile_points,
    quantile_side,
)

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "stats" / "quantile.json").read_text(encoding="utf-8")
)


def row(
    values: Sequence[float], q: float, clusters: Sequence[int] | None = None, *, tail: float = 0.025
) -> QuantileRow:
    """What a scan would find, by numpy."""
    data = np.asarray(values, dtype=float)
    found = None if clusters is None else around(data, np.asarray(clusters), float(np.quantile(data, q)))
    points = quantile_points(q, tail=tail)(len(data), found)
    values_at = {point: float(np.quantile(data, point)) for point in points}
    return QuantileRow(q=q, n=len(data), value=float(np.quantile(data, q)), points=values_at, clusters=found)


def around(data: np.ndarray, clusters: np.ndarray, found: float) -> Clusters:
    size = np.bincount(clusters).astype(float)
    below = np.bincount(clusters, weights=data <= found)
    return Clusters(
        count=int((size > 0).sum()),
        below=float(below.sum()),
        below_squares=float(below @ below),
        size_squares=float(size @ size),
        products=float(below @ size),
    )


def scanned(case: dict[str, Any]) -> dict[str, QuantileRow]:
    given_ = case["input"]
    nested = given_["variant_clusters"] is not None
    frame = pl.DataFrame(
        {
            "variant": ["a"] * len(given_["control"]) + ["b"] * len(given_["variant"]),
            "value_0": [float(x) for x in given_["control"] + given_["variant"]],
            "cluster": [*given_["control_clusters"], *given_["variant_clusters"]] if nested else None,
        }
    )
    return quantile_rows(
        nw.from_native(frame).lazy(),
        given_["q"],
        points=quantile_points(given_["q"]),
        cluster="cluster" if nested else None,
    )


def by_effective_number(case: dict[str, Any]) -> dict[str, dict[str, float]]:
    """The peer's errors, which count clusters and are normal, with the effective number of clusters, and t."""
    found: dict[str, dict[str, float]] = {}
    freedom = {}
    for side in ("variant", "control"):
        count = len(set(case["input"][f"{side}_clusters"]))
        size = np.unique(case["input"][f"{side}_clusters"], return_counts=True)[1].astype(float)
        worth, figures = size.sum() ** 2 / (size @ size), case["expected"][side]
        wider = worth / (worth - 1) * (count - 1) / count
        found[side] = {**figures, "se": figures["se"] * math.sqrt(wider)}
        freedom[side] = worth - 1
    one, two = found["variant"], found["control"]
    for name in ("absolute", "relative"):
        errors = [side["se"] / (1 if name == "absolute" else side["estimate"]) for side in (one, two)]
        centre = (
            one["estimate"] - two["estimate"] if name == "absolute" else math.log(one["estimate"] / two["estimate"])
        )
        se = math.hypot(*errors)
        df = se**4 / (errors[0] ** 4 / freedom["variant"] + errors[1] ** 4 / freedom["control"])
        ends = np.array([centre, *t.interval(0.95, df, centre, se)])
        shown = ends if name == "absolute" else np.expm1(ends)
        found[name] = dict(zip(("estimate", "low", "high"), map(float, shown), strict=True))
        found[name] |= {"se": se, "df": float(df), "p_value": float(2 * t.sf(abs(centre / se), df))}
    return found


def test_few_clusters_of_unequal_sizes_reject_no_difference_hardly_more_often_than_said() -> None:
    dice, runs, rejected = np.random.default_rng(6), 500, 0
    for _ in range(runs):
        rows = []
        for _ in "ab":
            clusters = np.repeat(np.arange(6), 1 + dice.poisson(20 * dice.lognormal(0, 0.8, 6)))
            rows.append(row(np.exp(dice.normal(0, 0.7, 6)[clusters] + dice.normal(size=len(clusters))), 0.5, clusters))
        effect = quantile_contrast(*rows).effect("absolute", tail=0.025)
        rejected += effect is not None and effect.p_value < 0.05
    # three standard errors are .03; with the number of clusters and the normal .12 are rejected
    assert rejected / runs < 0.05 + 0.03


@pytest.mark.parametrize("case", VECTORS, ids=[case["id"] for case in VECTORS])
def test_the_figures_are_those_of_another_engine(case: dict[str, Any]) -> None:
    rows = scanned(case)
    contrast = quantile_contrast(rows["b"], rows["a"])
    nested = case["input"]["variant_clusters"] is not None
    for name, expected in (by_effective_number(case) if nested else case["expected"]).items():
        found = getattr(contrast, name) if name in ("variant", "control") else contrast.effect(name, tail=0.025)
        for figure, value in expected.items():
            assert getattr(found, figure) == pytest.approx(value, rel=case["tolerance"]), (name, figure)


def test_there_are_vectors_enough() -> None:
    assert len(VECTORS) >= 10


@given(st.integers(40, 3_000), st.sampled_from([0.1, 0.5, 0.9]), st.floats(-0.5, 0.5), st.floats(0.5, 3.0))
def test_p_and_interval_never_disagree(n: int, q: float, shift: float, scale: float) -> None:
    base = norm.ppf((np.arange(n) + 0.5) / n) + 10
    contrast = quantile_contrast(row(base + shift, q), row((base - 10) * scale + 10, q))
    for kind in ("absolute", "relative"):
        effect = contrast.effect(kind, tail=0.025)
        assert effect is not None
        assert effect.low <= effect.estimate <= effect.high
        assert (effect.p_value < 0.05) == (effect.low > 0 or effect.high < 0)
        assert contrast.p_beyond(kind, effect.low) == pytest.approx(0.025, rel=1e-6)
        assert contrast.p_beyond(kind, effect.high) == pytest.approx(0.975, rel=1e-6)
    assert contrast.method == METHOD


def test_the_interval_of_one_quantile_covers_at_least_what_it_says_whatever_the_distribution() -> None:
    """Exactly: the chance that ranks l to u hold the quantile is that of l <= B < u, B binomial."""
    for n, q, tail in [(30, 0.5, 0.025), (200, 0.9, 0.025), (1_000, 0.1, 0.005), (59, 0.95, 0.05)]:
        side = quantile_side(row(np.arange(1, n + 1), q, tail=tail), tail=tail)
        assert side.low is not None
        assert side.high is not None
        low, high = round(side.low), round(side.high)
        assert binom.cdf(low - 1, n, q) <= tail
        assert binom.sf(high - 1, n, q) <= tail
        assert binom.cdf(low, n, q) > tail, "one rank further in would not do"
        assert binom.sf(high - 2, n, q) > tail


def test_the_difference_of_quantiles_of_clustered_events_covers_as_often_as_it_says() -> None:
    """1,000 experiments; standard error of a coverage of 95 % is 0.7 %, the tolerance three of them."""
    dice = np.random.default_rng(11)
    q, runs, units = 0.9, 1_000, 250
    truth = math.exp(norm.ppf(q))
    hits = {"absolute": 0, "relative": 0, "iid": 0}
    for _ in range(runs):
        rows, plain = [], []
        for lift in (1.1, 1.0):
            clusters = np.repeat(np.arange(units), dice.integers(1, 8, units))
            unit_part = dice.normal(0, 0.8, units)[clusters]
            values = lift * np.exp(unit_part + dice.normal(0, 0.6, len(clusters)))
            rows.append(row(values, q, clusters))
            plain.append(row(values, q))
        contrast = quantile_contrast(*rows)
        for kind, effect_true in (("absolute", 0.1 * truth), ("relative", 0.1)):
            effect = contrast.effect(kind, tail=0.025)
            assert effect is not None
            hits[kind] += effect.low <= effect_true <= effect.high
        ignoring = quantile_contrast(*plain).effect("absolute", tail=0.025)
        assert ignoring is not None
        hits["iid"] += ignoring.low <= 0.1 * truth <= ignoring.high
    assert abs(hits["absolute"] / runs - 0.95) < 0.021
    assert abs(hits["relative"] / runs - 0.95) < 0.021
    assert hits["iid"] / runs < 0.88, "clusters matter here"
    assert contrast.method == METHOD_CLUSTERED


def test_clusters_of_one_event_change_nothing_but_the_degrees_of_freedom() -> None:
    values = np.random.default_rng(3).exponential(1, 500)
    nested, plain = row(values, 0.5, np.arange(500)), row(values, 0.5)
    one, two = quantile_side(nested), quantile_side(plain)
    assert one.se is not None
    assert two.se is not None
    assert one.se == pytest.approx(two.se * math.sqrt(500 / 499), rel=1e-12)


GOOD = row(np.linspace(1, 2, 200), 0.5)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (QuantileRow(q=0.5, n=0, value=None, points={}), "no_units"),
        (QuantileRow(q=0.5, n=50, value=None, points={}, not_finite=1), "not_finite"),
        (QuantileRow(q=0.5, n=1, value=3.0, points={}), "few_values"),
        (row([1.0, 2.0, 3.0], 0.5), "few_values"),
        (row([4.0] * 100, 0.5), "ties"),
        (row([0.0] * 80 + [1.0, 2.0] * 10, 0.5), "ties"),
        (row(np.linspace(1, 2, 50), 0.5, [0] * 50), "one_unit"),
    ],
)
def test_where_there_is_no_standard_error_a_condition_says_why(bad: QuantileRow, code: str) -> None:
    for contrast in (quantile_contrast(bad, GOOD), quantile_contrast(GOOD, bad)):
        assert [(condition.code, condition.scale) for condition in contrast.conditions] == [(code, "both")]
        assert contrast.conditions[0].text
        for kind in ("absolute", "relative"):
            assert contrast.effect(kind, tail=0.025) is None
            assert contrast.p_beyond(kind, 0.0) is None
    assert quantile_side(bad).se is None


def test_among_ties_the_quantile_and_its_own_interval_stand() -> None:
    side = quantile_side(row([0.0] * 80 + [1.0, 2.0] * 10, 0.5))
    assert (side.estimate, side.low, side.high, side.se) == (0.0, 0.0, 0.0, None)


def test_too_few_values_for_a_high_quantile_are_named() -> None:
    # with a tail of 5 % the largest of 59 values is the first that bounds a 95 % quantile; of 58 none does
    assert quantile_side(row(np.linspace(1, 2, 59), 0.95, tail=0.05), tail=0.05).high == 2.0
    assert quantile_side(row(np.linspace(1, 2, 58), 0.95, tail=0.05), tail=0.05).high is None
    side = quantile_side(row(np.linspace(1, 2, 60), 0.99))
    assert (side.problem, side.se, side.high) == ("few_values", None, None)
    assert side.estimate == pytest.approx(1.99)


@pytest.mark.parametrize("shift", [-1.5, -3.0])
def test_a_quantile_that_is_not_positive_has_no_relative_difference(shift: float) -> None:
    contrast = quantile_contrast(row(np.linspace(1, 2, 201) + shift, 0.5), GOOD)
    assert [(condition.code, condition.scale) for condition in contrast.conditions] == [
        ("quantile_not_positive", "relative")
    ]
    assert contrast.effect("absolute", tail=0.025) is not None
    assert contrast.effect("relative", tail=0.025) is None


def test_a_very_wide_relative_interval_has_an_end_that_floating_point_holds() -> None:
    wild = row([1e-3] * 49 + [1e-2] + [1e6] * 50, 0.5)
    effect = quantile_contrast(wild, GOOD).effect("relative", tail=1e-12)
    assert effect is None or math.isfinite(effect.high)


def test_wrong_arguments_are_refused() -> None:
    contrast = quantile_contrast(GOOD, GOOD)
    for wrong in (
        lambda: contrast.effect("log", tail=0.1),
        lambda: contrast.effect("absolute", tail=0.5),
        lambda: contrast.p_beyond("relative", -1.0),
        lambda: contrast.p_beyond("absolute", math.nan),
        lambda: quantile_points(1.0),
        lambda: quantile_points(0.5, tail=0.0),
        lambda: quantile_contrast(GOOD, row(np.arange(100.0), 0.9)),
        lambda: quantile_side(GOOD, tail=0.001),
    ):
        with pytest.raises(BadInput):
            wrong()
