"""The effects of factors that are planned: of every term its contrast with the largest error, as `Cells`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from imp_core.errors import BadInput
from imp_experiments.design.factorial import Factorial
from imp_experiments.stats.contrasts import DIFFERENCE, Contrast, Term, build_model, terms_up_to
from imp_experiments.stats.power.cells import Cells
from imp_experiments.stats.sandwich import fit_cells

__all__ = ["PlannedEffect", "effects_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEffect:
    """One term: its factors, the effect in words, and the contrast of the cells that estimates it.

    `aliases` is None in a full factorial, else the chain that the figure is of.
    """

    term: tuple[str, ...]
    effect: str
    cells: Cells
    aliases: str | None = None


def effects_of(made: Factorial, shares: Mapping[str, float], *, order: int) -> tuple[PlannedEffect, ...]:
    """Every main effect and interaction of up to `order` factors; `shares` of the units by the cell's variant.

    Of a factor of several levels it is the level against the first that is hardest to tell; the model is that of
    the same order, as readouts fit it. Effects that a design cannot estimate are left out.

    Raises:
        BadInput: a cell has no units, or there is no such order.
    """
    if not order >= 1:
        raise BadInput("not an order of effects", where="order", mend="1 is main effects, 2 adds two-way interactions")
    if not all(shares.get(name, 0.0) > 0 for name in made.variants):
        raise BadInput("a cell has no units", where="weights", mend="give each cell a weight above 0")
    chains = {} if made.fraction is None else {chain.first: chain for chain in made.fraction.chains}
    terms = [one for one, chain in chains.items() if chain.order <= order] or terms_up_to(
        made.factors, min(order, len(made.factors))
    )
    weights = np.array([shares[name] for name in made.variants])
    model = build_model(made.factors, made.cells, terms)
    found, fine = fit_cells(model.columns, weights).weights(np.array([one.row for one in model.contrasts]))
    hardest: dict[Term, tuple[float, PlannedEffect]] = {}
    for contrast, row, estimable in zip(model.contrasts, found, fine, strict=True):
        variance = round(float((row**2 / weights).sum()), 9)
        if not estimable or contrast.kind != DIFFERENCE or variance <= hardest.get(contrast.term, (0.0,))[0]:
            continue
        chain = chains.get(contrast.term)
        effect = PlannedEffect(
            term=contrast.term,
            effect=_words(contrast),
            cells=Cells(weights=tuple(row.tolist()), shares=tuple(weights.tolist()), moved=_moved(made, contrast)),
            aliases=None if chain is None else chain.words,
        )
        hardest[contrast.term] = variance, effect
    return tuple(effect for _, effect in hardest.values())


def _moved(made: Factorial, contrast: Contrast) -> tuple[bool, ...]:
    """The cells with every level of the contrast: what is true of them alone is its effect."""
    levels = dict(zip(contrast.term, contrast.levels, strict=True))
    return tuple(all(cell[name] == level for name, level in levels.items()) for cell in made.cells)


def _words(contrast: Contrast) -> str:
    parts = zip(contrast.term, contrast.levels, contrast.against, strict=True)
    return " × ".join(f"{name}: {level} - {base}" for name, level, base in parts)
