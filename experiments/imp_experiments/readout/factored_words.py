"""The factorial section as words: a table of effects, one of cells, and what to know of both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

from imp_experiments.design.fraction import letters_of
from imp_experiments.readout.factored import Factored, FactoredMetric
from imp_experiments.readout.figures import absolute, count, equals, p_value, relative, value
from imp_experiments.stats.best_cell import BestCell
from imp_experiments.stats.effect import Condition
from imp_experiments.stats.factor_effect import FactorEffect, TermTest
from imp_experiments.stats.winner import Winner

__all__ = ["design_lines", "factored_lines", "factored_tables"]

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]

_EFFECTS: Final = ("metric", "effect", "absolute", "relative", "p")
_CELLS: Final = ("metric", "cell", "units", "value", "standard error")
_MOST_ROWS: Final = 64
_TWO_LEVELS: Final = 2


def factored_tables(section: Factored) -> list[Table]:
    """Effects (differences; deviations from the mean are in the JSON), then cells; 64 rows of each at most."""
    effects = [
        _effect_row(metric, effect)
        for metric in section.metrics
        if metric.result is not None
        for effect in metric.result.effects
        if effect.kind == "difference"
    ]
    cells = [
        (
            metric.metric,
            cell.variant,
            count(cell.n),
            value(cell.value, share=_share(metric)),
            value(cell.se, share=_share(metric)),
        )
        for metric in section.metrics
        for cell in metric.cells
    ]
    tables = [(_EFFECTS, _cut(effects)), (_CELLS, _cut(cells))]
    return [(columns, rows) for columns, rows in tables if rows]


def design_lines(section: Factored) -> list[str]:
    """What was varied, how many cells are run, and in a fraction what cannot be told apart."""
    letters = letters_of([factor.name for factor in section.factors])
    lines = [f"{letters[factor.name]} {factor.name}: {', '.join(factor.levels)}" for factor in section.factors]
    whole = "full factorial" if section.resolution is None else f"fraction of resolution {section.resolution}"
    lines.append(f"{whole}, {section.runs:,} cells; first levels: {section.control}")
    if section.defining_relation is not None:
        lines.append(f"defining relation: {section.defining_relation}; effects joined by = are one figure")
    return lines


def factored_lines(section: Factored) -> list[str]:
    """Design, tests of whole terms, best cells, conditions, methods."""
    lines = design_lines(section)
    levels = {factor.name: len(factor.levels) for factor in section.factors}
    for metric in section.metrics:
        result = metric.result
        if result is None:
            lines.append(f"{metric.metric}: {Condition(metric.barred or 'not_factored', 'both').text}")
            continue
        wide = [test for test in result.tests if any(levels[name] > _TWO_LEVELS for name in test.term)]
        lines += [_test(metric, test) for test in wide]
        lines += _best(metric) if metric.best is not None else []
        lines += [f"{metric.metric}: {condition.text}" for condition in result.conditions]
        if result.missing:
            lines.append(f"{metric.metric}: cells without units: {_listed(result.missing)}")
        lines += _about_effects(metric, result.effects)
        lines.append(f"{metric.metric}: {result.method}")
    return lines


def _effect_row(metric: FactoredMetric, effect: FactorEffect) -> tuple[str, ...]:
    registered = effect.relative if metric.scale == "relative" else effect.absolute
    star = {"absolute": "", "relative": "", metric.scale: " *"}
    return (
        metric.metric,
        effect.label,
        absolute(effect.absolute, share=_share(metric)) + star["absolute"],
        relative(effect.relative) + star["relative"],
        p_value(None if registered is None else registered.p_value),
    )


def _about_effects(metric: FactoredMetric, effects: tuple[FactorEffect, ...]) -> list[str]:
    """Each condition once, with how many effects it concerns."""
    labels: dict[Condition, list[str]] = {}
    for effect in effects:
        if effect.kind == "difference":
            for condition in effect.conditions:
                labels.setdefault(condition, []).append(effect.label)
    return [
        f"{metric.metric}, {_listed(tuple(named))}: {condition.text}"
        + ("" if condition.scale == "both" else f" ({condition.scale})")
        for condition, named in labels.items()
    ]


def _test(metric: FactoredMetric, test: TermTest) -> str:
    found = test.relative if metric.scale == "relative" else test.absolute
    name = " × ".join(test.term)
    if found is None:
        return f"{metric.metric}, {name} as a whole: not tested"
    return f"{metric.metric}, {name} as a whole: F {found.f:.4g} on {found.df_num}, p {equals(found.p_value)}"


def _best(metric: FactoredMetric) -> list[str]:
    best: BestCell | None = metric.best
    if best is None:
        return []
    if best.best is None or best.value is None:
        return [f"{metric.metric}, best cell: {condition.text}" for condition in best.conditions]
    rivals = [one.variant for one in best.comparisons if one.candidate and one.variant != best.best]
    certain = "shown to be the best" if best.proven else f"not shown to be the best of {len(rivals) + 1} that may be"
    lines = [
        f"{metric.metric}, best cell: {best.best}, {certain}; {_winner(best.value, metric)}",
        f"{metric.metric}, best cell: {best.method}",
    ]
    if best.lead is not None:
        lines.insert(1, f"{metric.metric}, its lead over the cell of first levels: {_winner(best.lead, metric)}")
    return lines + [f"{metric.metric}, best cell: {condition.text}" for condition in best.conditions]


def _winner(winner: Winner, metric: FactoredMetric) -> str:
    share, wrong = _share(metric), "high" if metric.direction == "up" else "low"
    naive, estimate, low, high = (
        value(x, share=share) for x in (winner.naive, winner.estimate, winner.low, winner.high)
    )
    told = "by how much a tie does not tell:" if winner.tied else f"corrected {estimate}"
    return f"{naive} as observed is too {wrong} for having been picked, {told} [{low}, {high}]"


def _share(metric: FactoredMetric) -> bool:
    return metric.kind == "proportion"


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(islice(names, 4))
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4:,} more"  # noqa: PLR2004 (names shown)


def _cut(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    if len(rows) <= _MOST_ROWS:
        return list(rows)
    blank = ("",) * (len(rows[0]) - 2)
    return [*rows[:_MOST_ROWS], ("…", f"{len(rows) - _MOST_ROWS:,} more in the JSON", *blank)]
