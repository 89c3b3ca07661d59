"""Health checks from `Moments`: was it alike before, is the effect the same in every cohort? Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from imp_core.suppress import hidden
from imp_experiments.measure.moments import Cell, Moments, Summary
from imp_experiments.readout.readout import Check
from imp_experiments.stats.estimate import Quantity, estimate
from imp_experiments.stats.health.balance import CovariateBalance, balance
from imp_experiments.stats.health.novelty import DayEffect, novelty

__all__ = ["balance_checks", "novelty_check", "two_digits"]

# A day's own standard error is too uncertain with fewer (see `stats.health.novelty`).
FEWEST_A_DAY: Final = 30


def two_digits(p_value: float | None) -> float | None:
    """A p as it is shown: with more digits it would tell the counts it is made of."""
    return None if p_value is None else float(f"{p_value:.1e}")


def balance_checks(
    moments: Moments, covariates: Mapping[str, tuple[str, str | None]], *, variants: Sequence[str], control: str, k: int
) -> list[Check]:
    """One check a covariate: name for people → column, and the indicator of who lacks it (None: nobody does).

    A variant of 1 to k - 1 units that have it leaves the test.
    """
    summaries: dict[str, dict[str, Summary]] = {}
    for name, (column, missing) in covariates.items():
        found = {one: moments.summary(column, one, missing=missing) for one in (control, *variants)}
        summaries[name] = {
            one: summary if hidden(summary.n, k) is not None else Summary(0, None, None)
            for one, summary in found.items()
        }
    return [_balance(one) for one in balance(summaries, control=control).covariates]


def _balance(found: CovariateBalance) -> Check:
    known = {name: gap for name, gap in found.differences.items() if gap is not None}
    text = found.reason or "the means are alike"
    if found.verdict != "not tested":
        text = "the means differ, though nothing had happened yet" if found.verdict == "imbalanced" else text
        worst = max(known, key=lambda name: abs(known[name]), default=None)
        if worst is not None:
            text += f": {worst} is {known[worst]:+.2g} standard deviations from control"
    return Check(
        name="balance",
        about=found.covariate,
        verdict="warning" if found.verdict == "imbalanced" else found.verdict,
        text=text,
        p_value=two_digits(found.p_adjusted),
    )


def novelty_check(
    moments: Moments, quantity: Quantity, *, metric: str, variant: str, control: str, scale: str, k: int
) -> Check:
    """The effect of a variant over cohort days, of those with enough units in both; `moments` are matured.

    It tells no effect of a day: before the horizon none may be read.
    """
    days = sorted({cell.day for cell in moments.cells if cell.day is not None})
    enough = max(k, FEWEST_A_DAY)
    effects = []
    for day in days:
        mine = moments.select(_of_day(day))
        if min(mine.count(variant), mine.count(control)) >= enough:
            effects.append(_effect(mine, quantity, day, (variant, control), scale))
    found = novelty(effects)
    if found.verdict == "not tested":
        text = f"{found.reason} ({enough} units a variant and day are needed)"
        return Check(name="novelty", about=f"{metric}, {variant}", verdict="not tested", text=text)
    p_values = [one.p_value for one in (found.differences, found.trend) if one is not None]
    return Check(
        name="novelty",
        about=f"{metric}, {variant}",
        verdict=found.verdict,
        text=f"{found.reading} over {found.days} cohort days",
        p_value=two_digits(min(1.0, 2 * min(p_values))),
    )


def _of_day(day: int) -> Callable[[Cell], bool]:
    def keep(cell: Cell) -> bool:
        return cell.day == day

    return keep


def _effect(moments: Moments, quantity: Quantity, day: int, pair: tuple[str, str], scale: str) -> DayEffect:
    """On the log scale where the metric is relative, so that errors are those of what is compared."""
    effect = estimate(moments, quantity, pair).contrast(*pair, method="").effect(scale, tail=0.025)
    if effect is None or (scale == "relative" and effect.estimate <= -1):
        return DayEffect(day=day, estimate=None, se=None)
    value = math.log1p(effect.estimate) if scale == "relative" else effect.estimate
    return DayEffect(day=day, estimate=value, se=effect.se, df=effect.df)
