"""From the rows of a spend report to `SpendRow`s: exact amounts, ISO days, totals left out by rule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from decimal import Context, Decimal, Inexact
from pathlib import Path
from typing import Final

from imp_channel_file.delimited import Preamble
from imp_channel_file.fields import Unfit, decimal, integer, text
from imp_channel_file.opening import open_table
from imp_channel_file.spend_mapping import CURRENCY_MARK, SpendMapping
from imp_channel_file.table import ROWS_MEND, Table, column_missing
from imp_core.channel import SpendRow
from imp_core.errors import BadInput
from imp_core.event import RowFault

__all__ = ["read_spend"]

_SPACES: Final = "\ufeff\u00a0\u202f \t\r\n"
_CODE: Final = "([A-Z]{3})"
_FIRST: Final = "first"
_NEEDED: Final = ("day", "campaign", "cost")
_EXACT: Final = Context(prec=80, traps=[Inexact])
_DIGITS, _PLACES = 18, 40


class _Fault(Exception):
    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field, self.problem = field, problem


def read_spend(path: Path, mapping: SpendMapping, *, tz: str) -> Iterator[SpendRow | RowFault | None]:
    """What each row of a report says, in order; None is a total or a line that says nothing.

    `tz` is the zone of the file's days where the mapping names none.

    Raises:
        BadInput: the file as a whole cannot be read, lacks a column, or holds no row.
    """
    with ExitStack() as stack:
        preamble = Preamble(lines=mapping.preamble, is_header=lambda names: not _missing(mapping, names))
        table = open_table(path, stack, encodings=mapping.encodings, delimiter=mapping.delimiter, preamble=preamble)
        reader = _Reader(mapping, table, tz=tz, where=str(path))
        number = 0
        for number, row in enumerate(table.rows(reader.wanted), 1):
            if isinstance(row, Unfit):
                yield RowFault(row=number, field="row", problem=str(row))
            else:
                yield reader.read(number, row)
        if not number:
            raise BadInput("the file holds no row", where=str(path), mend=ROWS_MEND)


class _Reader:
    def __init__(self, mapping: SpendMapping, table: Table, *, tz: str, where: str) -> None:
        missing = _missing(mapping, table.columns)
        if missing is not None:
            raise column_missing(missing, where=where)
        self._mapping = mapping
        found, currency = _resolved(mapping, table.columns)
        first = next(iter(table.columns), None)
        if first in table.texts:  # totals are named in a report's first column
            found = {**found, _FIRST: str(first)}
        self.wanted: tuple[str, ...] = tuple(dict.fromkeys(found.values()))
        self._places = {field: self.wanted.index(column) for field, column in found.items()}
        self._currency = currency or mapping.defaults.get("currency")
        self._tz = mapping.defaults.get("tz", tz)
        if self._currency is None and "currency" not in found:
            raise BadInput(
                "nothing says in which currency the costs are",
                where=where,
                mend='name a column, or a constant in the mapping: [defaults] currency = "CNY"',
            )

    def read(self, number: int, row: Sequence[object]) -> SpendRow | RowFault | None:
        cells = {field: row[place] for field, place in self._places.items()}
        try:
            if self._is_total(cells):
                return None
            return self._row(number, cells)
        except _Fault as fault:
            return RowFault(row=number, field=fault.field, problem=fault.problem)

    def _row(self, number: int, cells: Mapping[str, object]) -> SpendRow:
        cost = self._number(cells, "cost")
        if cost is None:
            raise _Fault("cost", "missing")
        return SpendRow(
            day=self._day(cells),
            campaign=self._text(cells, "campaign", needed=True) or "",
            cost=_EXACT.multiply(cost, self._mapping.unit),
            currency=self._text(cells, "currency", needed=True) or "",
            impressions=self._count(cells, "impressions"),
            clicks=self._count(cells, "clicks"),
            content=self._text(cells, "content"),
            tz=self._tz,
            row=number,
        )

    def _is_total(self, cells: Mapping[str, object]) -> bool:
        """A row without a day, in which the day, the campaign or the first column is one of the totals' words."""
        totals = self._mapping.totals
        if totals is None or self._has_day(cells.get("day")):
            return False
        day, campaign, first = (_stripped(cells.get(field)) for field in ("day", "campaign", _FIRST))
        named = any(isinstance(word, str) and word and totals.fullmatch(word) for word in (day, campaign, first))
        # a row that names neither a day nor a campaign is a total where the mapping says that totals look so
        return named or (not day and not campaign and totals.fullmatch("") is not None)

    def _has_day(self, value: object) -> bool:
        word = _stripped(value)
        return isinstance(value, date) or any(
            isinstance(word, str) and pattern.fullmatch(word) for pattern in self._mapping.days
        )

    def _day(self, cells: Mapping[str, object]) -> str:
        value = cells.get("day")
        if isinstance(value, date):
            return date(value.year, value.month, value.day).isoformat()
        word = str(value) if type(value) is int else _stripped(value)  # 20260301 in a typed column
        if word in self._mapping.empty:
            raise _Fault("day", "missing")
        for pattern in self._mapping.days:
            found = pattern.fullmatch(word) if isinstance(word, str) else None
            if found:
                try:
                    return date(int(found["y"]), int(found["m"]), int(found["d"])).isoformat()
                except ValueError:
                    break
        raise _Fault("day", f"not a day written as {self._mapping.written}")

    def _text(self, cells: Mapping[str, object], field: str, *, needed: bool = False) -> str | None:
        try:
            found = text(cells[field]).strip(_SPACES) if cells.get(field) is not None else ""
        except Unfit as problem:
            raise _Fault(field, str(problem)) from None
        if found in self._mapping.empty:
            found = self._mapping.defaults.get(field, "")
            if field == "currency":
                found = self._currency or ""
        if needed and not found:
            raise _Fault(field, "missing")
        return found or None

    def _count(self, cells: Mapping[str, object], field: str) -> int | None:
        number = self._number(cells, field)
        try:
            return None if number is None else integer(number)
        except Unfit as problem:
            raise _Fault(field, str(problem)) from None

    def _number(self, cells: Mapping[str, object], field: str) -> Decimal | None:
        value = cells.get(field)
        try:
            number = self._written(value) if isinstance(value, str) else None if value is None else decimal(value)
        except Unfit as problem:
            raise _Fault(field, str(problem)) from None
        if number is not None and not -_PLACES <= number.adjusted() <= _DIGITS:
            raise _Fault(field, "too large, or too small, for an amount")
        return number

    def _written(self, value: str) -> Decimal | None:
        word = value.strip(_SPACES)
        if word in self._mapping.empty:
            return None
        found = self._mapping.number.fullmatch(word)
        if found is None or (found["s"] and found["t"]):
            raise Unfit("not an amount as the mapping's [format] says they are written")
        digits = found["n"].replace(self._mapping.thousands, "") if self._mapping.thousands else found["n"]
        return Decimal(found["s"] + found["t"] + digits.replace(self._mapping.decimal, "."))


def _stripped(value: object) -> object:
    if value is None:
        return ""
    return value.strip(_SPACES) if isinstance(value, str) else value


def _missing(mapping: SpendMapping, names: Sequence[str]) -> str | None:
    """A column that is needed and not there, in the mapping's first spelling."""
    for field in _NEEDED:
        several = mapping.columns.get(field, ())
        if several and not any(_find(column, names) for column in several):
            return several[0]
    return None


def _resolved(mapping: SpendMapping, names: Sequence[str]) -> tuple[dict[str, str], str | None]:
    """The column of each field that has one, and the currency its header names."""
    found: dict[str, str] = {}
    currency: str | None = None
    for field, several in mapping.columns.items():
        for column in several:
            hit = _find(column, names)
            if hit is not None:
                found[field] = hit[0]
                currency = hit[1] or currency
                break
    return found, currency


def _find(column: str, names: Sequence[str]) -> tuple[str, str | None] | None:
    if CURRENCY_MARK not in column:
        return (column, None) if column in names else None
    before, _, after = column.partition(CURRENCY_MARK)
    pattern = re.compile(re.escape(before) + _CODE + re.escape(after))
    hits = [(name, hit[1]) for name in names if (hit := pattern.fullmatch(name))]
    return hits[0] if len(hits) == 1 else None
