"""The archive in a restore: each batch as the newest entry about it says, where its file is there; else lost."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from imp_consent.ledger.tables import SEALED
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_core.clock import DAY_US
from imp_core.ports import SystemEntry
from imp_core.workspace import Workspace

__all__ = ["Files", "register_files"]

_TABLE: Final = "batch"


@dataclass(slots=True)
class Files:
    """What became of the batches.

    `listing` is the document of those whose file only the restore names, `written` are files that lie in the archive
    and wait for the commit.
    """

    found: int = 0
    lost: list[int] = field(default_factory=list)
    rows: int = 0
    listing: bytes = b"[]"
    written: list[archive.RewrittenFile] = field(default_factory=list)

    @property
    def lost_document(self) -> bytes:
        """The numbers of the batches that are lost, as JSON."""
        return json.dumps(self.lost, separators=(",", ":")).encode()


def register_files(
    transaction: Transaction, workspace: Workspace, living: Collection[int], files: Files, *, execute: bool
) -> None:
    """Bring the rows of `batch` to what the entries say, and take out of the files whoever has no key any more.

    Raises:
        LedgerBroken: a file is not what its hash says.
        ImpError: a file cannot be written.
    """
    named = archive.named_batches(transaction)
    made = {entry.fields["batch"]: entry for entry in transaction.system_entries("collect") if "batch" in entry.fields}
    rows = _rows(transaction)
    there = _by_hash(workspace)
    for batch, said in sorted(named.items()):
        row = rows.get(batch)
        if row is not None and row.version >= said.version and there.get(row.sha256) is not None:
            continue
        _follow(transaction, workspace, row, _Wanted(batch, said, made[batch], there.get(said.sha256)), files)
    _remove_strangers(transaction, workspace, living, files, execute=execute)
    changed = [
        row
        for row in archive.live_batches(transaction)
        if (row.version, row.sha256, row.n) != (named[row.batch].version, named[row.batch].sha256, named[row.batch].n)
    ]
    files.listing = archive.format_listing(changed)


@dataclass(frozen=True, slots=True)
class _Wanted:
    batch: int
    said: archive.Named
    collect: SystemEntry
    path: str | None  # where a file with its bytes lies


def _follow(
    transaction: Transaction, workspace: Workspace, row: archive.BatchFile | None, wanted: _Wanted, files: Files
) -> None:
    state = "dead" if wanted.path is None else "live"
    said = wanted.said
    changes: dict[str, Any] = {"version": said.version, "sha256": said.sha256, "n": said.n, "state": state}
    if wanted.path is None:
        files.lost.append(wanted.batch)
    else:
        files.found += 1
        changes["path"] = wanted.path
    if row is not None:
        transaction.sealed.update(_TABLE, "batch = ?", (wanted.batch,), changes)
        return
    first, last = (0, -1) if wanted.path is None else _take_rows(transaction, workspace, wanted.batch, wanted.path)
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


def _take_rows(transaction: Transaction, workspace: Workspace, batch: int, path: str) -> tuple[int, int]:
    """Know a file's events again, so that none is taken twice; returns the first and last day of its rows."""
    first, last = 0, -1
    sealed = transaction.sealed
    whole = archive.WrittenFile(batch=batch, version=0, path=path, sha256="", n=0, first_day=0, last_day=-1)
    for rows in archive.read_columns(workspace, whole, ["batch", "event_id", "event_us"]):
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
        for rows in archive.read_columns(workspace, file, ["subject"]):
            subjects = pc.drop_null(rows.column("subject"))
            unknown = subjects.filter(pc.invert(pc.is_in(subjects, value_set=known)))
            files.rows += len(unknown)
            strangers.update(unknown.unique().to_pylist())
        if not strangers or not execute:
            continue
        written = archive.rewrite_without(workspace, file, strangers)
        if written is not None:
            files.written.append(written)
            archive.replace_files(transaction, [file], written)


def _rows(transaction: Transaction) -> dict[int, archive.BatchFile]:
    columns = SEALED[_TABLE]
    found = (dict(zip(columns, row, strict=True)) for row in transaction.sealed.select(_TABLE))
    return {int(str(row["batch"])): archive.BatchFile(**row) for row in found}  # type: ignore[arg-type]  # the columns' types


def _by_hash(workspace: Workspace) -> dict[str, str]:
    """Where the archive's files lie, by the hash of their bytes."""
    paths = [path for path in sorted(workspace.archive.glob("*.parquet")) if path.is_file() and not path.is_symlink()]
    return {archive.sha256_of_file(path): path.relative_to(workspace.root).as_posix() for path in paths}
