"""Estimates of each variant from `Moments`: means, adjusted for covariates and post-stratified, and ratios of them.

One path for all: the means of one or two columns per variant with their joint covariance over the variants; then, for a
ratio, the delta method. Adjustment is Lin's (2013) interacted form: μ̂_v = ȳ_v - Θ_v (x̄_v - x̄) with x̄ pooled over all
variants, variance R_v/n_v + Θ_v Σ_x Θ_v'/N, covariance of two variants Θ_v Σ_x Θ_w'/N, where R_v is the residual
covariance within a variant and Σ_x the covariates' covariance over all N units. Post-stratification weighs strata by
their share of all units (Miratrix, Sekhon & Yu 2013), and adds the covariance that the strata's random shares bring.

Of clusters only sums are known, and every mean of units is a ratio of them; those of unequal size count as fewer
(`effective_clusters`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from imp_experiments.measure.layout import UNITS
from imp_experiments.measure.moments import Joint, Moments
from imp_experiments.stats.contrast import Arm, TContrast, t_contrast
from imp_experiments.stats.effect import Condition
from imp_experiments.stats.effective_clusters import worth_of_clusters
from imp_experiments.stats.strata import of_stratum, with_enough

__all__ = ["Estimates", "Quantity", "estimate"]

Floats = npt.NDArray[np.float64]

_COLLINEAR = 1e-10
# what subtracting nearly equal products leaves behind is not variance
_NOISE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What is estimated of the columns of `Moments`: a mean, or with a denominator a ratio of means.

    `covariates` are columns to adjust for.
    """

    column: str
    denominator: str | None = None
    covariates: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The measured columns: one, or numerator and denominator."""
        return (self.column,) if self.denominator is None else (self.column, self.denominator)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Estimates:
    """Values (k) and covariance (k × k) of the estimates of k variants, with their units and degrees of freedom.

    `conditions` hold for every contrast of them. NaN: unknown, for a reason that a contrast names.
    """

    names: tuple[str, ...]
    n: tuple[int, ...]
    values: Floats
    covariance: Floats
    df: tuple[float, ...]
    conditions: tuple[Condition, ...] = ()

    def arm(self, name: str) -> Arm:
        """One variant's estimate."""
        i = self.names.index(name)
        return Arm(n=self.n[i], value=float(self.values[i]), variance=float(self.covariance[i, i]), df=self.df[i])

    def correlation(self, variants: Sequence[str], control: str, scale: str) -> Floats:
        """Correlation (m × m) of the differences of the variants from control, absolute or of logarithms.

        NaN where an estimate is unknown, or on the relative scale not positive.
        """
        places, base = [self.names.index(name) for name in variants], self.names.index(control)
        with np.errstate(all="ignore"):
            scaled = np.ones(len(self.names)) if scale == "absolute" else 1 / self.values
            spread = self.covariance * np.outer(scaled, scaled)
            # the rows of these alone: what is unknown of another variant stays its own
            with_base = spread[places, base]
            covariance = spread[np.ix_(places, places)] - with_base[:, None] - with_base[None, :] + spread[base, base]
            deviation = np.sqrt(np.diag(covariance))
            found: Floats = covariance / np.outer(deviation, deviation)
        return found

    def contrast(self, variant: str, control: str, *, method: str) -> TContrast:
        """A variant against control."""
        i, j = self.names.index(variant), self.names.index(control)
        between = float(self.covariance[i, j])
        return t_contrast(
            self.arm(variant), self.arm(control), covariance=between, method=method, conditions=self.conditions
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Means:
    """Means (k × p) and their covariance (k·p × k·p, by variant then column), units, degrees of freedom."""

    n: tuple[int, ...]
    values: Floats
    covariance: Floats
    df: tuple[float, ...]
    adjusted: bool


def estimate(moments: Moments, quantity: Quantity, names: Sequence[str]) -> Estimates:
    """Estimate a quantity in each of the named variants; strata of the moments are weighed by their share of all units.

    Strata with too few units in some variant are merged; where too few units are left to adjust, the estimates are not
    adjusted. A condition says either. What is too large for floating point is NaN or infinite, which a contrast names.
    """
    with np.errstate(all="ignore"):
        return _estimate(moments, quantity, names)


def _estimate(moments: Moments, quantity: Quantity, names: Sequence[str]) -> Estimates:
    mine = moments.select(lambda cell: cell.variant in names)
    mine, merged = with_enough(mine, names, covariates=len(quantity.covariates))
    conditions = [Condition("strata_merged", "both")] if merged else []
    conditions += [Condition("spread_lost", "both")] if _spread_lost(mine, quantity.column, names) else []
    strata = mine.strata
    if len(strata) <= 1:
        means = _adjusted(mine, quantity, names)
        adjusted = means.adjusted
    else:
        parts = [_adjusted(mine.select(of_stratum(stratum)), quantity, names) for stratum in strata]
        means = _weighed(parts)
        adjusted = all(part.adjusted for part in parts)
    if quantity.covariates and not adjusted:
        conditions.append(Condition("too_few_to_adjust", "both"))
    found = _ratio(means, names) if quantity.denominator is not None else _plain(means, names)
    return replace(found, conditions=(*found.conditions, *conditions))


def _spread_lost(moments: Moments, column: str, names: Sequence[str]) -> bool:
    """Whether no variant's units have a spread, though some differ."""
    flat = all(moments.summary(column, name).variance == 0 for name in names)
    return flat and any(moments.spread_lost(column, name) for name in names)


def _adjusted(moments: Moments, quantity: Quantity, names: Sequence[str]) -> _Means:
    """Means of the columns in each variant, adjusted within these cells."""
    y, x = quantity.columns, quantity.covariates
    p = len(y)
    joints = [moments.joint((*y, *x), name) for name in names]
    counts = tuple(joint.n for joint in joints)
    use = bool(x) and all(n > len(x) + 2 for n in counts) and all(np.isfinite(one.covariance).all() for one in joints)
    pooled = moments.joint(x) if use else None
    values = np.empty((len(names), p))
    covariance = np.zeros((len(names) * p, len(names) * p))
    slopes: list[Floats] = []
    df = []
    for i, joint in enumerate(joints):
        slope, rank = _slopes(joint, p) if pooled is not None else (np.zeros((p, len(x))), 0)
        shift = joint.means[p:] - pooled.means if pooled is not None else np.zeros(len(x))
        values[i] = joint.means[:p] - slope @ shift
        block = slice(i * p, (i + 1) * p)
        worth = worth_of_clusters(joint) if UNITS in moments.columns and p > 1 else 1.0
        # G*/(G* - 1) for G/(G - 1), and so few degrees of freedom
        wider = (1 + worth * (joint.n - 1)) / joint.n / worth if worth < 1 else 1.0
        covariance[block, block] = _residual(joint, slope, p, rank) / max(joint.n, 1) * wider
        slopes.append(slope)
        df.append((joint.n - 1 - rank) * worth)
    if pooled is not None and pooled.n:
        stacked = np.vstack(slopes)
        covariance += stacked @ pooled.covariance @ stacked.T / pooled.n
    return _Means(counts, values, covariance, tuple(df), adjusted=pooled is not None)


def _slopes(joint: Joint, p: int) -> tuple[Floats, int]:
    """Regression of the columns on the covariates (p × q), and how many covariates count: collinear ones do not."""
    xx, yx = joint.covariance[p:, p:], joint.covariance[:p, p:]
    scale = np.sqrt(np.diag(xx))
    inverse = np.where(scale > 0, 1 / np.where(scale > 0, scale, 1.0), 0.0)
    correlation = xx * np.outer(inverse, inverse)
    slope = yx * inverse @ np.linalg.pinv(correlation, rcond=_COLLINEAR, hermitian=True) * inverse
    return slope, int(np.linalg.matrix_rank(correlation, tol=_COLLINEAR, hermitian=True))


def _residual(joint: Joint, slope: Floats, p: int, rank: int) -> Floats:
    """Residual covariance within a variant, with the degrees of freedom that the slopes take."""
    yy, yx = joint.covariance[:p, :p], joint.covariance[:p, p:]
    left = yy if not rank else yy - slope @ yx.T - yx @ slope.T + slope @ joint.covariance[p:, p:] @ slope.T
    left = np.where(np.abs(left) <= _NOISE * np.abs(yy), 0.0, left)
    return left * ((joint.n - 1) / (joint.n - 1 - rank)) if rank else left


def _weighed(parts: Sequence[_Means]) -> _Means:
    """Strata together: Σ w_s μ̂_s, variance Σ w_s² V_s and what the strata's random shares bring."""
    totals = np.array([sum(part.n) for part in parts], dtype=float)
    weights = totals / totals.sum()
    stacked = np.array([part.values.ravel() for part in parts])
    mean = weights @ stacked
    about = stacked - mean
    covariance = sum(w * w * part.covariance for w, part in zip(weights, parts, strict=True))
    shares = (about * weights[:, None]).T @ about / totals.sum()
    first = parts[0].values.shape
    df = tuple(_pooled_df(parts, weights, index, first[1]) for index in range(first[0]))
    n = tuple(sum(part.n[index] for part in parts) for index in range(first[0]))
    return _Means(n, mean.reshape(first), np.asarray(covariance) + shares, df, adjusted=parts[0].adjusted)


def _pooled_df(parts: Sequence[_Means], weights: Floats, index: int, p: int) -> float:
    """Satterthwaite over the strata of one variant, by its first column."""
    place = index * p
    pieces = [w * w * float(part.covariance[place, place]) for w, part in zip(weights, parts, strict=True)]
    total = sum(pieces)
    if not total > 0:
        return float(sum(part.df[index] for part in parts))
    below = sum((piece / total) ** 2 / part.df[index] for piece, part in zip(pieces, parts, strict=True))
    return 1.0 / below if below > 0 else math.inf


def _plain(means: _Means, names: Sequence[str]) -> Estimates:
    return Estimates(names=tuple(names), n=means.n, values=means.values[:, 0], covariance=means.covariance, df=means.df)


def _ratio(means: _Means, names: Sequence[str]) -> Estimates:
    """Numerator over denominator by the delta method, with their covariance within and between variants."""
    numerators, denominators = means.values[:, 0], means.values[:, 1]
    counted = np.array([n > 0 for n in means.n])
    if np.any(counted & ~(denominators > 0) & np.isfinite(denominators)):
        nothing = np.full(len(names), math.nan)
        conditions = (Condition("no_denominator", "both"),)
        return Estimates(
            names=tuple(names),
            n=means.n,
            values=nothing,
            covariance=np.diag(nothing),
            df=means.df,
            conditions=conditions,
        )
    values = numerators / denominators
    gradient = np.zeros((len(names), 2 * len(names)))
    for i in range(len(names)):
        gradient[i, 2 * i] = 1 / denominators[i]
        gradient[i, 2 * i + 1] = -values[i] / denominators[i]
    covariance = _sandwich(gradient, means.covariance)
    return Estimates(names=tuple(names), n=means.n, values=values, covariance=covariance, df=means.df)


def _sandwich(gradient: Floats, covariance: Floats) -> Floats:
    """G C G' where each variant's row of G touches its own two columns: a NaN of one variant stays its own."""
    k = gradient.shape[0]
    out = np.zeros((k, k))
    for i in range(k):
        for j in range(k):
            a, b = slice(2 * i, 2 * i + 2), slice(2 * j, 2 * j + 2)
            found = gradient[i, a] @ covariance[a, b] @ gradient[j, b]
            size = np.abs(gradient[i, a]) @ np.abs(covariance[a, b]) @ np.abs(gradient[j, b])
            out[i, j] = 0.0 if abs(found) <= _NOISE * size else found
    return out
