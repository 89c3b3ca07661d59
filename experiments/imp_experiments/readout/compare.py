"""Comparisons as they are shown: every treatment against control, one metric at a time. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from imp_core.suppress import hidden
from imp_experiments.measure.layout import UNITS
from imp_experiments.measure.moments import Moments
from imp_experiments.measure.quantiles import QuantileRow
from imp_experiments.measure.ranks import RankSums
from imp_experiments.readout.readout import Compared
from imp_experiments.stats.contrast import Contrast, TContrast, figures
from imp_experiments.stats.effect import Comparison, Condition
from imp_experiments.stats.estimate import Estimates, Quantity, estimate
from imp_experiments.stats.quantile import QuantileContrast, quantile_contrast
from imp_experiments.stats.ranks import rank_contrast
from imp_experiments.stats.score import Count, few_events, score
from imp_experiments.stats.welch import METHOD

__all__ = [
    "FEW_CLUSTERS",
    "Asked",
    "Candidate",
    "Tested",
    "compare_metric",
    "compare_quantile",
    "compare_ranks",
    "show",
    "units_in",
]

_FEW_EVENTS: Final = 10
# Fewer clusters than these in a variant, and their errors are rough.
FEW_CLUSTERS: Final = 30
_NO_VALUE: Final = ("not_finite", "no_denominator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A metric to compare: its name, its kind, what of the moments it is, and the scale whose p is the p."""

    metric: str
    kind: str
    quantity: Quantity
    scale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One comparison before it is known what of it may be shown; pairs are of variant and control.

    `clusters` is None where units were randomised.
    """

    variant: str
    control: str
    units: tuple[int, int]
    values: tuple[float | None, float | None]
    contrast: Contrast
    variance_saved: float | None = None
    clusters: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A comparison as shown, and what is behind it, for other tails and nulls.

    `contrast` is None where figures are barred; `estimates` of all variants where the method has them.
    """

    compared: Compared
    contrast: Contrast | None
    estimates: Estimates | None = None


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

    A comparison with a variant of 1 to k - 1 units, or clusters, shows nothing of it. `barred` is a condition's
    code that forbids all figures of this metric.
    """
    names = [control, *variants]
    estimates = estimate(moments, asked.quantity, names)
    made = _made(asked.quantity, estimates)
    plain, method = _unadjusted(moments, made, names), _method(moments, made)
    out = []
    for variant in variants:
        candidate = Candidate(
            variant=variant,
            control=control,
            units=(units_in(moments, variant), units_in(moments, control)),
            values=(_value(estimates, variant), _value(estimates, control)),
            contrast=_contrast(moments, asked, estimates, (variant, control), method),
            variance_saved=None if plain is None else _saved(estimates, plain, variant, control),
            clusters=(moments.count(variant), moments.count(control)) if UNITS in moments.columns else None,
        )
        shown = show(asked.metric, asked.kind, candidate, scale=asked.scale, tail=tail, k=k, barred=barred)
        out.append(replace(shown, estimates=estimates))
    return out


def compare_quantile(
    metric: str,
    rows: Mapping[str, QuantileRow],
    units: Mapping[str, int],
    *,
    variants: Sequence[str],
    control: str,
    scale: str,
    tail: float,
    k: int = 0,
) -> list[Tested]:
    """Compare a quantile of each of `variants` with control's; `units` counts those in each variant.

    The rows are of a scan with `quantile_points` of its default tail: the error does not depend on `tail`.
    It is what some unit has: not shown where fewer than `k` of a variant lie beyond it, as one might know whose it is.
    """
    out = []
    for variant in variants:
        contrast = quantile_contrast(rows[variant], rows[control])
        candidate = Candidate(
            variant=variant,
            control=control,
            units=(units[variant], units[control]),
            values=(contrast.variant.estimate, contrast.control.estimate),
            contrast=contrast,
            clusters=_nested(rows[variant], rows[control]),
        )
        barred = "extreme_of_few" if any(_beyond(rows[name]) < k for name in (variant, control)) else None
        out.append(show(metric, "quantile", candidate, scale=scale, tail=tail, k=k, barred=barred))
    return out


def _beyond(row: QuantileRow) -> float:
    """How many units lie on the shorter side of a quantile; more than any where there are none to tell of."""
    return row.n * min(row.q, 1 - row.q) * (1 + 1e-12) if row.n else math.inf


def compare_ranks(metric: str, sums: RankSums, variant: str, control: str, *, tail: float) -> Tested:
    """Compare the ranks of a variant and of control: whether its units are above control's, on the absolute scale."""
    candidate = Candidate(
        variant=variant,
        control=control,
        units=(sums.n, sums.control_n),
        values=(None, None),
        contrast=rank_contrast(sums),
    )
    return show(metric, "ranks", candidate, scale="absolute", tail=tail)


def show(
    metric: str, kind: str, candidate: Candidate, *, scale: str, tail: float, k: int = 0, barred: str | None = None
) -> Tested:
    """A candidate as it is shown: see `compare_metric` for `k` and `barred`."""
    units, contrast = candidate.units, _rough(candidate)
    code = _hiding(candidate, k) or barred
    if code is None:
        result = figures(contrast, tail=tail)
    else:
        result = Comparison(absolute=None, relative=None, conditions=(Condition(code, "both"),))
    shown = code is None and all(condition.code not in _NO_VALUE for condition in result.conditions)
    compared = Compared(
        metric=metric,
        kind=kind,
        variant=candidate.variant,
        control=candidate.control,
        n_variant=hidden(units[0], k),
        n_control=hidden(units[1], k),
        value_variant=candidate.values[0] if shown else None,
        value_control=candidate.values[1] if shown else None,
        absolute=result.absolute,
        relative=result.relative,
        scale=scale,
        method=contrast.method,
        conditions=result.conditions,
        variance_saved=candidate.variance_saved if shown else None,
    )
    return Tested(compared=compared, contrast=contrast if code is None else None)


def _hiding(candidate: Candidate, k: int) -> str | None:
    """The code of the condition that hides a comparison of few."""
    if any(hidden(n, k) is None for n in candidate.units):
        return "fewer_than_k"
    if any(hidden(n, k) is None for n in candidate.clusters or ()):
        return "fewer_than_k_clusters"
    return None


def _rough(candidate: Candidate) -> Contrast:
    """The contrast, with a warning where there are few clusters but some."""
    contrast, clusters = candidate.contrast, candidate.clusters or ()
    if not any(n < FEW_CLUSTERS for n in clusters) or not isinstance(contrast, TContrast | QuantileContrast):
        return contrast
    if any(condition.bars and condition.scale == "both" for condition in contrast.conditions):
        return contrast
    return replace(contrast, conditions=(*contrast.conditions, Condition("few_clusters", "both")))


def _nested(variant: QuantileRow, control: QuantileRow) -> tuple[int, int] | None:
    """The clusters that values nest in; None where they do not."""
    if variant.clusters is None or control.clusters is None:
        return None
    return variant.clusters.count, control.clusters.count


def _made(quantity: Quantity, estimates: Estimates) -> Quantity:
    """The quantity as it was estimated: without the covariates where units were too few to adjust."""
    unadjusted = any(condition.code == "too_few_to_adjust" for condition in estimates.conditions)
    return replace(quantity, covariates=()) if unadjusted else quantity


def _contrast(moments: Moments, asked: Asked, estimates: Estimates, pair: tuple[str, str], method: str) -> Contrast:
    """By scores where a plain proportion has few events, else by t."""
    found = estimates.contrast(*pair, method=method)
    if asked.kind != "proportion" or UNITS in moments.columns:
        return found
    one, two = (_count(moments, asked.quantity.column, name) for name in pair)
    if one is None or two is None:
        return found
    plain = not asked.quantity.covariates and len(moments.strata) <= 1
    if plain and few_events((one.events, two.events), (one.n, two.n)):
        return score(one, two)
    rarest = min(min(side.events, side.n - side.events) for side in (one, two))
    if rarest >= _FEW_EVENTS or any(condition.bars and condition.scale == "both" for condition in found.conditions):
        return found
    return replace(found, conditions=(*found.conditions, Condition("few_events", "both")))


def _count(moments: Moments, column: str, name: str) -> Count | None:
    """Units with the event; None without units, or where the values are no flags."""
    summary = moments.summary(column, name)
    proper = summary.mean is not None and 0 <= summary.mean <= 1
    return Count(round(summary.n * summary.mean), summary.n) if summary.mean is not None and proper else None


def _method(moments: Moments, quantity: Quantity) -> str:
    """The method in words: what was estimated, adjusted for what, and how uncertain."""
    parts = []
    if quantity.denominator is not None and quantity.denominator != UNITS:
        parts.append("ratio of means by the delta method")
    if quantity.covariates:
        parts.append(f"adjusted for {', '.join(_covariates(quantity))} (Lin 2013)")
    if len(moments.strata) > 1:
        parts.append("post-stratified")
    if UNITS in moments.columns:
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


def units_in(moments: Moments, variant: str) -> int:
    """Units of a variant; where the moments are of clusters, the units in these."""
    if UNITS not in moments.columns:
        return moments.count(variant)
    summary = moments.summary(UNITS, variant)
    return 0 if summary.mean is None else round(summary.mean * summary.n)


def _value(estimates: Estimates, name: str) -> float | None:
    value = estimates.arm(name).value
    return value if math.isfinite(value) else None
