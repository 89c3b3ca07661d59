"""What stands in the way of a change of keys: it is named, and the keys and rows are as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from imp_consent.identity.keys import FolderKeys, Keyring
from imp_consent.ledger.layout import SEALED
from imp_consent.ledger.log import Log
from imp_consent.ledger.rotate import retire, rotate
from imp_consent.ledger.sealed import Sealed
from imp_consent.ledger.survivors import open_survivors, write_survivors
from imp_consent.ledger.wrap import wrap
from imp_core.errors import ImpError, KeysUnusable, LedgerBroken
from imp_core.event import RawId

NAMES = ("ann", "ben", "cid", "王伟")


class ReadOnly(FolderKeys):
    """A vault that lets nobody change its keys."""

    writable = False

    def store(self, name: str, data: bytes) -> None:
        pytest.fail(f"{name} of {len(data)} bytes was written")


def set_column(log: Log, table: str, column: str, value: object) -> None:
    """A value in every row, sealed as ours, as a bug would."""
    with log.write() as transaction:
        transaction.sealed.update(table, "1", (), {column: value})  # type: ignore[dict-item]  # what no column has


def rows(log: Log) -> Mapping[str, list[Any]]:
    with log.read() as reader:
        return {table: sorted(reader.sealed.select(table)) for table in ("identifier", "subject_key", "suppression")}


def test_keys_that_cannot_be_changed_where_they_are_kept_are_not(ledger: Any) -> None:
    log = ledger.open()
    before = rows(log)
    log.keyring = replace(log.keyring, store=ReadOnly(ledger.keys))
    for change in (lambda: rotate(log, "row"), lambda: wrap(log, "pepper"), lambda: rotate(log, "kek")):
        with pytest.raises(KeysUnusable, match="keys cannot be changed here"):
            change()
    assert rows(ledger.open()) == before


@pytest.mark.parametrize(
    ("table", "column", "value", "change", "match"),
    [
        ("subject_key", "wrapped", "text", ("rotate", "kek"), "a value of the wrong type"),
        ("identifier", "pepper_id", "0000", ("wrap", "pepper"), "under another pepper than its epoch's"),
        ("identifier", "supp_id", "0000", ("wrap", "supp"), "under another suppression key"),
        ("identifier", "loose", "text", ("wrap", "supp"), "a value of the wrong type"),
    ],
)
def test_a_row_that_is_not_under_the_keys_it_should_be_stops_the_change(
    ledger: Any, table: str, column: str, value: object, change: tuple[str, str], match: str
) -> None:
    log = ledger.open()
    set_column(log, table, column, value)
    before, in_use = rows(log), log.keyring.in_use()
    with pytest.raises(LedgerBroken, match=match):
        (rotate if change[0] == "rotate" else wrap)(log, change[1])
    assert rows(ledger.open()) == before
    assert ledger.open().keyring.in_use() == in_use


def test_a_retirement_that_died_before_the_key_was_destroyed_is_finished_under_the_entry_it_wrote(
    ledger: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = ledger.open()
    first = log.keyring.active("pepper")
    rotate(log, "pepper")
    with log.write() as transaction:
        assert all(transaction.find_subject(RawId("member", name)) for name in NAMES)
    rotate(log, "pepper")
    second = log.keyring.peppers()[1]
    with log.write() as transaction:
        assert all(transaction.find_subject(RawId("member", name)) for name in NAMES)
    retire(log, second.id)  # another's entry is not its own
    size = log.size

    def die(*_: object) -> None:
        raise LedgerBroken("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(Log, "forget_key", die)
        with pytest.raises(LedgerBroken, match="the power is gone"):
            retire(log, first.id)
    assert log.size == size + 1
    assert retire(log, first.id).seq == size
    assert log.size == size + 1
    assert not ledger.open().keyring.has("pepper", first.id)


def survive(log: Log) -> int:
    with log.read() as reader:
        sealed = Sealed(reader.sql, log.keyring.active("row").secret, reader.head.sums)
        return write_survivors(sealed, log.keyring, size=reader.size)


def test_survivors_that_cannot_be_written_or_read_are_named(ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    log = ledger.open()
    assert survive(log) == 8
    held = (ledger.keys / "survivors").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("imp_consent.ledger.survivors.os.fsync", full)
        with pytest.raises(ImpError, match="the survivors cannot be written: No space left"):
            survive(log)
    assert (ledger.keys / "survivors").read_bytes() == held
    assert list(ledger.keys.glob(".survivors*")) == []
    (ledger.keys / "survivors").unlink()
    (ledger.keys / "survivors").mkdir()
    with pytest.raises(ImpError, match="the survivors cannot be read: Is a directory"):
        open_survivors(log.keyring)


@pytest.mark.parametrize(
    "line", [b"", b"[]\n", b'["subject_key", [1]]\n', b'["spend", []]\n', b'["subject_key", [1, "no hex", "k", 0]]\n']
)
def test_survivors_changed_while_they_are_read_are_not_read_on(ledger: Any, line: bytes) -> None:
    log = ledger.open()
    survive(log)
    survivors = open_survivors(log.keyring)
    assert survivors is not None
    assert len(list(survivors.read())) == survivors.rows == 8
    head = survivors.path.read_bytes().split(b"\n")[0]
    survivors.path.write_bytes(head + b"\n" + line)
    with pytest.raises(LedgerBroken, match="the survivors were changed by other hands"):
        list(survivors.read())


@pytest.mark.parametrize("torn", [b"", b"{", b"[]", b'{"kek": 1}', b"\xff"])
def test_survivors_that_say_nothing_are_written_anew_with_the_next_change(ledger: Any, torn: bytes) -> None:
    log = ledger.open()
    (ledger.keys / "survivors").write_bytes(torn)
    rotate(log, "kek")
    survivors = open_survivors(log.keyring)
    assert survivors is not None
    assert survivors.keys["kek"] == log.keyring.active("kek").id
    assert (survivors.rows, set(SEALED) > {table for table, _ in survivors.read()}) == (8, True)


def test_a_keyring_of_a_vault_that_cannot_be_written_follows_the_head_and_settles_nothing(ledger: Any) -> None:
    vault = Keyring.load(ReadOnly(ledger.keys), "keyed", folder=ledger.keys)
    rotate(ledger.open(), "row")
    fresh = Keyring.load(ReadOnly(ledger.keys), "keyed", folder=ledger.keys)
    assert vault.following(fresh.in_use()).in_use() == fresh.in_use()
    assert vault.following(fresh.in_use()).settled
