"""CSV and its relatives: a header, then rows of text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from imp_channel_file.fields import Unfit
from imp_channel_file.table import bounded_lines, column_missing
from imp_core.errors import BadInput

__all__ = ["DelimitedTable", "Preamble"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preamble:
    """Lines that may stand above the header: at most `lines`; the header is the first line that `is_header`."""

    lines: int
    is_header: Callable[[Sequence[str]], bool]


class DelimitedTable:
    """A CSV file (RFC 4180: quotes doubled inside quotes) in any of the three line endings."""

    instants: frozenset[str] = frozenset()

    def __init__(
        self, stream: io.TextIOWrapper, *, delimiter: str, where: str, preamble: Preamble | None = None
    ) -> None:
        self._where = where
        self._records = csv.reader(bounded_lines(stream, where=where), delimiter=delimiter, strict=True)
        self.columns: Sequence[str] = self._header(preamble)
        self.texts = frozenset(self.columns)

    def rows(self, wanted: Sequence[str]) -> Iterator[Sequence[object] | Unfit]:
        """The wanted columns' values; blank lines are no rows."""
        pick = itemgetter(*self._places(wanted), 0)
        width = len(self.columns)
        for record in self._guarded():
            if len(record) == width:
                yield pick(record)
            elif record:
                yield Unfit(f"{len(record)} fields where the header has {width}")

    def _header(self, preamble: Preamble | None) -> list[str]:
        first: list[str] = []
        for place, record in enumerate(self._guarded()):
            names = [name.strip() for name in record]
            first = first or names
            if preamble is None or preamble.is_header(names):
                return names
            if place >= preamble.lines:
                break
        return first  # the columns that are missing are named when they are asked for

    def _places(self, wanted: Sequence[str]) -> list[int]:
        for name in wanted:
            if name not in self.columns:
                raise column_missing(name, where=self._where)
            if self.columns.count(name) > 1:
                raise BadInput(f"the header has the column {name} twice", where=self._where)
        return [self.columns.index(name) for name in wanted]

    def _guarded(self) -> Iterator[list[str]]:
        # After a quote that is not closed nothing can be said about the rows that follow: the whole file is refused.
        try:
            yield from self._records
        except csv.Error:
            place = f"{self._where}, line {self._records.line_num}"
            raise BadInput("quotes that do not match, or a field of over 131,072 characters", where=place) from None
