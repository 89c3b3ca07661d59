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
    """How words of withdrawing begin, words that deny it right `before` or `after` them, and such as deny it alone.

    Of what lies between, `other` are words that show that something else is denied: no cost, no reason.
    """

    withdraw: tuple[str, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


_EN_NOT: Final = (
    "cannot", "can not", "can't", "never", "may not", "must not", "no right", "not entitled", "unable", "not allowed",
    "not permitted", "not be able", "not able", "won't be able", "no way", "no possibility", "no option", "no means",
    "not have the right", "not have a right", "not have any right", "don't have the right", "don't have a right",
)  # fmt: skip
_DE_NOT: Final = ("nicht", "nie", "kein", "keine", "keinen", "keinem", "keiner", "keines")
_FR_NOT: Final = (  # "plus" by itself is "moreover", too
    "pas", "jamais", "aucun", "aucune", "ne pouvez plus", "ne peut plus", "ne peuvent plus", "ne pourrez plus",
    "ne pourra plus", "n'avez plus", "n'aurez plus", "n'est plus", "n'y a plus", "ne sera plus",
)  # fmt: skip
_CJK_NOT: Final = ("不能", "不可", "不得", "无法", "無法", "无权", "無權", "没有权", "沒有權")
_WORDS: Final[Mapping[str, _Words]] = MappingProxyType(
    {
        "de": _Words(
            ("widerruf", "widerrief"),
            _DE_NOT,
            alone=("unwiderruf", "ausgeschlossen", "nicht möglich"),
            other=("kosten", "gebühren", "nachteile", "gründe", "grund", "form", "frist", "nach", "wenn", "falls"),
        ),
        "en": _Words(
            ("withdraw",),
            _EN_NOT,
            after=("not permitted", "not allowed", "not offered", "not available"),
            alone=("irrevocabl", "impossible", "not possible"),
            other=("log", "sign", "use", "access", "reach", "ignore", "after", "if", "when", "until", "unless"),
        ),
        "es": _Words(
            ("retirar", "revocar", "retirad", "revocad", "revocación"),
            ("no", "nunca", "jamás", "ningún", "ninguna"),
            alone=("irrevocable", "imposible"),
            other=("costes", "coste", "costo", "costos", "motivo", "motivos", "justificar", "si", "después", "tras"),
        ),
        "fr": _Words(
            ("retirer", "retrait", "retiré"),
            _FR_NOT,
            alone=("irrévocable", "impossible", "pas possible"),
            other=("frais", "motif", "motifs", "justification", "conséquence", "conséquences", "si", "après"),
        ),
        "it": _Words(
            ("revoca", "ritirare", "ritirat"),
            ("non", "mai", "nessun", "nessuna"),
            alone=("irrevocabil", "impossibile"),
            other=("costi", "costo", "motivo", "motivi", "motivare", "giustificare", "dopo"),
        ),
        "ja": _Words(
            ("撤回",),
            after=("できません", "できない", "不可"),
            alone=("撤回不可", "撤回権はありません", "撤回する権利はありません"),
        ),
        "nl": _Words(
            ("intrekken", "trekt", "intrekking", "ingetrok", "herroep"),
            ("niet", "nooit", "geen"),
            alone=("onherroepelijk", "onmogelijk"),
            other=("kosten", "reden", "redenen", "gevolgen", "als", "indien", "na"),
        ),
        "pl": _Words(
            ("wycofa", "cofnąć", "cofnięt"),
            ("nie", "nigdy", "brak"),
            alone=("nieodwołaln", "niemożliw"),
            other=("kosztów", "kosztu", "powodu", "powodów", "jeśli", "po"),
        ),
        "pt": _Words(
            ("retirar", "revogar", "retirad", "revogad", "revogação"),
            ("não", "nunca", "jamais", "nenhum", "nenhuma"),
            alone=("irrevogáve", "impossíve"),
            other=("custo", "custos", "motivo", "motivos", "justificar", "depois", "após"),
        ),
        "sv": _Words(
            ("återkalla", "ta tillbaka", "tas tillbaka"),
            ("inte", "aldrig", "ej", "ingen", "inget", "inga"),
            alone=("oåterkallelig", "omöjlig"),
            other=("kostnad", "kostnader", "skäl", "om", "efter"),
        ),
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
    denied = any(_near(before, _fold(word), words.other) for word in words.before)
    return denied or any(_fold(word) in after[:_NEAR] for word in words.after)


def _near(before: str, word: str, other: tuple[str, ...]) -> bool:
    """Whether a word, as a word of its own where letters have spaces between them, stands right before."""
    begin = r"\b" if word.isascii() else ""
    between = [before[match.end() :] for match in re.finditer(begin + re.escape(word) + begin, before)]
    elsewhere = set(map(_fold, other))
    return any(len(part) <= _NEAR and elsewhere.isdisjoint(part.split()) for part in between)


def _of(language: str) -> _Words:
    return _WORDS.get(language.partition("-")[0].lower(), _Words(()))


def _fold(text: str) -> str:
    """Lower case, without accents, of normal width, with straight apostrophes."""
    letters = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).casefold()
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
