"""The vocabulary of results: an `Effect` with its uncertainty, or a named `Condition` why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["CONDITIONS", "WARNINGS", "Comparison", "Condition", "Effect"]

# code → what it means, for people. All but `WARNINGS` come with null figures, never with plausible ones.
CONDITIONS: Final[dict[str, str]] = {
    "no_units": "a variant has no units",
    "one_unit": "a variant has a single unit, so that its variance is unknown",
    "zero_variance": "nothing varies between units of a variant, so that there is no variance to test by",
    "spread_lost": "the values' spread, if any, is below what double precision holds: subtract a constant, or rescale",
    "one_varies": "all units of one variant have the same value: the interval rests on the other's spread alone",
    "not_finite": "a value is not a number, infinite, or too large or small to square",
    "mean_not_positive": "a mean is zero or negative, so that there is no relative difference on the log scale",
    "control_near_zero": "control's mean is under three standard errors from 0: relative figures are unreliable",
    "unbounded": "the interval has no finite end",
    "no_denominator": "the mean of the ratio's denominator is zero or negative",
    "too_few_to_adjust": "too few units to adjust for covariates: the figures are not adjusted",
    "strata_merged": "strata with too few units in some variant were merged",
    "before_first_look": "too few units or conversions for a first look: figures come with it",
    "no_look": "no information was added since the last look, so that nothing may be tested now",
    "several_currencies": "amounts in several currencies do not add: name one in the metric's where",
    "fewer_than_k": "a variant has fewer than k units, which are not shown",
    "extreme_of_few": "fewer than k units of a variant lie beyond this quantile, which would tell what one of them has",
    "no_events": "no unit of either variant has the event, so that there is no relative difference",
    "control_zero": "no unit of control has the event, so that the relative difference has neither estimate nor end",
    "variant_zero": "no unit of the variant has the event, so that the relative interval begins at exactly -100 %",
    "few_values": "a variant has too few values for an interval around this quantile",
    "ties": "the values around the quantile are one and the same, so that its standard error is unknown",
    "quantile_not_positive": "a quantile is zero or negative, so that there is no relative difference on the log scale",
    "separated": "every unit of one variant is above every unit of the other, so that the probability has no error",
    "all_tied": "all units of both variants have one value, so that there are no ranks to compare",
    "no_relative_scale": "the probability of being above is not a share of control's: it has no relative difference",
    "no_error": "the effect has no standard error above zero or no degrees of freedom: its uncertainty is unknown",
    "no_clusters": "no unit names a cluster, so that errors by cluster cannot be had",
    "fewer_than_k_clusters": "a variant has fewer than k clusters, whose spread is not shown",
    "few_clusters": "a variant has fewer than thirty clusters: errors by cluster are rough",
    "few_events": "a variant has fewer than ten units on one side of the proportion: the normal approximation is rough",
    "impossible": "a count or a variance is below zero, which no units have",
    "missing_cells": "some cells of the design have no units: what rests on them is not estimable, or on fewer cells",
    "not_estimable": "the cells with units cannot tell this effect from others of the model",
    "no_spread": "no unit departs from what the model fits, so that there is no error to test against",
    "constant_cell": "all units of a cell have the same value, so that how sure its mean is remains unknown",
    "small_cells": "a cell has fewer than thirty units: the normal approximation is rough",
    "cells_dependent": "the cells' estimates depend on each other: the best is not corrected for having been picked",
    "tied_cells": "the leading cells are tied: how much too good the leader is cannot be told, as its interval says",
    "too_many_cells": "more than 64 cells are too many to correct the best of them for having been picked",
    "not_factored": "factors are not analysed for this kind of metric",
    "constant_cells": "all units of some cells have the same value: the errors rest on the spread of the others",
}
# Beside these the figures stand.
WARNINGS: Final = frozenset(
    {
        "constant_cells",
        "control_near_zero",
        "few_clusters",
        "few_events",
        "missing_cells",
        "one_varies",
        "small_cells",
        "strata_merged",
        "tied_cells",
        "too_few_to_adjust",
        "variant_zero",
    }
)


@dataclass(frozen=True, slots=True)
class Condition:
    """Something to know of a figure: a code of `CONDITIONS`, and the scale it concerns (absolute, relative, both)."""

    code: str
    scale: str

    @property
    def text(self) -> str:
        """The condition in words."""
        return CONDITIONS[self.code]

    @property
    def bars(self) -> bool:
        """Whether there is no figure on its scale."""
        return self.code not in WARNINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A difference: estimate, interval, standard error, two-sided p and degrees of freedom, all of one statistic.

    Absolute: variant - control, in the metric's units. Relative: variant / control - 1; there the statistic is
    log(variant / control), `se` is that logarithm's standard error, and the interval is not symmetric.
    """

    estimate: float
    low: float
    high: float
    se: float
    p_value: float
    df: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both scales of one difference; None where a condition names the reason."""

    absolute: Effect | None
    relative: Effect | None
    conditions: tuple[Condition, ...] = ()
