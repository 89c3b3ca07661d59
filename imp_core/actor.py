"""Who acts, as a name that can be read: checked where it comes in, and compared as an eye would compare it."""

from __future__ import annotations

import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

from imp_core.errors import BadInput

__all__ = ["check_actor", "same_actor"]

_LONGEST: Final = 200
# Letters of Persian and of Indian scripts stand together or apart by these two; every other such sign is refused.
_JOINERS: Final = frozenset("\u200c\u200d")
_UNREADABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Shown as nothing, though Unicode has them as letters or marks (Default_Ignorable_Code_Point) or as a sign (the blank
# pattern of Braille).
_UNSEEN: Final = (
    (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF),
)  # fmt: skip
_DASH: Final = "Pd"
_WITHIN_LATIN: Final = str.maketrans("I1|0", "lllo")


def check_actor(name: str, *, where: str) -> str:
    """The name without blanks around it, in Unicode's composed form (NFC).

    Raises:
        BadInput: nothing of it can be seen, it is too long, or it holds a character that hides or turns round others.
    """
    actor = unicodedata.normalize("NFC", name.strip())
    if any(unicodedata.category(char) in _UNREADABLE and char not in _JOINERS for char in actor):
        raise BadInput(
            "a name of whoever acts with characters that cannot be seen",
            where=where,
            mend="write it again by hand, with letters, digits and spaces",
        )
    if not _seen(actor) or len(actor) > _LONGEST:
        raise BadInput("no name of whoever acts", where=where, mend=f"1 to {_LONGEST} characters")
    return actor


def same_actor(one: str, other: str) -> bool:
    """Whether two names look the same: in case, width, spacing, dashes, apostrophes, and letters that look alike.

    By Unicode's own data (UTS #39, confusables), as far as they concern letters that look like Latin ones, the l, 1 and
    I, the O and 0, and rn for m. Names of other scripts are told apart letter by letter.
    """
    return bool(set(_looks(one)) & set(_looks(other)))


def _looks(name: str) -> tuple[str, str]:
    """How it looks in small letters, and how it looks as it is written: either may be what somebody imitated."""
    # its marks first: a normalisation takes some of them apart, into a blank and an accent
    plain = _seen(unicodedata.normalize("NFKC", _plain_marks(name)))
    return _skeleton(unicodedata.normalize("NFKC", plain.casefold())), _skeleton(plain).casefold()


def _skeleton(text: str) -> str:
    return text.translate(_table()).translate(_WITHIN_LATIN).replace("rn", "m")


def _seen(text: str) -> str:
    """What can be seen of it, with neither blanks nor what is shown as nothing."""
    return "".join(char for char in text if not char.isspace() and not _is_unseen(char))


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNREADABLE or any(first <= ord(char) <= last for first, last in _UNSEEN)


def _plain_marks(text: str) -> str:
    """With every dash as a hyphen, and every apostrophe as the plain one."""
    hyphens = "".join("-" if unicodedata.category(char) == _DASH else char for char in text)
    return hyphens.translate(_marks())


@cache
def _table() -> dict[int, str]:
    return {ord(char): latin for latin, chars in _lookalikes()["looks_like"].items() for char in chars}


@cache
def _marks() -> dict[int, str]:
    return {ord(char): mark for mark, chars in _lookalikes()["marks"].items() for char in chars}


def _lookalikes() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("imp_core").joinpath("lookalikes.toml").read_text(encoding="utf-8"))
