"""A file of people as numbered rows: CSV, JSON lines (both also gzipped) and Parquet, streamed."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, cast

from imp_consent.commands.bad_lines import BadLines, codec_name
from imp_consent.commands.layout import Layout, PlacedRow, Row
from imp_consent.commands.parquet_rows import Instant, read_parquet
from imp_consent.commands.swallowed import Shape, swallows
from imp_core.encodings import check_no_gb18030, check_no_utf_8, encoding_mend, likely_encoding
from imp_core.errors import BadInput

__all__ = ["Instant", "Layout", "PlacedRow", "Row", "counted_in", "read_placed", "read_rows"]


_ROWS: Final = "put a row a person below the header; see the command's --help for the columns"
_GZIP: Final = b"\x1f\x8b"
_PARQUET: Final = b"PAR1"
_JSON_LINES: Final = (".jsonl", ".ndjson", ".json")
_DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_DELIMITED: Final = (".csv", ".tsv", ".txt")
_MAX_LINE: Final = 1 << 20  # a longer line is no row of a table; reading it would let memory grow with the file
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_END_OF_DOS: Final = "\x1a"  # after the last line of some files
_CLOSE: Final = "close each quote in the row where it begins; within quotes a quote is written twice"
_NO_OBJECT: Final = "not a JSON object"
_SAVE_AS: Final = "save it as CSV (UTF-8), Parquet or JSON lines"


def read_rows(path: Path, layout: Layout) -> Iterator[tuple[int, Row]]:
    """Rows numbered from 1, the header not counted; blank lines are no rows. Timestamps of Parquet are `Instant`s.

    Raises:
        BadInput: the file as a whole cannot be read: absent, empty, binary, damaged, or of another header or encoding.
    """
    return ((number, row) for number, _, row in read_placed(path, layout))


def read_placed(path: Path, layout: Layout, *, by_line: bool = False) -> Iterator[PlacedRow]:
    """The same with each row's place: the line in which it begins, of Parquet the row, both from 1 (`counted_in`).

    `by_line`: a line that is no text in the file's encoding is what is wrong with its row, and not with the file.

    Raises:
        BadInput: as `read_rows`.
    """
    where = str(path)
    number = 0
    with _opened(path) as (content, suffix):
        for number, (place, row) in enumerate(_rows(content, suffix, layout, where, by_line=by_line), 1):
            yield PlacedRow(number, place, row)
    if not number:
        raise BadInput("the file holds no row", where=where, mend=_ROWS)


def counted_in(path: Path) -> str:
    """What the places of a file's rows count: "line", or "row" of Parquet.

    Raises:
        BadInput: the file is absent, empty or cannot be read.
    """
    with _opened(path) as (_, suffix):
        return "row" if suffix == ".parquet" else "line"


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, str]]:
    """The content, unpacked, and the suffix that says its format; what breaks underneath becomes `BadInput`."""
    where = str(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    suffix = ("", *(name for name in suffixes if name != ".gz"))[-1]
    try:
        if path.exists() and not path.is_file():
            raise BadInput("not a regular file", where=where, mend="name a file")
        with path.open("rb") as raw:
            head = raw.peek(4)[:4]
            packed = head[:2] == _GZIP
            if not head:
                raise BadInput("the file is empty", where=where, mend=_ROWS)
            if suffixes[-1:] == [".gz"] and not packed:
                raise BadInput("not gzip data, though it is named .gz", where=where, mend="unpack or rename it")
            if head == _PARQUET:
                suffix = ".parquet"
            with cast("BinaryIO", gzip.open(raw)) if packed else raw as content:
                yield content, suffix
    except FileNotFoundError:
        raise BadInput("no such file", where=where, mend="look at how it is spelt, and where it lies") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise BadInput("the gzip data is damaged or cut off", where=where, mend="fetch the file again") from None
    except OSError as error:
        raise BadInput(
            f"the file cannot be read: {error.strerror}", where=where, mend="look at its name, whose it is and its mode"
        ) from None


def _rows(content: BinaryIO, suffix: str, layout: Layout, where: str, *, by_line: bool) -> Iterator[tuple[int, Row]]:
    if suffix == ".parquet":
        yield from enumerate(read_parquet(content, layout, where), 1)
        return
    if suffix not in (*_JSON_LINES, *_DELIMITED):
        raise BadInput("not a kind of file that is read here", where=where, mend=_SAVE_AS)
    check_no_utf_8(content, layout.encoding, where=where)
    if layout.asks_encoding and layout.declare_encoding is not None:
        check_no_gb18030(content, layout.declare_encoding, where=where)
    bad = BadLines.of(content, layout, by_line=by_line)
    stream = io.TextIOWrapper(content, encoding=layout.encoding, errors=bad.errors, newline="")
    lines = _lines(stream, layout, where, bad)
    try:
        if suffix in _JSON_LINES:
            yield from _json_lines(lines, layout, bad)
        else:
            yield from _delimited(lines, suffix, layout, where, bad)
    finally:
        stream.detach()


def _delimited(
    lines: Iterator[str], suffix: str, layout: Layout, where: str, bad: BadLines
) -> Iterator[tuple[int, Row]]:
    first, blank = _after_blanks(lines)
    bad.check(first, where=f"{where}, line {blank + 1}")
    delimiter = layout.delimiter or _delimiter_of(first, "\t" if suffix == ".tsv" else ",")
    within: list[str] = []  # the lines of the record that is read
    records = csv.reader(_kept(chain([first], lines), within), delimiter=delimiter, strict=True)
    begins = blank + 1
    try:
        header = [name.strip() for name in next(records, [])]
        if not header:
            raise BadInput("the file is empty", where=where, mend=_ROWS)
        if swallows(within, Shape(len(header), delimiter)):
            raise BadInput("a quote that is not closed in the header", where=where, mend=_CLOSE)
        chosen = _chosen(layout, header, delimiter, where=where)
        places = [(name, header.index(column)) for name, column in chosen.items()]
        shape = Shape(len(header), delimiter, dict(places))
        begins = blank + records.line_num + 1
        within.clear()
        for record in records:
            line, begins = begins, blank + records.line_num + 1  # where the next one does
            if swallows(within, shape):
                yield line, f"a quote opens here and closes in line {begins - 1}, and a line between looks like a row"
            elif record:
                yield line, bad.problem(within) or _fields(record, places, len(header))
            within.clear()
    except csv.Error:
        # after a quote that is not closed nothing can be said about the rows that follow
        place = f"{where}, line {begins}"
        if blank + records.line_num > begins:
            place += f" (it does not match in line {blank + records.line_num})"
        what = "quotes that do not match, or a field of over 131,072 characters"
        raise BadInput(what, where=place, mend=_CLOSE) from None


def _after_blanks(lines: Iterator[str]) -> tuple[str, int]:
    """The first line that is not blank, and how many are before it."""
    blank = 0
    for line in lines:
        if line.strip():
            return line, blank
        blank += 1
    return "", blank


def _fields(record: list[str], places: list[tuple[str, int]], columns: int) -> Row:
    if len(record) != columns:
        return f"{len(record)} fields where the header has {columns}"
    return {name: record[place] for name, place in places}


def _kept(lines: Iterable[str], kept: list[str]) -> Iterator[str]:
    for line in lines:
        kept.append(line)
        yield line


def _delimiter_of(header: str, usual: str) -> str:
    """What stands between the columns: what the file's name says, unless only one other can be meant."""
    others = _others(header, usual)
    return others[0] if usual not in header and len(others) == 1 else usual


def _others(header: str, delimiter: str) -> list[str]:
    return [char for char in _DELIMITERS if char != delimiter and char in header]


def _chosen(layout: Layout, header: Sequence[str], delimiter: str, *, where: str) -> dict[str, str]:
    """Field → column; where the header is one column in which another delimiter stands, that is what is wrong."""
    others = _others(header[0], delimiter) if len(header) == 1 else []
    try:
        return layout.choose(header, where=where)
    except BadInput as error:
        if not others:
            raise
        seen = " and ".join(_DELIMITERS[char] for char in others)
        mend = f"its header holds {seen}: declare what separates its columns in the mapping, [file] delimiter"
        what = f"{error.what}; it is read as one column, with {_DELIMITERS.get(delimiter, delimiter)} between columns"
        raise BadInput(what, where=where, mend=f"{mend}, or save it with commas") from None


def _json_lines(lines: Iterator[str], layout: Layout, bad: BadLines) -> Iterator[tuple[int, Row]]:
    for place, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = bad.problem([line]) or _decoded(line)
        yield place, row if isinstance(row, str) else layout.pick(row)


def _lines(stream: io.TextIOWrapper, layout: Layout, where: str, bad: BadLines) -> Iterator[str]:
    number = 0
    try:
        while line := stream.readline(_MAX_LINE):
            number += 1
            if line == _END_OF_DOS:
                return
            if len(line) == _MAX_LINE or "\0" in line:
                bad.check(line, where=f"{where}, line {number}")
                what = "binary data, or a line of over a million characters"
                raise BadInput(what, where=f"{where}, line {number}", mend=_SAVE_AS)
            yield line
    except UnicodeError as error:
        name, likely, place = codec_name(layout), None, ""
        if isinstance(error, UnicodeDecodeError):
            likely = likely_encoding(error.object)
            if not layout.encoding.startswith("utf-16"):  # whose line ends are no bytes of their own
                place = f", line {number + 1 + len(_LINE_END.findall(error.object[: error.start]))}"
        mend = encoding_mend(layout.declare_encoding, likely, read_as=layout.encoding)
        raise BadInput(f"not text in {name}", where=f"{where}{place}", mend=mend) from None


def _decoded(line: str) -> dict[str, object] | str:
    """A JSON object, or what is wrong with it."""
    try:
        row = json.loads(line, object_pairs_hook=_once)
        line.encode()
        if "\\u" in line:  # half of a surrogate pair is no character and could not be written anywhere
            json.dumps(row, ensure_ascii=False).encode()
    except _Twice:
        return "a key that stands twice in one object: which of its values is meant?"
    except (ValueError, RecursionError):
        return _NO_OBJECT
    return row if isinstance(row, dict) else _NO_OBJECT


class _Twice(Exception):
    """A key stands twice in one object."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice
    return found
