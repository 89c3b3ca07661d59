"""What people did to say yes: whether it was an act of theirs, by the words for it, however they are spelt.

The words are law's data ([actions] of a regime). `refused` are what is no act. Whatever holds one of `passive` is
refused too, whatever has one of `passive_words` as a word of its own, or as several in a row ("not", "already on"), and
whatever has a word that begins with one of `passive_begins` ("declin"): in doubt nobody agreed, and who did may be
recorded by a plainer word. Only before a number some of these (`numbered`) say no no: "form no 12", and "№" and "nº",
which are spelt out as "no". The words of `harmless` deny nothing where they stand together: "signed at closing".
`known` are the beginnings of words for acts; other words are taken, and whoever writes them is told.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

__all__ = ["Acts", "plain_action"]


@dataclass(frozen=True, slots=True)
class Acts:
    """The words of some regimes for what people did or left undone."""

    refused: frozenset[str] = frozenset()
    passive: frozenset[str] = frozenset()
    passive_words: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    numbered: frozenset[str] = frozenset()
    passive_begins: frozenset[str] = frozenset()
    harmless: frozenset[str] = frozenset()

    def __or__(self, other: Acts) -> Acts:
        """The words of both."""
        return Acts(
            self.refused | other.refused,
            self.passive | other.passive,
            self.passive_words | other.passive_words,
            self.known | other.known,
            self.numbered | other.numbered,
            self.passive_begins | other.passive_begins,
            self.harmless | other.harmless,
        )

    def is_passive(self, action: str) -> bool:
        """Whether it is no act of agreeing, or may be none."""
        return _is_passive(self, action)

    def is_known(self, action: str) -> bool:
        """Whether it is a word for an act, as far as these regimes know."""
        return _is_known(self, action)


@lru_cache(maxsize=4096)
def plain_action(word: str) -> str:
    """A word by which two are compared: `Pre-ticked` and `pre_ticked` are one, and `pré-cochée` and `precochee`."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", word).casefold() if letter.isalnum())


@lru_cache(maxsize=4096)
def _is_passive(acts: Acts, action: str) -> bool:
    plain = plain_action(action)
    if plain in _plain(acts.refused) or any(marker in plain for marker in _plain(acts.passive)):
        return True
    words = _without(_several(action), _by_first(acts.harmless))
    begins = tuple(_plain(acts.passive_begins))
    return any(word.startswith(begins) for word in words) or _is_denied(acts, words)


def _is_denied(acts: Acts, words: tuple[str, ...]) -> bool:
    denying, numbered = _by_first(acts.passive_words), _plain(acts.numbered)
    places = (place for place in range(len(words)) if _length_at(words, place, denying))
    return any(words[place] not in numbered or not _is_before_number(words, place) for place in places)


def _without(words: tuple[str, ...], phrases: Mapping[str, tuple[tuple[str, ...], ...]]) -> tuple[str, ...]:
    kept, place = list[str](), 0
    while place < len(words):
        length = _length_at(words, place, phrases)
        kept += () if length else (words[place],)
        place += length or 1
    return tuple(kept)


def _length_at(words: tuple[str, ...], place: int, phrases: Mapping[str, tuple[tuple[str, ...], ...]]) -> int:
    """How many words the longest of the phrases has that stands there; 0 where none does."""
    found = (phrase for phrase in phrases.get(words[place], ()) if words[place : place + len(phrase)] == phrase)
    return max(map(len, found), default=0)


def _is_before_number(words: tuple[str, ...], place: int) -> bool:
    """Whether a number follows. What begins so and goes on ("no 1 clicked") may deny all the same."""
    alone = place == 0 and words[2:] == ()
    return (place > 0 or alone) and any(word[0].isdigit() for word in words[place + 1 : place + 2])


@lru_cache(maxsize=4096)
def _is_known(acts: Acts, action: str) -> bool:
    plain, several = plain_action(action), _several(action)
    return any(
        begin in plain if not begin.isascii() else any(word.startswith(begin) for word in several)
        for begin in _plain(acts.known)
    )


@lru_cache(maxsize=4096)
def _several(action: str) -> tuple[str, ...]:
    """The words of an action in their order, each plain: `n/a` is two, `did_not` too."""
    letters = unicodedata.normalize("NFKD", action).casefold()
    kept = (letter for letter in letters if not unicodedata.combining(letter) and unicodedata.category(letter) != "Cf")
    return tuple("".join(letter if letter.isalnum() else " " for letter in kept).split())


@lru_cache(maxsize=64)
def _by_first(phrases: frozenset[str]) -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """Words, of which some are several in a row, by the first of them."""
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    for phrase in filter(None, map(_several, phrases)):
        found[phrase[0]] = (*found.get(phrase[0], ()), phrase)
    return MappingProxyType(found)


@lru_cache(maxsize=64)
def _plain(words: frozenset[str]) -> frozenset[str]:
    return frozenset(map(plain_action, words))
