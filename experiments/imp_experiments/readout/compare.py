"""From `Moments` to comparisons: every treatment against control, one metric at a time. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from imp_core.suppress import hidden
from imp_experiments.measure.layout import UNITS
from imp_experiments.measure.moments import Moments
from imp_experiments.readout.readout import Compared
from imp_experiments.stats.contrast import Contrast, figures
from imp_experiments.stats.effect import Comparison, Condition
from imp_experiments.stats.estimate import Estimates, Quantity, estimate
from imp_experiments.stats.welch import METHOD

__all__ = ["Asked", "Tested", "compare_metric"]

_FEW_EVENTS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A metric to compare: its name, its kind, what of the moments it is, and the scale whose p is the p."""

    metric: str
    kind: str
    quantity: Quantity
    scale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A comparison as shown, and the contrast behind it (None: figures are barred), for other tails and nulls."""

    compared: Compared
    contrast: Contrast | None


def compare_metric(
    moments: Moments,
    asked: Asked,
    *,
    variants: Sequence[str],
    control: str,
    tail: float,
    k: int = 0,
    barred: str | None = None,
) -> list[Tested]:
    """Compare each of `variants` with control; intervals leave `tail` on each side.

    A comparison with a variant of 1 to k - 1 units shows nothing of it. `barred` is a condition's code that forbids all
    figures of this metric.
    """
    names = [control, *variants]
    estimates = estimate(moments, asked.quantity, names)
    plain = _unadjusted(moments, asked.quantity, names)
    out = []
    for variant in variants:
        units = (_units(moments, variant), _units(moments, control))
        code = "fewer_than_k" if any(hidden(n, k) is None for n in units) else barred
        if code is None:
            found = estimates.contrast(variant, control, method=method_of(moments, asked.quantity))
            contrast: Contrast | None = found
            result = figures(found, tail=tail)
            conditions = result.conditions + _advice(moments, asked, result, (variant, control))
        else:
            contrast = None
            result = Comparison(absolute=None, relative=None)
            conditions = (Condition(code, "both"),)
        shown = code is None and all(condition.code not in _NO_VALUE for condition in conditions)
        compared = Compared(
            metric=asked.metric,
            kind=asked.kind,
            variant=variant,
            control=control,
            n_variant=hidden(units[0], k),
            n_control=hidden(units[1], k),
            value_variant=_value(estimates, variant, shown=shown),
            value_control=_value(estimates, control, shown=shown),
            absolute=result.absolute,
            relative=result.relative,
            scale=asked.scale,
            method=method_of(moments, asked.quantity),
            conditions=conditions,
            variance_saved=None if plain is None or not shown else _saved(estimates, plain, variant, control),
        )
        out.append(Tested(compared=compared, contrast=contrast))
    return out


_NO_VALUE: Final = ("not_finite", "no_denominator")


def method_of(moments: Moments, quantity: Quantity) -> str:
    """The method in words: what was estimated, adjusted for what, and how uncertain."""
    clustered = UNITS in moments.columns
    parts = []
    if quantity.denominator is not None and quantity.denominator != UNITS:
        parts.append("ratio of means by the delta method")
    if quantity.covariates:
        parts.append(f"adjusted for {', '.join(_covariates(quantity))} (Lin 2013)")
    if len(moments.strata) > 1:
        parts.append("post-stratified")
    if clustered:
        parts.append("errors by cluster")
    return "; ".join([METHOD, *parts])


def _covariates(quantity: Quantity) -> list[str]:
    """The covariates' names for people, without their indicators."""
    shown = [name for name in quantity.covariates if not name.startswith(("missing ", "unknown before "))]
    return [name.removeprefix("number ") for name in shown]


def _unadjusted(moments: Moments, quantity: Quantity, names: Sequence[str]) -> Estimates | None:
    """The same without covariates and strata; None where there are none."""
    if not quantity.covariates and len(moments.strata) <= 1:
        return None
    pooled = moments.rename(lambda cell: replace(cell, stratum=""))
    return estimate(pooled, replace(quantity, covariates=()), names)


def _saved(adjusted: Estimates, plain: Estimates, variant: str, control: str) -> float | None:
    """The share of the difference's variance that adjustment took away; below 0 where it added some."""
    spreads = []
    for estimates in (adjusted, plain):
        one, two = estimates.names.index(variant), estimates.names.index(control)
        c = estimates.covariance
        spreads.append(float(c[one, one] + c[two, two] - 2 * c[one, two]))
    return 1 - spreads[0] / spreads[1] if spreads[1] > 0 and math.isfinite(spreads[0]) else None


def _units(moments: Moments, variant: str) -> int:
    """Units of a variant; where the moments are of clusters, the units in these."""
    if UNITS not in moments.columns:
        return moments.count(variant)
    summary = moments.summary(UNITS, variant)
    return 0 if summary.mean is None else round(summary.mean * summary.n)


def _value(estimates: Estimates, name: str, *, shown: bool) -> float | None:
    value = estimates.arm(name).value
    return value if shown and not math.isnan(value) else None


def _advice(moments: Moments, asked: Asked, result: Comparison, sides: Sequence[str]) -> tuple[Condition, ...]:
    """A proportion near 0 or 1 in few units: the figures stand, with a warning."""
    if asked.kind != "proportion" or result.absolute is None:
        return ()
    summaries = [moments.summary(asked.quantity.column, side) for side in sides]
    fewest = min(min(one.n * mean, one.n * (1 - mean)) for one in summaries if (mean := one.mean) is not None)
    return (Condition("few_events", "both"),) if fewest < _FEW_EVENTS else ()
