"""An attack on a readout: every division of people that fits what is printed; a hidden count must stay one of many.

The attacker has the readout's JSON and this file. They try every count of 1 to k - 1 and every way to divide it over
the variants, work out the p that each would have printed, and keep those that agree. No code is shared with what
printed it: p is SciPy's or worked out here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from scipy import stats

K = 10
# With fewer values left to choose from, a count below k is as good as told.
FEWEST = 5


def as_printed(p_value: float) -> float:
    return float(f"{p_value:.1e}")


def chi_square(counts: tuple[int, int]) -> float:
    return float(stats.chisquare(counts).pvalue)


def homogeneity(out: tuple[int, int], n: tuple[int, int]) -> float:
    """p that both variants lose the same share, as the readout's check would have made it."""
    table = [out, (n[0] - out[0], n[1] - out[1])]
    if min(stats.contingency.expected_freq(table).ravel()) < 5:
        return float(stats.fisher_exact(table).pvalue)
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def divisions(total: int) -> Iterator[tuple[int, int]]:
    return ((first, total - first) for first in range(total + 1))


def left_by_sample_ratio(plain: dict[str, Any]) -> set[int]:
    """The values of a single hidden reason that fit the counts compared, the totals and the sample ratio's p."""
    (compared,) = plain["comparisons"]
    inside = (compared["n"]["control"], compared["n"]["variant"])
    told = sum(n for n in plain["excluded"].values() if n)
    p_value = plain["health"]["srm"]["p_value"]
    fitting = set()
    for few in range(1, K):
        for more in divisions(told + few):
            counts = (inside[0] + more[0], inside[1] + more[1])
            if p_value is None or math.isclose(as_printed(chi_square(counts)), as_printed(p_value)):
                fitting.add(few)
    return fitting


def left_by_consent(plain: dict[str, Any]) -> set[int]:
    """The numbers of people of variant b that left for a reason, as far as the consent check's p would tell them."""
    (compared,) = plain["comparisons"]
    inside = (compared["n"]["control"], compared["n"]["variant"])
    total = plain["excluded"]["withdrawn"]
    (check,) = [check for check in plain["health"]["checks"] if check["name"] == "consent"]
    totals = range(1, K) if total is None else (total,)
    fitting = set()
    for out in (division for few in totals for division in divisions(few)):
        n = (inside[0] + out[0], inside[1] + out[1])
        if check["p_value"] is None or math.isclose(as_printed(homogeneity(out, n)), as_printed(check["p_value"])):
            fitting.add(out[1])
    return fitting


def withdraw(bench: Any, variant: str, n: int) -> None:
    exposed = [row["subject"] for row in bench.rows.events if row["type"] == "exposure" and row["variant"] == variant]
    for subject in exposed[:n]:
        bench.rows.close(subject, "withdrawn", 0, None)


# -- the sample ratio -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "extra", "few"), [*product((20, 40, 100), (0, 4), (1, 5, 9)), (100, 30, 9)])
def test_a_hidden_reason_is_not_found_from_the_sample_ratio(
    started: Any, fill: Any, told: Any, n: int, extra: int, few: int
) -> None:
    fill(n)
    for subject in range(50_000, 50_000 + extra):
        started.rows.expose(subject, "a", 1)
    started.rows.enrol("a", extra)
    withdraw(started, "b", few)
    plain = told(started)
    assert plain["excluded"]["withdrawn"] is None
    assert len(left_by_sample_ratio(plain)) >= FEWEST


# -- consent ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("control", "treatment"), [(0, 3), (0, 9), (12, 3), (20, 9), (2, 2), (30, 1)])
def test_a_small_count_of_who_left_is_not_found_from_the_consent_check(
    started: Any, fill: Any, told: Any, control: int, treatment: int
) -> None:
    fill(60)
    withdraw(started, "a", control)
    withdraw(started, "b", treatment)
    plain = told(started)
    assert len(left_by_consent(plain)) >= FEWEST
    (check,) = [check for check in plain["health"]["checks"] if check["name"] == "consent"]
    assert check["verdict"] == "not tested"
    assert plain["health"]["bounds"] == []


def test_with_a_small_reason_beside_a_large_one_the_large_one_is_told_alone(started: Any, fill: Any, told: Any) -> None:
    fill(200)
    withdraw(started, "a", 20)
    withdraw(started, "b", 60)
    before = told(started)["health"]
    started.rows.enrol("b", 3)  # of whom nothing is left: erased
    plain = told(started)
    assert plain["excluded"]["erased"] is None
    one, two = (
        [check for check in health["checks"] if check["name"] == "consent"] for health in (before, plain["health"])
    )
    # not one figure of it moved: it knows nothing of the three
    assert one[0]["p_value"] == two[0]["p_value"] is not None
    assert two[0]["text"] == (
        f"{one[0]['text']}; not compared, because a variant has fewer than 10 of them, or how many is not known: erased"
    )
    assert plain["health"]["bounds"] == []
    assert plain["health"]["srm"]["p_value"] is None
