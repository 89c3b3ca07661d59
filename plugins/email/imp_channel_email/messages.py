"""The messages of a source, one after the other: a message file, an mbox, a Maildir, or a folder of message files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from imp_core.errors import BadInput

__all__ = ["MAX_READ", "read_messages"]

# A report says first what became of whom, some kilobytes of it; the message it returns, with its films, comes last.
MAX_READ: Final = 1024 * 1024
_FROM = b"From "


def read_messages(path: Path) -> Iterator[bytes]:
    """The first `MAX_READ` bytes of every message, in order; memory does not grow with the source.

    Raises:
        BadInput: there is no such file or folder, no message in it, or it cannot be read to its end.
    """
    found = False
    try:
        for message in _folder(path) if path.is_dir() else _file(path):
            found = True
            yield message
    except FileNotFoundError:
        raise BadInput("no such file or folder", where=str(path)) from None
    except OSError as error:
        raise BadInput(f"it cannot be read: {error.strerror}", where=str(path)) from None
    if not found:
        raise BadInput(
            "there is no message", where=str(path), mend="name an mbox, a Maildir, a .eml file or a folder of them"
        )


def _folder(path: Path) -> Iterator[bytes]:
    # A Maildir's messages are in new/ and cur/; what stands in tmp/ is not delivered yet. Links are left alone: imp
    # knows a folder again by the files in it, and what a link leads to may change unseen.
    folders = [path / name for name in ("cur", "new") if (path / name).is_dir() and not (path / name).is_symlink()]
    files = [file for folder in folders for file in folder.iterdir() if not file.name.startswith(".")]
    for file in sorted(files or path.glob("*.eml")):
        if file.is_file() and not file.is_symlink():
            with file.open("rb") as content:
                yield content.read(MAX_READ)


def _file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as content:
        if content.peek(len(_FROM)).startswith(_FROM):
            yield from _mbox(content)
            return
        message = content.read(MAX_READ)
        if message.strip():
            yield message


def _mbox(content: BinaryIO) -> Iterator[bytes]:
    # RFC 4155: a message begins after a line "From ", which stands at the start or after an empty line.
    message, empty = bytearray(), True
    content.readline(MAX_READ)
    while line := content.readline(MAX_READ):
        if empty and line.startswith(_FROM):
            yield bytes(message)
            message = bytearray()
            continue
        empty = line in (b"\n", b"\r\n")
        message += line[: MAX_READ - len(message)]
    yield bytes(message)
