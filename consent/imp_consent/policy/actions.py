"""What people did to say yes: whether it was an act of theirs, by the words for it, however they are spelt.

The words are law's data ([actions] of a regime). `refused` are what is no act. Whatever holds one of `passive` is
refused too, whatever has one of `passive_words` as a word of its own, or as several in a row ("not", "already on"), and
whatever has a word that begins with one of `passive_begins` ("declin"): in doubt nobody agreed, and who did may be
recorded by a plainer word. Only before a number some of these (`numbered`) say no no: "form no 12", and "№" and "nº",
which are spelt out as "no". The words of `harmless` excuse what lies wholly within them, where nothing but a space or a
hyphen stands between them: "signed at closing", and neither "said no; objections" nor "came ticked using autofill".
`known` are the beginnings of words for acts; other words are taken, and whoever writes them is told.

In `passive_words` and `harmless` a word may be one of several: "use of the|our site|app".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product
from types import MappingProxyType
from typing import Final

__all__ = ["Acts", "plain_action"]

_WORD: Final = re.compile(r"[^\W_]+")
_JOINING: Final = frozenset({" ", "-", "_", "\u2010"})


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
    # what is no letter at all, such as a dash for nothing, is looked for as it stands
    if (
        plain in _plain(acts.refused)
        or action.strip() in acts.refused
        or any(marker in plain for marker in _plain(acts.passive))
    ):
        return True
    words = _several(action)
    begins = tuple(_plain(acts.passive_begins))
    denied = [(place, place + 1) for place, word in enumerate(words) if word.startswith(begins)]
    denied += _denials(acts, words)
    excused = _excused(acts, action, words) if denied else []
    return not all(any(start <= first and last <= end for start, end in excused) for first, last in denied)


def _denials(acts: Acts, words: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where words that deny begin and end, but for those before a number that are no words there."""
    denying, numbered = _by_first(acts.passive_words), _plain(acts.numbered)
    places = ((place, _length_at(words, place, denying)) for place in range(len(words)))
    return [
        (place, place + length)
        for place, length in places
        if length and (words[place] not in numbered or not _is_before_number(words, place))
    ]


def _excused(acts: Acts, action: str, words: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where words that deny nothing begin and end, none of them across a mark or more than one space."""
    harmless, joined = _by_first(acts.harmless), _joined(action)
    places = ((place, _length_at(words, place, harmless)) for place in range(len(words)))
    return [(place, place + length) for place, length in places if length and all(joined[place : place + length - 1])]


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
    return tuple(_WORD.findall(_spelt(action)))


def _joined(action: str) -> list[bool]:
    """Of each word but the last, whether nothing but a space or a hyphen stands between it and the next."""
    spelt = _spelt(action)
    found = list(_WORD.finditer(spelt))
    return [spelt[one.end() : next_.start()] in _JOINING for one, next_ in pairwise(found)]


def _spelt(action: str) -> str:
    letters = unicodedata.normalize("NFKD", action).casefold()
    return "".join(
        letter for letter in letters if not unicodedata.combining(letter) and unicodedata.category(letter) != "Cf"
    )


@lru_cache(maxsize=64)
def _by_first(phrases: frozenset[str]) -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """Words, of which some are several in a row, by the first of them; of "a|b c" both, "a c" and "b c"."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for phrase in phrases:
        for one in product(*(word.split("|") for word in phrase.split(" "))):
            if words := _several(" ".join(one)):
                found.setdefault(words[0], []).append(words)
    return MappingProxyType({first: tuple(several) for first, several in found.items()})


@lru_cache(maxsize=64)
def _plain(words: frozenset[str]) -> frozenset[str]:
    return frozenset(map(plain_action, words)) - {""}
