"""JSON lines: one object a line, keys as columns."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NoReturn

from imp_channel_file.fields import FIELDS, Unfit
from imp_channel_file.table import bounded_lines, column_missing
from imp_core.errors import BadInput

__all__ = ["JsonLinesTable"]


class JsonLinesTable:
    """Objects line by line. Numbers with a fraction stay exact (`Decimal`); a key that is left out is empty."""

    text_only = False
    instants: frozenset[str] = frozenset()
    columns: Sequence[str] | None = None

    def __init__(self, stream: io.TextIOWrapper, *, mapped: bool, where: str) -> None:
        self._stream, self._mapped, self._where = stream, mapped, where
        self._decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)

    def rows(self, wanted: Sequence[str]) -> Iterator[Sequence[object] | Unfit]:
        """The wanted keys' values.

        Raises:
            BadInput: the first line is no object, or a mapped key is in no line at all (known at the end only).
        """
        names = (*wanted, *wanted[:1])
        unseen = set(wanted)
        first = True
        for line in bounded_lines(self._stream, where=self._where):
            text = line.strip()
            if not text:
                continue
            row = self._decode(text)
            if not isinstance(row, dict):
                if first:
                    raise BadInput("not JSON lines: the first line is no object", where=self._where)
                yield Unfit("not a JSON object")
                continue
            first = False
            if unseen:
                unseen -= row.keys()
            if not self._mapped and not row.keys() <= FIELDS.keys():
                yield Unfit("a key is not a field of an event")
                continue
            yield list(map(row.get, names))
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
