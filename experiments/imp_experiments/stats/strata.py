"""Strata that are large enough to estimate in; those that are not are merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from imp_experiments.measure.moments import Cell, Moments

__all__ = ["of_stratum", "with_enough"]

# units of each variant in a stratum: at least, and expected (again for each covariate)
_LEAST: Final = 3
_EXPECTED: Final = 10
_MERGED: Final = "\x1fmerged"


def of_stratum(stratum: str) -> Callable[[Cell], bool]:
    """Whether a cell is of a stratum."""
    return lambda cell: cell.stratum == stratum


def with_enough(moments: Moments, names: Sequence[str], *, covariates: int) -> tuple[Moments, bool]:
    """Strata of too few units are merged with each other, then with the largest; and whether any were.

    Too few by all their units, of which the smallest variant should have ten and ten more for each covariate (each
    stratum has slopes of its own, whose errors are no part of Lin's variance). Not by how the units fell to variants:
    strata merged for that are more uneven than chance has it, and no variance knows of it (forty strata of 14 units a
    variant rejected no difference in .09). Only what has no variance at all is merged for that.
    """
    share = min((moments.count(name) for name in names), default=0) / max(moments.count(), 1)
    least = covariates + _LEAST

    def small(stratum: str, inside: Moments) -> bool:
        mine = inside.select(of_stratum(stratum))
        expected = mine.count() * share
        return expected < _EXPECTED * (1 + covariates) or min(map(mine.count, names)) < least

    merging = [stratum for stratum in moments.strata if small(stratum, moments)]
    if not merging or len(moments.strata) == 1:
        return moments, False
    merged = moments.rename(lambda cell: _renamed(cell, merging, _MERGED))
    if small(_MERGED, merged) and len(merged.strata) > 1:
        rest = [stratum for stratum in merged.strata if stratum != _MERGED]
        largest = max(rest, key=lambda name: (merged.select(of_stratum(name)).count(), name))
        merged = merged.rename(lambda cell: _renamed(cell, [largest], _MERGED))
    return merged, True


def _renamed(cell: Cell, strata: Sequence[str], name: str) -> Cell:
    return replace(cell, stratum=name) if cell.stratum in strata else cell
