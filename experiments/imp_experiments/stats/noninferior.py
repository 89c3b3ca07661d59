"""Guardrails: is a variant shown to be worse than control by less than a margin (non-inferiority)?

A one-sided test of one contrast against a null other than 0 (ICH E9 1998, section 3.3.2; Wellek 2010, Testing
Statistical Hypotheses of Equivalence and Noninferiority, chapter 3), by whatever statistic the contrast has: t, score,
order statistics. p, bound and outcome are of one statistic: `p_value` < alpha iff the bound lies within the margin. No
correction for many guardrails: all of them must hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from imp_core.errors import BadInput
from imp_experiments.stats.arguments import check_alpha, check_direction, check_scale
from imp_experiments.stats.contrast import Contrast

__all__ = ["Guarded", "non_inferior"]

_HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """One guardrail's answer.

    held: whether p < alpha; what is not shown to hold is broken.
    p_value: one-sided, of the hypothesis that the variant is worse by the margin or more.
    low, high: the interval that leaves alpha on each side (1 - 2 alpha between them), in the metric's unit or as a
    share of control (-0.02: two per cent less). The end on the worse side decides: within the margin iff held.
    null: what that end is held against, on the same scale: -margin where up is better, else margin.
    """

    held: bool
    p_value: float
    low: float
    high: float
    null: float


def non_inferior(
    contrast: Contrast, *, margin: float, scale: str, direction: str, alpha: float = 0.05
) -> Guarded | None:
    """Test that the variant is worse than control by less than the margin; None where a condition names the reason.

    On the relative scale the margin is a share of control between 0 and 1: the null ratio is 1 - margin for "up",
    1 + margin for "down". On the absolute scale it is in the metric's unit.

    Raises:
        BadInput: scale, direction, margin or alpha is not one that there is.
    """
    check_scale(scale)
    check_direction(direction)
    check_alpha(alpha)
    if alpha >= _HALF:
        raise BadInput("a one-sided alpha is not below one half", where="alpha", mend="say, for example, 0.05")
    _check_margin(margin, scale)
    effect = contrast.effect(scale, tail=alpha)
    null = -margin if direction == "up" else margin
    under = None if effect is None else contrast.p_beyond(scale, null)
    if effect is None or under is None:
        return None
    p_value = under if direction == "up" else 1 - under
    held, low, high = p_value < alpha, effect.low, effect.high
    # within rounding of the null p decides for the bound as well
    if direction == "up":
        low = max(low, math.nextafter(null, math.inf)) if held else min(low, null)
    else:
        high = min(high, math.nextafter(null, -math.inf)) if held else max(high, null)
    return Guarded(held=held, p_value=p_value, low=low, high=high, null=null)


def _check_margin(margin: float, scale: str) -> None:
    if scale == "relative" and not 0 < margin < 1:
        mend = "say a share of control, for example 0.02"
        raise BadInput("a relative margin is not between 0 and 1", where="margin", mend=mend)
    if not (math.isfinite(margin) and margin > 0):
        mend = "say how much worse is still acceptable, in the metric's unit"
        raise BadInput("the margin is not a finite number above 0", where="margin", mend=mend)
