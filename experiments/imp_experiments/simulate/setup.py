"""What is simulated: a definition, who comes, what each metric is drawn from, and its true effects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from imp_core.errors import BadInput
from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.design.factorial import parse_cell
from imp_experiments.simulate.dealt import AnyDrawn, dealt
from imp_experiments.simulate.draw import drawn
from imp_experiments.simulate.held import held, needs_units
from imp_experiments.simulate.own import Own
from imp_experiments.simulate.populations import Flags, Population
from imp_experiments.simulate.scenario import Scenario, lag_of
from imp_experiments.simulate.truth import Truth, truth_of

__all__ = ["Setup", "draw_chunk", "truths_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A definition and its world. `effects` are of each metric in every treatment (0: none), on its scale.

    `factor_effects` are of each factor's levels beyond the first, on every primary, in all cells that have one.
    """

    experiment: Experiment
    scenario: Scenario
    populations: Mapping[str, Population]
    effects: Mapping[str, float]
    factor_effects: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for metric in self.experiment.metrics:
            population, lifts = self.populations[metric.name], self.lifts(metric)
            if isinstance(population, Own) and population.flags and any(lift != 1 for lift in lifts):
                _refuse("a proportion of one's own units has no effect to give", "leave --effect out, or --data")
            most = 1 / population.mean if isinstance(population, Flags) else math.inf
            if not all(0 < lift < most for lift in lifts):
                _refuse(f"{metric.name!r} cannot change by so much", "say a smaller effect, on the metric's scale")

    def lifts(self, metric: Metric) -> tuple[float, ...]:
        """What the expectation of each variant is multiplied by, control's (1) first."""
        return (1.0, *(self._lift(metric, name) for name in self.scenario.variants[1:]))

    def measured(self, metric: Metric) -> int:
        """Columns of the sums that are measured; of clusters a mean is the ratio of its sum to their units."""
        return 2 if self.scenario.clustered else self.populations[metric.name].measured

    def _lift(self, metric: Metric, variant: str) -> float:
        given = [self.effects.get(metric.name, 0.0)]
        if self.factor_effects and self.experiment.factors is not None and metric.role == "primary":
            levels = parse_cell(variant, self.experiment.factors)
            given += [
                self.factor_effects.get(factor.name, 0.0)
                for factor in self.experiment.factors
                if levels[factor.name] != factor.levels[0]
            ]
        if metric.scale == "relative":
            return math.prod(1 + effect for effect in given)
        return 1 + math.fsum(given) / self.populations[metric.name].mean if any(given) else 1.0


def truths_of(setup: Setup) -> dict[str, Truth]:
    """What is true of every metric."""
    counts = setup.scenario.n(setup.scenario.days - 1, setup.scenario.days - 1)
    shares = {place: float(n / counts.sum()) for place, n in enumerate(counts)}
    return {
        metric.name: truth_of(metric, setup.populations[metric.name], setup.lifts(metric), shares)
        for metric in setup.experiment.metrics
    }


def draw_chunk(setup: Setup, metric: Metric, seed: int, chunk: int, runs: int) -> AnyDrawn:
    """What was drawn of a metric in one portion of runs, from a stream of its own."""
    rng = np.random.default_rng([seed, chunk, setup.experiment.metrics.index(metric)])
    population, lifts = setup.populations[metric.name], setup.lifts(metric)
    lag = lag_of(setup.experiment, metric)
    if needs_units(metric) and isinstance(population, Own) and setup.scenario.clustered:
        return dealt(population, setup.scenario, lifts, rng, runs, lag=lag, clip=metric.clip)
    if needs_units(metric) or setup.scenario.nested is not None:
        # bounds that are no quantiles have ended the population's values
        clip = metric.clip if metric.clip is not None and metric.clip.quantiles else None
        return held(population, setup.scenario, lifts, rng, runs, lag=lag, clip=clip)
    return drawn(population, setup.scenario, lifts, rng, runs)


def _refuse(problem: str, mend: str) -> None:
    raise BadInput(problem, where="effect", mend=mend)
