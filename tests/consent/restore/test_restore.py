"""A restore reaches the newest checkpoint, denies whom it cannot answer for, and brings back nobody who was erased."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from imp_consent.commands.audit import verify_workspace
from imp_consent.commands.check import check
from imp_consent.commands.erase import erase
from imp_consent.commands.notices import add_notice
from imp_consent.commands.purposes import add_purpose, list_purposes
from imp_consent.commands.record import record
from imp_consent.commands.restore import restore
from imp_consent.ledger.suppression import Suppressed
from imp_consent.plane.remove import pending, request_erasure
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US
from imp_core.context import Context
from imp_core.errors import BadInput, CheckFailed, ImpError, LedgerBroken
from imp_core.event import RawId

ANN, BEN, CID, DAN, EVE = (RawId("member", name) for name in ("ann", "ben", "cid", "dan", "eve"))
Later = Callable[[], Context]


def reason(ctx: Context, raw: RawId) -> str:
    return check(ctx, raw, purpose="analytics").reason


def restored(place: Any, *, execute: bool = True) -> Any:
    ctx = place.open()
    try:
        return restore(ctx, place.backup, execute=execute)
    finally:
        ctx.close()


def snapshot(place: Any) -> dict[str, bytes]:
    return {
        path.relative_to(place.folder).as_posix(): path.read_bytes()
        for path in sorted(place.folder.rglob("*"))
        if path.is_file()
    }


def subjects_in_archive(ctx: Context) -> set[int]:
    import duckdb  # noqa: PLC0415 (only here)

    files = [str(path) for path in ctx.workspace.archive.iterdir()]
    with duckdb.connect() as connection:
        return {row[0] for row in connection.execute("SELECT subject FROM read_parquet(?)", [files]).fetchall()}


def test_a_lost_database_comes_back_up_to_its_newest_checkpoint(place: Any, later: Later) -> None:
    ctx = later()
    record(ctx, ANN, purpose="analytics", state="withdrawn")
    record(ctx, EVE, purpose="analytics", state="given", at_us=ctx.clock.now_us() - DAY_US)
    place.visits(ctx, "after", BEN, CID, EVE)
    signed = open_log(ctx).checkpoint()
    ctx.close()
    place.lose()
    done = restored(place)
    assert (done.size, done.people, done.people_lost, done.people_erased) == (signed.size, 4, 1, 0)
    assert (done.leaves, done.files_found, done.rows, done.batches_lost, done.documents_lost) == (1, 1, 1, (), ())
    ctx = place.open()
    found = verify_workspace(ctx)
    assert found.ok, found.problems
    assert [reason(ctx, raw) for raw in (ANN, BEN, EVE)] == ["lost", "given", "no_record"]
    assert subjects_in_archive(ctx) == {ctx.gate.resolve(raw) for raw in (ANN, BEN, CID, DAN)}
    with open_log(ctx).read() as reader:
        assert reader.prove_consistency(signed.size, reader.size)
        assert reader.sql.execute("SELECT count(*) FROM entry WHERE seq < ?", (signed.size,)).fetchone() == (
            signed.size,
        )
    record(ctx, ANN, purpose="analytics", state="given")
    assert reason(ctx, ANN) == "lost", "said in the same microsecond: the tie goes to the restrictive side"
    ctx.close()
    ctx = place.open(days=4)
    record(ctx, ANN, purpose="analytics", state="given")
    assert reason(ctx, ANN) == "given"
    assert verify_workspace(ctx).ok
    ctx.close()


def test_a_dry_run_says_the_same_and_changes_nothing(place: Any, later: Later) -> None:
    ctx = later()
    record(ctx, ANN, purpose="analytics", state="withdrawn")
    place.visits(ctx, "after", BEN)
    erase(ctx, [DAN])
    ctx.close()
    place.lose()
    before = snapshot(place)
    planned = restored(place, execute=False)
    assert snapshot(place) == before
    assert planned.seq is None
    done = restored(place)
    assert {name: getattr(done, name) for name in done.__slots__ if name not in ("seq", "rows")} == {
        name: getattr(planned, name) for name in planned.__slots__ if name not in ("seq", "rows")
    }
    assert done.rows == planned.rows


def test_the_erased_are_erased_again_and_stay_suppressed(place: Any, later: Later) -> None:
    ctx = later()
    subject = ctx.gate.resolve(DAN)
    erase(ctx, [DAN], later=True)  # without the ratchet the backup's rows still open
    ctx.close()
    place.lose()
    done = restored(place)
    assert (done.people, done.people_erased, done.leaves) == (3, 1, 0)
    ctx = place.open()
    assert verify_workspace(ctx).ok
    assert reason(ctx, DAN) == "no_record"
    with pytest.raises(Suppressed):
        record(ctx, DAN, purpose="analytics", state="given")
    assert subject not in subjects_in_archive(ctx)
    with open_log(ctx).read() as reader:
        assert reader.sql.execute("SELECT count(*) FROM outbox WHERE what = 'forget'").fetchone()[0] >= 1
    ctx.close()


def test_after_a_ratchet_the_survivors_open_what_the_backups_own_rows_do_not(place: Any, later: Later) -> None:
    ctx = later()
    erase(ctx, [DAN])
    record(ctx, BEN, purpose="analytics", state="refused")
    ctx.close()
    place.lose()
    done = restored(place)
    assert (done.people, done.people_erased, done.people_lost, done.leaves) == (3, 1, 1, 0)
    ctx = place.open()
    found = verify_workspace(ctx)
    assert found.ok, found.problems
    assert [reason(ctx, raw) for raw in (ANN, BEN, CID, DAN)] == ["given", "lost", "given", "no_record"]
    erase(ctx, [CID])
    assert verify_workspace(ctx).ok
    ctx.close()


def test_an_erasure_that_was_only_asked_for_is_carried_out(place: Any, later: Later) -> None:
    ctx = later()
    subject = ctx.gate.resolve(DAN)
    assert subject is not None
    request_erasure(open_log(ctx), [subject], {})
    ctx.close()
    place.lose()
    done = restored(place)
    assert (done.people_erased, done.leaves, done.rows) == (1, 2, 1)
    ctx = place.open()
    assert verify_workspace(ctx).ok
    assert pending(open_log(ctx)) == 0
    assert subject not in subjects_in_archive(ctx)
    ctx.close()


def test_purposes_and_notices_written_since_come_back_whole(place: Any, later: Later) -> None:
    ctx = later()
    path = place.folder / "告知.txt"
    path.write_text("Shop Ltd looks at analytics (分析).\n\nWithdraw when you like.\n", encoding="utf-8")
    add_notice(ctx, path, name="new", purposes=("analytics",))
    add_purpose(ctx, "marketing.sms", "We text you offers.", declared={"traits": ("none",)})
    with open_log(ctx).read() as reader:
        before = sorted(reader.sql.execute("SELECT sha256 FROM notice").fetchall())
    ctx.close()
    place.lose()
    assert restored(place).documents_lost == ()
    ctx = place.open()
    with open_log(ctx).read() as reader:
        assert sorted(reader.sql.execute("SELECT sha256 FROM notice").fetchall()) == before
    assert "marketing.sms" in {purpose.name for purpose in list_purposes(ctx)}
    assert verify_workspace(ctx).ok
    ctx.close()


def test_a_file_that_is_not_there_is_named_as_lost(place: Any, later: Later) -> None:
    ctx = later()
    place.visits(ctx, "after", BEN)
    ctx.close()
    place.lose()
    newest = sorted((place.workspace / "archive").iterdir())[-1]
    newest.unlink()
    done = restored(place)
    assert (done.batches_lost, done.files_found) == ((2,), 0)
    ctx = place.open()
    found = verify_workspace(ctx)
    assert found.ok, found.problems
    assert subjects_in_archive(ctx)
    place.visits(ctx, "again", BEN)
    assert verify_workspace(ctx).ok
    ctx.close()


def test_events_that_came_back_are_not_taken_twice(place: Any, later: Later) -> None:
    ctx = later()
    place.visits(ctx, "after", BEN, CID)
    ctx.close()
    place.lose()
    restored(place)
    ctx = place.open()
    with open_log(ctx).read() as reader:
        assert reader.sql.execute("SELECT count(*) FROM dedupe").fetchone() == (6,)
    ctx.close()


def test_a_sound_ledger_is_not_replaced(place: Any) -> None:
    before = snapshot(place)
    with pytest.raises(CheckFailed, match="sound"):
        restored(place)
    assert {k: v for k, v in snapshot(place).items() if "ledger.db" not in k} == {
        k: v for k, v in before.items() if "ledger.db" not in k
    }


@pytest.mark.parametrize("harm", ["older", "zeroed", "page", "row", "empty"])
def test_an_older_or_damaged_database_is_replaced(place: Any, later: Later, harm: str) -> None:
    ctx = later()
    record(ctx, ANN, purpose="analytics", state="withdrawn")
    ctx.close()
    database = place.workspace / "ledger.db"
    for end in ("-wal", "-shm"):
        (place.workspace / f"ledger.db{end}").unlink(missing_ok=True)
    if harm == "older":
        shutil.copyfile(place.backup, database)
    elif harm == "row":
        with sqlite3.connect(database) as sql:
            sql.execute("UPDATE consent_state SET permit = 1")
        sql.close()
    else:
        data = bytearray(database.read_bytes())
        if harm == "zeroed":
            data[:100] = bytes(100)
        if harm == "page":
            data[8192:12288] = b"\xff" * 4096
        database.write_bytes(b"" if harm == "empty" else data)
    done = restored(place)
    assert done.people_lost == 1
    ctx = place.open()
    assert verify_workspace(ctx).ok
    assert reason(ctx, ANN) == "lost"
    ctx.close()


def test_a_stale_write_ahead_log_never_gets_into_the_restored_ledger(place: Any, later: Later) -> None:
    ctx = later()
    record(ctx, ANN, purpose="analytics", state="withdrawn")
    wal = (place.workspace / "ledger.db-wal").read_bytes()
    ctx.close()
    assert wal
    data = bytearray((place.workspace / "ledger.db").read_bytes())
    data[8192:12288] = b"\xff" * 4096
    (place.workspace / "ledger.db").write_bytes(data)
    (place.workspace / "ledger.db-wal").write_bytes(wal)
    restored(place)
    ctx = place.open()
    assert verify_workspace(ctx).ok
    ctx.close()


def test_what_is_no_backup_of_this_ledger_is_refused_and_nothing_changes(place: Any, later: Later) -> None:
    later().close()
    place.lose()
    (place.folder / "text").write_text("not a database")
    with sqlite3.connect(place.folder / "other.db") as sql:
        sql.execute("CREATE TABLE t (x)")
    sql.close()
    damaged = place.folder / "damaged.bak"
    shutil.copyfile(place.backup, damaged)
    with sqlite3.connect(damaged) as sql:
        sql.execute("DELETE FROM payload WHERE seq = (SELECT min(seq) FROM payload)")
        sql.execute("UPDATE subject_key SET next_i = next_i + 1")
    sql.close()
    before = snapshot(place)
    for name, error in (("text", LedgerBroken), ("other.db", LedgerBroken), ("nothing", BadInput)):
        ctx = place.open()
        with pytest.raises(error):
            restore(ctx, place.folder / name, execute=True)
        ctx.close()
    ctx = place.open()
    with pytest.raises(LedgerBroken, match="damaged"):
        restore(ctx, damaged, execute=True)
    ctx.close()
    assert snapshot(place) == before


@pytest.mark.parametrize("name", ["checkpoint", "leaves", "tombstones"])
def test_without_what_lies_outside_it_refuses_and_says_why(place: Any, later: Later, name: str) -> None:
    ctx = later()
    erase(ctx, [DAN], later=True)
    ctx.close()
    place.lose()
    (place.keys / name).unlink()
    (place.keys / "leaves.index").unlink(missing_ok=True)
    with pytest.raises(ImpError) as refused:
        restored(place)
    assert refused.value.mend
    assert not (place.workspace / "ledger.db").exists()


def test_a_backup_of_another_history_is_refused(place: Any, later: Later, tmp_path: Any) -> None:
    fork = place.copy(tmp_path / "fork")
    ctx = later()
    record(ctx, ANN, purpose="analytics", state="withdrawn")
    ctx.close()
    ctx = fork.open(days=2)
    record(ctx, BEN, purpose="analytics", state="withdrawn")
    from imp_consent.commands.backup import backup  # noqa: PLC0415 (only here)

    backup(ctx, fork.folder / "fork.bak")
    ctx.close()
    place.lose()
    ctx = place.open()
    with pytest.raises(LedgerBroken, match="not of this history"):
        restore(ctx, fork.folder / "fork.bak", execute=True)
    ctx.close()


def test_two_restores_one_after_the_other_balance(place: Any, later: Later) -> None:
    ctx = later()
    record(ctx, ANN, purpose="analytics", state="withdrawn")
    record(ctx, EVE, purpose="analytics", state="given", at_us=ctx.clock.now_us() - DAY_US)
    ctx.close()
    for _ in range(2):
        place.lose()
        restored(place)
    ctx = place.open()
    found = verify_workspace(ctx)
    assert found.ok, found.problems
    assert [reason(ctx, raw) for raw in (ANN, BEN)] == ["lost", "given"]
    ctx.close()


def test_a_backup_put_in_place_by_hand_is_found_by_the_audit(place: Any, later: Later) -> None:
    ctx = later()
    erase(ctx, [DAN], later=True)
    ctx.close()
    place.lose()
    shutil.copyfile(place.backup, place.workspace / "ledger.db")
    ctx = place.open()
    codes = {problem.code for problem in verify_workspace(ctx).problems}
    assert {"log.rolled-back", "erased.alive"} <= codes
    ctx.close()


def test_a_backup_of_an_older_imp_is_folded_anew(place: Any, later: Callable[[], Context]) -> None:
    ctx = later()
    record(ctx, RawId("member", "ann"), purpose="analytics", state="withdrawn", channel="web")
    ctx.close()
    ctx = place.open()
    sql = sqlite3.connect(place.workspace / "ledger.db")
    with open_log(ctx).write() as transaction:
        no = ("channel_opt_out",)
        assert transaction.sealed.update("consent_state", "reason = ?", no, {"reason": "withdrawn"}) == 1
    sql.execute("DROP INDEX ix_outbox_word")
    sql.execute("UPDATE alembic_version SET version_num = 'm003'")
    sql.commit()
    sql.close()
    ctx.close()
    shutil.copyfile(place.workspace / "ledger.db", place.folder / "older.db")
    place.lose()
    ctx = place.open()
    restore(ctx, place.folder / "older.db", execute=True)
    assert check(ctx, RawId("member", "ann"), purpose="analytics", channel="web").reason == "channel_opt_out"
    assert verify_workspace(ctx).problems == ()
    ctx.close()
