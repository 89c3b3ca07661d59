"""What a simulation found, by metric and of the decision."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["FactorSimulated", "MetricSimulated", "Rate", "Simulated", "rate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share of runs and its standard error; both None where no run could tell."""

    share: float | None
    se: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSimulated:
    """One effect of factors at the end: its true size on the metric's scale (None: it has none there).

    shown: its interval leaves no effect out; coverage: it holds the truth.
    """

    effect: str
    truth: float | None
    shown: Rate
    coverage: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSimulated:
    """One metric over all runs. Rates are of runs in which it so happened for any treatment, but for coverage.

    mean: control's true value. truth: the effect that was drawn, on the metric's scale (None: it differs between
    treatments, whose `truths` these are, in the order of the file). way: how its looks are judged.
    shown: any look's interval left no effect out: without an effect the false-positive rate, with one nearly the power.
    right: the first such look had the effect's sign (None without an effect).
    coverage_end: intervals of one look at the end hold the truth; coverage_stop: those of the first look that showed a
    difference, else of the last, do.
    factors: the effects of factors, empty where there are none.
    days_mean, days_median: days until that look, those that never showed any counted with all their days.
    naive: a daily t test at the same alpha, uncorrected, would have shown a difference.
    """

    metric: str
    role: str
    kind: str
    scale: str
    mean: float
    truth: float | None
    truths: tuple[float, ...]
    way: str
    shown: Rate
    right: Rate | None
    coverage_end: Rate
    coverage_stop: Rate
    days_mean: float
    days_median: float
    naive: Rate
    factors: tuple[FactorSimulated, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A definition's simulation. `units` come in a run, `left` of them by its end; `seed` and `runs` repeat it exactly.

    clusters: those in which the units come (None: units were randomised).
    ship: the decision ships a treatment; days_mean, days_median: days of cohorts until then (windows add theirs).
    notes: what of the definition was left out.
    """

    experiment: str
    runs: int
    seed: int
    days: int
    units: int
    left: int
    alpha: float
    ship: Rate
    days_mean: float
    days_median: float
    metrics: tuple[MetricSimulated, ...]
    clusters: int | None = None
    notes: tuple[str, ...] = ()


def rate(hits: float, of: float, *, together: int = 1) -> Rate:
    """A share with its standard error; `together` of the trials are one run's and count as one."""
    if not of:
        return Rate(share=None, se=None)
    share = float(hits) / of
    return Rate(share=share, se=math.sqrt(share * (1 - share) / (of / together)))
