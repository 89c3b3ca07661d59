"""The archive in a restore: each batch with the newest of its files that is there; without any it is lost."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from imp_consent.ledger.layout import SEALED
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_consent.plane.archive import Named
from imp_consent.plane.restore.listings import remake_listings
from imp_consent.plane.restore.versions import Chosen, choose
from imp_core.clock import DAY_US
from imp_core.errors import ImpError
from imp_core.ports import SystemEntry
from imp_core.workspace import Workspace, sync

__all__ = ["Files", "register_files", "remove_replaced"]

_TABLE: Final = "batch"


@dataclass(slots=True)
class Files:
    """What became of the batches.

    `found` have a file that the backup's rows do not name, `older` one that is not the newest. `listing` is the
    document of those whose file only the restore names, `written` are files that lie in the archive and wait for the
    commit, `replaced` are the paths of those in whose place they come.
    """

    found: int = 0
    older: int = 0
    lost: list[int] = field(default_factory=list)
    rows: int = 0
    listing: bytes = b"[]"
    written: list[archive.RewrittenFile] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)

    @property
    def lost_document(self) -> bytes:
        """The numbers of the batches that are lost, as JSON."""
        return json.dumps(self.lost, separators=(",", ":")).encode()


def register_files(
    transaction: Transaction,
    workspace: Workspace,
    living: Collection[int],
    lost_documents: Collection[str],
    files: Files,
    *,
    execute: bool,
) -> set[str]:
    """Bring the rows of `batch` to files that are there, and take out of them whoever has no key any more.

    Returns the lost documents without the listings that could be made again from the files.

    Raises:
        LedgerBroken: a file is not what its hash says.
        ImpError: a file cannot be read or written.
    """
    there = _by_hash(workspace)
    lost_documents = remake_listings(transaction, workspace, there, lost_documents)
    versions = archive.named_versions(transaction, lost_documents)
    made = {entry.fields["batch"]: entry for entry in transaction.system_entries("collect") if "batch" in entry.fields}
    rows = _rows(transaction)
    for batch, chosen in sorted(choose(versions, rows, there).items()):
        _follow(transaction, workspace, rows.get(batch), _Wanted(batch, chosen, made[batch]), files)
    _remove_strangers(transaction, workspace, living, files, execute=execute)
    changed = [
        row
        for row in archive.live_batches(transaction)
        if lost_documents or Named(row.version, row.sha256, row.n) != versions[row.batch][-1]
    ]
    files.listing = archive.format_listing(changed)
    return lost_documents


def remove_replaced(workspace: Workspace, files: Files) -> None:
    """Unlink, durably, the files that were written anew, and no other: one that no row names may be what is missed.

    Raises:
        ImpError: one cannot be unlinked: somebody who was erased is in it.
    """
    try:
        for path in files.replaced:
            (workspace.root / path).unlink(missing_ok=True)
        sync(workspace.archive)
    except OSError as error:
        where = str(error.filename or workspace.archive)
        raise ImpError(f"a file cannot be removed: {error.strerror}", where=where, mend="remove it by hand") from None


@dataclass(frozen=True, slots=True)
class _Wanted:
    batch: int
    chosen: Chosen
    collect: SystemEntry


def _follow(
    transaction: Transaction, workspace: Workspace, row: archive.BatchFile | None, wanted: _Wanted, files: Files
) -> None:
    said, path = wanted.chosen.said, wanted.chosen.path
    changes: dict[str, Any] = {"version": said.version, "sha256": said.sha256, "n": said.n}
    changes["state"] = "dead" if path is None else "live"
    if path is None:
        files.lost.append(wanted.batch)
    else:
        changes["path"] = path
        files.older += wanted.chosen.older
        files.found += row is None or row.sha256 != said.sha256
    if row is not None:
        if any(getattr(row, column) != value for column, value in changes.items()):
            transaction.sealed.update(_TABLE, "batch = ?", (wanted.batch,), changes)
        return
    first, last = (0, -1) if path is None else _take_rows(transaction, workspace, wanted.batch, path, said.sha256)
    values = {
        "path": "",
        **changes,
        "batch": wanted.batch,
        "source_sha256": str(wanted.collect.fields.get("source")),
        "format": archive.FORMAT,
        "root": None,
        "first_day": first,
        "last_day": last,
        "collect_seq": wanted.collect.seq,
    }
    transaction.sealed.insert(_TABLE, [tuple(values[column] for column in SEALED[_TABLE])])


def _take_rows(transaction: Transaction, workspace: Workspace, batch: int, path: str, sha256: str) -> tuple[int, int]:
    """Know a file's events again, so that none is taken twice; returns the first and last day of its rows."""
    first, last = 0, -1
    sealed = transaction.sealed
    whole = archive.WrittenFile(batch=batch, version=0, path=path, sha256=sha256, n=0, first_day=0, last_day=-1)
    for rows in archive.read_checked(workspace, whole, ["batch", "event_id", "event_us"]):
        mine = rows.filter(pc.equal(rows.column("batch"), batch))
        if not mine.num_rows:
            continue
        bounds = pc.min_max(mine.column("event_us"))
        days = bounds["min"].as_py() // DAY_US, bounds["max"].as_py() // DAY_US
        first, last = days if last < first else (min(first, days[0]), max(last, days[1]))
        for word in mine.column("event_id").to_pylist():
            event_id = bytes.fromhex(word)
            sealed.delete("inbox", "event_id = ?", (event_id,))  # it waited in the backup, and was compacted since
            if not any(True for _ in sealed.select("dedupe", "event_id = ?", (event_id,))):
                sealed.insert("dedupe", [(event_id, batch)])
    return first, last


def _remove_strangers(
    transaction: Transaction, workspace: Workspace, living: Collection[int], files: Files, *, execute: bool
) -> None:
    """Whoever has no key any more could never be erased: their rows go."""
    known = pa.array(sorted(living), pa.int64())
    for file in archive.live_files(transaction):
        strangers: set[int] = set()
        for rows in archive.read_checked(workspace, file, ["subject"]):
            subjects = pc.drop_null(rows.column("subject"))
            unknown = subjects.filter(pc.invert(pc.is_in(subjects, value_set=known)))
            files.rows += len(unknown)
            strangers.update(unknown.unique().to_pylist())
        if not strangers or not execute:
            continue
        written = archive.rewrite_without(workspace, file, strangers)
        if written is not None:
            files.written.append(written)
            files.replaced.append(file.path)
            archive.replace_files(transaction, [file], written)


def _rows(transaction: Transaction) -> dict[int, archive.BatchFile]:
    columns = SEALED[_TABLE]
    found = (dict(zip(columns, row, strict=True)) for row in transaction.sealed.select(_TABLE))
    return {int(str(row["batch"])): archive.BatchFile(**row) for row in found}  # type: ignore[arg-type]  # the columns' types


def _by_hash(workspace: Workspace) -> dict[str, list[str]]:
    """Where the archive's files lie, by the hash of their bytes."""
    found: dict[str, list[str]] = {}
    try:
        for path in sorted(workspace.archive.glob("*.parquet")):
            if path.is_file() and not path.is_symlink():
                name = path.relative_to(workspace.root).as_posix()
                found.setdefault(archive.sha256_of_file(path), []).append(name)
    except OSError as error:
        raise ImpError(
            f"a file of the archive cannot be read: {error.strerror}",
            where=str(error.filename or workspace.archive),
            mend="look at its owner and mode: what cannot be read now would be taken for lost",
        ) from None
    return found
