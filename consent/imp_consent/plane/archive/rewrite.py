"""Files written anew without some of their rows, and files that no row names any more."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.plane.archive.files import (
    WrittenFile,
    live_batches,
)
from imp_consent.plane.archive.live import LiveFile, RewrittenFile
from imp_consent.plane.archive.read import read_checked, read_live, rows_by_batch
from imp_consent.plane.archive.schema import SCHEMA
from imp_consent.plane.archive.writer import ArchiveWriter
from imp_core.errors import ImpError
from imp_core.hold import sweep, take
from imp_core.workspace import Workspace, sync

__all__ = ["discard", "remove_orphans", "renumber_without", "rewrite_where", "rewrite_without", "rewritten"]

_GLANCE_S: Final = 0.2  # longer than anybody takes to see whether a file is held
_LONG_S: Final = 30.0  # longer than an intake takes from the end of its file to its commit
_NAME = re.compile(r"b([0-9]{8,})-v([0-9]+)-[0-9a-f]{12}\.parquet")


def rewrite_without(workspace: Workspace, file: LiveFile, subjects: Collection[int]) -> RewrittenFile | None:
    """Write a registered file's next version without these subjects' rows; None where it holds none of them.

    The rows that stay keep their batch and row numbers.

    Raises:
        LedgerBroken: the file is missing or was changed.
    """
    gone = pa.array(sorted(subjects), pa.int64())
    return rewrite_where(workspace, file, ("subject",), lambda rows: pc.is_in(rows.column("subject"), value_set=gone))


def rewrite_where(
    workspace: Workspace, file: LiveFile, columns: Sequence[str], gone: Callable[[pa.RecordBatch], pa.BooleanArray]
) -> RewrittenFile | None:
    """Write a registered file's next version without the rows for which `gone` is true; None where there are none.

    `gone` looks at these columns alone. The rows that stay keep their batch and row numbers.

    Raises:
        LedgerBroken: the file is missing or was changed.
    """
    if not _any(gone(rows) for rows in read_checked(workspace, file, columns)):
        return None
    counts: Counter[int] = Counter()
    with ArchiveWriter(workspace, file.batch, file.version + 1) as writer:
        for rows in read_live(workspace, file):
            kept = rows.filter(pc.invert(gone(rows)))
            writer.copy_rows(kept)
            counts.update(rows_by_batch(kept))
        written = writer.publish()
    return rewritten(written, counts)


def _any(chunks: Iterable[pa.BooleanArray]) -> bool:
    return any(pc.any(chunk).as_py() for chunk in chunks)


def rewritten(file: WrittenFile, counts: Mapping[int, int]) -> RewrittenFile:
    """A written file as one that takes others' place, with its rows by batch."""
    return RewrittenFile(**{column.name: getattr(file, column.name) for column in fields(file)}, counts=counts)


def renumber_without(workspace: Workspace, file: WrittenFile, rows: Collection[int], *, batch: int) -> WrittenFile:
    """Write a file that no row names yet again, under a batch number and without the rows of these numbers.

    Raises:
        LedgerBroken: the file is missing or was changed.
    """
    gone = pa.array(sorted(rows), pa.int32())
    with ArchiveWriter(workspace, batch, file.version) as writer:
        for found in read_checked(workspace, file, SCHEMA.names):
            writer.append_rows(found.filter(pc.invert(pc.is_in(found.column("row"), value_set=gone))))
        return writer.publish()


def discard(workspace: Workspace, log: Log, file: WrittenFile) -> None:
    """Unlink a file unless a row names it: after a failure only the ledger knows whether its commit was reached."""
    log.settle_commits()
    with log.read() as reader:
        named = {live.path for live in live_batches(reader)}
    if file.path not in named:
        (workspace.root / file.path).unlink(missing_ok=True)
    file.release()


def remove_orphans(workspace: Workspace, log: Log, *, thorough: bool = False) -> int:
    """Unlink, durably, what no row names and none will, at once and whatever its age; returns how many.

    That is everything under `tmp/` that nobody holds, superseded versions, and files of the archive named like ours
    whose writer is gone. `thorough`, as an erasure has to be, it waits for those who hold a file: others who sweep, and
    intakes that lost their number to another and still read what they wrote.

    Raises:
        ImpError: something cannot be removed, or is held too long: people's data may be in it.
    """
    try:
        n = sweep(workspace.temporary, patience_s=_GLANCE_S if thorough else 0)
        with log.read() as reader:
            found = _unnamed(workspace, reader)
        free = {path for path, version, live in found if _is_free(path, version, live, thorough=thorough)}
        gone: list[Path] = []
        if free:
            # Whoever held one may have registered it just before it could be taken: the ledger is asked once more.
            log.settle_commits()
            with log.read() as reader:
                gone, size = [path for path, _, _ in _unnamed(workspace, reader) if path in free], reader.size
            if gone:
                _sign(log, size)
        for path in gone:
            path.unlink(missing_ok=True)
        if gone:
            sync(workspace.archive)
    except OSError as error:
        raise ImpError(
            f"what a killed process left cannot be removed: {error.strerror}",
            where=str(error.filename or workspace.root),
            mend="remove it by hand",
        ) from None
    return n + len(gone)


def _sign(log: Log, size: int) -> None:
    """Let what names the files in their place be signed: a restore knows nothing else, and would call them lost."""
    outside = log.outside()
    if outside is None or outside.size < size:
        log.checkpoint()


def _unnamed(workspace: Workspace, reader: Reader) -> list[tuple[Path, int, int]]:
    """Files of the archive that are named like ours and that no row names, their version and that of their batch."""
    live = live_batches(reader)
    named = {file.path for file in live}
    versions = {file.batch: file.version for file in live}
    found: list[tuple[Path, int, int]] = []
    for path in sorted(workspace.archive.glob("*")):
        ours = _NAME.fullmatch(path.name)
        if ours and path.relative_to(workspace.root).as_posix() not in named:
            found.append((path, int(ours[2]), versions.get(int(ours[1]), 0)))
    return found


def _is_free(path: Path, version: int, live: int, *, thorough: bool) -> bool:
    # Only erasures and compactions write later versions, and only from a lower one: one of the present version that no
    # row names lost its race or its process. A first version may be an intake's that lost its number and goes on.
    if 0 < version <= live:
        return True
    superseded = version < live
    hold = take(path, patience_s=0 if not thorough else _LONG_S if superseded else _GLANCE_S)
    if hold is not None:
        hold.release()
    elif superseded and thorough and path.exists():
        raise ImpError(
            "a file that must go is held by another process",
            where=path.name,
            mend="let that process end, then run: imp consent erase --resume",
        )
    return hold is not None
