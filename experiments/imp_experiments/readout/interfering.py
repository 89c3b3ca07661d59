"""A breakdown by another experiment: how effects change between its variants, and how both assign. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imp_experiments.readout.readout import Between, Independent, Level
from imp_experiments.stats.concurrent import independence, interaction
from imp_experiments.stats.heterogeneity import Group

__all__ = ["independent", "interactions"]


def interactions(
    effects: Mapping[str, Group], beside: Sequence[str], *, scale: str, alpha: float
) -> tuple[Between, ...]:
    """Each variant of the other experiment against its control, the first of `beside`; Bonferroni over the variants.

    Of two variants there is one, whose p is that of Cochran's Q.
    """
    base, *others = beside or ("",)
    others = [level for level in others if level in effects]
    if base not in effects:
        return ()
    found = {
        level: interaction(effects[level], effects[base], scale=scale, alpha=alpha, hypotheses=len(others))
        for level in others
    }
    return tuple(Between(level=level, base=base, interaction=one) for level, one in found.items() if one is not None)


def independent(levels: Sequence[Level], beside: Sequence[str], *, clustered: bool = False) -> Independent:
    """The assignments held against each other, by the units as they are shown: of the first metric that shows them.

    Units in clusters (`clustered`) may go together in both experiments: their χ² would warn of nothing.
    """
    if clustered:
        return Independent(verdict="not tested", p_value=None, reason="units of a cluster are assigned together")
    counts: dict[tuple[str, str], int] = {}
    metrics = [compared.metric for level in levels for compared in level.comparisons]
    for level in levels:
        for compared in level.comparisons:
            if compared.metric == metrics[0] and level.level in beside:
                counts[level.level, compared.variant] = compared.n_variant or 0
                counts[level.level, compared.control] = compared.n_control or 0
    found = independence(counts)
    p_value = None if found.p_value is None else float(f"{found.p_value:.2g}")
    return Independent(verdict=found.verdict, p_value=p_value, reason=found.reason)
