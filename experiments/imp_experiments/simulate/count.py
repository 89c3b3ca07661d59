"""What the looks of each run come to, for one metric: did it show a difference, when, and did the intervals hold?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.readout.looks import CONFIDENCE_SEQUENCE, way_of
from imp_experiments.readout.registered import hypotheses_of
from imp_experiments.simulate.evidence import Evidence
from imp_experiments.simulate.result import FactorSimulated, MetricSimulated, Rate, rate
from imp_experiments.simulate.truth import Truth
from imp_experiments.simulate.verdicts import shown

__all__ = ["count_metric", "metric_result"]

Numbers = npt.NDArray[np.float64]

# 95 % sure that one variant is better, by a flat prior: half of the two-sided p at most this
_SURE = 0.05


def count_metric(
    experiment: Experiment, metric: Metric, evidence: Evidence, truths: Sequence[float]
) -> dict[str, Numbers]:
    """Per run `shown`, `right`, `naive`, `bayes` and `fixed` (0 or 1), `days`, and how many intervals hold the truth.

    These are `held` of `of` at the end, and `held_stop` of `of_stop` at the first look that showed a difference.
    """
    tail = experiment.plan.alpha / 2 / (hypotheses_of(experiment) if metric.role == "primary" else 1)
    crossed = shown(evidence)
    looks = np.asarray(crossed.any(axis=2))
    ever = looks.any(axis=1)
    days = looks.shape[1]
    at = np.where(ever, looks.argmax(axis=1), days - 1)
    run = np.arange(len(at))
    signs = np.array(truths)
    right = (crossed & (evidence.none.above == (signs > 0)) & (signs != 0)).any(axis=2)[run, at]
    stop_tail, stop_level = evidence.true.tail[run, at], evidence.tails[run, at][:, None]
    known = np.isfinite(stop_tail) & np.isfinite(stop_level)
    last = evidence.last.tail[:, 0]
    # of one look the level is its own, which max-T takes from what each run shows
    level = evidence.tails[:, -1:] if way_of(experiment.plan) == "once" else np.full((len(at), 1), tail)
    told = np.isfinite(last) & np.isfinite(level)
    with np.errstate(invalid="ignore"):
        found = {
            "shown": ever,
            "right": right,
            "days": at + 1.0,
            "naive": (evidence.daily.tail < tail).any(axis=(1, 2)),
            "bayes": (evidence.daily.tail < _SURE).any(axis=(1, 2)),
            "fixed": (evidence.daily.tail[:, -1] < tail).any(axis=1),
            "held": (told & (last >= level)).sum(axis=1),
            "of": told.sum(axis=1),
            "held_stop": (known & (stop_tail >= stop_level)).sum(axis=1),
            "of_stop": known.sum(axis=1),
        }
    return {name: np.asarray(values, dtype=float) for name, values in found.items()}


def metric_result(
    experiment: Experiment,
    metric: Metric,
    counts: Mapping[str, Numbers],
    truth: Truth,
    factors: tuple[FactorSimulated, ...] = (),
) -> MetricSimulated:
    """A metric over all runs."""
    runs = len(counts["shown"])
    treated = len(truth.effects)
    return MetricSimulated(
        metric=metric.name,
        role=metric.role,
        kind=metric.kind,
        scale=metric.scale,
        mean=truth.values[0],
        truth=truth.effects[0] if len(set(truth.effects)) == 1 else None,
        truths=truth.effects,
        way=_way(experiment, metric),
        shown=_share(counts, "shown", runs),
        right=_share(counts, "right", runs) if any(truth.effects) else None,
        coverage_end=rate(float(counts["held"].sum()), float(counts["of"].sum()), together=treated),
        coverage_stop=rate(float(counts["held_stop"].sum()), float(counts["of_stop"].sum()), together=treated),
        days_mean=float(counts["days"].mean()),
        days_median=float(np.median(counts["days"])),
        naive=_share(counts, "naive", runs),
        factors=factors,
    )


def _share(counts: Mapping[str, Numbers], name: str, runs: int) -> Rate:
    return rate(float(counts[name].sum()), runs)


def _way(experiment: Experiment, metric: Metric) -> str:
    """How it is looked at: before the end other metrics than primaries have a confidence sequence."""
    way = way_of(experiment.plan)
    return way if metric.role == "primary" else f"{CONFIDENCE_SEQUENCE}, at the end once"
