"""Factorial designs: factors, the cells that are run, and their names as variants.

A cell is one level of every factor. Its variant is called "subject=question,image=none": factors in the order of
the file, so that `cell_name` and `parse_cell` are inverse; names and levels may be in any script. The cells are
listed with the first factor varying slowest.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.design.experiment import Variant
from imp_experiments.design.factors import Design, Factor
from imp_experiments.design.fraction import LETTERS, Fraction, fraction_of

__all__ = ["MOST_CELLS", "Design", "Factor", "Factorial", "cell_name", "factorial", "parse_cell", "variants_of"]

MOST_CELLS: Final = 1_000
# A fraction of more has over a million aliases to list.
_MOST_FACTORS: Final = 16
_LONGEST_NAME: Final = 200
_MOST_WEIGHT: Final = 1_000_000
_NOT_IN_LEVELS: Final = ",="
_NOT_IN_NAMES: Final = ",=*:"
_TWO_LEVELS: Final = 2

# One cell: factor → level.
Levels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Factorial:
    """A design that has been checked: made by `factorial`. `fraction` is None where all cells are run."""

    factors: tuple[Factor, ...]
    design: Design
    fraction: Fraction | None

    @property
    def cells(self) -> tuple[dict[str, str], ...]:
        """The cells that are run, as factor → level, the first factor varying slowest."""
        if self.fraction is None:
            picks: Sequence[tuple[int, ...]] = tuple(product(*(range(len(factor.levels)) for factor in self.factors)))
        else:
            picks = self.fraction.runs
        return tuple(
            {factor.name: factor.levels[at] for factor, at in zip(self.factors, pick, strict=True)} for pick in picks
        )

    @property
    def variants(self) -> tuple[str, ...]:
        """The variant names of the cells, in their order."""
        return tuple(cell_name(cell) for cell in self.cells)

    @property
    def control(self) -> str:
        """The variant to compare with: every factor at its first level, or the first run where a fraction lacks it."""
        return self.variants[0]


def factorial(factors: Sequence[Factor], design: Design | None = None, *, where: str = "factors") -> Factorial:
    """Check factors and design; `where` is how errors name the place.

    Raises:
        BadInput: no factors, a name or level that is empty, doubled or holds a separator, fewer than two levels,
            too many cells, a full design with generators, or a fraction that cannot be built.
    """
    design = design or Design()
    _check_factors(factors, where)
    names = [factor.name for factor in factors]
    fraction = None
    if design.kind == "fraction":
        many = [factor.name for factor in factors if len(factor.levels) != _TWO_LEVELS]
        if many:
            raise BadInput(f"{many[0]!r} has more than two levels", where=where, mend="use a full design")
        fraction = fraction_of(names, design.generators, where=where)
    elif design.kind != "full":
        raise BadInput(f"{design.kind!r} is no kind of design", where=where, mend='use "full" or "fraction"')
    elif design.generators:
        raise BadInput("a full design has no generators", where=where, mend='leave them out, or use kind = "fraction"')
    cells = len(fraction.runs) if fraction else prod(len(factor.levels) for factor in factors)
    if cells > MOST_CELLS:
        raise BadInput(
            f"{cells:,} cells are more than {MOST_CELLS:,}", where=where, mend="use fewer levels or a fraction"
        )
    made = Factorial(factors=tuple(factors), design=design, fraction=fraction)
    _check_lengths(made.variants, where)
    return made


def cell_name(levels: Levels) -> str:
    """The variant name of a cell, such as "subject=question,image=none", in the order of the mapping."""
    return ",".join(f"{name}={level}" for name, level in levels.items())


def parse_cell(name: str, factors: Sequence[Factor]) -> dict[str, str]:
    """The levels of a variant that `cell_name` named.

    Raises:
        BadInput: it does not give one known level to every factor, in their order.
    """
    parts = [part.partition("=") for part in name.split(",")]
    levels = {factor: level for factor, _, level in parts}
    known = len(parts) == len(factors) and all(
        part[0] == factor.name and part[2] in factor.levels for part, factor in zip(parts, factors, strict=True)
    )
    if not known:
        wanted = ",".join(f"{factor.name}=…" for factor in factors)
        raise BadInput(f"{name!r} is not a cell of this design", where="variant", mend=f"cells are named {wanted}")
    return levels


def variants_of(made: Factorial, weights: Mapping[str, int] | None = None) -> tuple[Variant, ...]:
    """The cells as variants of equal weight, or of the weights given by variant name: assignment needs nothing else.

    A weight of 0 leaves a cell empty, and the analysis then names the effects that cannot be estimated.

    Raises:
        BadInput: a weight that is missing, of no cell, or not a whole number from 0 to 1,000,000; fewer than two
            cells with a weight.
    """
    names = made.variants
    given = dict.fromkeys(names, 1) if weights is None else dict(weights)
    strange = [*(name for name in given if name not in names), *(name for name in names if name not in given)]
    if strange:
        problem = "has no weight" if strange[0] in names else "is not a cell of this design"
        raise BadInput(f"{strange[0]!r} {problem}", where="weights", mend="give every cell one weight")
    for name, weight in given.items():
        if not _is_whole(weight) or not 0 <= weight <= _MOST_WEIGHT:
            raise BadInput(f"the weight of {name!r} must be a whole number from 0 to {_MOST_WEIGHT:,}", where="weights")
    if sum(weight > 0 for weight in given.values()) < _TWO_LEVELS:
        raise BadInput("at least two cells need a weight above 0", where="weights")
    return tuple(Variant(name=name, weight=given[name]) for name in names)


def _check_factors(factors: Sequence[Factor], where: str) -> None:
    if not 1 <= len(factors) <= min(_MOST_FACTORS, len(LETTERS)):
        raise BadInput(f"a design has 1 to {_MOST_FACTORS} factors", where=where, mend="leave the least of them out")
    names = [factor.name for factor in factors]
    if len(set(names)) < len(names):
        raise BadInput("two factors have one name", where=where, mend="rename one")
    for factor in factors:
        _check_word(factor.name, _NOT_IN_NAMES, where)
        for level in factor.levels:
            _check_word(level, _NOT_IN_LEVELS, f"{where}: {factor.name}")
        if len(factor.levels) < _TWO_LEVELS:
            raise BadInput("a factor needs two levels or more", where=f"{where}: {factor.name}", mend="add a level")
        if len(set(factor.levels)) < len(factor.levels):
            raise BadInput("two levels have one name", where=f"{where}: {factor.name}", mend="rename one")


def _check_word(text: str, barred: str, where: str) -> None:
    """A name or level: some text of any script without separators, control characters or space around it."""
    if not text or text != text.strip():
        raise BadInput("a name must be text without space around it", where=where, mend="write it out")
    if any(char in barred or unicodedata.category(char).startswith("C") for char in text):
        problem = f"{text!r} holds a separator or a control character"
        raise BadInput(problem, where=where, mend=f"leave out {' '.join(barred)}")


def _check_lengths(names: Sequence[str], where: str) -> None:
    longest = max(names, key=len)
    if len(longest) > _LONGEST_NAME:
        problem = f"the cell {longest[:40]!r}… has a name of over {_LONGEST_NAME} characters"
        raise BadInput(problem, where=where, mend="shorten factors and levels")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
