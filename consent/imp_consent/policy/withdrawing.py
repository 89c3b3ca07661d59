"""How notices in the languages people read word the right to withdraw, and how they deny it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = ["LONGEST", "denies", "find_withdrawal", "partly_denies"]

LONGEST: Final = 500
_NEAR: Final = 20  # letters between a word that denies and what it denies
_CLAUSE: Final = re.compile(r"[.,;:!?()\n。，；：！？、（）]")  # noqa: RUF001 (Chinese marks are what it looks for)


class _Words(NamedTuple):
    """How words of withdrawing begin, words that deny it right `before` or `after` them, and such as deny it alone."""

    withdraw: tuple[str, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()


_EN_NOT: Final = (
    "cannot", "can not", "can't", "never", "may not", "must not", "no right", "not entitled", "unable", "not allowed",
    "not permitted",
)  # fmt: skip
_CJK_NOT: Final = ("不能", "不可", "不得", "无法", "無法", "无权", "無權")
_WORDS: Final[Mapping[str, _Words]] = MappingProxyType(
    {
        "de": _Words(
            ("widerruf", "widerrief"), ("nicht", "nie", "kein"), alone=("unwiderruf", "ausgeschlossen", "nicht möglich")
        ),
        "en": _Words(("withdraw",), _EN_NOT, alone=("irrevocabl", "impossible", "not possible")),
        "es": _Words(("retirar", "revocar"), ("no", "nunca", "jamás"), alone=("irrevocable", "imposible")),
        "fr": _Words(
            ("retirer", "retrait"),
            ("pas", "jamais", "plus", "aucun"),
            alone=("irrévocable", "impossible", "pas possible"),
        ),
        "it": _Words(("revoca", "ritirare"), ("non", "mai"), alone=("irrevocabil", "impossibile")),
        "ja": _Words(("撤回",), after=("できません", "できない", "不可"), alone=("撤回不可",)),
        "nl": _Words(
            ("intrekken", "trekt", "intrekking"), ("niet", "nooit", "geen"), alone=("onherroepelijk", "onmogelijk")
        ),
        "pl": _Words(("wycofa", "cofnąć"), ("nie", "nigdy"), alone=("nieodwołaln", "niemożliw")),
        "pt": _Words(("retirar", "revogar"), ("não", "nunca", "jamais"), alone=("irrevogáve", "impossíve")),
        "sv": _Words(("återkalla", "ta tillbaka"), ("inte", "aldrig", "ej"), alone=("oåterkallelig", "omöjlig")),
        "zh": _Words(("撤回", "撤销", "撤銷"), _CJK_NOT, alone=("不可撤", "不能撤", "不得撤", "无法撤", "無法撤")),
    }
)


def find_withdrawal(text: str, language: str) -> str:
    """The first paragraph that says how to withdraw, else the first that speaks of it; "" where none does.

    So too where the language is not known.
    """
    found = [part.strip()[:LONGEST] for part in re.split(r"\n\s*\n", text) if _mentions(part, language)]
    return next((part for part in found if not denies(part, language)), found[0] if found else "")


def denies(passage: str, language: str) -> bool:
    """Whether a passage says of withdrawing nothing but that it cannot be done."""
    said = _clauses(passage, language)
    return bool(said) and all(said)


def partly_denies(passage: str, language: str) -> bool:
    """Whether a passage says of withdrawing, too, that it cannot be done."""
    said = _clauses(passage, language)
    return any(said) and not all(said)


def _mentions(text: str, language: str) -> bool:
    folded = _fold(text)
    return any(_fold(word) in folded for word in _of(language).withdraw)


def _clauses(passage: str, language: str) -> list[bool]:
    """Of each clause that speaks of withdrawing, whether it denies it."""
    words, found = _of(language), []
    for clause in _CLAUSE.split(_fold(passage)):
        alone = any(_fold(word) in clause for word in words.alone)
        places = [match for word in words.withdraw for match in re.finditer(re.escape(_fold(word)), clause)]
        if alone or places:
            found.append(alone or any(_is_denied(clause, match, words) for match in places))
    return found


def _is_denied(clause: str, match: re.Match[str], words: _Words) -> bool:
    before, after = clause[: match.start()], clause[match.end() :]
    denied = any(_near(before, _fold(word)) for word in words.before)
    return denied or any(_fold(word) in after[:_NEAR] for word in words.after)


def _near(before: str, word: str) -> bool:
    """Whether a word, as a word of its own where letters have spaces between them, stands right before."""
    begin = r"\b" if word.isascii() else ""
    return any(len(before) - match.end() <= _NEAR for match in re.finditer(begin + re.escape(word) + begin, before))


def _of(language: str) -> _Words:
    return _WORDS.get(language.partition("-")[0].lower(), _Words(()))


def _fold(text: str) -> str:
    """Lower case, without accents, of normal width, with straight apostrophes."""
    letters = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).casefold()
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
