"""The ledger: what is appended stays, in order, signed; what fails leaves nothing; nobody rewrites it unnoticed."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.ledger.checkpoint import open_checkpoint
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.log import Log, create_log, signing_key
from imp_consent.ledger.merkle import leaf_hash, root_of
from imp_core.errors import BadInput, ImpError, LedgerBroken
from imp_core.event import RawId

ANN = RawId("email", "ann@example.com")
BEN = RawId("member", "ben")
GRANT = Statement(type="grant", purpose="analytics", channel="", at_us=5)


def record(log: Log, raw: RawId, statement: Statement = GRANT) -> int:
    with log.write() as transaction:
        return transaction.append_person(transaction.subject_for(raw), statement, {"note": "x"})


def raw_rows(path: Path, query: str) -> list[Any]:
    sql = sqlite3.connect(path)
    try:
        return sql.execute(query).fetchall()
    finally:
        sql.close()


def test_entries_are_numbered_without_gaps_and_survive_reopening(open_log: Callable[[], Log]) -> None:
    log = open_log()
    assert [record(log, ANN), record(log, BEN), record(log, ANN)] == [0, 1, 2]
    with open_log().read() as reader:
        subject = reader.find_subject(RawId("email", " ANN@example.com"))
        assert subject is not None
        assert [entry.seq for entry in reader.history(subject)] == [0, 2]
        assert reader.history(subject)[0].statement == GRANT
        assert reader.size == 3


def test_looking_somebody_up_creates_nobody(open_log: Callable[[], Log], tmp_path: Path) -> None:
    with open_log().read() as reader:
        assert reader.find_subject(ANN) is None
    assert raw_rows(tmp_path / "ledger.db", "SELECT * FROM identifier") == []
    assert raw_rows(tmp_path / "ledger.db", "SELECT * FROM subject_key") == []


def test_a_persons_leaf_says_nothing_that_links_it(open_log: Callable[[], Log], tmp_path: Path) -> None:
    log = open_log()
    for _ in range(3):
        record(log, ANN)
    leaves = [json.loads(leaf) for (leaf,) in raw_rows(tmp_path / "ledger.db", "SELECT leaf FROM entry")]
    assert [set(leaf) for leaf in leaves] == [{"v", "link", "commit", "day"}] * 3
    assert len({leaf["link"] for leaf in leaves} | {leaf["commit"] for leaf in leaves}) == 6


def test_a_failed_transaction_leaves_nothing(open_log: Callable[[], Log]) -> None:
    log = open_log()
    record(log, BEN)
    with pytest.raises(BadInput), log.write() as transaction:
        transaction.append_person(transaction.subject_for(ANN), GRANT, {})
        transaction.subject_for(RawId("email", "not an address"))
    with log.read() as reader:
        assert reader.size == 1
        assert reader.find_subject(ANN) is None
    assert record(log, ANN) == 1


@pytest.mark.parametrize("table", ["entry", "payload", "log_state", "identifier", "subject_key", "consent_state"])
def test_a_fault_at_any_write_loses_the_transaction_and_nothing_before(
    open_log: Callable[[], Log], tmp_path: Path, table: str
) -> None:
    log = open_log()
    record(log, BEN)
    verb = "UPDATE" if table == "log_state" else "INSERT"
    sql = sqlite3.connect(tmp_path / "ledger.db")
    sql.execute(f"CREATE TRIGGER fault BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'disk'); END")
    sql.close()
    with pytest.raises(LedgerBroken, match="disk"):
        record(log, ANN)
    sql = sqlite3.connect(tmp_path / "ledger.db")
    sql.execute("DROP TRIGGER fault")
    sql.close()
    with log.read() as reader:
        assert reader.size == 1
        assert reader.find_subject(ANN) is None
    assert record(log, ANN) == 1


def test_the_checkpoint_outside_is_signed_over_the_leaves(open_log: Callable[[], Log], tmp_path: Path) -> None:
    log = open_log()
    for raw in (ANN, BEN, ANN):
        record(log, raw)
    log.checkpoint()
    note = (tmp_path / "keys" / "checkpoint").read_text()
    checkpoint = open_checkpoint(note, signing_key(log.keyring, "test-log").verifier)
    leaves = [leaf for (leaf,) in raw_rows(tmp_path / "ledger.db", "SELECT leaf FROM entry ORDER BY seq")]
    assert (checkpoint.size, checkpoint.root) == (3, root_of(leaf_hash(leaf) for leaf in leaves))
    assert raw_rows(tmp_path / "ledger.db", "SELECT note FROM checkpoint WHERE size = 3") == [(note,)]


def test_a_database_rolled_back_behind_its_checkpoint_is_not_written_nor_signed(
    open_log: Callable[[], Log], tmp_path: Path
) -> None:
    log = open_log()
    record(log, ANN)
    log.compact()
    shutil.copy(tmp_path / "ledger.db", tmp_path / "backup")
    record(log, BEN)
    log.close()
    (tmp_path / "ledger.db-wal").unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup", tmp_path / "ledger.db")
    older = open_log()
    with pytest.raises(LedgerBroken, match="rolled back"):
        record(older, BEN)
    with pytest.raises(LedgerBroken, match="rolled back"):
        older.checkpoint()
    with pytest.raises(LedgerBroken, match="rolled back"), older.read():
        pass  # what was withdrawn since is forgotten there: nothing may be decided on it


def test_a_checkpoint_that_somebody_else_signed_is_refused(open_log: Callable[[], Log], tmp_path: Path) -> None:
    log = open_log()
    record(log, ANN)
    path = tmp_path / "keys" / "checkpoint"
    lines = path.read_text().splitlines()
    lines[1] = "2"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ImpError):
        record(log, BEN)


def test_two_writers_take_turns(open_log: Callable[[], Log]) -> None:
    one, other = open_log(), open_log()
    seqs = [record(log, raw) for log, raw in [(one, ANN), (other, BEN), (one, BEN), (other, ANN)]]
    assert seqs == [0, 1, 2, 3]
    with one.read() as reader:
        ann = reader.find_subject(ANN)
        assert ann is not None
        assert [entry.seq for entry in reader.history(ann)] == [0, 3]


@pytest.mark.parametrize("table", ["entry", "checkpoint"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET size_or_leaf = 0", "DELETE FROM {}"])
def test_the_log_is_append_only_in_the_database_itself(
    open_log: Callable[[], Log], tmp_path: Path, table: str, verb: str
) -> None:
    record(open_log(), ANN)
    column = {"entry": "leaf", "checkpoint": "note"}[table]
    sql = sqlite3.connect(tmp_path / "ledger.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        sql.execute(verb.format(table).replace("size_or_leaf", column))
    sql.close()


def test_a_changed_mapping_is_noticed_when_it_is_read(open_log: Callable[[], Log], tmp_path: Path) -> None:
    log = open_log()
    record(log, ANN)
    record(log, BEN)
    sql = sqlite3.connect(tmp_path / "ledger.db")
    (theirs,) = sql.execute("SELECT subject FROM identifier WHERE kind = 'member'").fetchone()
    sql.execute("UPDATE identifier SET subject = ? WHERE kind = 'email'", (theirs,))
    sql.commit()
    sql.close()
    with log.read() as reader, pytest.raises(LedgerBroken, match="changed by other hands"):
        reader.find_subject(ANN)


def test_a_changed_head_closes_the_ledger(open_log: Callable[[], Log], tmp_path: Path) -> None:
    log = open_log()
    record(log, ANN)
    sql = sqlite3.connect(tmp_path / "ledger.db")
    sql.execute("UPDATE log_state SET size = 0, frontier = x''")
    sql.commit()
    sql.close()
    with pytest.raises(LedgerBroken, match="changed by other hands"), log.read():
        pass


def test_documents_are_kept_by_their_hash_and_checked_when_read(open_log: Callable[[], Log], tmp_path: Path) -> None:
    log = open_log()
    with log.write() as transaction:
        transaction.append_system("policy", {"sha256": "…"}, documents=["税率".encode()])
    ((sha256,),) = raw_rows(tmp_path / "ledger.db", "SELECT sha256 FROM policy")
    with log.read() as reader:
        assert reader.document(sha256) == "税率".encode()
        with pytest.raises(LedgerBroken, match="missing or changed"):
            reader.document("0" * 64)


def test_unknown_types_of_entries_are_refused(open_log: Callable[[], Log]) -> None:
    log = open_log()
    with pytest.raises(BadInput), log.write() as transaction:
        transaction.append_system("grant", {})
    with pytest.raises(BadInput), log.write() as transaction:
        transaction.append_person(
            transaction.subject_for(ANN), Statement(type="policy", purpose="p", channel="", at_us=0), {}
        )
    assert log.size == 0


def test_a_subject_appended_to_after_many_others_keeps_its_chain(
    open_log: Callable[[], Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imp_consent.ledger.subjects._CACHED", 3)
    monkeypatch.setattr("imp_consent.ledger.transaction._HISTORIES", 2)
    log = open_log()
    with log.write() as transaction:
        for _ in range(3):
            for i in range(6):
                transaction.append_person(transaction.subject_for(RawId("member", f"m{i}")), GRANT, {})
    with log.read() as reader:
        subjects = [reader.find_subject(RawId("member", f"m{i}")) for i in range(6)]
        assert [len(reader.history(subject)) for subject in subjects if subject is not None] == [3] * 6
        assert {row[3] for row in reader.sealed.select("subject_key")} == {3}


def test_no_ledger_is_ever_created_by_opening(tmp_path: Path, open_log: Callable[[], Log]) -> None:
    keyring = open_log().keyring
    with pytest.raises(LedgerBroken, match="there is a ledger already"):
        create_log(tmp_path / "ledger.db", keyring, "test-log")
    (tmp_path / "ledger.db").rename(tmp_path / "moved")
    with pytest.raises(LedgerBroken, match="no ledger"):
        open_log()
    assert not (tmp_path / "ledger.db").exists()


@pytest.mark.parametrize("content", [b"", b"binary \x00 junk" * 300, b"SQLite format 3\x00" + bytes(200)])
def test_what_is_no_database_is_named(tmp_path: Path, open_log: Callable[[], Log], content: bytes) -> None:
    (tmp_path / "ledger.db").write_bytes(content)
    with pytest.raises(LedgerBroken, match="not a ledger of imp"):
        open_log()


def test_a_database_of_a_newer_version_is_refused_by_name(tmp_path: Path, open_log: Callable[[], Log]) -> None:
    sql = sqlite3.connect(tmp_path / "ledger.db")
    sql.execute("UPDATE alembic_version SET version_num = 'm999'")
    sql.commit()
    sql.close()
    with pytest.raises(LedgerBroken, match="m999"):
        open_log()


def test_a_database_of_another_log_is_refused(open_log: Callable[[], Log]) -> None:
    log = open_log()
    log.log_id = "another"
    with pytest.raises(LedgerBroken, match="another log"), log.read():
        pass


def test_a_head_that_was_read_before_is_checked_again_where_any_of_it_changed(open_log: Callable[[], Log]) -> None:
    log, other = open_log(), open_log()
    for number in range(3):  # each sees what the other wrote
        for each in (log, other):
            with each.write() as opened:
                opened.append_system("export", {"what": "log", "entries": number})
    assert log.size == other.size == 6
    log._sql.execute("UPDATE log_state SET sums = replace(sums, '{', '{ ')")
    for each in (log, other):
        with pytest.raises(LedgerBroken, match="head was changed"), each.read():
            pass
