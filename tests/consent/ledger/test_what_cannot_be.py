"""What no transaction of ours leaves, and a fault, a bug or other hands may: it is named, and nothing is done on it."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.ledger.alike import subjects_alike
from imp_consent.ledger.delivery import Outcome, conclude, intend
from imp_consent.ledger.documents import KeptDocuments
from imp_consent.ledger.encoding import encode
from imp_consent.ledger.entry import Statement, parse_payload
from imp_consent.ledger.head import Head, load_head, parse_sums, save_head
from imp_consent.ledger.in_flight import channels_in_flight
from imp_consent.ledger.log import Log
from imp_consent.ledger.proof import parse_consistency
from imp_consent.ledger.sealed import row_hmac
from imp_consent.ledger.store import connect_read_only, create_database
from imp_consent.ledger.tombstones import Tombstones
from imp_core.errors import LedgerBroken
from imp_core.event import RawId

ANN = RawId("member", "ann")
GRANT = Statement(type="grant", purpose="analytics", channel="", at_us=5)


def record(log: Log, raw: RawId = ANN) -> int:
    with log.write() as transaction:
        subject = transaction.subject_for(raw)
        transaction.append_person(subject, GRANT, {})
    return subject


def by_other_hands(path: Path, *statements: str) -> None:
    sql = sqlite3.connect(path / "ledger.db")
    for statement in statements:
        sql.execute(statement)
    sql.commit()
    sql.close()


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"e": {}},
        {"e": {}, "s": {"type": "grant"}},
        [],
        {"e": {}, "s": {**GRANT.plain(), "unheard": 1}},
    ],
)
def test_a_payload_without_its_fields_or_with_others_is_none(payload: Any) -> None:
    with pytest.raises(LedgerBroken, match="a payload without its fields") as caught:
        parse_payload(encode(payload), seq=7, subject=1)
    assert caught.value.where == "entry 7"


def test_a_payload_that_does_not_open_is_named_by_its_entry(open_log: Callable[[], Log], tmp_path: Path) -> None:
    log = open_log()
    subject = record(log)
    by_other_hands(tmp_path, "UPDATE payload SET nonce = zeroblob(12)")
    with log.read() as reader, pytest.raises(LedgerBroken, match="a payload does not open") as caught:
        reader.history(subject)
    assert caught.value.where == "entry 0"


def test_an_entry_that_only_quotes_a_type_is_not_of_it(open_log: Callable[[], Log]) -> None:
    log = open_log()
    with log.write() as transaction:
        transaction.append_system("export", {"of": {"type": "policy"}})
        transaction.append_system("policy", {"n": 1})
    with log.read() as reader:
        assert [entry.seq for entry in reader.system_entries("policy")] == [1]


@pytest.mark.parametrize("text", ["", "[]", "3", '{"t": "no digits"}', '{"t": null}'])
def test_sums_that_are_none_are_not_read(text: str) -> None:
    with pytest.raises(LedgerBroken, match="the sums cannot be read"):
        parse_sums(text)


def test_a_head_that_moved_meanwhile_or_is_not_there_is_not_written_over(
    open_log: Callable[[], Log], tmp_path: Path
) -> None:
    log = open_log()
    record(log)
    key = log.keyring.active("row").secret
    sql = sqlite3.connect(tmp_path / "ledger.db")
    with pytest.raises(LedgerBroken, match="moved during a transaction"):
        save_head(sql, key, Head("test-log"), was_size=0)
    assert load_head(sql, key).frontier.size == 1
    sql.execute("DELETE FROM log_state")
    with pytest.raises(LedgerBroken, match="the log has no head"):
        load_head(sql, key)
    sql.close()


def test_a_transaction_inside_another_is_refused_and_a_read_inside_it_sees_what_it_sees(
    open_log: Callable[[], Log],
) -> None:
    log = open_log()
    with log.write() as transaction:
        transaction.append_system("export", {})
        with pytest.raises(LedgerBroken, match="inside a transaction"), log.write():
            pass
        with log.read() as reader:
            assert reader.size == 1
    assert log.size == 1


def test_a_mapping_or_key_of_the_wrong_type_is_not_used_though_it_bears_our_seal(open_log: Callable[[], Log]) -> None:
    log = open_log()
    record(log)
    with log.write() as transaction:
        ((kind, epoch, pseudonym, *_),) = list(transaction.sealed.select("identifier"))
        where = ("kind = ? AND epoch = ? AND pseudonym = ?", (kind, epoch, pseudonym))
        transaction.sealed.update("identifier", *where, {"subject": "text"})
        with pytest.raises(LedgerBroken, match="a mapping of the wrong type"):
            transaction.find_subject(ANN)
        transaction.sealed.update("subject_key", "1", (), {"wrapped": "text"})
        (subject,) = (int(str(row[0])) for row in transaction.sealed.select("subject_key"))
        with pytest.raises(LedgerBroken, match="key of the wrong type"):
            transaction.append_person(subject, GRANT, {})
        with pytest.raises(LedgerBroken, match="a subject without a key"):
            transaction.append_person(subject + 1, GRANT, {})


def test_only_values_that_columns_have_are_sealed() -> None:
    with pytest.raises(LedgerBroken, match="a value of type float in a sealed row"):
        row_hmac(bytes(32), "spend", [1.5])  # type: ignore[list-item]  # what no column has


def test_a_row_that_is_another_by_now_is_not_replaced(open_log: Callable[[], Log]) -> None:
    with open_log().write() as transaction:
        transaction.sealed.insert("suppression", [(bytes(16),)])
        old, new = (b"\x01" * 16,), (b"\x02" * 16,)
        with pytest.raises(LedgerBroken, match="changed by other hands"):
            transaction.sealed.replace("suppression", [(old, new)])
        assert [row[0] for row in transaction.sealed.select("suppression")] == [bytes(16)]


def test_results_are_those_of_the_messages_intended_and_of_no_others(open_log: Callable[[], Log]) -> None:
    with open_log().write() as transaction:
        seq = intend(transaction, [b"a" * 16], {"channel": "mail"}, document=b"campaign")
        for keys in ([], [b"b" * 16], [b"a" * 16, b"b" * 16]):
            results = {key: Outcome("delivered") for key in keys}
            with pytest.raises(LedgerBroken, match="other messages than the intent names"):
                conclude(transaction, seq, results, channel="mail", recovered=False)
        assert channels_in_flight(transaction) == {"mail"}
        conclude(transaction, seq, {b"a" * 16: Outcome("delivered")}, channel="mail", recovered=False)
        assert channels_in_flight(transaction) == set()


def test_messages_of_an_intent_that_is_not_there_are_named(open_log: Callable[[], Log]) -> None:
    log = open_log()
    record(log)
    for seq in (0, 9):  # a person's entry, and none
        with log.write() as transaction:
            transaction.sealed.insert("delivery", [(b"a" * 16, seq, "intended", None)])
            with pytest.raises(LedgerBroken, match="an intent that is not there") as caught:
                channels_in_flight(transaction)
            transaction.sealed.delete("delivery", "1", ())
        assert caught.value.where == f"entry {seq}"


def test_a_consistency_proof_from_a_size_that_no_tree_has_is_none() -> None:
    with pytest.raises(LedgerBroken, match="not a proof: a number below 0, or of"):
        parse_consistency("old 9999999999999999999\n\norigin\n1\nroot\n")


def test_a_checkpoint_that_cannot_be_read_closes_the_ledger(open_log: Callable[[], Log], tmp_path: Path) -> None:
    log = open_log()
    record(log)
    path = tmp_path / "keys" / "checkpoint"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(LedgerBroken, match="the checkpoint cannot be read"), log.read():
        pass
    path.unlink()
    path.mkdir()
    with pytest.raises(LedgerBroken, match="the checkpoint cannot be read"), log.read():
        pass


def test_documents_not_copied_yet_are_none_and_a_changed_copy_is_left_out_and_made_anew(
    open_log: Callable[[], Log], tmp_path: Path
) -> None:
    assert list(KeptDocuments(tmp_path).read()) == []
    log = open_log()
    with log.write() as transaction:
        transaction.append_system("policy", {}, documents=[b"first", b"second"])
    log.checkpoint()
    kept = KeptDocuments(tmp_path / "keys")
    assert {body for _, _, body in kept.read()} == {b"first", b"second"}
    kept.path.write_bytes(kept.path.read_bytes().replace(b"first", b"FIRST"))
    assert {body for _, _, body in kept.read()} == {b"second"}
    with log.read() as reader:
        kept.keep(reader.sql)
        assert {body for _, _, body in kept.read()} == {b"first", b"second"}
        kept.path.write_bytes(b"")  # shorter than it was when this looked
        kept.keep(reader.sql)
    assert {body for _, _, body in kept.read()} == {b"first", b"second"}


def test_tombstones_that_cannot_be_read_or_end_nowhere_are_not_taken_for_none(
    open_log: Callable[[], Log], tmp_path: Path
) -> None:
    stones = Tombstones(tmp_path, open_log().keyring)
    stones.path.write_bytes(b"x" * 600)
    with pytest.raises(LedgerBroken, match="changed by other hands"):
        stones.suppress([bytes(16)])
    stones.path.unlink()
    stones.path.mkdir()
    with pytest.raises(LedgerBroken, match="the tombstones cannot be read"):
        stones.read()


def test_a_database_whose_shared_memory_file_is_missing_beside_its_log_is_opened_as_it_stands(
    open_log: Callable[[], Log], tmp_path: Path
) -> None:
    log = open_log()
    record(log)
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("ledger.db", "ledger.db-wal"):
        (copy / name).write_bytes((tmp_path / name).read_bytes())
    sql = connect_read_only(copy / "ledger.db")
    assert sql.execute("SELECT count(*) FROM entry").fetchone() == (1,)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        sql.execute("DELETE FROM payload")
    sql.close()


def test_no_ledger_is_made_where_none_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(LedgerBroken, match="Linux and macOS only"):
        create_database(tmp_path / "ledger.db")
    assert not (tmp_path / "ledger.db").exists()


def test_a_disk_that_takes_nothing_is_a_broken_ledger_and_not_a_foreign_error(
    open_log: Callable[[], Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log()
    record(log)
    monkeypatch.setattr(log, "_sql", Full())
    with pytest.raises(LedgerBroken, match="cannot be read or written: database or disk is full"):
        log.compact()
    monkeypatch.undo()


class Full:
    """A connection to a full disk."""

    def be_patient(self) -> None:
        pass

    def execute(self, _: str) -> None:
        raise sqlite3.OperationalError("database or disk is full")


def test_who_is_alike_is_asked_of_identifiers_that_are_ones(open_log: Callable[[], Log]) -> None:
    log = open_log()
    ann = record(log, RawId("email", "jane.doe+news@gmail.com"))
    jane = record(log, RawId("email", "janedoe@gmail.com"))
    with log.read() as reader:
        assert subjects_alike(reader, RawId("email", "JaneDoe@gmail.com")) == sorted({ann, jane})
        assert subjects_alike(reader, RawId("member", "ann")) == []
