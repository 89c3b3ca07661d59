"""What stands before a key is destroyed: the signed log names its follower, and what a restore takes lies outside."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.audit.verify import verify
from imp_consent.identity.keys import FolderKeys, Keyring, KeyState
from imp_consent.ledger.change_key import change_key
from imp_consent.ledger.log import Log
from imp_consent.ledger.rotate import retire, rotate
from imp_consent.ledger.survivors import open_survivors
from imp_consent.ledger.wrap import wrap
from imp_core.event import RawId
from imp_core.workspace import Workspace

NAMES = ("ann", "ben", "cid", "王伟")


class Killed(BaseException):
    """The process is gone."""


def killed(*_: object) -> None:
    raise Killed


def signed(log: Any) -> int:
    outside = log.outside()
    return 0 if outside is None else outside.size


def meet_everybody(log: Any) -> None:
    with log.write() as transaction:
        assert all(transaction.find_subject(RawId("member", name)) for name in NAMES)


@pytest.mark.parametrize("purpose", ["pepper", "kek", "row", "sign"])
def test_the_signed_log_names_the_new_key_before_anything_becomes_of_the_old(
    ledger: Any, purpose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = ledger.open()
    log.checkpoint()
    sizes: list[int] = []
    settle = Keyring.settle
    monkeypatch.setattr(Keyring, "settle", lambda ring: (sizes.append(signed(log)), settle(ring))[1])
    done = rotate(log, purpose)
    assert sizes == [done.seq + 1]


def test_a_retired_pepper_goes_after_the_entry_that_says_so_is_signed_and_its_people_lie_outside_under_another(
    ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = ledger.open()
    old = log.keyring.active("pepper")
    rotate(log, "pepper")
    meet_everybody(log)
    assert open_survivors(log.keyring) is None  # there was no ratchet
    monkeypatch.setattr(FolderKeys, "destroy", killed)
    with pytest.raises(Killed):
        retire(log, old.id)
    survivors = open_survivors(log.keyring)
    assert survivors is not None
    with log.read() as reader:
        assert (survivors.size, signed(log)) == (reader.size, reader.size)
    assert survivors.keys["pepper"] == log.keyring.active("pepper").id
    assert {row[5] for table, row in survivors.read() if table == "identifier"} == {survivors.keys["pepper"]}


def test_survivors_of_a_ratchet_are_written_again_when_a_pepper_they_are_under_goes(ledger: Any) -> None:
    log = ledger.open()
    rotate(log, "kek")
    old = log.keyring.active("pepper")
    rotate(log, "pepper")
    meet_everybody(log)
    retire(log, old.id)
    survivors = open_survivors(log.keyring)
    assert survivors is not None
    assert old.id not in {row[5] for table, row in survivors.read() if table == "identifier"}


@pytest.mark.parametrize("change", ["rotate pepper", "rotate kek", "rotate sign", "wrap supp"])
def test_nobody_signs_a_change_whose_new_key_the_store_does_not_know_to_be_in_use(
    ledger: Any, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verb, purpose = change.split()
    dead, other = ledger.open(), ledger.open()
    other.checkpoint()
    with monkeypatch.context() as patch:
        patch.setattr(Log, "settle_keys", killed)
        with pytest.raises(Killed):
            (rotate if verb == "rotate" else wrap)(dead, purpose)
    with dead.read() as reader:
        new = reader.keyring.active(purpose).id
    dead._sql.close()
    stored = {key.id: key.state for key in other.keyring.reload_raw()}
    assert stored[new] is KeyState.STAGED
    other.checkpoint()
    stored = {key.id: key.state for key in other.keyring.reload_raw()}
    assert stored[new] is KeyState.ACTIVE


def test_rows_that_a_restore_put_back_under_a_replaced_key_move_before_it_is_destroyed(ledger: Any) -> None:
    log = ledger.open()
    answers, old = ledger.answers(log), log.keyring.active("kek")
    with change_key(log, "kek", "rotate"):
        pass  # rows stay as they were: what a backup from before holds when the signed log names the new key
    assert not log.keyring.has("kek", old.id)
    assert ledger.answers(log) == answers == ledger.answers(ledger.open())
    ledger.say(log, "ann", "withdraw")
    log.close()
    workspace = Workspace(ledger.folder, {"workspace": {"log_id": "keyed", "controller": "Shop"}})
    assert verify(workspace, Keyring.open(ledger.keys, "keyed")).problems == ()


def test_a_key_that_rows_are_under_is_not_destroyed_before_their_move_is_committed(
    ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = ledger.open()
    answers, old = ledger.answers(log), log.keyring.active("kek")
    monkeypatch.setattr("imp_consent.ledger.log.settle", killed)
    with pytest.raises(Killed), change_key(log, "kek", "rotate"):
        pass
    log._sql.close()
    (ledger.keys / f"{old.name}.key").unlink()  # had it been destroyed in that transaction
    assert ledger.answers(ledger.open()) == answers
