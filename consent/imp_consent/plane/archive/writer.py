"""A file on its way into the archive."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from imp_consent.plane.archive.files import WrittenFile, private_folder, sha256_of_file
from imp_consent.plane.archive.schema import PLAIN, SCHEMA, arrow_rows
from imp_core.clock import DAY_US
from imp_core.errors import ImpError
from imp_core.hold import held_file
from imp_core.workspace import Workspace, sync

__all__ = ["ArchiveWriter"]

_PREFIX, _SUFFIX = "archive-", ".parquet"
_DICTIONARY = [field.name for field in SCHEMA if pa.types.is_string(field.type) and field.name not in PLAIN]


class ArchiveWriter:
    """One file in the making, outside the archive until `publish`; a block left without it leaves nothing behind.

    It is held from the beginning, and after `publish` by what that returned, so that nobody takes it for a leftover.
    """

    def __init__(self, workspace: Workspace, batch: int, version: int = 0) -> None:
        self._workspace = workspace
        self._batch = batch
        self._version = version
        self._n = 0
        self._days: tuple[int, int] | None = None
        self._published = False

    def __enter__(self) -> ArchiveWriter:
        with _writing(self._workspace.temporary):
            private_folder(self._workspace.temporary)
            descriptor, self._path, self._hold = held_file(self._workspace.temporary, _PREFIX, _SUFFIX)
        self._file = os.fdopen(descriptor, "wb")
        try:
            self._parquet = pq.ParquetWriter(self._file, SCHEMA, compression="zstd", use_dictionary=_DICTIONARY)
        except BaseException:  # interrupted here, `__exit__` never comes
            self._file.close()
            with suppress(OSError):  # as in `__exit__`
                self._path.unlink(missing_ok=True)
            self._hold.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # A disk that failed the write fails the close too: what remains to be done is to unlink.
        try:
            with suppress(OSError, pa.ArrowException):
                self._parquet.close()
            with suppress(OSError):
                self._file.close()
        finally:
            if not self._published:
                with suppress(OSError):  # what cannot be unlinked now is a leftover, and the next sweep's
                    self._path.unlink(missing_ok=True)
                self._hold.release()

    def append(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Write rows, numbered on from the last; a column that is not named is null.

        Raises:
            PluginBroken: a value is not of its column's type.
            ImpError: the disk does not take them.
        """
        n = len(columns["event_id"])
        self.append_rows(arrow_rows(columns, n))

    def append_rows(self, rows: pa.RecordBatch) -> None:
        """Write rows of this schema under this batch's number, numbered on from the last."""
        n = rows.num_rows
        batch, row = SCHEMA.get_field_index("batch"), SCHEMA.get_field_index("row")
        rows = rows.set_column(batch, SCHEMA.field(batch), pa.repeat(pa.scalar(self._batch, pa.int32()), n))
        rows = rows.set_column(row, SCHEMA.field(row), pa.array(range(self._n, self._n + n), pa.int32()))
        self.copy_rows(rows)

    def copy_rows(self, rows: pa.RecordBatch) -> None:
        """Write rows as they are, their batch and row numbers included."""
        if not rows.num_rows:
            return
        with _writing(self._path):
            self._parquet.write_batch(rows)
        self._n += rows.num_rows
        bounds = pc.min_max(rows.column("event_us"))
        first, last = bounds["min"].as_py() // DAY_US, bounds["max"].as_py() // DAY_US
        known = self._days or (first, last)
        self._days = (min(first, known[0]), max(last, known[1]))

    def publish(self) -> WrittenFile:
        """Put the finished file into the archive: fsync, rename, fsync the folder.

        Raises:
            ImpError: the disk does not take it; the archive is as it was.
        """
        with _writing(self._path):
            self._parquet.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            sha256 = sha256_of_file(self._path)
        # A random tail makes the name one's own: whoever else writes this number overwrites and unlinks nothing here.
        target = self._workspace.archive / f"b{self._batch:08d}-v{self._version}-{secrets.token_hex(6)}.parquet"
        with _writing(target):
            _move(self._path, target)
        self._published = True
        first, last = self._days or (0, -1)
        return WrittenFile(
            batch=self._batch,
            version=self._version,
            path=target.relative_to(self._workspace.root).as_posix(),
            sha256=sha256,
            n=self._n,
            first_day=first,
            last_day=last,
            hold=self._hold,
        )


def _move(source: Path, target: Path) -> None:
    private_folder(target.parent)
    source.rename(target)
    try:
        sync(target.parent)
    except OSError:
        target.unlink(missing_ok=True)
        raise


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise ImpError(
            f"the archive cannot be written: {problem}", where=str(path), mend="look at the disk, then run it again"
        ) from None
    except pa.ArrowException as error:
        raise ImpError(f"the archive cannot be written: {type(error).__name__}", where=str(path)) from None
