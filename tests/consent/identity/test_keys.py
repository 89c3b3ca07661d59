"""Keys: created once, private, apart from the workspace, and never made up where they are missing."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_consent.identity.keys import (
    MATERIAL,
    PURPOSES,
    EnvironmentKeys,
    FolderKeys,
    Keyring,
    KeyState,
    format_key,
    format_material,
    keys_folder,
    parse_key,
)
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


def test_keys_are_never_created_among_something_else(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(KeysUnusable, match="holds something else"):
        Keyring.create(tmp_path, "log-1")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


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


def rewritten(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_key_of_the_first_format_is_read_and_says_less(folder: Path) -> None:
    path = next(folder.glob("kek-*.key"))
    document = json.loads(path.read_text()) | {"format": "imp-key/1"}
    for name in ("created_us", "wraps", "public"):
        del document[name]
    path.write_text(json.dumps(document))
    key = Keyring.open(folder, "log-1").active("kek")
    assert (key.created_us, key.wraps, key.public, key.state) == (None, (), None, KeyState.ACTIVE)


def test_keys_are_written_and_read_back(folder: Path) -> None:
    key = replace(Keyring.open(folder, "log-1").active("supp"), created_us=5, wraps=("a1", "b2"))
    assert parse_key(format_key(key, "log-1"), "log-1", where="here") == key
    spent = Keyring.open(folder, "log-1").active("sign").without_secret()
    assert (spent.secret, spent.state) == (b"", KeyState.RETIRED)
    assert parse_key(format_key(spent, "log-1"), "log-1", where="here") == spent


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "lost"},
        {"purpose": "other"},
        {"id": "../x"},
        {"id": 5},
        {"epoch": "1"},
        {"epoch": True},
        {"created_us": "now"},
        {"wraps": [5]},
        {"wraps": 5},
        {"public": "AAAA"},
        {"public": "?"},
        {"secret": ""},
        {"secret": "AAAA"},
        {"secret": None},
        {"format": "imp-key/3"},
    ],
)
def test_a_key_file_with_a_field_that_is_not_one_is_named(folder: Path, changes: dict[str, object]) -> None:
    path = next(folder.glob("kek-*.key"))
    rewritten(path, **changes)
    with pytest.raises(KeysUnusable, match="not a key file"):
        Keyring.open(folder, "log-1")


@given(st.binary() | st.recursive(st.none() | st.text(), st.lists).map(lambda value: json.dumps(value).encode()))
def test_no_bytes_of_a_key_escape_as_a_foreign_error(data: bytes) -> None:
    with pytest.raises(KeysUnusable):
        parse_key(data, "log-1", where="here")


@given(st.text())
def test_no_material_in_the_environment_escapes_as_a_foreign_error(text: str) -> None:
    with pytest.raises(KeysUnusable):
        EnvironmentKeys({MATERIAL: text}).load()


def test_what_is_exported_is_what_is_read(folder: Path) -> None:
    keys = dict(FolderKeys(folder).load())
    assert EnvironmentKeys({MATERIAL: format_material(keys)}).load() == keys


def test_a_key_under_another_keys_name_is_refused(folder: Path) -> None:
    path = next(folder.glob("kek-*.key"))
    path.rename(folder / "kek-00000000.key")
    with pytest.raises(KeysUnusable, match="another key's name"):
        Keyring.open(folder, "log-1")


def test_two_keys_of_one_epoch_are_refused(folder: Path) -> None:
    path = next(folder.glob("kek-*.key"))
    twin = folder / "kek-0badc0de.key"
    twin.write_text(json.dumps(json.loads(path.read_text()) | {"id": "0badc0de"}))
    twin.chmod(0o600)
    with pytest.raises(KeysUnusable, match="one epoch"):
        Keyring.open(folder, "log-1")


def test_a_staged_key_is_in_use_once_a_head_names_it_and_else_nobodys(folder: Path) -> None:
    ring = Keyring.open(folder, "log-1")
    before = ring.in_use()
    staged = ring.stage("pepper", created_us=0)
    late = Keyring.open(folder, "log-1")
    assert (late.in_use(), late.settled, len(late.peppers())) == (before, False, 1)
    named = ring.following({**before, "pepper": staged.id})
    assert (named.active("pepper").id, named.settled, len(named.peppers())) == (staged.id, False, 2)
    assert late.settle().settled
    assert Keyring.open(folder, "log-1").in_use() == before
    assert not (folder / f"{staged.name}.key").exists()


def test_a_head_that_names_a_key_nobody_has_is_refused(folder: Path) -> None:
    ring = Keyring.open(folder, "log-1")
    with pytest.raises(KeysUnusable, match="kek key 0badc0de, which is missing"):
        ring.following({**ring.in_use(), "kek": "0badc0de"})
    assert ring.following({}) is ring
    assert ring.following(ring.in_use()) is ring


def test_an_undone_init_leaves_nothing_of_its_own(folder: Path) -> None:
    for name in ("checkpoint", "leaves", "leaves.index", "survivors", "tombstones"):
        (folder / name).write_text("x")
    (folder / "somebody's").write_text("x")
    Keyring.open(folder, "log-1").destroy()
    assert [path.name for path in folder.iterdir()] == ["somebody's"]


def test_a_destroyed_key_is_overwritten_before_it_is_let_go(folder: Path) -> None:
    key = Keyring.open(folder, "log-1").active("kek")
    path = folder / f"{key.name}.key"
    other = folder / "held"
    other.hardlink_to(path)
    FolderKeys(folder).destroy(key.name)
    FolderKeys(folder).destroy(key.name)
    assert not path.exists()
    assert json.dumps(key.purpose).encode() not in other.read_bytes()
    assert key.secret not in other.read_bytes()
