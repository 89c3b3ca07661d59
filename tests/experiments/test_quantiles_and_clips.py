"""Quantiles and clipped means in an experiment file, as its readout measures them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from imp_experiments.commands.read_out import read_out
from imp_experiments.commands.start import start_experiment
from imp_experiments.readout.format import to_plain

QUANTILE = """
[[metrics]]
name = "basket"
role = "secondary"
kind = "quantile"
q = 0.5
event = "order"
value = "amount"
window = "7d"
"""
CLIPPED = """
[[metrics]]
name = "spend"
role = "secondary"
kind = "mean"
event = "order"
value = "amount"
window = "7d"
clip = {clip}
"""


@pytest.fixture
def baskets(bench: Any, definition: str, at_day: Callable[[float], int]) -> Callable[[str], dict[str, Any]]:
    """The comparison of the metric that a file's end names, with the notes; every fourth basket is empty."""

    def run(metric: str, *, day: float = 25) -> dict[str, Any]:
        bench.write(definition + metric)
        bench.clock._now_us = at_day(0)
        start_experiment(bench.ctx, "test")
        for subject, (variant, euros) in enumerate(amounts(), start=1):
            bench.rows.expose(subject, variant, 1)
            if euros is not None:
                bench.rows.outcome(subject, "order", 2, amount_micros=euros * 10**6, currency="EUR")
        # a late cohort whose window is not over
        bench.rows.expose(9_999, "b", day - 1)
        bench.rows.outcome(9_999, "order", day - 0.5, amount_micros=10**12, currency="EUR")
        bench.rows.enrol("a", 200)
        bench.rows.enrol("b", 201)
        bench.clock._now_us = at_day(day)
        plain = json.loads(json.dumps(to_plain(read_out(bench.ctx, "test").readout)))
        found: dict[str, Any] = plain["comparisons"][-1] | {"notes": plain["notes"]}
        return found

    return run


def amounts() -> list[tuple[str, int | None]]:
    dice = np.random.default_rng(3)
    drawn = dice.integers(5, 200, 400)
    return [("ab"[i % 2], None if i % 4 == 3 else int(drawn[i]) * (1 + (i % 50 == 0) * 100)) for i in range(400)]


def of(variant: str, *, empty: int | None) -> list[float]:
    values = [(name, empty if euros is None else euros) for name, euros in amounts()]
    return [float(euros) for name, euros in values if name == variant and euros is not None]


def test_a_quantile_is_of_the_units_with_such_an_event_and_fills_no_zeros(
    baskets: Callable[[str], dict[str, Any]],
) -> None:
    found = baskets(QUANTILE)
    for side, variant in (("variant", "b"), ("control", "a")):
        values = of(variant, empty=None)
        assert found["n"][side] == len(values)
        assert found["value"][side] == pytest.approx(np.quantile(values, 0.5))
    assert found["kind"] == "quantile"
    assert "basket: a quantile is of the units with such an event alone, which its units count" in found["notes"]
    assert found["relative"]["df"] is None


@pytest.mark.parametrize(
    ("clip", "bounds"),
    [
        ("{ high = 150 }", lambda _: (None, 150.0)),
        ("{ low = 20, high = 150 }", lambda _: (20.0, 150.0)),
        ("{ high_quantile = 0.95 }", lambda values: (None, float(np.quantile(values, 0.95)))),
    ],
)
def test_a_clipped_mean_ends_the_values_of_units_alike_in_all_variants(
    baskets: Callable[[str], dict[str, Any]], clip: str, bounds: Callable[[list[float]], Any]
) -> None:
    found = baskets(CLIPPED.format(clip=clip))
    low, high = bounds(of("a", empty=0) + of("b", empty=0))
    for side, variant in (("variant", "b"), ("control", "a")):
        values = np.clip(of(variant, empty=0), low, high)
        assert found["value"][side] == pytest.approx(values.mean(), rel=1e-9)
    assert found["absolute"]["se"] == pytest.approx(
        np.sqrt(sum(np.var(np.clip(of(name, empty=0), low, high), ddof=1) / 200 for name in "ab")), rel=1e-9
    )


@pytest.mark.parametrize(
    ("clip", "ends"),
    [
        ("{ low = 20, high = 1500 }", "below 20 and above 1,500"),
        ("{ high_quantile = 0.95 }", "above quantile 0.95"),
    ],
)
def test_a_readout_says_that_values_were_clipped_as_registered(
    baskets: Callable[[str], dict[str, Any]], clip: str, ends: str
) -> None:
    (note,) = [note for note in baskets(CLIPPED.format(clip=clip))["notes"] if "clipped" in note]
    assert note.endswith(f": values are clipped, {ends}, in all variants alike")


def test_a_quantile_of_nobody_is_a_condition(baskets: Callable[[str], dict[str, Any]]) -> None:
    found = baskets(QUANTILE.replace('"order"', '"refund"'))
    assert [one["code"] for one in found["conditions"]] == ["no_units"]
    assert (found["absolute"], found["value"]["variant"]) == (None, None)


@pytest.mark.parametrize(("q", "told"), [(0.9, True), (0.06, False), (0.99, False)])
def test_a_quantile_beyond_which_fewer_than_k_units_lie_is_not_shown(
    baskets: Callable[[str], dict[str, Any]], q: float, told: bool
) -> None:
    # 150 or so baskets a variant: beyond the 99 % lie one or two, and the figure is what one of them spent
    found = baskets(QUANTILE.replace("0.5", str(q)))
    assert (found["value"]["variant"] is not None) is told
    assert [one["code"] for one in found["conditions"] if one["code"] == "extreme_of_few"] == ["extreme_of_few"] * (
        not told
    )
