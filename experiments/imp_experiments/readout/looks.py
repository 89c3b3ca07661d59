"""Looking more than once: which cohorts a metric's look sees, and by which rule it is judged. Pure.

Three ways. Once: a single look at the horizon, which the ledger keeps, so that it is not taken anew as more people
come; before it figures come from a confidence sequence and there is no verdict. A spending function (Lan-DeMets): each
look has a boundary, which the ledger keeps when it is used; until the next one is due the last is shown again, with its
cohorts and no others. A confidence sequence: intervals and p that hold at all times together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from imp_core.errors import LedgerBroken
from imp_core.ports import Json
from imp_core.suppress import hidden
from imp_experiments.design.experiment import Experiment, Metric, Plan
from imp_experiments.measure.moments import Moments
from imp_experiments.stats.sequential.boundary import MOST_LOOKS, Boundary, Look, boundary_at, next_boundary
from imp_experiments.stats.sequential.rules import AlwaysRule, FixedRule, LookRule, Rule
from imp_experiments.stats.sequential.spending import Spending, parse_spending

__all__ = ["CONFIDENCE_SEQUENCE", "Sight", "Taken", "look_fields", "looks_of", "sight_of", "told_at_end", "way_of"]

CONFIDENCE_SEQUENCE: Final = "confidence_sequence"
DEFAULT_SPENDING: Final = "obrien_fleming"
DEFAULT_EXPECTED: Final = 10_000
# Fewer than these in a variant, and the first look waits: a normal approximation needs some.
MIN_UNITS: Final = 100
MIN_CONVERSIONS: Final = 10
_EVERY: Final = {"daily": 1, "weekly": 7}
# The ledger holds no floats: shares of alpha in 1e-15, z and fractions in 1e-12.
_ALPHA_UNIT: Final = 10**15
_UNIT: Final = 10**12
# Two shares of alpha were rounded down: closer than this they are the same.
_ROUNDED: Final = 2 / _ALPHA_UNIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A look that was used: of which metric, the last cohort `day` it saw, what it saw, the boundary it had."""

    metric: str
    day: int
    look: Look
    boundary: Boundary


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What of a metric is seen now: its cohorts, the rule, and the look to record (None: none is used up).

    `number` counts the looks so far with this one (0: none yet); `waits` is a condition's code for which nothing may be
    judged. `done`: no alpha is left, so that the answer stands.
    """

    moments: Moments
    rule: Rule
    taken: Taken | None = None
    number: int = 0
    waits: str | None = None
    done: bool = False


def way_of(plan: Plan) -> str:
    """How an experiment is looked at: "once", a spending function, or "confidence_sequence"."""
    if plan.looks == "once":
        return "once"
    if plan.sequential is not None:
        return plan.sequential
    return CONFIDENCE_SEQUENCE if plan.units is None else DEFAULT_SPENDING


def sight_of(
    experiment: Experiment,
    metric: Metric,
    ripe: Moments,
    past: Sequence[Taken],
    *,
    alpha: float,
    final: bool,
    names: Sequence[str],
    k: int = 0,
    few: bool = False,
) -> Sight:
    """What of a metric may be seen: `ripe` are its matured cohorts, `past` its looks so far, `names` whom it compares.

    `alpha` is that of one hypothesis. Only primaries are looked at by boundaries: other metrics have, before the
    horizon, a confidence sequence each, and then one look. A look that 1 to k - 1 people left is recorded as if nobody
    had. `few`: too few clusters for a first look.
    """
    plan, way = experiment.plan, way_of(experiment.plan)
    total = sum(ripe.count(name) for name in names)
    if metric.role == "primary" and way not in ("once", CONFIDENCE_SEQUENCE):
        return _by_spending(plan, way, metric, ripe, past, alpha=alpha, final=final, names=names, k=k, few=few)
    if final and (way != CONFIDENCE_SEQUENCE or metric.role != "primary"):
        return _at_end(plan, metric, ripe, past, alpha=alpha, names=names, k=k)
    expected = plan.units or DEFAULT_EXPECTED
    return Sight(moments=ripe, rule=AlwaysRule(n=total, alpha=alpha, expected_n=expected))


def _by_spending(
    plan: Plan,
    way: str,
    metric: Metric,
    ripe: Moments,
    past: Sequence[Taken],
    *,
    alpha: float,
    final: bool,
    names: Sequence[str],
    k: int,
    few: bool,
) -> Sight:
    spending = parse_spending(way)
    compared, through = _compared(ripe, names, k)
    done = bool(past) and _ended(past[-1].boundary, alpha)
    due = not past or (through is not None and through >= past[-1].day + _EVERY[plan.looks])
    due = due and len(past) < MOST_LOOKS - 1  # one is left for the end
    if past and (done or not (due or final)):
        return _again(ripe, past, spending, done=done)
    if through is None or (not final and not past and (few or _too_few(compared, metric, plan, names))):
        return Sight(moments=ripe, rule=FixedRule(alpha=alpha), waits="before_first_look")
    look = _look(compared, plan, past, k)
    boundary = next_boundary(
        [(one.look, one.boundary) for one in past], look, alpha=alpha, spending=spending, last=final
    )
    boundary = _as_kept(boundary)
    rule = LookRule(looks=(*(one.look for one in past), look), boundary=boundary, spending=spending, last=final)
    if boundary.z is None:
        # so early that there is no alpha to spend, or nothing was added since
        return Sight(moments=ripe, rule=rule, number=len(past), waits="no_look" if past else "before_first_look")
    taken = Taken(metric=metric.name, day=through, look=look, boundary=boundary)
    ended = _ended(boundary, alpha)
    return Sight(moments=ripe, rule=rule, taken=taken, number=len(past) + 1, done=ended)


def _at_end(
    plan: Plan, metric: Metric, ripe: Moments, past: Sequence[Taken], *, alpha: float, names: Sequence[str], k: int
) -> Sight:
    """The one look of the horizon, at alpha; whoever reads on, while people keep coming, sees its cohorts again."""
    rule = FixedRule(alpha=alpha)
    if past:
        return Sight(moments=_seen(ripe, past[-1]), rule=rule, number=1, done=True)
    compared, through = _compared(ripe, names, k)
    if through is None:
        return Sight(moments=ripe, rule=rule)
    look = _look(compared, plan, past, k)
    boundary = next_boundary([], look, alpha=alpha, spending=parse_spending(DEFAULT_SPENDING), last=True)
    taken = Taken(metric=metric.name, day=through, look=look, boundary=_as_kept(boundary))
    return Sight(moments=ripe, rule=rule, taken=taken, number=1, done=True)


def _compared(ripe: Moments, names: Sequence[str], k: int) -> tuple[Moments, int | None]:
    """Whom a look is recorded of, and its last day: variants of few left out, whom else a difference would tell."""
    told = {name for name in names if hidden(ripe.count(name), k) is not None}
    found = ripe.select(lambda cell: cell.variant in told)
    return found, max((cell.day for cell in found.cells if cell.day is not None), default=None)


def _ended(boundary: Boundary, alpha: float) -> bool:
    """Whether no alpha is left, but for what rounding left."""
    return alpha - boundary.cumulative <= max(alpha * 1e-9, _ROUNDED)


def _as_kept(boundary: Boundary) -> Boundary:
    """A boundary with the digits that the ledger keeps: so a look shown again is the same."""
    return boundary_at(
        None if boundary.z is None else round(boundary.z * _UNIT) / _UNIT,
        spent=int(boundary.spent * _ALPHA_UNIT) / _ALPHA_UNIT,
        cumulative=int(boundary.cumulative * _ALPHA_UNIT) / _ALPHA_UNIT,
    )


def _again(ripe: Moments, past: Sequence[Taken], spending: Spending, *, done: bool) -> Sight:
    """The last look once more: its cohorts, without who withdrew since."""
    last = past[-1]
    rule = LookRule(looks=tuple(one.look for one in past), boundary=last.boundary, spending=spending, last=done)
    return Sight(moments=_seen(ripe, last), rule=rule, number=len(past), done=done)


def _seen(ripe: Moments, taken: Taken) -> Moments:
    return ripe.select(lambda cell: cell.day is not None and cell.day <= taken.day)


def _look(compared: Moments, plan: Plan, past: Sequence[Taken], k: int) -> Look:
    n = compared.count()
    kept = None
    if past:
        before = past[-1]
        still = compared.select(lambda cell: cell.day is not None and cell.day <= before.day).count()
        # people taken in late for days gone by are new to this look
        kept = min(still, before.look.n)
        if before.look.n - kept < k:
            # the ledger tells no count of few; the correlation hardly moves
            kept = min(n, before.look.n)
    # more than all that was planned is no more than all
    fraction = min(1.0, n / (plan.units or DEFAULT_EXPECTED))
    return Look(fraction=round(fraction * _UNIT) / _UNIT, n=n, kept=kept)


def _too_few(compared: Moments, metric: Metric, plan: Plan, names: Sequence[str]) -> bool:
    least = plan.min_units if plan.min_units is not None else MIN_UNITS
    if any(compared.count(name) < least for name in names):
        return True
    if metric.kind != "proportion":
        return False
    events = plan.min_conversions if plan.min_conversions is not None else MIN_CONVERSIONS
    summaries = (compared.summary(metric.name, name) for name in names)
    return any(round(one.n * (one.mean or 0.0)) < events for one in summaries)


def look_fields(taken: Taken, experiment: str, phase: int) -> dict[str, Json]:
    """A look as the ledger keeps it: whole numbers, shares of alpha rounded down."""
    boundary = taken.boundary
    return {
        "experiment": experiment,
        "phase": phase,
        "metric": taken.metric,
        "day": taken.day,
        "n": taken.look.n,
        "kept": taken.look.kept,
        "fraction": round(taken.look.fraction * _UNIT),
        "z": None if boundary.z is None else round(boundary.z * _UNIT),
        "tail": None if boundary.tail is None else round(boundary.tail * _ALPHA_UNIT),
        "spent": round(boundary.spent * _ALPHA_UNIT),
        "cumulative": round(boundary.cumulative * _ALPHA_UNIT),
    }


def looks_of(fields: Sequence[Mapping[str, Json]], experiment: str, phase: int) -> dict[str, list[Taken]]:
    """The looks of an experiment's phase by metric, in the order of the ledger; two of one day are one.

    But for a last look that followed one of the same day, as no cohort was added until the horizon.

    Raises:
        LedgerBroken: a look lacks a field.
    """
    found: dict[str, list[Taken]] = {}
    for one in fields:
        if one.get("experiment") != experiment or one.get("phase") != phase:
            continue
        taken = _taken(one)
        mine = found.setdefault(taken.metric, [])
        if not mine or taken.day > mine[-1].day or _follows(taken, mine[-1]):
            mine.append(taken)
    return found


def told_at_end(experiment: Experiment, past: Mapping[str, Sequence[Taken]]) -> bool:
    """Whether a look was kept that only the end of the horizon has: whoever leaves later does not undo it."""
    way = way_of(experiment.plan)
    return any(past.get(metric.name) for metric in experiment.metrics if metric.role != "primary" or way == "once")


def _follows(taken: Taken, before: Taken) -> bool:
    """Whether a look spent what the one before had left, and so is not that look once more."""
    boundary, spent = taken.boundary, before.boundary.cumulative
    own = boundary.cumulative > spent and abs(boundary.cumulative - boundary.spent - spent) <= _ROUNDED
    return own and taken.day == before.day


def _taken(fields: Mapping[str, Json]) -> Taken:
    try:
        whole = {name: fields[name] for name in ("day", "n", "kept", "fraction", "z", "spent", "cumulative")}
        numbers = {name: int(str(value)) if value is not None else None for name, value in whole.items()}
        day, n, fraction = numbers["day"], numbers["n"], numbers["fraction"]
        spent, cumulative = numbers["spent"], numbers["cumulative"]
        if day is None or n is None or fraction is None or spent is None or cumulative is None:
            raise LedgerBroken("a look in the ledger lacks a number", where="use-close")
        z = numbers["z"]
        return Taken(
            metric=str(fields["metric"]),
            day=day,
            look=Look(fraction=fraction / _UNIT, n=n, kept=numbers["kept"]),
            boundary=boundary_at(
                None if z is None else z / _UNIT,
                spent=spent / _ALPHA_UNIT,
                cumulative=cumulative / _ALPHA_UNIT,
            ),
        )
    except (KeyError, ValueError):
        raise LedgerBroken("a look in the ledger lacks a field", where="use-close") from None
