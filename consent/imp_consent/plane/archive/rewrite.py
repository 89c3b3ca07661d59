"""Files written anew without some of their rows, and files that no row names any more."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.plane.archive.files import (
    BatchFile,
    WrittenFile,
    checked_path,
    fsync_folder,
    live_batches,
    open_file,
)
from imp_consent.plane.archive.writer import TEMPORARY_NAMES, ArchiveWriter
from imp_core.clock import SECOND_US
from imp_core.workspace import Workspace

__all__ = ["RewrittenFile", "discard", "orphans", "remove_orphans", "renumber_without", "rewrite_without"]

_ROWS = 50_000
_UNDER_WAY_US = 3600 * SECOND_US  # younger than this, an unnamed file may be about to be named
_NAME = re.compile(r"b([0-9]{8,})-v([0-9]+)-[0-9a-f]{12}\.parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class RewrittenFile(WrittenFile):
    """The next version of a registered file, with how many rows it lost; no row names it yet."""

    removed: int


def rewrite_without(workspace: Workspace, file: BatchFile, subjects: Collection[int]) -> RewrittenFile | None:
    """Write a registered file's next version without these subjects' rows; None where it holds none of them.

    The rows that stay keep their batch and row numbers.

    Raises:
        LedgerBroken: the file is missing or was changed.
    """
    gone = pa.array(sorted(subjects), pa.int64())
    with open_file(checked_path(workspace, file)) as parquet:
        if not _holds(parquet, gone):
            return None
        with ArchiveWriter(workspace, file.batch, file.version + 1) as writer:
            for rows in parquet.iter_batches(batch_size=_ROWS):
                writer.copy_rows(rows.filter(pc.invert(pc.is_in(rows.column("subject"), value_set=gone))))
            written = writer.publish()
    return RewrittenFile(**asdict(written), removed=file.n - written.n)


def renumber_without(workspace: Workspace, file: WrittenFile, rows: Collection[int], *, batch: int) -> WrittenFile:
    """Write a file that no row names yet again, under a batch number and without the rows of these numbers.

    Raises:
        LedgerBroken: the file is missing or was changed.
    """
    gone = pa.array(sorted(rows), pa.int32())
    with (
        open_file(checked_path(workspace, file)) as parquet,
        ArchiveWriter(workspace, batch, file.version) as writer,
    ):
        for found in parquet.iter_batches(batch_size=_ROWS):
            writer.append_rows(found.filter(pc.invert(pc.is_in(found.column("row"), value_set=gone))))
        return writer.publish()


def discard(workspace: Workspace, log: Log, file: WrittenFile) -> None:
    """Unlink a file unless a row names it: after a failure only the ledger knows whether its commit was reached."""
    with log.read() as reader:
        named = {live.path for live in live_batches(reader)}
    if file.path not in named:
        (workspace.root / file.path).unlink(missing_ok=True)


def orphans(workspace: Workspace, reader: Reader, *, now_us: int) -> list[Path]:
    """Files that no row names and none will: superseded versions at once, what an interrupted run left after an hour.

    Only files that are named like ours are ever meant.
    """
    live = live_batches(reader)
    named = {file.path for file in live}
    versions = {file.batch: file.version for file in live}
    found = list(workspace.temporary.glob(TEMPORARY_NAMES))
    for path in workspace.archive.glob("*"):
        ours = _NAME.fullmatch(path.name)
        if ours and path.relative_to(workspace.root).as_posix() not in named:
            found.append(path)
    return sorted(path for path in found if _superseded(path, versions) or _left_behind(path, now_us))


def remove_orphans(workspace: Workspace, log: Log) -> int:
    """Unlink what `orphans` finds, durably; returns how many."""
    with log.read() as reader:
        found = orphans(workspace, reader, now_us=log.clock.now_us())
    for path in found:
        path.unlink(missing_ok=True)
    if found and workspace.archive.is_dir():
        fsync_folder(workspace.archive)
    return len(found)


def _holds(parquet: pq.ParquetFile, subjects: pa.Array) -> bool:
    return any(
        pc.any(pc.is_in(rows.column("subject"), value_set=subjects)).as_py()
        for rows in parquet.iter_batches(batch_size=_ROWS, columns=["subject"])
    )


def _superseded(path: Path, versions: dict[int, int]) -> bool:
    ours = _NAME.fullmatch(path.name)
    if ours is None:
        return False
    version, current = int(ours[2]), versions.get(int(ours[1]), 0)
    # Only erasures write later versions: one of the present version that no row names lost its race or its process.
    return version < current or version == current > 0


def _left_behind(path: Path, now_us: int) -> bool:
    try:
        changed_us = path.stat().st_mtime_ns // 1_000
    except FileNotFoundError:
        return False
    return now_us - changed_us > _UNDER_WAY_US
