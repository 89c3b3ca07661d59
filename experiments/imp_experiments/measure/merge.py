"""Which levels of a dimension may be shown: those too small are merged, so that none can be found by difference. Pure.

Counts are of one level in nested populations, the smallest first (a metric with a longer window has fewer cohorts):
per population the units of each variant. A level is large enough if every variant has k units or more in the smallest
population, and from each population to the next 0 or at least k more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

__all__ = ["MOST_SHOWN", "OTHER", "Grouping", "merge_levels"]

OTHER: Final = "(other)"
# More than these nobody reads, and the ledger keeps a count of each: the smallest of more are merged too.
MOST_SHOWN: Final = 30

Counts = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """What is shown → the levels it holds; `merged` counts those in "(other)".

    Nothing is shown where all levels together are too small, or where all had to be merged (that is the whole).
    """

    groups: Mapping[str, tuple[str, ...]]
    merged: int

    def shown(self, level: str) -> str | None:
        """What a level is shown as; None: it is not."""
        return next((name for name, levels in self.groups.items() if level in levels), None)


def merge_levels(counts: Mapping[str, Counts], k: int, *, most: int = MOST_SHOWN) -> Grouping:
    """Merge the levels that are too small into "(other)", and while that is too small itself the next smallest too.

    `counts`: level → population → variant → units. A level that is itself called "(other)" is merged.
    """
    by_size = sorted(counts, key=lambda level: (-_size(counts[level]), level))
    kept = [level for level in by_size if level != OTHER and _enough(counts[level], k)]
    others = [level for level in by_size if level not in kept]
    while kept and (len(kept) + bool(others) > max(most, 1) or not _enough_together(others, counts, k)):
        others.append(kept.pop())
    if not kept and len(others) > 1:
        return Grouping(groups={}, merged=len(others))
    if not kept and others and not _enough(counts[others[0]], k):
        return Grouping(groups={}, merged=1)
    groups: dict[str, tuple[str, ...]] = {level: (level,) for level in sorted(kept)}
    if others:
        groups[OTHER] = tuple(sorted(others))
    return Grouping(groups=groups, merged=len(others))


def _enough_together(levels: Sequence[str], counts: Mapping[str, Counts], k: int) -> bool:
    if not levels:
        return True
    populations = zip(*(counts[level] for level in levels), strict=True)
    return _enough([[sum(units) for units in zip(*variants, strict=True)] for variants in populations], k)


def _enough(populations: Counts, k: int) -> bool:
    if any(n < max(k, 1) for n in populations[0]):
        return False
    more = (b - a for one, two in pairwise(populations) for a, b in zip(one, two, strict=True))
    return all(n == 0 or n >= k for n in more)


def _size(populations: Counts) -> int:
    """By the smallest variant: that is what decides whether it is enough."""
    return min(populations[0])
