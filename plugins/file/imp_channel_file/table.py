"""A file as rows of values: which format it is, and the one shape all formats are read into."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from imp_channel_file.fields import Unfit
from imp_core.encodings import check_no_utf_8, encoding_mend, likely_encoding
from imp_core.errors import BadInput

__all__ = [
    "MAX_LINE",
    "ROWS_MEND",
    "Format",
    "Table",
    "bounded_lines",
    "column_missing",
    "detect",
    "opened",
    "text_stream",
]

# A longer line is no row of a table; reading it would let memory grow with the file.
MAX_LINE = 1 << 20
_HEAD = 1 << 16
_DECLARE = 'in the mapping: [file] encoding = "{}"'
_GZIP, _PARQUET, _ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"
ROWS_MEND = "put a row below the header, or leave the file out"
_SAVE_AS = "save it as CSV (UTF-8), Parquet or JSON lines"


class Table(Protocol):
    """One opened file.

    `columns`: its column names in order; of a format without a header, those it may have.
    `texts`: columns whose every value is text or None.
    `instants`: columns whose values are already UTC integer microseconds.
    """

    @property
    def columns(self) -> Sequence[str]: ...  # noqa: D102 (described above)
    @property
    def texts(self) -> frozenset[str]: ...  # noqa: D102 (described above)
    @property
    def instants(self) -> frozenset[str]: ...  # noqa: D102 (described above)

    def rows(self, wanted: Sequence[str]) -> Iterator[Sequence[object] | Unfit]:
        """The wanted columns' values row by row (at least two values a row, the surplus repeated), or the problem.

        Raises:
            BadInput: a wanted column is missing, or the rest of the file cannot be read.
        """
        ...


class Format(StrEnum):
    """What `detect` finds."""

    CSV = "csv"
    JSON_LINES = "json lines"
    PARQUET = "parquet"


_SUFFIXES = {
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".txt": Format.CSV,
    ".jsonl": Format.JSON_LINES,
    ".ndjson": Format.JSON_LINES,
    ".json": Format.JSON_LINES,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, bool]]:
    """Open a regular file: its content, and whether that is being unpacked from gzip.

    What goes wrong underneath while the block runs becomes `BadInput`.

    Raises:
        BadInput: no such file, not a file, empty, not permitted, or gzip that is damaged or cut off.
    """
    where = str(path)
    try:
        if path.exists() and not path.is_file():
            raise BadInput("not a regular file", where=where)
        with path.open("rb") as raw:
            packed = raw.peek(2)[:2] == _GZIP
            with cast("BinaryIO", gzip.open(raw)) if packed else raw as content:
                yield content, packed
    except FileNotFoundError:
        raise BadInput("no such file", where=where) from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise BadInput("the gzip data is damaged or cut off", where=where, mend="fetch the file again") from None
    except OSError as error:
        raise BadInput(f"the file cannot be read: {error.strerror}", where=where) from None


def detect(path: Path, content: BinaryIO, *, packed: bool) -> Format:
    """Which format the content is, by its first bytes, then by the name; the content is left at its start.

    Raises:
        BadInput: empty, or of a format that is not read here.
    """
    where = str(path)
    head = content.read(_HEAD)
    content.seek(0)
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise BadInput("the file is empty", where=where, mend=ROWS_MEND)
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    named = _SUFFIXES.get(suffixes[-1]) if suffixes else None
    if head.startswith(_PARQUET):
        if packed:
            raise BadInput("gzipped Parquet", where=where, mend="unpack it: Parquet is compressed inside")
        return Format.PARQUET
    if named == Format.PARQUET:
        raise BadInput("not a Parquet file: it does not begin with PAR1", where=where)
    if head.startswith(_ZIP):
        raise BadInput("a ZIP archive or an Excel workbook", where=where, mend=_SAVE_AS)
    return named or (Format.JSON_LINES if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else Format.CSV)


@contextmanager
def text_stream(content: BinaryIO, *, encoding: str, where: str) -> Iterator[io.TextIOWrapper]:
    """Decode strictly.

    Raises:
        BadInput: other bytes than the encoding allows, anywhere in the file, binary data, or UTF-8 declared otherwise.
    """
    head = content.read(_HEAD)
    content.seek(0)
    mend = encoding_mend(_DECLARE, likely_encoding(head), read_as=encoding)
    if encoding != "utf-16" and (head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head):
        raise BadInput("not UTF-8 text: UTF-16 or binary data", where=where, mend=mend)
    check_no_utf_8(content, encoding, where=where)
    stream = io.TextIOWrapper(content, encoding=encoding, errors="strict", newline="")
    try:
        yield stream
    except UnicodeError as error:  # no position: it would need the bytes around it, and those stay unsaid
        if isinstance(error, UnicodeDecodeError):
            mend = encoding_mend(_DECLARE, likely_encoding(error.object), read_as=encoding)
        name = "UTF-8" if encoding == "utf-8-sig" else encoding
        raise BadInput(f"not {name} text", where=where, mend=mend) from None
    finally:
        stream.detach()


def bounded_lines(stream: io.TextIOWrapper, *, where: str) -> Iterator[str]:
    """Lines with their ends as they are.

    Raises:
        BadInput: a line is longer than `MAX_LINE` characters.
    """
    while line := stream.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise BadInput("a line of over a million characters", where=where, mend="this is not a table of rows")
        yield line


def column_missing(name: str, *, where: str) -> BadInput:
    """The error for a column the mapping names and the file lacks."""
    return BadInput(f"the file has no column {name}", where=where, mend="compare the mapping with the file's header")
