"""Small files of text that commands are given: read whole, every fault named."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from imp_core.errors import BadInput

__all__ = ["read_bytes", "read_text", "read_toml"]


def read_bytes(path: Path) -> bytes:
    """A file's bytes.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"cannot be read: {error.strerror}", where=str(path), mend="look at its name and rights"
        ) from None


def read_text(path: Path) -> str:
    """A file's text, without a byte order mark.

    Raises:
        BadInput: it cannot be read, or is not text in UTF-8.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("not text in UTF-8", where=str(path), mend="save it as UTF-8") from None
    if "\x00" in text:
        raise BadInput("not text", where=str(path), mend="save it as plain text in UTF-8")
    return text


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file.

    Raises:
        BadInput: it cannot be read, or is none.
    """
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"not a TOML file: {error}"[:200], where=str(path), mend="mend that line") from None
