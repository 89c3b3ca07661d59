"""The registered decision at every look of many runs: `readout/decide.py` over arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.readout.looks import way_of
from imp_experiments.simulate.evidence import Evidence, Nominal

__all__ = ["shown", "verdicts"]

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


def shown(evidence: Evidence) -> Flags:
    """Runs × looks × treatments: whether the look's interval leaves no effect out."""
    return np.asarray(evidence.none.tail < evidence.tails[:, :, None])


def verdicts(experiment: Experiment, evidence: Mapping[str, Evidence]) -> tuple[Flags, Numbers]:
    """Whether each run ships a treatment, and the look (from 0) at which it was decided."""
    primaries = [metric for metric in experiment.metrics if metric.role == "primary"]
    guardrails = [metric for metric in experiment.metrics if metric.role == "guardrail"]
    first = evidence[primaries[0].name]
    final = np.zeros(first.done.shape, dtype=bool)
    final[:, -1] = True
    done = np.logical_and.reduce([evidence[metric.name].done for metric in primaries])
    better, worse = zip(*(_sides(metric, evidence[metric.name]) for metric in primaries), strict=True)
    enough = np.logical_and if experiment.decision.primary == "all" else np.logical_or
    wins = enough.reduce(better) & ~np.logical_or.reduce(worse)
    waits = wins.any(axis=2)  # for nothing but guardrails, which are judged at the end
    for metric in guardrails:
        wins &= _held(experiment, metric, evidence[metric.name], final)
    harmed = np.logical_or.reduce(worse).all(axis=2)
    unjudged = np.logical_and.reduce(
        [np.isnan(_judged(evidence[one.name])) for one in primaries]
    ).all(axis=2)  # fmt: skip
    ships = wins.any(axis=2) & ~unjudged
    looked = np.full(first.done.shape, way_of(experiment.plan) != "once") | final
    ends = looked & (ships | final | harmed | (done & ~waits))
    at = ends.argmax(axis=1)
    return ships[np.arange(len(at)), at], at


def _judged(evidence: Evidence) -> npt.NDArray[np.float64]:
    return evidence.none.tail + evidence.tails[:, :, None]


def _sides(metric: Metric, evidence: Evidence) -> tuple[Flags, Flags]:
    """Where a primary is shown to be better, and where worse."""
    found, up = shown(evidence), evidence.none.above == (metric.direction == "up")
    return found & up, found & ~up


def _held(experiment: Experiment, metric: Metric, evidence: Evidence, final: Flags) -> Flags:
    noninferior = experiment.decision.guardrails == "noninferior"
    alpha = experiment.plan.alpha if noninferior else experiment.plan.alpha / 2
    tails = np.where(final, alpha, evidence.tails)[:, :, None]
    null: Nominal = evidence.margin if noninferior and evidence.margin is not None else evidence.none
    good = null.above == (metric.direction == "up")
    beyond = null.tail < tails
    known = ~np.isnan(_judged(evidence))
    return np.asarray(known & (beyond & good if noninferior else ~(beyond & ~good)))
