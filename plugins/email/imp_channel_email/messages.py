"""The messages of a source, one after the other: a message file, an mbox, a Maildir, or a folder of message files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from imp_core.errors import BadInput

__all__ = ["MAX_MESSAGE", "read_messages"]

# A report is some kilobytes; what is longer has a film attached, and would let memory grow with it.
MAX_MESSAGE: Final = 16 * 1024 * 1024
_FROM = b"From "


def read_messages(path: Path) -> Iterator[bytes | None]:
    """Every message as bytes, in order; None for one that is longer than `MAX_MESSAGE` or cannot be read.

    Raises:
        BadInput: there is no such file or folder, or no message in it.
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


def _folder(path: Path) -> Iterator[bytes | None]:
    # A Maildir's messages are in new/ and cur/; what stands in tmp/ is not delivered yet.
    folders = [path / name for name in ("cur", "new") if (path / name).is_dir()]
    files = [file for folder in folders for file in folder.iterdir() if not file.name.startswith(".")]
    for file in sorted(files or path.glob("*.eml")):
        if file.is_file():
            with file.open("rb") as content:
                message = content.read(MAX_MESSAGE + 1)
            yield message if len(message) <= MAX_MESSAGE else None


def _file(path: Path) -> Iterator[bytes | None]:
    with path.open("rb") as content:
        if content.peek(len(_FROM)).startswith(_FROM):
            yield from _mbox(content)
            return
        message = content.read(MAX_MESSAGE + 1)
        if message.strip():
            yield message if len(message) <= MAX_MESSAGE else None


def _mbox(content: BinaryIO) -> Iterator[bytes | None]:
    # RFC 4155: a message begins after a line "From ", which stands at the start or after an empty line.
    lines: list[bytes] = []
    size, empty = 0, True
    content.readline(MAX_MESSAGE)
    while line := content.readline(MAX_MESSAGE):
        if empty and line.startswith(_FROM):
            yield b"".join(lines) if size <= MAX_MESSAGE else None
            lines, size = [], 0
            continue
        empty = line in (b"\n", b"\r\n")
        size += len(line)
        if size <= MAX_MESSAGE:
            # mboxrd: a line that began with From was marked.
            lines.append(line[1:] if line.startswith(b">") and line.lstrip(b">").startswith(_FROM) else line)
    yield b"".join(lines) if size <= MAX_MESSAGE else None
