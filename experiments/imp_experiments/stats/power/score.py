"""Power and units of the score test for two proportions: the error under the null takes restricted estimates.

For a difference without a margin this is the pooled chi-squared test (Fleiss, Levin and Paik 2003, section 4.2,
without continuity correction; R's power.prop.test). With a margin it is Farrington and Manning's (1990, Statist. Med.
9:1447, their third method) for a difference or a ratio: Miettinen and Nurminen's test but for its factor n / (n - 1).
The functions `power` and `units` plan for the unpooled Welch test instead.
"""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from imp_core.errors import BadInput
from imp_experiments.stats.power.baseline import of_proportion
from imp_experiments.stats.power.setting import Setting
from imp_experiments.stats.power.signal import check_effect
from imp_experiments.stats.power.units import MOST_UNITS, check_power

__all__ = ["restricted", "score_power", "score_units"]


def score_power(control: float, setting: Setting, *, effect: float, units: float) -> float:
    """The chance that the score test shows a true `effect` (on the setting's scale) with `units` in all variants.

    `control` is control's proportion. Normal approximation.

    Raises:
        BadInput: a figure cannot be, or the setting has a covariate.
    """
    if not 0 < units < math.inf:
        raise BadInput("not a number of units", where="units", mend="give a number above 0")
    distance, null, true = _parts(control, setting, effect)
    reached = distance * math.sqrt(units / setting.widening) + float(ndtri(setting.tail)) * null
    if true == 0:
        return float(reached > 0)
    return float(ndtr(reached / true))


def score_units(control: float, setting: Setting, *, effect: float, power: float = 0.8) -> float | None:
    """Units in all variants, not rounded, with which the score test has this power; None where no 10¹² are enough.

    Raises:
        BadInput: a figure cannot be, or the setting has a covariate.
    """
    check_power(power, setting)
    distance, null, true = _parts(control, setting, effect)
    if distance <= 0:
        return None
    root = (float(ndtri(power)) * true - float(ndtri(setting.tail)) * null) / distance
    found = root * root * setting.widening if root > 0 else 0.0
    return found if found <= MOST_UNITS else None


def restricted(
    treatment: float, control: float, *, shares: tuple[float, float], null: float, scale: str
) -> tuple[float, float]:
    """The likeliest proportions whose difference or ratio is `null`; treatment first in all pairs.

    Farrington and Manning 1990, appendix: the root of a cubic for a difference, of a quadratic for a ratio.
    """
    theta = shares[1] / shares[0]
    if scale == "relative":
        a, b = 1 + theta, -(null * (1 + theta * control) + theta + treatment)
        c = null * (treatment + theta * control)
        first = 2 * c / (-b + math.sqrt(max(b * b - 4 * a * c, 0.0)))
        return first, first / null
    a, b = 1 + theta, -(1 + theta + treatment + theta * control + null * (theta + 2))
    c = null * null + null * (2 * treatment + theta + 1) + treatment + theta * control
    d = -treatment * null * (1 + null)
    v = b**3 / (27 * a**3) - b * c / (6 * a * a) + d / (2 * a)
    u = math.copysign(math.sqrt(max(b * b / (9 * a * a) - c / (3 * a), 0.0)), v)
    w = (math.pi + math.acos(max(-1.0, min(1.0, v / u**3)) if u else 0.0)) / 3
    first = 2 * u * math.cos(w) - b / (3 * a)
    return first, first - null


def _parts(control: float, setting: Setting, effect: float) -> tuple[float, float, float]:
    """Distance from the null toward what is to be shown, and √N-fold standard errors under null and truth."""
    if setting.correlation:
        raise BadInput("the score test takes no covariate", where="correlation", mend="plan with `power` or `units`")
    baseline = of_proportion(control)
    check_effect(baseline, setting, effect)
    relative = setting.scale == "relative"
    treatment = control * (1 + effect) if relative else control + effect
    null = _null(setting)
    factor = null if relative else 1.0
    at_null = restricted(
        treatment, control, shares=(setting.treatment, setting.control), null=null, scale=setting.scale
    )
    distance = treatment - null * control if relative else treatment - control - null
    if setting.margin is None:
        distance = abs(distance)
    elif setting.direction == "down":
        distance = -distance
    errors = [
        math.sqrt(max(p1 * (1 - p1) / setting.treatment + factor * factor * p0 * (1 - p0) / setting.control, 0.0))
        for p1, p0 in (at_null, (treatment, control))
    ]
    return distance, errors[0], errors[1]


def _null(setting: Setting) -> float:
    margin = (setting.margin or 0.0) * (-1 if setting.direction == "up" else 1)
    return 1 + margin if setting.scale == "relative" else margin
