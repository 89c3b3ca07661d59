"""The archive: every registered file has the bytes an entry names, and no other file lies beside them.

What an intake or an erasure has written and not yet registered is noted: it may be at work, or was killed. Files are
hashed, not read: nothing here knows what is in them.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from imp_consent.audit.leaves import Leaves
from imp_consent.audit.problem import Problems
from imp_consent.ledger.tables import SEALED
from imp_core.workspace import Workspace

__all__ = ["check_files"]

_LIVE = "live"
_VERSION_NAME = re.compile(r"archive/b([0-9]{8,})-v([0-9]+)-[0-9a-f]{12}\.parquet")


class _Registered(NamedTuple):
    """What entries say of a batch: the `collect` that made it and its source; version, hash and rows it has now."""

    seq: int
    source: object
    version: int
    sha256: object
    n: object


def check_files(
    sql: sqlite3.Connection,
    workspace: Workspace,
    leaves: Leaves,
    documents: Mapping[str, bytes],
    *,
    problems: Problems,
    count: Callable[[int], None],
) -> int:
    """Batches, entries and files against each other; returns how many live files there are."""
    registered = dict(_registered(leaves, documents, problems))
    (erasing,) = sql.execute("SELECT count(*) FROM erasure").fetchone()
    known: dict[int, object] = {}
    paths: set[str] = set()
    for values in sql.execute(f"SELECT {', '.join(SEALED['batch'])} FROM batch ORDER BY batch"):  # noqa: S608 (names from the schema)
        row = dict(zip(SEALED["batch"], values, strict=True))
        known[row["batch"]] = row["version"]
        _check_entry(row, registered.get(row["batch"]), erasing=bool(erasing), problems=problems)
        if row["state"] == _LIVE:
            paths.add(str(row["path"]))
            _check_bytes(row, workspace, problems, count)
    for batch in sorted(registered.keys() - known):
        sentence = f"entry {registered[batch].seq} registered it, the database has no row of it"
        problems.report("batch.missing", f"batch {batch}", sentence)
    for path in _files(workspace):
        if path not in paths:
            _check_unnamed(path, known, erasing=bool(erasing), problems=problems)
    return len(paths)


def _registered(
    leaves: Leaves, documents: Mapping[str, bytes], problems: Problems
) -> Iterator[tuple[int, _Registered]]:
    latest: dict[int, _Registered] = {}
    for entry in leaves.of_type("collect"):
        batch: Any = entry.fields.get("batch")
        if batch is None:
            continue
        said = entry.fields
        made = _Registered(entry.seq, said.get("source"), 0, said.get("sha256"), said.get("n"))
        first = latest.setdefault(batch, made)
        problems.expect(first.seq == entry.seq, "batch.twice", f"batch {batch}", "two entries registered it")
    for entry in leaves.of_type("erased"):
        for item in _listing(documents.get(str(entry.fields.get("files")))):
            known = latest.get(item["batch"])
            if known is None:
                sentence = f"entry {entry.seq} rewrote it, no entry registered it"
                problems.report("batch.unknown", f"batch {item['batch']}", sentence)
                continue
            latest[item["batch"]] = known._replace(version=item["version"], sha256=item["sha256"], n=item["n"])
    yield from latest.items()


def _listing(document: bytes | None) -> list[Any]:
    return json.loads(document) if document else []  # a document that is missing was reported as such


def _check_entry(row: Mapping[str, Any], said: _Registered | None, *, erasing: bool, problems: Problems) -> None:
    place = f"batch {row['batch']}"
    if said is None:
        problems.report("batch.unregistered", place, "no entry registered this batch")
        return
    problems.expect(
        (row["collect_seq"], row["source_sha256"]) == (said.seq, said.source),
        "batch.entry",
        place,
        f"entry {said.seq} registered it: the row names another entry or another source",
    )
    if erasing and isinstance(row["version"], int) and row["version"] > said.version:
        return  # rewritten by an erasure under way; its `erased` entry is still to come
    problems.expect(
        (row["version"], row["sha256"], row["n"]) == (said.version, said.sha256, said.n),
        "batch.named",
        place,
        "version, hash or number of rows are not those that the entries name",
    )


def _check_bytes(
    row: Mapping[str, Any], workspace: Workspace, problems: Problems, count: Callable[[int], None]
) -> None:
    place = f"{row['path']!s:.100}"
    path = workspace.root / str(row["path"])
    if path.is_symlink() or not path.resolve().is_relative_to(workspace.archive.resolve()):
        problems.report("archive.outside", place, "a registered file does not lie in the archive")
        return
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        problems.report("archive.missing", place, "a registered file is missing")
        return
    except OSError as error:
        problems.report("archive.unreadable", place, f"a registered file cannot be read: {error.strerror}")
        return
    count(1)
    problems.expect(found == row["sha256"], "archive.changed", place, "the file's bytes are not those registered")


def _check_unnamed(path: str, versions: Mapping[int, object], *, erasing: bool, problems: Problems) -> None:
    named = _VERSION_NAME.fullmatch(path)
    version = int(named[2]) if named else -1
    registered = versions.get(int(named[1])) if named else None
    current = registered if isinstance(registered, int) else None
    if erasing and current is not None and abs(version - current) == 1:
        return  # until it is done, an erasure has one version too many
    if _is_unfinished(version, current):
        sentence = "no row names it yet: an intake or erasure is at work or was killed, the next one removes it"
        problems.note("archive.unfinished", path, sentence)
    else:
        problems.report("archive.unregistered", path, "a file in the archive that no row names")


def _is_unfinished(version: int, current: int | None) -> bool:
    """Whether it may be about to be registered, as against a batch's current version (None: no row has its number).

    Of two intakes at once both may write the same new batch; the second to commit then writes its own again.
    """
    if current is None:
        return version == 0
    return version == current + 1 or version == current == 0


def _files(workspace: Workspace) -> Iterator[str]:
    for path in sorted(workspace.archive.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(workspace.root).as_posix()
