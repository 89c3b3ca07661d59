"""What is kept outside the database, beside the keys: the newest checkpoint, and a copy of every leaf under it.

    checkpoint     the newest signed checkpoint (C2SP tlog-checkpoint): the database may never be behind it
    leaves         length (uint16, big-endian) ‖ leaf, one after another: entry bundles (C2SP tlog-tiles), in one file
    leaves.index   how many leaves end where in `leaves`, as of some checkpoint not long ago: saves reading it all

Leaves are fsynced before the checkpoint that covers them is written, so a checkpoint never covers a leaf that is not
there. What lies beyond it was not finished, and is cut off by the next append. The index is a hint: it bears a
checksum, and without it the file is read from its start. Leaves say nothing about a person once their key is gone.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from imp_consent.ledger.encoding import MAX_BYTES
from imp_core.errors import ImpError, LedgerBroken
from imp_core.workspace import sync, write_atomically

__all__ = ["Outside"]

_LENGTH: Final = struct.Struct(">H")
_INDEX_FORMAT: Final = "imp-leaves/1"
_WRITTEN_AT_ONCE: Final = 1 << 20  # bytes
_READ_AT_ONCE: Final = 1 << 20
_INDEX_EVERY: Final = 1_024  # leaves: what is beyond the index is read by the next process that signs


class Outside:
    """The folder of one ledger. It is written under the database's write lock, by one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkpoint_file = folder / "checkpoint"
        self.leaves_file = folder / "leaves"
        self._index_file = folder / "leaves.index"
        self._known = _End(0, 0, 0)  # leaves under a checkpoint, as this object last left or found them
        self._appended: _End | None = None  # no checkpoint covers them yet
        self._indexed = 0

    def write_checkpoint(self, note: str) -> None:
        """Put a signed checkpoint in the place of the one before, fsynced; its leaves are there already.

        Raises:
            ImpError: the folder cannot be written to; the file is as it was.
        """
        write_atomically(self.checkpoint_file, note.encode(), mode=0o600)
        if self._appended is not None:
            self._known, self._appended = self._appended, None
            if self._known.leaves - self._indexed >= _INDEX_EVERY:
                self._write_index(self._known.leaves, self._known.end)

    def append(self, covered: int, leaves: Iterable[bytes]) -> int:
        """Cut off what lies beyond the first `covered` leaves and append; returns how many are there then, fsynced.

        `leaves` are those from number `held(covered)` on: fewer than `covered` are there in a ledger of an older imp.

        Raises:
            ImpError: the folder cannot be written to.
        """
        with _os_errors(self.leaves_file, "written"):
            count, end = self._end(covered)
            with open(self.leaves_file, "ab", opener=_private) as file:
                new = file.tell() == 0
                if not new:
                    file.truncate(end)
                count += _write(file, leaves)
                file.flush()
                os.fsync(file.fileno())
                status = os.fstat(file.fileno())
                self._appended = _End(count, status.st_size, status.st_ino)
            if new:
                sync(self.folder)
        return count

    def held(self, most: int) -> int:
        """How many whole leaves the file holds, `most` at most.

        Raises:
            ImpError: the file cannot be read.
        """
        with _os_errors(self.leaves_file, "read"):
            return self._end(most)[0]

    def size(self) -> int:
        """The number of whole leaves in the file, those beyond the checkpoint included.

        Raises:
            ImpError: the file cannot be read.
        """
        return sum(1 for _ in self.read_leaves())

    def read_leaves(self) -> Iterator[bytes]:
        """The leaves, oldest first; none where there is no file. What is torn at its end is left out.

        Raises:
            ImpError: the file cannot be read.
        """
        with _os_errors(self.leaves_file, "read"):
            try:
                file = self.leaves_file.open("rb", buffering=_READ_AT_ONCE)
            except FileNotFoundError:
                return
            with file:
                while (leaf := _next_leaf(file)) is not None:
                    yield leaf

    def set_aside(self) -> None:
        """Keep a copy of leaves that no checkpoint vouches for any more as `leaves.previous`.

        Raises:
            ImpError: the folder cannot be written to.
        """
        with _os_errors(self.leaves_file, "renamed"):
            self._index_file.unlink(missing_ok=True)
            if self.leaves_file.exists():
                self.leaves_file.replace(self.leaves_file.with_name("leaves.previous"))

    def _end(self, most: int) -> tuple[int, int]:
        """How many leaves there are, `most` at most, and where the last of them ends."""
        try:
            file = self.leaves_file.open("rb", buffering=_READ_AT_ONCE)
        except FileNotFoundError:
            return 0, 0
        with file:
            status = os.fstat(file.fileno())
            known = self._known
            if not known.is_in(status, most):
                known = _End(*self._read_index(), status.st_ino)
                self._indexed = known.leaves
            if not known.is_in(status, most):
                known, self._indexed = _End(0, 0, status.st_ino), -_INDEX_EVERY  # an index of something else
            count, end = known.leaves, known.end
            file.seek(end)
            while count < most and (leaf := _next_leaf(file)) is not None:
                count, end = count + 1, end + _LENGTH.size + len(leaf)
        self._known = _End(count, end, status.st_ino)
        return count, end

    def _read_index(self) -> tuple[int, int]:
        try:
            name, count, end, checksum = self._index_file.read_text(encoding="ascii").split()
            if checksum == _checksum(int(count), int(end)) and name == _INDEX_FORMAT:
                return int(count), int(end)
        except (FileNotFoundError, ValueError):  # it is only a hint, and a crash may have torn it
            return 0, 0
        return 0, 0

    def _write_index(self, count: int, end: int) -> None:
        with _os_errors(self._index_file, "written"):
            text = f"{_INDEX_FORMAT} {count} {end} {_checksum(count, end)}\n"
            with open(self._index_file, "w", encoding="ascii", opener=_private) as file:
                file.write(text)
        self._indexed = count


class _End(NamedTuple):
    """So many leaves of a file end there. Another file in its place has another inode."""

    leaves: int
    end: int
    inode: int

    def is_in(self, file: os.stat_result, most: int) -> bool:
        """Whether it can be so of a file, of which `most` leaves are under a checkpoint."""
        return self.inode == file.st_ino and self.leaves <= most and self.end <= file.st_size


def _next_leaf(file: BinaryIO) -> bytes | None:
    """The next leaf; None at the end, and where what is left is not a whole one."""
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    leaf = file.read(length)
    return leaf if len(leaf) == length and 0 < length <= MAX_BYTES else None


def _write(file: BinaryIO, leaves: Iterable[bytes]) -> int:
    count, held = 0, bytearray()
    for leaf in leaves:
        if not 0 < len(leaf) <= MAX_BYTES:
            raise LedgerBroken("a leaf of no possible length", where=f"entry {count}", mend="run: imp audit verify")
        held += _LENGTH.pack(len(leaf))
        held += leaf
        count += 1
        if len(held) >= _WRITTEN_AT_ONCE:
            file.write(held)
            held = bytearray()
    file.write(held)
    return count


def _checksum(count: int, end: int) -> str:
    return f"{zlib.crc32(f'{count} {end}'.encode()):08x}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


@contextmanager
def _os_errors(path: Path, verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ImpError(f"the copy of leaves cannot be {verb}: {error.strerror}", where=str(path)) from None
