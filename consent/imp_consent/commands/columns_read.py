"""The columns of one file as they are met: those that are read, those that may have been meant, and those left aside.

Without a mapping a column that is no field is refused. With one, most of a file's columns are its own: of these one
that looks like a field that nothing fills is refused, as a misspelt `channel` makes a yes to one channel one to all,
and the others are counted, unless the mapping says that they are not read. A no is taken whatever columns there are.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from imp_consent.commands.columns import FIELDS, ColumnMap, choose_columns
from imp_consent.commands.layout import Row
from imp_consent.commands.states import IMPORTED
from imp_consent.policy.scope import DENYING
from imp_core.counting import some
from imp_core.errors import BadInput

__all__ = ["ColumnsRead"]

_ALIKE: Final = 0.85
_MOST: Final = 1_000  # different keys of JSON objects that are counted, and remembered
_NAME: Final = 'name it in the mapping, [columns], or say that it is not read: [file] unread = ["…"]'
# How far a yes goes: no constant hides a column of that name. A word that is nearly one of these, without the purpose,
# without which no row is read, is taken for it misspelt; of other fields it is a word of the file's own (Estate).
_SCOPE: Final = ("purpose", "channel", "valid_for", "jurisdiction")
_NEAR: Final = frozenset(_SCOPE[1:])
_STATE: Final = "state?"  # before a column's place: what it says beside a constant state
_SAYS: Final = (
    "a column that is not read looks like state, and says another than the mapping's constant: name it in the mapping, "
    "[columns] state, or say that it is not read: [file] unread"
)


@dataclass(slots=True)
class ColumnsRead:
    """The layout of one file, for one reading of it; `says_no` tells of a row whether it is a no."""

    mapping: ColumnMap
    says_no: Callable[[Row], bool | None] = lambda _: None
    _lacking: set[str] = field(default_factory=set)  # columns that the mapping names, and no JSON object has so far
    _objects: bool = False
    _unread: dict[str, int] = field(default_factory=dict)  # column → its place in the header, or that of its finding
    _chosen: dict[str, str] = field(default_factory=dict)  # field → column that fills it where it is there
    _called: list[tuple[str, str]] = field(default_factory=list)  # what a field is called, as it looks, and the field
    _likes: dict[str, tuple[tuple[str, bool], ...]] = field(default_factory=dict)
    _opens: bool = False  # whether the constant state is a yes, which a column of states would belie

    def __post_init__(self) -> None:
        """Every column that the mapping names is lacking until it is met."""
        named = {name: self.mapping.columns.get(name, name) for name in FIELDS}
        self._lacking |= set(self.mapping.columns.values())
        self._chosen = {name: column for name, column in named.items() if self._is_read(column)}
        self._called = [(_look(called), name) for name, column in named.items() for called in {name, column}]
        self._opens = self._type(self.mapping.defaults.get("state", "")) not in {None, *DENYING}

    @property
    def encoding(self) -> str:
        """The mapping's."""
        return self.mapping.encoding

    @property
    def delimiter(self) -> str | None:
        """The mapping's."""
        return self.mapping.delimiter

    @property
    def timezone(self) -> str | None:
        """The mapping's."""
        return self.mapping.timezone

    @property
    def declare_encoding(self) -> str | None:
        """The mapping's."""
        return self.mapping.declare_encoding

    @property
    def asks_encoding(self) -> bool:
        """The mapping's."""
        return self.mapping.asks_encoding

    def choose(self, names: Iterable[str], *, where: str) -> dict[str, str]:
        """Field → column, for a file that has these columns.

        Raises:
            BadInput: as `choose_columns`, or columns may be meant for fields that no column fills.
        """
        columns = list(names)
        chosen = choose_columns(self.mapping, [name for name in columns if self._is_read(name)], where=where)
        read, meant = set(chosen.values()), dict[int, str]()
        for place, name in enumerate(columns, 1):
            if not name or name in read or not self._is_read(name):
                continue
            like = self._meant(name, chosen)
            if like is not None:
                meant[place] = like
            elif self._belies(name, chosen):
                chosen[f"{_STATE}{place}"] = name
            self._unread[name] = place
        if meant:
            those = f"column {min(meant)} of the header is" if len(meant) == 1 else _columns(meant)
            what = f"{those} not read, and {_look_like(meant.values())}"
            raise BadInput(what, where=where, mend=_NAME)
        return chosen

    def pick(self, row: Mapping[str, object]) -> dict[str, object] | str:
        """Field → value of one JSON object; or what is wrong with it."""
        if not self.mapping.given and not row.keys() <= set(FIELDS):
            return "a key that is not a field of consent"
        self._objects = True
        self._lacking -= row.keys()
        found = {name: column for name, column in self._chosen.items() if column in row}
        values = {name: row[column] for name, column in found.items()}
        meant = list[str]()
        for name in row.keys() - set(found.values()) - self.mapping.unread:
            like = self._meant(name, found)
            if like is not None:
                meant.append(like)
            elif self._belies(name, found):
                values[f"{_STATE}{len(values)}"] = row[name]
            if len(self._unread) < _MOST:
                self._unread.setdefault(name, len(self._unread) + 1)
        if not meant or self.says_no(values):
            return values
        return f"{'a key that is' if len(meant) == 1 else 'keys that are'} not read, and {_look_like(meant)}: {_NAME}"

    def bare(self, row: Row) -> Row:
        """The row without what is only compared.

        Raises:
            BadInput: a column that is not read says another state than the constant one; the row says it from then on.
        """
        if isinstance(row, str) or not self._opens:
            return row
        told = [self._state(row.pop(name)) for name in list(row) if name.startswith(_STATE)]
        others = [state for state in told if state is not None and IMPORTED[state] != self._type(self._constant())]
        if others:
            row["state"] = min(others, key=lambda state: IMPORTED[state] not in DENYING)
            raise BadInput(_SAYS, where="state")
        return row

    def check(self, *, where: str, noes_alone: bool) -> None:
        """Expect, once all is read, that each column which the mapping names was met, unless only noes were.

        Raises:
            BadInput: one is in no JSON object.
        """
        if self._objects and self._lacking and not noes_alone:
            column = min(self._lacking)
            mend = "compare the mapping with the keys, or leave the column out of the mapping"
            raise BadInput(f"{_lacks([column])}, which the mapping names", where=where, mend=mend)

    def texts(self) -> tuple[str, ...]:
        """What is said of columns that nobody reads. They are not named: a file without a header has people there."""
        lacks = (
            (f"{_lacks(sorted(self._lacking))}, which the mapping names: the noes were taken without",)
            if self._objects and self._lacking
            else ()
        )
        if not self._unread:
            return lacks
        mend = "if one says how far a yes goes, name it in the mapping, [columns]; else say so: [file] unread"
        if self._objects:
            those = some(len(self._unread), "key of the file's objects is", "keys of the file's objects are")
            return (*lacks, f"{those} not read: {mend}")
        places = list(self._unread.values())
        those = some(len(places), "column of the header is", "columns of the header are")
        word = "number" if len(places) == 1 else "numbers"
        return (f"{those} not read ({word} {', '.join(map(str, places))}): {mend}",)

    def _is_read(self, column: str) -> bool:
        return column not in self.mapping.unread

    def _meant(self, name: str, filled: Mapping[str, str]) -> str | None:
        """The field that a column may be meant for, of those that no column fills, and that no constant does."""
        for like, same in self._alike(name):
            if like not in filled and (like not in self.mapping.defaults or (same and like in _SCOPE)):
                return like
        return None

    def _belies(self, name: str, filled: Mapping[str, str]) -> bool:
        """Whether a column may say of each row what the mapping says of all: that it is a yes."""
        return self._opens and "state" not in filled and ("state", True) in self._alike(name)

    def _constant(self) -> str:
        return self.mapping.defaults.get("state", "")

    def _state(self, value: object) -> str | None:
        word = str(value).strip() if isinstance(value, str | int) else ""  # 0 may be what a file calls a no
        state = self.mapping.states.get(word, word.casefold())
        return state if state in IMPORTED else None

    def _type(self, word: str) -> str | None:
        return IMPORTED.get(self.mapping.states.get(word, word))

    def _alike(self, name: str) -> tuple[tuple[str, bool], ...]:
        """The fields that a column looks like, whatever its case and its blanks, and whether it is their very name."""
        if name in self._likes:
            return self._likes[name]
        look = _look(name)
        same = [(like, True) for called, like in self._called if look == called]
        near = [(like, False) for called, like in self._called if like in _NEAR and _is_near(look, called)]
        if len(self._likes) < _MOST:
            self._likes[name] = (*same, *near)
        return (*same, *near)


def _is_near(look: str, other: str) -> bool:
    if 2 * min(len(look), len(other)) < _ALIKE * (len(look) + len(other)):  # as of most, and quickly seen
        return False
    return difflib.SequenceMatcher(None, look, other).ratio() >= _ALIKE


def _look(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


def _columns(places: Iterable[int]) -> str:
    *most, last = map(str, places)
    return f"columns {', '.join(most)} and {last} of the header are"


def _look_like(fields: Iterable[str]) -> str:
    *most, last = sorted(fields)
    return f"look like {', '.join(most)} and {last}" if most else f"looks like {last}"


def _lacks(columns: Iterable[str]) -> str:
    return f"no object of the file has the key {', '.join(columns)}"
