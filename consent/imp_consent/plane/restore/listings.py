"""Listings of files that are lost with the copy of documents, made again from the files: their hash proves them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import archive
from imp_consent.plane.archive import LiveFile
from imp_core.errors import LedgerBroken
from imp_core.workspace import Workspace

__all__ = ["remake_listings"]

_NAME: Final = re.compile(r"archive/b([0-9]{8,})-v([0-9]+)-[0-9a-f]{12}\.parquet")


def remake_listings(
    transaction: Transaction, workspace: Workspace, there: Mapping[str, Sequence[str]], lost: Collection[str]
) -> set[str]:
    """Store the lost documents that are listings of files which are there; returns those that stay lost.

    A compaction lists one file, an erasure all that it wrote anew: each file is tried, and all of them together.
    """
    left = set(lost)
    if not left:
        return left
    known = {one.sha256 for said in archive.named_versions(transaction, lost).values() for one in said}
    unknown = [
        list(_rows(workspace, paths[0], sha256)) for sha256, paths in sorted(there.items()) if sha256 not in known
    ]
    for listed in (*unknown, list(chain.from_iterable(unknown))):
        listing = archive.format_listing(sorted(listed, key=lambda row: row.batch))
        name = archive.sha256_of(listing)
        if name in left:
            transaction.sql.execute("INSERT INTO policy (sha256, body) VALUES (?, ?)", (name, listing))
            left.discard(name)
    return left


def _rows(workspace: Workspace, path: str, sha256: str) -> Iterator[archive.BatchFile]:
    """What a listing says of the batches of a file, as far as the file tells; nothing of one that cannot be read."""
    named = _NAME.fullmatch(path)
    if named is None:
        return
    counts: Counter[int] = Counter()
    file = LiveFile(path=path, sha256=sha256, version=int(named[2]), members=())
    try:
        for rows in archive.read_columns(workspace, file, ["batch"]):
            counts.update(archive.rows_by_batch(rows))
    except LedgerBroken:  # whatever it is, it is nobody's
        return
    for batch, n in (counts or {int(named[1]): 0}).items():
        yield archive.BatchFile(
            batch=batch,
            path=path,
            sha256=sha256,
            source_sha256="",
            format=archive.FORMAT,
            version=file.version,
            n=n,
            root=None,
            first_day=0,
            last_day=-1,
            collect_seq=0,
            state="live",
        )
