"""Words for what people did or left undone, and whether one of them is among others however it is spelt."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

__all__ = ["is_among", "plain_action"]

_BETWEEN: Final = re.compile(r"[\s_\-\u2010-\u2015'\u2019.]+")  # dashes and apostrophes of every kind


def is_among(word: str, words: frozenset[str]) -> bool:
    """Whether one of the words is this one, spelt in whatever way."""
    return plain_action(word) in _plain(words)


@lru_cache(maxsize=4096)
def plain_action(word: str) -> str:
    """A word by which two are compared: `Pre-ticked` and `pre_ticked` are one, and `pré-cochée` and `precochee`."""
    letters = unicodedata.normalize("NFKD", word).casefold()
    return _BETWEEN.sub("", "".join(letter for letter in letters if not unicodedata.combining(letter)))


@lru_cache(maxsize=64)
def _plain(words: frozenset[str]) -> frozenset[str]:
    return frozenset(map(plain_action, words))
