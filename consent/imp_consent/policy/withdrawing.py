"""How notices in the languages people read word the right to withdraw, and how they deny it.

The words are data, one file a language in `languages/`: regular expressions over text in lower case without accents,
where "~" are up to three words, none of them of withdrawing (where a language is `unspaced`, up to six letters).

    withdraw       parts of words for withdrawing
    no             what denies, wherever it stands beside a word for withdrawing
    sure           what denies withdrawing, whatever else is said
    back           what denies what the sentence before says, and begins one by itself ("that is not possible")
    yes            what says that people can, or tells them how
    begins         what begins a clause ("you can") after a condition (`given`) or after a word that joins (`joins`)
    breaks         what ends a condition, where it stands behind it
    of, fill       what speaks of the time or case of a withdrawal ("after you withdraw"), and what may stand between
    harmless       what denies something else

In doubt a passage denies: whatever denies anything beside a word for
withdrawing denies that, unless what it denies is known to be something else (a reason, a cost, an effect on the past).
A clause with a word for withdrawing that does not say by itself that people can is read with its whole sentence, so
that "consent cannot, at any time, be withdrawn" is one. Of several sentences one that says that people can is enough.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

__all__ = ["LONGEST", "denies", "find_withdrawal", "partly_denies"]

LONGEST: Final = 500
_FOLDER: Final = Path(__file__).with_name("languages")
_SENTENCE: Final = re.compile(r"(?<=[.;!?。；！？])|(?=\s[-*•–] )")  # noqa: RUF001 (Chinese marks are what it looks for)
_VOICED: Final = "\u3099\u309a"  # marks without which a Japanese letter is another
_PART: Final = re.compile(r"[,:()（），：、]|\s[-–—]+\s|—")  # noqa: RUF001 (as above)


class _Said(Enum):
    """What a sentence says of withdrawing: that people can, that nobody can, or only something of it."""

    CAN = auto()
    CANNOT = auto()
    SPOKEN = auto()


class _Words(NamedTuple):
    """The words of a language; what each is for stands in the file."""

    withdraw: re.Pattern[str]
    no: re.Pattern[str]
    no_at_end: re.Pattern[str]
    left_open: re.Pattern[str]
    sure: re.Pattern[str]
    back: re.Pattern[str]
    yes: re.Pattern[str]
    begins: re.Pattern[str]
    given: re.Pattern[str]
    joined: re.Pattern[str]
    breaks: re.Pattern[str]
    case: re.Pattern[str]
    harmless: re.Pattern[str]
    unspaced: bool


def find_withdrawal(text: str, language: str) -> str:
    """The first paragraph that says that people can withdraw, else the first that denies it or else speaks of it.

    "" where none does, and where the language is not known.
    """
    found = [part.strip()[:LONGEST] for part in re.split(r"\n\s*\n", text) if _mentions(part, language)]
    said = {part: _said(part, language) for part in found}
    for wanted in (_Said.CAN, _Said.CANNOT, _Said.SPOKEN):
        for part, of_it in said.items():
            if wanted in of_it:
                return part
    return next(iter(found), "")


def denies(passage: str, language: str) -> bool:
    """Whether a passage says of withdrawing that it cannot be done, or may say so, and nowhere that it can."""
    said = _said(passage, language)
    return _Said.CANNOT in said and _Said.CAN not in said


def partly_denies(passage: str, language: str) -> bool:
    """Whether a passage says of withdrawing that it can be done and, or so it seems, that it cannot."""
    said = _said(passage, language)
    return _Said.CANNOT in said and _Said.CAN in said


def _mentions(text: str, language: str) -> bool:
    words = _of(language)
    return words is not None and bool(words.withdraw.search(_fold(text, unspaced=words.unspaced)))


def _said(passage: str, language: str) -> list[_Said]:
    words = _of(language)
    return [] if words is None else list(_of_sentences(_fold(passage, unspaced=words.unspaced), words))


def _of_sentences(folded: str, words: _Words) -> Iterator[_Said]:
    """What each sentence says that speaks of withdrawing; a question is one with its answer."""
    asked = ""
    for sentence in _sentences(folded, words):
        whole = f"{asked}{sentence}"
        if sentence.endswith(("?", "？")) and words.withdraw.search(sentence):  # noqa: RUF001 (the Chinese mark)
            asked = whole.replace("?", " ")
        elif words.withdraw.search(whole):
            yield _of_one(whole, words, asked=bool(asked))
            asked = ""
    if asked:
        yield _of_one(asked, words, asked=True)


def _sentences(folded: str, words: _Words) -> list[str]:
    """The sentences; one that denies the one before is a part of it."""
    found: list[str] = []
    for sentence in filter(None, map(str.strip, _SENTENCE.split(folded))):
        if found and words.back.match(sentence):
            found[-1] += f" {sentence}"
        else:
            found.append(sentence)
    return found


def _of_one(sentence: str, words: _Words, *, asked: bool) -> _Said:
    bare = words.harmless.sub(" ", sentence)
    said = words.case.sub(" ", bare)
    if not words.withdraw.search(said):
        return _Said.CANNOT if words.sure.search(bare) or words.no_at_end.search(said) else _Said.SPOKEN
    parts = [said] if asked else list(_parts(said, words))
    found = {_of_part(place, parts, words) for place, part in enumerate(parts) if words.withdraw.search(part)}
    return next(one for one in (_Said.CANNOT, _Said.CAN, _Said.SPOKEN) if one in found)


def _of_part(place: int, parts: list[str], words: _Words) -> _Said:
    part, before = parts[place], parts[place - 1] if place else ""
    on = " ".join(parts[place:])
    if words.sure.search(on) or words.no.search(part) or words.left_open.search(before):
        return _Said.CANNOT
    if words.yes.search(part):
        return _Said.CAN
    whole = " ".join(parts)
    if words.sure.search(whole) or words.no.search(whole):
        return _Said.CANNOT
    return _Said.CAN if words.yes.search(whole) else _Said.SPOKEN


def _parts(sentence: str, words: _Words) -> Iterator[str]:
    """The parts between marks, and those where a clause begins by itself."""
    for part in _PART.split(sentence):
        ends = {match.end() for match in words.breaks.finditer(part)}
        ends |= {match.start() for match in words.begins.finditer(part) if _begins(part[: match.start()], words)}
        yield from (part[begin:end] for begin, end in pairwise([0, *sorted(ends), len(part)]))


def _begins(before: str, words: _Words) -> bool:
    return bool(words.given.match(before) or words.joined.search(before))


@cache
def _of(language: str) -> _Words | None:
    """The words of a language; None where it is not known."""
    path = _files().get(language.partition("-")[0].lower())
    return None if path is None else _compiled(tomllib.loads(path.read_text(encoding="utf-8")))


@cache
def _files() -> Mapping[str, Path]:
    return MappingProxyType({path.stem: path for path in _FOLDER.glob("*.toml")})


def _compiled(section: Mapping[str, Any]) -> _Words:
    unspaced = bool(section.get("unspaced"))
    edge = "" if unspaced else r"\b"
    mention = "|".join(_fold(word, unspaced=unspaced) for word in section["withdraw"])
    gap = rf"(?:(?!{mention}).){{0,6}}?" if unspaced else rf"(?:(?!\w*(?:{mention}))[\w']+ ){{0,3}}?"

    def one_of(key: str) -> str:
        """One of the words of a list; of an empty one, nothing at all."""
        folded = [_fold(word, unspaced=unspaced).replace("~ ", "~").replace("~", gap) for word in section.get(key, [])]
        return f"(?:{'|'.join(folded)})" if folded else "(?!)"

    def words(key: str, before: str = "", after: str = "") -> re.Pattern[str]:
        return re.compile(f"{before}{edge}{one_of(key)}{edge}{after}")

    return _Words(
        withdraw=re.compile(mention),
        no=words("no"),
        no_at_end=words("no", after=r"\W*$"),
        left_open=words("no", after=r"( \w+)?\W*$"),
        sure=words("sure"),
        back=words("back"),
        yes=words("yes"),
        begins=words("begins"),
        given=words("given", before=r"\W*(?:\w+ )?"),
        joined=words("joins", after=r"\W*$"),
        breaks=words("breaks"),
        case=words("of", after=rf" ?(?:{one_of('fill')} )*\w*(?:{mention})\w*"),
        harmless=words("harmless"),
        unspaced=unspaced,
    )


def _fold(text: str, *, unspaced: bool) -> str:
    """Lower case, without accents, of normal width, with straight apostrophes; one space between words, or none."""
    letters = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).casefold()
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter) or letter in _VOICED)
    return re.sub(r"\s+", "" if unspaced else " ", plain)
