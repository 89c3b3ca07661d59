"""Breakdowns of a table by its columns: one scan per dimension, which is the stratum there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.measure.layout import Layout
from imp_experiments.measure.merge import Grouping, merge_levels
from imp_experiments.measure.moments import Moments
from imp_experiments.measure.table import Prepared, Tabulated, clusters_cross, tabulate
from imp_experiments.readout.broken_down import broken_down
from imp_experiments.readout.compare import Tested, units_in
from imp_experiments.readout.judged import judged, rule_of
from imp_experiments.readout.looks import CONFIDENCE_SEQUENCE
from imp_experiments.readout.readout import Breakdown
from imp_experiments.readout.tabled import Scanned, compare_table, scan_level, units_in_table

__all__ = ["DEFAULT_K", "ByTable"]

DEFAULT_K: Final = 10

Open = Callable[[Layout], AbstractContextManager[Prepared]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ByTable:
    """How a table is broken down: `variants` are control first; a layout's own stratum plays no part within levels.

    Where looks are allowed for (`sequential`), levels have a confidence sequence each, and no test of differences; nor
    is there one where a cluster has units in several levels.
    """

    layout: Layout
    variants: Sequence[str]
    scale: str
    alpha: float
    k: int = DEFAULT_K
    sequential: str | None = None
    planned: int | None = None

    def breakdowns(self, dimensions: Sequence[str], opened: Open) -> tuple[Breakdown, ...]:
        """The breakdown of each dimension; `opened` opens the table with a layout.

        Raises:
            BadInput: k is below 1, a column is missing or empty in a row, or has too many values to be a dimension.
        """
        if self.k < 1:
            raise BadInput("k is below 1", where="k", mend="say how many units a level must have in each variant")
        return tuple(self._breakdown(dimension, opened) for dimension in dimensions)

    def _breakdown(self, dimension: str, opened: Open) -> Breakdown:
        layout = replace(self.layout, stratum=dimension)
        with opened(layout) as prepared:
            table = _tabulated(prepared, layout)
            # levels that share clusters are not independent, as the test of differences has them
            crossed = clusters_cross(units_in_table(prepared, layout), layout)
            grouping = self._grouping(table.moments)
            tested = {
                shown: self._tested(scan_level(prepared, layout, table, levels, control=self.variants[0]), layout)
                for shown, levels in grouping.groups.items()
            }
        return broken_down(dimension, grouping, tested, alpha=self.alpha, final=self.sequential is None and not crossed)

    def _grouping(self, moments: Moments) -> Grouping:
        counts = {}
        for level in moments.strata:
            mine = moments.select(lambda cell, level=level: cell.stratum == level)  # type: ignore[misc]  # bound at once
            counts[level] = [[units_in(mine, name) for name in self.variants]]
        return merge_levels(counts, self.k)

    def _tested(self, scanned: Scanned, layout: Layout) -> list[Tested]:
        plain = replace(layout, stratum=None)
        names, tail, rule = self.variants, self.alpha / 2, None
        if self.sequential is not None:
            n = scanned.table.moments.count()
            rule = rule_of(CONFIDENCE_SEQUENCE, n=n, planned=self.planned, alpha=self.alpha)
            tail = rule.tail or tail
        found = compare_table(scanned, plain, variants=names[1:], control=names[0], scale=self.scale, tail=tail)
        return found if rule is None else [judged(one, rule) for one in found]


def _tabulated(prepared: Prepared, layout: Layout) -> Tabulated:
    """The table, whose stratum is a dimension: what lacks one lacks a level."""
    try:
        return tabulate(prepared, layout)
    except BadInput as error:
        if error.what != "the stratum is missing":
            raise
        raise BadInput("the level to break down by is missing", where=error.where, mend=error.mend) from None
