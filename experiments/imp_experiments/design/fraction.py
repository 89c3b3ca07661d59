"""Regular two-level fractions 2^(k-p): which effects cannot be told apart, by the algebra of words.

Effects are words over factors; two words multiply by striking out what both hold (A·A = I). The generators span a
group, the defining relation: every word in it is constant over the runs, and multiplying an effect by it gives the
effects that share its column (Box, Hunter & Hunter 2005, ch. 6; Montgomery 2013, ch. 8). `tests/vectors/stats/
factorial.json` holds published fractions with their aliases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from imp_core.errors import BadInput

__all__ = ["LETTERS", "Alias", "Chain", "Fraction", "fraction_of", "letters_of"]

# Textbooks leave out I, which is the mean.
LETTERS: Final = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
_TIMES: Final = "*"
# as typed, and as copied from a book (U+2212)
_SIGNS: Final = {"+": 1, "-": -1, "\u2212": -1}
_SMALLEST_RESOLUTION: Final = 3

# A word: the indices of its factors, ascending; () is the mean.
Word = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """An effect as its factors' names in the order of the file, and the sign (1 or -1) with which it enters a chain."""

    factors: tuple[str, ...]
    sign: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Effects that one contrast of the runs estimates together: `first` (of the lowest order) plus its `aliases`.

    `aliases` are sorted by order, then by factor. `letters` writes the chain as textbooks do, such as "AB = CD" or
    "A = -BC"; `words` the same with names, such as "subject*image = sender*day".
    """

    first: tuple[str, ...]
    aliases: tuple[Alias, ...]
    letters: str
    words: str

    @property
    def order(self) -> int:
        """How many factors the lowest effect of the chain has."""
        return len(self.first)

    @property
    def clear(self) -> bool:
        """No main effect or two-way interaction is aliased with the first effect (Wu & Hamada 2009, sec. 5.2)."""
        return all(len(alias.factors) > 2 for alias in self.aliases)  # noqa: PLR2004 (a two-way interaction)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fraction:
    """The structure of a regular fraction of `names` (two levels each) with 2^(k-p) runs.

    `relation` maps every word but the mean to its sign, shortest first: the defining relation. `runs` holds a tuple
    of 0 (first level) and 1 (second level) per run, the first factor varying slowest.
    """

    names: tuple[str, ...]
    relation: Mapping[Word, int]
    runs: tuple[tuple[int, ...], ...] = field(repr=False)

    @property
    def resolution(self) -> int:
        """The length of the shortest word: an effect of r factors is aliased with none of fewer than this minus r."""
        return min(len(word) for word in self.relation)

    @property
    def word_lengths(self) -> tuple[int, ...]:
        """The word length pattern (A3, …, Ak): how many words have 3, 4, … k letters (fewer is less aliasing)."""
        lengths = [len(word) for word in self.relation]
        return tuple(lengths.count(length) for length in range(_SMALLEST_RESOLUTION, len(self.names) + 1))

    @property
    def defining_relation(self) -> str:
        """In letters, such as "I = ABD = ACE = BCDE"."""
        return " = ".join(["I", *(_lettered(word, sign) for word, sign in self.relation.items())])

    @property
    def chains(self) -> tuple[Chain, ...]:
        """The alias table: 2^(k-p) - 1 chains, by the order of their first effects, then by factor."""
        seen: set[Word] = set(self.relation)
        out = []
        for order in range(1, len(self.names) + 1):
            for word in combinations(range(len(self.names)), order):
                if word not in seen:
                    aliases = _aliases(word, self.relation)
                    seen.update((word, *aliases))
                    out.append(self._chain(word, aliases))
        return tuple(out)

    def _chain(self, word: Word, aliases: Mapping[Word, int]) -> Chain:
        parts = [(word, 1), *aliases.items()]
        return Chain(
            first=self._names(word),
            aliases=tuple(Alias(factors=self._names(other), sign=sign) for other, sign in aliases.items()),
            letters=" = ".join(_lettered(other, sign) for other, sign in parts),
            words=" = ".join(("-" if sign < 0 else "") + _TIMES.join(self._names(other)) for other, sign in parts),
        )

    def _names(self, word: Word) -> tuple[str, ...]:
        return tuple(self.names[index] for index in word)


def letters_of(names: Sequence[str]) -> dict[str, str]:
    """Factor → its letter in generators and alias tables: A, B, C, … in the order of the file, without I."""
    return dict(zip(names, LETTERS, strict=False))


def fraction_of(names: Sequence[str], generators: Sequence[str], *, where: str = "generators") -> Fraction:
    """The fraction that the generators ("D=ABC", "D=-ABC" or "day=subject*image*sender") cut out of 2^k.

    Raises:
        BadInput: a generator cannot be read, names an unknown factor, depends on the others, or makes a main effect
            inseparable from the mean or from another main effect.
    """
    names = tuple(names)
    if not generators:
        raise BadInput(
            "a fraction needs generators", where=where, mend='write generators = ["D=ABC"], or a full design'
        )
    relation: dict[Word, int] = {}
    for generator in generators:
        word, sign = _generator(generator, names, where)
        if word in relation:
            problem = f"{generator!r} follows from the generators before it, or contradicts them"
            raise BadInput(problem, where=where, mend="every generator must halve the runs: leave it out")
        relation |= {_times(word, other): sign * other_sign for other, other_sign in [((), 1), *relation.items()]}
    _check_resolution(relation, names, where)
    ordered = dict(sorted(relation.items(), key=lambda item: (len(item[0]), item[0])))
    return Fraction(names=names, relation=ordered, runs=_runs(len(names), ordered))


def _check_resolution(relation: Mapping[Word, int], names: Sequence[str], where: str) -> None:
    shortest = min(relation, key=len)
    if len(shortest) >= _SMALLEST_RESOLUTION:
        return
    listed = " and ".join(repr(names[index]) for index in shortest)
    problem = (
        f"the main effect of {listed} is aliased with the mean: the factor never varies"
        if len(shortest) == 1
        else f"the main effects of {listed} are aliased with each other"
    )
    raise BadInput(problem, where=where, mend="set each added factor to a product of two or more others")


def _generator(text: str, names: Sequence[str], where: str) -> tuple[Word, int]:
    """The word that "D=ABC" makes constant, ABCD, with its sign."""
    left, equals, right = text.partition("=")
    if not equals or "=" in right:
        raise BadInput(f"{text!r} is not a generator", where=where, mend='write it like "D=ABC" or "D=-ABC"')
    right = right.strip()
    sign = _SIGNS.get(right[:1], 0)
    added = _word(left.strip(), names, text, where)
    product = _word(right[1:].strip() if sign else right, names, text, where)
    if len(added) != 1:
        raise BadInput(f"{text!r} must have one factor on its left", where=where, mend='write it like "D=ABC"')
    if added[0] in product:
        raise BadInput(f"{text!r} has a factor on both sides", where=where, mend='write it like "D=ABC"')
    return _times(added, product), sign or 1


def _word(text: str, names: Sequence[str], generator: str, where: str) -> Word:
    """A product of names ("subject*image"), one name, or letters ("ABC"); what can be read in two ways is refused."""
    readings: set[Word] = set()
    if _TIMES in text:
        readings.add(_product(text.split(_TIMES), names, generator, where))
    elif text in names:
        readings.add((names.index(text),))
    if text and all(char in LETTERS[: len(names)] for char in text):
        readings.add(_product(list(text), names, generator, where))
    if len(readings) == 1:
        return readings.pop()
    problem = "can be read in two ways" if readings else "names an unknown factor"
    letters = ", ".join(f"{letter}={name}" for name, letter in letters_of(names).items())
    raise BadInput(f"{text!r} in {generator!r} {problem}", where=where, mend=f"the factors are {letters}")


def _product(parts: Sequence[str], names: Sequence[str], generator: str, where: str) -> Word:
    indices = [_index(part.strip(), names, generator, where) for part in parts]
    if len(set(indices)) < len(indices):
        raise BadInput(f"{generator!r} names a factor twice in a product", where=where, mend="name each factor once")
    return tuple(sorted(indices))


def _index(part: str, names: Sequence[str], generator: str, where: str) -> int:
    found = {names.index(part)} if part in names else set()
    if len(part) == 1 and part in LETTERS[: len(names)]:
        found.add(LETTERS.index(part))
    if len(found) == 1:
        return found.pop()
    problem = "is one factor's name and another's letter" if found else "is not a factor"
    letters = ", ".join(f"{letter}={name}" for name, letter in letters_of(names).items())
    raise BadInput(f"{part!r} in {generator!r} {problem}", where=where, mend=f"the factors are {letters}")


def _times(one: Word, two: Word) -> Word:
    return tuple(sorted(set(one) ^ set(two)))


def _aliases(word: Word, relation: Mapping[Word, int]) -> dict[Word, int]:
    products = {_times(word, other): sign for other, sign in relation.items()}
    return dict(sorted(products.items(), key=lambda item: (len(item[0]), item[0])))


def _runs(k: int, relation: Mapping[Word, int]) -> tuple[tuple[int, ...], ...]:
    """The runs in which every word of the relation has its sign: a word is -1 where an odd number of levels is first.

    Built factor by factor: a prefix in which a finished word has the wrong sign is dropped at once.
    """
    runs: list[tuple[int, ...]] = [()]
    for index in range(k):
        ending = [(word, sign) for word, sign in relation.items() if word[-1] == index]
        runs = [
            run
            for prefix in runs
            for run in ((*prefix, 0), (*prefix, 1))
            if all((-1) ** sum(not run[at] for at in word) == sign for word, sign in ending)
        ]
    return tuple(runs)


def _lettered(word: Word, sign: int) -> str:
    return ("-" if sign < 0 else "") + "".join(LETTERS[index] for index in word)
