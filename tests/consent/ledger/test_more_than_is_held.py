"""More in one transaction than is held at once: it goes to the database in between, and nothing comes out otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from imp_consent.ledger.encoding import MAX_BYTES
from imp_consent.ledger.entry import Statement
from imp_consent.ledger.log import Log
from imp_consent.ledger.merkle import leaf_hash, root_of
from imp_consent.ledger.outside import Outside
from imp_core.event import RawId

GRANT = Statement(type="grant", purpose="analytics", channel="", at_us=5)


def member(number: int) -> RawId:
    return RawId("member", f"m{number}")


def test_entries_beyond_those_held_are_numbered_and_hashed_like_the_others(open_log: Callable[[], Log]) -> None:
    log = open_log()
    with log.write() as transaction:
        subject = transaction.subject_for(member(1))
        for number in range(2_500):
            seq = transaction.append_system("access-request", {"n": number})
            assert seq == number + number // 1_000
            if number % 1_000 == 999:
                transaction.append_person(subject, GRANT, {})
    with open_log().read() as reader:
        leaves = [leaf for (leaf,) in reader.sql.execute("SELECT leaf FROM entry ORDER BY seq")]
        assert len(leaves) == reader.size == 2_502
        assert reader.root_at(2_502) == root_of(map(leaf_hash, leaves))
        assert [entry.fields["n"] for entry in reader.system_entries("access-request")] == list(range(2_500))
        assert [entry.seq for entry in reader.history(subject)] == [1_000, 2_001]


def test_people_beyond_those_remembered_are_found_and_nobody_is_made_twice(
    open_log: Callable[[], Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imp_consent.ledger.subjects._LINKED", 2)
    log = open_log()
    with log.write() as transaction:
        made = [transaction.subject_for(member(number)) for number in range(7)]
        assert [transaction.subject_for(member(number)) for number in range(7)] == made
        assert [transaction.subjects.identifiers_of(subject) for subject in made] == [1] * 7
    with log.read() as reader:
        assert [reader.find_subject(member(number)) for number in range(7)] == made


def test_somebody_let_go_of_is_read_again_as_the_database_has_them(
    open_log: Callable[[], Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imp_consent.ledger.transaction._HISTORIES", 1)
    log = open_log()
    with log.write() as transaction:
        ann = transaction.subject_for(member(1))
        transaction.append_person(ann, GRANT, {})
    with log.write() as transaction:
        said = transaction.history(ann)
        transaction.subject_for(member(2))  # who takes her place
        assert transaction.history(ann) == said, "nothing of hers waited to be written"
        assert [entry.seq for entry in said] == [0]


def test_what_somebody_said_stays_when_they_are_let_go_of_in_the_same_transaction(open_log: Callable[[], Log]) -> None:
    log = open_log()
    with log.write() as transaction:
        ann, ben = (transaction.subject_for(member(number)) for number in (1, 2))
        transaction.append_person(ann, GRANT, {})
        transaction.forget(ann)
        assert [entry.seq for entry in transaction.history(ann)] == [0]
        transaction.forget(ben)
        transaction.append_person(ann, GRANT, {})
    with log.read() as reader:
        assert [entry.seq for entry in reader.history(ann)] == [0, 1]
        assert {row[0]: row[3] for row in reader.sealed.select("subject_key")} == {ann: 2, ben: 0}


def test_a_key_used_in_one_transaction_is_written_once(open_log: Callable[[], Log]) -> None:
    log = open_log()
    with log.write() as transaction:
        ann, ben = (transaction.subject_for(member(number)) for number in (1, 2))
        for subject in (ann, ben, ann):
            transaction.append_person(subject, GRANT, {})
        transaction.subjects.flush(ann)
        transaction.subjects.flush()  # hers is as it was written
    with log.read() as reader:
        assert {row[0]: row[3] for row in reader.sealed.select("subject_key")} == {ann: 2, ben: 1}


def test_rows_that_wait_are_inserted_when_there_are_many(open_log: Callable[[], Log]) -> None:
    log = open_log()
    tokens = [number.to_bytes(16, "big") for number in range(2_300)]
    with log.write() as transaction:
        for token in tokens:
            transaction.sealed.insert_later("suppression", [(token,)])
        (written,) = transaction._sql.execute("SELECT count(*) FROM suppression").fetchone()
        assert written == 2_000, "the last of them wait still"
    with log.read() as reader:
        assert sorted(row[0] for row in reader.sealed.select("suppression")) == tokens


def test_tiles_beyond_those_held_are_read_again(open_log: Callable[[], Log], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imp_consent.ledger.tree._TILES", 1)
    log = open_log()
    with log.write() as transaction:
        for number in range(600):
            transaction.append_system("access-request", {"n": number})
    with log.read() as reader:
        leaves = [leaf for (leaf,) in reader.sql.execute("SELECT leaf FROM entry ORDER BY seq")]
        prover = reader._prover()
        for size in (1, 256, 257, 513, 600, 300):
            assert prover.root(size) == root_of(map(leaf_hash, leaves[:size]))
        assert len(prover.inclusion(5, 600)) > 8


def test_a_copy_of_leaves_larger_than_is_written_at_once_is_whole(tmp_path: Path) -> None:
    outside = Outside(tmp_path)
    leaves = [bytes([number % 251 + 1]) * MAX_BYTES for number in range(300)]
    assert outside.append(0, leaves) == 300
    assert list(Outside(tmp_path).read_leaves()) == leaves
    (tmp_path / "leaves.index").write_text("imp-leaves/1 1 9 00000000\n", encoding="ascii")
    assert outside.held(300) == 300, "an index without its checksum is none"
    (tmp_path / "leaves").unlink()
    assert outside.held(300) == 0, "an index alone holds none"
    assert outside.append(0, leaves[:1]) == 1
    assert list(outside.read_leaves()) == leaves[:1]
