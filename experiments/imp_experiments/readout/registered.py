"""Comparisons of a registered experiment: each metric as its look sees it, corrected as it was registered. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo

import narwhals as nw

from imp_core.suppress import any_hidden, hidden
from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.design.factorial import Factorial
from imp_experiments.design.parse_factors import design_of_file
from imp_experiments.measure.archive import Measurement, matured
from imp_experiments.measure.moments import Moments
from imp_experiments.measure.parts import below_name, missing_name, parts_of
from imp_experiments.measure.quantiles import QuantileRow, quantile_rows
from imp_experiments.measure.units import IN
from imp_experiments.readout.compare import Asked, Tested, compare_metric, compare_quantile
from imp_experiments.readout.corrected import corrected
from imp_experiments.readout.decide import treatments
from imp_experiments.readout.factored import Factored, FactoredMetric
from imp_experiments.readout.factorize import barred_metric, factor_metric, factored
from imp_experiments.readout.judged import judged
from imp_experiments.readout.looks import Sight, Taken, sight_of
from imp_experiments.readout.readout import MetricUnits
from imp_experiments.readout.told import told_together
from imp_experiments.stats.estimate import Quantity
from imp_experiments.stats.quantile import quantile_points

__all__ = ["SECONDARY_CORRECTION", "ComparedAll", "Seen", "asked_of", "compare_registered", "hypotheses_of"]

SECONDARY_CORRECTION: Final = "benjamini_hochberg"
# Main effects and two-way interactions.
_ORDER: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Of a metric: the last cohort day that is compared (None: no cohort), and the code that bars its figures."""

    through: int | None
    barred: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedAll:
    """Every comparison, how many units each metric has, the looks this readout uses up, what it sees of each metric.

    `done`: no primary has alpha left, so that the answer stands before the horizon. `factorial`: the effects of
    factors, told once, at the horizon.
    """

    tested: list[Tested]
    units: list[MetricUnits]
    taken: list[Taken]
    done: bool
    seen: Mapping[str, Seen]
    factorial: Factored | None = None


def hypotheses_of(experiment: Experiment) -> int:
    """How many primary hypotheses there are: treatments times primary metrics."""
    return len(treatments(experiment)) * sum(metric.role == "primary" for metric in experiment.metrics)


def compare_registered(
    experiment: Experiment,
    measurement: Measurement,
    past: Mapping[str, Sequence[Taken]],
    *,
    as_of_us: int,
    zone: ZoneInfo,
    final: bool,
    k: int,
) -> ComparedAll:
    """Compare every metric; `past` are the looks so far by metric, `final` whether the horizon is over."""
    tested: list[Tested] = []
    units: list[MetricUnits] = []
    sights: list[Sight] = []
    taken: list[Taken] = []
    seen: dict[str, Seen] = {}
    made = design_of_file(experiment.factors, experiment.design) if final else None
    effects: list[FactoredMetric] = []
    for metric in experiment.metrics:
        ripe = matured(measurement.moments, metric, as_of_us=as_of_us, zone=zone)
        sight = _sight(experiment, metric, ripe, past.get(metric.name, ()), final=final, k=k)
        seen[metric.name] = Seen(
            through=max((cell.day for cell in sight.moments.cells if cell.day is not None), default=None),
            barred="several_currencies" if metric.name in measurement.mixed else sight.waits,
        )
        compared = _compare(experiment, metric, measurement, sight, k=k)
        tested += compared
        units.append(_units(metric, compared, ripe, measurement.moments.count(), k))
        if made is not None:
            effects.append(_effects(experiment, metric, measurement, sight, made, k=k))
        sight = _used(sight, compared)
        if sight.taken is not None:
            taken.append(sight.taken)
        if metric.role == "primary":
            sights.append(sight)
    return ComparedAll(
        tested=_secondaries(experiment, tested),
        units=told_together(units),
        taken=taken,
        done=all(sight.done for sight in sights),
        seen=seen,
        factorial=None if made is None else factored(made, effects, order=_ORDER),
    )


def _used(sight: Sight, compared: Sequence[Tested]) -> Sight:
    """The sight without its look, where that showed no figure: then none of alpha was spent."""
    shown = any(one.compared.absolute is not None or one.compared.relative is not None for one in compared)
    return sight if shown or sight.taken is None else replace(sight, taken=None, done=False)


def _effects(
    experiment: Experiment, metric: Metric, measurement: Measurement, sight: Sight, made: Factorial, *, k: int
) -> FactoredMetric:
    """The effects of factors on the units that the look sees."""
    asked = asked_of(metric, measurement.moments)
    barred = "several_currencies" if metric.name in measurement.mixed else None
    if metric.q is not None:
        return barred_metric(asked, "not_factored", made=made, direction=metric.direction)
    alpha = experiment.plan.alpha
    return factor_metric(
        sight.moments, asked, made, order=_ORDER, alpha=alpha, direction=metric.direction, k=k, barred=barred
    )


def _sight(
    experiment: Experiment, metric: Metric, ripe: Moments, past: Sequence[Taken], *, final: bool, k: int
) -> Sight:
    alpha = experiment.plan.alpha / (hypotheses_of(experiment) if metric.role == "primary" else 1)
    names = [experiment.control, *treatments(experiment)]
    return sight_of(experiment, metric, ripe, past, alpha=alpha, final=final, names=names, k=k)


def _compare(experiment: Experiment, metric: Metric, measurement: Measurement, sight: Sight, *, k: int) -> list[Tested]:
    barred = "several_currencies" if metric.name in measurement.mixed else sight.waits
    tail = sight.rule.tail
    if tail is None and barred is None:
        barred = "no_units"
    judging = experiment.plan.alpha / 2 if tail is None else tail
    hypotheses = hypotheses_of(experiment) if metric.role == "primary" else 1
    if metric.q is not None and barred is None and measurement.units is not None:
        found = _compare_quantile(experiment, metric, metric.q, measurement, sight, tail=judging, k=k)
        return [judged(one, sight.rule, hypotheses=hypotheses) for one in found]
    found = compare_metric(
        sight.moments,
        asked_of(metric, measurement.moments),
        variants=treatments(experiment),
        control=experiment.control,
        tail=judging,
        k=k,
        barred=barred,
    )
    return [judged(one, sight.rule, hypotheses=hypotheses) for one in found]


def _compare_quantile(
    experiment: Experiment, metric: Metric, q: float, measurement: Measurement, sight: Sight, *, tail: float, k: int
) -> list[Tested]:
    """A quantile over the units with an event, of the cohorts that the look sees."""
    names = [experiment.control, *treatments(experiment)]
    days = [cell.day for cell in sight.moments.cells if cell.day is not None]
    rows: dict[str, QuantileRow] = {}
    if days and measurement.units is not None:
        seen = measurement.units.filter((nw.col("status") == IN) & (nw.col("day") <= max(days)))
        value = measurement.columns[metric.name]
        rows = quantile_rows(seen, q, points=quantile_points(q, tail=tail), value=value)
    nothing = QuantileRow(q=q, n=0, value=None, points={})
    rows = {name: rows.get(name, nothing) for name in names}
    return compare_quantile(
        metric.name,
        rows,
        {name: row.n for name, row in rows.items()},
        variants=names[1:],
        control=names[0],
        scale=metric.scale,
        tail=tail,
        k=k,
    )


def _secondaries(experiment: Experiment, tested: Sequence[Tested]) -> list[Tested]:
    """Secondary metrics corrected for each other."""
    secondary = {metric.name for metric in experiment.metrics if metric.role == "secondary"}
    mine = [one for one in tested if one.compared.metric in secondary]
    if sum(one.compared.p_value is not None for one in mine) < 2:  # noqa: PLR2004 (one needs no correction)
        return list(tested)
    better = iter(corrected(mine, SECONDARY_CORRECTION, alpha=experiment.plan.alpha))
    return [next(better) if one.compared.metric in secondary else one for one in tested]


def _units(metric: Metric, compared: Sequence[Tested], ripe: Moments, everyone: int, k: int) -> MetricUnits:
    # the variants add up to the matured units
    few = any_hidden(n for one in compared for n in (one.compared.n_variant, one.compared.n_control))
    return MetricUnits(
        metric=metric.name,
        role=metric.role,
        matured=None if few else hidden(ripe.count(), k),
        immature=hidden(everyone - ripe.count(), k),
    )


def asked_of(metric: Metric, moments: Moments) -> Asked:
    """A registered metric as it is compared: adjusted for itself before the exposure, where that was measured."""
    parts = parts_of(metric)
    covariates = [part.name for part in parts if part.before]
    if metric.pre_us is not None and missing_name(metric.pre_us) in moments.columns:
        covariates.append(missing_name(metric.pre_us))
    below = None if metric.denominator is None else below_name(metric)
    quantity = Quantity(column=metric.name, denominator=below, covariates=tuple(covariates))
    return Asked(metric=metric.name, kind=metric.kind, quantity=quantity, scale=metric.scale)
