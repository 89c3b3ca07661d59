"""The words of what a person gets to read, by language: tables in `languages/`, one file a language, all keys in each.

What is quoted (notices, sources of law, names of purposes, what somebody wrote) stays as it is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from imp_core.errors import BadInput

__all__ = ["DEFAULT", "Wording", "choose_wording", "languages", "read_wording"]

DEFAULT: Final = "en"
_FOLDER: Final = Path(__file__).with_name("languages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One language's words: `tag` by BCP 47, and the tables by name.

    `between` is what stands between several, `joint` before the last of them.
    """

    tag: str
    between: str
    joint: str
    tables: Mapping[str, Mapping[str, str]]

    def say(self, table: str, key: str, **filled: object) -> str:
        """A text with its blanks filled in; the key is one of the table's."""
        text = self.tables[table][key]
        return text.format(**filled) if filled else text

    def maybe(self, table: str, key: str, instead: str) -> str:
        """A text, or what stands for it: of a word that is not ours, but the data's."""
        return self.tables[table].get(key, instead)

    def again(self, table: str, text: str) -> str:
        """The same as an English text of the table says, blanks and all; what is in none of its forms stays."""
        for key, form in read_wording(DEFAULT).tables[table].items():
            parts = re.split(r"\{(\w+)\}", form)
            pattern = "".join(f"(?P<{part}>.+)" if n % 2 else re.escape(part) for n, part in enumerate(parts))
            if found := re.fullmatch(pattern, text):
                return self.say(table, key, **found.groupdict())
        return text

    def several(self, words: Iterable[str]) -> str:
        """Words as a list in a sentence."""
        *others, last = words
        return f"{self.between.join(others)}{self.joint}{last}" if others else last


@cache
def languages() -> tuple[str, ...]:
    """The languages there are, by their tags."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@cache
def read_wording(tag: str) -> Wording:
    """The words of one of `languages`."""
    tables: dict[str, Any] = tomllib.loads((_FOLDER / f"{tag}.toml").read_text(encoding="utf-8"))
    return Wording(tag=tables.pop("tag"), between=tables.pop("between"), joint=tables.pop("and"), tables=tables)


def choose_wording(asked: str | None, spoken: Iterable[str] = ()) -> Wording:
    """The words of the language that is asked for, else of the first of those spoken; English where there is none.

    A region or a script does not matter where there is the language: fr-CA is read in French.

    Raises:
        BadInput: there is none of the language asked for.
    """
    if asked is not None:
        found = _nearest(asked)
        if found is None:
            raise BadInput("no words in this language", where="--language", mend=f"one of: {', '.join(languages())}")
        return read_wording(found)
    first = next(iter(spoken), DEFAULT)
    return read_wording(_nearest(first) or DEFAULT)


def _nearest(tag: str) -> str | None:
    wanted = tag.replace("_", "-").casefold()
    same = [one for one in languages() if one.casefold() == wanted]
    alike = [one for one in languages() if one.casefold().split("-")[0] == wanted.split("-")[0]]
    return next(iter([*same, *alike]), None)
