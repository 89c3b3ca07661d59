from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit
from statsmodels.stats.multitest import multipletests

from imp_core.errors import BadInput
from imp_experiments.stats.max_t import max_t
from imp_experiments.stats.multiplicity import METHODS, adjust, bonferroni_tail

CASES = json.loads(
    Path(__file__).parents[2].joinpath("vectors", "stats", "multiplicity.json").read_text(encoding="utf-8")
)
ADJUSTED = [case for case in CASES if "method" in case["input"]]
CRITICAL = [case for case in CASES if "correlation" in case["input"]]
THEIRS = {
    "bonferroni": "bonferroni",
    "holm": "holm",
    "hochberg": "simes-hochberg",
    "benjamini_hochberg": "fdr_bh",
    "benjamini_yekutieli": "fdr_by",
}
p_lists = st.lists(st.floats(0, 1) | st.none(), max_size=12)


def test_every_case_is_run_and_every_method_has_some() -> None:
    assert len(ADJUSTED) + len(CRITICAL) == len(CASES)
    assert {case["input"]["method"] for case in ADJUSTED} == set(METHODS)


@pytest.mark.parametrize("case", ADJUSTED, ids=[case["id"] for case in ADJUSTED])
def test_adjusted_p_values_are_those_of_the_peers(case: dict[str, Any]) -> None:
    found = adjust(case["input"]["p_values"], case["input"]["method"])
    for ours, theirs in zip(found, case["expected"]["p_values"], strict=True):
        assert ours == (None if theirs is None else pytest.approx(theirs, rel=case["tolerance"], abs=0))


@pytest.mark.parametrize("case", CRITICAL, ids=[case["id"] for case in CRITICAL])
def test_critical_values_are_those_of_the_peers_and_of_the_printed_tables(case: dict[str, Any]) -> None:
    asked = dict(case["input"])
    found = max_t(asked.pop("correlation"), **asked)
    assert found.critical == pytest.approx(case["expected"]["critical"], abs=case["tolerance"])


@settings(max_examples=50, deadline=None)
@given(p_lists, st.sampled_from(sorted(METHODS)))
def test_any_list_is_adjusted_as_statsmodels_does(p_values: list[float | None], method: str) -> None:
    counted = [p for p in p_values if p is not None]
    found = adjust(p_values, method)
    assert [p is None for p in found] == [p is None for p in p_values]
    oracle = multipletests(counted, method=THEIRS[method])[1] if counted else []
    assert [p for p in found if p is not None] == pytest.approx(list(oracle), rel=1e-12, abs=1e-300)


@given(p_lists)
def test_corrections_are_ordered_by_how_much_they_promise(p_values: list[float | None]) -> None:
    found = {method: adjust(p_values, method) for method in METHODS}
    for raw, bonferroni, holm, hochberg, discovery, any_dependence in zip(
        p_values, *(found[method] for method in METHODS), strict=True
    ):
        if raw is not None:
            slack = 1 + 1e-12
            assert raw <= discovery * slack
            assert discovery <= hochberg * slack
            assert hochberg <= holm * slack
            assert holm <= bonferroni * slack
            assert discovery <= any_dependence * slack
            assert bonferroni <= 1


@given(st.floats(1e-6, 1), st.integers(1, 30), st.sampled_from([0.01, 0.05, 0.1]))
def test_bonferroni_p_and_interval_never_disagree(p: float, m: int, alpha: float) -> None:
    (adjusted, *_) = adjust([p] + [1.0] * (m - 1), "bonferroni")
    assert adjusted is not None
    statistic = -float(stdtrit(50, p / 2))
    low = statistic - float(stdtrit(50, 1 - bonferroni_tail(alpha, m)))
    if abs(adjusted - alpha) > 1e-12:
        assert (adjusted < alpha) == (low > 0)


def test_nothing_to_adjust_is_nothing() -> None:
    assert adjust([], "holm") == ()
    assert adjust([None, None], "benjamini_hochberg") == (None, None)


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan, math.inf])
def test_what_is_no_probability_is_refused(p: float) -> None:
    with pytest.raises(BadInput) as caught:
        adjust([0.1, p], "holm")
    assert caught.value.where == "p_values"


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(BadInput, match="no such correction"):
        adjust([0.1], "sidak")
    with pytest.raises(BadInput, match="alpha"):
        bonferroni_tail(2.0, 3)
    with pytest.raises(BadInput, match="no hypothesis"):
        bonferroni_tail(0.05, 0)
    with pytest.raises(BadInput, match="one side or two"):
        bonferroni_tail(0.05, 3, sides=3)
    assert bonferroni_tail(0.05, 5) == pytest.approx(0.005)
    assert bonferroni_tail(0.05, 5, sides=1) == pytest.approx(0.01)
