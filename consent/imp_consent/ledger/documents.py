"""A copy outside the database of every document that entries name by its hash: purposes, notices, lists of files.

    'p' or 'n'   1 byte, the table it is from: policy or notice
    length       4 bytes, big-endian
    sha256       32 bytes
    body

One after another in the file `documents` beside the copy of leaves, appended and fsynced before a checkpoint over the
entries that name them is written. A restore takes from it what the backup lacks. Nothing in it is about a person.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from imp_core.errors import ImpError, LedgerBroken
from imp_core.workspace import sync

__all__ = ["DOCUMENTS_NAME", "KeptDocuments"]

DOCUMENTS_NAME: Final = "documents"
_HEAD: Final = struct.Struct(">cI32s")
_TABLES: Final = {b"p": "policy", b"n": "notice"}


class KeptDocuments:
    """The file of one ledger. It is written under the database's write lock, by one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / DOCUMENTS_NAME
        self._seen = 0  # where the last whole document ended when this looked, and which there were
        self._names: set[tuple[str, str]] = set()

    def keep(self, sql: sqlite3.Connection) -> None:
        """Append the documents that the database holds and the file does not; durable when it returns.

        Raises:
            LedgerBroken: a document is not what its hash says.
            ImpError: the file cannot be written.
        """
        stored = {(t, name) for t in _TABLES.values() for (name,) in sql.execute(f"SELECT sha256 FROM {t}")}  # noqa: S608 (one of two names above)
        if stored <= self._names and self._size() == self._seen:
            return
        with _os_errors(self.path):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "r+b") as file:
                self._look(file)
                new = self._seen == 0
                file.truncate(self._seen)  # a torn one is what a crash left
                file.seek(self._seen)
                for table, name in sorted(stored - self._names):
                    file.write(_format(sql, table, name))
                    self._names.add((table, name))
                file.flush()
                os.fsync(file.fileno())
                self._seen = file.tell()
            if new:
                sync(self.path.parent)

    def read(self) -> Iterator[tuple[str, str, bytes]]:
        """Each whole document: its table, SHA-256 (hex) and body. One whose body has another hash is left out.

        Raises:
            ImpError: the file cannot be read.
        """
        with _os_errors(self.path):
            try:
                file = self.path.open("rb")
            except FileNotFoundError:
                return
            with file:
                size = os.fstat(file.fileno()).st_size
                while (found := _next(file, size)) is not None:
                    table, name, length = found
                    body = file.read(length)
                    if hashlib.sha256(body).hexdigest() == name:
                        yield table, name, body

    def _size(self) -> int:
        with _os_errors(self.path):
            try:
                return self.path.stat().st_size
            except FileNotFoundError:
                return 0

    def _look(self, file: BinaryIO) -> None:
        """Go on to the last whole document. One that does not have its hash is not there: it is appended again."""
        size = os.fstat(file.fileno()).st_size
        if size < self._seen:
            self._seen, self._names = 0, set()
        file.seek(self._seen)
        while (found := _next(file, size)) is not None:
            table, name, length = found
            if hashlib.sha256(file.read(length)).hexdigest() == name:
                self._names.add((table, name))
            self._seen = file.tell()


def _next(file: BinaryIO, size: int) -> tuple[str, str, int] | None:
    """The next document's table, hash and length; None at the end, and where what is left is not a whole one."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    tag, length, sha256 = _HEAD.unpack(head)
    if tag not in _TABLES or file.tell() + length > size:
        return None
    return _TABLES[tag], sha256.hex(), length


def _format(sql: sqlite3.Connection, table: str, name: str) -> bytes:
    (body,) = sql.execute(f"SELECT body FROM {table} WHERE sha256 = ?", (name,)).fetchone()  # noqa: S608 (one of two names above)
    if not isinstance(body, bytes) or hashlib.sha256(body).hexdigest() != name:
        raise LedgerBroken("a document was changed", where=f"{table} {name!s:.16}…", mend="run: imp audit verify")
    return _HEAD.pack(table[:1].encode(), len(body), bytes.fromhex(name)) + body


@contextmanager
def _os_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ImpError(f"the copy of documents cannot be used: {error.strerror}", where=str(path)) from None
