"""Plan one comparison from figures, or an experiment from its file: what `imp experiment plan` answers. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.commands.planner import Planner
from imp_experiments.stats.power.allocation import best_shares
from imp_experiments.stats.power.clusters import design_effect
from imp_experiments.stats.power.duration import Arrivals, days_until, matured
from imp_experiments.stats.power.sample_ratio import sample_ratio_loss
from imp_experiments.stats.power.setting import Setting

__all__ = ["DEFAULT_POWER", "Planned", "Traffic", "Week", "plan_comparison"]

DEFAULT_POWER: Final = 0.8
_WEEKS: Final = 8
_WEEK_DAYS: Final = 7
_WORTH_SAYING: Final = 0.02  # of the units


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Who arrives, and the days from a unit's exposure until it counts."""

    arrivals: Arrivals
    window: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """After so many weeks: units matured in all, and the effect they detect (None: none can be).

    With a margin `mde` is None and `power` the chance to show non-inferiority.
    """

    week: int
    matured: int
    mde: float | None
    power: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An answered plan: `solved` names what was solved for; `reached` is False where nothing can be.

    Units are of all variants together; `units_control` and `units_treatment` of the compared two (None of factors,
    whose `effect` is planned and which have `cells`). What is unknown or cannot be is None. `days` count from the start
    until the last of these units has matured. `inflation` is what looking costs in units, and 1 where it is once;
    `design_effect` what clusters of `cluster_size` cost (both 1: units are randomised);
    `explained` the share of the variance that covariates take away. `loss` is the smallest share of the smallest
    variant's units (or clusters) whose loss the sample-ratio check at the end finds with a chance of 0.8 (None: not
    even all).
    """

    solved: str
    reached: bool
    kind: str
    method: str
    effect: str | None
    cells: int | None
    inflation: float
    cluster_size: float
    design_effect: float
    explained: float
    loss: float | None
    baseline: float
    sd: float
    scale: str
    direction: str
    alpha: float
    sides: int
    hypotheses: int
    share_control: float
    share_treatment: float
    margin: float | None
    power: float | None
    mde: float | None
    units: int | None
    units_control: int | None
    units_treatment: int | None
    days: int | None
    weeks: tuple[Week, ...]
    advice: tuple[str, ...]


def plan_comparison(
    planner: Planner,
    *,
    mde: float | None = None,
    units: int | None = None,
    power: float | None = None,
    traffic: Traffic | None = None,
    shares: Sequence[float],
    effect: str | None = None,
) -> Planned:
    """Solve for whichever of `mde`, `units` and `power` is missing; without `power` it is 0.8.

    `mde` is a size: its sign is the setting's direction. With a margin the true effect is taken to be none, and
    `mde` may not be given. With `traffic` alone only the table of weeks is filled. `shares` of all units are
    the variants', control's first; `effect` names that of factors.

    Raises:
        BadInput: a figure cannot be, nothing is left to solve for, or there is too little to solve with.
    """
    setting = planner.setting
    solved = _missing(setting, mde=mde, units=units, power=power, traffic=traffic)
    target = DEFAULT_POWER if power is None else power
    size = _effect(setting, mde)
    out = _blank(planner, solved, len(shares) - 1, effect)
    if solved == "units":
        out = _with_units(out, planner, size or 0.0, target)
    elif solved == "mde" and units is not None:
        found = planner.mde(units, target)
        out = replace(_counted(out, planner, units), mde=found, power=target, reached=found is not None)
    elif solved == "power" and units is not None:
        chance = planner.power(size or 0.0, units)
        out = replace(_counted(out, planner, units), mde=size, power=chance, reached=chance is not None)
    else:
        out = replace(out, power=target)
    # the check counts what was randomised
    loss = None if out.units is None else sample_ratio_loss(shares, units=out.units / planner.setting.cluster_size)
    out = replace(out, method=planner.method(out.mde, out.units), loss=loss)
    if traffic is None:
        return out
    days = None if out.units is None else days_until(traffic.arrivals, out.units, window=traffic.window)
    return replace(out, days=days, weeks=weeks(planner, traffic, target))


def weeks(planner: Planner, traffic: Traffic, power: float) -> tuple[Week, ...]:
    """What weeks 1 to 8 can detect with this power."""
    return tuple(_week(planner, traffic, power, week) for week in range(1, _WEEKS + 1))


def _week(planner: Planner, traffic: Traffic, power: float, week: int) -> Week:
    count = math.floor(matured(traffic.arrivals, week * _WEEK_DAYS, window=traffic.window))
    effect = chance = None
    if count and planner.setting.margin is None:
        effect = planner.mde(count, power)
    elif count:
        chance = planner.power(0.0, count)
    return Week(week=week, matured=count, mde=effect, power=chance)


def _missing(
    setting: Setting, *, mde: float | None, units: int | None, power: float | None, traffic: Traffic | None
) -> str:
    if setting.margin is not None:
        if mde is not None:
            raise BadInput("with a margin the true effect is taken to be none", where="mde", mend="leave it out")
        return "units" if units is None else "power"
    if mde is not None and units is not None:
        if power is not None:
            raise BadInput("nothing is left to solve for", where="power", mend="leave out one of the three")
        return "power"
    if mde is not None:
        return "units"
    if units is not None:
        return "mde"
    if traffic is None:
        raise BadInput("too little to plan with", where="mde", mend="give --mde, --units or --daily")
    return "weeks"


def _effect(setting: Setting, mde: float | None) -> float | None:
    if mde is None:
        return None
    if not mde > 0:
        raise BadInput("must be above 0", where="mde", mend='give its size; --direction says whether "up" or "down"')
    return mde if setting.direction == "up" else -mde


def _blank(planner: Planner, solved: str, treatments: int, effect: str | None) -> Planned:
    setting = planner.setting
    return Planned(
        solved=solved,
        reached=True,
        kind=planner.kind,
        method="",
        effect=effect,
        cells=None if planner.cells is None else len(planner.cells.shares),
        inflation=setting.inflation,
        cluster_size=setting.cluster_size,
        design_effect=design_effect(setting.cluster_size, setting.icc, cv=setting.cluster_cv),
        explained=setting.correlation**2,
        loss=None,
        baseline=planner.baseline.mean,
        sd=math.sqrt(planner.baseline.variance),
        scale=setting.scale,
        direction=setting.direction,
        alpha=setting.alpha,
        sides=setting.sides,
        hypotheses=setting.hypotheses,
        share_control=setting.control,
        share_treatment=setting.treatment,
        margin=setting.margin,
        power=None,
        mde=None,
        units=None,
        units_control=None,
        units_treatment=None,
        days=None,
        weeks=(),
        advice=() if planner.cells is not None else _advice(setting, treatments),
    )


def _with_units(out: Planned, planner: Planner, effect: float, power: float) -> Planned:
    found = planner.units(effect, power)
    out = replace(out, mde=effect if planner.setting.margin is None else None, power=power, reached=found is not None)
    if found is None:
        return out
    if planner.cells is not None:
        return replace(out, units=found.total)
    return replace(out, units=found.total, units_control=found.control, units_treatment=found.treatment)


def _counted(out: Planned, planner: Planner, units: int) -> Planned:
    if planner.cells is not None:
        return replace(out, units=units)
    setting = planner.setting
    return replace(
        out,
        units=units,
        units_control=round(units * setting.control),
        units_treatment=round(units * setting.treatment),
    )


def _advice(setting: Setting, treatments: int) -> tuple[str, ...]:
    """Where several treatments share a control of their own size, a larger control needs fewer units."""
    if treatments < 2 or abs(setting.control + treatments * setting.treatment - 1) > 1e-3:  # noqa: PLR2004 (two, and rounding of buckets)
        return ()
    control, each = best_shares(treatments)
    saved = 1 - (1 / control + 1 / each) / (1 / setting.control + 1 / setting.treatment)
    if saved < _WORTH_SAYING:
        return ()
    return (f"a control of {control:.0%} of the units (√{treatments} : 1) would need {saved:.0%} fewer units in all",)
