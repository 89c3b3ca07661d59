"""Guardrails: is an effect shown to stay within a margin (non-inferior), or not shown to do harm, or equivalent?

One-sided t tests of one effect against a null other than 0 (ICH E9 1998, section 3.3.2; Wellek 2010, Testing
Statistical Hypotheses of Equivalence and Noninferiority, chapter 3). p, bound and outcome are of one statistic:
`p_value` < alpha iff the bound lies beyond the null. No correction for many guardrails: all of them must hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from scipy.special import stdtr, stdtrit

from imp_core.errors import BadInput
from imp_experiments.stats.arguments import check_alpha, check_direction, check_scale
from imp_experiments.stats.effect import Condition

__all__ = ["Equivalence", "Guarded", "equivalent", "no_harm", "non_inferior"]

# A bound beyond floating point is as good as the largest.
_LARGEST_LOG: Final = 700.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """One guardrail's answer.

    outcome: "held" or "broken". Non-inferior: held iff p < alpha (what is not shown to hold is broken). No harm:
    broken iff p < alpha (what is not shown to be worse holds).
    p_value: one-sided, against `null`.
    bound: the one-sided bound of 1 - alpha that decides: non-inferior, how bad the effect may yet be; no harm, how
    good it may yet be. In the metric's unit, or as a share of control (-0.02: two per cent less).
    null: what the bound is held against, on the same scale: -margin or margin; 0 for no harm.
    """

    outcome: str
    p_value: float
    bound: float
    null: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """Two one-sided tests: `p_value` is the larger one; < alpha iff low and high (1 - 2 alpha) are in the margin."""

    equivalent: bool
    p_value: float
    low: float
    high: float


def non_inferior(
    estimate: float,
    se: float,
    df: float,
    *,
    margin: float,
    scale: str,
    direction: str,
    alpha: float = 0.05,
) -> Guarded | Condition:
    """Test that the variant is worse than control by less than the margin.

    On the relative scale `estimate` and `se` are of log(variant / control), and the margin is a share of control
    between 0 and 1: the null ratio is 1 - margin for "up", 1 + margin for "down". On the absolute scale all are in
    the metric's unit. `df` may be infinite (normal).

    Raises:
        BadInput: scale, direction, margin or alpha is not one that there is.
    """
    check_scale(scale)
    check_direction(direction)
    check_alpha(alpha)
    _check_margin(margin, scale)
    up = direction == "up"
    null = -margin if up else margin
    return _one_sided(estimate, se, df, null=null, above=up, scale=scale, alpha=alpha, outcomes=("held", "broken"))


def no_harm(
    estimate: float, se: float, df: float, *, scale: str, direction: str, alpha: float = 0.05
) -> Guarded | Condition:
    """Test that the variant is worse than control at all; the guardrail holds unless that is shown.

    Units as for `non_inferior`. A test of little data holds: this finds harm, it does not exclude it.

    Raises:
        BadInput: scale, direction or alpha is not one that there is.
    """
    check_scale(scale)
    check_direction(direction)
    check_alpha(alpha)
    above = direction == "down"
    return _one_sided(estimate, se, df, null=0.0, above=above, scale=scale, alpha=alpha, outcomes=("broken", "held"))


def equivalent(
    estimate: float, se: float, df: float, *, margin: float, scale: str, alpha: float = 0.05
) -> Equivalence | Condition:
    """Test that variant and control differ by less than the margin either way (TOST: Schuirmann 1987).

    Units as for `non_inferior`; on the relative scale the ratio must lie between 1 - margin and 1 + margin.

    Raises:
        BadInput: scale, margin or alpha is not one that there is.
    """
    lower = non_inferior(estimate, se, df, margin=margin, scale=scale, direction="up", alpha=alpha)
    upper = non_inferior(estimate, se, df, margin=margin, scale=scale, direction="down", alpha=alpha)
    if isinstance(lower, Condition):
        return lower
    if isinstance(upper, Condition):
        return upper
    p_value = max(lower.p_value, upper.p_value)
    return Equivalence(equivalent=p_value < alpha, p_value=p_value, low=lower.bound, high=upper.bound)


def _one_sided(
    estimate: float,
    se: float,
    df: float,
    *,
    null: float,
    above: bool,
    scale: str,
    alpha: float,
    outcomes: tuple[str, str],
) -> Guarded | Condition:
    """Test "the effect is above (or below) the null"; the first outcome where that is shown, else the second."""
    code = _problem(estimate, se, df)
    if code is not None:
        return Condition(code, scale)
    sign = 1.0 if above else -1.0
    start = math.log1p(null) if scale == "relative" else null
    p_value = float(stdtr(df, -sign * (estimate - start) / se))
    bound = estimate + sign * float(stdtrit(df, alpha)) * se
    if scale == "relative":
        bound = math.expm1(min(bound, _LARGEST_LOG))
    if not math.isfinite(bound):
        return Condition("not_finite", scale)
    # within rounding of the null, p decides for the bound as well
    edge = math.nextafter(null, sign * math.inf) if p_value < alpha else null
    bound = max(bound, edge) if above == (p_value < alpha) else min(bound, edge)
    return Guarded(outcome=outcomes[0] if p_value < alpha else outcomes[1], p_value=p_value, bound=bound, null=null)


def _problem(estimate: float, se: float, df: float) -> str | None:
    if not (math.isfinite(estimate) and math.isfinite(se)) or math.isnan(df):
        return "not_finite"
    return "no_error" if se <= 0 or df <= 0 else None


def _check_margin(margin: float, scale: str) -> None:
    if scale == "relative" and not 0 < margin < 1:
        mend = "say a share of control, for example 0.02"
        raise BadInput("a relative margin is not between 0 and 1", where="margin", mend=mend)
    if not (math.isfinite(margin) and margin > 0):
        mend = "say how much worse is still acceptable, in the metric's unit"
        raise BadInput("the margin is not a finite number above 0", where="margin", mend=mend)
