r"""The hex SHA-256 by which a source is taken once: of a file its bytes, of a folder all files below it.

A folder's is that of the text in which each regular file below it, hidden ones included, is `SHA-256  NAME` and a null
byte, in the order of the names' bytes: what GNU tools say, standing in the folder, with

    find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum -z | sha256sum

Links inside are not followed and not counted: what they lead to may lie anywhere. Folders count by what is in them.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from imp_core.errors import BadInput

__all__ = ["source_sha256"]


def source_sha256(path: Path) -> str:
    """Read a file, or all files of a folder, in pieces.

    Raises:
        BadInput: one of them cannot be read, or went away meanwhile; it is named.
    """
    if not path.is_dir():
        return _file_sha256(path, missing="no such file")
    whole = hashlib.sha256()
    for name in sorted(_names(path)):
        digest = _file_sha256(path / os.fsdecode(name), missing="it went away while its folder was read")
        whole.update(b"%b  %b\0" % (digest.encode(), name))
    return whole.hexdigest()


def _names(folder: Path) -> Iterator[bytes]:
    """The regular files below a folder, relative to it."""
    root = os.fsencode(folder)
    for parent, _, names in os.walk(root, onerror=_unreadable):
        for name in names:
            file = b"%b/%b" % (parent, name)
            try:
                regular = stat.S_ISREG(os.lstat(file).st_mode)
            except OSError as error:
                _unreadable(error)
            if regular:
                yield os.path.relpath(file, root)


def _file_sha256(path: Path, *, missing: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise BadInput(missing, where=_shown(path), mend="look at how it is spelt, and where it lies") from None
    except OSError as error:
        raise BadInput(
            f"the file cannot be read: {error.strerror}",
            where=_shown(path),
            mend="look at its name, whose it is and its mode",
        ) from None


def _unreadable(error: OSError) -> NoReturn:
    raise BadInput(
        f"it cannot be read: {error.strerror}",
        where=_shown(error.filename),
        mend="look at its name, whose it is and its mode",
    ) from None


def _shown(path: str | bytes | Path) -> str:
    # a name that is no UTF-8 could not be printed
    return os.fsencode(path).decode("utf-8", "replace")
