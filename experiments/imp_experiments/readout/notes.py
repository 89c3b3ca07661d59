"""What a reader must know beside the figures, in sentences. Counts of 1 to k - 1 people are not spelled out."""

from __future__ import annotations

from typing import Final

from imp_core.counting import some
from imp_core.suppress import hidden
from imp_experiments.design.experiment import PRIMARY_CORRECTION, Ends, Experiment
from imp_experiments.measure.archive import Measurement
from imp_experiments.readout.clustering import Clustering
from imp_experiments.readout.decide import treatments
from imp_experiments.readout.enrolled import Enrolled
from imp_experiments.readout.factorize import EFFECTS_AT_END, FACTORIAL_NOTES, VERDICT_BY_CELLS
from imp_experiments.readout.looks import way_of
from imp_experiments.readout.weighed import PEEKING

__all__ = ["HIDDEN_COUNTS", "cluster_notes", "notes_of", "told"]

# What figures before the horizon hold, by the way of looking.
_WAYS: Final = {
    "once": "a single look is registered, so the verdict falls then; intervals and p until then hold at all times "
    "together (confidence sequence)",
    "confidence_sequence": "intervals and p hold at all times together (confidence sequence)",
}
_BOUNDARIES: Final = (
    "primary metrics are judged at the boundary of each look (Lan-DeMets); intervals and p of the others hold at all "
    "times together (confidence sequence)"
)
_NAMES: Final = {"bonferroni": "Bonferroni", "max_t": "max-T"}
_SECONDARIES: Final = {
    "benjamini_hochberg": "secondary metrics are corrected for each other by the false discovery rate "
    "(Benjamini-Hochberg)",
    "benjamini_yekutieli": "secondary metrics are corrected for each other by the false discovery rate, whatever their "
    "dependence (Benjamini-Yekutieli)",
    "holm": "secondary metrics are corrected for each other by the family-wise error (Holm)",
    "hochberg": "secondary metrics are corrected for each other by the family-wise error (Hochberg)",
    "none": "secondary metrics are not corrected for each other, as registered",
}
CHANCES_AT_END: Final = "chances to beat control are told at the horizon: no prior makes looking early safe"
HIDDEN_COUNTS: Final = (
    "sample ratio: the counts by variant and p are hidden, because with the totals a count below k could be worked "
    "out; the verdict is that of all counts"
)


def notes_of(
    experiment: Experiment, measurement: Measurement, met: Enrolled, *, final: bool, horizon: str, k: int
) -> tuple[str, ...]:
    """Every sentence that applies, the estimand first."""
    notes = ["counted are consenting units: those whose permission covers exposure, window and this reading"]
    if not final:
        notes.append(f"interim: the horizon ends {horizon}; {_WAYS.get(way_of(experiment.plan), _BOUNDARIES)}")
    if measurement.early:
        notes.append(f"exposures before start: {told(measurement.early, k)}")
    if measurement.other_phases:
        notes.append(f"exposures of other phases, which are left out: {told(measurement.other_phases, k)}")
    notes += _about_corrections(experiment, final=final)
    notes += _about_factors(experiment, final=final)
    notes += _about_metrics(experiment, measurement, k)
    notes += _registered_only(experiment)
    observed = met.observed
    idle = [name for name, weight in experiment.weights.items() if not weight and observed[name]]
    if idle:
        notes.append(f"exposures in variants of weight 0, which are in no test: {', '.join(idle)}")
    if met.repeating:
        notes.append(
            f"people without any record came in {some(met.no_record_files, 'file')} and may be counted more than once: "
            "the sample ratio leaves them out"
        )
    return tuple(notes)


def _about_corrections(experiment: Experiment, *, final: bool) -> list[str]:
    notes = []
    hypotheses = len(treatments(experiment)) * sum(metric.role == "primary" for metric in experiment.metrics)
    if hypotheses > 1:
        # before the horizon max-T is not known
        method = _NAMES[experiment.decision.primary_correction if final else PRIMARY_CORRECTION]
        notes.append(
            f"intervals of primary metrics hold together, for {hypotheses} hypotheses ({method}); others do not"
        )
    if any(metric.role == "secondary" for metric in experiment.metrics):
        notes.append(_SECONDARIES[experiment.decision.secondary_correction])
    if experiment.plan.prior is not None:
        notes.append(PEEKING if final else CHANCES_AT_END)
    return notes


def cluster_notes(experiment: Experiment, clustering: Clustering | None, *, k: int) -> list[str]:
    """What to know of clusters: how many there are, which units have none, which lie in several variants."""
    if clustering is None:
        return []
    found = clustering.found
    notes = [
        f"errors are by cluster ({experiment.cluster}): {_clusters(found.named, k)}; the sample "
        "ratio counts clusters of which anybody is left"
    ]
    if found.alone:
        notes.append(f"without a cluster, each one of its own: {told(found.alone, k)}")
    if found.split:
        notes.append(
            f"with units in several variants, where they count once in each: {_clusters(found.split, k)}; "
            "were clusters randomised at all?"
        )
    return notes


def _clusters(n: int, k: int) -> str:
    return f"fewer than {k} clusters" if hidden(n, k) is None else some(n, "cluster")


def _about_factors(experiment: Experiment, *, final: bool) -> list[str]:
    if experiment.factors is None:
        return []
    return [*FACTORIAL_NOTES, VERDICT_BY_CELLS] if final else [EFFECTS_AT_END]


def _about_metrics(experiment: Experiment, measurement: Measurement, k: int) -> list[str]:
    notes = []
    for metric in experiment.metrics:
        gaps = measurement.gaps.get(metric.name, 0)
        if gaps:
            # so few events are of few people
            counted = f"fewer than {k} events" if hidden(gaps, k) is None else some(gaps, "event")
            notes.append(f"{metric.name}: {counted} without {metric.value} counted as 0")
        if metric.kind == "quantile":
            notes.append(f"{metric.name}: a quantile is of the units with such an event alone, which its units count")
        if metric.clip is not None:
            notes.append(f"{metric.name}: values are clipped, {_ends(metric.clip)}, in all variants alike")
    return notes


def _ends(ends: Ends) -> str:
    """Where values end, as registered: what a quantile comes to would tell what somebody has."""
    what = "quantile " if ends.quantiles else ""
    sides = (("below", ends.low), ("above", ends.high))
    return " and ".join(f"{side} {what}{end:,.6g}" for side, end in sides if end is not None)


def _registered_only(experiment: Experiment) -> list[str]:
    """What the file promises and this version does not do yet."""
    notes = []
    if experiment.trigger:
        notes.append("the trigger is registered, but acting on it comes later: all exposures count")
    if experiment.namespace != experiment.name:
        notes.append("the namespace decides who takes part, but keeping its experiments apart comes later")
    return notes


def told(n: int, k: int) -> str:
    """A number of units, or that there are fewer than k."""
    return f"fewer than {k} units" if hidden(n, k) is None else some(n, "unit")
