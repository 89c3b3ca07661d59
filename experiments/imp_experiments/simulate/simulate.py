"""Run a definition many times on drawn units, and count what its readouts would have said.

Metrics are drawn independently of one another. Cohort sizes, and how many of each have left by each look, are the same
in all runs; what is drawn is who and what. So each look's boundary is computed once, by the code that readouts use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Final

import numpy as np
import numpy.typing as npt

from imp_core.errors import BadInput
from imp_experiments.design.experiment import PRIMARY_CORRECTION, Experiment, Metric
from imp_experiments.simulate.count import count_metric, metric_result
from imp_experiments.simulate.dealt import AnyDrawn
from imp_experiments.simulate.evidence import Evidence, evidence_of
from imp_experiments.simulate.factors import count_factors, factor_results
from imp_experiments.simulate.held import needs_units
from imp_experiments.simulate.readouts import Decided, decided
from imp_experiments.simulate.result import Simulated, rate
from imp_experiments.simulate.setup import Setup, draw_chunk, truths_of
from imp_experiments.simulate.sights import Seen, seen_at
from imp_experiments.simulate.truth import Truth
from imp_experiments.simulate.verdicts import verdicts

__all__ = ["CHUNK", "Counts", "chunk_of", "count_chunk", "default_runs", "result_of", "simulate"]

# The name under which counts of the decision stand: no metric has it.
DECISION: Final = ""
# Runs drawn together: a part of what a seed means.
CHUNK: Final = 50
DEFAULT_RUNS: Final = 2000
DEFAULT_RUNS_ONE_BY_ONE: Final = 500
_MOST_RUNS: Final = 10_000_000
_MOST_KEPT: Final = 10_000_000

Numbers = npt.NDArray[np.float64]


Counts = Mapping[str, Mapping[str, Numbers]]


def simulate(setup: Setup, *, runs: int, seed: int, progress: Callable[[int], None] | None = None) -> Simulated:
    """Simulate so many runs; `progress` hears of each portion.

    Raises:
        BadInput: a number of runs or a seed that cannot be.
    """
    if not 1 <= runs <= _MOST_RUNS:
        raise BadInput(f"{runs:,} runs cannot be simulated", where="runs", mend=f"say 1 to {_MOST_RUNS:,}")
    if seed < 0:
        raise BadInput("a seed is a whole number from 0 on", where="seed", mend="say one")
    seen, truths = _seen(setup), truths_of(setup)
    together = chunk_of(setup)
    parts = []
    for chunk, start in enumerate(range(0, runs, together)):
        size = min(together, runs - start)
        parts.append(count_chunk(setup, seed, chunk, size, seen=seen, truths=truths))
        if progress is not None:
            progress(size)
    return result_of(setup, parts, seed=seed, truths=truths)


def default_runs(experiment: Experiment) -> int:
    """So many that it ends within minutes: fewer of what is judged run by run."""
    return DEFAULT_RUNS_ONE_BY_ONE if _one_by_one(experiment) else DEFAULT_RUNS


def _one_by_one(experiment: Experiment) -> bool:
    """Whether runs are decided one by one: of factors, and where primaries are corrected by what each run shows."""
    return experiment.factors is not None or experiment.decision.primary_correction != PRIMARY_CORRECTION


def chunk_of(setup: Setup) -> int:
    """How many runs are drawn together: fewer where units are kept and there are many."""
    if setup.scenario.nested is None and not any(map(needs_units, setup.experiment.metrics)):
        return CHUNK
    return max(1, min(CHUNK, _MOST_KEPT // int(setup.scenario.kept.max(axis=1).sum())))


SeenBy = Callable[[Metric, int], list[Seen]]


def _seen(setup: Setup) -> SeenBy:
    @cache
    def known(place: int, first: int) -> list[Seen]:
        return seen_at(setup.experiment, setup.experiment.metrics[place], setup.scenario, first)

    return lambda metric, first: known(setup.experiment.metrics.index(metric), first)


def count_chunk(
    setup: Setup,
    seed: int,
    chunk: int,
    runs: int,
    *,
    seen: SeenBy | None = None,
    truths: Mapping[str, Truth] | None = None,
) -> Counts:
    """What was found in each run of one portion; portion `chunk` of a seed is the same wherever it is computed."""
    seen = _seen(setup) if seen is None else seen
    truths = truths_of(setup) if truths is None else truths
    experiment = setup.experiment
    draws: dict[str, AnyDrawn] = {}
    found: dict[str, Evidence] = {}
    out: dict[str, Mapping[str, Numbers]] = {}
    for metric in experiment.metrics:
        name, truth = metric.name, truths[metric.name]
        measured = setup.measured(metric)
        draws[name] = mine = draw_chunk(setup, metric, seed, chunk, runs)
        found[name] = evidence_of(
            experiment, metric, mine, partial(seen, metric), measured=measured, truths=truth.effects
        )
        out[name] = count_factors(experiment, metric, mine, truth, measured)
    if _one_by_one(experiment):
        by_run = _by_readouts(setup, draws, found, seen)
        ships, at = by_run.ships, by_run.at
        found |= {name: _ended(found[name], tails, experiment) for name, tails in by_run.tails.items()}
    else:
        ships, at = verdicts(experiment, found)
    for metric in experiment.metrics:
        counted = count_metric(experiment, metric, found[metric.name], truths[metric.name].effects)
        out[metric.name] = {**counted, **out[metric.name]}
    return {**out, DECISION: {"ship": ships.astype(float), "days": at + 1.0}}


def _by_readouts(setup: Setup, draws: Mapping[str, AnyDrawn], found: Mapping[str, Evidence], seen: SeenBy) -> Decided:
    """The decisions, run by run."""
    metrics = setup.experiment.metrics
    runs = next(iter(draws.values())).runs
    sights = [
        {metric.name: seen(metric, int(found[metric.name].firsts[run])) for metric in metrics} for run in range(runs)
    ]
    measured = {metric.name: setup.measured(metric) for metric in metrics}
    return decided(setup.experiment, draws, sights, measured)


def _ended(evidence: Evidence, tails: Numbers, experiment: Experiment) -> Evidence:
    """With the tails that the last look's intervals have in each run, corrected by what it shows."""
    if experiment.decision.primary_correction == PRIMARY_CORRECTION:
        return evidence
    return replace(evidence, tails=np.column_stack([evidence.tails[:, :-1], tails]))


def result_of(
    setup: Setup, parts: Sequence[Counts], *, seed: int, truths: Mapping[str, Truth] | None = None
) -> Simulated:
    """All portions together."""
    experiment, (units, left, clusters) = setup.experiment, setup.scenario.whole()
    truths = truths_of(setup) if truths is None else truths
    whole = {
        name: {key: np.concatenate([part[name][key] for part in parts]) for key in one}
        for name, one in parts[0].items()
    }
    decided = whole[DECISION]
    return Simulated(
        experiment=experiment.name,
        runs=len(decided["ship"]),
        seed=seed,
        days=setup.scenario.days,
        units=units,
        left=left,
        clusters=clusters,
        alpha=experiment.plan.alpha,
        ship=rate(decided["ship"].sum(), len(decided["ship"])),
        days_mean=float(decided["days"].mean()),
        days_median=float(np.median(decided["days"])),
        metrics=tuple(
            metric_result(
                experiment,
                metric,
                whole[metric.name],
                truths[metric.name],
                factor_results(experiment, metric, setup.scenario.variants, truths[metric.name], whole[metric.name]),
            )
            for metric in experiment.metrics
        ),
        notes=_notes(setup),
    )


def _notes(setup: Setup) -> tuple[str, ...]:
    found = [_undrawn(metric, metric.covariates) for metric in setup.experiment.metrics if metric.covariates]
    if setup.scenario.clustered and setup.scenario.nested is None:
        found.append("clusters of your own are dealt and leave whole; looks count them at their mean size")
    return tuple(found)


def _undrawn(metric: Metric, others: Sequence[str]) -> str:
    return (
        f"{metric.name}: what other metrics were before the exposure ({', '.join(others)}) is left out; a "
        "readout adjusts for it, and can need fewer units"
    )
