"""A channel's page of spend, read once into core's own plain types, in the channel's own thread.

What is not what it should be raises `TypeError` or `ValueError`, which the runner turns into `PluginBroken`.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from typing import Any, Final, TypeVar

from imp_core.channel import SpendPage, SpendRow
from imp_core.event import RowFault
from imp_core.wall.words import masked, plain_text, shown_text

__all__ = ["spend_page"]

_MOST_ROWS: Final = 100_000
_MOST_CURSOR: Final = 1_000
_MOST_FIELD: Final = 40
_MOST_NUMBER: Final = 2**53

T = TypeVar("T")


def spend_page(answer: object) -> SpendPage:
    """The page, copied: exact types, bounded, its words about faulty rows without what looks like an address.

    Raises:
        TypeError: not a `SpendPage`, or something in it is of another type.
        ValueError: more than a page may hold.
    """
    page = _exactly(answer, SpendPage)
    cursor = None if page.cursor is None else plain_text(page.cursor)
    if cursor is not None and len(cursor) > _MOST_CURSOR:
        raise ValueError("a cursor that long")
    return SpendPage(
        rows=tuple(_row(item) for item in _bounded(page.rows)),
        faults=tuple(_fault(item) for item in _bounded(page.faults)),
        cursor=cursor,
    )


def _row(item: object) -> SpendRow:
    row = _exactly(item, SpendRow)
    return SpendRow(
        day=plain_text(row.day),
        campaign=plain_text(row.campaign),
        cost=_exactly(row.cost, Decimal),
        currency=plain_text(row.currency),
        impressions=None if row.impressions is None else _exactly(row.impressions, int),
        clicks=None if row.clicks is None else _exactly(row.clicks, int),
        content=None if row.content is None else plain_text(row.content),
        tz=plain_text(row.tz),
        row=_number(row.row),
    )


def _fault(item: object) -> RowFault:
    fault = _exactly(item, RowFault)
    field, problem = shown_text(fault.field, most=_MOST_FIELD), shown_text(fault.problem)
    return RowFault(row=_number(fault.row), field=masked(field), problem=masked(problem))


def _number(value: object) -> int:
    number = _exactly(value, int)
    if not 0 <= number < _MOST_NUMBER:
        raise ValueError("not the number of a row")
    return number


def _exactly(value: object, kind: type[T]) -> T:
    if type(value) is not kind:
        raise TypeError(f"not a {kind.__name__}")
    return value


def _bounded(values: Iterable[Any]) -> list[Any]:
    found = list(islice(values, _MOST_ROWS + 1))
    if len(found) > _MOST_ROWS:
        raise ValueError("more rows than a page may hold")
    return found
