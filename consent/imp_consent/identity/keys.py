"""The keyring: a folder outside the workspace with one 0600 file per key, each with an id and a state."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from imp_core.errors import KeysUnusable
from imp_core.workspace import write_atomically

__all__ = ["CHECKPOINT_NAME", "PURPOSES", "Key", "Keyring", "keys_folder"]

CHECKPOINT_NAME = "checkpoint"
_FORMAT = "imp-key/1"
_LENGTH = 32
_SUFFIX = ".key"
_OTHERS = 0o077

# What each key is for. `pepper` also carries its epoch, the number under which pseudonyms are found.
PURPOSES: Final = ("pepper", "kek", "row", "event", "channel", "idem", "supp", "sign")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One secret of 32 bytes; `state` is active or retired. It never shows its bytes."""

    purpose: str
    id: str
    epoch: int
    state: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of one ledger, by purpose."""

    folder: Path
    keys: tuple[Key, ...] = field(repr=False)

    @classmethod
    def create(cls, folder: Path, log_id: str) -> Keyring:
        """Write a new keyring: the folder 0700, each key 0600 and fsynced, secrets from the operating system.

        Raises:
            KeysUnusable: the folder is not new, empty and private, or cannot be written.
        """
        try:
            try:
                folder.mkdir(mode=0o700, parents=True)
            except FileExistsError:
                _check_usable(folder)
            for purpose in PURPOSES:
                secret = secrets.token_bytes(_LENGTH)
                key = Key(purpose=purpose, id=secrets.token_hex(4), epoch=1, state="active", secret=secret)
                _write(folder, log_id, key)
        except OSError as error:
            raise KeysUnusable(f"cannot write keys: {error.strerror}", where=str(folder)) from None
        return cls.open(folder, log_id)

    @classmethod
    def open(cls, folder: Path, log_id: str) -> Keyring:
        """Read a keyring; creates nothing.

        Raises:
            KeysUnusable: the folder or a key is missing, malformed, of another ledger, or readable by others.
        """
        if not folder.is_dir():
            raise KeysUnusable(
                "there are no keys", where=str(folder), mend="set IMP_KEYS to the folder that imp init wrote"
            )
        _check_private(folder)
        if not os.access(folder, os.R_OK | os.X_OK):
            raise KeysUnusable("the folder cannot be read", where=str(folder), mend=f"chmod 700 {folder}")
        keys = tuple(_read(path, log_id) for path in sorted(folder.glob(f"*{_SUFFIX}")))
        for purpose in PURPOSES:
            count = sum(key.purpose == purpose and key.state == "active" for key in keys)
            if count != 1:
                raise KeysUnusable(
                    f"{count} active keys for {purpose}, there must be one",
                    where=str(folder),
                    mend="restore the keys folder from its own backup",
                )
        return cls(folder, keys)

    def destroy(self) -> None:
        """Remove these keys, the checkpoint beside them and the folder if nothing else is in it: an init undone."""
        for key in self.keys:
            _path(self.folder, key).unlink(missing_ok=True)
        self.checkpoint_file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # something else lies there: then it is not ours
            self.folder.rmdir()

    def active(self, purpose: str) -> Key:
        """The key in use for a purpose."""
        return next(key for key in self.keys if key.purpose == purpose and key.state == "active")

    def in_use(self) -> dict[str, str]:
        """The ids of the active keys by purpose, as the ledger's head names them."""
        return {purpose: self.active(purpose).id for purpose in PURPOSES}

    def by_id(self, purpose: str, key_id: str) -> Key:
        """A key by its id, active or retired.

        Raises:
            KeysUnusable: the keyring holds no such key.
        """
        for key in self.keys:
            if key.purpose == purpose and key.id == key_id:
                return key
        raise KeysUnusable(f"the {purpose} key {key_id} is missing", where=str(self.folder))

    def peppers(self) -> tuple[Key, ...]:
        """Every pepper, newest epoch first: identifiers are looked up under each."""
        return tuple(sorted((k for k in self.keys if k.purpose == "pepper"), key=lambda k: -k.epoch))

    @property
    def checkpoint_file(self) -> Path:
        """Where the newest signed checkpoint is kept, outside the database."""
        return self.folder / CHECKPOINT_NAME


def keys_folder(environ: Mapping[str, str], log_id: str) -> Path:
    """`IMP_KEYS`, else `<user config>/imp/<log id>`."""
    chosen = environ.get("IMP_KEYS")
    if chosen:
        return Path(chosen)
    import platformdirs  # noqa: PLC0415 (only where the variable is not set)

    return Path(platformdirs.user_config_dir("imp", appauthor=False)) / log_id


def _path(folder: Path, key: Key) -> Path:
    return folder / f"{key.purpose}-{key.id}{_SUFFIX}"


def _write(folder: Path, log_id: str, key: Key) -> None:
    document = {
        "format": _FORMAT,
        "log_id": log_id,
        "purpose": key.purpose,
        "id": key.id,
        "epoch": key.epoch,
        "state": key.state,
        "secret": base64.b64encode(key.secret).decode(),
    }
    write_atomically(_path(folder, key), json.dumps(document, indent=1).encode() + b"\n", mode=0o600)


def _read(path: Path, log_id: str) -> Key:
    _check_private(path)
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        secret = base64.b64decode(document["secret"], validate=True)
        key = Key(
            purpose=str(document["purpose"]),
            id=str(document["id"]),
            epoch=int(document["epoch"]),
            state=str(document["state"]),
            secret=secret,
        )
        known = document["format"] == _FORMAT and key.purpose in PURPOSES and len(secret) == _LENGTH
        owner = document["log_id"]
    except (OSError, ValueError, KeyError, TypeError):
        known, owner = False, log_id
    if not known:
        raise KeysUnusable("not a key file", where=str(path), mend="restore the keys folder from its own backup")
    if owner != log_id:
        raise KeysUnusable("a key of another ledger", where=str(path), mend="set IMP_KEYS to this ledger's folder")
    return key


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
    status = path.stat()
    if status.st_uid != os.geteuid():
        raise KeysUnusable("belongs to another user", where=str(path), mend=f"chown it: chown $(id -u) {path}")
    if status.st_mode & _OTHERS:
        mode = "700" if path.is_dir() else "600"
        raise KeysUnusable("can be read by other users", where=str(path), mend=f"chmod {mode} {path}")
