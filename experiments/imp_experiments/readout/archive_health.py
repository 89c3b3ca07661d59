"""Health checks of a registered experiment: was it alike before, does one unit carry it, is it the same over cohorts?

They show nothing of the effect before the horizon: what compares outcomes (novelty) is only made then.
"""

from __future__ import annotations

from collections.abc import Mapping

from imp_core.suppress import any_hidden, hidden
from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.measure.archive import Measurement, matured
from imp_experiments.measure.moments import Moments
from imp_experiments.measure.parts import missing_name, parts_of
from imp_experiments.readout.checks import balance_checks, novelty_check
from imp_experiments.readout.decide import treatments
from imp_experiments.readout.one_unit import NAME as OUTLIERS
from imp_experiments.readout.one_unit import outlier_in_archive
from imp_experiments.readout.reading import Reading
from imp_experiments.readout.readout import Check
from imp_experiments.readout.registered import Seen, asked_of

__all__ = ["archive_checks"]

_CLUSTERS = "units of a cluster are alike, and this check takes them for independent"
_AT_END = "told when the horizon is over: before, it would be another look at the effect"


def archive_checks(
    experiment: Experiment, measurement: Measurement, seen: Mapping[str, Seen], reading: Reading
) -> list[Check]:
    """Balance of what was before, outliers of means, and novelty of primary metrics; no figure of one unit or day.

    Novelty is of the cohorts that the comparison has `seen`: of later ones it would be another look at the effect.

    Metrics in several currencies have no sums and no checks; where units come in clusters nothing is tested.
    """
    final, k = reading.final, reading.k
    checks = _balance(experiment, measurement, k)
    for metric in experiment.metrics:
        if metric.name in measurement.mixed:
            continue
        ripe = matured(measurement.moments, metric, as_of_us=reading.as_of_us, zone=reading.zone)
        if _far(metric) and experiment.cluster is None:
            checks += [_outlier(metric, ripe, name, experiment.control, k) for name in treatments(experiment)]
        if metric.role == "primary" and metric.kind != "quantile":
            told = seen[metric.name].of(measurement.moments)
            checks += [_novelty(experiment, metric, told, name, final=final, k=k) for name in treatments(experiment)]
    return checks


def _balance(experiment: Experiment, measurement: Measurement, k: int) -> list[Check]:
    moments = measurement.moments
    covariates: dict[str, tuple[str, str | None]] = {}
    for metric in experiment.metrics:
        # without the indicator nothing is known of that time
        known = metric.pre_us is not None and missing_name(metric.pre_us) in moments.columns
        if known and metric.pre_us is not None and metric.name not in measurement.mixed:
            lacking = missing_name(metric.pre_us)
            covariates |= {part.name: (part.name, lacking) for part in parts_of(metric) if part.before}
    if not covariates:
        return []
    if experiment.cluster is not None:
        return [Check(name="balance", about=name, verdict="not tested", text=_CLUSTERS) for name in covariates]
    return balance_checks(moments, covariates, variants=treatments(experiment), control=experiment.control, k=k)


def _far(metric: Metric) -> bool:
    """Whether a unit may lie far out: 0 and 1 cannot, and a clip has ended the others."""
    return metric.kind == "mean" and metric.value != "any" and metric.clip is None


def _outlier(metric: Metric, ripe: Moments, variant: str, control: str, k: int) -> Check:
    if any_hidden(hidden(ripe.count(name), k) for name in (variant, control)):
        text = f"a variant has fewer than {k} units"
        return Check(name=OUTLIERS, about=f"{metric.name}, {variant}", verdict="not tested", text=text)
    counts = metric.value == "count"
    return outlier_in_archive(ripe, metric.name, metric=metric.name, variant=variant, control=control, counts=counts)


def _novelty(experiment: Experiment, metric: Metric, ripe: Moments, variant: str, *, final: bool, k: int) -> Check:
    if not final or experiment.cluster is not None:
        text = _CLUSTERS if final else _AT_END
        return Check(name="novelty", about=f"{metric.name}, {variant}", verdict="not tested", text=text)
    quantity, control = asked_of(experiment, metric, ripe).quantity, experiment.control
    return novelty_check(ripe, quantity, metric=metric.name, variant=variant, control=control, scale=metric.scale, k=k)
