"""Where in a plugin's own code something was raised: the file within its package, and the line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from imp_core.wall.words import plain_text

__all__ = ["place_of"]

# A stranger can compile code under any name and line: only a file that is there, and a line it has, is told.
_FILE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z_][A-Za-z0-9_]*)*\.py")
_DIGITS: Final = re.compile(r"[0-9]{4}")
_MOST_CHARS: Final = 120
_MOST_BYTES: Final = 4_000_000


def place_of(error: BaseException, package: str) -> str | None:
    """`imp_channel_acme/channel.py:57`, the innermost place within a plugin's package; None where it was elsewhere.

    Of a syntax error that is where it stands.
    """
    if not package:
        return None
    try:
        folders = _folders(package)
        places = [_within(folders, package, file, line) for file, line in _frames(error)]
        return next(filter(None, reversed(places)), None)
    except BaseException:  # noqa: BLE001 (reading a stranger's exception, or module, runs a stranger's code)
        return None


def _folders(package: str) -> list[str]:
    import importlib.util  # noqa: PLC0415 (`imp --help` of whole plugins asks for no place)

    spec = importlib.util.find_spec(package)
    return [os.path.realpath(folder) for folder in (spec.submodule_search_locations if spec else None) or ()]


def _frames(error: BaseException) -> Iterator[tuple[str, int]]:
    traceback: TracebackType | None = _own(BaseException, "__traceback__", error)
    while traceback is not None:
        yield plain_text(traceback.tb_frame.f_code.co_filename), traceback.tb_lineno
        traceback = traceback.tb_next
    if issubclass(type(error), SyntaxError):
        file, line = _own(SyntaxError, "filename", error), _own(SyntaxError, "lineno", error)
        if file is not None and type(line) is int:
            yield plain_text(file), line


def _own(kind: type[BaseException], name: str, error: BaseException) -> Any:  # noqa: ANN401 (what the interpreter noted)
    """An attribute as the interpreter keeps it, past what a subclass makes of it."""
    return kind.__dict__[name].__get__(error)


def _within(folders: list[str], package: str, file: str, line: int) -> str | None:
    real = os.path.realpath(file)
    for folder in folders:
        if real.startswith(folder + os.sep):
            name = "/".join((package, *Path(real).relative_to(folder).parts))
            fine = _FILE.fullmatch(name) and not _DIGITS.search(name) and len(name) <= _MOST_CHARS
            return f"{name}:{line}" if fine and 1 <= line <= _lines(real) else None
    return None


def _lines(file: str) -> int:
    with Path(file).open("rb") as stream:
        return stream.read(_MOST_BYTES).count(b"\n") + 1
