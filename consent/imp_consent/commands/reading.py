"""From a file's row to what a person said: each value checked, and every fault named without its value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from imp_consent.commands.arguments import parse_days
from imp_consent.commands.columns import REQUIRED, ColumnMap
from imp_consent.commands.rows import Instant, Row
from imp_consent.commands.saying_options import read_grounds
from imp_consent.commands.states import type_of
from imp_consent.policy.saying import Saying
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["RowReader"]

_FLAGS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_MAX_STEPS: Final = 100
_REQUIRED: Final = frozenset(REQUIRED)
_NOES: Final = frozenset({"refuse", "withdraw"})


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads rows of one file; `sha256` is the file's, which with the row's number is the default evidence.

    `now_us` is the present, which a no of today does not outrun where the file has only the day.
    """

    mapping: ColumnMap
    sha256: str
    now_us: int

    def read(self, number: int, row: Row) -> tuple[RawId, Saying]:
        """Who said what.

        Raises:
            BadInput: a value is missing or cannot be read; `where` names the field.
        """
        if isinstance(row, str):
            raise BadInput(row, where="row")
        state = self._needed(row, "state")
        who, purpose = self._identifier(row), self._needed(row, "purpose")
        type_ = type_of(self.mapping.states.get(state, state))
        at_us = self._time(row, last=type_ in _NOES)
        if self._is_short(row):
            return who, Saying(
                purpose=purpose,
                type=type_,
                at_us=at_us,
                evidence=f"sha256:{self.sha256}#{number}",
            )
        valid_for, regime = self._text(row, "valid_for"), self._text(row, "regime")
        return who, Saying(
            purpose=purpose,
            type=type_,
            at_us=at_us,
            channel=self._text(row, "channel") or "",
            notice=self._text(row, "notice"),
            language=self._text(row, "language"),
            valid_for_days=None if valid_for is None else parse_days(valid_for),
            action=self._text(row, "action"),
            steps=self._steps(row),
            evidence=self._text(row, "evidence") or f"sha256:{self.sha256}#{number}",
            consent=self._text(row, "consent"),
            bundled=self._flag(row, "bundled"),
            informed=self._flag(row, "informed"),
            by=self._text(row, "by"),
            basis=self._text(row, "basis"),
            grounds=self._grounds(row),
            regimes=None if regime is None else tuple(word.strip() for word in regime.split("+")),
            jurisdiction=self._text(row, "jurisdiction"),
        )

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
        value = row.get("at")
        if isinstance(value, Instant):
            return value.us
        try:
            if isinstance(value, datetime):
                return self.mapping.times.place(value)
            text = self._needed(row, "at")
            constant = not isinstance(value, str) or not value.strip()
            return self.mapping.times.parse(text, last=last, now_us=self.now_us, constant=constant)
        except BadInput as error:
            raise BadInput(error.what, where="at", mend=error.mend) from None

    def _steps(self, row: dict[str, object]) -> int | None:
        text = self._text(row, "steps")
        if text is not None and not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MAX_STEPS):
            raise BadInput("not a number of steps", where="steps", mend="a whole number from 1")
        return None if text is None else int(text)

    def _flag(self, row: dict[str, object], name: str) -> bool:
        value = row.get(name)
        if value is None and name not in self.mapping.defaults:
            return False
        word = str(value).lower() if isinstance(value, bool) else (self._text(row, name) or "no").casefold()
        if word not in _FLAGS:
            raise BadInput("neither yes nor no", where=name, mend="yes or no")
        return _FLAGS[word]

    def _grounds(self, row: dict[str, object]) -> dict[str, str]:
        text = self._text(row, "grounds")
        if text is None:
            return {}
        try:
            return read_grounds(tuple(part for part in text.split(";") if part.strip()))
        except BadInput as error:
            mend = "write them like: sale=order 7; similar-goods=shoes"
            raise BadInput(error.what, where="grounds", mend=mend) from None

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
