"""The plan of rare events: held to the power that the readout's choice of a test has over all outcomes there are."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, t

from imp_experiments.stats.power.baseline import of_mean, of_proportion
from imp_experiments.stats.power.chosen import chosen_mde, chosen_power, chosen_units, few_expected
from imp_experiments.stats.power.mde import mde
from imp_experiments.stats.power.setting import Setting
from imp_experiments.stats.power.units import units
from imp_experiments.stats.score import Count, few_events, score


def welch(a: int, n1: int, b: int, n0: int, tail: float) -> bool:
    """Whether Welch's test of the log ratio shows the rise, written out again."""
    if not (0 < a < n1 and 0 < b < n0):
        return False
    one, zero = (n1 - a) / a / (n1 - 1), (n0 - b) / b / (n0 - 1)
    df = (one + zero) ** 2 / (one**2 / (n1 - 1) + zero**2 / (n0 - 1))
    return bool(t.sf(math.log(a / n1) - math.log(b / n0), df, scale=math.sqrt(one + zero)) < tail)


def every_outcome(n: tuple[int, int], share: tuple[float, float], tail: float) -> float:
    """The chance that the test a readout would choose shows the rise: all pairs of counts but the unlikeliest."""
    counts = [
        np.arange(int(binom.ppf(1e-5, m, p)), int(binom.isf(1e-5, m, p)) + 1) for m, p in zip(n, share, strict=True)
    ]
    chances = [binom.pmf(one, m, p) for one, m, p in zip(counts, n, share, strict=True)]
    shown = 0.0
    for (a, p1), (b, p0) in product(zip(counts[0], chances[0], strict=True), zip(counts[1], chances[1], strict=True)):
        pair = (int(a), int(b))
        if few_events(pair, n):
            beyond = score(Count(pair[0], n[0]), Count(pair[1], n[1])).p_beyond("relative", 0.0)
            found = beyond is not None and beyond < tail
        else:
            found = welch(pair[0], n[0], pair[1], n[1], tail)
        shown += p1 * p0 * found
    return shown


@pytest.mark.parametrize(
    ("share", "effect", "control", "few"),
    [(0.002, 2.0, 0.5, False), (0.002, 2.0, 0.75, True), (0.002, 2.0, 0.25, False), (0.005, 1.0, 0.75, False)],
)
def test_the_planned_units_of_a_rare_event_have_the_planned_power(
    share: float, effect: float, control: float, few: bool
) -> None:
    base, setting = of_proportion(share, skewed=True), Setting(control=control, treatment=1 - control)
    found = chosen_units(base, setting, effect=effect, power=0.8)
    assert found is not None
    assert few_expected(base, setting, effect=effect, units=found.total) is few
    assert chosen_power(base, setting, effect=effect, units=found.exact) == pytest.approx(0.8, abs=1e-9)
    exact = every_outcome((found.treatment, found.control), (share * (1 + effect), share), setting.tail)
    # counts are whole numbers: the approximation is off by .012 at most here
    assert exact == pytest.approx(0.8, abs=0.015)


def test_few_events_detect_what_takes_so_many_units() -> None:
    base, setting = of_proportion(0.0005, skewed=True), Setting()
    found = chosen_mde(base, setting, units=4_000, power=0.8)
    assert found is not None
    assert few_expected(base, setting, effect=found, units=4_000)
    assert chosen_power(base, setting, effect=found, units=4_000) == pytest.approx(0.8, abs=1e-9)


@pytest.mark.parametrize(
    ("base", "setting"),
    [
        (of_mean(10, 20), Setting()),
        (of_proportion(0.001), Setting(correlation=0.3)),
        (of_proportion(0.001), Setting(cluster_size=3, icc=0.1)),
        (of_proportion(0.2), Setting()),
    ],
)
def test_where_the_score_test_is_no_method_the_plan_is_welchs(base: object, setting: Setting) -> None:
    assert chosen_units(base, setting, effect=0.5) == units(base, setting, effect=0.5)  # type: ignore[arg-type]
    assert chosen_mde(base, setting, units=9_000) == mde(base, setting, units=9_000)  # type: ignore[arg-type]


def test_too_few_units_detect_nothing() -> None:
    base = of_proportion(0.001)
    assert chosen_mde(base, Setting(), units=3) is None
    assert chosen_power(base, Setting(), effect=1.0, units=3) is None
    assert chosen_units(base, Setting(), effect=0.0) is None
