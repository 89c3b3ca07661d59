"""A stranger's words: read as exact texts, and kept from showing an address, a number, or a terminal's own commands."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

__all__ = ["MOST_SHOWN", "Cleaner", "masked", "plain_text", "shown_text", "type_name"]

MOST_SHOWN: Final = 200
_STARS: Final = "***"
_MANY_DIGITS = re.compile(r"\+[0-9](?:[ ().-]{0,2}[0-9]){6,}|[0-9]{7,}")
# The look behind lets a word be tried from its beginning only: a long one would take its length squared.
_AT = re.compile(r"(?<![^\s@<>\"'(),;:=])[^\s@<>\"'(),;:=]+(?:@|%40)[^\s@<>\"'(),;:]+", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_DIGITS = re.compile(r"[0-9]{4}")


def plain_text(value: object) -> str:
    """A text as an exact `str`: a subclass may answer differently at every look.

    Raises:
        TypeError: not a text.
    """
    if not issubclass(type(value), str):
        raise TypeError("not a text")
    return str.__str__(value)


def shown_text(value: object, *, most: int = MOST_SHOWN) -> str:
    """A text that may be shown on a terminal: printable, one line, at most so many characters.

    Raises:
        TypeError: not a text.
    """
    text = plain_text(value)[:most]
    return "".join(char if char.isprintable() else " " for char in text).strip()


def type_name(error: BaseException) -> str:
    """The name of an error's class, if it is one: a class can be called anything, an address too."""
    name = type.__dict__["__name__"].__get__(type(error))
    return name if _NAME.fullmatch(name) and not _DIGITS.search(name) else "an exception"


def masked(text: str) -> str:
    """A text without what looks like an address: words around an @, numbers of seven digits or more."""
    return _MANY_DIGITS.sub(_STARS, _AT.sub(_STARS, text))


class Cleaner:
    """Takes texts out of a line: these secrets as they are, URL-quoted or escaped, and what looks like an address."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        self._secrets = secrets
        self._forms: tuple[str, ...] | None = None

    def clean(self, text: str) -> str:
        """The line with each of them replaced, whatever their case."""
        folded = text.casefold()
        for form in self._all_forms():
            if form in folded:
                text, times = re.subn(re.escape(form), _STARS, text, flags=re.IGNORECASE)
                folded = text.casefold()
                if not times or form in folded:  # the two ideas of "whatever case" differ in a few letters
                    return _STARS
        return masked(text)

    def _all_forms(self) -> tuple[str, ...]:
        if self._forms is None:
            self._forms = tuple(sorted({form.casefold() for text in self._secrets for form in _forms(text)}, key=len))
            self._forms = self._forms[::-1]
        return self._forms


def _forms(text: str) -> set[str]:
    from urllib.parse import quote, quote_plus  # noqa: PLC0415 (`imp --help` cleans no secrets)

    plain = plain_text(text)
    if not plain:
        return set()
    whole = plain.encode("utf-8", "replace").decode()
    return {plain, quote(whole), quote(whole, safe=""), quote_plus(whole), ascii(plain)[1:-1], repr(plain)[1:-1]}
