"""Work in progress told from what a killed process left: whoever writes holds a lock (flock(2)) while they live."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Final, final

__all__ = ["Hold", "beside", "held_file", "held_folder", "sweep", "take"]

_PAUSE_S: Final = 0.005


@final
class Hold:
    """A lock on a file or folder, wherever it is moved to; it ends with `release`, this object or the process."""

    __slots__ = ("__weakref__", "_release")

    def __init__(self, descriptor: int) -> None:
        self._release = weakref.finalize(self, os.close, descriptor)

    def release(self) -> None:
        """Let go; again does nothing."""
        self._release()


def take(path: Path, *, patience_s: float = 0.0) -> Hold | None:
    """Lock a file or folder; None where somebody else holds it so many seconds long, or it is gone.

    A little patience outlasts whoever takes it only to see whether it is held. OSError passes through.
    """
    until = time.monotonic() + patience_s
    while (hold := _take(path)) is None and os.path.lexists(path) and time.monotonic() < until:
        time.sleep(_PAUSE_S)
    return hold


def _take(path: Path) -> Hold | None:
    import fcntl  # noqa: PLC0415 (not on Windows, where nothing is held because the ledger refuses)

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    hold = Hold(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between the two calls somebody may have unlinked it: the lock would be on a file without a name.
        if os.path.samestat(os.fstat(descriptor), path.lstat()):
            return hold
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        hold.release()
        raise
    hold.release()
    return None


def held_file(folder: Path, prefix: str, suffix: str) -> tuple[int, Path, Hold]:
    """A new file that only its owner can read: a descriptor to write it with, its path, and the lock on it."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=folder)
        hold = take(Path(name))
        if hold is not None:
            return descriptor, Path(name), hold
        os.close(descriptor)  # swept between the two


def held_folder(folder: Path, prefix: str) -> tuple[Path, Hold]:
    """A new folder that only its owner can read, and the lock on it."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
        hold = take(path)
        if hold is not None:
            return path, hold


@contextlib.contextmanager
def beside(target: Path) -> Iterator[Path]:
    """Where to make what is to be moved to `target`: of the same name, in a folder of its own beside it.

    The folder, `.<name>.imp-new-…`, is only its owner's, and goes when the block ends; where a process was killed, when
    the next one makes anything in the same place. OSError passes through.
    """
    for left in sorted(target.parent.glob(".*.imp-new-*")):
        with contextlib.suppress(PermissionError):  # another user's, which only they may remove
            _remove(left)
    folder, hold = held_folder(target.parent, f".{target.name}.imp-new-")
    try:
        yield folder / target.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # what is left is swept by the next
        hold.release()


def sweep(folder: Path, *, patience_s: float = 0.0) -> int:
    """Remove everything in a folder that nobody holds, whatever its age; returns how many. OSError passes through."""
    return sum(_remove(path, patience_s=patience_s) for path in sorted(folder.glob("*")))


def _remove(path: Path, *, patience_s: float = 0.0) -> bool:
    """Remove a file or folder unless somebody holds it; returns whether it was removed."""
    if not _plain(path):
        path.unlink(missing_ok=True)
        return True
    hold = take(path, patience_s=patience_s)
    if hold is None:
        return False
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    finally:
        hold.release()
    return True


def _plain(path: Path) -> bool:
    """Whether it can be locked: links and sockets have no content of their own."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)
