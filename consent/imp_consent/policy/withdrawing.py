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
_BEGINS: Final = 10  # letters before a longer one after it begins
_CLAUSE: Final = re.compile(r"[.,;:!?()\n。，；：！？、（）]")  # noqa: RUF001 (Chinese marks are what it looks for)


class _Words(NamedTuple):
    """How words of withdrawing begin, words that deny it right `before` or `after` them, and such as deny it alone.

    Of what lies between, `other` are words that show that something else is denied: no cost, no reason. The words of
    `left_out` are passed over: what is withdrawn, and what only looks like a denial ("n'hésitez pas à").
    """

    withdraw: tuple[str, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


_EN_NOT: Final = (
    "cannot", "can not", "can't", "never", "may not", "must not", "no right", "not entitled", "unable", "not allowed",
    "not permitted", "not be able", "not able", "won't be able", "no way", "no possibility", "no option", "no means",
    "not have the right", "not have a right", "not have any right", "don't have the right", "don't have a right",
    "waive", "waives", "waived", "waiving", "give up", "renounce", "relinquish", "forgo", "forfeit", "lose your right",
    "lose the right",
)  # fmt: skip
_EN_AFTER: Final = (
    "not permitted", "not allowed", "not offered", "not available", "not accepted", "not provided for", "not foreseen",
    "isn't possible", "isn't permitted", "isn't allowed", "isn't offered", "isn't available", "isn't accepted",
    "not be possible", "not be permitted", "not be allowed", "not be accepted", "not be offered", "not be honoured",
    "not be honored", "won't be possible", "won't be accepted", "won't be permitted", "is excluded", "is ruled out",
    "is barred", "is precluded", "is prohibited", "is forbidden", "will be refused", "will be rejected",
    "will be ignored",
)  # fmt: skip
_DE_NOT: Final = (
    "nicht", "nie", "kein", "keine", "keinen", "keinem", "keiner", "keines", "verzichten", "verzichte", "verzichtet",
)  # fmt: skip
_FR_NOT: Final = (  # "plus" by itself is "moreover", too
    "pas", "jamais", "aucun", "aucune", "ne pouvez plus", "ne peut plus", "ne peuvent plus", "ne pourrez plus",
    "ne pourra plus", "n'avez plus", "n'aurez plus", "n'est plus", "n'y a plus", "ne sera plus",
    "renoncez", "renonce", "renoncer", "renoncent",
)  # fmt: skip
_CJK_NOT: Final = ("不能", "不可", "不得", "无法", "無法", "无权", "無權", "没有权", "沒有權")
_WORDS: Final[Mapping[str, _Words]] = MappingProxyType(
    {
        "de": _Words(
            ("widerruf", "widerrief"),
            _DE_NOT,
            after=(
                "nicht vorgesehen", "nicht zulässig", "unzulässig", "nicht gestattet", "nicht erlaubt",
                "nicht akzeptiert",
                "nicht anerkannt", "nicht angenommen", "unmöglich",
            ),
            alone=("unwiderruf", "ausgeschlossen", "nicht möglich"),
            other=(
                "kosten", "gebühren", "nachteile", "gründe", "grund", "form", "frist", "nach", "wenn", "falls", "spät",
            ),
            left_out=(
                "der einwilligung", "ihrer einwilligung", "deiner einwilligung", "zögern sie nicht", "zögere nicht",
                "zögert nicht", "scheuen sie sich nicht", "verzichten nicht", "verzichtet nicht",
            ),
        ),
        "en": _Words(
            ("withdraw",),
            _EN_NOT,
            after=_EN_AFTER,
            alone=("irrevocabl", "impossible", "not possible", "no withdrawal"),
            other=(
                "log", "sign", "use", "access", "reach", "ignore", "after", "if", "when", "until", "unless", "late",
                "hesitate",
            ),
            left_out=(
                "of your consent", "of the consent", "of this consent", "of consent", "not waive", "don't waive",
                "not give up", "not lose", "no withdrawal fee", "no withdrawal charge", "no withdrawal cost",
                "no withdrawal penalt",
            ),
        ),
        "es": _Words(
            ("retirar", "revocar", "retirad", "revocad", "revocación"),
            ("no", "nunca", "jamás", "ningún", "ninguna", "renuncia", "renuncias", "renunciar"),
            after=("no es posible", "no está previst", "no está permitid", "no se admite", "no se acepta",
                "está excluid"),
            alone=("irrevocable", "imposible"),
            other=(
                "costes", "coste", "costo", "costos", "motivo", "motivos", "justificar", "si", "después", "tras",
                "dude",
                "dudes", "duden", "tarde",
            ),
            left_out=("del consentimiento", "de su consentimiento", "de tu consentimiento", "no renuncia"),
        ),
        "fr": _Words(
            ("retirer", "retrait", "retiré"),
            _FR_NOT,
            after=(
                "pas prévu", "pas accepté", "pas autorisé", "pas permis", "pas admis", "est exclu", "est interdit",
                "plus possible",
            ),
            alone=("irrévocable", "impossible", "pas possible"),
            other=(
                "frais", "motif", "motifs", "justification", "conséquence", "conséquences", "si", "après", "motiver",
                "justifier", "expliquer", "raison", "raisons", "tard",
            ),
            left_out=(
                "de votre consentement", "du consentement", "de ton consentement", "n'hésitez pas", "n'hésite pas",
                "n'hésitez jamais", "ne renoncez pas", "ne renonce pas",
            ),
        ),
        "it": _Words(
            ("revoca", "ritirare", "ritirat"),
            ("non", "mai", "nessun", "nessuna", "rinuncia", "rinunci", "rinunciare"),
            after=(
                "non è possibile", "non è previst", "non è ammess", "non è consentit", "non è permess",
                "non è accettat",
                "è esclus",
            ),
            alone=("irrevocabil", "impossibile"),
            other=("costi", "costo", "motivo", "motivi", "motivare", "giustificare", "dopo", "esiti", "esitare",
                "tardi"),
            left_out=("del consenso", "non rinuncia"),
        ),
        "ja": _Words(
            ("撤回",),
            after=(
                "できません", "できない", "不可", "認められません", "認められない", "認めません", "認めない", "お断り",
                "受け付けません", "受け付けられません",
            ),
            alone=("撤回不可", "撤回権はありません", "撤回する権利はありません"),
        ),
        "nl": _Words(
            ("intrekken", "trekt", "intrekking", "ingetrok", "herroep"),
            ("niet", "nooit", "geen"),
            alone=("onherroepelijk", "onmogelijk"),
            other=("kosten", "reden", "redenen", "gevolgen", "als", "indien", "na", "laat"),
            left_out=("aarzel niet",),
        ),
        "pl": _Words(
            ("wycofa", "cofnąć", "cofnięt"),
            ("nie", "nigdy", "brak"),
            alone=("nieodwołaln", "niemożliw"),
            other=("kosztów", "kosztu", "powodu", "powodów", "jeśli", "po", "wahaj", "późno"),
        ),
        "pt": _Words(
            ("retirar", "revogar", "retirad", "revogad", "revogação"),
            ("não", "nunca", "jamais", "nenhum", "nenhuma"),
            alone=("irrevogáve", "impossíve"),
            other=("custo", "custos", "motivo", "motivos", "justificar", "depois", "após", "hesite", "tarde"),
        ),
        "sv": _Words(
            ("återkalla", "ta tillbaka", "tas tillbaka"),
            ("inte", "aldrig", "ej", "ingen", "inget", "inga"),
            alone=("oåterkallelig", "omöjlig"),
            other=("kostnad", "kostnader", "skäl", "om", "efter", "sent"),
            left_out=("tveka inte",),
        ),
        "zh": _Words(
            ("撤回", "撤销", "撤銷"),
            _CJK_NOT,
            after=("不予受理", "概不受理", "不被接受", "不被允许", "不被允許"),
            alone=(
                "不可撤", "不能撤", "不得撤", "无法撤", "無法撤", "概不撤", "不予撤", "概不接受撤", "不接受撤",
                "不允许撤",
                "不允許撤", "禁止撤", "放弃撤", "放棄撤",
            ),
            left_out=("不禁止", "不放弃", "不放棄"),
        ),
    }
)  # fmt: skip


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
    for whole in _CLAUSE.split(_fold(passage)):
        clause = _without(whole, words.left_out)
        alone = any(_fold(word) in clause for word in words.alone)
        places = [match for word in words.withdraw for match in re.finditer(re.escape(_fold(word)), clause)]
        if alone or places:
            found.append(alone or any(_is_denied(clause, match, words) for match in places))
    return found


def _is_denied(clause: str, match: re.Match[str], words: _Words) -> bool:
    before, after = clause[: match.start()], clause[match.end() :]
    denied = any(_near(before, _fold(word), words.other) for word in words.before)
    return denied or any(_follows(after, _fold(word)) for word in words.after)


def _follows(after: str, word: str) -> bool:
    return word in after[:_NEAR] or word in after[: _BEGINS + len(word)]


def _without(clause: str, phrases: tuple[str, ...]) -> str:
    """The clause without these, the longest first; spaces stay one each, so that letters are counted alike."""
    for phrase in sorted(map(_fold, phrases), key=len, reverse=True):
        clause = clause.replace(phrase, "")
    return re.sub(" {2,}", " ", clause)


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
