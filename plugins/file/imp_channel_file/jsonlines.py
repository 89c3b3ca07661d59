"""JSON lines: one object a line, keys as columns."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import chain
from typing import NoReturn

from imp_channel_file.fields import FIELDS, Unfit
from imp_channel_file.table import bounded_lines, column_missing
from imp_core.errors import BadInput

__all__ = ["JsonLinesTable"]


class JsonLinesTable:
    """Objects line by line. Numbers with a fraction stay exact (`Decimal`); a key that is left out is empty.

    Without a mapping its columns are the fields of an event; the id is one of them where the first line has one. With
    one they are the first line's keys.
    """

    texts: frozenset[str] = frozenset()
    instants: frozenset[str] = frozenset()

    def __init__(self, stream: io.TextIOWrapper, *, mapped: bool, where: str) -> None:
        self._mapped, self._where = mapped, where
        self._decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)
        self._lines = filter(None, map(str.strip, bounded_lines(stream, where=where)))
        self._first = next(self._lines, "")
        first = self._decode(self._first)
        if not isinstance(first, dict):
            raise BadInput("not JSON lines: the first line is no object", where=where)
        fields = [name for name in FIELDS if name != "id" or name in first]
        self.columns: Sequence[str] = list(first) if mapped else fields

    def rows(self, wanted: Sequence[str]) -> Iterator[Sequence[object] | Unfit]:
        """The wanted keys' values.

        Raises:
            BadInput: a mapped key is in no line at all (known at the end only).
        """
        names = (*wanted, *wanted[:1])
        unseen, known = set(wanted), set(self.columns)
        for line in chain([self._first], self._lines):
            row = self._decode(line)
            if not isinstance(row, dict):
                yield Unfit("not a JSON object")
            elif self._mapped or row.keys() <= known:
                if unseen:
                    unseen -= row.keys()
                yield list(map(row.get, names))
            else:
                yield Unfit("a key is not a field of an event, or an id where the first line has none")
        if self._mapped and unseen:
            raise column_missing(min(unseen), where=self._where)

    def _decode(self, line: str) -> object:
        try:
            row, end = self._decoder.raw_decode(line)
            if "\\u" in line:  # half of a surrogate pair is no character and could not be written anywhere
                json.dumps(row, ensure_ascii=False, default=str).encode()
        except (ValueError, RecursionError, Unfit):
            return None
        return row if end == len(line) else None


def _no_constant(_: str) -> NoReturn:
    raise Unfit("NaN and Infinity are not JSON")
