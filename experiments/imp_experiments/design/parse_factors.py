"""Read the factors of a multivariate experiment from its file: `[[factors]]` and `[design]` in place of variants."""

from __future__ import annotations

from imp_experiments.design.factorial import Factorial, factorial
from imp_experiments.design.factors import Design, Factor
from imp_experiments.design.fields import Fields

__all__ = ["design_of_file", "parse_factors"]

_ENOUGH = 2


def parse_factors(top: Fields, file: str) -> Factorial | None:
    """The checked design; None where the file has variants.

    Raises:
        BadInput: variants beside factors, a design without factors, fewer than two factors, or as `factorial`.
    """
    if not top.has("factors"):
        if top.has("design"):
            top.refuse("design", "there are no factors", "write [[factors]], or leave [design] out")
        return None
    if top.has("variants"):
        top.refuse("variants", "variants beside factors", "the cells of the factors are the variants: leave them out")
    factors = [_factor(table) for table in top.tables("factors")]
    if len(factors) < _ENOUGH:
        top.refuse("factors", "there is only one factor", "write another one, or its levels as [[variants]]")
    table = top.table("design")
    design = Design(kind=table.choice("kind", ("full", "fraction"), "full"), generators=table.texts("generators"))
    table.done()
    return factorial(factors, design, where=f"{file}: factors")


def design_of_file(factors: tuple[Factor, ...] | None, design: Design | None) -> Factorial | None:
    """The design of a parsed experiment; None where its variants are no cells."""
    return None if factors is None else factorial(factors, design)


def _factor(table: Fields) -> Factor:
    factor = Factor(name=table.text("name", longest=100), levels=table.texts("levels", longest=100))
    if not factor.levels:
        table.refuse("levels", "missing", 'write levels = ["none", "photo"]')
    table.done()
    return factor
