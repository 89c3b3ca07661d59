"""The t contrasts of `estimate` and `TContrast` for many experiments at once, as simulation needs them: arrays alone.

The same formulas in the same order as `stats/estimate.py` and `stats/contrast.py`, over a leading axis of runs; strata
are left to those. `tests/experiments/simulate/test_simulate.py` holds every figure to the engine's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

__all__ = ["ManyContrasts", "ManySums", "many_contrasts", "tail_beyond"]

Floats = npt.NDArray[np.float64]

_COLLINEAR: Final = 1e-10
_RESOLUTION: Final = 1e-9
_NOISE: Final = 1e-12
_LARGEST_LOG: Final = 709.0
_LEAST_WORTH: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ManySums:
    """Sums of value - shift over the units of k variants, control first, in r runs.

    `n` (k): units, the same in every run. `sums`, `squares` (r × k × c) follow the columns: one or, of a ratio, two
    that are measured, then the covariates. `products` (r × k × c(c-1)/2) follow the pairs (0,1), (0,2) … (1,2) …;
    `shifts` (c) were taken from the values. `clustered`: the units are clusters, of which sums are known; the second
    column is their size.
    """

    n: npt.NDArray[np.int64]
    shifts: Floats
    sums: Floats
    squares: Floats
    products: Floats
    clustered: bool = False


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ManyContrasts:
    """One treatment against control in r runs: difference (of logarithms on the relative scale), its se and df.

    NaN where the engine shows no figure. `values` (r × 2) are those of the treatment and of control.
    """

    difference: Floats
    se: Floats
    df: Floats
    values: Floats


def many_contrasts(sums: ManySums, *, measured: int, scale: str) -> list[ManyContrasts]:
    """Every treatment against control; `measured` is 1, or 2 for a ratio of the first column to the second."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        means, covariance = _joint(sums)
        worth = _worth(sums.n, means, covariance) if sums.clustered and measured > 1 else np.ones(means.shape[:2])
        values, spread, df = _adjusted(sums.n, means, covariance, measured, worth)
        if measured > 1:
            values, spread = _ratio(values, spread)
        else:
            values, spread = values[..., 0], spread[:, :, :, 0, 0]
        return [
            _contrast(values, spread, np.where(sums.n > 1, df, math.nan), place, scale=scale)
            for place in range(1, len(sums.n))
        ]


def tail_beyond(contrasts: ManyContrasts, null: float, scale: str) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The nominal tail of the statistic about a null effect, half of the two-sided p, and whether it lies above it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        about = contrasts.difference - (null if scale == "absolute" else math.log1p(null))
        statistic = about / contrasts.se
    return np.asarray(stdtr(contrasts.df, -np.abs(statistic))), statistic > 0


def _joint(sums: ManySums) -> tuple[Floats, Floats]:
    """Means (r × k × c) and covariance (r × k × c × c) as `Moments.joint` has them."""
    n = sums.n.astype(float)[None, :, None]
    columns = sums.sums.shape[2]
    means = sums.shifts + sums.sums / n
    about = sums.squares - sums.sums**2 / n
    variance = np.where(about <= _RESOLUTION * sums.squares, 0.0, about / (n - 1))
    variance = np.where(np.sqrt(variance) <= _NOISE * np.abs(means), 0.0, variance)
    covariance = np.empty((*sums.sums.shape, columns))
    place = 0
    for i in range(columns):
        covariance[..., i, i] = variance[..., i]
        for j in range(i + 1, columns):
            between = (sums.products[..., place] - sums.sums[..., i] * sums.sums[..., j] / n[..., 0]) / (n[..., 0] - 1)
            between = np.where((variance[..., i] == 0) | (variance[..., j] == 0), 0.0, between)
            covariance[..., i, j] = covariance[..., j, i] = between
            place += 1
    return means, covariance


def _adjusted(
    n: npt.NDArray[np.int64], means: Floats, covariance: Floats, measured: int, worth: Floats
) -> tuple[Floats, Floats, Floats]:
    """Lin's adjusted means (r × k × p), their covariance (r × k × k × p × p) and df (r × k)."""
    runs, k, columns = means.shape
    p, q = measured, columns - measured
    values = means[..., :p].copy()
    spread = np.zeros((runs, k, k, p, p))
    df = np.broadcast_to((n - 1).astype(float), (runs, k)).copy()
    own = covariance[..., :p, :p]
    use = q > 0 and bool(np.all(n > q + 2)) and bool(np.isfinite(covariance).all())
    if use:
        slopes, rank = _slopes(covariance, p)
        center, between = _pooled(n, means[..., p:], covariance[..., p:, p:])
        values -= np.einsum("rkpq,rkq->rkp", slopes, means[..., p:] - center[:, None])
        df -= rank
        own = _residual(covariance, slopes, p, n, rank)
        spread += np.einsum("rkpq,rqs,rlos->rklpo", slopes, between, slopes) / n.sum()
    wider = np.where(worth < 1, (1 + worth * (n - 1)) / n / worth, 1.0)
    for i in range(k):
        spread[:, i, i] += own[:, i] / max(int(n[i]), 1) * wider[:, i, None, None]
    return values, spread, df * worth


def _worth(n: npt.NDArray[np.int64], means: Floats, covariance: Floats) -> Floats:
    """What clusters are worth (r × k) by their sizes, as `stats/estimate.py` has it."""
    square = (n - 1) * covariance[..., 1, 1]
    effective = n / (1 + square / n / means[..., 1] ** 2)
    return np.where(effective < n, np.maximum((effective - 1) / (n - 1), _LEAST_WORTH), 1.0)


def _slopes(covariance: Floats, p: int) -> tuple[Floats, Floats]:
    xx, yx = covariance[..., p:, p:], covariance[..., :p, p:]
    scale = np.sqrt(np.diagonal(xx, axis1=-2, axis2=-1))
    inverse = np.where(scale > 0, 1 / scale, 0.0)
    if xx.shape[-1] == 1:
        return yx * inverse[..., None] ** 2, (scale[..., 0] > 0).astype(float)
    correlation = xx * inverse[..., :, None] * inverse[..., None, :]
    solved = np.linalg.pinv(correlation, rcond=_COLLINEAR, hermitian=True)
    slopes = (yx * inverse[..., None, :]) @ solved * inverse[..., None, :]
    return slopes, np.linalg.matrix_rank(correlation, tol=_COLLINEAR, hermitian=True).astype(float)


def _pooled(n: npt.NDArray[np.int64], means: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Mean (r × q) and covariance (r × q × q) of the covariates over the units of all variants."""
    total = n.sum()
    center = np.einsum("k,rkq->rq", n / total, means)
    about = means - center[:, None]
    within = np.einsum("k,rkqs->rqs", (n - 1).astype(float), covariance)
    return center, (within + np.einsum("k,rkq,rks->rqs", n.astype(float), about, about)) / (total - 1)


def _residual(covariance: Floats, slopes: Floats, p: int, n: npt.NDArray[np.int64], rank: Floats) -> Floats:
    yy, yx, xx = covariance[..., :p, :p], covariance[..., :p, p:], covariance[..., p:, p:]
    crossed = np.einsum("rkpq,rkoq->rkpo", slopes, yx)
    left = yy - crossed - np.swapaxes(crossed, -1, -2) + np.einsum("rkpq,rkqs,rkos->rkpo", slopes, xx, slopes)
    left = np.where(np.abs(left) <= _NOISE * np.abs(yy), 0.0, left)
    return left * ((n - 1) / (n - 1 - rank))[..., None, None]


def _ratio(values: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Numerator over denominator by the delta method: values (r × k), covariance (r × k × k)."""
    below = values[..., 1]
    positive = np.all(below > 0, axis=1, keepdims=True)
    ratio = np.where(positive, values[..., 0] / below, math.nan)
    gradient = np.stack([1 / below, -ratio / below], axis=-1)
    found = np.einsum("rkp,rklpo,rlo->rkl", gradient, spread, gradient)
    size = np.einsum("rkp,rklpo,rlo->rkl", np.abs(gradient), np.abs(spread), np.abs(gradient))
    return ratio, np.where(np.abs(found) <= _NOISE * size, 0.0, found)


def _contrast(values: Floats, spread: Floats, df: Floats, place: int, *, scale: str) -> ManyContrasts:
    one, two = values[:, place], values[:, 0]
    e1, e0, between = spread[:, place, place], spread[:, 0, 0], spread[:, place, 0]
    known = np.isfinite(one) & np.isfinite(two) & (e1 + e0 - 2 * between > 0)
    known &= np.isfinite(df[:, place]) & np.isfinite(df[:, 0])
    difference = one - two
    if scale == "relative":
        known &= (one > 0) & (two > 0)
        difference = np.log(one) - np.log(two)
        e1, e0, between = e1 / one / one, e0 / two / two, between / one / two
        known &= difference + 5 * np.sqrt(e1 + e0 - 2 * between) < _LARGEST_LOG
    se = np.sqrt(e1 + e0 - 2 * between)
    share = e1 / (e1 + e0)
    freedom = 1 / (share**2 / df[:, place] + (1 - share) ** 2 / df[:, 0])
    blank = np.where(known, 1.0, math.nan)
    return ManyContrasts(
        difference=difference * blank, se=se * blank, df=freedom * blank, values=np.stack([one, two], axis=1)
    )
