"""Is the effect the same in every cohort? Differences over cohort days, and a trend: novelty that fades, or learning.

Cochran's (1954) Q, by Welch's F, tests whether the days' effects differ at all; a regression on the day, each weighted
by 1 / se², whether they drift, with t on k - 2 degrees of freedom (the residual spread is estimated, so that days that
differ by more than their errors do not feign a trend). A cohort day is when units first met the experiment: it tells
later comers from early ones, not how the same units change with time. Give days with some thirty units a variant or
more: with fewer, means of skewed values and their errors depend on each other, and Q is too easily large.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scipy.special import stdtr, stdtrit

from imp_core.errors import BadInput
from imp_experiments.stats.heterogeneity import spread_of

__all__ = ["ALPHA", "DayEffect", "Differences", "Novelty", "Trend", "novelty"]

# A warning takes nothing from the verdict, so it is not as strict as the sample ratio; but it is read at every
# readout, so it is stricter than .05. Half of it for each of the two tests.
ALPHA: Final = 0.01
# Within less than a week a trend may be that of the weekdays.
FEWEST_DAYS: Final = 7
# A line that leaves no more than this share of the spread fits exactly: the rest is rounding.
_EXACT: Final = 1e-24

# day, effect, standard error and its df
Figures = tuple[int, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEffect:
    """The effect (variant - control, in the metric's units or on the log scale) in one cohort day, its se and df.

    df is that of the se (infinite: it is known).
    """

    day: int
    estimate: float | None
    se: float | None
    df: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Cochran's Q over the days: statistic, degrees of freedom and the p of Welch's F (`stats.heterogeneity`).

    `pooled` is the effect weighted by 1 / se², `se` its standard error; `excess` is I², the share of the spread
    between days beyond the errors (Higgins & Thompson 2002), 0 to 1.
    """

    statistic: float
    df: int
    p_value: float
    pooled: float
    se: float
    excess: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The line through the days: `slope` per day with standard error, t, degrees of freedom and two-sided p.

    `first` and `last` are the line's effect on the first and the last day.
    """

    slope: float
    se: float
    t: float
    df: int
    p_value: float
    first: float
    last: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Novelty:
    """verdict: ok, warning, or not tested (and `reason` says why).

    `reading` is the plain answer: "the effect fades", "grows", "turns", "differs between days without a trend",
    "no change is shown". `trend` is None where the days lie on one line exactly or one has all the weight, and both
    tests where none was made. `days` counts those tested, `left_out` those without an effect or a standard error.
    """

    verdict: str
    reading: str | None
    differences: Differences | None
    trend: Trend | None
    days: int
    left_out: int
    reason: str | None = None


def novelty(effects: Sequence[DayEffect]) -> Novelty:
    """Test whether the effect differs or drifts over cohort days; their order does not matter.

    Raises:
        BadInput: a day is given twice.
    """
    if len({effect.day for effect in effects}) < len(effects):
        raise BadInput("a cohort day is given twice", where="effects", mend="merge its moments")
    figures = sorted((effect.day, *usable) for effect in effects if (usable := _usable(effect)) is not None)
    left_out = len(effects) - len(figures)
    differences = _differences(figures) if len(figures) >= FEWEST_DAYS else None
    if differences is None:
        few = f"fewer than {FEWEST_DAYS} cohort days have an effect: a trend could be that of the weekdays"
        return Novelty(
            verdict="not tested",
            reading=None,
            differences=None,
            trend=None,
            days=len(figures),
            left_out=left_out,
            reason=few if len(figures) < FEWEST_DAYS else "the effects or errors are too large or small to square",
        )
    line = _line(figures, differences)
    drifts = line is not None and line.trend.p_value < ALPHA / 2
    differs = differences.p_value < ALPHA / 2
    return Novelty(
        verdict="warning" if drifts or differs else "ok",
        reading=_reading(line if drifts else None, differs=differs),
        differences=differences,
        trend=line.trend if line else None,
        days=len(figures),
        left_out=left_out,
    )


@dataclass(frozen=True, slots=True)
class _Line:
    trend: Trend
    se_first: float
    se_last: float


def _usable(effect: DayEffect) -> tuple[float, float, float] | None:
    estimate, se = effect.estimate, effect.se
    if estimate is None or se is None or not (math.isfinite(estimate) and math.isfinite(se) and se > 0 < effect.df):
        return None
    return float(estimate), float(se), float(effect.df)


def _weights(figures: Sequence[Figures]) -> tuple[list[float], float]:
    """Each day's share of the weight, and the pooled standard error; scaled so that small errors do not overflow."""
    smallest = min(se for _, _, se, _ in figures)
    raw = [(smallest / se) * (smallest / se) for _, _, se, _ in figures]
    total = math.fsum(raw)
    return [weight / total for weight in raw], smallest / math.sqrt(total)


def _differences(figures: Sequence[Figures]) -> Differences | None:
    shares, pooled_se = _weights(figures)
    pooled = sum(share * estimate for share, (_, estimate, _, _) in zip(shares, figures, strict=True))
    found = spread_of([(value, se, share, df) for share, (_, value, se, df) in zip(shares, figures, strict=True)])
    if found is None or not math.isfinite(pooled):
        return None
    return Differences(
        statistic=found.q,
        df=found.df,
        p_value=found.p_value,
        pooled=pooled,
        se=pooled_se,
        excess=max(0.0, 1 - found.df / found.q) if found.q else 0.0,
    )


def _line(figures: Sequence[Figures], level: Differences) -> _Line | None:
    """Weighted least squares on the day; None where one day has all weight, or its error is none or infinite."""
    shares, _ = _weights(figures)
    first = figures[0][0]
    middle = math.fsum(share * (day - first) for share, (day, _, _, _) in zip(shares, figures, strict=True))
    days = [day - first - middle for day, _, _, _ in figures]
    spread = math.fsum(share * day * day for share, day in zip(shares, days, strict=True))
    if spread == 0:
        return None
    # in pooled standard errors, so that squares of small or large effects hold
    unit = level.se
    gaps = [(estimate - level.pooled) / unit for _, estimate, _, _ in figures]
    slope = sum(share * day * gap for share, day, gap in zip(shares, days, gaps, strict=True)) / spread
    left = [gap - slope * day for gap, day in zip(gaps, days, strict=True)]
    rest = sum(share * one * one for share, one in zip(shares, left, strict=True))
    total = sum(share * gap * gap for share, gap in zip(shares, gaps, strict=True))
    exact = _EXACT * (total + (level.pooled / unit) * (level.pooled / unit))
    if not (math.isfinite(rest) and rest > exact):
        return None
    df = len(figures) - 2
    noise = rest / df
    if not math.isfinite(math.sqrt(noise / spread) * unit):
        return None
    t = slope / math.sqrt(noise / spread)
    trend = Trend(
        slope=slope * unit,
        se=math.sqrt(noise / spread) * unit,
        t=t,
        df=df,
        p_value=float(2 * stdtr(df, -abs(t))),
        first=level.pooled + slope * unit * days[0],
        last=level.pooled + slope * unit * days[-1],
    )
    ends = [math.sqrt(noise * (1 + day * day / spread)) * unit for day in (days[0], days[-1])]
    return _Line(trend, *ends)


def _reading(line: _Line | None, *, differs: bool) -> str:
    if line is None:
        return "the effect differs between days without a trend" if differs else "no change is shown"
    trend = line.trend
    if (
        trend.first * trend.last < 0
        and _shown(trend.first, line.se_first, trend.df)
        and _shown(trend.last, line.se_last, trend.df)
    ):
        return "the effect turns"
    return "the effect fades" if abs(trend.last) < abs(trend.first) else "the effect grows"


def _shown(effect: float, se: float, df: int) -> bool:
    """Whether an end of the line is not 0, at the level of the trend."""
    return abs(effect) > float(stdtrit(df, 1 - ALPHA / 4)) * se
