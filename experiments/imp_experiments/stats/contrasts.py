"""The factorial model: sum-coded columns of the cells, and the effects as rows over those columns.

Two levels are coded -1/2 and +1/2, more levels by sum contrasts (the last level -1). The columns of a factor then
add up to nothing over its levels, so that a main effect is the average over the other factors' levels, each level
weighing the same, and a two-way interaction is the full difference in differences: *twice* that of the textbooks on
designed experiments, which halve it (Box, Hunter & Hunter 2005, sec. 5.4); one of three factors is four times theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imp_experiments.design.factorial import Factor

__all__ = ["DEVIATION", "DIFFERENCE", "Contrast", "Model", "build_model", "terms_up_to"]

DIFFERENCE: Final = "difference"
DEVIATION: Final = "deviation"
_TWO_LEVELS: Final = 2

Floats = NDArray[np.float64]
Term = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """One effect of a term: per factor a level and the one it is held against (None: the mean over the levels).

    `kind` is "difference" (every factor against its first level) or "deviation" (a factor of three levels and more
    against the mean over its levels). `row` has one weight per column of the model.
    """

    term: Term
    kind: str
    levels: tuple[str, ...]
    against: tuple[str | None, ...]
    row: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Columns of the cells (cells × columns, the constant first), the effects, and a basis per term to test it whole.

    A basis has one orthonormal row per degree of freedom of its term, so that the order of the levels is nothing.
    """

    columns: Floats
    contrasts: tuple[Contrast, ...]
    bases: dict[Term, Floats]


def terms_up_to(factors: Sequence[Factor], order: int) -> tuple[Term, ...]:
    """All terms of at most `order` factors: main effects first, each in the order of the factors."""
    names = [factor.name for factor in factors]
    return tuple(term for size in range(1, order + 1) for term in combinations(names, size))


def build_model(factors: Sequence[Factor], cells: Sequence[dict[str, str]], terms: Sequence[Term]) -> Model:
    """The model of these terms on these cells (factor → level), with all contrasts of every term."""
    by_name = {factor.name: factor for factor in factors}
    coded = {name: _coding(factor) for name, factor in by_name.items()}
    blocks = [np.ones((len(cells), 1))]
    spans: dict[Term, slice] = {}
    start = 1
    for term in terms:
        rows = [_kron([coded[name][by_name[name].levels.index(cell[name])] for name in term]) for cell in cells]
        width = prod(len(by_name[name].levels) - 1 for name in term)
        block = np.array(rows).reshape(len(cells), width)
        spans[term] = slice(start, start + width)
        start += width
        blocks.append(block)
    contrasts: list[Contrast] = []
    bases: dict[Term, Floats] = {}
    for term in terms:
        named = [by_name[name] for name in term]
        contrasts += [
            Contrast(
                term=term, kind=kind, levels=levels, against=against, row=_placed(weights, named, spans[term], start)
            )
            for kind, levels, against, weights in _contrasts(named)
        ]
        rows = [_placed(weights, named, spans[term], start) for weights in product(*map(_orthonormal, named))]
        bases[term] = np.array(rows)
    return Model(columns=np.hstack(blocks), contrasts=tuple(contrasts), bases=bases)


def _coding(factor: Factor) -> Floats:
    """Levels × columns."""
    count = len(factor.levels)
    if count == _TWO_LEVELS:
        return np.array([[-0.5], [0.5]])
    return np.vstack([np.eye(count - 1), -np.ones((1, count - 1))])


def _contrasts(
    factors: Sequence[Factor],
) -> list[tuple[str, tuple[str, ...], tuple[str | None, ...], tuple[Floats, ...]]]:
    """Kind, levels, what they are held against, and one weight vector per factor."""
    out = [
        _contrast(DIFFERENCE, pick)
        for pick in product(*([_difference(f, level) for level in f.levels[1:]] for f in factors))
    ]
    if any(len(factor.levels) > _TWO_LEVELS for factor in factors):
        out += [_contrast(DEVIATION, pick) for pick in product(*map(_deviations, factors))]
    return out


def _contrast(
    kind: str, pick: Sequence[tuple[str, str | None, Floats]]
) -> tuple[str, tuple[str, ...], tuple[str | None, ...], tuple[Floats, ...]]:
    return kind, tuple(part[0] for part in pick), tuple(part[1] for part in pick), tuple(part[2] for part in pick)


def _difference(factor: Factor, level: str) -> tuple[str, str | None, Floats]:
    weights = np.zeros(len(factor.levels))
    weights[factor.levels.index(level)], weights[0] = 1.0, -1.0
    return level, factor.levels[0], weights


def _deviations(factor: Factor) -> list[tuple[str, str | None, Floats]]:
    """Each level against the mean over the levels; of two levels their difference says the same."""
    count = len(factor.levels)
    if count == _TWO_LEVELS:
        return [_difference(factor, factor.levels[1])]
    return [(level, None, np.eye(count)[at] - 1 / count) for at, level in enumerate(factor.levels)]


def _orthonormal(factor: Factor) -> list[Floats]:
    """Helmert's contrasts: level i against the mean of those before it, of length 1."""
    out = []
    for at in range(1, len(factor.levels)):
        weights = np.zeros(len(factor.levels))
        weights[:at], weights[at] = -1 / at, 1.0
        out.append(weights / np.linalg.norm(weights))
    return out


def _placed(weights: Sequence[Floats], factors: Sequence[Factor], span: slice, width: int) -> Floats:
    """The row over all columns: contrasts add up to nothing, so that only the term's own columns take part."""
    row = np.zeros(width)
    row[span] = _kron([weight @ _coding(factor) for weight, factor in zip(weights, factors, strict=True)])
    return row


def _kron(vectors: Sequence[Floats]) -> Floats:
    out = np.ones(1)
    for vector in vectors:
        out = np.outer(out, vector).ravel()
    return out
