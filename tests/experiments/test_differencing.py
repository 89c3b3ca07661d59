"""An attack on the guard between breakdowns: whatever it lets through, no sum or difference tells of fewer than k.

Small worlds of people who come, leave, and are moved to another level by a late import; breakdowns as they come. The
attacker knows who stood in which cell of every breakdown that was let through, and tries every set of fewer than k
people: is there a weighting of the cells that is 0 for all others, and not for these? It shares no code with the guard.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pytest

from imp_core.errors import CheckFailed
from imp_experiments.measure.levels import Crossed
from imp_experiments.measure.merge import merge_levels
from imp_experiments.readout.differencing import check_released
from imp_experiments.readout.released import Released, level_key

K = 3
DAYS = 3
WORLDS = 400


@dataclass(frozen=True)
class Person:
    number: int
    levels: tuple[str, str]
    day: int
    since: int  # the ledger size at which what is now their first exposure came
    known: int  # at which any of them did


class World:
    def __init__(self, seed: int, *, guarded: bool) -> None:
        self.dice, self.guarded = random.Random(seed), guarded
        self.people: list[Person] = []
        self.size, self.last = 10, 0
        self.released: list[Released] = []
        self.cells: list[frozenset[int]] = []
        self.wide, self.alike = self.dice.choice([2, 3]), self.dice.choice([0, 0.5, 0.9])
        self.come(self.dice.randint(12, 40))

    def come(self, n: int) -> None:
        for _ in range(n):
            one = self.dice.randrange(self.wide)
            two = one if self.dice.random() < self.alike else self.dice.randrange(self.wide)
            self.last += 1
            levels, day = (f"a{one}", f"b{two}"), self.dice.randrange(DAYS)
            self.people.append(Person(self.last, levels, day, self.size, self.size))

    def change(self) -> None:
        for person in self.dice.sample(self.people, min(len(self.people), self.dice.choice([0, 0, 1, 2, 3, 5, 8]))):
            self.people.remove(person)
        self.come(self.dice.choice([0, 0, 1, 3, 6]))
        for person in self.dice.sample(self.people, min(len(self.people), self.dice.choice([0, 0, 1, 3, 4]))):
            levels = (f"a{self.dice.randrange(self.wide)}", person.levels[1])
            self.people[self.people.index(person)] = replace(person, levels=levels, since=self.size)

    def cross(self, dimensions: Sequence[str], sizes: Sequence[int]) -> list[Crossed]:
        counts = Counter(
            (
                person.day,
                since := sum(person.since >= size for size in sizes),
                tuple(person.levels[int(name)] for name in dimensions),
                sum(person.known >= size for size in sizes) < since,
            )
            for person in self.people
        )
        return [
            Crossed(variant="a", day=day, since=since, levels=levels, moved=moved, n=n)
            for (day, since, levels, moved), n in counts.items()
        ]

    def look(self) -> bool:
        """Break it down by one dimension or both, of cohorts up to one day or two; whether it was let through."""
        through = tuple(sorted(self.dice.sample(range(DAYS), self.dice.choice([1, 1, 2]))))
        new, cells = [], []
        for place in self.dice.choice([[0], [1], [0, 1]]):
            of = {level: [one for one in self.people if one.levels[place] == level] for level in self.levels(place)}
            counts = {level: [[sum(one.day <= day for one in mine)] for day in through] for level, mine in of.items()}
            kept = {}
            for shown, levels in merge_levels(counts, K).groups.items():
                mine = [one for level in levels for one in of[level]]
                groups = [frozenset(one.number for one in mine if one.day <= day) for day in through]
                kept[level_key(str(place), shown)] = tuple((len(group),) for group in groups)
                cells += groups
            if kept:
                new.append(Released(dimension=str(place), size=self.size, through=through, levels=kept))
        try:
            if self.guarded:
                check_released(new, self.released, self.cross, variants=["a"], k=K, experiment="x")
        except CheckFailed:
            return False
        self.released += [replace(one, seq=self.size) for one in new]
        self.cells += cells
        return bool(new)

    def levels(self, place: int) -> list[str]:
        return sorted({person.levels[place] for person in self.people})


def told_of_few(cells: Sequence[frozenset[int]]) -> bool:
    kinds = Counter(tuple(int(number in cell) for cell in cells) for number in set().union(*cells))
    columns = np.array(list(kinds)).T
    full = np.linalg.matrix_rank(columns)
    for r in range(1, K):
        for few in combinations(range(len(kinds)), r):
            if sum(list(kinds.values())[place] for place in few) < K:
                others = np.delete(columns, few, axis=1)
                if np.linalg.matrix_rank(others) < full:
                    return True
    return False


def attacked(*, guarded: bool, worlds: int) -> tuple[int, int]:
    """How many worlds let through several breakdowns, and in how many the attacker found somebody."""
    several = found = 0
    for seed in range(worlds):
        world = World(seed, guarded=guarded)
        looks = 0
        for turn in range(4):
            if turn:
                world.change()
            world.size += 10  # what came is known now
            looks += world.look()
            world.size += 10
        several += looks > 1
        found += bool(world.cells) and told_of_few(world.cells)
    return several, found


def test_the_attack_finds_people_where_nothing_is_guarded() -> None:
    several, found = attacked(guarded=False, worlds=50)
    assert several > 30
    assert found > 20


def test_what_the_guard_lets_through_tells_of_k_or_of_nobody() -> None:
    several, found = attacked(guarded=True, worlds=WORLDS)
    assert several > WORLDS / 10, "a guard that refuses everything proves nothing"
    assert found == 0


def test_without_knowing_who_was_moved_the_guard_would_be_fooled(monkeypatch: pytest.MonkeyPatch) -> None:
    crossed = World.cross
    monkeypatch.setattr(World, "cross", lambda *asked: [replace(one, moved=False) for one in crossed(*asked)])
    assert attacked(guarded=True, worlds=WORLDS)[1] > 0
