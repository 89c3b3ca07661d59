"""A keys folder read while another process changes keys: what it held at some moment, or the fault that is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imp_consent.identity.keys import Keyring, folder
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
