"""Whether figures of overlapping groups can be combined until they tell of fewer than k people. Pure.

A released figure is a sum over a group of people, and whoever has several can add and subtract them: a weighting of the
groups gives each person a number, and where that is not 0 for fewer than k of them the result tells of these alone.
People who are in the same groups always get the same number: they are one *kind*. A weighting that is 0 for everybody
tells nothing; the others are 0 for no set of kinds that has full rank. So if k sets of full rank can be found among the
kinds, none with a person in common (a packing), each holds a person whose number is not 0: at least k people.

That is sufficient, not necessary: where two partitions cross, what is to be found is the smallest cut of a graph, and a
packing finds at least half of it (Nash-Williams 1961; Tutte 1961). So between k and 2 k people it may err, towards no.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["tells_at_least"]

# Ranks are counted modulo a prime: exact, and without rounding.
_PRIME: Final = 2_147_483_647

Whole = NDArray[np.int64]


def tells_at_least(kinds: Mapping[frozenset[int], int], k: int, *, absent: Sequence[int] = ()) -> bool:
    """Whether every combination of the groups that tells anything rests on at least `k` people.

    `kinds`: the groups that people are in → how many are in just these. `absent`: groups of which somebody is gone, in
    what other groups is not known: a combination may tell of them too.
    """
    groups = sorted({group for kind in kinds for group in kind} | set(absent))
    if not groups:
        return True
    place = {group: index for index, group in enumerate(groups)}
    rows = {kind: _row([place[group] for group in kind], len(groups)) for kind in kinds if kind}
    everything = [*rows.values(), *(_row([place[group]], len(groups)) for group in absent)]
    full = len(_basis(everything))
    left = {kind: n for kind, n in kinds.items() if kind and n > 0}
    found = 0
    while found < k:
        order = sorted((kind for kind in left if left[kind] > 0), key=lambda kind: (-left[kind], sorted(kind)))
        chosen = [order[index] for index in _basis([rows[kind] for kind in order])]
        if len(chosen) < full:
            return False
        # one at a time, so that the next set takes others: a large step would use up all kinds of one group
        step = smallest if (smallest := min(left[kind] for kind in chosen)) >= k - found else 1
        found += step
        for kind in chosen:
            left[kind] -= step
    return True


def _row(places: Sequence[int], width: int) -> Whole:
    row = np.zeros(width, dtype=np.int64)
    row[list(places)] = 1
    return row


def _basis(rows: Sequence[Whole]) -> list[int]:
    """The places of the first rows that are independent of those before them."""
    kept: list[tuple[int, Whole]] = []
    places = []
    for index, row in enumerate(rows):
        if kept and len(kept) == len(row):
            break
        rest = row.copy()
        for pivot, other in kept:
            if rest[pivot]:
                rest = (rest - rest[pivot] * other) % _PRIME
        nonzero = np.flatnonzero(rest)
        if len(nonzero):
            pivot = int(nonzero[0])
            kept.append((pivot, rest * pow(int(rest[pivot]), -1, _PRIME) % _PRIME))
            places.append(index)
    return places
