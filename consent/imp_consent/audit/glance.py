"""What `imp doctor` sees at a glance of what lies beside the database: is it there, whole, and as much as there was?

Nothing is hashed here; whether bytes are those that were signed is for the audit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from imp_consent.audit.files import VERSION_NAME
from imp_consent.audit.mends import MENDS
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.checkpoint import Checkpoint
from imp_consent.ledger.documents import KeptDocuments
from imp_consent.ledger.outside import Outside
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.survivors import SURVIVORS_NAME
from imp_consent.ledger.tombstones import TOMBSTONES_NAME, counting
from imp_consent.policy.notice import read_notices
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.unnamed import unnamed_in_force
from imp_core.counting import some
from imp_core.errors import ImpError
from imp_core.ports import Check
from imp_core.workspace import Workspace

__all__ = ["glance", "named_data"]

_CHUNK: Final = 1 << 20
_TAIL: Final = 4_096  # no line of the survivors is longer
_MAGIC: Final = b"PAR1"  # a Parquet file begins and ends with it
_SHOWN: Final = 3


def glance(reader: Reader, workspace: Workspace, outside: Checkpoint | None) -> Iterator[Check]:
    """Look at the copies beside the keys and at the archive's files; changes nothing. The snapshot must stay open."""
    folder = reader.keyring.folder
    yield _signing(folder, reader.size, outside)
    if outside is not None:
        yield _checked(
            "leaves", partial(_leaves, Outside(folder), outside), "copied up to the checkpoint", "copy.short"
        )
        yield _checked("documents", partial(_documents, reader, outside), "copied", "documents.missing")
    yield _checked("tombstones", partial(_tombstones, reader), "as many as entries count", "tombstones.short")
    fine = "under the key in use, or not needed yet"
    yield _checked("survivors", partial(_survivors, reader), fine, "survivors.absent")
    yield from _archive(reader, workspace)
    replaced = sorted(path.name for path in workspace.root.glob("replaced-*"))
    if replaced:
        detail = f"a restore kept the database that was there: {_some(replaced)}"
        mend = "delete it once nothing is missed: people who were erased may be in it"
        yield Check(name="replaced", ok=False, detail=detail, mend=mend)
    yield Check(name="contents", ok=True, detail="not looked at here: imp audit verify reads every entry, row and file")


def named_data(reader: Reader) -> Check:
    """Whether people are told of all data that a purpose they are asked for declares."""
    unnamed = unnamed_in_force(read_notices(reader), read_purposes(reader))
    named = "; ".join(f"{purpose}: {', '.join(kinds)}" for purpose, kinds in unnamed.items())
    return Check(
        name="notices",
        ok=not unnamed,
        detail=f"data that purposes use and their newest notice does not name: {named}"
        if unnamed
        else "they name the data that purposes declare",
        mend="name it in a new version: imp consent notice add; or mend the purpose: imp consent purpose change",
    )


def _checked(name: str, look: Callable[[], str | None], fine: str, code: str) -> Check:
    try:
        wrong = look()
    except OSError as error:
        wrong = f"cannot be read: {error.strerror}"
    except ImpError as error:
        wrong = str(error)
    return Check(name=name, ok=wrong is None, detail=wrong or fine, mend=MENDS[code])


def _signing(folder: Path, size: int, outside: Checkpoint | None) -> Check:
    """Whether what was written since the checkpoint can be signed: until then its rollback is not noticed."""
    waiting = size - (outside.size if outside else 0)
    there = [path for path in (folder, Outside(folder).leaves_file) if path.exists()]
    closed = [str(path) for path in there if not os.access(path, os.W_OK)]
    detail = some(max(waiting, 0), "entry is", "entries are") + " not signed yet"
    return Check(
        name="signing",
        ok=not closed,
        detail=f"{detail}, and none can be: {', '.join(closed)} cannot be written" if closed else detail,
        mend=f"chmod u+w {' '.join(closed)}; then: imp audit checkpoint",
    )


def _leaves(files: Outside, outside: Checkpoint) -> str | None:
    held = files.held(outside.size)
    return None if held == outside.size else f"{held} whole leaves are copied of the {outside.size} that are signed"


def _documents(reader: Reader, outside: Checkpoint) -> str | None:
    stored = {(t, name) for t in ("policy", "notice") for (name,) in reader.sql.execute(f"SELECT sha256 FROM {t}")}  # noqa: S608 (one of two names)
    kept = KeptDocuments(reader.keyring.folder)
    if outside.size < reader.size or not stored:
        return None  # the next signing copies them
    missing = len(stored - {(table, name) for table, name, _ in kept.read()})
    return (
        f"{missing} of {some(len(stored), 'document')} {'is' if missing == 1 else 'are'} not in {kept.path}"
        if missing
        else None
    )


def _tombstones(reader: Reader) -> str | None:
    counted = counting(reader.system_entries("erased"))
    newest = counted[-1][0] if counted else 0  # what it says is lost the audit notes
    path = reader.keyring.folder / TOMBSTONES_NAME
    lines = _count_lines(path)
    return (
        None
        if lines >= newest
        else f"{some(newest, 'line was', 'lines were')} written, {some(lines, 'is', 'are')} in {path}"
    )


def _count_lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(_CHUNK), b""))
    except FileNotFoundError:
        return 0


def _survivors(reader: Reader) -> str | None:
    keyring = reader.keyring
    rotated = any(
        (entry.fields.get("purpose"), entry.fields.get("action")) == ("kek", "rotate")
        for entry in reader.system_entries("key")
    )
    if not rotated or not keyring.settled:
        return None
    path = keyring.folder / SURVIVORS_NAME
    try:
        return None if _is_current(path, keyring) else f"{path} is not of the last ratchet, or is cut off"
    except FileNotFoundError:
        return f"{path} is missing"


def _is_current(path: Path, keyring: Keyring) -> bool:
    with path.open("rb") as file:
        first = file.readline(_TAIL)
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        tail = file.read()
    try:
        kek, last = json.loads(first)["kek"], json.loads(tail.rstrip(b"\n").rpartition(b"\n")[2])
    except (ValueError, KeyError, TypeError):
        return False
    return bool(kek == keyring.active("kek").id and tail.endswith(b"\n") and isinstance(last, dict) and "mac" in last)


def _archive(reader: Reader, workspace: Workspace) -> Iterator[Check]:
    live = {path for (path,) in reader.sql.execute("SELECT DISTINCT path FROM batch WHERE state = 'live'")}
    broken = sorted(path for path in live if not _is_whole(workspace.root / path))
    detail = f"missing or cut off: {_some(broken)}" if broken else f"{len(live)} files"
    yield Check(name="archive", ok=not broken, detail=detail, mend=MENDS["archive.missing"])
    versions = dict(reader.sql.execute("SELECT batch, version FROM batch"))
    strays = sorted(path for path in _names(workspace) if path not in live and not _may_be_left(path, versions))
    if strays:
        detail = f"nothing names: {_some(strays)}"
        yield Check(name="strays", ok=False, detail=detail, mend=MENDS["archive.unregistered"])


def _is_whole(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            first = file.read(len(_MAGIC))
            file.seek(-len(_MAGIC), os.SEEK_END)
            return first == _MAGIC == file.read()
    except OSError:  # missing, no plain file, too short to seek in, or not ours to read
        return False


def _may_be_left(path: str, versions: Mapping[int, int]) -> bool:
    """Whether a writer may have it under way, or have left it; which of these the audit tells, that hashes it."""
    named = VERSION_NAME.fullmatch(path)
    if named is None:
        return False
    highest = max(versions.values(), default=0) if int(named[1]) in versions else -1
    return int(named[2]) <= highest + 1


def _names(workspace: Workspace) -> Iterator[str]:
    for path in workspace.archive.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(workspace.root).as_posix()


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(path[:100] for path in paths[:_SHOWN]) + more
