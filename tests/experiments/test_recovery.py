"""Attacks on a readout: every division of people that fits what is printed; a hidden count must stay one of many.

The first attacker has the readout's JSON and SciPy. They try every count of 1 to k - 1 and every way to divide it over
the variants, work out the p that each would have printed, and keep those that agree.

The second knows the program too: they print the readout of every small world there is, and look up which worlds print
what they hold. So whatever is told, in figures, in words or by silence, is in the attack.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from scipy import stats

from imp_core.ports import EnrolmentCount
from imp_experiments.design.assign import bucket_shares
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.parse import parse_experiment
from imp_experiments.design.registration import Registration
from imp_experiments.measure.archive import Measurement
from imp_experiments.measure.moments import Cell, Moments
from imp_experiments.readout.enrolled import enrolled
from imp_experiments.readout.examine import examine
from imp_experiments.readout.phase import Phase
from imp_experiments.readout.reading import Reading
from imp_experiments.readout.registered import compare_registered
from imp_experiments.stats.srm import sample_ratio

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


# -- every world ------------------------------------------------------------------------------------------------------

# In every world these are in, whatever became of others; far enough from p = .001 of the sample ratio, whose verdict is
# always told, and so rules out worlds there.
INSIDE = {"a": 20, "b": 18}
FEW = 3
# As many of each kind as one small count of either variant, and one that is told, need; and one more.
MOST = 7
AS_OF_US = 10**15
REGISTRATION = Registration(
    seq=1, name="test", phase=1, definition_sha256="00", analysis_sha256="00", salt="abcdefgh1234", started_us=0
)


def print_world(experiment: Experiment, people: dict[str, tuple[int, int]]) -> str:
    """All that a readout tells of counts; `people` are those of variants a and b by what became of them."""
    gone = {kind: dict(zip("ab", people.get(kind, (0, 0)), strict=True)) for kind in KINDS}
    moments = Moments(
        ("visit",), (0.0,), tuple(Cell(name, None, "", n, (n / 2,), (n / 2,)) for name, n in INSIDE.items())
    )
    left = {name: Counter({kind: gone[kind][name] for kind in ("withdrawn", "expired")}) for name in "ab"}
    both = sum(gone["two_variants"].values())
    present = {name: INSIDE[name] + left[name].total() for name in "ab"}
    measurement = Measurement(
        moments=moments, present=sum(present.values()) + both, pairs={"a+b": both} if both else {}, early=0,
        left_out=left["a"] + left["b"] + Counter({"two_variants": both}), other_phases=0, gaps={},
        mixed=frozenset(), present_by=present, left_out_by=left,
    )  # fmt: skip
    arrived = {name: present[name] + gone["erased"][name] + gone["two_variants"][name] for name in "ab"}
    rows = [(name, "admitted", arrived[name]) for name in "ab"] + [
        (name, "refused", gone["refused"][name]) for name in "ab"
    ]
    met = enrolled(
        [EnrolmentCount(experiment="test", phase=1, variant=name, day=1, reason=why, n=n) for name, why, n in rows], 1
    )
    reading = Reading(as_of_us=AS_OF_US, zone=ZoneInfo("UTC"), final=False, k=FEW)
    phase = Phase(
        experiment=experiment, registration=REGISTRATION, measurement=measurement, refused={}, met=met,
        ends_us=AS_OF_US + 1, reading=reading,
    )  # fmt: skip
    excluded = phase.excluded()
    compared = compare_registered(experiment, measurement, {}, reading)
    ratio = sample_ratio(met.observed, bucket_shares(experiment.weights))
    found = examine(phase, compared, ratio=ratio, excluded=excluded)
    counts = [(one.compared.n_variant, one.compared.n_control) for one in compared.tested]
    return json.dumps([repr(found), excluded, counts, repr(compared.units)])


KINDS = ("withdrawn", "expired", "erased", "two_variants", "refused")


def told_counts(worlds: list[tuple[int, ...]]) -> list[int]:
    """The counts of 1 to k - 1 that are the same in all of these worlds."""
    alike = [set(cell) for cell in zip(*worlds, strict=True)]
    return [n for cell in alike if len(cell) == 1 for n in cell if 0 < n < FEW]


@pytest.fixture(scope="module")
def experiment(definition: str) -> Experiment:
    return parse_experiment(definition.encode(), file="test.toml")


@pytest.mark.parametrize(
    "kinds",
    [
        ("withdrawn", "expired"),
        ("withdrawn", "erased"),
        ("withdrawn", "refused"),
        ("withdrawn", "two_variants"),
        ("erased", "two_variants"),
    ],
)
def test_no_count_below_k_is_the_same_in_all_worlds_that_print_alike(
    experiment: Experiment, kinds: tuple[str, str]
) -> None:
    pairs = [division for total in range(MOST + 1) for division in divisions(total)]
    worlds = defaultdict(list)
    for one, two in product(pairs, pairs):
        worlds[print_world(experiment, {kinds[0]: one, kinds[1]: two})].append((*one, *two))
    assert len(worlds) > len(pairs), "a readout that tells nothing hides everything"
    assert [(alike, told) for alike in worlds.values() if (told := told_counts(alike))] == []
