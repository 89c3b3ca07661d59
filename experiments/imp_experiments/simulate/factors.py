"""Multivariate experiments in simulation: the effects of factors at the end, by the readout's own functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from imp_experiments.design.experiment import Experiment, Metric
from imp_experiments.design.factorial import Factorial, parse_cell
from imp_experiments.design.parse_factors import design_of_file
from imp_experiments.readout.factorize import effects_in
from imp_experiments.simulate.dealt import AnyDrawn
from imp_experiments.simulate.readouts import asked_in, moments_in
from imp_experiments.simulate.result import FactorSimulated, rate
from imp_experiments.simulate.scenario import lag_of
from imp_experiments.simulate.truth import Truth
from imp_experiments.stats.effect import Effect
from imp_experiments.stats.factor_effect import FactorEffect
from imp_experiments.stats.factorial import analyze_estimates

__all__ = ["count_factors", "factor_results"]

Numbers = npt.NDArray[np.float64]

# main effects and two-way interactions, as readouts tell them
_ORDER: Final = 2
# what stands for no error, beside the values
_EXACT: Final = 1e-6


def count_factors(
    experiment: Experiment, metric: Metric, drawn: AnyDrawn, truth: Truth, measured: int
) -> dict[str, Numbers]:
    """Per run and effect (runs × effects) whether its interval leaves no effect out, holds the truth, and exists.

    Empty where the variants are no cells, and for quantiles, of which readouts tell no effects of factors.
    """
    made = design_of_file(experiment.factors, experiment.design)
    if made is None or metric.q is not None:
        return {}
    last = drawn.scenario.days - 1
    sums, asked = drawn.at(last, last - lag_of(experiment, metric)), asked_in(metric, drawn, measured)
    true = [
        math.nan if one is None else one.estimate
        for one in (_on(each, metric.scale) for each in _true(made, drawn.scenario.variants, truth))
    ]
    out = {name: np.zeros((drawn.runs, len(true))) for name in ("effect shown", "effect held", "effect of")}
    for run in range(drawn.runs):
        moments = moments_in(metric, drawn, sums, run)
        found = effects_in(moments, asked, made, order=_ORDER, alpha=experiment.plan.alpha)
        for place, one in enumerate(() if found is None else found.effects):
            effect = _on(one, metric.scale)
            if effect is not None:
                out["effect shown"][run, place] = effect.low > 0 or effect.high < 0
                out["effect held"][run, place] = effect.low <= true[place] <= effect.high
                out["effect of"][run, place] = 1
    return out


def factor_results(
    experiment: Experiment, metric: Metric, variants: Sequence[str], truth: Truth, counts: Mapping[str, Numbers]
) -> tuple[FactorSimulated, ...]:
    """The effects of factors over all runs; `variants` in the order of the truth."""
    made = design_of_file(experiment.factors, experiment.design)
    if made is None or "effect shown" not in counts:
        return ()
    shown, held, of = (counts[f"effect {name}"].sum(axis=0) for name in ("shown", "held", "of"))
    return tuple(
        FactorSimulated(
            effect=one.label,
            truth=None if effect is None else effect.estimate,
            shown=rate(float(shown[place]), len(counts["effect shown"])),
            coverage=rate(float(held[place]), float(of[place])),
        )
        for place, one in enumerate(_true(made, variants, truth))
        for effect in [_on(one, metric.scale)]
    )


def _true(made: Factorial, variants: Sequence[str], truth: Truth) -> tuple[FactorEffect, ...]:
    """The effects of cells that have the true values, with next to no error."""
    values = np.array(truth.values)
    found = analyze_estimates(
        made,
        [parse_cell(name, made.factors) for name in variants],
        values,
        np.diag((values * _EXACT) ** 2),
        order=_ORDER,
    )
    return found.effects


def _on(found: FactorEffect, scale: str) -> Effect | None:
    return found.relative if scale == "relative" else found.absolute
