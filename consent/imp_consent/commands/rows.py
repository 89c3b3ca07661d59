"""A file of people as numbered rows: CSV, JSON lines (both also gzipped) and Parquet, streamed."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, Protocol, cast

from imp_core.encodings import check_no_utf_8, encoding_mend, likely_encoding
from imp_core.errors import BadInput

__all__ = ["Instant", "Layout", "PlacedRow", "Row", "counted_in", "read_placed", "read_rows"]


_ROWS: Final = "put a row a person below the header; see the command's --help for the columns"


@dataclass(frozen=True, slots=True)
class Instant:
    """A time that a typed file holds as such, in UTC microseconds."""

    us: int


Row = dict[str, object] | str  # field → value as the file has it; or what is wrong with the row as a whole


class PlacedRow(NamedTuple):
    """A row with its number below the header, without blank lines, and its place as who opens the file finds it."""

    number: int
    place: int
    row: Row


class Layout(Protocol):
    """Which columns of a file are read, and under which names."""

    @property
    def encoding(self) -> str:
        """The codec of text files."""
        ...

    @property
    def delimiter(self) -> str | None:
        """What stands between the fields of a delimited file; None is as the header shows, else as its name says."""
        ...

    @property
    def timezone(self) -> str | None:
        """The zone of typed times that name none; None: each has to."""
        ...

    @property
    def declare_encoding(self) -> str | None:
        """How to say in which encoding a file is, with {} for its name; None: it has to be UTF-8."""
        ...

    def choose(self, names: Iterable[str], *, where: str) -> dict[str, str]:
        """Field → column, for a file that has these columns.

        Raises:
            BadInput: a column is missing, or named twice.
        """
        ...

    def pick(self, row: Mapping[str, object]) -> dict[str, object] | str:
        """Field → value of one JSON object; or what is wrong with it."""
        ...


_GZIP: Final = b"\x1f\x8b"
_PARQUET: Final = b"PAR1"
_JSON_LINES: Final = (".jsonl", ".ndjson", ".json")
_DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_DELIMITED: Final = (".csv", ".tsv", ".txt")
_MAX_LINE: Final = 1 << 20  # a longer line is no row of a table; reading it would let memory grow with the file
_BATCH: Final = 8_192
_SAVE_AS: Final = "save it as CSV (UTF-8), Parquet or JSON lines"


def read_rows(path: Path, layout: Layout) -> Iterator[tuple[int, Row]]:
    """Rows numbered from 1, the header not counted; blank lines are no rows. Timestamps of Parquet are `Instant`s.

    Raises:
        BadInput: the file as a whole cannot be read: absent, empty, binary, damaged, or of another header or encoding.
    """
    return ((number, row) for number, _, row in read_placed(path, layout))


def read_placed(path: Path, layout: Layout) -> Iterator[PlacedRow]:
    """The same with each row's place: the line in which it begins, of Parquet the row, both from 1 (`counted_in`).

    Raises:
        BadInput: as `read_rows`.
    """
    where = str(path)
    number = 0
    with _opened(path) as (content, suffix):
        for number, (place, row) in enumerate(_rows(content, suffix, layout, where), 1):
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


def _rows(content: BinaryIO, suffix: str, layout: Layout, where: str) -> Iterator[tuple[int, Row]]:
    if suffix == ".parquet":
        yield from enumerate(_parquet(content, layout, where), 1)
        return
    if suffix not in (*_JSON_LINES, *_DELIMITED):
        raise BadInput("not a kind of file that is read here", where=where, mend=_SAVE_AS)
    check_no_utf_8(content, layout.encoding, where=where)
    stream = io.TextIOWrapper(content, encoding=layout.encoding, errors="strict", newline="")
    try:
        if suffix in _JSON_LINES:
            yield from _json_lines(stream, layout, where)
        else:
            yield from _delimited(stream, suffix, layout, where)
    except UnicodeError as error:
        name = layout.encoding.removesuffix("-sig").upper()
        likely = likely_encoding(error.object) if isinstance(error, UnicodeDecodeError) else None
        mend = encoding_mend(layout.declare_encoding, likely, read_as=layout.encoding)
        raise BadInput(f"not text in {name}", where=where, mend=mend) from None
    finally:
        stream.detach()


def _delimited(stream: io.TextIOWrapper, suffix: str, layout: Layout, where: str) -> Iterator[tuple[int, Row]]:
    lines = _lines(stream, where)
    first = next(lines, "")
    delimiter = layout.delimiter or _delimiter_of(first, "\t" if suffix == ".tsv" else ",")
    records, begins = csv.reader(chain([first], lines), delimiter=delimiter, strict=True), 1
    try:
        header = [name.strip() for name in next(records, [])]
        if not header:
            raise BadInput("the file is empty", where=where, mend=_ROWS)
        chosen = _chosen(layout, header, delimiter, where=where)
        places = [(name, header.index(column)) for name, column in chosen.items()]
        begins = records.line_num + 1
        for record in records:
            line, begins = begins, records.line_num + 1  # where the next one does
            if len(record) == len(header):
                yield line, {name: record[place] for name, place in places}
            elif record:
                yield line, f"{len(record)} fields where the header has {len(header)}"
    except csv.Error:
        # after a quote that is not closed nothing can be said about the rows that follow
        place = f"{where}, line {begins}"
        if records.line_num > begins:
            place += f" (it does not match in line {records.line_num})"
        raise BadInput(
            "quotes that do not match, or a field of over 131,072 characters",
            where=place,
            mend="close each quote in the row where it begins; within quotes a quote is written twice",
        ) from None


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


def _json_lines(stream: io.TextIOWrapper, layout: Layout, where: str) -> Iterator[tuple[int, Row]]:
    for place, line in enumerate(_lines(stream, where), 1):
        if not line.strip():
            continue
        row = _decoded(line)
        yield place, "not a JSON object" if row is None else layout.pick(row)


def _parquet(content: BinaryIO, layout: Layout, where: str) -> Iterator[Row]:
    import pyarrow as pa  # noqa: PLC0415 (takes longer to import than a small CSV to read)
    import pyarrow.parquet as pq  # noqa: PLC0415 (as above)

    try:
        file = pq.ParquetFile(content, pre_buffer=False)
        chosen = layout.choose(file.schema_arrow.names, where=where)
        zoned = _zoned(file.schema_arrow, chosen, where, local=layout.timezone is not None)
        for batch in file.iter_batches(batch_size=_BATCH, columns=list(dict.fromkeys(chosen.values()))):
            values = {name: _values(pa, batch.column(column), zoned=zoned.get(name)) for name, column in chosen.items()}
            for row in zip(*values.values(), strict=True):
                yield dict(zip(values, row, strict=True))
    except (pa.ArrowException, OSError, ValueError, OverflowError):  # text that is not UTF-8, among others
        raise BadInput("the Parquet file is damaged or cut off", where=where, mend="fetch the file again") from None


def _zoned(schema: Any, chosen: dict[str, str], where: str, *, local: bool) -> dict[str, bool]:  # noqa: ANN401 (pyarrow has no types)
    """The fields whose column holds timestamps, and whether with a zone.

    Raises:
        BadInput: a column of times has no zone, and they are not `local`.
    """
    zoned = {}
    for name, column in chosen.items():
        type_ = schema.field(column).type
        if str(type_).startswith("timestamp"):
            if type_.tz is None and not local:
                raise BadInput(
                    f"the column {column} holds times without a zone",
                    where=where,
                    mend="write it as timestamp with zone UTC, or as ISO 8601 text with an offset",
                )
            zoned[name] = type_.tz is not None
    return zoned


def _values(pa: Any, column: Any, *, zoned: bool | None) -> list[object]:  # noqa: ANN401 (pyarrow has no types)
    if zoned is not None:
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    values: list[object] = (column.cast(pa.int64()) if zoned else column).to_pylist()
    return [None if us is None else Instant(cast("int", us)) for us in values] if zoned else values


def _lines(stream: io.TextIOWrapper, where: str) -> Iterator[str]:
    while line := stream.readline(_MAX_LINE):
        if len(line) == _MAX_LINE or "\0" in line:
            raise BadInput("binary data, or a line of over a million characters", where=where, mend=_SAVE_AS)
        yield line


def _decoded(line: str) -> dict[str, object] | None:
    try:
        row = json.loads(line)
        line.encode()
        if "\\u" in line:  # half of a surrogate pair is no character and could not be written anywhere
            json.dumps(row, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
