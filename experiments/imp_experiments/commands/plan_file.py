"""Plan an experiment from its file: does its horizon suffice for its mde, power, variants and primary metrics?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from imp_core.clock import DAY_US
from imp_core.errors import BadInput
from imp_experiments.commands.plan_basis import FORMS, Basis
from imp_experiments.commands.plan_factors import EffectPlan, enough, plan_factors, signed
from imp_experiments.commands.plan_looks import looks_inflation
from imp_experiments.commands.planner import Planner
from imp_experiments.design.assign import bucket_shares
from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.readout.decide import treatments
from imp_experiments.readout.looks import CONFIDENCE_SEQUENCE, way_of
from imp_experiments.stats.power.duration import Arrivals, days_until, matured
from imp_experiments.stats.power.primaries import Together, power_each, together
from imp_experiments.stats.power.setting import Setting

__all__ = ["ExperimentPlan", "MetricPlan", "plan_experiment", "planned_metrics"]


# what a baseline may look like, in words of its kind
_EXAMPLES: Final = {"proportion": "0.05", "mean": "12.5:40", "ratio": "12,40,3,5,0.6", "quantile": "120:0.004"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPlan:
    """What one metric takes. `test` is "difference" (primaries) or "non-inferiority" (guardrails with a margin).

    effect: the true effect planned for, signed, on the metric's scale (0 for non-inferiority; None: none was given).
    units: in all variants together (None: none was asked for, or no number does). days: until they have matured.
    matured: units that count at the horizon; detectable: the effect these show (None for non-inferiority). daily:
    the new units a day that would do by the horizon. enough: None where nobody knows. method: the test, in words.
    inflation: what looking costs in units. chance: the power at the horizon. factors: their effects on a primary.
    """

    metric: str
    role: str
    test: str
    scale: str
    baseline: float
    sd: float
    alpha: float
    hypotheses: int
    power: float
    effect: float | None
    margin: float | None
    units: int | None
    days: int | None
    matured: int | None
    detectable: float | None
    daily: int | None
    enough: bool | None
    method: str
    inflation: float
    chance: float | None
    factors: tuple[EffectPlan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentPlan:
    """An experiment's plan. `enough`: every planned metric has its units by the horizon; None where nobody knows.

    `together`: the chances to show all primaries, or any, at the horizon; None of a single one, or where nobody knows.
    """

    experiment: str
    horizon_days: float
    shares: Mapping[str, float]
    decision: str
    metrics: tuple[MetricPlan, ...]
    enough: bool | None
    together: Together | None
    notes: tuple[str, ...]


def plan_experiment(
    experiment: Experiment,
    bases: Mapping[str, Basis],
    *,
    mde: float | None = None,
    arrivals: Arrivals | None = None,
    shape: Setting | None = None,
) -> ExperimentPlan:
    """Plan the primaries, and the guardrails that have a margin and a baseline, at the least favourable treatment.

    `mde` stands in for the file's; `arrivals` has the daily units and their consent (its traffic is the file's).
    `shape` holds what the file does not say: correlation, clusters, inflation.

    Raises:
        BadInput: a primary has no baseline, a baseline has no metric, there is neither mde nor traffic, or clusters
            lack a size.
    """
    metrics = _given_metrics(experiment, bases)
    given = _given(experiment, mde=mde, arrivals=arrivals, shape=shape or Setting())
    planned = tuple(_metric(experiment, metric, bases[metric.name], given) for metric in metrics)
    known = [item.enough for item in planned if item.enough is not None]
    return ExperimentPlan(
        experiment=experiment.name,
        horizon_days=experiment.plan.horizon_us / DAY_US,
        shares=bucket_shares(experiment.weights),
        decision=experiment.decision.primary,
        metrics=planned,
        enough=all(known) if len(known) == len(planned) or not all(known) else None,
        together=_together(planned),
        notes=_notes(experiment, planned, given.shape),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What is planned with beside the baselines: the effect's size and the arrivals (None: not given), the shape."""

    mde: float | None
    arrivals: Arrivals | None
    shape: Setting


def _given(experiment: Experiment, *, mde: float | None, arrivals: Arrivals | None, shape: Setting) -> _Given:
    """With what the file says of effect and traffic; refused where that is too little."""
    effect = experiment.plan.mde if mde is None else mde
    if effect is None and arrivals is None:
        mend = "write mde in the file's [plan], or give --mde or --daily"
        raise BadInput("too little to plan with", where=f"{experiment.name}: plan.mde", mend=mend)
    if experiment.cluster is not None and shape.cluster_size <= 1:
        problem = f"units come in clusters ({experiment.cluster}), of which too little is said"
        raise BadInput(problem, where=f"{experiment.name}: cluster", mend="give --cluster-size and --icc")
    if arrivals is not None:
        arrivals = replace(arrivals, traffic=experiment.traffic)
    return _Given(mde=effect, arrivals=arrivals, shape=shape)


def _together(planned: Sequence[MetricPlan]) -> Together | None:
    chances = [item.chance for item in planned if item.role == "primary"]
    known = [chance for chance in chances if chance is not None]
    return together(known) if len(known) == len(chances) > 1 else None


def _given_metrics(experiment: Experiment, bases: Mapping[str, Basis]) -> list[Metric]:
    names = {metric.name: metric for metric in experiment.metrics}
    for name in bases:
        if name not in names or names[name].role == "secondary":
            problem = "is secondary, which is not planned" if name in names else "is no metric of the experiment"
            known = ", ".join(metric.name for metric in planned_metrics(experiment))
            raise BadInput(f"{name!r} {problem}", where="baseline", mend=f"its metrics are: {known}")
        if _test(experiment, names[name]) is None:
            problem = f"{name!r} is a guardrail of no_harm, whose margin is not tested: no number of units is its own"
            mend = 'write guardrails = "noninferior" in [decision] to plan for its margin, or leave its baseline out'
            raise BadInput(problem, where="baseline", mend=mend)
    for metric in experiment.metrics:
        if metric.role == "primary" and metric.name not in bases:
            mend = f"give --baseline {metric.name}={_EXAMPLES[metric.kind]} ({FORMS[metric.kind]}), or --data"
            raise BadInput(f"the primary metric {metric.name!r} has no baseline", where="baseline", mend=mend)
    return [metric for metric in planned_metrics(experiment) if metric.name in bases]


def planned_metrics(experiment: Experiment) -> list[Metric]:
    """The metrics that can be planned: primaries, and guardrails that are tested for non-inferiority."""
    return [metric for metric in experiment.metrics if _test(experiment, metric)]


def _test(experiment: Experiment, metric: Metric) -> str | None:
    if metric.role == "primary":
        return "difference"
    return "non-inferiority" if experiment.decision.guardrails == "noninferior" and metric.margin else None


def _setting(experiment: Experiment, metric: Metric, shape: Setting, basis: Basis) -> Setting:
    """As the verdict will test it: primaries at alpha over their number, guardrails one-sided and uncorrected."""
    shares = bucket_shares(experiment.weights)
    names = treatments(experiment)
    primaries = sum(other.role == "primary" for other in experiment.metrics)
    guardrail = _test(experiment, metric) == "non-inferiority"
    return replace(
        shape,
        correlation=shape.correlation or basis.correlation,
        alpha=experiment.plan.alpha,
        sides=1 if guardrail else 2,
        hypotheses=1 if guardrail else primaries * len(names),
        scale=metric.scale,
        direction=metric.direction,
        control=shares[experiment.control],
        treatment=min(shares[name] for name in names),
        margin=metric.margin if guardrail else None,
    )


def _metric(experiment: Experiment, metric: Metric, basis: Basis, given: _Given) -> MetricPlan:
    arrivals, power = given.arrivals, _power(experiment, metric)
    setting = _setting(experiment, metric, given.shape, basis)
    planner = Planner(kind=basis.kind, baseline=basis.baseline, setting=setting)
    factors: tuple[EffectPlan, ...] = ()
    if setting.margin is None:
        factors = plan_factors(experiment, metric, planner, power=power, mde=given.mde, arrivals=arrivals)
        planner = _with_looks(experiment, metric, planner, power)
    setting = planner.setting
    effect = signed(setting, given.mde)
    found = None if effect is None else planner.units(effect, power)
    units = None if found is None else found.total
    horizon, window = experiment.plan.horizon_us / DAY_US, metric.window_us / DAY_US
    count = None if arrivals is None else math.floor(matured(arrivals, horizon, window=window))
    return MetricPlan(
        metric=metric.name,
        role=metric.role,
        test=_test(experiment, metric) or "",
        scale=metric.scale,
        baseline=basis.baseline.mean,
        sd=math.sqrt(basis.baseline.variance),
        alpha=setting.alpha,
        hypotheses=setting.hypotheses,
        power=power,
        effect=effect,
        margin=setting.margin,
        units=units,
        days=None if arrivals is None or units is None else days_until(arrivals, units, window=window),
        matured=count,
        detectable=planner.mde(count, power) if count and setting.margin is None else None,
        daily=_daily(experiment, arrivals, units, horizon - window),
        enough=enough(effect, units, count),
        method=planner.method(effect, count if units is None else units),
        inflation=setting.inflation,
        chance=planner.power(effect, count) if count and effect is not None else None,
        factors=factors,
    )


def _power(experiment: Experiment, metric: Metric) -> float:
    """The chance planned for one metric: of primaries that must all hold, a root of the file's."""
    primaries = sum(other.role == "primary" for other in experiment.metrics)
    rule = experiment.decision.primary if _test(experiment, metric) == "difference" else "any"
    return power_each(experiment.plan.power, primaries, rule=rule)


def _with_looks(experiment: Experiment, metric: Metric, planner: Planner, power: float) -> Planner:
    """With what the file's looks cost in units, unless that was given."""
    setting = planner.setting
    if setting.inflation != 1:
        return planner
    inflation = looks_inflation(experiment, metric, alpha=setting.alpha / setting.hypotheses, power=power)
    return replace(planner, setting=replace(setting, inflation=inflation))


def _daily(experiment: Experiment, arrivals: Arrivals | None, units: int | None, days: float) -> int | None:
    """New units a day, before traffic and consent, so that enough have matured by the horizon."""
    whole = math.floor(days)
    if units is None or whole < 1:
        return None
    share = experiment.traffic * (1.0 if arrivals is None else arrivals.consent)
    return math.ceil(units / whole / share)


def _notes(experiment: Experiment, planned: tuple[MetricPlan, ...], shape: Setting) -> tuple[str, ...]:
    notes = []
    way = way_of(experiment.plan)
    if way == CONFIDENCE_SEQUENCE:
        notes.append(
            "a confidence sequence has no last look: the units are those with which it shows the effect at the power "
            "where it is narrowest (write units in the file's [plan])"
        )
    elif way != "once" and shape.inflation == 1:
        notes.append(f"{experiment.plan.looks} looks ({way} spending) are allowed for in the units of primary metrics")
    if any(item.factors for item in planned):
        notes.append("effects of factors are planned at alpha each, uncorrected, for one look at the horizon")
    if any(item.test == "difference" and item.hypotheses > 1 for item in planned):
        number = max(item.hypotheses for item in planned)
        notes.append(f"{number} primary hypotheses (variants × metrics) share alpha (Bonferroni)")
    if experiment.decision.primary == "all" and sum(item.test == "difference" for item in planned) > 1:
        notes.append("all primaries must hold: each is planned at a root of the power, as if they were independent")
    left = [
        metric.name
        for metric in experiment.metrics
        if metric.role == "guardrail" and metric.name not in [item.metric for item in planned]
    ]
    if left:
        tested = experiment.decision.guardrails == "noninferior"
        why = "no baseline given" if tested else "no_harm tests no margin"
        notes.append(f"guardrails not planned ({why}): {', '.join(left)}")
    return tuple(notes)
