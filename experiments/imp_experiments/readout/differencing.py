"""The guard between published breakdowns: together they must not tell of fewer than k people. Pure.

What a readout would release of its levels is put beside all that was released of the experiment before, over the
people that are in now: by variant, cohort, level of each dimension, and when they were first known. Who was counted
then and is not now is found by the difference of the counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from imp_core.errors import CheckFailed, LedgerBroken
from imp_experiments.measure.levels import Crossed
from imp_experiments.readout.isolating import tells_at_least
from imp_experiments.readout.released import Released

__all__ = ["check_released"]

Cross = Callable[[Sequence[str], Sequence[int]], list[Crossed]]


def check_released(
    new: Sequence[Released], old: Sequence[Released], cross: Cross, *, variants: Sequence[str], k: int, experiment: str
) -> None:
    """Refuse what with earlier releases, or in itself, would tell of fewer than k people.

    `cross` counts the people of now by the levels of dimensions and by ledger sizes (`measure.levels.crossing`).

    Raises:
        CheckFailed: it would; it names the entry, where one alone suffices.
        LedgerBroken: what an entry keeps is of other variants.
    """
    for one in old:
        if any(len(units) != len(variants) for cells in one.levels.values() for units in cells):
            raise LedgerBroken("what a readout released is of other variants", where=f"entry {one.seq}")
    if not new or _safe(new, old, cross, variants=variants, k=k):
        return
    by = ", ".join(f"--by {one.dimension}" for one in new)
    for one in reversed(old):
        if not _safe(new, [one], cross, variants=variants, k=k):
            raise _refusal(one, [release.dimension for release in new], f"{experiment}, {by}", k)
    if not _safe(new, [], cross, variants=variants, k=k):
        what, mend = f"these dimensions together would tell of fewer than {k} people", "ask for fewer of them at once"
    else:
        what = f"with all that was released before this would tell of fewer than {k} people"
        mend = "read the reports that are there, or wait until more people came"
    raise CheckFailed(what, where=f"{experiment}, {by}", mend=mend)


def _refusal(old: Released, dimensions: Sequence[str], where: str, k: int) -> CheckFailed:
    if dimensions == [old.dimension]:
        what = (
            f"too little has changed since ledger entry {old.seq}: the difference would tell of fewer than {k} people"
        )
    else:
        what = (
            f"with the levels of {old.dimension} that ledger entry {old.seq} released this would tell of fewer than "
            f"{k} people"
        )
    mend = f"read the report that entry {old.seq} stands for, or wait until more people came"
    return CheckFailed(what, where=where, mend=mend)


def _safe(new: Sequence[Released], old: Sequence[Released], cross: Cross, *, variants: Sequence[str], k: int) -> bool:
    releases = [*old, *new]
    dimensions = list(dict.fromkeys(one.dimension for one in releases))
    sizes = sorted({one.size for one in releases})
    people = cross(dimensions, sizes)
    return all(
        _safe_variant(
            releases,
            len(old),
            [one for one in people if one.variant == variant],
            dimensions,
            sizes,
            variant=index,
            k=k,
        )
        for index, variant in enumerate(variants)
    )


def _safe_variant(
    releases: Sequence[Released],
    old: int,
    people: Sequence[Crossed],
    dimensions: Sequence[str],
    sizes: Sequence[int],
    *,
    variant: int,
    k: int,
) -> bool:
    number = _numbered(releases)
    kinds: Counter[frozenset[int]] = Counter()
    present: Counter[int] = Counter()
    moved = 0
    for one in people:
        groups = frozenset(
            number[place, population, release.key(one.levels[dimensions.index(release.dimension)])]
            for place, release in enumerate(releases)
            if sizes.index(release.size) >= one.since
            for population, day in enumerate(release.through)
            if one.day <= day and release.key(one.levels[dimensions.index(release.dimension)]) in release.levels
        )
        # whom a late import moved stood in groups that are not known: they are in no set that is counted on
        kinds[groups] += 0 if one.moved else one.n
        moved += one.n if one.moved else 0
        present.update(dict.fromkeys(groups, one.n))
    gone = {
        group: releases[place].levels[key][population][variant] - present[group]
        for (place, population, key), group in number.items()
        if place < old
    }
    absent = [group for group, n in gone.items() if n]
    if old == 1 and len(releases[0].through) == 1:
        # who is gone was in this one group of what is compared, and nowhere else
        for group in absent:
            kinds[frozenset({group})] += max(0, gone[group] - moved)
    return tells_at_least(kinds, k, absent=absent)


def _numbered(releases: Sequence[Released]) -> dict[tuple[int, int, str], int]:
    """Release, population and level → the group's number."""
    cells = [
        (place, population, key)
        for place, release in enumerate(releases)
        for population in range(len(release.through))
        for key in release.levels
    ]
    return {cell: number for number, cell in enumerate(cells)}
