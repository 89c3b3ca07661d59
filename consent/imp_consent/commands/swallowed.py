"""Rows that a stray quote makes part of a field: who said no in one of them would be read as having said nothing.

Honest texts go over lines as well. A quote is a stray one where its line is a whole row if the quote is no more than a
character, and a line after it, up to that in which it closes, is one too: of as many fields, with somebody and a time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Shape", "swallows"]

_TEXT: Final = re.compile(r'"(?:[^"]|"")*+"')
_CLOSE: Final = re.compile(r'(?:[^"]|"")*+"')
_MARKS: Final = ":@"  # of kind:value, and of an address


@dataclass(frozen=True, slots=True)
class Shape:
    """How rows of a file look: so many fields, what stands between them, and where `identifier` and `at` are, if so."""

    fields: int
    delimiter: str
    places: Mapping[str, int] = field(default_factory=dict)

    def is_row(self, cells: Sequence[str], after: Sequence[str] = ()) -> bool:
        """Whether cells may be a row; one `after` a row names somebody as that one does."""
        if len(cells) != self.fields:
            return False
        time, who = self._cell("at", cells), self._cell("identifier", cells)
        before = self._cell("identifier", after or cells) or ""
        mark = next((mark for mark in _MARKS if mark in before), "")
        timed = not time or any(char.isdigit() for char in time)  # an empty one may be filled by a constant
        return timed and (who is None or (who != "" and mark in who))

    def _cell(self, name: str, cells: Sequence[str]) -> str | None:
        return cells[self.places[name]].strip(' "') if name in self.places else None


def swallows(lines: Sequence[str], shape: Shape) -> bool:
    """Whether one of the lines over which a record goes looks like a row of its own."""
    if len(lines) == 1:  # as most
        return False
    before: list[str] = []
    rest, *after = (line.rstrip("\r\n") for line in lines)
    while after:
        cells = _cells(rest, shape.delimiter)
        closed = next((n for n, line in enumerate(after) if _CLOSE.match(line)), len(after) - 1)
        row = [*before, *cells]
        over = (_cells(line, shape.delimiter) for line in after[: closed + 1])
        if shape.is_row(row) and any(shape.is_row(line, row) for line in over):
            return True
        before += cells[: 1 + next((n for n, cell in enumerate(cells) if _opens(cell)), len(cells))]
        rest, after = _CLOSE.sub("", after[closed], count=1)[1:], after[closed + 1 :]
    return False


def _cells(line: str, delimiter: str) -> list[str]:
    """The cells of one line, in which a quote that it does not close is a character."""
    cells, at = list[str](), 0
    while True:
        text = _TEXT.match(line, at)
        end = text.end() if text and line[text.end() : text.end() + 1] in ("", delimiter) else line.find(delimiter, at)
        cells.append(line[at:] if end == -1 else line[at:end])
        if end in (-1, len(line)):
            return cells
        at = end + 1


def _opens(cell: str) -> bool:
    """Whether a text begins in a cell, and goes on in the next line."""
    return cell.startswith('"') and _TEXT.fullmatch(cell) is None
