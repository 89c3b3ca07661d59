"""A keys folder read while another process changes keys: what it held at some moment, or the fault that is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imp_consent.identity.keys import FolderKeys, Keyring, folder
from imp_core.errors import KeysUnusable


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    Keyring.create(tmp_path / "keys", "a-log")
    return tmp_path / "keys"


def replacing(keys: Path, times: int):
    """Reads a file as the store does, after another process has put a new kek in the place of the old one."""
    read, done = folder._read, 0

    def changed(path: Path) -> bytes:
        nonlocal done
        if done < times and path.name.startswith("kek-"):
            done += 1
            new = {**json.loads(path.read_bytes()), "id": f"{done:08x}"}
            other = keys / f"kek-{new['id']}.key"
            other.write_text(json.dumps(new))
            other.chmod(0o600)
            path.unlink()
        return read(path)

    return changed


def test_a_key_that_is_replaced_while_the_folder_is_read_is_read_again(keys: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folder, "_read", replacing(keys, 3))
    assert Keyring.open(keys, "a-log").active("kek").id == "00000003"


def test_a_folder_that_never_stands_still_is_given_up(keys: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folder, "_read", replacing(keys, 1_000))
    with pytest.raises(KeysUnusable, match="being changed"):
        Keyring.open(keys, "a-log")


def test_a_key_that_stands_still_and_cannot_be_read_is_a_fault_at_once(keys: Path):
    next(keys.glob("row-*")).chmod(0o644)
    with pytest.raises(KeysUnusable, match="read by other users"):
        Keyring.open(keys, "a-log")


def test_a_key_that_takes_anothers_place_while_it_is_read_is_read_again(keys: Path, monkeypatch: pytest.MonkeyPatch):
    read, path = folder._read, next(keys.glob("pepper-*"))
    name, data = path.stem, path.read_bytes()

    def overwritten(one: Path) -> bytes:
        if one == path:
            monkeypatch.setattr(folder, "_read", read)
            with path.open("rb") as opened:
                FolderKeys(keys).store(name, data)
                return opened.read()
        return read(one)

    monkeypatch.setattr(folder, "_read", overwritten)
    assert FolderKeys(keys).load()[name] == data


def test_what_a_key_replaces_is_overwritten(keys: Path):
    path = next(keys.glob("sign-*"))
    secret = json.loads(path.read_bytes())["secret"].encode()
    with path.open("rb") as before:
        FolderKeys(keys).store(path.stem, b"{}")
        assert path.read_bytes() == b"{}"
        assert secret not in before.read()
    with path.open("rb") as before:
        FolderKeys(keys).destroy(path.stem)
        assert before.read() != b"{}"
    assert not path.exists()


def test_an_unfinished_file_goes_with_its_key_and_no_other_does(keys: Path):
    store = FolderKeys(keys)
    path, other = next(keys.glob("kek-*")), next(keys.glob("row-*"))
    left = [path.with_name(f".{one.name}.0a1b2c3d.new") for one in (path, other)]
    for one in left:
        one.write_bytes(path.read_bytes())
    with left[0].open("rb") as opened:
        store.destroy(path.stem)
        assert opened.read() != other.read_bytes()
    assert store.unfinished() == [left[1]]
    store.sweep()
    assert store.unfinished() == []
    assert other.exists()


def test_an_unfinished_file_that_is_a_link_harms_nothing_else(keys: Path, tmp_path: Path):
    kept = tmp_path / "kept"
    kept.write_text("mine")
    (keys / ".kek-00000000.key.0a1b2c3d.new").symlink_to(kept)
    with pytest.raises(KeysUnusable, match="cannot be"):
        FolderKeys(keys).sweep()
    assert kept.read_text() == "mine"
