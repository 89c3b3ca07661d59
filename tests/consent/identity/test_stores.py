"""Where keys are kept, at its edges: stores that refuse, break or cannot be read, and identifiers that are none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from imp_consent.identity.keys import EnvironmentKeys, FolderKeys, GuardedKeys, Keyring
from imp_consent.identity.normalize import normalise
from imp_core.errors import BadInput, KeysUnusable
from imp_core.event import RawId


def broken(*_: object, **__: object) -> None:
    raise OSError(5, "Input/output error")


class Stranger:
    """A stranger's store."""

    place = "a vault"
    writable = True

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def load(self) -> Mapping[str, bytes]:
        raise self.error

    def store(self, name: str, data: bytes) -> None:  # noqa: ARG002 (it fails whatever it is given)
        raise self.error

    def destroy(self, name: str) -> None:  # noqa: ARG002 (as above)
        raise self.error


def test_keys_in_the_environment_are_never_changed() -> None:
    keys = EnvironmentKeys({})
    with pytest.raises(KeysUnusable, match="read, never changed"):
        keys.store("row-1", b"x")
    with pytest.raises(KeysUnusable, match="read, never changed"):
        keys.destroy("row-1")


def test_a_strangers_own_error_keeps_its_words_and_an_interrupt_is_let_through() -> None:
    with pytest.raises(KeysUnusable, match="the vault is sealed"):
        GuardedKeys("vault", Stranger(KeysUnusable("the vault is sealed"))).load()
    with pytest.raises(KeyboardInterrupt):
        GuardedKeys("vault", Stranger(KeyboardInterrupt())).load()


def test_keys_that_cannot_be_written_are_named_by_their_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FolderKeys, "store", lambda *_: (_ for _ in ()).throw(BadInput("the disk is full")))
    with pytest.raises(KeysUnusable, match="cannot write keys: the disk is full"):
        Keyring.create(tmp_path / "keys", "log-1")


def test_a_folder_that_cannot_be_made_or_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeysUnusable, match="cannot write keys"):
        FolderKeys(tmp_path / "file" / "keys").prepare()
    with pytest.raises(KeysUnusable, match="not a folder"):
        FolderKeys(tmp_path / "file").prepare()
    Keyring.create(tmp_path / "keys", "log-1")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(KeysUnusable, match="cannot be read"):
        FolderKeys(tmp_path / "keys").load()


def test_a_key_of_another_user_or_one_that_breaks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Keyring.create(tmp_path / "keys", "log-1")
    store = FolderKeys(tmp_path / "keys")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", broken)
        with pytest.raises(KeysUnusable, match="a key cannot be read: Input/output error"):
            store.load()
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", broken)
        with pytest.raises(KeysUnusable, match="a key cannot be destroyed"):
            store.destroy(next(iter(store.load())))
    monkeypatch.setattr(os, "geteuid", lambda: 4242424)
    with pytest.raises(KeysUnusable, match="belongs to another user"):
        store.load()


def test_a_key_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    Keyring.create(tmp_path / "keys", "log-1")
    store = FolderKeys(tmp_path / "keys")
    name = next(iter(store.load()))
    (file,) = (tmp_path / "keys").glob(f"{name}.*")
    file.rename(tmp_path / "away")
    file.symlink_to(tmp_path / "away")
    before = (tmp_path / "away").read_bytes()
    with pytest.raises(KeysUnusable, match="a key cannot be written"):
        store.destroy(name)
    assert (tmp_path / "away").read_bytes() == before


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [("member", "a\udcff", "not text in UTF-8"), ("phone", "+1234", "not a possible phone number")],
)
def test_an_identifier_that_is_none_is_refused_without_being_repeated(kind: str, value: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as refused:
        normalise(RawId(kind, value))
    assert value not in str(refused.value)
