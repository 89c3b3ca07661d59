"""A plan as text: the answer first, then what it rests on, then the weeks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from imp_core.command import lines
from imp_experiments.commands.plan_file import ExperimentPlan, MetricPlan
from imp_experiments.commands.planning import Planned, Week

__all__ = ["experiment_text", "planned_text"]

_CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def planned_text(plan: Planned) -> str:
    """The text of `imp experiment plan` on figures."""
    parts = {"test": _test(plan.margin, plan.scale) if plan.effect is None else f"an effect of factors, {plan.scale}"}
    if plan.effect is not None:
        parts["effect"] = f"{plan.effect}, the hardest of its order"
    parts |= _answer(plan)
    if plan.days is not None:
        parts["days"] = f"{plan.days} until the last of these units has matured"
    sided = "two-sided" if plan.sides > 1 else "one-sided"
    shared = f", shared by {plan.hypotheses} hypotheses" if plan.hypotheses > 1 else ""
    parts["baseline"] = f"{plan.baseline:.6g}, standard deviation {plan.sd:.4g}"
    parts["alpha"] = f"{plan.alpha:g} {sided}{shared}"
    parts["method"] = plan.method
    blocks = [lines(parts | _changed(plan))]
    if plan.weeks:
        blocks.append(_weeks(plan.weeks, plan))
    if plan.advice:
        blocks.append("\n".join(plan.advice))
    return "\n\n".join(blocks)


def _changed(plan: Planned) -> dict[str, str]:
    """What makes the units more or fewer, and what they are enough for besides."""
    parts = {}
    if plan.explained:
        parts["adjusted"] = f"covariates explain {plan.explained:.1%} of the variance"
    if plan.inflation > 1:
        parts["looks"] = f"take {plan.inflation:.4g} times the units of one"
    if plan.design_effect > 1:
        parts["clusters"] = f"take {plan.design_effect:.4g} times the units that come by themselves (design effect)"
    if plan.loss is not None:
        of = "variant's clusters are" if plan.cluster_size > 1 else "variant is"
        parts["sample ratio"] = f"shows that {plan.loss:.2%} of the smallest {of} lost, with a power of 0.8"
    return parts


def experiment_text(plan: ExperimentPlan) -> str:
    """The text of `imp experiment plan` on a file: whether the horizon suffices comes first."""
    answers = {
        True: f"the horizon of {plan.horizon_days:g} days suffices",
        False: f"the horizon of {plan.horizon_days:g} days does NOT suffice",
        None: f"whether the horizon of {plan.horizon_days:g} days suffices depends on what was not given: see below",
    }
    head = [f"{plan.experiment}: {answers[plan.enough]}"]
    shares = ", ".join(f"{_name(name)} {share:.2%}" for name, share in plan.shares.items() if share)
    head.append(f"variants: {shares}; decision: {plan.decision} of the primary metrics")
    if plan.together is not None:
        found = plan.together
        head.append(
            f"after {plan.horizon_days:g} days all primary metrics are shown with a chance of {found.all_least:.4g} or "
            f"more, any with {found.any_least:.4g} or more (as if independent: {found.all_product:.4g}, "
            f"{found.any_product:.4g})"
        )
    body = [_metric(item, plan.horizon_days) for item in plan.metrics]
    return "\n\n".join(["\n".join(head), *body, *(["\n".join(map(_name, plan.notes))] if plan.notes else [])])


def _answer(plan: Planned) -> dict[str, str]:
    power = "-" if plan.power is None else f"{plan.power:.4g}"
    if plan.solved == "weeks":
        return {"power": power}
    if plan.units is None:
        units = "no number of units is enough"
    elif plan.cells is not None:
        units = f"{plan.units:,} in all, in {plan.cells:,} cells"
    else:
        units = f"{plan.units:,} in all; control {plan.units_control:,}, a treatment {plan.units_treatment:,}"
    parts = {"units": units}
    if plan.margin is None:
        parts["mde"] = "none can be detected" if plan.mde is None else _size(plan.mde, plan.scale)
    parts["power"] = "too few units to test" if plan.power is None else power
    return parts


def _metric(item: MetricPlan, horizon: float) -> str:
    parts = {"test": _test(item.margin, item.scale)}
    if item.effect is not None and item.margin is None:
        parts["mde"] = _size(item.effect, item.scale)
    if item.effect is not None:
        parts["units"] = "no number of units is enough" if item.units is None else f"{item.units:,} in all"
    if item.days is not None:
        parts["days"] = f"{item.days}"
    if item.matured is not None:
        parts[f"after {horizon:g} days"] = f"{item.matured:,} units matured" + _detects(item)
    if item.daily is not None:
        parts["needs"] = f"{item.daily:,} new units a day to be ready at the horizon"
    elif item.units is not None:
        parts["needs"] = "a longer horizon: no unit matures a day after the start or later"
    parts["baseline"] = f"{item.baseline:.6g}, standard deviation {item.sd:.4g}"
    parts["alpha"] = f"{item.alpha:g} over {item.hypotheses}, power {item.power:.4g}"
    parts["method"] = item.method
    if item.inflation > 1:
        parts["looks"] = f"take {item.inflation:.4g} times the units of one"
    verdict = {True: "enough", False: "NOT enough", None: "unknown"}[item.enough]
    return f"{_name(item.metric)} ({item.role}): {verdict}\n{lines(parts)}{_effects(item)}"


def _effects(item: MetricPlan) -> str:
    """A line for every effect of factors."""
    words = {True: "enough", False: "NOT enough", None: "unknown"}
    out = []
    for one in item.factors:
        units = "" if item.effect is None else "no number of units" if one.units is None else f"{one.units:,} units"
        seen = "" if one.detectable is None else f"detects {_size(one.detectable, item.scale)}"
        told = ", ".join(part for part in (units, seen, words[one.enough]) if part)
        out.append(f"  {_name(one.effect if one.aliases is None else one.aliases)}: {told}")
    return "".join(f"\n{line}" for line in out)


def _detects(item: MetricPlan) -> str:
    if item.margin is not None or not item.matured:
        return ""
    power = "" if item.chance is None else f"; power {item.chance:.4g}"
    found = "no effect" if item.detectable is None else _size(item.detectable, item.scale)
    return f", detect {found}{power}"


def _test(margin: float | None, scale: str) -> str:
    if margin is None:
        return f"a difference from control, {scale}"
    size = f"{margin:.4g}" if scale == "absolute" else f"{margin:.2%}"
    return f"not worse than control by {size} or more ({scale})"


def _size(effect: float, scale: str) -> str:
    return f"{effect:+.2%}" if scale == "relative" else f"{effect:+.4g}"


def _weeks(weeks: Sequence[Week], plan: Planned) -> str:
    word = "mde" if plan.margin is None else "power"
    rows = [("week", "matured", word)]
    for week in weeks:
        figure = "-"
        if week.mde is not None:
            figure = _size(week.mde, plan.scale)
        elif week.power is not None:
            figure = f"{week.power:.4f}"
        rows.append((str(week.week), f"{week.matured:,}", figure))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _name(text: str) -> str:
    """A name from a file, which cannot forge a line of the answer."""
    return _CONTROL_CHARACTERS.sub(" ", text)
