"""Comparisons of a registered experiment: each metric as its look sees it, corrected as it was registered. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import narwhals as nw

from imp_core.suppress import any_hidden, hidden
from imp_experiments.design.experiment import PRIMARY_CORRECTION, Experiment, Metric
from imp_experiments.design.factorial import Factorial
from imp_experiments.design.parse_factors import design_of_file
from imp_experiments.measure.archive import Measurement
from imp_experiments.measure.clustered import CLUSTER
from imp_experiments.measure.layout import UNITS
from imp_experiments.measure.moments import Moments
from imp_experiments.measure.parts import below_name, covariates_of
from imp_experiments.measure.quantiles import QuantileRow, quantile_rows
from imp_experiments.measure.units import IN
from imp_experiments.readout.clustering import Clustering
from imp_experiments.readout.compare import Asked, Tested, compare_metric, compare_quantile
from imp_experiments.readout.corrected import corrected
from imp_experiments.readout.decide import treatments
from imp_experiments.readout.factored import Factored, FactoredMetric
from imp_experiments.readout.factorize import barred_metric, factor_metric, factored
from imp_experiments.readout.judged import judged
from imp_experiments.readout.looks import Sight, Taken, sight_of
from imp_experiments.readout.reading import Reading
from imp_experiments.readout.readout import MetricUnits
from imp_experiments.readout.ripe import ripe_cohorts
from imp_experiments.readout.told import told_together
from imp_experiments.readout.weighed import weighed
from imp_experiments.stats.bayes import Prior
from imp_experiments.stats.estimate import Quantity
from imp_experiments.stats.quantile import quantile_points

__all__ = ["ComparedAll", "Seen", "asked_of", "compare_registered", "hypotheses_of", "split_of", "together"]

# Main effects and two-way interactions.
_ORDER: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Of a metric: the last cohort day that is compared (None: no cohort), and the code that bars its figures."""

    through: int | None
    barred: str | None

    def of(self, moments: Moments) -> Moments:
        """The cohorts that are compared."""
        last = self.through
        return moments.select(lambda cell: cell.day is None or (last is not None and cell.day <= last))


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedAll:
    """Every comparison, how many units each metric has, the looks this readout uses up, what it sees of each metric.

    `done`: no primary has alpha left, so that the answer stands before the horizon. `factorial`: the effects of
    factors, told once, at the horizon. `clustering` is None where units were randomised.
    """

    tested: list[Tested]
    units: list[MetricUnits]
    taken: list[Taken]
    done: bool
    seen: Mapping[str, Seen]
    factorial: Factored | None = None
    clustering: Clustering | None = None


def hypotheses_of(experiment: Experiment) -> int:
    """How many primary hypotheses there are: treatments times primary metrics."""
    return len(treatments(experiment)) * sum(metric.role == "primary" for metric in experiment.metrics)


def compare_registered(
    experiment: Experiment,
    measurement: Measurement,
    past: Mapping[str, Sequence[Taken]],
    reading: Reading,
) -> ComparedAll:
    """Compare every metric; `past` are the looks so far by metric."""
    made = design_of_file(experiment.factors, experiment.design) if reading.final else None
    names = [experiment.control, *treatments(experiment)]
    of = _Of(
        experiment=experiment,
        measurement=measurement,
        clustering=None if experiment.cluster is None else Clustering(measurement, names),
        reading=reading,
    )
    ripe = ripe_cohorts(experiment, measurement.moments, past, reading)
    found = [
        _metric(of, metric, ripe[metric.name], past.get(metric.name, ()), made=made) for metric in experiment.metrics
    ]
    effects = [one.effects for one in found if one.effects is not None]
    return ComparedAll(
        tested=together(experiment, [tested for one in found for tested in one.tested], final=reading.final),
        units=told_together([one.units for one in found]),
        taken=[one.sight.taken for one in found if one.sight.taken is not None],
        done=all(one.sight.done for one in found if one.units.role == "primary"),
        seen={one.units.metric: one.seen for one in found},
        factorial=None if made is None else factored(made, effects, order=_ORDER),
        clustering=of.clustering,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metric:
    """What one look at a metric comes to."""

    tested: list[Tested]
    units: MetricUnits
    sight: Sight
    seen: Seen
    effects: FactoredMetric | None


def _metric(of: _Of, metric: Metric, ripe: Moments, past: Sequence[Taken], *, made: Factorial | None) -> _Metric:
    sight = _sight(of, metric, ripe, past)
    through = max((cell.day for cell in sight.moments.cells if cell.day is not None), default=None)
    compared = _compare(of, metric, sight)
    return _Metric(
        tested=compared,
        units=_units(of, metric, compared, sight, ripe),
        sight=_used(sight, compared),
        seen=Seen(through=through, barred=of.barred(metric) or sight.waits),
        effects=None if made is None else _effects(of, metric, sight, made),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Of:
    """What is compared: the experiment, its units (and their clusters), as of when."""

    experiment: Experiment
    measurement: Measurement
    clustering: Clustering | None
    reading: Reading

    def barred(self, metric: Metric) -> str | None:
        """The code of the condition that bars a metric's figures, whatever the look."""
        if metric.name in self.measurement.mixed:
            return "several_currencies"
        return None if self.clustering is None else self.clustering.barred

    def moments(self, sight: Sight) -> Moments:
        """What the figures of a look are made of: units, or sums of clusters."""
        return sight.moments if self.clustering is None else self.clustering.moments(sight.moments)


def _used(sight: Sight, compared: Sequence[Tested]) -> Sight:
    """The sight without its look, where that showed no figure: then none of alpha was spent."""
    shown = any(one.compared.absolute is not None or one.compared.relative is not None for one in compared)
    return sight if shown or sight.taken is None else replace(sight, taken=None, done=False)


def _effects(of: _Of, metric: Metric, sight: Sight, made: Factorial) -> FactoredMetric:
    """The effects of factors on the units that the look sees."""
    moments = of.moments(sight)
    asked = asked_of(of.experiment, metric, moments)
    if metric.q is not None:
        return barred_metric(asked, "not_factored", made=made, direction=metric.direction)
    alpha, barred = of.experiment.plan.alpha, of.barred(metric)
    return factor_metric(
        moments, asked, made, order=_ORDER, alpha=alpha, direction=metric.direction, k=of.reading.k, barred=barred
    )


def _sight(of: _Of, metric: Metric, ripe: Moments, past: Sequence[Taken]) -> Sight:
    experiment = of.experiment
    alpha = experiment.plan.alpha / (split_of(experiment, final=of.reading.final) if metric.role == "primary" else 1)
    names = [experiment.control, *treatments(experiment)]
    few = of.clustering is not None and of.clustering.few(ripe)
    return sight_of(
        experiment, metric, ripe, past, alpha=alpha, final=of.reading.final, names=names, k=of.reading.k, few=few
    )


def split_of(experiment: Experiment, *, final: bool) -> int:
    """Into how many parts alpha is split before anything is seen: by max-T there is one look, which is corrected."""
    whole = final and experiment.decision.primary_correction != PRIMARY_CORRECTION
    return 1 if whole else hypotheses_of(experiment)


def _compare(of: _Of, metric: Metric, sight: Sight) -> list[Tested]:
    experiment, barred = of.experiment, of.barred(metric) or sight.waits
    tail = sight.rule.tail
    if tail is None and barred is None:
        barred = "no_units"
    judging = experiment.plan.alpha / 2 if tail is None else tail
    hypotheses = split_of(experiment, final=of.reading.final) if metric.role == "primary" else 1
    if metric.q is not None and barred is None and of.measurement.units is not None:
        found = _compare_quantile(of, metric, metric.q, sight, tail=judging)
        return [judged(one, sight.rule, hypotheses=hypotheses) for one in found]
    moments = of.moments(sight)
    found = compare_metric(
        moments,
        asked_of(experiment, metric, moments),
        variants=treatments(experiment),
        control=experiment.control,
        tail=judging,
        k=of.reading.k,
        barred=barred,
    )
    return [judged(one, sight.rule, hypotheses=hypotheses) for one in found]


def _compare_quantile(of: _Of, metric: Metric, q: float, sight: Sight, *, tail: float) -> list[Tested]:
    """A quantile over the units with an event, of the cohorts that the look sees."""
    names = [of.experiment.control, *treatments(of.experiment)]
    days = [cell.day for cell in sight.moments.cells if cell.day is not None]
    rows: dict[str, QuantileRow] = {}
    measurement = of.measurement if of.clustering is None else of.clustering.keyed()
    if days and measurement.units is not None:
        seen = measurement.units.filter((nw.col("status") == IN) & (nw.col("day") <= max(days)))
        value = measurement.columns[metric.name]
        cluster = None if of.clustering is None else CLUSTER
        rows = quantile_rows(seen, q, points=quantile_points(q), value=value, cluster=cluster)
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
        k=of.reading.k,
    )


def together(experiment: Experiment, tested: Sequence[Tested], *, final: bool) -> list[Tested]:
    """Corrected for each other as registered; at the horizon weighed with the prior, if there is one."""
    found = list(tested)
    decision, alpha = experiment.decision, experiment.plan.alpha
    if final and decision.primary_correction != PRIMARY_CORRECTION and hypotheses_of(experiment) > 1:
        found = _corrected(experiment, found, "primary", decision.primary_correction)
    if decision.secondary_correction != "none":
        found = _corrected(experiment, found, "secondary", decision.secondary_correction)
    if final and experiment.plan.prior is not None:
        down = [metric.name for metric in experiment.metrics if metric.direction == "down"]
        found = weighed(found, Prior(mean=0.0, sd=experiment.plan.prior), alpha=alpha, down=down)
    return found


def _corrected(experiment: Experiment, tested: Sequence[Tested], role: str, method: str) -> list[Tested]:
    """The metrics of a role corrected for each other; a single secondary needs none.

    Primaries share alpha as registered, those that have no figure yet too: an answer that was told stays.
    """
    names = {metric.name for metric in experiment.metrics if metric.role == role}
    mine = [one for one in tested if one.compared.metric in names]
    few = sum(one.compared.p_value is not None for one in mine) < 2  # noqa: PLR2004 (one needs no correction)
    if few and role != "primary":
        return list(tested)
    better = iter(corrected(mine, method, alpha=experiment.plan.alpha, metrics=len(names)))
    return [next(better) if one.compared.metric in names else one for one in tested]


def _units(of: _Of, metric: Metric, compared: Sequence[Tested], sight: Sight, ripe: Moments) -> MetricUnits:
    names, k = [of.experiment.control, *treatments(of.experiment)], of.reading.k
    # the matured units are those of the variants, those that ripened since a look, and those of no weight
    others = ripe.count() - sum(sight.moments.count(name) for name in names)
    shown = [n for one in compared for n in (one.compared.n_variant, one.compared.n_control)]
    few = any_hidden([*shown, hidden(others, k)])
    everyone = of.measurement.moments.count()
    return MetricUnits(
        metric=metric.name,
        role=metric.role,
        matured=None if few else hidden(ripe.count(), k),
        immature=hidden(everyone - ripe.count(), k),
    )


def asked_of(experiment: Experiment, metric: Metric, moments: Moments) -> Asked:
    """A registered metric as it is compared: adjusted for what was measured before the exposure.

    Of clusters a mean is a ratio, whose denominator counts their units.
    """
    covariates = tuple(name for name in covariates_of(metric, experiment.metrics) if name in moments.columns)
    below = None if experiment.cluster is None else UNITS
    if metric.denominator is not None:
        below = below_name(metric)
    quantity = Quantity(column=metric.name, denominator=below, covariates=covariates)
    return Asked(metric=metric.name, kind=metric.kind, quantity=quantity, scale=metric.scale)
