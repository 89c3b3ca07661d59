"""The channel's `report`: a spend file page by page. A cursor is the number of rows that were read before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from imp_channel_file.named import mapping_text
from imp_channel_file.spend import read_spend
from imp_channel_file.spend_mapping import parse_spend_mapping
from imp_core.channel import Source, SpendPage, SpendRow, Window
from imp_core.errors import BadInput
from imp_core.event import RowFault

__all__ = ["PAGE", "SpendPages"]

PAGE = 10_000
_Rows = Iterator[SpendRow | RowFault | None]


@dataclass(slots=True)
class _Open:
    source: Source
    rows: _Rows
    read: int = 0


class SpendPages:
    """Reads reports. The file stays open between a page and the next, so that each row is read once.

    Where another report was asked for in between, or the channel was made anew, the rows before are read again.
    """

    def __init__(self, *, page: int = PAGE) -> None:
        self._page = page
        self._open: _Open | None = None

    def next(self, window: Window, cursor: str | None, *, tz: str) -> SpendPage:
        """The page after a cursor, of the rows within the window.

        Raises:
            BadInput: no file or mapping was named, the file cannot be read, or it is not a cursor of ours.
        """
        opened = self._at(window, _place(cursor), tz)
        read = list(islice(opened.rows, self._page))
        opened.read += len(read)
        last = len(read) < self._page
        self._open = None if last else opened
        return SpendPage(
            rows=[row for row in read if isinstance(row, SpendRow) and _within(row, window)],
            faults=[row for row in read if isinstance(row, RowFault)],
            cursor=None if last else str(opened.read),
        )

    def _at(self, window: Window, place: int, tz: str) -> _Open:
        source = window.source
        if source is None:
            raise BadInput("no file was named", mend="name one: --source FILE --map NAME")
        if source.mapping is None:
            raise BadInput("no mapping was named", where=str(source.path), mend="name one: --map NAME or --map FILE")
        held, self._open = self._open, None
        if held is not None and held.source == source and held.read == place:
            return held
        text, where = mapping_text(source.mapping)
        rows = read_spend(source.path, parse_spend_mapping(text, where=where), tz=tz)
        skipped = sum(1 for _ in islice(rows, place))
        return _Open(source, rows, skipped)


def _place(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal()):
        raise BadInput("not a cursor of the channel file")
    return int(cursor)


def _within(row: SpendRow, window: Window) -> bool:
    # ISO days sort as text
    after = window.first_day is None or row.day >= window.first_day
    return after and (window.last_day is None or row.day <= window.last_day)
