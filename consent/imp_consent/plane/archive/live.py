"""Files that are part of the archive, each with the batches whose rows it holds, and how one takes others' places.

A batch is the unit of proof: one `collect` entry made it, and its rows keep its number and theirs. A file is the unit
of storage: small batches share one after a compaction, then all of them have its path, hash and version. Whatever
writes a batch's rows anew (erasure, compaction, retention) appends the hash of a listing: a JSON list of
{batch, version, sha256, n}, one for each batch whose file is another now.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any, Final, NamedTuple

from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.archive.files import BatchFile, WrittenFile, live_batches
from imp_core.errors import LedgerBroken

__all__ = [
    "LiveFile",
    "Named",
    "RewrittenFile",
    "cancel_leases",
    "format_listing",
    "group_files",
    "live_files",
    "named_batches",
    "named_versions",
    "replace_files",
]

_REWRITES: Final = ("erased", "compact", "restore", "retention")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFile:
    """A registered file, and the batches whose rows it holds, lowest number first."""

    path: str
    sha256: str
    version: int
    members: tuple[BatchFile, ...]

    @property
    def batch(self) -> int:
        """The lowest number of its batches: its name begins with it."""
        return self.members[0].batch

    @property
    def n(self) -> int:
        """Rows in all."""
        return sum(member.n for member in self.members)


@dataclass(frozen=True, slots=True, kw_only=True)
class RewrittenFile(WrittenFile):
    """A file that takes the place of registered ones, and is never inserted; `counts` are its rows by batch."""

    counts: Mapping[int, int]


class Named(NamedTuple):
    """What the latest entry about a batch says of it."""

    version: int
    sha256: str
    n: int


def live_files(reader: Reader) -> list[LiveFile]:
    """The archive's files as of this snapshot, by their lowest batch.

    Raises:
        LedgerBroken: a row was changed by other hands, or rows that name one file disagree about it.
    """
    return group_files(live_batches(reader))


def group_files(rows: Iterable[BatchFile]) -> list[LiveFile]:
    """The files that these rows name, each once.

    Raises:
        LedgerBroken: rows that name one file disagree about it.
    """
    shared: dict[str, list[BatchFile]] = {}
    for row in rows:
        shared.setdefault(row.path, []).append(row)
    return [_live_file(path, members) for path, members in shared.items()]


def replace_files(transaction: Transaction, old: Sequence[LiveFile], new: RewrittenFile) -> None:
    """Put a new file in the place of others, by compare-and-swap on each batch's version.

    Raises:
        LedgerBroken: somebody else has written one of them anew.
    """
    for member in (member for file in old for member in file.members):
        changed = transaction.sealed.update(
            "batch",
            "batch = ? AND version = ? AND path = ? AND state = 'live'",
            (member.batch, member.version, member.path),
            {"path": new.path, "sha256": new.sha256, "n": new.counts.get(member.batch, 0), "version": new.version},
        )
        if changed != 1:
            raise LedgerBroken(
                "a file was rewritten by somebody else", where=f"batch {member.batch}", mend="run it again"
            )


def cancel_leases(transaction: Transaction, files: Iterable[LiveFile]) -> None:
    """Close the uses that read any of these files: what they read is about to be gone."""
    batches = {member.batch for file in files for member in file.members}
    for lease in list(transaction.sealed.select("lease")):
        if not batches.isdisjoint(json.loads(str(lease[2]))):
            transaction.sealed.delete("lease", "id = ?", (lease[0],))
            transaction.append_system("use-close", {"use": lease[1], "abandoned": True})


def named_batches(reader: Reader) -> dict[int, Named]:
    """Every batch that was ever registered, as the latest entry about it says.

    Raises:
        LedgerBroken: a listing is missing or changed, and no restore says that it is lost.
    """
    return {batch: said[-1] for batch, said in named_versions(reader, _lost_documents(reader)).items()}


def named_versions(reader: Reader, lost: Collection[str]) -> dict[int, list[Named]]:
    """Every batch that was ever registered, with all that entries say of it, the latest last.

    `lost` are the SHA-256 of documents that may be missing: what they said is then left out.

    Raises:
        LedgerBroken: another listing is missing or changed.
    """
    named: dict[int, list[Named]] = {}
    for entry in reader.system_entries("collect"):
        said: Any = entry.fields
        if said.get("batch") is not None:
            named[said["batch"]] = [Named(0, said["sha256"], said["n"])]
    rewrites = (reader.system_entries(type_) for type_ in _REWRITES)
    for entry in merge(*rewrites, key=lambda entry: entry.seq):
        if entry.type in {"erased", "retention"} and "files" not in entry.fields:
            continue  # it removed something else
        for item in _listing(reader, str(entry.fields["files"]), lost):
            named.setdefault(item["batch"], []).append(Named(item["version"], item["sha256"], item["n"]))
    return named


def format_listing(rows: Iterable[BatchFile]) -> bytes:
    """The document whose hash `erased` and `compact` entries carry, from the rows as they are now."""
    items = [{"batch": row.batch, "version": row.version, "sha256": row.sha256, "n": row.n} for row in rows]
    return json.dumps(items, separators=(",", ":")).encode()


def _listing(reader: Reader, name: str, lost: Collection[str]) -> list[Any]:
    if name in lost and not reader.sql.execute("SELECT 1 FROM policy WHERE sha256 = ?", (name,)).fetchone():
        return []
    return list(json.loads(reader.document(name)))


def _lost_documents(reader: Reader) -> set[str]:
    """What restores found nowhere; a later one may say so of an earlier one's own list."""
    lost: set[str] = set()
    for entry in reversed(list(reader.system_entries("restore"))):
        if "documents" in entry.fields:
            lost.update(_listing(reader, str(entry.fields["documents"]), lost))
    return lost


def _live_file(path: str, rows: Sequence[BatchFile]) -> LiveFile:
    first = rows[0]
    if any((row.sha256, row.version) != (first.sha256, first.version) for row in rows):
        raise LedgerBroken("batches that share a file disagree about it", where=path, mend="run: imp audit verify")
    return LiveFile(path=path, sha256=first.sha256, version=first.version, members=tuple(rows))
