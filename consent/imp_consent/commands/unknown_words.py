"""Words of a file that name nothing here. A column may have been taken for another, so that they name people."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from imp_core.event import RawId

__all__ = ["UnknownWords"]

# More different words than that are no purposes: a column was taken for another, and may hold what names people.
_MOST: Final = 20
_PEOPLE: Final = 5  # a word in the rows of fewer people may name one of them
_NAME: Final = re.compile(r"(?=[^a-z]*[a-z])[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_-]+)*", re.ASCII)
_MAX_NAME: Final = 64


@dataclass(slots=True)
class UnknownWords:
    """The first different words, no more than show that there are too many, and of how many people their rows are."""

    _people: dict[str, set[RawId]] = field(default_factory=dict, repr=False)

    def add(self, word: str, who: RawId) -> None:
        """Count a word in a row of somebody."""
        if word not in self._people and len(self._people) > _MOST:
            return
        people = self._people.setdefault(word, set())
        if len(people) < _PEOPLE:
            people.add(who)

    @property
    def words(self) -> frozenset[str]:
        """The words, which are not to be shown."""
        return frozenset(self._people)

    def is_name(self, word: str) -> bool:
        """Whether a word may be shown: it looks like a name, in rows of several people, among few others."""
        named = len(word) <= _MAX_NAME and _NAME.fullmatch(word) is not None
        return named and len(self._people) <= _MOST and len(self._people.get(word, ())) >= _PEOPLE
