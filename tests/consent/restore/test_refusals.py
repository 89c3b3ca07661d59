"""A restore replaces no database that may be sound, loses nobody to a missing key, and answers for no tampering."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.audit import verify_workspace
from imp_consent.commands.backup import backup
from imp_consent.commands.check import check
from imp_consent.commands.compact import compact_workspace
from imp_consent.commands.erase import erase
from imp_consent.commands.key_changes import retire_key, rotate_key
from imp_consent.commands.receipt import receipt
from imp_consent.commands.record import record
from imp_consent.commands.restore import restore
from imp_consent.identity.keys import Keyring
from imp_consent.ledger.signer import Signer
from imp_consent.ledger.store import Unavailable
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.doctor import diagnose
from imp_core.errors import CheckFailed, KeysUnusable, LedgerBroken
from imp_core.event import RawId

ANN, BEN, CID, DAN = (RawId("member", name) for name in ("ann", "ben", "cid", "dan"))
Later = Callable[[], Context]


def restored(place: Any, *, days: int = 3) -> Any:
    ctx = place.open(days=days)
    try:
        return restore(ctx, place.backup, execute=True)
    finally:
        ctx.close()


def reasons(place: Any) -> list[str]:
    ctx = place.open(days=4)
    found = [check(ctx, raw, purpose="analytics").reason for raw in (ANN, BEN, CID, DAN)]
    verified = verify_workspace(ctx)
    ctx.close()
    assert verified.ok, verified.problems
    return found


def bytes_of(place: Any) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.workspace.iterdir() if path.name.startswith("ledger.db")}


def test_with_the_keys_of_yesterday_a_sound_database_is_not_replaced(place: Any, later: Later) -> None:
    shutil.copytree(place.keys, place.folder / "yesterday")
    ctx = later()
    rotate_key(ctx, "kek")
    record(ctx, ANN, purpose="analytics", state="withdrawn")
    ctx.close()
    place.keys.rename(place.folder / "newest")
    shutil.copytree(place.folder / "yesterday", place.keys)
    before = bytes_of(place)
    with pytest.raises(KeysUnusable, match="kek key") as refused:
        restored(place)
    assert "newest backup" in (refused.value.mend or "")
    assert bytes_of(place) == before
    place.lose()
    for name in ("checkpoint", "leaves"):
        shutil.copyfile(place.folder / "newest" / name, place.keys / name)
    with pytest.raises(KeysUnusable, match="kek key"):
        restored(place)
    assert bytes_of(place) == {}


@pytest.mark.parametrize("code", ["SQLITE_BUSY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "EACCES"])
def test_a_database_that_cannot_be_read_now_is_not_replaced(
    place: Any, later: Later, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    later().close()

    def refuse(*_: object) -> None:
        if code == "EACCES":
            raise PermissionError(13, "Permission denied")
        error = sqlite3.OperationalError("cannot")
        error.sqlite_errorcode = getattr(sqlite3, code)
        raise error

    monkeypatch.setattr("imp_consent.plane.restore.present.check_schema", refuse)
    before = bytes_of(place)
    with pytest.raises(Unavailable, match="cannot be read now") as refused:
        restored(place)
    assert "nothing was changed" in (refused.value.mend or "")
    assert bytes_of(place) == before


def test_a_database_of_somebody_else_is_not_replaced(place: Any, later: Later, monkeypatch: pytest.MonkeyPatch) -> None:
    later().close()
    (place.workspace / "ledger.db").chmod(0o000)
    connect = sqlite3.connect

    def deny(name: str, *arguments: Any, **more: Any) -> Any:
        if "workspace/ledger.db" not in name:
            return connect(name, *arguments, **more)
        error = sqlite3.OperationalError("unable to open database file")  # as it is for anybody but root
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise error

    monkeypatch.setattr(sqlite3, "connect", deny)
    with pytest.raises(Unavailable, match="unable to open"):
        restored(place)
    assert (place.workspace / "ledger.db").stat().st_mode & 0o777 == 0


def test_what_is_replaced_is_kept_aside_and_named(place: Any, later: Later) -> None:
    later().close()
    kept = {"ledger.db": b"what is left of it", "ledger.db-wal": b"a log", "ledger.db-shm": b"its index"}
    for _ in range(2):  # in the same second
        for name, data in kept.items():
            (place.workspace / name).write_bytes(data)
            (place.workspace / name).chmod(0o644)
        done = restored(place)
        folder = place.workspace / done.replaced
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == kept
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert done.replaced == "replaced-20260304T120000Z-2"
    assert reasons(place) == ["given"] * 4
    ctx = place.open()
    (told,) = [one for one in diagnose(ctx) if one.name == "replaced"]
    assert not told.ok
    assert done.replaced in told.detail
    ctx.close()
    place.lose()
    assert restored(place).replaced is None


@pytest.mark.parametrize("erased", [0, 1, 4])
def test_without_the_survivors_nobody_is_taken_for_erased(place: Any, later: Later, erased: int) -> None:
    ctx = later()
    rotate_key(ctx, "kek")
    erase(ctx, [ANN, BEN, CID, DAN][4 - erased :])
    ctx.close()
    place.lose()
    survivors = place.keys / "survivors"
    survivors.rename(place.folder / "survivors")
    tombstones = (place.keys / "tombstones").read_bytes() if erased else None
    if erased == 4:
        assert restored(place).people_erased == 4
        (place.folder / "survivors").rename(survivors)
        assert reasons(place) == ["no_record"] * 4
        return
    with pytest.raises(CheckFailed, match=rf"{4 - erased} (people|person) .* kek key") as refused:
        restored(place)
    assert refused.value.where == str(survivors)
    assert refused.value.mend
    assert bytes_of(place) == {}
    assert (place.keys / "tombstones").exists() == bool(erased)
    assert not erased or (place.keys / "tombstones").read_bytes() == tombstones
    (place.folder / "survivors").rename(survivors)
    assert restored(place).people == 4 - erased
    assert reasons(place) == ["given"] * (4 - erased) + ["no_record"] * erased


def test_without_the_pepper_that_the_backup_finds_people_by_it_refuses(place: Any, later: Later) -> None:
    ctx = later()
    old = open_log(ctx).keyring.active("pepper").id
    rotate_key(ctx, "pepper")
    for raw in (ANN, BEN, CID, DAN):
        receipt(ctx, raw)
    retire_key(ctx, old)
    ctx.close()
    place.lose()
    (place.keys / "survivors").rename(place.folder / "survivors")
    with pytest.raises(CheckFailed, match=f"4 identifiers .* pepper key {old}") as refused:
        restored(place)
    assert refused.value.mend
    assert bytes_of(place) == {}
    (place.folder / "survivors").rename(place.keys / "survivors")
    assert restored(place).people == 4
    assert reasons(place) == ["given"] * 4


@pytest.mark.parametrize(
    ("purpose", "not_reached"),
    [
        ("kek", "imp_consent.ledger.log.settle"),  # it dies before the survivors' rows are outside
        ("kek", "imp_consent.identity.keys.Keyring.settle"),
        ("sign", "imp_consent.identity.keys.Keyring.settle"),
        ("pepper", "imp_consent.identity.keys.Keyring.settle"),
    ],
)
def test_a_change_of_keys_that_was_signed_and_died_is_settled_by_the_next_writer(
    place: Any, later: Later, monkeypatch: pytest.MonkeyPatch, purpose: str, not_reached: str
) -> None:
    ctx = later()
    old = open_log(ctx).keyring.active(purpose).id
    with monkeypatch.context() as patched:
        patched.setattr(Keyring, "activate", lambda _: None)
        patched.setattr(not_reached, lambda *given: given[-2] if len(given) > 1 else given[0])  # the ring
        rotate_key(ctx, purpose)
        open_log(ctx).checkpoint()
        ctx.close()
    place.lose()
    stale = Keyring.open(place.keys, open_log_id(place))
    assert stale.active(purpose).id == old
    assert restored(place).people == 4
    ctx = place.open(days=4)
    found = verify_workspace(ctx)
    assert (found.problems, [note.code for note in found.notes]) == ((), ["keys.unsettled"])
    record(ctx, BEN, purpose="analytics", state="withdrawn")
    found = verify_workspace(ctx)
    assert (found.problems, found.notes) == ((), ())
    ring = open_log(ctx).keyring
    ctx.close()
    assert ring.settled
    assert ring.active(purpose).id != old
    assert reasons(place) == ["given", "withdrawn", "given", "given"]


@pytest.mark.parametrize("purpose", ["sign", "pepper", "row", "kek"])
def test_a_key_that_was_put_in_use_and_lost_with_the_database_leaves_nothing_to_report(
    place: Any, later: Later, monkeypatch: pytest.MonkeyPatch, purpose: str
) -> None:
    ctx = later()
    old = open_log(ctx).keyring.active(purpose).id
    with monkeypatch.context() as patched:  # it dies when the new key is active, before anything is signed
        patched.setattr(Signer, "sign", lambda *_, **__: (_ for _ in ()).throw(LedgerBroken("no signature")))
        with pytest.raises(LedgerBroken, match="no signature"):
            rotate_key(ctx, purpose)
        ctx.close()
    assert Keyring.open(place.keys, open_log_id(place)).active(purpose).id != old
    place.lose()
    assert restored(place).people == 4
    assert reasons(place) == ["given"] * 4
    ctx = place.open(days=4)
    record(ctx, BEN, purpose="analytics", state="withdrawn")
    assert open_log(ctx).keyring.active(purpose).id == old
    ctx.close()
    assert reasons(place) == ["given", "withdrawn", "given", "given"]


def open_log_id(place: Any) -> str:
    ctx = place.open()
    try:
        return str(ctx.workspace.log_id)
    finally:
        ctx.close()


def test_whoever_was_removed_without_an_erasure_is_not_published_by_a_restore(place: Any, later: Later) -> None:
    ctx = later()
    log = open_log(ctx)
    with log.write() as transaction:  # by hand, with all the keys
        subject = transaction.find_subject(ANN)
        assert subject is not None
        mapping = transaction.subjects.encryption().seal_subject(subject)
        transaction.forget(subject)
        transaction.sealed.delete("identifier", "subject = ?", (mapping,))
        for table in ("consent_state", "subject_key"):
            transaction.sealed.delete(table, "subject = ?", (subject,))
        transaction.sql.execute("DELETE FROM payload WHERE subject = ?", (subject,))
    place.backup.unlink()
    backup(ctx, place.backup)
    erase(ctx, [DAN], later=True)
    ctx.close()
    place.lose()
    done = restored(place)
    assert (done.unexplained, done.leaves, done.people_erased) == (1, 0, 1)
    ctx = place.open(days=4)
    assert {problem.code for problem in verify_workspace(ctx).problems} == {"leaves.balance"}
    ctx.close()


def test_without_the_copy_of_documents_it_goes_on_by_the_backups_rows_and_names_what_is_lost(
    place: Any, later: Later
) -> None:
    ctx = later()
    place.visits(ctx, "second", BEN)
    compact_workspace(ctx)
    erase(ctx, [DAN], later=True)
    ctx.close()
    place.lose()
    (place.keys / "documents").unlink()
    done = restored(place)
    assert (len(done.documents_lost), done.batches_lost) == (1, ()), (
        "the compaction's file is gone, the erasure's there"
    )
    assert reasons(place) == ["given", "given", "given", "no_record"]
    ctx = place.open(days=5)
    assert {note.code for note in verify_workspace(ctx).notes} >= {"document.lost"}
    place.visits(ctx, "third", BEN)
    compact_workspace(ctx)
    erase(ctx, [CID])
    found = verify_workspace(ctx)
    assert found.ok, found.problems
    ctx.close()


def test_a_copy_of_documents_that_is_gone_is_a_problem_until_the_next_signing(place: Any, later: Later) -> None:
    ctx = later()
    open_log(ctx).checkpoint()
    (place.keys / "documents").unlink()
    assert [problem.code for problem in verify_workspace(ctx).problems] == ["documents.absent"]
    open_log(ctx).checkpoint()
    assert verify_workspace(ctx).ok
    ctx.close()


def test_a_torn_document_outside_is_appended_again_by_the_next_signing(place: Any, later: Later) -> None:
    ctx = later()
    place.visits(ctx, "second", BEN)
    documents: Path = place.keys / "documents"
    before = documents.stat().st_size
    compact_workspace(ctx)
    ctx.close()
    data = documents.read_bytes()
    documents.write_bytes(data[: before + 37] + bytes(len(data) - before - 37))  # its head was written, its body not
    ctx = later()
    assert {problem.code for problem in verify_workspace(ctx).problems} == {"documents.missing"}
    open_log(ctx).checkpoint()
    assert verify_workspace(ctx).ok
    ctx.close()
    place.lose()
    done = restored(place)
    assert (done.documents_lost, done.batches_lost) == ((), ())
    assert reasons(place) == ["given"] * 4


def test_the_same_backup_with_a_changed_row_key_is_refused_before_anything_is_written(place: Any, later: Later) -> None:
    ctx = later()
    rotate_key(ctx, "row")
    ctx.close()
    place.lose()
    with pytest.raises(LedgerBroken, match="row key"):
        restored(place)
    assert bytes_of(place) == {}
