"""Keys: created once, private, apart from the workspace, and never made up where they are missing."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from imp_consent.identity.keys import PURPOSES, Keyring, keys_folder
from imp_core.errors import KeysUnusable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Keyring.create(tmp_path / "keys", "log-1")
    return tmp_path / "keys"


def test_a_new_keyring_has_one_private_active_key_for_each_purpose(folder: Path) -> None:
    keyring = Keyring.open(folder, "log-1")
    assert sorted(key.purpose for key in keyring.keys) == sorted(PURPOSES)
    assert len({key.secret for key in keyring.keys}) == len(PURPOSES)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_keyring_never_shows_a_secret(folder: Path) -> None:
    keyring = Keyring.open(folder, "log-1")
    shown = repr(keyring) + repr(keyring.active("pepper"))
    assert not any(key.secret.hex() in shown or repr(key.secret) in shown for key in keyring.keys)


def test_keys_are_never_created_over_others(folder: Path) -> None:
    with pytest.raises(KeysUnusable, match="already holds keys"):
        Keyring.create(folder, "log-2")


def test_a_missing_folder_is_named_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(KeysUnusable, match="no keys"):
        Keyring.open(tmp_path / "nowhere", "log-1")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("purpose", PURPOSES)
def test_one_missing_key_is_named_and_not_replaced(folder: Path, purpose: str) -> None:
    next(folder.glob(f"{purpose}-*.key")).unlink()
    before = sorted(folder.iterdir())
    with pytest.raises(KeysUnusable, match=f"0 active keys for {purpose}"):
        Keyring.open(folder, "log-1")
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_key_that_others_can_read_or_write_is_refused(folder: Path, mode: int) -> None:
    path = next(folder.glob("kek-*.key"))
    path.chmod(mode)
    with pytest.raises(KeysUnusable, match="other users") as caught:
        Keyring.open(folder, "log-1")
    assert caught.value.where == str(path)
    assert "chmod 600" in str(caught.value.mend)


def test_a_folder_that_others_can_read_is_refused(folder: Path) -> None:
    folder.chmod(0o755)
    with pytest.raises(KeysUnusable, match="other users"):
        Keyring.open(folder, "log-1")


def test_the_keys_of_another_ledger_are_refused(folder: Path) -> None:
    with pytest.raises(KeysUnusable, match="another ledger"):
        Keyring.open(folder, "log-2")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"format":"imp-key/1","log_id":"log-1","purpose":"kek","id":"x","epoch":1,"state":"active","secret":"AA=="}',
        b'{"format":"imp-key/9","log_id":"log-1","purpose":"kek","id":"x","epoch":1,"state":"active","secret":"AA=="}',
        b'{"format":"imp-key/1","log_id":"log-1","purpose":"kek","id":"x","epoch":[],"state":"active","secret":"?"}',
    ],
)
def test_a_malformed_key_file_is_named(folder: Path, content: bytes) -> None:
    path = next(folder.glob("kek-*.key"))
    path.write_bytes(content)
    with pytest.raises(KeysUnusable, match="not a key file") as caught:
        Keyring.open(folder, "log-1")
    assert caught.value.where == f"{folder}: {path.stem}"


def test_a_retired_pepper_still_finds_and_the_newest_comes_first(folder: Path) -> None:
    path = next(folder.glob("pepper-*.key"))
    retired = json.loads(path.read_text()) | {"id": "older", "epoch": 0, "state": "retired"}
    older = folder / "pepper-older.key"
    older.write_text(json.dumps(retired))
    older.chmod(0o600)
    assert [key.epoch for key in Keyring.open(folder, "log-1").peppers()] == [1, 0]


def test_keys_live_in_the_users_configuration_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/somewhere")
    assert keys_folder({"IMP_KEYS": "/elsewhere"}, "log-1") == Path("/elsewhere")
    assert keys_folder({}, "log-1").parts[-2:] == ("imp", "log-1")
