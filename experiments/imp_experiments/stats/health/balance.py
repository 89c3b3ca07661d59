"""Pre-period balance: what was so before the experiment cannot differ by it, so a difference means broken assignment.

Per covariate one omnibus test that its means are equal over all variants: Welch's (1951) analysis of variance from
n, mean and variance; of two variants it is Welch's t. `tests/experiments/stats/test_balance.py` proves it against
SciPy's `f_oneway(equal_var=False)`. The standardised mean differences (Rosenbaum & Rubin 1985) tell the size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.measure.moments import Summary
from imp_experiments.stats.health.arguments import checked_count
from imp_experiments.stats.heterogeneity import Spread, spread_of

__all__ = ["ALPHA", "Balance", "CovariateBalance", "balance"]

# As strict as the sample ratio, and for the same reason: every readout of every experiment makes this check, and a
# covariate is out of balance at .05 in one sound experiment of twenty (adjustment, not alarm, is the answer to that).
# Bonferroni over covariates, because they are correlated and it holds under any dependence.
ALPHA: Final = 0.001
_ENOUGH: Final = 2
_FEW = "fewer than two variants have units"
_ONE_UNIT = "a variant has a single unit"
_NOT_FINITE = "a mean or a variance is not a finite number"
_CONSTANT = "the covariate does not vary within two variants or more"


@dataclass(frozen=True, slots=True, kw_only=True)
class CovariateBalance:
    """One covariate. `p_value` is the omnibus test's, `p_adjusted` times the number of covariates tested (at most 1).

    `statistic` is Welch's F with `df` and `df_within` degrees of freedom (two variants: t² and Satterthwaite's).
    `differences`: per variant but control (mean - control's mean) / √((variance + control's) / 2), None where neither
    varies or a figure is missing. `n` counts units with the covariate (None: fewer than may be shown). All figures of
    the test are None where it was not tested, and `reason` says why.
    """

    covariate: str
    verdict: str
    p_value: float | None
    p_adjusted: float | None
    statistic: float | None
    df: int | None
    df_within: float | None
    differences: Mapping[str, float | None]
    n: Mapping[str, int | None]
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """verdict: ok, imbalanced (p < 0.001) or not tested. p is the smallest adjusted one, None where none was tested."""

    verdict: str
    p_value: float | None
    covariates: tuple[CovariateBalance, ...]
    reason: str | None = None


def balance(covariates: Mapping[str, Mapping[str, Summary]], *, control: str) -> Balance:
    """Test each covariate's means over the variants, and all covariates jointly by Bonferroni.

    `covariates`: covariate → variant → summary over the units that have it. Variants without units leave the test.
    With one variant that does not vary the test is its limit; with two or more it is not made.

    Raises:
        BadInput: control is not among a covariate's variants, or a count is none.
    """
    tests = {name: _test(name, summaries, control) for name, summaries in covariates.items()}
    made = sum(not isinstance(test, str) for test in tests.values())
    results = tuple(_result(name, covariates[name], control, tests[name], made) for name in covariates)
    adjusted = [result.p_adjusted for result in results if result.p_adjusted is not None]
    if not adjusted:
        reason = "there is no covariate" if not results else "no covariate can be tested"
        return Balance(verdict="not tested", p_value=None, covariates=results, reason=reason)
    p_value = min(adjusted)
    return Balance(verdict=_verdict(p_value), p_value=p_value, covariates=results)


def _test(covariate: str, summaries: Mapping[str, Summary], control: str) -> Spread | str:
    """Welch's test, or why there is none."""
    if control not in summaries:
        raise BadInput("control is not among the variants", where=f"covariate {covariate}", mend="name control")
    for name, summary in summaries.items():
        checked_count(summary.n, f"covariate {covariate}, {name}")
    present = [summary for summary in summaries.values() if summary.n]
    if len(present) < _ENOUGH:
        return _FEW
    if any(summary.n < _ENOUGH for summary in present):
        return _ONE_UNIT
    figures = [(summary.n, _number(summary.mean), _number(summary.variance)) for summary in present]
    if any(not (math.isfinite(mean) and math.isfinite(variance) and variance >= 0) for _, mean, variance in figures):
        return _NOT_FINITE
    return _welch(figures)


def _welch(figures: list[tuple[int, float, float]]) -> Spread | str:
    """Welch's test of means (n, mean, variance each); a variance that goes to 0 has all the weight in the limit."""
    errors = [variance / n for n, _, variance in figures]
    constant = [index for index, error in enumerate(errors) if error == 0]
    if len(constant) > 1:
        return _CONSTANT
    smallest = min(errors)
    weights = [1.0 if index in constant else smallest / error for index, error in enumerate(errors)]
    groups = [
        (mean, math.sqrt(error), weight, n - 1.0)
        for (n, mean, _), error, weight in zip(figures, errors, weights, strict=True)
    ]
    return spread_of(groups) or _NOT_FINITE


def _result(
    name: str, summaries: Mapping[str, Summary], control: str, test: Spread | str, made: int
) -> CovariateBalance:
    base = summaries[control]
    differences = {
        variant: _standardised(summary, base) for variant, summary in summaries.items() if variant != control
    }
    n = {variant: summary.n for variant, summary in summaries.items()}
    if isinstance(test, str):
        return CovariateBalance(
            covariate=name,
            verdict="not tested",
            p_value=None,
            p_adjusted=None,
            statistic=None,
            df=None,
            df_within=None,
            differences=differences,
            n=n,
            reason=test,
        )
    adjusted = min(1.0, made * test.p_value)
    return CovariateBalance(
        covariate=name,
        verdict=_verdict(adjusted),
        p_value=test.p_value,
        p_adjusted=adjusted,
        statistic=test.f,
        df=test.df,
        df_within=test.df_within,
        differences=differences,
        n=n,
    )


def _standardised(variant: Summary, control: Summary) -> float | None:
    square = (_number(variant.variance) + _number(control.variance)) / 2
    if not 0 < square < math.inf:  # NaN is neither
        return None
    difference = (_number(variant.mean) - _number(control.mean)) / math.sqrt(square)
    return difference if math.isfinite(difference) else None


def _verdict(p_adjusted: float) -> str:
    return "imbalanced" if p_adjusted < ALPHA else "ok"


def _number(value: float | None) -> float:
    return math.nan if value is None else value
