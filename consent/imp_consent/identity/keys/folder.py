"""Keys in a folder outside the workspace: 0700, one 0600 file a key, all of them their user's own."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from imp_core.errors import KeysUnusable
from imp_core.workspace import sync, write_atomically

__all__ = ["FolderKeys", "keys_folder"]

_SUFFIX: Final = ".key"
_UNFINISHED: Final = f".*{_SUFFIX}.*.new"  # what `write_atomically` leaves where it is killed before its rename
_OTHERS: Final = 0o077
_READINGS: Final = 20  # of keys that change meanwhile, before giving up


class FolderKeys:
    """The keys in one folder (`imp_core.key_store.KeyStore`)."""

    writable = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def place(self) -> str:
        """The folder."""
        return str(self.folder)

    def prepare(self) -> None:
        """Make the folder where there is none.

        Raises:
            KeysUnusable: it is there and not empty or not private, or cannot be made.
        """
        try:
            try:
                self.folder.mkdir(mode=0o700, parents=True)
            except FileExistsError:
                _check_usable(self.folder)
        except OSError as error:
            raise KeysUnusable(
                f"cannot write keys: {error.strerror}", where=self.place, mend="set IMP_KEYS to a folder of your own"
            ) from None

    def load(self) -> Mapping[str, bytes]:
        """Every key file, by its name without the suffix.

        Raises:
            KeysUnusable: the folder or a key is missing, cannot be read, or can be read by others.
        """
        folder = self.folder
        if not folder.is_dir():
            raise KeysUnusable(
                "there are no keys", where=str(folder), mend="set IMP_KEYS to the folder that imp init wrote"
            )
        _check_private(folder)
        if not os.access(folder, os.R_OK | os.X_OK):
            raise KeysUnusable("the folder cannot be read", where=str(folder), mend=f"chmod 700 {folder}")
        for _ in range(_READINGS):  # another process may store and destroy keys meanwhile
            listed = _key_files(folder)
            try:
                found = {path.name.removesuffix(_SUFFIX): _read(path) for path in listed}
            except KeysUnusable:
                if listed == _key_files(folder):
                    raise
                continue
            if listed == _key_files(folder):  # the same files still: none was overwritten while it was read
                return found
        raise KeysUnusable("keys are being changed without end", where=str(folder), mend="try again")

    def store(self, name: str, data: bytes) -> None:
        """Write one key, fsynced with its folder, and overwrite the file whose place it takes.

        Raises:
            ImpError: the folder cannot be written to; the key is as it was.
        """
        path = self._path(name)
        with _opened(path) as replaced:
            write_atomically(path, data, mode=0o600)
            if replaced is not None:
                _overwrite(replaced)

    def destroy(self, name: str) -> None:
        """Remove and overwrite one key, unfinished files of it too.

        What a disk or a backup keeps of a file that was overwritten is theirs.

        Raises:
            KeysUnusable: it cannot be removed.
        """
        for path in sorted(self.folder.glob(f".{name}{_SUFFIX}.*.new")):
            _destroy(path)
        _destroy(self._path(name))

    def unfinished(self) -> list[Path]:
        """Files with a secret that somebody who is writing keys, or was killed at it, has not put in their place."""
        return sorted(self.folder.glob(_UNFINISHED))

    def sweep(self) -> None:
        """Destroy unfinished files. Only under the ledger's write lock: whoever left them was killed.

        Raises:
            KeysUnusable: one cannot be removed.
        """
        for path in self.unfinished():
            _destroy(path)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{_SUFFIX}"


def keys_folder(environ: Mapping[str, str], log_id: str) -> Path:
    """`IMP_KEYS`, else `<user config>/imp/<log id>`."""
    chosen = environ.get("IMP_KEYS")
    if chosen:
        return Path(chosen)
    import platformdirs  # noqa: PLC0415 (only where the variable is not set)

    return Path(platformdirs.user_config_dir("imp", appauthor=False)) / log_id


def _key_files(folder: Path) -> dict[Path, tuple[int, int]]:
    """The key files, and what tells each from another of its name."""
    found: dict[Path, tuple[int, int]] = {}
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        with contextlib.suppress(FileNotFoundError):  # destroyed since it was listed
            status = path.stat()
            found[path] = status.st_ino, status.st_mtime_ns
    return found


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    """A key file to be overwritten; None where there is none."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise KeysUnusable(f"a key cannot be written: {error.strerror}", where=str(path)) from None
    try:
        yield descriptor
    except OSError as error:
        raise KeysUnusable(f"a key cannot be destroyed: {error.strerror}", where=str(path)) from None
    finally:
        os.close(descriptor)


def _overwrite(descriptor: int) -> None:
    os.pwrite(descriptor, secrets.token_bytes(os.fstat(descriptor).st_size), 0)
    os.fsync(descriptor)


def _destroy(path: Path) -> None:
    with _opened(path) as descriptor:
        if descriptor is None:
            return  # somebody else was at it too
        # removed first: a crash leaves the key, or nothing, never a broken one
        path.unlink(missing_ok=True)
        sync(path.parent)
        _overwrite(descriptor)


def _read(path: Path) -> bytes:
    _check_private(path)
    try:
        return path.read_bytes()
    except OSError as error:
        mend = f"chown $(id -u) {path} && chmod 600 {path}"
        raise KeysUnusable(f"a key cannot be read: {error.strerror}", where=str(path), mend=mend) from None


def _check_usable(folder: Path) -> None:
    """An existing folder may take new keys if it is private and empty; its mode is not ours to change."""
    if not folder.is_dir():
        raise KeysUnusable("not a folder", where=str(folder), mend="set IMP_KEYS elsewhere")
    if any(folder.glob(f"*{_SUFFIX}")):
        raise KeysUnusable("the folder already holds keys", where=str(folder), mend="set IMP_KEYS elsewhere")
    if any(folder.iterdir()):
        raise KeysUnusable("the folder holds something else", where=str(folder), mend="set IMP_KEYS to a new folder")
    _check_private(folder)


def _check_private(path: Path) -> None:
    try:
        status = path.stat()
    except OSError as error:  # another process may have destroyed it after it was listed
        raise KeysUnusable(f"a key cannot be read: {error.strerror}", where=str(path), mend="try again") from None
    if status.st_uid != os.geteuid():
        raise KeysUnusable("belongs to another user", where=str(path), mend=f"chown it: chown $(id -u) {path}")
    if status.st_mode & _OTHERS:
        mode = "700" if path.is_dir() else "600"
        raise KeysUnusable("can be read by other users", where=str(path), mend=f"chmod {mode} {path}")
