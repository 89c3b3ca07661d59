"""A table whose variants are cells of several factors: their names, and the design that these make. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.design.factorial import Factorial, cell_name, factorial, parse_cell
from imp_experiments.design.factors import Factor
from imp_experiments.measure.layout import Layout
from imp_experiments.measure.relation import VARIANT_SEPARATOR
from imp_experiments.readout.compare import Asked
from imp_experiments.readout.factored import Factored
from imp_experiments.readout.factorize import factor_metric, factored
from imp_experiments.readout.tabled import Scanned, quantity_of

__all__ = ["check_factors", "design_of", "factor_table", "named_cells"]

_BARRED: Final = ",="
_ENOUGH: Final = 2
_LONGEST_LEVEL: Final = 100
# More levels than anyone tests: then the column holds something else, perhaps identifiers.
_MOST_LEVELS: Final = 100


def check_factors(factors: Sequence[str], *, order: int, compares: bool, corrects: bool, others: Sequence[str]) -> None:
    """Refuse what has no answer by factors; `others` names quantiles, ranks, dimensions and sequential methods.

    Raises:
        BadInput: one factor only or one twice, an order below 1, corrections without a control, or others.
    """
    if len(factors) < _ENOUGH:
        raise BadInput("there is only one factor", where="factor", mend="name another one, or use --variant")
    if len(set(factors)) < len(factors):
        raise BadInput("a factor is named twice", where="factor", mend="name each column once")
    if order < 1:
        raise BadInput("the order is below 1", where="order", mend="1 is main effects, 2 also two-way interactions")
    if others:
        problem = f"{others[0]!r} is not analysed by factors"
        mend = "name one column of variants, with --variant, for quantiles, ranks, breakdowns and sequential tests"
        raise BadInput(problem, where="factor", mend=mend)
    if corrects and not compares:
        mend = "name the cell as --control factor=level,factor=level, or leave the correction and the prior"
        raise BadInput("without control there are no comparisons to correct or weigh", where="control", mend=mend)


def named_cells(scanned: Scanned, layout: Layout) -> Scanned:
    """The same with cells named by their levels ("image=photo,subject=question").

    Raises:
        BadInput: a level is too long or holds a separator. Levels are not repeated in errors: a wrong column may hold
            identifiers.
    """
    table = scanned.table
    for variant in table.moments.variants:
        _check(variant, layout)
    moments = table.moments.rename(lambda cell: replace(cell, variant=_name(cell.variant, layout)))
    pairs = {_pair(pair, layout): n for pair, n in table.pairs.items()}
    return replace(scanned, table=replace(table, moments=moments, pairs=pairs))


def design_of(scanned: Scanned, layout: Layout, control: str | None) -> Factorial:
    """The full factorial of the levels in a table; first levels are those of control, else the lowest.

    Raises:
        BadInput: a factor has one level or over 100, control is no cell, the cells are too many or have names that
            cannot be.
    """
    seen: list[set[str]] = [set() for _ in layout.variant]
    for variant in scanned.table.moments.variants:
        for levels, part in zip(seen, variant.split(","), strict=True):
            levels.add(part.partition("=")[2])
    for name, levels in zip(layout.variant, seen, strict=True):
        if len(levels) > _MOST_LEVELS:
            problem = f"over {_MOST_LEVELS} different values: not a column of levels"
            raise BadInput(problem, where=f"column {name}", mend="name a column that says what was varied")
    factors = [
        Factor(name=name, levels=tuple(_ordered(levels))) for name, levels in zip(layout.variant, seen, strict=True)
    ]
    if control is not None:
        first = _first_levels(control, factors)
        factors = [_led(factor, first[factor.name]) for factor in factors]
    return factorial(factors)


def _first_levels(control: str, factors: Sequence[Factor]) -> dict[str, str]:
    try:
        return parse_cell(control, factors)
    except BadInput as error:
        raise BadInput(error.what, where="control", mend=error.mend) from None


def factor_table(
    scanned: Scanned,
    layout: Layout,
    made: Factorial,
    *,
    scale: str,
    alpha: float,
    order: int,
    down: Sequence[str],
) -> Factored:
    """The effects of the factors on every metric of the layout; `down` are those of which less is better."""
    metrics = []
    for metric in layout.metrics:
        quantity = quantity_of(metric, layout, scanned.table.adjusts)
        asked = Asked(metric=metric.name, kind=metric.kind, quantity=quantity, scale=scale)
        direction = "down" if metric.name in down else "up"
        moments = scanned.table.moments
        metrics.append(factor_metric(moments, asked, made, order=order, alpha=alpha, direction=direction))
    return factored(made, metrics, order=order)


def _check(variant: str, layout: Layout) -> None:
    parts = variant.split(VARIANT_SEPARATOR)
    for column, level in zip(layout.variant, parts, strict=False):
        if len(parts) != len(layout.variant) or any(char in level for char in _BARRED):
            problem = "a level holds a comma, an equals sign or a control character"
            raise BadInput(problem, where=f"column {column}", mend="write its levels without")
        if len(level) > _LONGEST_LEVEL:
            problem = f"a level is longer than {_LONGEST_LEVEL} characters"
            raise BadInput(problem, where=f"column {column}", mend="name a column of levels, or shorten them")


def _name(variant: str, layout: Layout) -> str:
    return cell_name(dict(zip(layout.variant, variant.split(VARIANT_SEPARATOR), strict=True)))


def _pair(pair: str, layout: Layout) -> str:
    """Both cells' names. Where a level holds a plus it stays open which one: then at the first of them."""
    count = len(layout.variant)
    parts = pair.split(VARIANT_SEPARATOR)
    if len(parts) != 2 * count - 1:
        return pair.replace(VARIANT_SEPARATOR, ",")
    one, _, two = parts[count - 1].partition("+")
    cells = ([*parts[: count - 1], one], [two, *parts[count:]])
    return "+".join(_name(VARIANT_SEPARATOR.join(cell), layout) for cell in cells)


def _ordered(levels: set[str]) -> list[str]:
    """By number where all are numbers, else by text."""
    try:
        numbers = {level: float(level) for level in levels}
    except ValueError:
        return sorted(levels)
    return sorted(levels, key=lambda level: (numbers[level], level) if math.isfinite(numbers[level]) else (0.0, level))


def _led(factor: Factor, first: str) -> Factor:
    return replace(factor, levels=(first, *(level for level in factor.levels if level != first)))
