"""Small files become one: rows keep their batch and row numbers, batches their `collect` and their row of `batch`.

The new file is written, fsynced and renamed into the archive; one transaction puts it in the others' place by
compare-and-swap on every batch's version, and appends `compact` with the hash of a listing. Then the old files are
unlinked; killed before that, the next intake, erasure or compaction does it. Files that somebody reads (a lease) wait
for the next time, and nothing is put together while an erasure is under way.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from imp_consent.ledger.log import Log
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_consent.plane.intake.ingest import Intake
from imp_core.errors import LedgerBroken
from imp_core.ports import Json
from imp_core.workspace import Workspace

__all__ = ["Left", "Merged", "merge_small"]

_ROWS = 50_000  # read at a time, and in a row group of the new file


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Files that became one: which batches it holds, how many files they were, rows, and the `compact` entry's seq.

    `seq` is None in a dry run.
    """

    batches: tuple[int, ...]
    files: int
    rows: int
    seq: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Small files left for the next time: somebody reads them, or an erasure is under way."""

    read: int = 0
    erasing: int = 0


def merge_small(
    intake: Intake, *, below: int, dry_run: bool, advance: Callable[[int], None]
) -> tuple[tuple[Merged, ...], Left]:
    """Put files of fewer than `below` rows together, until what they make has as many.

    Raises:
        LedgerBroken: a registered file is missing or changed, or the ledger cannot be written.
    """
    log, workspace = intake.log, intake.workspace
    with log.read() as reader:
        small = [file for file in archive.live_files(reader) if file.n < below]
        if _erasing(reader):
            return (), Left(erasing=len(small))
        leased = _leased(reader, log.clock.now_us())
    free = [file for file in small if leased.isdisjoint(_batches([file]))]
    merged: list[Merged] = []
    for group in _groups(free, below):
        seq = None if dry_run else _merge(log, workspace, group, advance)
        if dry_run or seq is not None:
            rows = sum(file.n for file in group)
            merged.append(Merged(batches=tuple(sorted(_batches(group))), files=len(group), rows=rows, seq=seq))
    if merged and not dry_run:
        archive.remove_orphans(workspace, log)
    return tuple(merged), Left(read=len(small) - len(free))


def _groups(files: Sequence[archive.LiveFile], below: int) -> Iterator[list[archive.LiveFile]]:
    group: list[archive.LiveFile] = []
    for file in files:
        group.append(file)
        if sum(one.n for one in group) >= below:
            yield group
            group = []
    if len(group) > 1:
        yield group


def _merge(
    log: Log, workspace: Workspace, group: Sequence[archive.LiveFile], advance: Callable[[int], None]
) -> int | None:
    """Write one file and put it in the others' place; None where somebody else had to do with one of them."""
    new = _write(workspace, group, advance)
    try:
        with log.write() as transaction:
            seq = _swap(transaction, group, new)
    except BaseException:
        archive.discard(workspace, log, new)
        raise
    if seq is None:
        archive.discard(workspace, log, new)
    new.release()
    return seq


def _write(
    workspace: Workspace, group: Sequence[archive.LiveFile], advance: Callable[[int], None]
) -> archive.RewrittenFile:
    counts: Counter[int] = Counter()
    first, version = min(_batches(group)), max(file.version for file in group) + 1
    with archive.ArchiveWriter(workspace, first, version) as writer:
        for rows in _row_groups(rows for file in group for rows in archive.read_live(workspace, file)):
            writer.copy_rows(rows)
            counts.update(archive.rows_by_batch(rows))
            advance(rows.num_rows)
        return archive.rewritten(writer.publish(), counts)


def _row_groups(pieces: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in row groups worth their overhead."""
    held: list[pa.RecordBatch] = []
    for piece in pieces:
        held.append(piece)
        if sum(one.num_rows for one in held) >= _ROWS:
            yield pa.concat_batches(held)
            held = []
    if held:
        yield pa.concat_batches(held)


def _swap(transaction: Transaction, group: Sequence[archive.LiveFile], new: archive.RewrittenFile) -> int | None:
    if _erasing(transaction) or not _leased(transaction, transaction.now_us).isdisjoint(_batches(group)):
        return None
    present = {file.path: file for file in archive.live_files(transaction)}
    if any(present.get(file.path) != file for file in group):
        return None
    archive.cancel_leases(transaction, group)  # those that ran out
    archive.replace_files(transaction, group, new)
    rows = [row for row in archive.live_batches(transaction) if row.path == new.path]
    if any(row.n != member.n for row, member in zip(rows, _members(group), strict=True)):
        raise LedgerBroken("rows were lost while files were put together", where=new.path)
    listing = archive.format_listing(rows)
    said: dict[str, Json] = {
        "files": archive.sha256_of(listing),
        "batches": len(rows),
        "rows": sum(row.n for row in rows),
    }
    return transaction.append_system("compact", said, documents=[listing])


def _members(group: Sequence[archive.LiveFile]) -> list[archive.BatchFile]:
    return sorted((member for file in group for member in file.members), key=lambda member: member.batch)


def _batches(files: Sequence[archive.LiveFile]) -> set[int]:
    return {member.batch for file in files for member in file.members}


def _leased(reader: Reader, now_us: int) -> set[int]:
    """The batches that somebody reads."""
    leases = reader.sealed.select("lease", "expires_us >= ?", (now_us,))
    return {batch for lease in leases for batch in json.loads(str(lease[2]))}


def _erasing(reader: Reader) -> bool:
    return reader.sql.execute("SELECT 1 FROM erasure LIMIT 1").fetchone() is not None
