"""The verdict of a multivariate experiment, with what its factors show beside the cells. Pure.

The verdict is by cells: a cell is what is shipped, its guardrails are measured on its own units, and it holds whatever
the interactions are. But a cell has few units: a level that is better on the average of the others may be shown where
no cell is, and a reader must hear of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from imp_experiments.design.experiment import Experiment
from imp_experiments.readout.factored import Factored, FactoredMetric
from imp_experiments.readout.figures import absolute, equals, relative
from imp_experiments.readout.readout import Verdict
from imp_experiments.stats.contrast import at_tail
from imp_experiments.stats.effect import Effect
from imp_experiments.stats.factor_effect import FactorEffect
from imp_experiments.stats.multiplicity import bonferroni_tail

__all__ = ["with_factors"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """An effect whose interval, simultaneous over all main effects of the primaries, excludes nothing."""

    metric: FactoredMetric
    label: str
    effect: Effect
    p_value: float

    @property
    def good(self) -> bool:
        return (self.effect.low > 0) == (self.metric.direction == "up")


def with_factors(verdict: Verdict, experiment: Experiment, section: Factored | None) -> Verdict:
    """The verdict, its reason followed by the main effects that are shown and the one that leads of cells to ship.

    Main effects of the primaries are corrected by Bonferroni over all of them. Where there are no effects to tell, or
    there is nothing to decide yet, the verdict as it is.
    """
    if section is None or verdict.value not in ("ship", "do not ship"):
        return verdict
    primaries = [metric.name for metric in experiment.metrics if metric.role == "primary"]
    metrics = [metric for metric in section.metrics if metric.metric in primaries]
    hypotheses = len(primaries) * sum(len(factor.levels) - 1 for factor in section.factors)
    shown = _shown(metrics, hypotheses, alpha=experiment.plan.alpha)
    parts = [verdict.reason, *_leads(verdict, metrics)]
    if shown:
        told = ", ".join(_sentence(one) for one in shown)
        parts.append(f"on the average of the other factors (corrected for {hypotheses} main effects): {told}")
    if not verdict.variants and any(one.good for one in shown):
        parts.append("a single cell has too few units, or interactions, to show the like")
    return replace(verdict, reason="; ".join(parts))


def _shown(metrics: list[FactoredMetric], hypotheses: int, *, alpha: float) -> list[_Shown]:
    tail = bonferroni_tail(alpha, hypotheses)
    found = []
    for metric in metrics:
        for main in metric.result.effects if metric.result is not None else ():
            effect = _registered(main, metric.scale)
            wide = None if effect is None else at_tail(effect, metric.scale, tail=tail)
            if wide is not None and (wide.low > 0 or wide.high < 0):
                p_value = min(1.0, hypotheses * wide.p_value)
                found.append(_Shown(metric=metric, label=main.label, effect=wide, p_value=p_value))
    return found


def _registered(effect: FactorEffect, scale: str) -> Effect | None:
    """A main effect against the first level; of other effects None."""
    if len(effect.term) > 1 or effect.kind != "difference":
        return None
    return effect.relative if scale == "relative" else effect.absolute


def _sentence(one: _Shown) -> str:
    proportion = one.metric.kind == "proportion"
    told = relative(one.effect) if one.metric.scale == "relative" else absolute(one.effect, share=proportion)
    worth = "better" if one.good else "worse"
    return f"{one.metric.metric}, {one.label} is {worth} {told}, p {equals(one.p_value)}"


def _leads(verdict: Verdict, metrics: list[FactoredMetric]) -> list[str]:
    """Of several cells to ship, the one that leads on all primaries."""
    leaders = {metric.best.best for metric in metrics if metric.best is not None}
    if len(verdict.variants) > 1 and len(leaders) == 1 and (leader := leaders.pop()) in verdict.variants:
        proven = all(metric.best is not None and metric.best.proven for metric in metrics)
        return [f"of these cells {leader} leads, " + ("shown to be the best" if proven else "not shown to be the best")]
    return []
