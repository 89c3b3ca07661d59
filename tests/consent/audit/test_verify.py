"""What verification says: of attacks by somebody without keys, with them, with a backup; and of what is no attack."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from imp_consent.audit import files
from imp_consent.audit import verify as verify_module
from imp_consent.audit.problem import Problems
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.entry import Statement, encode_statement, payload_with, person_leaf
from imp_consent.ledger.log import Log, create_log
from imp_consent.ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane import remove
from imp_consent.policy.project import project
from imp_core.clock import SimulatedClock
from imp_core.errors import ImpError
from imp_core.event import RawId
from imp_core.randomness import SeededRandomness
from imp_core.workspace import Workspace

Audited = Any  # the conftest's class: test folders are no packages


@contextmanager
def operator(audited: Audited) -> Iterator[Transaction]:
    """What somebody with the keys can do: rows with MACs and sums that hold."""
    with audited.log() as log, log.write() as transaction:
        yield transaction


def subject_of(audited: Audited, name: str) -> int:
    with audited.log() as log, log.read() as reader:
        subject = reader.find_subject(RawId("member", name))
    assert isinstance(subject, int)
    return subject


def places(audited: Audited, code: str) -> list[str]:
    return [problem.place for problem in audited.verify().problems if problem.code == code]


# --- what it counts


def test_it_counts_what_it_looked_at(audited: Audited) -> None:
    result = audited.verify()
    assert (result.ok, result.problems, result.log_id) == (True, (), "audited")
    assert (result.size, result.checkpoint_size, result.after_checkpoint) == (19, 19, 0)
    assert (result.persons_leaves, result.orphaned_leaves, result.living, result.files) == (10, 2, 6, 2)
    with audited.log() as log:
        assert result.root == log.checkpoint().root


def test_entries_after_the_last_checkpoint_are_counted_and_no_problem(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Log, "checkpoint", lambda _: None)  # as if killed between the commit and the signature
    with operator(audited) as transaction:
        for _ in range(3):
            transaction.append_system("use-open", {})
    result = audited.verify()
    assert (result.ok, result.size, result.checkpoint_size, result.after_checkpoint) == (True, 22, 19, 3)
    with audited.sql() as sql:
        sql.execute("DELETE FROM entry WHERE seq = 19")
    assert {"head.size", "head.frontier"} <= audited.codes()


def test_an_empty_log_verifies_and_its_checkpoint_of_nothing_too(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path / "keys", "empty")
    create_log(tmp_path / "ledger.db", keyring, "empty")
    workspace = Workspace(tmp_path, {"workspace": {"log_id": "empty", "controller": "Shop"}})
    assert [p.code for p in verify_module.verify(workspace, keyring).problems] == ["checkpoint.absent"]
    log = Log(
        workspace.database,
        keyring,
        log_id="empty",
        clock=SimulatedClock(0),
        randomness=SeededRandomness(0),
        actor="tester",
        projection=project,
    )
    log.checkpoint()
    log.close()
    result = verify_module.verify(workspace, keyring)
    assert (result.problems, result.size, result.checkpoint_size, result.root) == ((), 0, 0, EMPTY_ROOT.hex())


def test_progress_is_told(audited: Audited) -> None:
    seen: list[int] = []
    verify_module.verify(audited.workspace, audited.keyring, count=seen.append)
    assert sum(seen) > 60


@pytest.mark.parametrize("step", ["rewritten", "destroyed"])
def test_an_erasure_under_way_or_done_is_no_problem(
    step: str, audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    with audited.log() as log:
        if step == "rewritten":
            # as if killed after the files were rewritten
            nothing = remove.Erased(people=0, leaves=0, rows=0, files=0, seq=None)
            monkeypatch.setattr(remove, "_destroy", lambda *_: nothing)
        remove.resume(log, audited.workspace)
    result = audited.verify()
    assert result.problems == ()
    assert (result.living, result.orphaned_leaves) == ((6, 2) if step == "rewritten" else (5, 4))


def test_only_neighbours_of_a_version_may_lie_about_and_only_during_an_erasure(audited: Audited) -> None:
    data = next((audited.root / "archive").iterdir()).read_bytes()
    for name in ("b00000001-v0-0123456789ab", "b00000001-v1-0123456789ab", "b00000001-v2-0123456789ab"):
        (audited.root / "archive" / f"{name}.parquet").write_bytes(data)
    assert audited.verify().ok  # fay's erasure is under way, and both batches are at version 1
    strange = ["b00000001-v3-0123456789ab", "b00000009-v1-0123456789ab", "x"]
    for name in strange:
        (audited.root / "archive" / f"{name}.parquet").write_bytes(data)
    assert sorted(places(audited, "archive.unregistered")) == sorted(f"archive/{name}.parquet" for name in strange)
    with operator(audited) as transaction:
        transaction.sealed.delete("erasure", "1", ())
    # without an erasure, the earlier version should be gone; the next one may be about to be named, or have been about
    # to when another writer's of the same number was
    assert len(places(audited, "archive.unregistered")) == 4
    assert [note.place for note in audited.verify().notes] == [
        f"archive/b00000001-v{version}-0123456789ab.parquet" for version in (1, 2)
    ]


def without_the_last_tombstone(audited: Audited) -> None:
    """As if the erasure under way had never been asked for."""
    path = audited.keys / "tombstones"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


@pytest.mark.parametrize("name", ["b00000003-v0-0123456789ab", "b00000002-v2-0123456789ab"])
def test_what_a_killed_or_running_intake_or_erasure_wrote_is_noted_and_no_problem(name: str, audited: Audited) -> None:
    with operator(audited) as transaction:
        transaction.sealed.delete("erasure", "1", ())
    without_the_last_tombstone(audited)
    (audited.root / "archive" / f"{name}.parquet").write_bytes(b"half")
    result = audited.verify()
    assert (result.ok, result.problems) == (True, ())
    assert [(note.code, note.place) for note in result.notes] == [("archive.unfinished", f"archive/{name}.parquet")]


def test_a_second_file_of_a_batch_is_noted_while_no_erasure_has_written_it_anew(audited: Audited) -> None:
    # the last one's bytes were never registered: another writer took the number, and an erasure wrote that one anew
    for batch, version, fresh, ok in ((3, 0, False, True), (1, 0, False, False), (1, 0, True, True)):
        known = {1: 1, 3: 0}
        problems = Problems()
        path = f"archive/b{batch:08d}-v{version}-0123456789ab.parquet"
        files._check_unnamed(path, known, erasing=False, fresh=fresh, problems=problems)
        assert (problems.found == [], len(problems.notes)) == (ok, int(ok))


@pytest.mark.parametrize(("version", "ok"), [(0, True), (2, True), (3, True), (4, True), (5, False)])
def test_while_erasures_are_under_way_every_version_that_they_superseded_may_lie_there(version: int, ok: bool) -> None:
    problems = (
        Problems()
    )  # three were killed one after the other, each after it had put its version in the other's place
    path = f"archive/b00000001-v{version}-0123456789ab.parquet"
    files._check_unnamed(path, {1: 3}, erasing=True, fresh=False, problems=problems)
    assert (problems.found == []) is ok


def test_a_copy_of_a_crashed_ledger_stays_in_the_workspace_and_goes_again(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    (audited.root / "ledger.db-wal").write_bytes(b"")  # a write-ahead log without its index
    copied: list[Path] = []
    copyfile = shutil.copyfile

    def traced(source: Path, target: Path) -> Path:
        copied.append(target)
        return copyfile(source, target)

    monkeypatch.setattr(shutil, "copyfile", traced)
    before = sorted(audited.root.rglob("*"))
    assert audited.verify().ok
    assert len(copied) == 2
    assert {path.parent.parent for path in copied} == {audited.root / "tmp"}
    assert sorted(audited.root.rglob("*")) == before


def test_a_workspace_that_takes_no_copy_says_so(audited: Audited) -> None:
    (audited.root / "ledger.db-wal").write_bytes(b"")
    (audited.root / "tmp").rmdir()
    (audited.root / "tmp").write_bytes(b"in the way")
    with pytest.raises(ImpError, match="cannot be written"):
        audited.verify()


# --- somebody without keys


def test_r57_a_flipped_byte_of_a_leaf_is_named(audited: Audited) -> None:
    with audited.sql() as sql:
        leaf = sql.execute("SELECT leaf FROM entry WHERE seq = 3").fetchone()[0]
        sql.execute("UPDATE entry SET leaf = ? WHERE seq = 3", [leaf.replace(b'"day":2', b'"day":3')])
    assert places(audited, "entry.hash") == ["entry 3"]
    assert {"log.rewritten", "checkpoint.root", "payload.sealed"} <= audited.codes()


def test_r57_a_leaf_changed_with_every_hash_computed_again_contradicts_what_was_signed(audited: Audited) -> None:
    with audited.sql() as sql:
        leaf = sql.execute("SELECT leaf FROM entry WHERE seq = 0").fetchone()[0].replace(b"tester", b"nobody")
        sql.execute("UPDATE entry SET leaf = ?, leaf_hash = ? WHERE seq = 0", [leaf, leaf_hash(leaf)])
        frontier = Frontier()
        frontier.extend(row[0] for row in sql.execute("SELECT leaf_hash FROM entry ORDER BY seq"))
        sql.execute("UPDATE log_state SET frontier = ?", [frontier.to_bytes()])
    assert audited.codes() == {"log.rewritten", "copy.differs", "checkpoint.root", "head.mac"}


def test_r57_a_missing_entry_is_named(audited: Audited) -> None:
    with audited.sql() as sql:
        sql.execute("DELETE FROM entry WHERE seq IN (4, 5)")
    assert places(audited, "entry.gap") == ["entry 4"]
    assert "person.leaf-missing" in audited.codes()


def test_an_entry_before_the_first_one_is_named(audited: Audited) -> None:
    with audited.sql() as sql:
        sql.execute("INSERT INTO entry SELECT -1, leaf, leaf_hash FROM entry WHERE seq = 0")
    assert audited.codes() == {"entry.seq"}


def test_a_payload_taken_away_is_named(audited: Audited) -> None:
    with audited.sql() as sql:
        sql.execute("DELETE FROM payload WHERE seq = 8")
    assert places(audited, "payload.missing") == ["payload 8"]


def test_a_payload_given_to_somebody_else_is_named(audited: Audited) -> None:
    ben = subject_of(audited, "ben")
    with audited.sql() as sql:
        sql.execute("UPDATE payload SET subject = ? WHERE seq = 8", [ben])
    assert places(audited, "payload.foreign") == ["payload 8"]
    assert places(audited, "payload.missing") == ["payload 8"]
    for nobody in (1, "nobody"):
        with audited.sql() as sql:
            sql.execute("UPDATE payload SET subject = ? WHERE seq = 8", [nobody])
        assert places(audited, "payload.orphan") == ["payload 8"]


def test_every_checkpoint_but_the_newest_may_not_be_taken_away_either(audited: Audited) -> None:
    with audited.sql() as sql:
        sql.execute("DELETE FROM checkpoint WHERE size = (SELECT min(size) FROM checkpoint)")
    assert audited.codes() == {"table.sum"}


# --- somebody with a backup


def test_an_older_database_put_back_is_found_by_the_checkpoint_outside(audited: Audited) -> None:
    shutil.copyfile(audited.root / "ledger.db", audited.root / "backup")
    with operator(audited) as transaction:
        transaction.append_system("use-open", {})
    assert audited.verify().ok
    (audited.root / "backup").rename(audited.root / "ledger.db")
    result = audited.verify()
    assert [problem.code for problem in result.problems] == ["log.rolled-back"]
    assert result.problems[0].place == "checkpoint 20 (outside)"
    assert "19 entries, 20 were signed" in result.problems[0].sentence


def test_a_missing_database_is_a_finding(audited: Audited) -> None:
    (audited.root / "ledger.db").unlink()
    result = audited.verify()
    assert [problem.code for problem in result.problems] == ["database.unusable"]
    assert (result.ok, result.size, result.root, result.checkpoint_size) == (False, None, None, 19)
    assert result.problems[0].mend == "put it back with: imp restore BACKUP"


# --- somebody with the keys


def test_a_history_rewritten_and_signed_again_contradicts_the_checkpoint_outside(audited: Audited) -> None:
    kept = audited.keyring.checkpoint_file.read_bytes()
    with operator(audited) as transaction:
        pass
    with audited.sql() as sql:
        leaf = sql.execute("SELECT leaf FROM entry WHERE seq = 16").fetchone()[0].replace(b"tester", b"nobody")
        sql.execute("UPDATE entry SET leaf = ?, leaf_hash = ? WHERE seq = 16", [leaf, leaf_hash(leaf)])
        hashes = [row[0] for row in sql.execute("SELECT leaf_hash FROM entry ORDER BY seq")]
        sql.execute("DELETE FROM checkpoint")
    with operator(audited) as transaction:
        frontier = Frontier()
        frontier.extend(hashes)
        transaction.head.frontier = frontier
        transaction.sealed.sums["checkpoint"] = 0
        audited.keyring.checkpoint_file.unlink()
    with audited.log() as log:
        log.checkpoint()
    assert audited.verify().ok  # without the old checkpoint nobody can tell
    audited.keyring.checkpoint_file.write_bytes(kept)
    assert audited.codes() == {"log.rewritten", "checkpoint.unknown"}


def test_a_withdrawal_hidden_by_cutting_a_chain_short_is_found(audited: Audited) -> None:
    cid = subject_of(audited, "cid")
    with operator(audited) as transaction:
        transaction.sealed.update("subject_key", "subject = ?", (cid,), {"next_i": 1})
        transaction.sql.execute("DELETE FROM payload WHERE seq = 8")
    assert {"person.leaf-beyond", "leaves.balance", "state.differs"} <= audited.codes()


def test_a_person_made_away_with_breaks_the_leaf_balance(audited: Audited) -> None:
    cid = subject_of(audited, "cid")
    with operator(audited) as transaction:
        remove.destroy_person(transaction, cid)
    assert audited.codes() == {"leaves.balance"}
    (problem,) = audited.verify().problems
    assert "4 people's leaves belong to nobody living, erasures and restores account for 2" in problem.sentence


def test_a_payload_rewritten_with_the_persons_key_is_not_what_the_leaf_commits_to(audited: Audited) -> None:
    cid = subject_of(audited, "cid")
    with operator(audited) as transaction:
        (entry,) = [entry for entry in transaction.history(cid) if entry.seq == 8]
        said = Statement(type="grant", purpose="analytics", channel="", at_us=entry.statement.at_us)
        secrets, _ = transaction.subjects.secrets(cid)
        (leaf,) = transaction.sql.execute("SELECT leaf FROM entry WHERE seq = 8").fetchone()
        forged = secrets.payloads.encrypt(b"n" * 12, payload_with(encode_statement(said), {}), leaf)
        transaction.sql.execute("UPDATE payload SET nonce = ?, ciphertext = ? WHERE seq = 8", (b"n" * 12, forged))
    assert places(audited, "payload.commitment") == ["payload 8"]


def test_an_entry_of_one_person_with_the_link_of_an_earlier_one_is_found(audited: Audited) -> None:
    cid = subject_of(audited, "cid")
    with operator(audited) as transaction:
        secrets, _ = transaction.subjects.secrets(cid)
        transaction._append(person_leaf(link=secrets.link(0), commit=bytes(32), day=1))
    assert {"entry.link", "leaves.balance"} <= audited.codes()


def test_a_chain_out_of_order_is_found(audited: Audited) -> None:
    cid = subject_of(audited, "cid")
    with operator(audited) as transaction:
        secrets, i = transaction.subjects.take(cid)
        transaction.subjects.take(cid)
        for counter in (i + 1, i):
            transaction._append(person_leaf(link=secrets.link(counter), commit=bytes(32), day=1))
    assert "person.order" in audited.codes()


def test_entries_that_name_documents_and_files_wrongly_are_findings_and_no_breakage(audited: Audited) -> None:
    with operator(audited) as transaction:
        (policy,) = transaction.system_entries("policy")
        named = policy.fields["purposes"]
        transaction.append_system("collect", {"batch": [], "n": 1})
        transaction.append_system("erased", {"leaves": 0, "files": named})
        transaction.append_system("erased", {"leaves": "many"})
        transaction.append_system("notice", {"sha256": ["x"]})
    places_ = places(audited, "ledger.broken")
    assert {"archive", "people", "documents"} <= set(places_)


def test_a_leaf_of_no_known_form_is_found(audited: Audited) -> None:
    with operator(audited) as transaction:
        for leaf in (b"junk", b'{"link":"x"}', b'{"v":1}', b"[]", b"1"):
            transaction._append(leaf)
    assert places(audited, "entry.leaf") == [f"entry {seq}" for seq in range(19, 24)]


@pytest.mark.parametrize("permit", [0, 1])
def test_a_permission_nobody_gave_is_found_though_its_row_is_sealed(permit: int, audited: Audited) -> None:
    for subject, code in ((subject_of(audited, "dan"), "state.differs"), (5, "state.orphan")):
        row = (subject, "marketing.email", "", 0, 1, 9, 2**62, permit, "given", "[1]")
        with operator(audited) as transaction:
            transaction.sealed.insert("consent_state", [row])
        assert audited.codes() == {code}
        with operator(audited) as transaction:
            transaction.sealed.delete("consent_state", "purpose = ?", ("marketing.email",))
    assert audited.verify().ok


def test_a_subjects_key_that_does_not_open_is_found_though_its_row_is_sealed(audited: Audited) -> None:
    cid = subject_of(audited, "cid")
    with operator(audited) as transaction:
        transaction.sealed.update("subject_key", "subject = ?", (cid,), {"wrapped": bytes(40)})
    assert audited.codes() == {"ledger.broken", "leaves.balance"}


def test_a_mapping_left_after_an_erasure_is_found(audited: Audited) -> None:
    with operator(audited) as transaction:
        kek = transaction.subjects.encryption()
        row = ("member", 1, b"p" * 16, kek.seal_subject(5), b"l" * 16, "pepper", kek.id, "supp")
        transaction.sealed.insert("identifier", [row])
    assert {"identifier.orphan", "keys.missing"} <= audited.codes()


# --- documents


def test_documents_that_are_changed_unnamed_or_missing_are_found(audited: Audited) -> None:
    body = b"nobody named me"
    with audited.sql() as sql:
        sql.execute("INSERT INTO policy VALUES (?, ?)", [hashlib.sha256(body).hexdigest(), body])
        sql.execute("INSERT INTO notice VALUES (?, ?)", ["0" * 64, body])
    assert audited.codes() == {"document.unnamed", "document.changed"}
    with audited.sql() as sql:
        sql.execute("DELETE FROM policy")
        sql.execute("DELETE FROM notice")
    sentences = [p.sentence for p in audited.verify().problems if p.code == "document.missing"]
    assert sorted(sentences) == [
        "a person's entry names a notice that is not stored",
        "entry 0 (policy) names a document that is not stored",
        "entry 1 (notice) names a document that is not stored",
        "entry 13 (erased) names a document that is not stored",
        "entry 17 (send-intent) names a document that is not stored",
    ]


# --- batches


def test_batches_and_their_entries_go_one_to_one(audited: Audited) -> None:
    with operator(audited) as transaction:
        fields = dict(next(iter(transaction.system_entries("collect"))).fields)
        transaction.append_system("collect", fields)
        transaction.append_system("collect", {**fields, "batch": 3})
        transaction.append_system("collect", {"n": 0, "denied": {"no_record": 5}})
        (row,) = transaction.sealed.select("batch", "batch = 1")
        transaction.sealed.insert("batch", [(9, *row[1:])])
    found = {(problem.code, problem.place) for problem in audited.verify().problems}
    assert found == {("batch.twice", "batch 1"), ("batch.missing", "batch 3"), ("batch.unregistered", "batch 9")}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"collect_seq": 11}, "batch.entry"),
        ({"source_sha256": "0" * 64}, "batch.entry"),
        ({"n": 4}, "batch.named"),
        ({"version": 0}, "batch.named"),
        ({"sha256": "0" * 64}, "batch.named"),
        ({"path": "ledger.db"}, "archive.outside"),
        ({"path": "archive/../ledger.db"}, "archive.outside"),
        ({"state": "dead"}, "batch.dead"),
    ],
    ids=str,
)
def test_a_batch_that_is_not_what_the_entries_say_is_found_though_its_row_is_sealed(
    changes: dict[str, Any], code: str, audited: Audited
) -> None:
    with operator(audited) as transaction:
        transaction.sealed.update("batch", "batch = 1", (), changes)
    assert code in audited.codes()


def test_a_version_no_erasure_made_is_found_once_none_is_under_way(audited: Audited) -> None:
    with operator(audited) as transaction:
        transaction.sealed.update("batch", "batch = 1", (), {"version": 2})
        transaction.sealed.delete("erasure", "1", ())
    without_the_last_tombstone(audited)
    assert audited.codes() == {"batch.named"}


def test_a_rewrite_of_a_file_nobody_registered_is_found(audited: Audited) -> None:
    listing = json.dumps([{"batch": 7, "version": 1, "sha256": "0" * 64, "n": 1}]).encode()
    with operator(audited) as transaction:
        fields = {"leaves": 0, "files": hashlib.sha256(listing).hexdigest()}
        transaction.append_system("erased", fields, documents=[listing])
    assert places(audited, "batch.unknown") == ["batch 7"]
