"""From a file's row to what a person said: each value checked, and every fault named without its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from imp_consent.commands.arguments import parse_days
from imp_consent.commands.columns import REQUIRED, ColumnMap
from imp_consent.commands.layout import Row
from imp_consent.commands.noted import NO_CHANNEL, UNREAD
from imp_consent.commands.parquet_rows import Day, Instant, LocalMoment
from imp_consent.commands.saying_options import read_grounds
from imp_consent.commands.states import type_of
from imp_consent.policy.sayable import is_one_line
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import DENYING
from imp_core.clock import DAY_US
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["Read", "RowReader"]

_FLAGS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_MAX_STEPS: Final = 100
_REQUIRED: Final = frozenset(REQUIRED)
_NO_TIME_US: Final = 2 * DAY_US  # zero, read in whatever zone
_FLAGGED: Final = ("bundled", "informed")
_TEXTS: Final = ("notice", "language", "action", "evidence", "consent", "by", "basis", "jurisdiction")
# Column → field of a saying, besides what every row says; a no is a no whatever these say.
_DETAILS: Final = {
    **{name: name for name in (*_TEXTS, *_FLAGGED, "steps", "grounds")},
    "valid_for": "valid_for_days",
    "regime": "regimes",
}


class Read(NamedTuple):
    """Who said what, and what an import may have to warn of."""

    raw: RawId
    said: Saying
    noted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads rows of one file; `sha256` is the file's, which with the row's number is the default evidence.

    `now_us` is the present, which a no of today does not outrun where the file has only the day.
    """

    mapping: ColumnMap
    sha256: str
    now_us: int

    def read(self, number: int, row: Row) -> Read:
        """Who said what. What a field says that means nothing for a no, cannot make that no a faulty row.

        Raises:
            BadInput: a value is missing or cannot be read; `where` names the field.
        """
        if isinstance(row, str):
            raise BadInput(row, where="row")
        type_ = self._type(row)
        is_no = type_ in DENYING
        who, purpose = self._identifier(row), self._needed(row, "purpose")
        at_us = _meant(self._time(row, last=is_no))
        evidence = f"sha256:{self.sha256}#{number}"
        if self._is_short(row):
            return Read(who, Saying(purpose=purpose, type=type_, at_us=at_us, evidence=evidence))
        channel = self._text(row, "channel") or ""
        told, noted = self._details(row, lenient=is_no)
        noted |= {NO_CHANNEL} if not channel and row.get("channel") is not None else set()
        said = Saying(purpose=purpose, type=type_, at_us=at_us, channel=channel, **{"evidence": evidence, **told})
        return Read(who, said, tuple(sorted(noted)))

    def _details(self, row: dict[str, object], *, lenient: bool) -> tuple[dict[str, Any], set[str]]:
        """Fields that have a value, and what is noted; `lenient`: one that cannot be read is left out, and noted."""
        told, noted = dict[str, Any](), set[str]()
        for name, field in _DETAILS.items():
            try:
                value = self._value(row, name)
                if lenient:
                    _check_line(value)
            except BadInput:
                if not lenient:
                    raise
                noted.add(UNREAD)
            else:
                told |= {} if value is None else {field: value}
        return told, noted

    def _value(self, row: dict[str, object], name: str) -> object:
        if name in _FLAGGED:
            return self._flag(row, name)
        text = self._text(row, name)
        return None if text is None else _READ.get(name, str)(text)

    def says_no(self, row: Row) -> bool | None:
        """Whether a row that is faulty says no; None: that cannot be told."""
        try:
            return None if isinstance(row, str) else self._type(row) in DENYING
        except BadInput:
            return None

    def _type(self, row: dict[str, object]) -> str:
        state = self._needed(row, "state")
        return type_of(self.mapping.states.get(state, state))

    def _is_short(self, row: dict[str, object]) -> bool:
        """Whether it says no more than it must, as most files do: then nothing else is looked for."""
        return row.keys() <= _REQUIRED and self.mapping.defaults.keys() <= _REQUIRED

    def _identifier(self, row: dict[str, object]) -> RawId:
        value = self._needed(row, "identifier")
        if self.mapping.kind is not None:
            return RawId(self.mapping.kind, value)
        try:
            return RawId.parse(value)
        except BadInput as error:
            mend = 'write kind:value, or name the kind in a mapping: [identifier] kind = "member"'
            raise BadInput(error.what, where="identifier", mend=mend) from None

    def _time(self, row: dict[str, object], *, last: bool) -> int:
        """When it was said; where the file has only the day, at its first moment or its `last`."""
        value, times = row.get("at"), self.mapping.times
        if isinstance(value, Instant):
            return value.us
        try:
            if isinstance(value, LocalMoment):
                return times.place(value.read())
            if isinstance(value, Day):
                return times.place_day(value.read(), last=last, now_us=self.now_us)
            text = self._needed(row, "at")
            constant = not isinstance(value, str) or not value.strip()
            return times.parse(text, last=last, now_us=self.now_us, constant=constant)
        except BadInput as error:
            raise BadInput(error.what, where="at", mend=error.mend) from None

    def _flag(self, row: dict[str, object], name: str) -> bool:
        value = row.get(name)
        if value is None and name not in self.mapping.defaults:
            return False
        word = str(value).lower() if isinstance(value, bool) else (self._text(row, name) or "no").casefold()
        if word not in _FLAGS:
            raise BadInput("neither yes nor no", where=name, mend="yes or no")
        return _FLAGS[word]

    def _needed(self, row: dict[str, object], name: str) -> str:
        text = self._text(row, name)
        if text is None:
            raise BadInput("empty", where=name)
        return text

    def _text(self, row: dict[str, object], name: str) -> str | None:
        value = row.get(name)
        if value is None or value == "":  # most columns of most files
            return self.mapping.defaults.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)  # a number that names: a customer's, say
        if not isinstance(value, str):
            raise BadInput("not a text", where=name)
        return value.strip() or self.mapping.defaults.get(name)


def _meant(at_us: int) -> int:
    """A time, unless it is what many systems write where they know none."""
    if 0 <= at_us < _NO_TIME_US:
        what = "the first days of 1970, which stand for no time"
        raise BadInput(what, where="at", mend="write when it was said")
    return at_us


def _steps(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MAX_STEPS):
        raise BadInput("not a number of steps", where="steps", mend="a whole number from 1")
    return int(text)


def _grounds(text: str) -> dict[str, str]:
    try:
        return read_grounds(tuple(part for part in text.split(";") if part.strip()))
    except BadInput as error:
        mend = "write them like: sale=order 7; similar-goods=shoes"
        raise BadInput(error.what, where="grounds", mend=mend) from None


def _regimes(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split("+"))


def _check_line(value: object) -> None:
    """Expect of a text, or of each ground, what the door expects of a yes.

    Raises:
        BadInput: it is too long, or more than a line.
    """
    texts = value.values() if isinstance(value, dict) else (value,)
    if not all(is_one_line(text) for text in texts if isinstance(text, str)):
        raise BadInput("not one line of at most 300 characters")


_READ: Final[Mapping[str, Callable[[str], object]]] = {
    "valid_for": parse_days,
    "steps": _steps,
    "grounds": _grounds,
    "regime": _regimes,
}
