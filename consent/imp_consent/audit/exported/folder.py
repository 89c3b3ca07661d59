"""A folder from strangers, read without trusting it: no link is followed, no size is believed."""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from imp_core.errors import BadInput

__all__ = ["Folder", "Unreadable"]

_OPEN_FOLDERS: Final = 16
_MAX_DEPTH: Final = 12
_PLAIN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO must not stop us


class Unreadable(Exception):
    """A file is absent, no plain file, too large or cannot be read: what a check makes a problem of, with its path."""


class Folder:
    """Files below one folder by their paths with forward slashes. Use it as a context.

    Every folder on the way is opened by the one before it and none may be a link, so that no path leads out of here,
    whatever is exchanged meanwhile.

    Raises:
        BadInput: it is not a folder, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: OrderedDict[str, int] = OrderedDict()
        try:
            self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise BadInput(
                f"cannot be read as a folder: {error.strerror}",
                where=str(path),
                mend="name the folder that imp audit export wrote",
            ) from None

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in (self._root, *self._open.values()):
            os.close(descriptor)

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a plain file of at most `limit`.

        Raises:
            Unreadable: there is none, it is larger, or it is something else.
        """
        parent, _, name = path.rpartition("/")
        try:
            descriptor = os.open(name, _PLAIN, dir_fd=self._folder(parent))
            with os.fdopen(descriptor, "rb", buffering=0) as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise Unreadable("no plain file")
                # one byte more than it says it has: it may grow while it is read
                data = file.read(min(status.st_size, limit) + 1)
        except FileNotFoundError:
            raise Unreadable("missing") from None
        except OSError as error:
            raise Unreadable(f"cannot be read: {error.strerror}") from None
        if len(data) > limit:
            raise Unreadable(f"larger than {limit} bytes")
        return data

    def files(self) -> Iterator[tuple[str, bool]]:
        """Everything that is no folder, as path and whether it is a plain file; too deep a folder counts as not one.

        Raises:
            Unreadable: a folder cannot be listed.
        """
        yield from self._files("", 0)

    def _files(self, folder: str, depth: int) -> Iterator[tuple[str, bool]]:
        try:
            with os.scandir(self._folder(folder) if folder else self._root) as found:
                entries = sorted((entry.name, entry.is_dir(follow_symlinks=False), _is_plain(entry)) for entry in found)
        except OSError as error:
            raise Unreadable(f"{folder or self._path.name} cannot be listed: {error.strerror}") from None
        for name, is_folder, plain in entries:
            path = f"{folder}/{name}" if folder else name
            if is_folder and depth < _MAX_DEPTH:
                yield from self._files(path, depth + 1)
            else:
                yield path, plain

    def _folder(self, path: str) -> int:
        if not path:
            return self._root
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        parent, _, name = path.rpartition("/")
        above = self._folder(parent)
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
        self._open[path] = descriptor
        if len(self._open) > _OPEN_FOLDERS:
            os.close(self._open.popitem(last=False)[1])
        return descriptor


def _is_plain(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False)
