"""Where consent differs between variants: the effect within bounds, at the end, and only of enough people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import narwhals as nw

from imp_core.errors import BadInput
from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.measure.archive import Measurement, matured
from imp_experiments.measure.moments import Moments
from imp_experiments.measure.trim import trim
from imp_experiments.measure.units import IN
from imp_experiments.readout.consent_health import JudgedConsent
from imp_experiments.readout.decide import treatments
from imp_experiments.readout.reading import Reading
from imp_experiments.readout.readout import Bounds
from imp_experiments.readout.registered import Seen
from imp_experiments.stats.health.identified import IdentifiedSet
from imp_experiments.stats.health.lee import Retained, lee_bounds, trimming
from imp_experiments.stats.health.manski import manski_bounds

__all__ = ["consent_bounds"]

_AT_END: Final = "bounds: consent differs between variants; they are told when the horizon is over"
_NOT_SHOWN: Final = "bounds: consent differs between variants, but none are shown: "
_EVERYBODY: Final = "all units that met {variant} or {control}"


@dataclass(frozen=True, slots=True)
class _Side:
    variant: Retained
    control: Retained


def consent_bounds(
    experiment: Experiment,
    measurement: Measurement,
    consent: JudgedConsent,
    seen: Mapping[str, Seen],
    reading: Reading,
) -> tuple[list[Bounds], list[str]]:
    """Lee's bounds of means and Manski's of flags, or in words why there are none; nothing where consent is alike.

    They are of the units that the comparison has `seen`, if these are all, and scan them again while the use is open.
    """
    if not consent.differs:
        return [], []
    if not reading.final:
        return [], [_AT_END]
    if consent.gap is not None:
        return [], [_NOT_SHOWN + consent.gap]
    found: list[Bounds] = []
    notes: list[str] = []
    for metric in experiment.metrics:
        ripe = matured(measurement.moments, metric, as_of_us=reading.as_of_us, zone=reading.zone)
        reason = _barred(metric, measurement, ripe, seen[metric.name])
        if reason is not None:
            notes.append(f"bounds ({metric.name}): not shown: {reason}")
            continue
        for name in treatments(experiment):
            sides = _sides(metric, measurement, consent.assigned, name, experiment.control)
            bounds = _bounds(metric, measurement, sides, alpha=experiment.plan.alpha, k=reading.k)
            if isinstance(bounds, str):
                notes.append(f"bounds ({metric.name}, {name}): not shown: {bounds}")
            else:
                found.append(bounds)
    return found, notes


def _barred(metric: Metric, measurement: Measurement, ripe: Moments, seen: Seen) -> str | None:
    if metric.name in measurement.mixed:
        return "its amounts are in several currencies"
    if metric.kind not in ("mean", "proportion"):
        return f"there are none for a {metric.kind}"
    everybody = measurement.moments.count()
    if ripe.count() != everybody:
        return "not all units' windows are over"
    return None if seen.of(ripe).count() == everybody else "the comparison stays at its look, and people came since"


def _sides(metric: Metric, measurement: Measurement, assigned: Mapping[str, int], variant: str, control: str) -> _Side:
    one, two = (
        Retained(name=name, assigned=assigned[name], summary=measurement.moments.summary(metric.name, name))
        for name in (variant, control)
    )
    return _Side(one, two)


def _bounds(metric: Metric, measurement: Measurement, sides: _Side, *, alpha: float, k: int) -> Bounds | str:
    """The bounds, or why they are not shown."""
    if metric.value == "any":
        return _manski(metric, sides, alpha)
    if measurement.units is None:
        return "there are no units"
    column = measurement.columns[metric.name]
    values = measurement.units.filter(nw.col("status") == IN).select("variant", value=nw.col(column))
    return _lee(metric, values, sides, alpha, k)


def _manski(metric: Metric, sides: _Side, alpha: float) -> Bounds | str:
    variant, control = sides.variant, sides.control
    found = manski_bounds(
        variant.summary,
        control.summary,
        missing_variant=variant.assigned - variant.summary.n,
        missing_control=control.assigned - control.summary.n,
        alpha=alpha,
    )
    if found.bounds is None:
        return str(found.reason)
    estimand = _EVERYBODY.format(variant=variant.name, control=control.name)
    return _shown(metric, sides, found.bounds, method="manski", assumption=found.assumption, estimand=estimand)


def _lee(metric: Metric, values: nw.LazyFrame[Any], sides: _Side, alpha: float, k: int) -> Bounds | str:
    cut = trimming(sides.variant, sides.control)
    if cut is None:
        return "a variant has no units that stayed"
    tails = None
    if cut.variant is not None:
        more = sides.variant if cut.variant == sides.variant.name else sides.control
        # what is trimmed is the difference of two sums that are told
        for weight in (more.summary.n * cut.trimmed, more.summary.n * cut.kept):
            if weight < k:
                return f"fewer than {k} units would be trimmed, or kept"
        try:
            tails = trim(values, cut.variant, cut.kept)
        except BadInput as error:
            return error.what
    found = lee_bounds(sides.variant, sides.control, tails, alpha=alpha)
    if found.bounds is None:
        return str(found.reason)
    return _shown(metric, sides, found.bounds, method="lee", assumption=found.assumption, estimand=found.estimand)


def _shown(
    metric: Metric, sides: _Side, found: IdentifiedSet, *, method: str, assumption: str, estimand: str
) -> Bounds:
    low, high, interval_low, interval_high = (
        float(f"{figure:.3g}") for figure in (found.low, found.high, found.interval_low, found.interval_high)
    )
    return Bounds(
        metric=metric.name,
        variant=sides.variant.name,
        control=sides.control.name,
        method=method,
        assumption=assumption,
        estimand=estimand,
        low=low,
        high=high,
        interval_low=interval_low,
        interval_high=interval_high,
    )
