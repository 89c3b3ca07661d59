"""Replies that take consent back: STOP, UNSUBSCRIBE, 退订 and their like (47 CFR 64.1200(a)(10); Chinese SMS rules).

A reply counts as an opt-out when it is such a word and nothing else, whatever its case, width and punctuation, said
once or several times ("Stop!! STOP"). A reply that only speaks of one ("When does the sale end?") is no opt-out, but is
told apart from the others: a reasonable person may read it as one, so somebody has to read it.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from imp_core.errors import BadInput

__all__ = ["Reply", "Words", "normalise_reply", "packaged_words"]

_LATIN_LEAST: Final = 3  # letters of a word that is looked for inside a reply: "t" is in all of them
_MAX_WORD: Final = 40
_MAX_REPLY: Final = 2_000  # characters that are read of a reply
_DOTTED: Final = "i\u0307"  # what a Turkish capital I with its dot casefolds to
_SPACES: Final = re.compile(r"\s+")


class Reply(StrEnum):
    """What a reply is: an opt-out, one that mentions a word of opting out, or neither."""

    OPT_OUT = "opt-out"
    MENTION = "mention"
    OTHER = "other"


class Words:
    """The words that take consent back."""

    def __init__(self, words: Iterable[object]) -> None:
        found = set()
        for word in words:
            plain = normalise_reply(word) if isinstance(word, str) and len(word) <= _MAX_WORD else ""
            if not plain:
                raise BadInput(
                    f"not a word of at most {_MAX_WORD} characters with a letter or digit in it", where="opt_out_words"
                )
            found.add(plain)
        self._words = frozenset(found)
        self._single = frozenset(word for word in found if " " not in word)
        self._sought = tuple(sorted(word for word in found if not word.isascii() or len(word) >= _LATIN_LEAST))

    @property
    def words(self) -> frozenset[str]:
        """The words, as they are compared."""
        return self._words

    def read(self, text: str) -> Reply:
        """What a reply is. The text is neither kept nor repeated."""
        long, text = len(text) > _MAX_REPLY, text[:_MAX_REPLY]
        plain = normalise_reply(text)
        if not plain:
            return Reply.OTHER
        if not long and (plain in self._words or self._repeats(plain)):
            return Reply.OPT_OUT
        return Reply.MENTION if any(_holds(plain, word) for word in self._sought) else Reply.OTHER

    def _repeats(self, plain: str) -> bool:
        return all(token in self._single for token in plain.split(" ")) or any(
            plain == " ".join([word] * n) for word in self._words - self._single for n in (2, 3)
        )


def normalise_reply(text: str) -> str:
    """One spelling of a reply: NFKC (full-width letters become plain), casefolded, letters and digits alone.

    Punctuation, symbols, emoji and what cannot be seen become blanks, several blanks one, those at the ends none;
    marks that belong to letters stay. "OPT-OUT!" is "opt out", STOP in full-width letters "stop", "退 订" is "退订".
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace(_DOTTED, "i")
    folded = unicodedata.normalize("NFKC", folded)
    kept = "".join(_kept(char) for char in folded)
    return _joined(_SPACES.sub(" ", kept).strip())


@cache
def packaged_words() -> tuple[str, ...]:
    """The words that come with IMP, of every language."""
    path = Path(__file__).with_name("words.toml")
    by_language = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(word for words in by_language.values() for word in words)


def _kept(char: str) -> str:
    category = unicodedata.category(char)
    if category[0] in "LNM":
        return char
    # apostrophes join what they stand in ("don't"), as what cannot be seen does (a zero-width space inside STOP)
    return "" if category == "Cf" or char in "'’" else " "


def _joined(text: str) -> str:
    """Without the blanks between characters of scripts that have none between words."""
    parts = text.split(" ")
    found = parts[0]
    for part in parts[1:]:
        found += part if found and part and _unspaced(found[-1]) and _unspaced(part[0]) else f" {part}"
    return found


def _unspaced(char: str) -> bool:
    return unicodedata.name(char, "").startswith(("CJK ", "HIRAGANA", "KATAKANA"))


def _holds(plain: str, word: str) -> bool:
    if any(_unspaced(char) for char in word):
        return word in plain
    return f" {word} " in f" {plain} "
