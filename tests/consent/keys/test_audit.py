"""What the audit says after changes of keys: nothing where all is well, and what is wrong where something is."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit.verify import verify
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.rotate import retire, rotate
from imp_consent.ledger.wrap import wrap
from imp_core.errors import KeysUnusable
from imp_core.workspace import Workspace


def audit(ledger: Any) -> set[str]:
    workspace = Workspace(ledger.folder, {"workspace": {"log_id": "keyed", "controller": "Shop"}})
    return {problem.code for problem in verify(workspace, Keyring.open(ledger.keys, "keyed")).problems}


def change_everything(log: Any) -> None:
    for purpose in ("pepper", "kek", "row", "sign"):
        rotate(log, purpose)
    for purpose in ("pepper", "supp"):
        wrap(log, purpose)


@pytest.fixture
def changed(ledger: Any) -> Any:
    """A ledger every key of which was changed twice."""
    log = ledger.open()
    pinned = log.checkpoint().note
    for _ in range(2):
        change_everything(log)
        ledger.say(log, "ann")
    log.close()
    ledger.pinned = pinned
    return ledger


def sql(ledger: Any) -> sqlite3.Connection:
    return sqlite3.connect(ledger.folder / "ledger.db", isolation_level=None)


def test_after_every_change_of_keys_the_audit_finds_nothing(changed: Any) -> None:
    assert audit(changed) == set()
    workspace = Workspace(changed.folder, {"workspace": {"log_id": "keyed", "controller": "Shop"}})
    kept = [("kept", changed.pinned.encode())]
    assert verify(workspace, Keyring.open(changed.keys, "keyed"), pinned=kept).ok


def test_after_a_retirement_the_audit_finds_nothing(ledger: Any) -> None:
    log = ledger.open()
    old = log.keyring.active("pepper")
    rotate(log, "pepper")
    for name in ("ann", "ben", "cid", "王伟"):
        ledger.say(log, name)
    retire(log, old.id)
    log.close()
    assert audit(ledger) == set()


def test_a_head_that_names_other_keys_is_found(changed: Any) -> None:
    sql(changed).execute('UPDATE log_state SET keys = replace(keys, \'"kek":"\', \'"kek":"0\')')
    assert {"head.keys", "head.mac"} <= audit(changed)


@pytest.mark.parametrize("text", ["[]", "nonsense", '{"kek":1}', "{}", ""])
def test_a_head_whose_keys_cannot_be_read_is_found(changed: Any, text: str) -> None:
    sql(changed).execute("UPDATE log_state SET keys = ?", (text,))
    assert "head.mac" in audit(changed)


def test_a_pepper_that_was_destroyed_under_somebody_is_found(ledger: Any) -> None:
    log = ledger.open()
    old = log.keyring.active("pepper")
    rotate(log, "pepper")
    log.close()
    (ledger.keys / f"{old.name}.key").unlink()
    assert "keys.missing" in audit(ledger)


@pytest.mark.parametrize("harm", ["change", "cut", "remove", "older"])
def test_harmed_survivors_are_found(changed: Any, tmp_path: Path, harm: str) -> None:
    path = changed.keys / "survivors"
    if harm == "change":
        path.write_bytes(path.read_bytes().replace(b"member", b"device", 1))
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif harm == "remove":
        path.unlink()
    else:
        shutil.copy(path, tmp_path / "older")
        log = changed.open()
        rotate(log, "kek")
        log.close()
        shutil.copy(tmp_path / "older", path)
    assert audit(changed) & {"survivors.changed", "survivors.absent"}


def test_signing_keys_that_the_log_does_not_know_of_are_found(changed: Any) -> None:
    log = changed.open()
    stranger = log.keyring.stage("sign", created_us=0)
    log.close()
    text = (changed.keys / f"{stranger.name}.key").read_text()
    (changed.keys / f"{stranger.name}.key").write_text(text.replace("staged", "retired"))
    assert "keys.hand-over" in audit(changed)


@pytest.mark.parametrize("purpose", ["pepper", "supp"])
def test_a_key_that_another_one_wraps_and_that_is_gone_is_named_by_whatever_opens_the_ring(
    ledger: Any, purpose: str
) -> None:
    log = ledger.open()
    old = log.keyring.active(purpose)
    wrap(log, purpose)
    log.close()
    (ledger.keys / f"{old.name}.key").unlink()
    with pytest.raises(KeysUnusable, match=f"the {purpose} key {old.id} is missing") as raised:
        audit(ledger)
    assert raised.value.mend == "restore the keys from their newest backup"


def test_a_secret_that_a_killed_change_left_is_noted_and_the_next_writer_destroys_it(ledger: Any) -> None:
    log = ledger.open()
    kek = log.keyring.active("kek")
    log.close()
    left = ledger.keys / f".{kek.name}.key.0a1b2c3d.new"
    shutil.copy(ledger.keys / f"{kek.name}.key", left)
    workspace = Workspace(ledger.folder, {"workspace": {"log_id": "keyed", "controller": "Shop"}})
    found = verify(workspace, Keyring.open(ledger.keys, "keyed"))
    assert found.ok
    assert [note.place for note in found.notes if note.code == "keys.unfinished"] == [str(left)]
    ledger.say(ledger.open(), "ann")
    assert not left.exists()
    notes = verify(workspace, Keyring.open(ledger.keys, "keyed")).notes
    assert not [note for note in notes if note.code.startswith("keys.")]
