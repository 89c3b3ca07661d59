"""Registered files: the rows of `batch`, and the files they name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from imp_consent.ledger.layout import SEALED
from imp_consent.ledger.reader import Reader
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.archive.schema import FORMAT
from imp_core.errors import LedgerBroken
from imp_core.hold import Hold
from imp_core.workspace import Workspace

__all__ = [
    "BatchFile",
    "CheckedFile",
    "WrittenFile",
    "checked_file",
    "checked_path",
    "find_source",
    "insert_batch",
    "live_batches",
    "next_batch",
    "opened_checked",
    "private_folder",
    "sha256_of",
    "sha256_of_file",
]

_TABLE = "batch"
_LIVE = "live"
_MEND: Final = "restore it from a backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """A row of `batch`: a registered file. `path` is relative to the workspace; days are UTC days since 1970.

    A file without rows has first_day 0 and last_day -1; `root` is None until batches carry Merkle roots.
    """

    batch: int
    path: str
    sha256: str
    source_sha256: str
    format: int
    version: int
    n: int
    root: bytes | None
    first_day: int
    last_day: int
    collect_seq: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """A file that lies in the archive and that no row names yet; fields as in `BatchFile`.

    Its `hold` keeps others from taking it for a leftover: until it is released, or nobody refers to this any more.
    """

    batch: int
    version: int
    path: str
    sha256: str
    n: int
    first_day: int
    last_day: int
    hold: Hold | None = field(default=None, compare=False, repr=False)

    def release(self) -> None:
        """Say that it was registered, or never will be."""
        if self.hold is not None:
            self.hold.release()


class CheckedFile(NamedTuple):
    """A file whose bytes were checked against their hash, and what tells it from every other one and its later self.

    `mark` is its device, inode, size and times of change (mtime and ctime, in ns), of the descriptor that was hashed.
    Whoever may write files can set the mtime back, but not the ctime.
    """

    path: Path
    mark: tuple[int, ...]

    def is_unchanged(self) -> bool:
        """Whether the same file lies there still, and nobody wrote to it since it was hashed."""
        try:
            return _mark(self.path.stat()) == self.mark
        except OSError:
            return False


def sha256_of(data: bytes) -> str:
    """The hex SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """The hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def live_batches(reader: Reader) -> list[BatchFile]:
    """The registered files as of this snapshot, oldest first.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    return _select(reader, "state = ? ORDER BY batch", _LIVE)


def find_source(reader: Reader, source_sha256: str) -> BatchFile | None:
    """The batch that was taken from a source, live or dead; None where the source was never taken."""
    found = _select(reader, "source_sha256 = ? ORDER BY batch", source_sha256)
    return found[0] if found else None


def next_batch(reader: Reader) -> int:
    """The number of the batch to come; dead batches keep theirs."""
    (last,) = reader.sql.execute("SELECT coalesce(max(batch), 0) FROM batch").fetchone()
    return int(last) + 1


def insert_batch(transaction: Transaction, file: WrittenFile, *, source_sha256: str, collect_seq: int) -> None:
    """Register a file: with the commit it is part of the archive."""
    row = BatchFile(
        batch=file.batch,
        path=file.path,
        sha256=file.sha256,
        source_sha256=source_sha256,
        format=FORMAT,
        version=file.version,
        n=file.n,
        root=None,
        first_day=file.first_day,
        last_day=file.last_day,
        collect_seq=collect_seq,
        state=_LIVE,
    )
    transaction.sealed.insert(_TABLE, [tuple(getattr(row, column) for column in SEALED[_TABLE])])


class _File(Protocol):
    """What names a file and its bytes."""

    @property
    def path(self) -> str:
        """Relative to the workspace."""
        ...

    @property
    def sha256(self) -> str:
        """Of its bytes, in hex."""
        ...


def checked_path(workspace: Workspace, file: _File) -> Path:
    """Where a file lies, its bytes checked against their hash.

    Raises:
        LedgerBroken: it is missing, or its bytes are not those that were registered.
    """
    return checked_file(workspace, file).path


def checked_file(workspace: Workspace, file: _File) -> CheckedFile:
    """As `checked_path`, and how to see later whether it is still the file that was hashed.

    Raises:
        LedgerBroken: as `checked_path`.
    """
    with opened_checked(workspace, file) as (_, checked):
        return checked


@contextmanager
def opened_checked(workspace: Workspace, file: _File) -> Iterator[tuple[BufferedReader, CheckedFile]]:
    """A file opened once, its bytes checked against their hash: what is read by this descriptor are those bytes.

    Another one that is put in its place meanwhile is not read; one that is written to is found out at the end.

    Raises:
        LedgerBroken: as `checked_path`, or it was written to while it was open.
    """
    path = workspace.root / file.path
    try:
        opened = path.open("rb")
    except OSError:
        raise LedgerBroken("a file of the archive is missing", where=file.path, mend=_MEND) from None
    with opened:
        mark = _mark(os.fstat(opened.fileno()))  # before the bytes: what is written while they are read shows later
        _expect_bytes(opened, file)
        yield opened, CheckedFile(path, mark)
        found = os.fstat(opened.fileno())
        if _mark(found) == mark:
            return
        if found.st_nlink:
            mend = "run: imp audit verify; if that finds nothing, run it again"
            raise LedgerBroken("a file of the archive was changed while it was read", where=file.path, mend=mend)
        _expect_bytes(opened, file)  # unlinking alone changes the mark, as whoever takes its place does


def _expect_bytes(opened: BufferedReader, file: _File) -> None:
    try:
        opened.seek(0)
        found = hashlib.file_digest(opened, "sha256").hexdigest()
        opened.seek(0)
    except OSError:
        raise LedgerBroken("a file of the archive cannot be read", where=file.path, mend=_MEND) from None
    if found != file.sha256:
        raise LedgerBroken("a file of the archive was changed", where=file.path, mend=_MEND)


def private_folder(path: Path) -> None:
    """Make a folder that only its owner can read, where there is none."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _mark(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _select(reader: Reader, where: str, *values: str) -> list[BatchFile]:
    return [_batch_file(row) for row in reader.sealed.select(_TABLE, where, values)]


def _batch_file(row: Sequence[Any]) -> BatchFile:
    return BatchFile(**dict(zip(SEALED[_TABLE], row, strict=True)))
