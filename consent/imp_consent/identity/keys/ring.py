"""The keyring: the keys of one ledger by purpose, the ones in use as the ledger's head names them.

A rotation writes its new key as staged, commits what is done with it in one transaction whose head names it, and then
settles: the new key becomes active, the old one retired or destroyed. The head is the one truth: whatever a crash
leaves, the ring follows it, and the next writer settles, under the ledger's write lock as every change of keys.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Final

from imp_consent.identity.keys.folder import FolderKeys
from imp_consent.identity.keys.key import PURPOSES, Key, KeyState, format_key, new_key, parse_key
from imp_consent.identity.keys.missing import DESTROYED, NEWEST, missing_key
from imp_core.errors import ImpError, KeysUnusable
from imp_core.key_store import KeyStore

__all__ = ["CHECKPOINT_NAME", "Keyring"]

CHECKPOINT_NAME = "checkpoint"
# What lies outside the database beside the keys: an init undone removes it too.
_OUTSIDE: Final = (CHECKPOINT_NAME, "leaves", "leaves.index", "leaves.previous", "documents", "survivors", "tombstones")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """The keys of one ledger. `folder` is where what is kept outside the database lies, whatever keeps the keys.

    `settled`: every key stands in its store as it is used; else a rotation is under way, or died.
    """

    folder: Path
    log_id: str
    store: KeyStore = field(repr=False)
    keys: tuple[Key, ...] = field(repr=False)
    settled: bool = True
    _active: dict[str, Key] = field(init=False, repr=False, compare=False)  # of `keys`, asked for at every transaction

    def __post_init__(self) -> None:
        active = {key.purpose: key for key in reversed(self.keys) if key.state is KeyState.ACTIVE}
        object.__setattr__(self, "_active", active)

    @classmethod
    def create(cls, folder: Path, log_id: str, *, created_us: int | None = None) -> Keyring:
        """Write a new keyring: the folder 0700, each key 0600 and fsynced, secrets from the operating system.

        Raises:
            KeysUnusable: the folder is not new, empty and private, or cannot be written.
        """
        store = FolderKeys(folder)
        store.prepare()
        try:
            for purpose in PURPOSES:
                key = new_key(purpose, epoch=1, state=KeyState.ACTIVE, created_us=created_us)
                store.store(key.name, format_key(key, log_id))
        except ImpError as error:
            raise KeysUnusable(f"cannot write keys: {error.what}", where=str(folder)) from None
        return cls.open(folder, log_id)

    @classmethod
    def open(cls, folder: Path, log_id: str) -> Keyring:
        """Read a keyring in a folder; creates nothing.

        Raises:
            KeysUnusable: the folder or a key is missing, malformed, of another ledger, or readable by others.
        """
        return cls.load(FolderKeys(folder), log_id, folder=folder)

    @classmethod
    def load(cls, store: KeyStore, log_id: str, *, folder: Path) -> Keyring:
        """Read a keyring from wherever it is kept; creates nothing.

        Raises:
            KeysUnusable: a key is missing, malformed, of another ledger, or kept under another's name.
        """
        keys: list[Key] = []
        for name, data in sorted(store.load().items()):
            key = parse_key(data, log_id, where=f"{store.place}: {name}")
            if key.name != name:
                raise KeysUnusable("a key under another key's name", where=f"{store.place}: {name}")
            keys.append(key)
        _check_epochs(keys, store.place)
        newest = {key.purpose: key.id for key in sorted(keys, key=attrgetter("epoch")) if key.state is KeyState.ACTIVE}
        for purpose in PURPOSES:
            if purpose not in newest:
                raise KeysUnusable(
                    f"0 active keys for {purpose}, there must be one",
                    where=store.place,
                    mend="restore the keys from their own backup",
                )
        settled = not _unfinished(store)
        return cls(folder=folder, log_id=log_id, store=store, keys=tuple(keys), settled=settled).using(newest)

    def reload(self) -> Keyring:
        """The keyring as its store has it now.

        Raises:
            KeysUnusable: as `load`.
        """
        return Keyring.load(self.store, self.log_id, folder=self.folder)

    def using(self, in_use: Mapping[str, str]) -> Keyring:
        """The keyring with these keys (purpose → id) active.

        Raises:
            KeysUnusable: it holds not all of them, or lacks a key that one of its keys wraps.
        """
        for purpose, key_id in in_use.items():
            if not self.has(purpose, key_id):
                raise missing_key(purpose, key_id, place=self.store.place, used=True)
        keys = tuple(key.in_state(_state(key, in_use)) for key in self.keys)
        _check_wrapped(keys, self.store.place)
        settled = keys == self.keys and self.settled and not any(_is_unfinished(key) for key in keys)
        return replace(self, keys=keys, settled=settled or not self.store.writable)

    def following(self, in_use: Mapping[str, str]) -> Keyring:
        """The keyring that a head naming these keys is read with; read anew from its store where one is not known.

        Raises:
            KeysUnusable: the store holds not all of them.
        """
        if not in_use or in_use == self.in_use():
            return self
        known = all(self.has(purpose, key_id) for purpose, key_id in in_use.items())
        return (self if known else self.reload()).using(in_use)

    def active(self, purpose: str) -> Key:
        """The key in use for a purpose."""
        return self._active[purpose]

    def in_use(self) -> dict[str, str]:
        """The ids of the active keys by purpose, as the ledger's head names them."""
        return {purpose: key.id for purpose, key in self._active.items()}

    def has(self, purpose: str, key_id: str) -> bool:
        """Whether there is such a key."""
        return any(key.purpose == purpose and key.id == key_id for key in self.keys)

    def by_id(self, purpose: str, key_id: str) -> Key:
        """A key by its id, active or retired.

        Raises:
            KeysUnusable: the keyring holds no such key.
        """
        for key in self.keys:
            if key.purpose == purpose and key.id == key_id:
                return key
        raise missing_key(purpose, key_id, place=self.store.place)

    def every(self, purpose: str) -> tuple[Key, ...]:
        """The active key of a purpose and the retired ones, newest first."""
        found = [key for key in self.keys if key.purpose == purpose and key.state is not KeyState.STAGED]
        return tuple(sorted(found, key=attrgetter("epoch"), reverse=True))

    def peppers(self) -> tuple[Key, ...]:
        """Every pepper, newest epoch first: identifiers are looked up under each."""
        return self.every("pepper")

    def wrapped(self, key: Key) -> list[Key]:
        """The keys whose results this one hashes again; none where it hashes identifiers themselves.

        Raises:
            KeysUnusable: one is missing.
        """
        return [self.by_id(key.purpose, key_id) for key_id in key.wraps]

    def wrapper(self, key: Key) -> Key | None:
        """The key that hashes this one's results again, if there is one."""
        return next((other for other in self.every(key.purpose) if key.id in other.wraps), None)

    def stage(self, purpose: str, *, created_us: int, wraps: Sequence[str] = ()) -> Key:
        """Write a new key for a purpose, not in use yet. Only under the ledger's write lock: see `settle`.

        The store is read anew: whoever changed keys before may have died. What they put in use is written down first,
        for once this key follows it nothing else tells it from a key that never was; what they only staged stays until
        the change is settled, and takes no epoch from this one.

        Raises:
            KeysUnusable: the store cannot be read or written.
        """
        self.activate()
        epoch = 1 + max(key.epoch for key in (*self.reload_raw(), *self.keys) if key.purpose == purpose)
        key = new_key(purpose, epoch=epoch, state=KeyState.STAGED, created_us=created_us, wraps=wraps)
        self._store(key)
        return key

    def adding(self, key: Key) -> Keyring:
        """The keyring with this staged key in use."""
        ring = replace(self, keys=(*self.keys, key), settled=False)
        return ring.using({**self.in_use(), key.purpose: key.id})

    def activate(self) -> None:
        """Write down which keys are in use, first of what settles a rotation; nothing is lost yet."""
        stored = {key.name: key for key in self.reload_raw()}
        for key in self.keys:
            if key.state is KeyState.ACTIVE and (key.name not in stored or stored[key.name].state is not key.state):
                self._store(key)

    def settle(self) -> Keyring:
        """Retire or destroy what is no longer in use, and what was staged and never used; returns the ring left.

        Only under the ledger's write lock, with the keys in use that its head names: a key staged by somebody else is
        then either in use or nobody's.
        """
        for key in self.reload_raw():
            used = self.has(key.purpose, key.id) and self.by_id(key.purpose, key.id).state is KeyState.ACTIVE
            if used:
                continue
            if key.state is KeyState.STAGED or key.purpose in DESTROYED:
                self.store.destroy(key.name)
            elif key.purpose == "sign" and key.secret:  # it loses its secret half
                self._store(key.without_secret())
            elif key.state is KeyState.ACTIVE:
                self._store(key.in_state(KeyState.RETIRED))
        if isinstance(self.store, FolderKeys):
            self.store.sweep()
        return self.reload().using(self.in_use())

    def forget(self, key: Key) -> Keyring:
        """Destroy a retired key; returns the ring without it."""
        self.store.destroy(key.name)
        return self.reload().using(self.in_use())

    def reload_raw(self) -> tuple[Key, ...]:
        """Every key as its store has it, in the state it has there."""
        found = sorted(self.store.load().items())
        return tuple(parse_key(data, self.log_id, where=f"{self.store.place}: {name}") for name, data in found)

    def destroy(self) -> None:
        """Remove these keys, what lies beside them and the folder if nothing else is in it: an init undone."""
        for key in self.keys:
            self.store.destroy(key.name)
        for name in _OUTSIDE:
            (self.folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # something else lies there: then it is not ours
            self.folder.rmdir()

    @property
    def unfinished(self) -> list[Path]:
        """Files beside the keys that hold a secret and were never put in their place; `settle` destroys them."""
        return _unfinished(self.store)

    @property
    def checkpoint_file(self) -> Path:
        """Where the newest signed checkpoint is kept, outside the database."""
        return self.folder / CHECKPOINT_NAME

    def _store(self, key: Key) -> None:
        self.store.store(key.name, format_key(key, self.log_id))


def _unfinished(store: KeyStore) -> list[Path]:
    return store.unfinished() if isinstance(store, FolderKeys) else []


def _is_unfinished(key: Key) -> bool:
    """Whether `settle` would do something about it."""
    to_destroy = key.purpose in DESTROYED or (key.purpose == "sign" and bool(key.secret))
    return key.state is KeyState.STAGED or (key.state is KeyState.RETIRED and to_destroy)


def _state(key: Key, in_use: Mapping[str, str]) -> KeyState:
    if in_use.get(key.purpose) == key.id:
        return KeyState.ACTIVE
    if key.state is KeyState.ACTIVE and key.purpose in in_use:
        return KeyState.RETIRED
    return key.state


def _check_wrapped(keys: Sequence[Key], place: str) -> None:
    """Nobody is found under a key without those that it wraps."""
    held = {(key.purpose, key.id) for key in keys}
    for key in keys:
        for wrapped in key.wraps if key.state is not KeyState.STAGED else ():
            if (key.purpose, wrapped) not in held:
                what = f"the {key.purpose} key {wrapped} is missing, which the key {key.id} wraps"
                raise KeysUnusable(what, where=place, mend=NEWEST)


def _check_epochs(keys: list[Key], place: str) -> None:
    seen: set[tuple[str, int]] = set()
    for key in keys:
        if key.state is KeyState.STAGED:  # several may have died before their commit; the head says which did not
            continue
        if (key.purpose, key.epoch) in seen:
            raise KeysUnusable(
                f"two keys for {key.purpose} of one epoch", where=place, mend="restore the keys from their own backup"
            )
        seen.add((key.purpose, key.epoch))
