"""The known name that a word may have been meant to be. The word itself is never repeated: it may be an identifier."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

__all__ = ["did_you_mean", "nearest"]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The name that looks most like the word, whatever its case; None where none does."""
    return _nearest(word, tuple(sorted(known)))


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """A mend: the nearest name where there is one, and what helps in any case."""
    near = nearest(word, known)
    return otherwise if near is None else f"did you mean {near}? {otherwise}"


@lru_cache(maxsize=64)  # a file may hold the same word in every row
def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    import difflib  # noqa: PLC0415 (most words are right, and it takes milliseconds)

    by_look = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.strip().casefold(), list(by_look), n=1)
    return by_look[found[0]] if found else None
