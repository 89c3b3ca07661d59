"""Does one unit carry a mean? First by a bound from `Moments`; only where that is not enough by values. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from imp_experiments.measure.extremes import Range
from imp_experiments.measure.moments import Moments
from imp_experiments.readout.readout import Check
from imp_experiments.stats.effect import Comparison
from imp_experiments.stats.health.outliers import Extremes, OneUnit, Outliers, outliers

__all__ = ["NAME", "may_carry", "outlier_in_archive", "outlier_of"]

NAME: Final = "outliers"
_FAR: Final = "{variant} or {control}: one unit holds a large share of the spread, and so may carry the difference"


def may_carry(moments: Moments, column: str, variant: str, control: str) -> bool:
    """Whether a unit of either may lie so far out that the values must be looked at; no scan is needed for this."""
    return _judged(moments, column, variant, control, most=True).verdict == "warning"


def outlier_in_archive(
    moments: Moments, column: str, *, metric: str, variant: str, control: str, counts: bool
) -> Check:
    """The verdict alone, from the bound alone: no figure of one unit. `counts`: values cannot be below 0.

    Where the bound leaves both open it is not tested: an extreme unit may lie on either side of the mean.
    """
    about, fine = f"{metric}, {variant}", "no unit holds a large share of its variant's spread"
    least = _judged(moments, column, variant, control, most=False)
    most = least if counts else _judged(moments, column, variant, control, most=True)
    if least.verdict == "warning":
        text = _FAR.format(variant=variant, control=control)
        return Check(name=NAME, about=about, verdict="warning", text=text)
    if least.verdict == "not tested" or most.verdict == "ok":
        return Check(name=NAME, about=about, verdict=least.verdict, text=least.reason or fine)
    text = "how far out the farthest unit lies is not known well enough to tell whether it carries the difference"
    return Check(name=NAME, about=about, verdict="not tested", text=text)


def outlier_of(
    moments: Moments,
    column: str,
    ranges: Mapping[str, Range] | None,
    *,
    metric: str,
    variant: str,
    control: str,
    alpha: float,
) -> Check:
    """With all figures, for whoever holds the values; without `ranges` the bound was enough."""
    if ranges is None:
        found = _judged(moments, column, variant, control, most=True)
    else:
        sides = [_exact(moments, column, ranges, name) for name in (variant, control)]
        found = outliers(sides[0], sides[1], alpha=alpha)
    text = found.reason or "no unit holds a large share of its variant's spread"
    if found.verdict == "warning":
        text = _told(found, variant, control)
    return Check(name=NAME, about=f"{metric}, {variant}", verdict=found.verdict, text=text)


def _exact(moments: Moments, column: str, ranges: Mapping[str, Range], name: str) -> Extremes:
    low, high = ranges.get(name, (None, None))
    return Extremes(summary=moments.summary(column, name), lowest=low, highest=high)


def _judged(moments: Moments, column: str, variant: str, control: str, *, most: bool) -> Outliers:
    sides = [_bounded(moments, column, name, most=most) for name in (variant, control)]
    return outliers(sides[0], sides[1])


def _bounded(moments: Moments, column: str, name: str, *, most: bool) -> Extremes:
    """A side with its farthest unit as far out as it may be (`most`), or as near as it must be at least.

    The farthest from the shift lies on one of its sides; the mean is between, and no unit holds more than
    (n - 1) / n of the spread.
    """
    summary, shift = moments.summary(column, name), moments.shifts[moments.columns.index(column)]
    if summary.mean is None or summary.variance is None:
        return Extremes(summary=summary, lowest=summary.mean, highest=summary.mean)
    away, reach = summary.mean - shift, moments.farthest(column, name)
    gap = reach + abs(away) if most else max(0.0, reach - abs(away))
    largest = (summary.n - 1) * math.sqrt(summary.variance / summary.n) if summary.variance >= 0 else gap
    return Extremes(summary=summary, lowest=summary.mean, highest=summary.mean + min(gap, largest))


def _told(found: Outliers, variant: str, control: str) -> str:
    unit = found.variant if found.farthest == "variant" else found.control
    name = variant if found.farthest == "variant" else control
    if unit is None:
        return _FAR.format(variant=variant, control=control)
    told = (
        f"one unit of {name} ({_number(unit.value)}, {unit.distance:.3g} standard deviations from the mean) holds "
        f"{unit.share_of_spread:.1%} of the spread{_of_sum(unit)}"
    )
    with_it, without_it = _difference(found.with_it), _difference(found.without_it)
    if with_it is None or without_it is None:
        return told
    turned = "; it decides whether a difference is shown" if found.turns else ""
    return f"{told}; {variant} - {control} is {with_it} with it and {without_it} without it{turned}"


def _of_sum(unit: OneUnit) -> str:
    return "" if unit.share_of_sum is None else f" and {unit.share_of_sum:.2%} of the sum"


def _difference(compared: Comparison | None) -> str | None:
    if compared is None or compared.absolute is None:
        return None
    effect = compared.absolute
    return f"{effect.estimate:+,.4g} (p = {effect.p_value:.2g})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:,.6g}"  # noqa: PLR2004 (whole)
