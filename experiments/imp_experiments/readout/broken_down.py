"""Comparisons within levels become a `Breakdown`: corrected over all of them, tested for differences. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from imp_experiments.measure.merge import Grouping
from imp_experiments.readout.compare import Tested
from imp_experiments.readout.corrected import corrected
from imp_experiments.readout.interfering import independent, interactions
from imp_experiments.readout.readout import Breakdown, Compared, Level, LevelsDiffer
from imp_experiments.stats.heterogeneity import Group, heterogeneity

__all__ = ["EXPLORATORY", "broken_down"]

EXPLORATORY: Final = (
    "breakdowns are exploratory: no part of the verdict; p corrected over the comparisons of a dimension by the false "
    "discovery rate (Benjamini-Hochberg), intervals not"
)
_CORRECTION: Final = "benjamini_hochberg"


def broken_down(
    dimension: str,
    grouping: Grouping,
    tested: Mapping[str, Sequence[Tested]],
    *,
    alpha: float,
    final: bool,
    beside: Sequence[str] = (),
    clustered: bool = False,
) -> Breakdown:
    """The breakdown of a dimension: `tested` are the comparisons by what is shown; `final`: differences are tested.

    `beside` are the variants of the other experiment where the dimension is one, its control first; `clustered`: its
    units come in clusters.
    """
    levels = list(tested)
    everything = corrected([one for level in levels for one in tested[level]], _CORRECTION, alpha=alpha)
    rest = iter(everything)
    shown = tuple(Level(level=level, comparisons=tuple(next(rest).compared for _ in tested[level])) for level in levels)
    return Breakdown(
        dimension=dimension,
        levels=shown,
        merged=grouping.merged,
        correction=_CORRECTION,
        hypotheses=sum(one.compared.p_corrected is not None for one in everything),
        differences=_differences(shown, beside, alpha=alpha) if final else (),
        independence=independent(shown, beside, clustered=clustered) if final and beside else None,
    )


def _differences(levels: Sequence[Level], beside: Sequence[str], *, alpha: float) -> tuple[LevelsDiffer, ...]:
    found: dict[tuple[str, str], dict[str, Compared]] = {}
    for level in levels:
        for compared in level.comparisons:
            if not beside or level.level in beside:
                found.setdefault((compared.metric, compared.variant), {})[level.level] = compared
    return tuple(_differ(mine, beside, alpha=alpha) for mine in found.values())


def _differ(mine: Mapping[str, Compared], beside: Sequence[str], *, alpha: float) -> LevelsDiffer:
    first = next(iter(mine.values()))
    effects = {level: _estimate(compared) for level, compared in mine.items()}
    return LevelsDiffer(
        metric=first.metric,
        variant=first.variant,
        scale=first.scale,
        test=heterogeneity(list(effects.values())),
        between=interactions(effects, beside, scale=first.scale, alpha=alpha),
    )


def _estimate(compared: Compared) -> Group:
    """Estimate, standard error and its df where they belong together: of a relative effect on the log scale."""
    effect = compared.registered
    if effect is None or (compared.scale == "relative" and effect.estimate <= -1):
        return None, None, math.inf
    return (math.log1p(effect.estimate) if compared.scale == "relative" else effect.estimate), effect.se, effect.df
