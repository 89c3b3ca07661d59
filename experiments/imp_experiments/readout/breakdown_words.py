"""Breakdowns as words, shared by every rendering: marked exploratory, after the answer."""

from __future__ import annotations

import math

from imp_core.counting import some
from imp_experiments.readout.figures import absolute, equals, p_value, relative
from imp_experiments.readout.readout import Between, Breakdown, Compared, Independent, LevelsDiffer, Readout
from imp_experiments.readout.words import COLUMNS, row_of
from imp_experiments.stats.effect import Effect

__all__ = ["BY_COLUMNS", "breakdown_rows", "breakdown_title", "breakdown_words"]

BY_COLUMNS = ("level", *COLUMNS[:5], "effect", "p", "corrected")


def breakdown_title(breakdown: Breakdown) -> str:
    """What the table is of."""
    return f"by {breakdown.dimension} (exploratory)"


def breakdown_rows(breakdown: Breakdown, readout: Readout) -> list[tuple[str, ...]]:
    """One comparison of a level a row, in `BY_COLUMNS`; none where they would be the readout's own again."""
    if _repeats(breakdown, readout):
        return []
    return [_row(level.level, one) for level in breakdown.levels for one in level.comparisons]


def _row(level: str, compared: Compared) -> tuple[str, ...]:
    """With the effect on the registered scale alone."""
    *names, absolute, relative, p = row_of(compared)
    effect = (relative if compared.scale == "relative" else absolute).removesuffix(" *")
    return (level, *names, effect, p, p_value(compared.p_corrected))


def _repeats(breakdown: Breakdown, readout: Readout) -> bool:
    """Whether a breakdown has one level, of all units, so that its table would be the readout's own again."""
    if len(breakdown.levels) != 1:
        return False
    units = [(one.metric, one.variant, one.n_variant, one.n_control) for one in breakdown.levels[0].comparisons]
    # counts that are hidden are alike without being the same
    return not any(None in row for row in units) and units == [
        (one.metric, one.variant, one.n_variant, one.n_control) for one in readout.comparisons
    ]


def _one_level(breakdown: Breakdown) -> str:
    """What to say in place of a table that repeats the readout's."""
    (level,) = breakdown.levels
    merged = f", {some(breakdown.merged, 'level')} too small to show apart" if breakdown.merged else ""
    return f"all units are of one level ({level.level}{merged}): there is nothing to compare"


def breakdown_words(breakdown: Breakdown, readout: Readout) -> list[str]:
    """What to know of it: levels that are merged, whether levels differ, conditions."""
    if _repeats(breakdown, readout):
        return [_one_level(breakdown)]
    lines = []
    if not breakdown.levels:
        lines.append("no level is shown: apart from each other they have too few units in some variant")
    elif breakdown.merged:
        lines.append(f"(other): {some(breakdown.merged, 'level')}, merged so that no small one can be worked out")
    for one in breakdown.differences:
        if one.test is None:
            continue
        p = p_value(one.test.p_value)
        lines.append(
            f"{one.metric}, {one.variant}: do levels differ? p {p if p.startswith('<') else f'= {p}'} "
            f"(Cochran's Q {one.test.statistic:,.4g} on {one.test.df} df, {one.scale}; I² {one.test.excess:.0%})"
        )
        lines += [_between(one, other, breakdown) for other in one.between]
    if breakdown.independence is not None:
        lines.append(_independence(breakdown.independence))
    lines += [
        f"{level.level}: {compared.metric}, {compared.variant}: {text}"
        for level in breakdown.levels
        for compared in level.comparisons
        for text in _conditions(compared)
    ]
    return lines


def _between(one: LevelsDiffer, other: Between, breakdown: Breakdown) -> str:
    found = other.interaction
    kinds = {compared.kind for level in breakdown.levels for compared in level.comparisons
             if compared.metric == one.metric}  # fmt: skip
    effect = Effect(
        estimate=found.estimate, low=found.low, high=found.high, se=found.se, p_value=found.p_value, df=math.inf
    )
    told = relative(effect) if one.scale == "relative" else absolute(effect, share="proportion" in kinds)
    many = "" if found.hypotheses == 1 else f", corrected for {found.hypotheses}"
    how = " (a ratio of ratios)" if one.scale == "relative" else ""
    return (
        f"{one.metric}: beside {other.level} in place of {other.base} the effect of {one.variant} differs by "
        f"{told}{how}, p {equals(found.p_value)}{many}"
    )


def _independence(found: Independent) -> str:
    if found.p_value is None:
        return f"whether both experiments assign independently is not tested: {found.reason}"
    if found.verdict == "ok":
        return f"both experiments assign independently: p {equals(found.p_value)}"
    return (
        f"WARNING: the experiments do not assign independently (p {equals(found.p_value)}): one's effect is mixed into "
        "the other's; have they one salt, or does one choose who meets the other?"
    )


def _conditions(compared: Compared) -> list[str]:
    return [
        condition.text + ("" if condition.scale == "both" else f" ({condition.scale})")
        for condition in compared.conditions
    ]
