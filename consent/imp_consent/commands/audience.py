"""An audience file as rows of people: who each is, where to reach them, and the fields a campaign may use.

    identifier,email,first_name        # identifier (kind:value) may be left out: the address tells who it is
    member:17,ann@example.com,Ann

Columns that the campaign does not name are not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imp_consent.commands.rows import Row, read_rows
from imp_consent.plane.send import AudienceRow
from imp_core.errors import BadInput
from imp_core.event import RawId, RowFault

__all__ = ["AudienceLayout", "read_audience"]

_IDENTIFIER: Final = "identifier"
_ADDRESS: Final = "address:"  # before the kind, among the names of what is read
_LONGEST: Final = 1_000  # characters of one field


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceLayout:
    """What is read of an audience: addresses of these kinds (the first that the file has), `fields`, and who it is.

    `addressed` is whether everybody needs an address.
    """

    kinds: Sequence[str]
    fields: Sequence[str]
    addressed: bool
    encoding: str = "utf-8-sig"
    delimiter: str | None = None
    timezone: str | None = None

    @property
    def declare_encoding(self) -> str:
        """How to say in which encoding a file is."""
        return "--encoding {}"

    @property
    def asks_encoding(self) -> bool:
        """Whether it is taken for UTF-8, which may have been said: an address that is read wrongly reaches nobody."""
        return False

    def choose(self, names: Iterable[str], *, where: str) -> dict[str, str]:
        """Field → column, for a file that has these columns.

        Raises:
            BadInput: there is nobody to reach in it, a column that the campaign names is missing, or one stands twice.
        """
        columns = list(names)
        kind = next((kind for kind in self.kinds if kind in columns), None)
        if kind is None and (self.addressed or _IDENTIFIER not in columns):
            wanted = " or ".join(self.kinds) or _IDENTIFIER
            mend = f"name the column with the addresses {wanted}; commas stand between the columns"
            raise BadInput(f"the header lacks a column {wanted}", where=where, mend=mend)
        chosen = {} if kind is None else {f"{_ADDRESS}{kind}": kind}
        if _IDENTIFIER in columns:
            chosen[_IDENTIFIER] = _IDENTIFIER
        for name in self.fields:
            if name not in columns:
                mend = "add the column, or take it out of the campaign's fields"
                raise BadInput(f"the header lacks the column {name}, which the campaign names", where=where, mend=mend)
            chosen[name] = name
        for column in chosen.values():
            if columns.count(column) > 1:
                raise BadInput(f"the header has the column {column} twice", where=where, mend="leave each column once")
        return chosen

    def pick(self, row: Mapping[str, object]) -> dict[str, object] | str:
        """Field → value of one JSON object; or what is wrong with it."""
        try:
            return {name: row[column] for name, column in self.choose(row, where="").items()}
        except BadInput as error:
            return error.what.replace("the header", "the object")


def read_audience(path: Path, layout: AudienceLayout) -> Iterator[AudienceRow | RowFault]:
    """The rows of a file, and those that cannot be taken; memory does not grow with the file.

    Raises:
        BadInput: on iteration, where the file as a whole cannot be read.
    """
    for number, row in read_rows(path, layout):
        try:
            yield _row(number, row, layout)
        except BadInput as error:
            yield RowFault(row=number, field=error.where or "row", problem=error.what)


def _row(number: int, row: Row, layout: AudienceLayout) -> AudienceRow:
    if isinstance(row, str):
        raise BadInput(row)
    address: RawId | None = None
    for name in row:
        if name.startswith(_ADDRESS):
            value = _text(row, name, "address")
            address = RawId(name.removeprefix(_ADDRESS), value) if value else None
    if address is None and layout.addressed:
        raise BadInput("empty", where="address")
    named = _text(row, _IDENTIFIER, _IDENTIFIER)
    person = _person(named) if named else address
    if person is None:
        raise BadInput("empty", where=_IDENTIFIER)
    fields = {name: _text(row, name, name) for name in layout.fields}
    return AudienceRow(row=number, person=person, address=address, fields=fields)


def _person(text: str) -> RawId:
    try:
        return RawId.parse(text)
    except BadInput as error:
        raise BadInput(error.what, where=_IDENTIFIER) from None


def _text(row: Mapping[str, object], name: str, field: str) -> str:
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # a member's number, say
    if value is not None and not isinstance(value, str):
        raise BadInput("not a text", where=field)
    text = (value or "").strip()
    if len(text) > _LONGEST:
        raise BadInput(f"over {_LONGEST:,} characters", where=field)
    return text
