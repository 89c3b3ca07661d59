"""Replies that take consent back: STOP, UNSUBSCRIBE, 退订 and their like (47 CFR 64.1200(a)(10); Chinese SMS rules).

A reply counts as an opt-out when it is such a word, whatever its case, width, accents and punctuation ("S T O P",
"s.t.o.p."), or begins with one, said with more words ("STOP please", 请不要再发了): people may revoke by any
reasonable means, and who doubts takes permission away. One that only speaks of such a word ("When does the sale
end?", "don't stop") is told apart from the others; of no reply it is known that it means no, so that somebody reads
them all.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from imp_core.errors import BadInput

__all__ = ["Reply", "Words", "normalise_reply", "packaged_words"]

_LATIN_LEAST: Final = 3  # letters of a word that is looked for within a reply: "t" begins and is in all of them
_OTHER_LEAST: Final = 2
_MAX_WORD: Final = 40
_MAX_REPLY: Final = 2_000  # characters that are read of a reply
_DOTLESS: Final = "\u0131"  # the Turkish small i whose capital is everybody's I
_SPACES: Final = re.compile(r"\s+")
# Letters that stand alone, three or more: what somebody wrote as "S T O P" or "s.t.o.p."
_LETTERS: Final = re.compile(r"(?<!\S)[^\W\d_](?: [^\W\d_]){2,}(?!\S)")
_ACCENTED: Final = ("LATIN", "GREEK", "CYRILLIC")  # whose accents people leave out
_WITHOUT_BLANKS: Final = ("CJK ", "HIRAGANA", "KATAKANA")
_WITHOUT_BOUNDS: Final = (*_WITHOUT_BLANKS, "HANGUL", "THAI")  # whose words do not end with a blank


class Reply(StrEnum):
    """What a reply is: an opt-out, one that mentions a word of opting out, another one, or nothing that was said."""

    OPT_OUT = "opt-out"
    MENTION = "mention"
    OTHER = "other"
    NOTHING = "nothing"


class Words:
    """The words that take consent back.

    `alone` are those that do so without other words only, `courtesy` what may stand beside either and changes nothing.
    """

    def __init__(
        self, words: Iterable[object], *, alone: Iterable[object] = (), courtesy: Iterable[object] = ()
    ) -> None:
        opening = {_word(word) for word in words}
        apart = {_word(word) for word in alone} - opening
        self._words = frozenset(opening | apart)
        self._single = frozenset(word for word in self._words if " " not in word)
        self._repeated = frozenset(" ".join([word] * n) for word in self._words - self._single for n in (2, 3))
        self._together = frozenset(word.replace(" ", "") for word in self._words)
        openers = tuple(sorted(word for word in opening if _telling(word)))
        self._opening = _by_letter(openers, 0)
        # "para" is in half of all Spanish sentences; 取消 says something wherever it stands
        self._sought = (*openers, *sorted(word for word in apart if _telling(word) and not word.isascii()))
        longest = sorted({_word(word) for word in courtesy}, key=lambda word: (-len(word), word))
        self._before, self._after = _by_letter(longest, 0), _by_letter(longest, -1)

    @property
    def words(self) -> frozenset[str]:
        """The words, as they are compared."""
        return self._words

    def read(self, text: str) -> Reply:
        """What a reply is. The text is neither kept nor repeated."""
        if not text.strip():
            return Reply.NOTHING
        whole = len(text) <= _MAX_REPLY
        plain = normalise_reply(text[:_MAX_REPLY])
        if not plain:
            return Reply.OTHER
        spelt = dict.fromkeys((plain, _LETTERS.sub(lambda found: found[0].replace(" ", ""), plain)))
        if any(self._takes_back(one, whole=whole) for one in spelt):
            return Reply.OPT_OUT
        return Reply.MENTION if any(_holds(one, word) for one in spelt for word in self._sought) else Reply.OTHER

    def _takes_back(self, plain: str, *, whole: bool) -> bool:
        forms = [form for form in dict.fromkeys((plain, self._bare(plain))) if form]
        if whole and any(self._is_word(form) for form in forms):
            return True
        return any(_begins(form, word) for form in forms for word in self._opening.get(form[0], ()))

    def _is_word(self, plain: str) -> bool:
        return plain in self._words or plain.replace(" ", "") in self._together or self._repeats(plain)

    def _repeats(self, plain: str) -> bool:
        return plain in self._repeated or all(token in self._single for token in plain.split(" "))

    def _bare(self, plain: str) -> str:
        """A reply without courtesies before and after."""
        bare, before = plain, 1
        while bare and before:
            before = next((len(word) for word in self._before.get(bare[0], ()) if _begins(bare, word)), 0)
            bare = bare[before:].strip()
        after = 1
        while bare and after:
            after = next((len(word) for word in self._after.get(bare[-1], ()) if _ends(bare, word)), 0)
            bare = bare[: len(bare) - after].strip()
        return bare


def normalise_reply(text: str) -> str:
    """One spelling of a reply: NFKC (full-width letters become plain), casefolded, letters and digits alone.

    Punctuation, symbols, emoji and what cannot be seen become blanks, several blanks one, those at the ends none.
    Accents of Latin, Greek and Cyrillic letters go, marks of other letters stay. "OPT-OUT!" is "opt out", STOP in
    full-width letters "stop", "退 订" is "退订", "Arrêt" is "arret".
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace(_DOTLESS, "i")
    folded = unicodedata.normalize("NFKC", _without_accents(folded)).casefold()
    kept = "".join(_kept(char) for char in folded)
    return _joined(_SPACES.sub(" ", kept).strip())


@cache
def packaged_words() -> Mapping[str, tuple[str, ...]]:
    """What comes with IMP, of every language: `words`, `alone` and `courtesy`, as `Words` takes them."""
    path = Path(__file__).with_name("words.toml")
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        name: tuple(word for words in by_language.values() for word in words) for name, by_language in tables.items()
    }


def _word(word: object) -> str:
    plain = normalise_reply(word) if isinstance(word, str) and len(word) <= _MAX_WORD else ""
    if not plain:
        raise BadInput(
            f"not a word of at most {_MAX_WORD} characters with a letter or digit in it", where="opt_out_words"
        )
    return plain


def _by_letter(words: Iterable[str], place: int) -> dict[str, tuple[str, ...]]:
    """The words by the letter at a place, in their order: few of them are looked at for one reply."""
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        found[word[place]] = (*found.get(word[place], ()), word)
    return found


def _telling(word: str) -> bool:
    """Whether a word says something beside others: it is not so short that anything begins with it."""
    return len(word) >= (_LATIN_LEAST if word.isascii() else _OTHER_LEAST)


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    found: list[str] = []
    letter = " "
    for char in unicodedata.normalize("NFD", text):
        if unicodedata.category(char) != "Mn":
            letter = char
        elif unicodedata.name(letter, "").startswith(_ACCENTED):
            continue
        found.append(char)
    return "".join(found)


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
        beside = found and part and _of(_WITHOUT_BLANKS, found[-1]) and _of(_WITHOUT_BLANKS, part[0])
        found += part if beside else f" {part}"
    return found


@cache
def _of(scripts: tuple[str, ...], char: str) -> bool:
    return unicodedata.name(char, "").startswith(scripts)


def _begins(plain: str, word: str) -> bool:
    if not plain.startswith(word):
        return False
    return len(plain) == len(word) or plain[len(word)] == " " or _of(_WITHOUT_BOUNDS, word[-1])


def _ends(plain: str, word: str) -> bool:
    if not plain.endswith(word):
        return False
    return len(plain) == len(word) or plain[-len(word) - 1] == " " or _of(_WITHOUT_BOUNDS, word[0])


def _holds(plain: str, word: str) -> bool:
    if word not in plain:
        return False
    return any(_of(_WITHOUT_BOUNDS, char) for char in word) or f" {word} " in f" {plain} "
