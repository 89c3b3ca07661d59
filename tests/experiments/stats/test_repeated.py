"""The p of a look is dual to its boundary: below alpha iff the look rejects."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imp_core.errors import BadInput
from imp_experiments.stats.sequential.boundary import Boundary, Look, last_boundary, next_boundary, plan_boundaries
from imp_experiments.stats.sequential.repeated import repeated_p
from imp_experiments.stats.sequential.rules import AlwaysRule, FixedRule, LookRule
from imp_experiments.stats.sequential.spending import parse_spending

OBF = parse_spending("obrien_fleming")


def nested(*counts: int, planned: int) -> tuple[Look, ...]:
    kept = (None, *counts[:-1])
    return tuple(Look(fraction=n / planned, n=n, kept=k) for n, k in zip(counts, kept, strict=True))


@pytest.mark.parametrize("name", ["obrien_fleming", "pocock", "power:2"])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_at_its_boundary_a_look_has_p_alpha(name: str, alpha: float) -> None:
    spending = parse_spending(name)
    looks = nested(100, 250, 400, 600, 1_000, planned=1_000)
    planned = plan_boundaries([look.fraction for look in looks], alpha, spending)
    for place, boundary in enumerate(planned):
        assert boundary.tail is not None
        found = repeated_p(looks[: place + 1], 2 * boundary.tail, spending=spending)
        assert found == pytest.approx(alpha, rel=1e-6)


@given(st.floats(1e-9, 0.9), st.floats(1e-9, 0.9))
def test_p_grows_with_the_nominal_p_and_is_never_below_it(one: float, two: float) -> None:
    looks = nested(300, 600, 1_000, planned=1_000)
    low, high = sorted((one, two))
    assert repeated_p(looks, low, spending=OBF) <= repeated_p(looks, high, spending=OBF) * (1 + 1e-8)
    assert repeated_p(looks, low, spending=OBF) >= low * (1 - 1e-8)


def test_a_single_look_at_the_end_has_its_nominal_p() -> None:
    looks = nested(1_000, planned=1_000)
    for p in (1e-12, 0.03, 0.7):
        assert repeated_p(looks, p, spending=OBF) == pytest.approx(p, rel=1e-6)


def test_a_look_whose_information_has_not_grown_rejects_nothing() -> None:
    looks = (*nested(500, planned=1_000), Look(fraction=0.4, n=400, kept=400))
    assert repeated_p(looks, 1e-12, spending=OBF) == 1.0


def test_nothing_is_as_clear_as_a_p_of_zero() -> None:
    assert repeated_p(nested(500, planned=1_000), 0.0, spending=OBF) == 0.0


@pytest.mark.parametrize(("looks", "p"), [((), 0.1), (nested(5, planned=10), -0.1), (nested(5, planned=10), 1.1)])
def test_a_p_needs_a_look_and_a_share(looks: tuple[Look, ...], p: float) -> None:
    with pytest.raises(BadInput):
        repeated_p(looks, p, spending=OBF)


@given(st.lists(st.tuples(st.integers(50, 400), st.floats(0.5, 1.0)), min_size=1, max_size=6))
def test_one_pass_gives_the_boundary_of_look_after_look_also_where_people_left(steps: list[tuple[int, float]]) -> None:
    looks: list[Look] = []
    n = 0
    for added, share in steps:
        kept = None if not looks else int(n * share)
        n = (kept or 0) + added
        looks.append(Look(fraction=n / 1_500, n=n, kept=kept))
    past: list[tuple[Look, Boundary]] = []
    for look in looks:
        # `kept` is of the last look that was used: leave out histories with unused ones between
        past.append((look, next_boundary(past, look, alpha=0.05, spending=OBF)))
    if any(one.z is None for _, one in past):
        return
    found = last_boundary(looks, alpha=0.05, spending=OBF)
    assert found.z == pytest.approx(past[-1][1].z, rel=1e-9)
    assert found.cumulative == pytest.approx(past[-1][1].cumulative, rel=1e-12)
    assert all(a[1].cumulative <= b[1].cumulative for a, b in pairwise(past))


def test_rules_judge_p_as_they_judge_intervals() -> None:
    looks = nested(400, 700, planned=1_000)
    boundary = last_boundary(looks, alpha=0.05, spending=OBF)
    for rule in (
        FixedRule(alpha=0.05),
        LookRule(looks=looks, boundary=boundary, spending=OBF, last=False),
        AlwaysRule(n=700, alpha=0.05, expected_n=1_000),
    ):
        assert rule.tail is not None
        assert rule.p(2 * rule.tail * (1 - 1e-6)) < 0.05 < rule.p(2 * rule.tail * (1 + 1e-6))
        assert rule.p(0.0) == 0.0
        assert rule.p(1.0) == 1.0
        assert rule.method


def test_an_always_rule_without_units_judges_nothing() -> None:
    rule = AlwaysRule(n=0, alpha=0.05, expected_n=1_000)
    assert (rule.tail, rule.p(0.01)) == (None, 1.0)


def test_an_always_rule_whose_tail_is_nil_in_floating_point_judges_nothing() -> None:
    rule = AlwaysRule(n=10, alpha=0.05, expected_n=1_000_000)
    assert rule.tail is None
    assert rule.p(0.01) > 0.99


def test_a_very_small_p_needs_no_boundary_at_every_look() -> None:
    # at the tiny alphas that are tried for it some looks have too little to spend and are passed over
    looks = nested(4_500, 4_864, 5_700, 6_410, 7_300, 7_900, 8_400, 9_253, planned=10_000)
    nominal = 7.7e-23
    found = repeated_p(looks, nominal, spending=OBF)
    assert nominal < found < 1e-18
    plan = plan_boundaries([look.fraction for look in looks], found, OBF)
    assert any(one.z is None for one in plan)
    assert plan[-1].tail == pytest.approx(nominal / 2, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=5),
    st.floats(1, 60),
    st.sampled_from(["obrien_fleming", "pocock", "power:8"]),
)
@example([1], 1.0, "power:8")
def test_every_p_of_nested_looks_is_the_alpha_whose_boundary_is_met(steps: list[int], digits: float, name: str) -> None:
    spending, nominal = parse_spending(name), 10.0**-digits
    sizes = [1_000 + n for n in accumulate(steps)]
    found = repeated_p(nested(*sizes, planned=5_000), nominal, spending=spending)
    fractions = [n / 5_000 for n in sizes]
    if found == 1:
        tail = plan_boundaries(fractions, 0.99, spending)[-1].tail
        assert tail is None or tail < nominal / 2
        return
    plan = plan_boundaries(fractions, found, spending)
    assert plan[-1].tail == pytest.approx(nominal / 2, rel=1e-5)
