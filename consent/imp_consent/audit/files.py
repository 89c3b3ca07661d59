"""The archive: every registered file has the bytes an entry names, and no other file lies beside them.

What an intake, an erasure or a compaction has written and not yet registered is noted: it may be at work, or was
killed; so are the files that the last compactions and restores left behind. Several batches may share a file. Files are
hashed, not read: nothing here knows what is in them.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from heapq import merge
from pathlib import Path
from typing import Any, Final, NamedTuple

from imp_consent.audit.leaves import Leaves
from imp_consent.audit.problem import Problems
from imp_consent.audit.restored import lost_batches
from imp_consent.ledger.layout import SEALED
from imp_core.workspace import Workspace

__all__ = ["VERSION_NAME", "check_files"]

_LIVE = "live"
VERSION_NAME: Final = re.compile(r"archive/b([0-9]{8,})-v([0-9]+)-[0-9a-f]{12}\.parquet")


class _Registered(NamedTuple):
    """What entries say of a batch: the `collect` that made it and its source; version, hash and rows it has now."""

    seq: int
    source: object
    version: int
    sha256: object
    n: object


class _Said(NamedTuple):
    """What entries say: of each batch, of files in whose place a compaction and the like has put another, of all files.

    The latter two are hashes (`left`, `ever`). An erasure takes away whatever was left behind before it, so that only
    compactions, retentions and restores after the last one count.
    """

    batches: Mapping[int, _Registered]
    left: frozenset[object]
    ever: frozenset[object]


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
    said = _said(leaves, documents, problems)
    registered, lost = said.batches, lost_batches(leaves, documents)
    (erasing,) = sql.execute("SELECT count(*) FROM erasure").fetchone()
    known: dict[int, object] = {}
    paths: dict[str, str | None] = {}
    for values in sql.execute(f"SELECT {', '.join(SEALED['batch'])} FROM batch ORDER BY batch"):  # noqa: S608 (names from the schema)
        row = dict(zip(SEALED["batch"], values, strict=True))
        known[row["batch"]] = row["version"]
        _check_entry(row, registered.get(row["batch"]), erasing=bool(erasing), problems=problems)
        if row["state"] != _LIVE:
            sentence = "it is not part of the archive any more, and no restore says that its file was lost"
            problems.expect(row["batch"] in lost, "batch.dead", f"batch {row['batch']}", sentence)
        else:
            path = str(row["path"])
            if path not in paths:
                paths[path] = _hash(path, workspace, problems, count)
            if paths[path] is not None:
                fact = "the file's bytes are not those registered"
                problems.expect(paths[path] == row["sha256"], "archive.changed", f"{path:.100}", fact)
    for batch in sorted(registered.keys() - known):
        sentence = f"entry {registered[batch].seq} registered it, the database has no row of it"
        problems.report("batch.missing", f"batch {batch}", sentence)
    for path in _files(workspace):
        if path not in paths and not _left_behind(path, workspace, said.left, problems):
            fresh = _is_fresh(workspace.root / path, said.ever)
            _check_unnamed(path, known, erasing=bool(erasing), fresh=fresh, problems=problems)
    return len(paths)


def _said(leaves: Leaves, documents: Mapping[str, bytes], problems: Problems) -> _Said:
    latest: dict[int, _Registered] = {}
    left: set[object] = set()
    ever: set[object] = {entry.fields.get("sha256") for entry in leaves.of_type("collect")}
    for entry in leaves.of_type("collect"):
        batch: Any = entry.fields.get("batch")
        if batch is None:
            continue
        said = entry.fields
        made = _Registered(entry.seq, said.get("source"), 0, said.get("sha256"), said.get("n"))
        first = latest.setdefault(batch, made)
        problems.expect(first.seq == entry.seq, "batch.twice", f"batch {batch}", "two entries registered it")
    rewrites = (leaves.of_type(type_) for type_ in ("erased", "compact", "restore", "retention"))
    for entry in merge(*rewrites, key=lambda entry: entry.seq):
        for item in _listing(documents.get(str(entry.fields.get("files")))):
            known = latest.get(item["batch"])
            if known is None:
                sentence = f"entry {entry.seq} rewrote it, no entry registered it"
                problems.report("batch.unknown", f"batch {item['batch']}", sentence)
                continue
            left.add(known.sha256)
            if entry.type == "compact":
                same = item["n"] == known.n
                problems.expect(same, "batch.rows", f"batch {item['batch']}", f"entry {entry.seq} lost rows of it")
            fewer = entry.type != "retention" or item["n"] <= known.n
            problems.expect(fewer, "batch.rows", f"batch {item['batch']}", f"entry {entry.seq} added rows to it")
            ever.add(item["sha256"])
            latest[item["batch"]] = known._replace(version=item["version"], sha256=item["sha256"], n=item["n"])
        if entry.type == "erased" and entry.fields.get("people"):  # of guardians nobody knows no file was looked at
            left.clear()
    return _Said(latest, frozenset(left), frozenset(ever))


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


def _hash(path: str, workspace: Workspace, problems: Problems, count: Callable[[int], None]) -> str | None:
    """The hash of a registered file's bytes; None where there is none, which is a problem."""
    place, file = f"{path:.100}", workspace.root / path
    if file.is_symlink() or not file.resolve().is_relative_to(workspace.archive.resolve()):
        problems.report("archive.outside", place, "a registered file does not lie in the archive")
        return None
    try:
        found = _sha256(file)
    except FileNotFoundError:
        problems.report("archive.missing", place, "a registered file is missing")
        return None
    except OSError as error:
        problems.report("archive.unreadable", place, f"a registered file cannot be read: {error.strerror}")
        return None
    count(1)
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _left_behind(path: str, workspace: Workspace, left: Collection[object], problems: Problems) -> bool:
    """Whether a file that no row names is one in whose place a compaction or restore has put another."""
    file = workspace.root / path
    if not left or not VERSION_NAME.fullmatch(path) or file.is_symlink():
        return False
    try:
        found = _sha256(file)
    except OSError:
        return False
    if found in left:
        sentence = "a compaction or restore has put another in its place: the next intake or erasure removes it"
        problems.note("archive.unfinished", path, sentence)
    return found in left


def _is_fresh(file: Path, ever: Collection[object]) -> bool:
    """Whether its bytes were never registered: what a writer who lost its number to another, and died, may leave."""
    try:
        return not file.is_symlink() and _sha256(file) not in ever
    except OSError:
        return False


def _check_unnamed(
    path: str, versions: Mapping[int, object], *, erasing: bool, fresh: bool, problems: Problems
) -> None:
    named = VERSION_NAME.fullmatch(path)
    version = int(named[2]) if named else -1
    registered = versions.get(int(named[1])) if named else None
    current = registered if isinstance(registered, int) else None
    if erasing and current is not None and 0 <= version <= current + 1:
        return  # until it is done, an erasure leaves what it superseded, a version more each time one was killed
    highest = max((number for number in versions.values() if isinstance(number, int)), default=0)
    if _is_unfinished(version, current, highest) or (fresh and current is not None and 0 <= version < current):
        sentence = "no row names it yet: an intake or erasure is at work or was killed, the next one removes it"
        problems.note("archive.unfinished", path, sentence)
    else:
        problems.report("archive.unregistered", path, "a file in the archive that no row names")


def _is_unfinished(version: int, current: int | None, highest: int) -> bool:
    """Whether it may be about to be registered, as against a batch's current version (None: no row has its number).

    Of two intakes at once both may write the same new batch; the second to commit then writes its own again. So with
    two erasures or compactions at once, the same next version of a file. A compaction writes the version after the
    highest of the batches it puts together.
    """
    if current is None:
        return version == 0
    return current <= version <= highest + 1


def _files(workspace: Workspace) -> Iterator[str]:
    for path in sorted(workspace.archive.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(workspace.root).as_posix()
