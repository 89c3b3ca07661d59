"""Open a file the analyst holds as a DuckDB relation of prepared columns: CSV (also gzipped), JSON lines, Parquet.

Nothing is guessed from the values: a CSV's header is read here, every field arrives as text, and what is not a
number is a fault of its row. Errors name file, row and field, never a value.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO, cast

import duckdb
import narwhals as nw

from imp_core.errors import BadInput
from imp_experiments.measure.layout import Layout
from imp_experiments.measure.near import near_name
from imp_experiments.measure.relation import prepare_relation
from imp_experiments.measure.table import Prepared

__all__ = ["open_file"]

_SUFFIXES: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
}
_DELIMITERS: Final = ",;\t|"
_LONGEST_HEADER: Final = 1_000_000
_LINE: Final = re.compile(r"\bline:? (\d+)", re.IGNORECASE)


@contextmanager
def open_file(path: Path, layout: Layout) -> Iterator[Prepared]:
    """Open a file on a DuckDB connection of its own; whatever fails inside about the file becomes `BadInput`.

    Spills go to a private folder that is removed at the end; no extension is downloaded.

    Raises:
        BadInput: no such file, an unknown kind, a column that is missing, bytes that are not what the name says.
    """
    kind = _kind(path)
    with tempfile.TemporaryDirectory(prefix="imp-") as spill:
        settings = {"autoinstall_known_extensions": "false", "temp_directory": spill}
        with duckdb.connect(config=settings) as connection:  # type: ignore[arg-type]  # the stub knows no strings
            try:
                raw = _raw(connection, path, kind, layout)
                prepared = prepare_relation(raw, layout, source=str(path))
                yield Prepared(nw.from_native(prepared.relation).lazy(), prepared.first_fault, str(path))
            except duckdb.Error as error:
                raise _translated(error, path, kind) from None


def _kind(path: Path) -> str:
    if path.name == "-":
        mend = "save it first, like: … > units.csv, and name that file"
        raise BadInput("a table is read several times, which standard input cannot be", where="-", mend=mend)
    if path.is_dir():
        raise BadInput("it is a folder, not a file", where=str(path), mend="name one file in it")
    name = path.name.lower().removesuffix(".gz")
    kind = _SUFFIXES.get(Path(name).suffix)
    if kind is None or (kind == "parquet" and path.name.lower().endswith(".gz")):
        raise BadInput(
            "not a kind of file that can be read", where=str(path), mend="use .csv, .csv.gz, .jsonl or .parquet"
        )
    if not path.is_file():
        raise BadInput("there is no such file", where=str(path), mend="look at how it is spelt, and where it lies")
    if path.stat().st_size == 0:
        raise BadInput("the file is empty", where=str(path), mend="give it a header and rows")
    return kind


def _raw(connection: duckdb.DuckDBPyConnection, path: Path, kind: str, layout: Layout) -> duckdb.DuckDBPyRelation:
    """The wanted columns as raw_0, raw_1, … in the layout's order."""
    # DuckDB takes a path for a pattern
    literal = re.sub(r"([\[*?])", r"[\1]", str(path))
    if kind == "parquet":
        relation = connection.read_parquet(literal)
        names = _wanted(relation.columns, layout, path)
    elif kind == "json":
        names = list(layout.columns)
        relation = connection.read_json(literal, columns=dict.fromkeys(names, "VARCHAR"), format="newline_delimited")
    else:
        header, delimiter = _header(path)
        _wanted(header, layout, path)
        columns = {f"c{index}": "VARCHAR" for index in range(len(header))}
        relation = connection.read_csv(
            literal, columns=columns, header=True, delimiter=delimiter, quotechar='"', escapechar='"', auto_detect=False
        )
        names = [f"c{header.index(name)}" for name in layout.columns]
    return relation.project(", ".join(f"{_quoted(name)} AS raw_{index}" for index, name in enumerate(names)))


def _header(path: Path) -> tuple[list[str], str]:
    try:
        with _opened_text(path) as file:
            line = file.readline(_LONGEST_HEADER)
    except UnicodeDecodeError:
        raise BadInput("the file is not UTF-8 text", where=str(path), mend="save the file as CSV in UTF-8") from None
    except (OSError, EOFError):
        raise BadInput(
            "the file cannot be read: it is damaged or not what its name says",
            where=str(path),
            mend="look at it in what wrote it, and save it again under a name that says its kind",
        ) from None
    splits = [(next(csv.reader([line], delimiter=delimiter), []), delimiter) for delimiter in _DELIMITERS]
    return max(splits, key=lambda split: len(split[0]))


def _wanted(present: Sequence[str], layout: Layout, path: Path) -> list[str]:
    for name in layout.columns:
        if name not in present:
            near = near_name(name, present)
            mend = "look at the names in the file's header" if near is None else f"did you mean {near!r}?"
            raise BadInput(f"there is no column {name!r}", where=str(path), mend=mend)
        if list(present).count(name) > 1:
            raise BadInput(f"two columns are called {name!r}", where=str(path), mend="give each its own name")
    return list(layout.columns)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _translated(error: duckdb.Error, path: Path, kind: str) -> BadInput:
    """DuckDB's words hold the row itself: only the line's number is kept."""
    found = _LINE.search(str(error))
    # DuckDB counts the lines of JSON from 2
    line = _broken_line(path) if kind == "json" else int(found[1]) if found else None
    where = str(path) if line is None else f"{path}, line {line}"
    if re.search(r"unicode|utf-?8|encod", str(error), re.IGNORECASE):
        return BadInput("the file is not UTF-8 text", where=where, mend="save it in UTF-8")
    if isinstance(error, duckdb.OutOfMemoryException):
        return BadInput(
            "the file needs more memory than there is",
            where=str(path),
            mend="save it as Parquet, which is read in parts, or take a machine with more",
        )
    return BadInput(
        f"the file cannot be read as {kind}: it is damaged or not what its name says",
        where=where,
        mend="look at it in what wrote it, and save it again under a name that says its kind",
    )


def _broken_line(path: Path) -> int | None:
    """The first line that is not JSON, from 1; None where the bytes are not even text."""
    read = 0
    try:
        with _opened_text(path) as file:
            for line in file:
                read += 1
                if line.strip():
                    json.loads(line)
    except UnicodeDecodeError:
        return None
    except (OSError, EOFError, ValueError):
        return read or None
    return None


def _opened_text(path: Path) -> TextIO:
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    return cast(TextIO, opener(path, "rt", encoding="utf-8-sig", newline=""))
