"""Verification from outside in: the checkpoint kept elsewhere, the database as a whole, and that nothing is changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from imp_consent.audit import verify as verify_module
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.checkpoint import Checkpoint, sign_checkpoint
from imp_consent.ledger.log import signing_key
from imp_consent.ledger.note import SigningKey
from imp_consent.ledger.transaction import Transaction
from imp_core.errors import ImpError, KeysUnusable
from imp_core.workspace import Workspace

Audited = Any  # the conftest's class: test folders are no packages


@contextmanager
def operator(audited: Audited) -> Iterator[Transaction]:
    """What somebody with the keys can do: rows with MACs and sums that hold."""
    with audited.log() as log, log.write() as transaction:
        yield transaction


# --- the checkpoint outside


def test_without_a_checkpoint_outside_there_is_nothing_to_start_from(audited: Audited) -> None:
    audited.keyring.checkpoint_file.unlink()
    result = audited.verify()
    assert [problem.code for problem in result.problems] == ["checkpoint.absent"]
    assert (result.checkpoint_size, result.after_checkpoint) == (None, 19)


def test_any_byte_changed_cut_or_taken_from_the_copy_of_leaves_is_a_finding(audited: Audited) -> None:
    path = audited.keys / "leaves"
    data = path.read_bytes()
    for at in range(0, len(data), 97):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert audited.codes() & {"copy.differs", "copy.short"}
        path.write_bytes(data[:at])
        assert audited.codes() == {"copy.short"}
    path.write_bytes(data + b"\x00\x05torn")
    assert audited.codes() == set()  # a crash may leave that: the next checkpoint cuts it off
    path.unlink()
    assert audited.codes() == {"copy.short"}
    path.mkdir()
    assert audited.codes() == {"copy.unreadable"}


def test_a_checkpoint_that_cannot_be_read_is_a_finding(audited: Audited) -> None:
    audited.keyring.checkpoint_file.unlink()
    audited.keyring.checkpoint_file.mkdir()
    assert audited.codes() == {"checkpoint.unreadable"}


@pytest.mark.parametrize("note", [b"", b"\xff\xfe", b"imp.local/audited\n16\n", b"junk\n\n\xe2\x80\x94 a AAAAAAAA\n"])
def test_a_checkpoint_outside_that_is_none_is_a_finding(note: bytes, audited: Audited) -> None:
    audited.keyring.checkpoint_file.write_bytes(note)
    assert audited.codes() == {"checkpoint.signature"}


def test_a_checkpoint_signed_by_another_key_or_of_another_log_is_a_finding(audited: Audited) -> None:
    with audited.log() as log:
        root = bytes.fromhex(log.checkpoint().root)
    other = SigningKey.from_seed("imp.local/audited", bytes(32))
    own = signing_key(audited.keyring, "audited")
    elsewhere = SigningKey("imp.local/elsewhere", own.private)
    for key in (other, elsewhere):
        note = sign_checkpoint(Checkpoint(key.name, 19, root), key)
        audited.keyring.checkpoint_file.write_text(note, encoding="utf-8")
        assert audited.codes() == {"checkpoint.signature"}


def test_a_checkpoint_row_beside_another_note_is_a_finding(audited: Audited) -> None:
    with audited.sql() as sql:
        sql.execute("UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 19) WHERE size = 8")
        sql.execute("INSERT INTO checkpoint SELECT 99, root, note FROM checkpoint WHERE size = 19")
    found = {(problem.code, problem.place) for problem in audited.verify().problems}
    assert ("checkpoint.row", "checkpoint 8") in found
    assert ("checkpoint.row", "checkpoint 99") in found
    assert ("checkpoint.ahead", "checkpoint 99") in found


# --- the database as a whole


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DROP INDEX ix_identifier_loose", "schema.missing"),
        ("CREATE TABLE shadow (x)", "schema.added"),
        ("CREATE VIEW shadow AS SELECT 1", "schema.added"),
        ("CREATE TRIGGER shadow AFTER INSERT ON entry BEGIN DELETE FROM payload; END", "schema.added"),
        ("ALTER TABLE lease ADD COLUMN x", "schema.columns"),
        ("DROP TABLE spend", "schema.missing"),
        ("DROP INDEX ix_entry_system; CREATE INDEX ix_entry_system ON entry (seq) WHERE 0", "schema.changed"),
        ("DROP TABLE entry", "database.unreadable"),
        ("UPDATE alembic_version SET version_num = 'm999'", "database.unusable"),
        ("DELETE FROM log_state", "head.rows"),
    ],
)
def test_another_schema_is_a_finding(statement: str, code: str, audited: Audited) -> None:
    sql = sqlite3.connect(audited.root / "ledger.db", isolation_level=None)
    sql.executescript(statement)
    sql.close()
    assert code in audited.codes()


def test_a_missing_or_softened_trigger_is_a_finding(audited: Audited) -> None:
    sql = sqlite3.connect(audited.root / "ledger.db", isolation_level=None)
    sql.execute("DROP TRIGGER entry_no_delete")
    sql.execute("DROP TRIGGER entry_no_update")
    sql.execute("CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT 1; END")
    sql.close()
    found = {(problem.code, problem.place) for problem in audited.verify().problems}
    assert found == {("schema.missing", "trigger entry_no_delete"), ("schema.changed", "trigger entry_no_update")}


def test_an_index_that_hides_a_row_is_a_finding(audited: Audited) -> None:
    sql = sqlite3.connect(audited.root / "ledger.db", isolation_level=None)
    sql.execute("PRAGMA writable_schema = ON")
    # the index is kept for no row from now on, as far as SQLite knows …
    text = "CREATE INDEX ix_payload_subject ON payload (subject) WHERE 0"
    sql.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'ix_payload_subject'", [text])
    sql.close()
    sql = sqlite3.connect(audited.root / "ledger.db", isolation_level=None)
    sql.execute("DELETE FROM payload WHERE seq = 8")
    sql.close()
    assert "database.damaged" in audited.codes()


def test_a_file_that_is_no_database_is_a_finding(audited: Audited) -> None:
    for junk in (b"", b"junk" * 5000):
        (audited.root / "ledger.db").write_bytes(junk)
        assert audited.codes() == {"database.unusable"}


def test_text_that_is_not_utf_8_is_a_finding(audited: Audited) -> None:
    with audited.sql() as sql:
        sql.execute("UPDATE spend SET currency = CAST(x'ff' AS TEXT) WHERE day = 20000")
    assert audited.codes() == {"row.mac", "table.sum"}


def test_a_value_of_a_type_that_no_column_has_is_a_finding(audited: Audited) -> None:
    with audited.sql() as sql:
        sql.execute("UPDATE spend SET revision = 0.5, currency = 0.5 WHERE day = 20000")
    assert "row.type" in audited.codes()


def test_sums_that_cannot_be_read_are_a_finding(audited: Audited) -> None:
    for junk in ("", "[]", '{"spend":1}', '{"spend":"x"}', b"x"):
        with audited.sql() as sql:
            sql.execute("UPDATE log_state SET sums = ?", [junk])
        assert audited.codes() == {"head.mac", "head.sums"}


def test_the_database_of_another_log_is_a_finding(audited: Audited) -> None:
    keys = audited.keys.parent / "other-keys"
    Keyring.create(keys, "other")
    workspace = Workspace(audited.root, {"workspace": {"log_id": "other", "controller": "Shop"}})
    result = verify_module.verify(workspace, Keyring.open(keys, "other"))
    codes = {problem.code for problem in result.problems}
    assert {"head.log", "head.mac", "checkpoint.absent", "checkpoint.signature", "row.mac"} <= codes


def logical(path: Path) -> object:
    sql = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
    sql.text_factory = bytes
    try:
        tables = [name.decode() for (name,) in sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: sql.execute(f"SELECT * FROM {table}").fetchall() for table in sorted(tables)}
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return None
    finally:
        sql.close()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_byte_of_the_database_is_changed_the_audit_answers_and_misses_no_change_of_content(
    seed: int, audited: Audited
) -> None:
    database, random = audited.root / "ledger.db", Random(seed)
    whole, content = database.read_bytes(), logical(audited.root / "ledger.db")
    unnoticed: list[int] = []
    for _ in range(150):
        at = random.randrange(len(whole))
        database.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << random.randrange(8))]) + whole[at + 1 :])
        ok = audited.verify().ok
        if ok and logical(database) != content:
            unnoticed.append(at)
    assert unnoticed == []


# --- nothing is changed, and keys are asked for


def hashes(*folders: Path) -> dict[str, str]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}" for path in files}


def test_not_one_byte_of_workspace_or_keys_changes(audited: Audited) -> None:
    for harm in (None, "DELETE FROM payload WHERE seq = 8"):
        if harm:
            with audited.sql() as sql:
                sql.execute(harm)
        before = hashes(audited.root, audited.keys)
        audited.verify()
        assert hashes(audited.root, audited.keys) == before


def test_not_one_byte_changes_while_a_writer_holds_the_database_or_after_it_was_killed(audited: Audited) -> None:
    code = (
        "import os, sqlite3, sys\n"
        "sql = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "sql.execute('UPDATE log_state SET id = id')\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
        "os._exit(9)\n"
    )
    arguments = [sys.executable, "-c", code, str(audited.root / "ledger.db")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        writer.stdout.readline()
        assert (audited.root / "ledger.db-wal").exists()
        before = hashes(audited.root, audited.keys)
        assert audited.verify().ok
        assert hashes(audited.root, audited.keys) == before
        writer.stdin.close()
    for left in ("ledger.db-wal and ledger.db-shm", "ledger.db-wal"):
        if "shm" not in left:
            (audited.root / "ledger.db-shm").unlink()
        before = hashes(audited.root, audited.keys)
        assert audited.verify().ok
        assert hashes(audited.root, audited.keys) == before


def test_a_ledger_that_is_open_in_this_process_too_is_verified_and_goes_on(audited: Audited) -> None:
    with audited.log() as log:
        for size in (20, 21):
            with log.write() as transaction:
                transaction.append_system("use-open", {})
            result = audited.verify()
            assert (result.ok, result.size) == (True, size)


def test_what_is_found_while_somebody_writes_is_not_called_tampering(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written_meanwhile(*_: object, problems: Any, **__: object) -> int:
        os.utime(audited.root / "ledger.db", ns=(1, 1))
        problems.report("archive.unregistered", "archive/x", "a file that was about to be registered")
        return 0

    monkeypatch.setattr(verify_module, "check_files", written_meanwhile)
    with pytest.raises(ImpError, match="written to while"):
        audited.verify()


def test_a_missing_key_is_a_missing_key_and_not_a_finding(audited: Audited) -> None:
    with operator(audited) as transaction:
        transaction.sealed.update("subject_key", "subject > 0", (), {"kek_id": "gone"})
    with pytest.raises(KeysUnusable, match="the kek key gone is missing"):
        audited.verify()
    next(audited.keys.glob("row-*.key")).unlink()
    with pytest.raises(KeysUnusable):
        audited.verify()


@pytest.fixture
def many(another: Callable[[], Audited]) -> Audited:
    """A copy with more findings than a terminal should show."""
    audited = another()
    with audited.sql() as sql:
        sql.execute("UPDATE consent_state SET mac = zeroblob(16)")
        sql.execute("UPDATE entry SET leaf = leaf || x'00'")
        sql.execute("UPDATE dedupe SET mac = zeroblob(16)")
    return audited


def test_every_problem_is_reported(many: Audited) -> None:
    result = many.verify()
    assert len([problem for problem in result.problems if problem.code == "entry.hash"]) == 19
    assert len([problem for problem in result.problems if problem.place.startswith("dedupe (")]) == 4


@pytest.mark.parametrize("index", [None, b"", bytes(32768), b"\xff" * 32768], ids=["none", "empty", "zeros", "ones"])
def test_what_a_crash_leaves_of_the_write_ahead_logs_index_is_no_finding(index: bytes | None, audited: Audited) -> None:
    crashed = audited.root.with_name("crashed")
    with audited.log() as log:
        with log.write() as transaction:
            transaction.append_system("policy", dict(next(iter(transaction.system_entries("policy"))).fields))
        assert (audited.root / "ledger.db-wal").stat().st_size
        shutil.copytree(audited.root, crashed)  # as it lies there while a process is killed
    shutil.rmtree(audited.root)
    crashed.rename(audited.root)
    shm = audited.root / "ledger.db-shm"
    shm.unlink()
    if index is not None:
        shm.write_bytes(index)
    before = hashes(audited.root, audited.keys)
    assert audited.verify().problems == ()
    assert hashes(audited.root, audited.keys) == before


def test_an_index_older_than_the_emptied_write_ahead_log_is_no_finding(audited: Audited) -> None:
    crashed = audited.root.with_name("crashed")
    with audited.log() as log:
        with log.write() as transaction:
            transaction.append_system("policy", dict(next(iter(transaction.system_entries("policy"))).fields))
        stale = (audited.root / "ledger.db-shm").read_bytes()
        log.compact()
        assert (audited.root / "ledger.db-wal").stat().st_size == 0
        shutil.copytree(audited.root, crashed)
    shutil.rmtree(audited.root)
    crashed.rename(audited.root)
    (audited.root / "ledger.db-shm").write_bytes(stale)
    before = hashes(audited.root, audited.keys)
    assert audited.verify().problems == ()
    assert hashes(audited.root, audited.keys) == before
