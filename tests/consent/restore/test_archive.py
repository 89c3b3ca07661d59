"""The archive in a restore: what is there is used, older files too, and nothing is unlinked where a file is missed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_consent.commands.audit import verify_workspace
from imp_consent.commands.backup import backup
from imp_consent.commands.compact import compact_workspace
from imp_consent.commands.erase import erase
from imp_consent.commands.record import record
from imp_consent.commands.restore import restore
from imp_consent.plane.archive import BatchFile, Named
from imp_consent.plane.restore.versions import Chosen, choose
from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.errors import ImpError
from imp_core.event import RawId

ANN, BEN, CID, DAN = (RawId("member", name) for name in ("ann", "ben", "cid", "dan"))
Later = Callable[[], Context]


@pytest.fixture
def night(place: Any) -> Path:
    """Two batches, three visits of them Dan's; ledger and archive are backed up in the same night."""
    place.backup.unlink()
    ctx = place.open(days=2)
    place.visits(ctx, "second", ANN, DAN)
    backup(ctx, place.backup)
    ctx.close()
    return shutil.copytree(place.workspace / "archive", place.folder / "archive-backup")  # type: ignore[no-any-return]


def lose_disk(place: Any, night: Path) -> None:
    place.lose()
    shutil.rmtree(place.workspace / "archive")
    shutil.copytree(night, place.workspace / "archive")


def restored(place: Any) -> Any:
    ctx = place.open(days=3)
    try:
        return restore(ctx, place.backup, execute=True)
    finally:
        ctx.close()


def rows(place: Any) -> list[tuple[str, str]]:
    """Who is in the archive's live files, by name of the event."""
    import duckdb  # noqa: PLC0415 (only here)

    ctx = place.open(days=4)
    names = {ctx.gate.resolve(raw): raw.value for raw in (ANN, BEN, CID, DAN)}
    with open_log(ctx).read() as reader:
        paths = {row[0] for row in reader.sql.execute("SELECT path FROM batch WHERE state = 'live'")}
    files = [str(place.workspace / path) for path in sorted(paths)]
    with duckdb.connect() as connection:
        found = connection.execute("SELECT batch, subject FROM read_parquet(?)", [files]).fetchall()
    ctx.close()
    return sorted((str(batch), names.get(subject, "somebody")) for batch, subject in found)


def check(place: Any) -> None:
    ctx = place.open(days=4)
    found = verify_workspace(ctx)
    assert (found.problems, found.notes) == ((), ())
    ctx.close()


@pytest.mark.parametrize("since", ["compaction", "erasure", "both", "erasure of a compacted file", "nothing"])
def test_ledger_and_archive_of_one_night_come_back_whole_but_for_the_erased(
    place: Any, night: Path, since: str
) -> None:
    ctx = place.open(days=2)
    if since in ("compaction", "erasure of a compacted file"):
        compact_workspace(ctx)
    if since not in ("compaction", "nothing"):
        erase(ctx, [DAN], later=True)
    if since == "both":
        compact_workspace(ctx)
    ctx.close()
    lose_disk(place, night)
    done = restored(place)
    assert done.batches_lost == ()
    assert done.files_older == (0 if since == "nothing" else 2)
    expected = [("1", "ann"), ("1", "ben"), ("1", "cid"), ("2", "ann")]
    if since in ("compaction", "nothing"):
        expected += [("1", "dan"), ("2", "dan")]
    assert rows(place) == sorted(expected)
    check(place)
    ctx = place.open(days=5)
    compact_workspace(ctx)
    erase(ctx, [ANN])
    ctx.close()
    assert rows(place) == [row for row in sorted(expected) if row[1] != "ann"]
    check(place)


def test_batches_that_share_a_file_in_the_backup_go_on_sharing_it(place: Any, night: Path) -> None:
    shutil.rmtree(night)
    place.backup.unlink()
    ctx = place.open(days=2)
    compact_workspace(ctx)
    backup(ctx, place.backup)
    ctx.close()
    shutil.copytree(place.workspace / "archive", night)
    ctx = place.open(days=2)
    place.visits(ctx, "third", BEN)
    compact_workspace(ctx)
    erase(ctx, [DAN], later=True)
    ctx.close()
    lose_disk(place, night)
    done = restored(place)
    assert (done.files_older, done.batches_lost) == (2, (3,))
    assert rows(place) == [("1", "ann"), ("1", "ben"), ("1", "cid"), ("2", "ann")]
    check(place)


def test_two_restores_of_the_same_night_one_after_the_other(place: Any, night: Path) -> None:
    ctx = place.open(days=2)
    compact_workspace(ctx)
    ctx.close()
    for _ in range(2):
        lose_disk(place, night)
        assert restored(place).batches_lost == ()
        check(place)
    assert len(rows(place)) == 6


def test_no_file_is_unlinked_in_a_restore_that_misses_one(place: Any, night: Path) -> None:
    ctx = place.open(days=2)
    compact_workspace(ctx)
    ctx.close()
    place.lose()
    (merged,) = (place.workspace / "archive").iterdir()
    merged.write_bytes(merged.read_bytes()[:-1])
    done = restored(place)
    assert (done.batches_lost, done.files_found) == ((1, 2), 0)
    assert merged.exists()
    merged.unlink()
    check(place)


def test_no_file_is_unlinked_before_what_names_the_one_in_its_place_is_signed(place: Any, night: Path) -> None:
    ctx = place.open(days=2)
    record(ctx, ANN, purpose="analytics", state="given")  # a process that has signed, and goes on
    open_log(ctx).checkpoint()
    compact_workspace(ctx)
    killed = place.copy(place.folder.with_name("killed"))
    ctx.close()
    killed.lose()
    done = restored(killed)
    assert (done.batches_lost, done.files_found, done.documents_lost) == ((), 2, ())
    check(killed)


def test_of_two_files_without_rows_the_one_a_killed_restore_does_not_use_is_nobody_s_harm(
    place: Any, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = later()
    place.visits(ctx, "second", DAN)
    place.visits(ctx, "third", DAN, CID)
    for raw in (CID, DAN):
        erase(ctx, [raw])
    ctx.close()
    place.lose()
    with monkeypatch.context() as killed:
        killed.setattr("imp_consent.plane.archive.remove_orphans", lambda *_: 0)
        assert restored(place).batches_lost == ()
    ctx = place.open(days=4)
    found = verify_workspace(ctx)
    assert (found.problems, [note.code for note in found.notes]) == ((), ["archive.unfinished"])
    erase(ctx, [])
    ctx.close()
    check(place)


def test_a_file_that_cannot_be_read_stops_the_restore(
    place: Any, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    later().close()
    place.lose()

    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("imp_consent.plane.archive.sha256_of_file", refuse)
    with pytest.raises(ImpError, match="Permission denied") as refused:
        restored(place)
    assert (refused.value.where or "").endswith(".parquet")
    assert not (place.workspace / "ledger.db").exists()


def row(batch: int, sha: str, *, version: int = 0, n: int = 5, state: str = "live") -> BatchFile:
    return BatchFile(
        batch=batch,
        path=f"archive/{sha}-{batch}",
        sha256=sha,
        source_sha256="",
        format=1,
        version=version,
        n=n,
        root=None,
        first_day=0,
        last_day=0,
        collect_seq=1,
        state=state,
    )


def test_a_file_is_used_only_where_every_batch_that_has_rows_in_it_uses_it() -> None:
    versions = {1: [Named(0, "a", 5), Named(1, "c", 5)], 2: [Named(0, "b", 5), Named(1, "c", 5), Named(2, "d", 4)]}
    there = {"c": ["archive/c"], "d": ["archive/d"]}
    chosen = choose(versions, {}, there)
    assert chosen == {1: Chosen(Named(1, "c", 5), None), 2: Chosen(Named(2, "d", 4), "archive/d")}


def test_an_older_file_gets_a_version_past_all_that_were_named() -> None:
    versions = {1: [Named(0, "a", 5), Named(1, "c", 5), Named(2, "d", 4)]}
    chosen = choose(versions, {1: row(1, "a")}, {"a": ["archive/a"]})
    assert chosen == {1: Chosen(Named(3, "a", 5), "archive/a", older=True)}
    assert choose(versions, {}, {"c": ["archive/c"]})[1].said == Named(3, "c", 5)


def test_what_an_erasure_under_way_wrote_is_newer_than_what_entries_name() -> None:
    versions = {1: [Named(0, "a", 5)]}
    rows = {1: row(1, "e", version=1, n=4)}
    there = {"a": ["archive/a"], "e": ["archive/e-1"]}
    assert choose(versions, rows, there) == {1: Chosen(Named(1, "e", 4), "archive/e-1")}
    assert choose(versions, rows, {"a": ["archive/a"]}) == {1: Chosen(Named(2, "a", 5), "archive/a", older=True)}


def test_files_without_rows_are_all_the_same_and_nobody_is_in_the_others_way() -> None:
    versions = {1: [Named(0, "a", 2), Named(1, "empty", 0)], 2: [Named(0, "empty", 0)], 3: [Named(0, "empty", 0)]}
    rows = {2: row(2, "empty", n=0), 3: row(3, "empty", n=0)}
    there = {"empty": ["archive/empty-2", "archive/empty-3"]}
    chosen = choose(versions, rows, there)
    assert {batch: one.path for batch, one in chosen.items()} == {
        1: "archive/empty-2",
        2: "archive/empty-2",
        3: "archive/empty-3",
    }
    assert chosen[1].said.version == chosen[2].said.version


def test_what_an_earlier_restore_lost_stays_lost_unless_an_entry_names_it_since() -> None:
    rows = {1: row(1, "a", state="dead")}
    assert choose({1: [Named(0, "a", 5)]}, rows, {"a": ["archive/a"]}) == {}
    assert choose({1: [Named(0, "a", 5), Named(1, "c", 5)]}, rows, {"c": ["archive/c"]}) == {
        1: Chosen(Named(1, "c", 5), "archive/c")
    }
