"""Run a definition many times on drawn units, and count what its readouts would have said.

Metrics are drawn independently of one another. Cohort sizes, and how many of each have left by each look, are the same
in all runs; what is drawn is who and what. So each look's boundary is computed once, by the code that readouts use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

import numpy as np
import numpy.typing as npt

from imp_core.errors import BadInput
from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.simulate.count import count_metric, metric_result
from imp_experiments.simulate.draw import Drawn, drawn
from imp_experiments.simulate.evidence import Evidence, evidence_of
from imp_experiments.simulate.own import Own
from imp_experiments.simulate.populations import Flags, Population
from imp_experiments.simulate.result import Simulated, rate
from imp_experiments.simulate.scenario import Scenario
from imp_experiments.simulate.sights import Seen, seen_at
from imp_experiments.simulate.verdicts import verdicts

__all__ = ["CHUNK", "Counts", "Setup", "count_chunk", "draw_chunk", "result_of", "simulate"]

# The name under which counts of the decision stand: no metric has it.
DECISION: Final = ""
# Runs drawn together: a part of what a seed means.
CHUNK: Final = 50
_MOST_RUNS: Final = 10_000_000

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is simulated: a definition, who comes, what each metric is drawn from, and its true effect (0: none)."""

    experiment: Experiment
    scenario: Scenario
    populations: Mapping[str, Population]
    effects: Mapping[str, float]

    def __post_init__(self) -> None:
        for metric in self.experiment.metrics:
            population = self.populations[metric.name]
            effect = self.effects.get(metric.name, 0.0)
            if effect and isinstance(population, Own):
                _refuse("units of one's own are dealt without an effect", "leave --effect out")
            lift = self.lift(metric)
            if not 0 < lift < np.inf or (isinstance(population, Flags) and population.mean * lift >= 1):
                _refuse(f"{metric.name!r} cannot change by {effect:g}", "say a smaller effect, on the metric's scale")

    def lift(self, metric: Metric) -> float:
        """What a treatment's expectation is multiplied by."""
        effect = self.effects.get(metric.name, 0.0)
        if not effect:
            return 1.0
        return 1 + (effect if metric.scale == "relative" else effect / self.populations[metric.name].mean)


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
    seen = _seen(setup)
    parts = []
    for chunk, start in enumerate(range(0, runs, CHUNK)):
        size = min(CHUNK, runs - start)
        parts.append(count_chunk(setup, seed, chunk, size, seen=seen))
        if progress is not None:
            progress(size)
    return result_of(setup, parts, seed=seed)


def draw_chunk(setup: Setup, metric: Metric, seed: int, chunk: int, runs: int) -> Drawn:
    """The drawn sums of a metric in one portion of runs, from a stream of its own."""
    rng = np.random.default_rng([seed, chunk, setup.experiment.metrics.index(metric)])
    treated = len(setup.scenario.variants) - 1
    lifts = (1.0, *(setup.lift(metric),) * treated)
    return drawn(setup.populations[metric.name], setup.scenario, lifts, rng, runs)


SeenBy = Callable[[Metric, int], list[Seen]]


def _seen(setup: Setup) -> SeenBy:
    @cache
    def known(place: int, first: int) -> list[Seen]:
        return seen_at(setup.experiment, setup.experiment.metrics[place], setup.scenario, first)

    return lambda metric, first: known(setup.experiment.metrics.index(metric), first)


def count_chunk(setup: Setup, seed: int, chunk: int, runs: int, *, seen: SeenBy | None = None) -> Counts:
    """What was found in each run of one portion; portion `chunk` of a seed is the same wherever it is computed."""
    seen = _seen(setup) if seen is None else seen
    found: dict[str, Evidence] = {}
    out: dict[str, Mapping[str, Numbers]] = {}
    for metric in setup.experiment.metrics:
        truth = setup.effects.get(metric.name, 0.0)
        found[metric.name] = evidence = evidence_of(
            setup.experiment,
            metric,
            draw_chunk(setup, metric, seed, chunk, runs),
            partial(seen, metric),
            measured=setup.populations[metric.name].measured,
            truth=truth,
        )
        out[metric.name] = count_metric(setup.experiment, metric, evidence, truth)
    ships, at = verdicts(setup.experiment, found)
    return {**out, DECISION: {"ship": ships.astype(float), "days": at + 1.0}}


def result_of(setup: Setup, parts: Sequence[Counts], *, seed: int) -> Simulated:
    """All portions together."""
    kept = setup.scenario.kept
    whole = {
        name: {key: np.concatenate([part[name][key] for part in parts]) for key in one}
        for name, one in parts[0].items()
    }
    decided = whole[DECISION]
    return Simulated(
        experiment=setup.experiment.name,
        runs=len(decided["ship"]),
        seed=seed,
        days=setup.scenario.days,
        units=int(kept.max(axis=1).sum()),
        left=int(kept.max(axis=1).sum() - kept[:, -1].sum()),
        alpha=setup.experiment.plan.alpha,
        ship=rate(decided["ship"].sum(), len(decided["ship"])),
        days_mean=float(decided["days"].mean()),
        days_median=float(np.median(decided["days"])),
        metrics=tuple(
            metric_result(
                setup.experiment,
                metric,
                whole[metric.name],
                mean=setup.populations[metric.name].mean,
                truth=setup.effects.get(metric.name, 0.0),
            )
            for metric in setup.experiment.metrics
        ),
    )


def _refuse(problem: str, mend: str) -> None:
    raise BadInput(problem, where="effect", mend=mend)
