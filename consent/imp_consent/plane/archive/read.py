"""Reading files of the archive. What they hold is believed only where it is what was registered: a file is untrusted.

Its bytes are held against the registered hash first, then its columns, number of rows and the size of its row groups,
before anything is unpacked.
"""

from __future__ import annotations

import shutil
import weakref
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from imp_consent.plane.archive.files import CheckedFile, WrittenFile, opened_checked, private_folder
from imp_consent.plane.archive.live import LiveFile
from imp_consent.plane.archive.schema import SCHEMA
from imp_core.errors import ImpError, LedgerBroken
from imp_core.hold import Hold, held_folder
from imp_core.workspace import Workspace

__all__ = [
    "checked_live",
    "open_file",
    "read_checked",
    "read_columns",
    "read_live",
    "rows_by_batch",
    "rows_without_name",
    "scan",
]

_ROWS = 50_000
_GROUP_BYTES: Final = 1 << 30  # of a row group, unpacked: our own have a few MB
_MEND = "restore it from a backup, then run: imp audit verify"


def open_file(path: Path, opened: IO[bytes] | None = None) -> pq.ParquetFile:
    """Open a file of the archive, or read the one that is `opened` already; the caller closes that.

    Raises:
        LedgerBroken: it is not Parquet with the archive's columns, or a row group of it is larger than any of ours.
    """
    with _reading(path):
        parquet = pq.ParquetFile(path if opened is None else opened)
        fault = _fault(parquet)
    if fault is not None:
        parquet.close()
        raise LedgerBroken(f"a file of the archive {fault}", where=path.name, mend="run: imp audit verify")
    return parquet


def checked_live(workspace: Workspace, file: LiveFile) -> CheckedFile:
    """A registered file, its bytes, columns and number of rows checked; its rows are not read.

    Raises:
        LedgerBroken: it is missing, or not what was registered.
    """
    with opened_checked(workspace, file) as (opened, checked), open_file(checked.path, opened) as parquet:
        _expect_rows(parquet.metadata.num_rows, file.n, checked.path)
    return checked


def read_live(workspace: Workspace, file: LiveFile) -> Iterator[pa.RecordBatch]:
    """All rows of a registered file, some ten thousand at a time, counted against each of its batches.

    Raises:
        LedgerBroken: it is missing, or not what was registered; after the last row, that it was written to meanwhile.
    """
    path = workspace.root / file.path
    counts: Counter[int] = Counter()
    with opened_checked(workspace, file) as (opened, _), open_file(path, opened) as parquet:
        _expect_rows(parquet.metadata.num_rows, file.n, path)
        for rows in _batches(parquet, path):
            if rows.column("event_us").null_count:
                raise LedgerBroken("a file of the archive holds rows without a time", where=path.name, mend=_MEND)
            counts.update(rows_by_batch(rows))
            yield rows
    if +counts != +Counter({member.batch: member.n for member in file.members}):
        raise LedgerBroken("a file of the archive holds rows of other batches", where=path.name, mend=_MEND)


def read_columns(workspace: Workspace, file: WrittenFile | LiveFile, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Some columns of a file, in the order of its rows, some ten thousand rows at a time.

    Raises:
        LedgerBroken: it is not a file of the archive.
    """
    path = workspace.root / file.path
    with open_file(path) as parquet:
        yield from _batches(parquet, path, names)


def read_checked(workspace: Workspace, file: WrittenFile | LiveFile, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """As `read_columns`, of bytes that were checked against their hash.

    Raises:
        LedgerBroken: it is missing, or its bytes are others; after the last row, that it was written to meanwhile.
    """
    path = workspace.root / file.path
    with opened_checked(workspace, file) as (opened, _), open_file(path, opened) as parquet:
        yield from _batches(parquet, path, names)


def rows_by_batch(rows: pa.RecordBatch) -> dict[int, int]:
    """How many of these rows are of each batch."""
    return {item["values"]: item["counts"] for item in pc.value_counts(rows.column("batch")).to_pylist()}


def scan(workspace: Workspace, paths: Sequence[str]) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection of its own that knows these files' rows as `archive_row`; spills stay in the workspace.

    Spilled rows go when the connection is closed, their folder when nobody refers to it any more.

    Raises:
        LedgerBroken: a file cannot be read.
        ImpError: there is no place for spills.
    """
    connection = _connect(workspace)
    try:
        if paths:
            connection.read_parquet(list(paths)).create_view("archive_row")
        else:
            connection.from_arrow(SCHEMA.empty_table()).create("archive_row")
    except duckdb.Error as error:
        connection.close()
        raise LedgerBroken(f"the archive cannot be read: {type(error).__name__}", where="archive") from None
    return connection


def rows_without_name(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> str:
    """Let what SQL does in a connection of `scan` reach these files alone, and not by the name `archive_row`.

    Returns the SQL of a table with their rows. Nothing of it can be undone: the connection takes no settings any more.
    """
    quoted = ", ".join("'{}'".format(path.replace("'", "''")) for path in paths)
    if paths:
        connection.execute("DROP VIEW archive_row")
    connection.execute(f"SET allowed_paths = [{quoted}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return f"read_parquet([{quoted}])" if paths else "archive_row"  # without files it is an empty table


def _fault(parquet: pq.ParquetFile) -> str | None:
    if parquet.schema_arrow != SCHEMA:
        return "has other columns"
    described = parquet.metadata
    sizes = (described.row_group(at).total_byte_size for at in range(described.num_row_groups))
    if any(not 0 <= size <= _GROUP_BYTES for size in sizes):
        return f"has a row group of more than {_GROUP_BYTES >> 20} MiB"
    return None


def _expect_rows(found: int, registered: int, path: Path) -> None:
    if found != registered:
        fact = f"a file of the archive says it holds {found} rows, {registered} were registered"
        raise LedgerBroken(fact, where=path.name, mend=_MEND)


def _batches(parquet: pq.ParquetFile, path: Path, names: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    with _reading(path):
        yield from parquet.iter_batches(batch_size=_ROWS, columns=None if names is None else list(names))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        # only the type: the library's words may hold a row
        raise LedgerBroken(
            f"a file of the archive cannot be read: {type(error).__name__}", where=path.name, mend=_MEND
        ) from None


def _connect(workspace: Workspace) -> duckdb.DuckDBPyConnection:
    try:
        private_folder(workspace.temporary)
        folder, hold = held_folder(workspace.temporary, "duckdb-")
    except OSError as error:
        raise ImpError(f"cannot be written: {error.strerror}", where=str(workspace.temporary)) from None
    connection = duckdb.connect(
        config={
            "temp_directory": str(folder / "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )
    weakref.finalize(connection, _remove_spills, folder, hold)
    return connection


def _remove_spills(folder: Path, hold: Hold) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # what cannot be removed now is nobody's, and the next sweep's
    hold.release()
