"""Which file each batch has after a restore: of all its versions that entries name, the newest whose file is there.

Any of them will do: a compaction loses no row, and whom an erasure took out of a file is taken out of an older one
again. A file is used whole or not at all: every batch that has rows in it must be better off with no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imp_consent.plane.archive import BatchFile, Named

__all__ = ["Chosen", "choose"]

_LIVE = "live"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A batch as it is to be. `path` is None where none of its files is there, then `said` is its newest version.

    `older`: the file is not the newest that was named; its version is then past all of them.
    """

    said: Named
    path: str | None
    older: bool = False


def choose(
    versions: Mapping[int, Sequence[Named]], rows: Mapping[int, BatchFile], there: Mapping[str, Sequence[str]]
) -> dict[int, Chosen]:
    """What becomes of each batch.

    `versions` is what entries say of it, `rows` are the backup's, `there` says where files lie by the hash of their
    bytes. A batch that was lost in a restore before the backup, and that no entry names since, stays as it is.
    """
    known = {batch: _newest_first(said, rows.get(batch)) for batch, said in versions.items()}
    known = {batch: said for batch, said in known.items() if not _is_dead(rows.get(batch), said)}
    holders: dict[str, set[int]] = {}
    for batch, said in known.items():
        for one in said:
            if one.n:
                holders.setdefault(one.sha256, set()).add(batch)
    usable = set(there)
    while True:
        found = {batch: next((one for one in said if one.sha256 in usable), None) for batch, said in known.items()}
        taken = {batch: one.sha256 for batch, one in found.items() if one is not None}
        torn = {sha for sha in taken.values() if any(taken.get(batch) != sha for batch in holders.get(sha, ()))}
        if not torn:
            break
        usable -= torn
    paths = {batch: _path(batch, one, rows, there, taken) for batch, one in found.items() if one is not None}
    chosen = {batch: Chosen(said[0], None) for batch, said in known.items()}
    for path in set(paths.values()):
        members = {batch: one for batch, one in found.items() if one is not None and paths[batch] == path}
        chosen.update(_agreed(path, members, known))
    return chosen


def _newest_first(said: Sequence[Named], row: BatchFile | None) -> list[Named]:
    found = list(reversed(said))
    if row is not None:
        found.append(Named(row.version, row.sha256, row.n))  # named by nothing while an erasure is under way
    return sorted(found, key=lambda one: one.version, reverse=True)


def _is_dead(row: BatchFile | None, said: Sequence[Named]) -> bool:
    return row is not None and row.state != _LIVE and row.version >= said[0].version


def _path(
    batch: int,
    one: Named,
    rows: Mapping[int, BatchFile],
    there: Mapping[str, Sequence[str]],
    taken: Mapping[int, str],
) -> str:
    paths = there[one.sha256]
    own = {other: rows[other].path for other, sha in taken.items() if sha == one.sha256 and other in rows}
    if not one.n and own.get(batch) in paths:
        return own[batch]  # files without rows are all the same
    return next((path for path in own.values() if path in paths), paths[0])


def _agreed(path: str, members: Mapping[int, Named], known: Mapping[int, Sequence[Named]]) -> dict[int, Chosen]:
    """Batches that share a file share its version."""
    newest = max(known[batch][0].version for batch in members)
    if all(one.version == newest for one in members.values()):
        return {batch: Chosen(one, path) for batch, one in members.items()}
    return {
        batch: Chosen(one._replace(version=newest + 1), path, older=one.sha256 != known[batch][0].sha256)
        for batch, one in members.items()
    }
