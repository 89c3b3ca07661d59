"""Quantiles of two variants: the standard error from the order statistics around each, clusters by the delta method.

The values at the fractions q ± z √(q (1 - q)/n), z = 1.96, are an outer interval of the quantile; half its width over
z is the standard error (Deng, Knoblich and Lu 2018, "Applying the Delta Method in Metric Analytics", section 4). Where
values nest in clusters the indicator that a value is at most the quantile has another variance, that of a ratio of
cluster sums; the standard error is multiplied by the root of how much larger it is. Differences are normal, of
clusters t with the degrees of freedom of their effective number, as in `estimate`: with the normal, and G/(G - 1) for
G*/(G* - 1), five clusters of unequal size reject no difference in .13 of experiments.
`tests/vectors/stats/quantile.json` compares with gbstats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from scipy.special import bdtr, bdtrik, ndtri, stdtr, stdtrit

from imp_core.errors import BadInput
from imp_experiments.measure.quantiles import Clusters, PointRule, QuantileRow
from imp_experiments.stats.arguments import check_null, check_scale, check_tail
from imp_experiments.stats.contrast import satterthwaite
from imp_experiments.stats.effect import Condition, Effect

__all__ = ["METHOD", "QuantileContrast", "QuantileSide", "quantile_contrast", "quantile_points", "quantile_side"]

METHOD: Final = "quantiles with standard errors from order statistics; relative by the delta method on the log scale"
METHOD_CLUSTERED: Final = (
    "quantiles with standard errors from order statistics, widened for clusters; relative on the log scale"
)
_Z: Final = float(ndtri(0.975))
_LARGEST_LOG: Final = 700.0
_ENOUGH_TO_VARY: Final = 2
# one cluster with all values leaves as good as no degrees of freedom
_LEAST_DF: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileSide:
    """One variant's quantile.

    `n` values (in `clusters` clusters; None: they do not nest). `estimate` is the sample quantile, `se` its standard
    error with `df` (infinite without clusters); `low` and `high` an interval of order statistics (binomial; with
    clusters at the fractions that their variance gives). None: there is none. `problem` is the code of the condition
    that says why there is no `se`; low and high may stand without it (`ties`, `few_values`), and it without them (a
    small tail asks for ranks beyond n).
    """

    q: float
    n: int
    clusters: int | None
    estimate: float | None
    se: float | None
    low: float | None
    high: float | None
    df: float = math.inf
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileContrast:
    """The quantile of a variant against that of control; made by `quantile_contrast`."""

    variant: QuantileSide
    control: QuantileSide
    conditions: tuple[Condition, ...]
    method: str

    def effect(self, scale: str, *, tail: float) -> Effect | None:
        """Normal or t: the difference, or the logarithm of the ratio; None where a condition says why.

        None too where a figure is beyond floating point (`contrast.figures` names that condition).

        Raises:
            BadInput: the scale is not absolute or relative, or tail is not between 0 and 0.5.
        """
        check_scale(scale)
        check_tail(tail)
        found = self._statistic(scale)
        if found is None:
            return None
        centre, se, df = found
        half = -float(stdtrit(df, tail)) * se
        estimate, low, high = (_shown(x, scale) for x in (centre, centre - half, centre + half))
        p_value = float(2 * stdtr(df, -abs(centre / se)))
        if not all(map(math.isfinite, (estimate, low, high, se))):
            return None
        return Effect(estimate=estimate, low=low, high=high, se=se, p_value=p_value, df=df)

    def p_beyond(self, scale: str, null: float) -> float | None:
        """One-sided p of the hypothesis that the effect is `null` or less; None where there is no effect.

        Raises:
            BadInput: the scale is not absolute or relative, or no effect can be `null` (relative: -1 or less).
        """
        check_null(scale, null)
        found = self._statistic(scale)
        if found is None:
            return None
        centre, se, df = found
        return float(stdtr(df, ((null if scale == "absolute" else math.log1p(null)) - centre) / se))

    def _statistic(self, scale: str) -> tuple[float, float, float] | None:
        """The difference or the log ratio, its standard error and degrees of freedom."""
        one, two = self.variant, self.control
        barred = any(condition.bars and condition.scale in ("both", scale) for condition in self.conditions)
        if barred or one.estimate is None or two.estimate is None or one.se is None or two.se is None:
            return None
        centre, errors = one.estimate - two.estimate, (one.se, two.se)
        if scale == "relative":
            centre = math.log(one.estimate) - math.log(two.estimate)
            errors = one.se / one.estimate, two.se / two.estimate
        first, second = ((each / max(errors)) ** 2 for each in errors)
        return centre, math.hypot(*errors), satterthwaite(first, second, one.df, two.df)


def quantile_points(q: float, *, tail: float = 0.025) -> PointRule:
    """The fractions that a scan must give for `quantile_side` with the same q and tail.

    Raises:
        BadInput: q is not between 0 and 1, or tail not between 0 and 0.5.
    """
    check_tail(tail)
    if not 0 < q < 1:
        raise BadInput(f"a quantile of {q!r} is not between 0 and 1", where="q", mend="pass 0.5 for the median")

    def points(n: int, clusters: Clusters | None) -> tuple[float, ...]:
        return (*(_around(q, n) or ()), *(_interval(q, n, clusters, tail) or ()))

    return points


def quantile_side(row: QuantileRow, *, tail: float = 0.025) -> QuantileSide:
    """One variant's quantile with its uncertainty, from a scan with `quantile_points` of the same q and tail.

    Problems: `no_units`, `not_finite`, `one_unit` (a single cluster), `few_values` (fractions beyond 0 or 1),
    `ties` (the values around the quantile are one and the same: an interval without width).

    Raises:
        BadInput: the row lacks the points, or tail is not between 0 and 0.5.
    """
    check_tail(tail)
    window, interval = _around(row.q, row.n), _interval(row.q, row.n, row.clusters, tail)
    problem = _problem(row, window)
    se = None
    if problem is None and window is not None:
        low, high = (_at(row, fraction) for fraction in window)
        se = (high - low) / (2 * _Z) * math.sqrt(_design_effect(row.q, row.n, row.clusters))
        problem = "ties" if se == 0 else None if math.isfinite(se) else "not_finite"
    bounds = (
        None
        if interval is None or problem not in (None, "ties", "few_values")
        else [_at(row, each) for each in interval]
    )
    return QuantileSide(
        q=row.q,
        n=row.n,
        clusters=None if row.clusters is None else row.clusters.count,
        estimate=None if problem in ("no_units", "not_finite") else row.value,
        se=None if problem is not None else se,
        low=None if bounds is None else bounds[0],
        high=None if bounds is None else bounds[1],
        df=math.inf if row.clusters is None else _effective(row.n, row.clusters) - 1,
        problem=problem,
    )


def quantile_contrast(variant: QuantileRow, control: QuantileRow, *, tail: float = 0.025) -> QuantileContrast:
    """Compare the same quantile of a variant and of control; `tail` is that of each one's own interval.

    Conditions: the problems of `quantile_side` (of the first that has one), and of the relative scale alone
    `quantile_not_positive`.

    Raises:
        BadInput: the rows are of different quantiles, or as for `quantile_side`.
    """
    if variant.q != control.q:
        raise BadInput(f"quantiles {variant.q!r} and {control.q!r} do not compare", where="control")
    one, two = quantile_side(variant, tail=tail), quantile_side(control, tail=tail)
    problem = one.problem or two.problem
    conditions: tuple[Condition, ...] = ()
    if problem is not None:
        conditions = (Condition(problem, "both"),)
    elif min(one.estimate or 0.0, two.estimate or 0.0) <= 0:
        conditions = (Condition("quantile_not_positive", "relative"),)
    nested = variant.clusters is not None or control.clusters is not None
    return QuantileContrast(
        variant=one, control=two, conditions=conditions, method=METHOD_CLUSTERED if nested else METHOD
    )


def _problem(row: QuantileRow, window: tuple[float, float] | None) -> str | None:
    if row.not_finite:
        return "not_finite"
    if row.n == 0 or row.value is None:
        return "no_units"
    if not math.isfinite(row.value):
        return "not_finite"
    if row.clusters is not None and row.clusters.count < _ENOUGH_TO_VARY:
        return "one_unit"
    return "few_values" if window is None else None


def _around(q: float, n: int) -> tuple[float, float] | None:
    """The fractions of the standard error's order statistics; None where there are too few values for them."""
    if n < _ENOUGH_TO_VARY:
        return None
    half = _Z * math.sqrt(q * (1 - q) / n)
    return (q - half, min(q + half, 1.0)) if half <= min(q, 1 - q) else None


def _interval(q: float, n: int, clusters: Clusters | None, tail: float) -> tuple[float, float] | None:
    """The fractions between which the quantile lies but for `tail` on each side; None beyond the values."""
    if n < _ENOUGH_TO_VARY:
        return None
    if clusters is not None:
        freedom = _effective(n, clusters) - 1
        half = -float(stdtrit(freedom, tail)) * math.sqrt(q * (1 - q) / n * _design_effect(q, n, clusters))
        return (q - half, min(q + half, 1.0)) if half <= min(q, 1 - q) else None
    low, high = _rank(q, n, tail), n + 1 - _rank(1 - q, n, tail)
    return ((low - 1) / (n - 1), (high - 1) / (n - 1)) if low >= 1 and high <= n else None


def _rank(q: float, n: int, tail: float) -> int:
    """The largest k for which fewer than k of n values lie below the quantile with a chance of `tail` at most."""
    rank = min(max(math.ceil(float(bdtrik(tail, n, q))), 0), n)
    while rank > 0 and float(bdtr(rank - 1, n, q)) > tail:
        rank -= 1
    while rank < n and float(bdtr(rank, n, q)) <= tail:
        rank += 1
    return rank


def _design_effect(q: float, n: int, clusters: Clusters | None) -> float:
    """How much larger clusters make the variance of the share of values at most the quantile."""
    if clusters is None or clusters.count < _ENOUGH_TO_VARY:
        return 1.0
    share = clusters.below / n
    about = clusters.below_squares - 2 * share * clusters.products + share * share * clusters.size_squares
    effective = _effective(n, clusters)
    variance = max(about, 0.0) * effective / (effective - 1) / n / n
    return variance / (q * (1 - q) / n)


def _effective(n: int, clusters: Clusters) -> float:
    """(Σ size)²/Σ size²: the number of clusters where all have one size (Carter, Schnepel & Steigerwald 2017)."""
    return max(n / clusters.size_squares * n, 1 + _LEAST_DF)


def _at(row: QuantileRow, fraction: float) -> float:
    if fraction not in row.points:
        raise BadInput(
            f"the scan has no value at {fraction!r}",
            where="points",
            mend="scan with quantile_points of this q and tail",
        )
    return row.points[fraction]


def _shown(centre: float, scale: str) -> float:
    # a bound beyond floating point is as good as the largest
    return centre if scale == "absolute" else math.expm1(min(centre, _LARGEST_LOG))
