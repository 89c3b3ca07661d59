"""Keys in a folder outside the workspace: 0700, one 0600 file a key, all of them their user's own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from imp_core.errors import KeysUnusable
from imp_core.workspace import sync, write_atomically

__all__ = ["FolderKeys", "keys_folder"]

_SUFFIX: Final = ".key"
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
            raise KeysUnusable(f"cannot write keys: {error.strerror}", where=self.place) from None

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
            if listed == _key_files(folder):
                return found
        raise KeysUnusable("keys are being changed without end", where=str(folder), mend="try again")

    def store(self, name: str, data: bytes) -> None:
        """Write one key, fsynced with its folder."""
        write_atomically(self.folder / f"{name}{_SUFFIX}", data, mode=0o600)

    def destroy(self, name: str) -> None:
        """Remove and overwrite one key. What a disk or a backup keeps of a file that was overwritten is theirs.

        Raises:
            KeysUnusable: it cannot be removed.
        """
        path = self.folder / f"{name}{_SUFFIX}"
        try:
            with path.open("r+b") as file:
                # removed first: a crash leaves the key, or nothing, never a broken one
                path.unlink()
                sync(self.folder)
                file.write(secrets.token_bytes(os.fstat(file.fileno()).st_size))
                file.flush()
                os.fsync(file.fileno())
        except FileNotFoundError:
            return  # somebody else was at it too
        except OSError as error:
            raise KeysUnusable(f"a key cannot be destroyed: {error.strerror}", where=str(path)) from None


def keys_folder(environ: Mapping[str, str], log_id: str) -> Path:
    """`IMP_KEYS`, else `<user config>/imp/<log id>`."""
    chosen = environ.get("IMP_KEYS")
    if chosen:
        return Path(chosen)
    import platformdirs  # noqa: PLC0415 (only where the variable is not set)

    return Path(platformdirs.user_config_dir("imp", appauthor=False)) / log_id


def _key_files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{_SUFFIX}"))


def _read(path: Path) -> bytes:
    _check_private(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeysUnusable(f"a key cannot be read: {error.strerror}", where=str(path)) from None


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
