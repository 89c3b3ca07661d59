from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from imp_core.errors import BadInput
from imp_experiments.stats.sequential.boundary import Boundary, Look, next_boundary, plan_boundaries
from imp_experiments.stats.sequential.spending import Spending, parse_spending, spent_by

FLEMING, POCOCK, SQUARE = Spending("obrien_fleming"), Spending("pocock"), Spending("power", 2.0)
DAILY = [(day + 1) / 28 for day in range(28)]

History = list[tuple[Look, Boundary]]


def run(
    steps: list[tuple[float, int, int | None]], spending: Spending, *, sides: int = 2, last: bool = True
) -> History:
    """The boundaries of looks (fraction, n, kept), solved one after the other; the last one is final."""
    past: History = []
    for index, (fraction, n, kept) in enumerate(steps):
        look = Look(fraction=fraction, n=n, kept=kept)
        final = last and index == len(steps) - 1
        past.append((look, next_boundary(past, look, alpha=0.05, spending=spending, sides=sides, last=final)))
    return past


def crossed(correlation: np.ndarray, past: History, sides: int) -> float:
    """The chance that any look crosses its boundary, by Genz's integration over all looks at once."""
    z = np.array([boundary.z for _, boundary in past])
    low = -z if sides == 2 else np.full(len(z), -12.0)
    inside = multivariate_normal.cdf(
        z, cov=correlation, lower_limit=low, maxpts=2_000_000, abseps=2e-6, releps=2e-6, rng=np.random.default_rng(1)
    )
    return 1 - float(inside)


def overlaps(cohorts: np.ndarray) -> np.ndarray:
    """Correlations of looks of which cohorts[k, j] units of look j are still in at look k (n on the diagonal)."""
    n = np.diag(cohorts)
    size = len(n)
    return np.array(
        [[cohorts[max(j, k), min(j, k)] / math.sqrt(n[j] * n[k]) for j in range(size)] for k in range(size)]
    )


@pytest.mark.parametrize("spending", [FLEMING, POCOCK, SQUARE])
@pytest.mark.parametrize("sides", [1, 2])
def test_nested_looks_spend_exactly_alpha(spending: Spending, sides: int) -> None:
    fractions = [0.25, 0.5, 0.8, 1.0]
    boundaries = plan_boundaries(fractions, 0.05, spending, sides)
    correlation = np.array([[math.sqrt(min(a, b) / max(a, b)) for a in fractions] for b in fractions])
    past = [(Look(fraction=t, n=0), boundary) for t, boundary in zip(fractions, boundaries, strict=True)]
    assert crossed(correlation, past, sides) == pytest.approx(0.05, abs=1e-5)
    assert [boundary.cumulative for boundary in boundaries] == pytest.approx(
        [spent_by(t, alpha=0.05, spending=spending, sides=sides) for t in fractions], rel=1e-12
    )


def test_looks_one_by_one_are_the_plan() -> None:
    for spending in (FLEMING, POCOCK):
        plan = plan_boundaries(DAILY, 0.05, spending)
        steps, kept = [], None
        for day, boundary in enumerate(plan):
            steps.append((DAILY[day], 1000 * (day + 1), kept))
            kept = kept if boundary.z is None else 1000 * (day + 1)
        for (_, found), planned in zip(run(steps, spending), plan, strict=True):
            assert found.z == (None if planned.z is None else pytest.approx(planned.z, abs=1e-10))
            assert found.spent == pytest.approx(planned.spent, abs=1e-15)


# each row: units of look 0, 1, ... still in at this look, the last entry its own n
WITHDRAWN = {
    # everyone leaves alike: 10 % between looks
    "proportional": np.array([[1000, 0, 0, 0], [900, 2000, 0, 0], [810, 1800, 3000, 0], [729, 1620, 2700, 2800]]),
    # a third of the first cohort leaves at the second look, nobody else
    "early": np.array([[1000, 0, 0, 0], [660, 1660, 0, 0], [660, 1660, 2660, 0], [660, 1660, 2660, 3660]]),
    # the newest cohort loses 30 % at each look
    "late": np.array([[1000, 0, 0, 0], [700, 1700, 0, 0], [700, 1400, 2400, 0], [700, 1400, 2100, 3100]]),
    # the first look's units are those who leave, time and again
    "first": np.array(
        [[1000, 0, 0, 0, 0], [600, 1600, 0, 0, 0], [300, 1300, 2300, 0, 0], [100, 1100, 2100, 3100, 0],
         [20, 1020, 2020, 3020, 4020]]
    ),
}  # fmt: skip
# the alpha really used where the chain is told 0.05, by the full matrix (abs error below 1e-5): exact where all leave
# alike or where only the first looks' units leave once; below where the newest leave; above where the oldest do, at
# most 0.0009 with all but 2 % of them gone
USED = {
    ("proportional", "obrien_fleming", 2): 0.05,
    ("proportional", "pocock", 1): 0.05,
    ("early", "obrien_fleming", 1): 0.05,
    ("early", "pocock", 2): 0.05,
    ("late", "obrien_fleming", 2): 0.04980,
    ("late", "pocock", 1): 0.04896,
    ("first", "obrien_fleming", 2): 0.05008,
    ("first", "pocock", 1): 0.05090,
}


@pytest.mark.parametrize(("name", "spending", "sides"), USED)
def test_chained_correlations_stay_close_to_the_full_matrix(name: str, spending: str, sides: int) -> None:
    cohorts = WITHDRAWN[name]
    size = len(cohorts)
    steps = [
        ((look + 1) / size, int(cohorts[look, look]), int(cohorts[look, look - 1]) if look else None)
        for look in range(size)
    ]
    past = run(steps, parse_spending(spending), sides=sides)
    used = USED[name, spending, sides]
    assert crossed(overlaps(cohorts), past, sides) == pytest.approx(used, abs=1e-5)


def test_a_look_that_adds_no_information_spends_nothing_and_is_passed_over() -> None:
    with_it = run([(0.5, 1000, None), (0.4, 800, 800), (0.5, 900, 780), (1.0, 1900, 760)], FLEMING)
    without = run([(0.5, 1000, None), (1.0, 1900, 760)], FLEMING)
    assert [boundary.z is None for _, boundary in with_it] == [False, True, True, False]
    assert [boundary.spent for _, boundary in with_it[1:3]] == [0.0, 0.0]
    assert with_it[-1][1] == without[-1][1]


def test_a_look_without_growth_spends_nothing_even_where_the_look_before_was_let_pass() -> None:
    let_pass = Boundary(z=None, tail=None, spent=0.0, cumulative=0.0)
    past = [(Look(fraction=0.5, n=500), let_pass)]
    assert next_boundary(past, Look(fraction=0.5, n=490), alpha=0.05, spending=FLEMING) == let_pass
    # what was not spent then is spent with the next growth
    grown = next_boundary(past, Look(fraction=0.6, n=600), alpha=0.05, spending=FLEMING)
    assert grown.spent == spent_by(0.6, alpha=0.05, spending=FLEMING)


def test_the_last_look_spends_all_that_remains_however_little_is_left_of_the_units() -> None:
    past = run([(0.3, 3000, None), (0.6, 6000, 2900), (0.6, 2000, 1900)], FLEMING)
    last = past[-1][1]
    assert last.cumulative == 0.05
    assert last.spent == pytest.approx(0.05 - past[1][1].cumulative, rel=1e-12)
    assert last.z is not None
    # two looks with little in common: barely below what Bonferroni would say of what is left
    assert last.z <= norm.isf(last.spent / 2)


def test_an_overrun_is_one_final_look() -> None:
    past = run([(0.5, 500, None), (1.3, 1300, 500), (1.4, 1400, 1300)], FLEMING, last=False)
    assert past[1][1].cumulative == 0.05
    assert past[2][1] == Boundary(z=None, tail=None, spent=0.0, cumulative=0.05)
    again = next_boundary(past, Look(fraction=2.0, n=2000, kept=1300), alpha=0.05, spending=FLEMING, last=True)
    assert again.z is None


def test_a_single_look_at_the_end_is_the_fixed_test() -> None:
    for sides in (1, 2):
        found = next_boundary([], Look(fraction=0.2, n=200), alpha=0.05, spending=FLEMING, sides=sides, last=True)
        assert found.z == pytest.approx(norm.isf(0.05 / sides), abs=1e-12)
        assert found.tail == pytest.approx(0.05 / sides, rel=1e-12)


def test_a_last_look_at_the_same_units_has_the_boundary_of_the_fixed_test() -> None:
    # whoever has not crossed 2.96 crosses 1.96 at the same data with the rest of alpha
    past = run([(0.5, 10_000, None), (0.5, 10_000, 10_000)], FLEMING)
    assert past[-1][1].z == pytest.approx(norm.isf(0.025), abs=1e-8)


def test_nearly_equal_looks_err_on_the_safe_side_and_barely() -> None:
    past = run([(0.98, 9_800_000, None), (0.99, 9_800_001, 9_800_000)], POCOCK)
    z = past[-1][1].z
    assert z is not None
    assert norm.isf(0.025) <= z < norm.isf(0.025) + 1e-3


def test_looks_without_common_units_are_independent() -> None:
    past = run([(0.5, 500, None), (1.0, 500, 0)], POCOCK)
    spent = past[0][1].spent
    z = norm.isf((0.05 - spent) / (1 - spent) / 2)
    assert past[1][1].z == pytest.approx(z, abs=1e-10)


def test_the_first_days_of_many_have_too_little_to_spend() -> None:
    plan = plan_boundaries([0.001, 0.01, 0.02, 0.5, 1.0], 0.05, FLEMING)
    assert [boundary.z is None for boundary in plan] == [True, True, True, False, False]
    assert plan[3].z == pytest.approx(plan_boundaries([0.5, 1.0], 0.05, FLEMING)[0].z)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0.01, 1.0), min_size=1, max_size=8, unique=True),
    st.sampled_from([FLEMING, POCOCK, SQUARE]),
    st.sampled_from([1, 2]),
    st.floats(1e-4, 0.2),
)
def test_boundaries_use_alpha_once(times: list[float], spending: Spending, sides: int, alpha: float) -> None:
    fractions = sorted(times)
    plan = plan_boundaries(fractions, alpha, spending, sides)
    assert sum(boundary.spent for boundary in plan) == pytest.approx(plan[-1].cumulative, rel=1e-9, abs=1e-16)
    assert plan[-1].cumulative <= alpha
    for boundary in plan:
        if boundary.z is not None and boundary.tail is not None:
            # never easier than the fixed test, never harder than splitting alpha
            assert norm.isf(plan[-1].cumulative / sides) - 1e-6 <= boundary.z
            assert boundary.z <= norm.isf(boundary.spent / sides) + 1e-6
            assert boundary.tail == pytest.approx(norm.sf(boundary.z), rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_history_of_withdrawals_ends_with_all_of_alpha_spent(data: st.DataObject) -> None:
    past: History = []
    n, kept = 0, None
    for index in range(6):
        gone = data.draw(st.integers(0, n)) if n else 0
        n = n - gone + data.draw(st.integers(0, 500))
        kept = None if kept is None else max(kept - gone, 0)
        look = Look(fraction=n / 1500, n=n, kept=kept)
        found = next_boundary(past, look, alpha=0.05, spending=FLEMING, last=index == 5)
        assert (found.z is None) == (found.spent == 0.0) == (found.tail is None)
        past.append((look, found))
        kept = kept if found.z is None else n
    assert past[-1][1].cumulative == 0.05
    assert all(one[1].cumulative <= two[1].cumulative for one, two in pairwise(past))


FINE = Boundary(z=2.5, tail=0.006, spent=0.01, cumulative=0.01)
FIRST = (Look(fraction=0.5, n=500), FINE)


@pytest.mark.parametrize(
    ("past", "now", "options"),
    [
        ([], Look(fraction=0.5, n=10), {"alpha": 2.0}),
        ([], Look(fraction=0.5, n=10), {"alpha": 0.0}),
        ([], Look(fraction=0.5, n=10), {"alpha": math.nan}),
        ([], Look(fraction=0.5, n=10), {"sides": 3}),
        ([], Look(fraction=math.nan, n=10), {}),
        ([], Look(fraction=math.inf, n=10), {}),
        ([], Look(fraction=-0.1, n=10), {}),
        ([], Look(fraction=0.5, n=-1), {}),
        ([], Look(fraction=0.5, n=10**400), {}),
        ([FIRST], Look(fraction=0.6, n=600), {}),
        ([FIRST], Look(fraction=0.6, n=600, kept=501), {}),
        ([FIRST], Look(fraction=0.6, n=400, kept=450), {}),
        ([FIRST], Look(fraction=0.6, n=600, kept=-1), {}),
        ([FIRST], Look(fraction=0.6, n=600, kept=500), {"alpha": 0.005}),
        ([(FIRST[0], Boundary(z=math.nan, tail=0.1, spent=0.01, cumulative=0.01))], Look(fraction=1, n=9, kept=9), {}),
        ([(FIRST[0], Boundary(z=2.0, tail=0.1, spent=0.01, cumulative=math.nan))], Look(fraction=1, n=9, kept=9), {}),
        ([(FIRST[0], Boundary(z=0.0, tail=0.5, spent=0.01, cumulative=0.01))], Look(fraction=1, n=500, kept=500), {}),
        ([FIRST] * 400, Look(fraction=1, n=500, kept=500), {}),
    ],
)
def test_what_cannot_be_is_refused(past: History, now: Look, options: dict[str, float]) -> None:
    settings_ = {"alpha": 0.05, "sides": 2} | options
    with pytest.raises(BadInput):
        next_boundary(past, now, spending=FLEMING, **settings_)


@pytest.mark.parametrize(
    "fractions", [[], [0.5, 0.5], [0.5, 0.4], [0.0, 1.0], [0.5, math.nan], [0.5, math.inf], [0.1] * 999]
)
def test_a_plan_that_does_not_ascend_is_refused(fractions: list[float]) -> None:
    with pytest.raises(BadInput):
        plan_boundaries(fractions, 0.05, FLEMING)


def test_spending_functions_are_read_and_written() -> None:
    for text in ("obrien_fleming", "pocock", "power:2", "power:0.5"):
        assert parse_spending(text).text == text
    assert parse_spending("power:3") == Spending("power", 3.0)


@pytest.mark.parametrize(
    "text", ["", "obf", "power", "power:", "power:0", "power:-1", "power:nan", "power:inf", "power:51", "pocock:2"]
)
def test_a_spending_function_of_another_name_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_spending(text)


@given(st.sampled_from([FLEMING, POCOCK, SQUARE]), st.sampled_from([1, 2]), st.floats(1e-6, 0.5))
def test_spending_starts_at_nothing_grows_and_ends_at_alpha(spending: Spending, sides: int, alpha: float) -> None:
    points = [-1.0, 0.0, 0.1, 0.5, 0.999999, 1.0, 7.0]
    spent = [spent_by(t, alpha=alpha, spending=spending, sides=sides) for t in points]
    assert spent[:2] == [0.0, 0.0]
    assert spent[-2:] == [alpha, alpha]
    assert spent == sorted(spent)
    assert spent[4] == pytest.approx(alpha, rel=1e-4)


def test_a_fraction_that_is_no_number_is_refused() -> None:
    with pytest.raises(BadInput):
        spent_by(math.nan, alpha=0.05, spending=FLEMING)
