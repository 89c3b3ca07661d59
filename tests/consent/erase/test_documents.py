"""The copy of documents outside the database: complete under every checkpoint, torn ends cut off, nothing invented."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from imp_consent.ledger.documents import KeptDocuments
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.errors import ImpError, LedgerBroken


@pytest.fixture
def sql() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:")
    for table in ("policy", "notice"):
        made.execute(f"CREATE TABLE {table} (sha256 TEXT PRIMARY KEY, body BLOB)")
    yield made
    made.close()


def add(sql: sqlite3.Connection, table: str, body: bytes) -> tuple[str, str, bytes]:
    name = sha256(body).hexdigest()
    sql.execute(f"INSERT INTO {table} VALUES (?, ?)", (name, body))
    return table, name, body


def test_what_the_database_holds_is_kept_once(sql: sqlite3.Connection, tmp_path: Path) -> None:
    first = [add(sql, "policy", b"a"), add(sql, "notice", "告知".encode())]
    kept = KeptDocuments(tmp_path)
    kept.keep(sql)
    size = kept.path.stat().st_size
    kept.keep(sql)
    assert kept.path.stat().st_size == size
    later = add(sql, "policy", b"")
    KeptDocuments(tmp_path).keep(sql)  # another process
    kept.keep(sql)
    assert sorted(kept.read()) == sorted([*first, later])


def test_the_format_stays(sql: sqlite3.Connection, tmp_path: Path) -> None:
    add(sql, "notice", b"abc")
    kept = KeptDocuments(tmp_path)
    kept.keep(sql)
    assert kept.path.read_bytes() == b"n\x00\x00\x00\x03" + sha256(b"abc").digest() + b"abc"


def test_a_torn_end_is_cut_off_and_written_again(sql: sqlite3.Connection, tmp_path: Path) -> None:
    whole = [add(sql, "policy", b"first"), add(sql, "policy", b"second")]
    KeptDocuments(tmp_path).keep(sql)
    data = (tmp_path / "documents").read_bytes()
    for length in range(len(data)):
        (tmp_path / "documents").write_bytes(data[:length])
        kept = KeptDocuments(tmp_path)
        assert len(list(kept.read())) < len(whole)
        kept.keep(sql)
        assert sorted(kept.read()) == sorted(whole)


def test_a_changed_body_is_left_out(sql: sqlite3.Connection, tmp_path: Path) -> None:
    add(sql, "policy", b"first")
    kept = KeptDocuments(tmp_path)
    kept.keep(sql)
    kept.path.write_bytes(kept.path.read_bytes()[:-1] + b"?")
    assert list(kept.read()) == []


def test_a_folder_that_is_not_there_is_named(sql: sqlite3.Connection, tmp_path: Path) -> None:
    add(sql, "policy", b"a")
    with pytest.raises(ImpError, match="copy of documents"):
        KeptDocuments(tmp_path / "nowhere").keep(sql)
    assert list(KeptDocuments(tmp_path).read()) == []


def test_a_checkpoint_covers_the_documents_its_entries_name(shop: Context) -> None:
    log = open_log(shop)
    log.checkpoint()
    with log.read() as reader:
        expected = {name for t in ("policy", "notice") for (name,) in reader.sql.execute(f"SELECT sha256 FROM {t}")}
    assert {name for _, name, _ in KeptDocuments(log.keyring.folder).read()} == expected != set()


@pytest.mark.parametrize(("name", "body"), [("not hexadecimal", b"a"), ("00" * 32, b"a"), ("00" * 32, "words")])
def test_a_document_that_is_not_what_its_hash_says_is_named_and_not_kept(
    sql: sqlite3.Connection, tmp_path: Path, name: str, body: bytes | str
) -> None:
    sql.execute("INSERT INTO policy VALUES (?, ?)", (name, body))
    with pytest.raises(LedgerBroken, match="a document was changed"):
        KeptDocuments(tmp_path).keep(sql)
    assert list(KeptDocuments(tmp_path).read()) == []
