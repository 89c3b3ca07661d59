"""No new person by an identifier that holds what nobody sees: the same name without it is somebody else's.

People who were recorded under such a spelling are found by it as before: identifiers are hashed as they were normalised
then. So this is asked where somebody becomes known by an identifier, and not where somebody is looked for.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["check_visible"]

_JOINERS: Final = frozenset("\u200c\u200d")
# Scripts in which a joiner within a word tells words apart: Persian and Urdu, those of India and Sri Lanka, Mongolian.
_JOINING: Final = frozenset(
    {
        "ARABIC", "SYRIAC", "NKO", "MONGOLIAN", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL",
        "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "TIBETAN", "MYANMAR", "KHMER",
    }
)  # fmt: skip
_VIRAMA: Final = 9  # the combining class of what takes a vowel away, after which a joiner may end a word
# Signs that are seen with the numbers or letters of their script.
_SIGNS: Final = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
# Selectors of a letter's variant, from and to, and the scripts that have such letters.
_SELECTORS: Final = (
    ("\u180b", "\u180f", frozenset({"MONGOLIAN"})),  # the separator of vowels among them
    ("\ufe00", "\ufe02", frozenset({"CJK", "MYANMAR", "PHAGS-PA"})),
    ("\U000e0100", "\U000e01ef", frozenset({"CJK"})),
)
# What else is not seen: of other categories than controls and formats, and places kept for such characters.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2028\u2029\u2065\u2800\u3164\uffa0\U0001d159")
_IGNORED: Final = (("\u180b", "\u180f"), ("\ufe00", "\ufe0f"), ("\ufff0", "\ufff8"), ("\U000e0000", "\U000e0fff"))


def check_visible(normalised: RawId) -> None:
    """Expect an identifier of characters that are seen; joiners, signs and selectors only where a script has them.

    Raises:
        BadInput: it holds another one, which is named; the identifier is not.
    """
    value = normalised.value
    if value.isascii() and value.isprintable():
        return
    for place, char in enumerate(value):
        if _is_hidden(char) and not _belongs(value, place):
            raise BadInput(
                f"an invisible character (U+{ord(char):04X}) in the identifier",
                where="identifier",
                mend="write it without: with it, it is another name than the one that is read",
            )


def _is_hidden(char: str) -> bool:
    return (
        char in _BLANK
        or unicodedata.category(char) in {"Cf", "Cc"}
        or any(first <= char <= last for first, last in _IGNORED)
    )


def _belongs(value: str, place: int) -> bool:
    """Whether what is not seen by itself stands where its script has it."""
    char, before, after = value[place], value[:place][-1:], value[place + 1 :][:1]
    if char in _JOINERS:
        return _joins(before, after)
    if char in _SIGNS:
        own = any(_script(one) == _script(char) and not _is_hidden(one) for one in (before, after) if one)
        return own or (after.isdecimal() and not before.isalnum())
    scripts = next((scripts for first, last, scripts in _SELECTORS if first <= char <= last), frozenset[str]())
    return _script(before) in scripts and not _is_hidden(before)


def _joins(before: str, after: str) -> bool:
    if not _is_joining(before):
        return False
    return unicodedata.combining(before) == _VIRAMA or _is_joining(after)


def _is_joining(char: str) -> bool:
    """Whether it is a letter or a mark of a script in which joiners have a meaning."""
    return bool(char) and unicodedata.category(char)[0] in "LM" and _script(char) in _JOINING


def _script(char: str) -> str:
    """The first word of a character's name, which is its script's; of none, and of one without a name, empty."""
    return unicodedata.name(char, "").split(" ")[0] if char else ""
