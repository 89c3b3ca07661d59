"""The archive's files: their columns, how they come to be, and how they are written anew."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imp_consent.ledger.layout import SEALED
from imp_consent.plane import archive
from imp_consent.plane.archive import ArchiveWriter, BatchFile, LiveFile, WrittenFile
from imp_core.clock import DAY_US
from imp_core.errors import ImpError, LedgerBroken, PluginBroken
from imp_core.event import EventType
from imp_core.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(root=tmp_path, config={})


@pytest.fixture
def written(workspace: Workspace) -> WrittenFile:
    """Four rows of subjects 5, 6, nobody and 5, on days 1, 2, 3 and 4, written in two goes."""
    with ArchiveWriter(workspace, 7) as writer:
        writer.append(_columns([5, 6], [1, 2]))
        writer.append(_columns([None, 5], [3, 4]))
        return writer.publish()


def _columns(subjects: list[int | None], days: list[int]) -> dict[str, list[object]]:
    return {
        "event_id": [f"{day:032x}" for day in days],
        "type": [EventType.OUTCOME for _ in days],
        "subject": list(subjects),
        "event_us": [day * DAY_US for day in days],
        "name": [f"name {day}" for day in days],
    }


def _registered(file: WrittenFile) -> LiveFile:
    row = BatchFile(
        batch=file.batch, path=file.path, sha256=file.sha256, source_sha256="", format=1, version=file.version,
        n=file.n, root=None, first_day=file.first_day, last_day=file.last_day, collect_seq=0, state="live",
    )  # fmt: skip
    return LiveFile(path=row.path, sha256=row.sha256, version=row.version, members=(row,))


def _rows(workspace: Workspace, path: str, *names: str) -> list[tuple[object, ...]]:
    table = pq.read_table(workspace.root / path, columns=list(names))
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))


def test_the_columns_are_those_of_the_event_archive_and_no_others():
    string, int32, int64 = "string", "int32", "int64"
    assert [(field.name, str(field.type)) for field in archive.SCHEMA] == [
        ("event_id", string), ("batch", int32), ("row", int32), ("type", string), ("subject", int64),
        ("event_us", int64), ("received_us", int64), ("intake_seq", int64), ("purpose", string), ("basis_seq", int64),
        ("channel", string), ("campaign", string), ("content", string), ("placement", string), ("partner", string),
        ("place", string), ("name", string), ("interaction", string), ("stage", string), ("session", string),
        ("experiment", string), ("phase", int32), ("variant", string), ("unit_kind", string), ("unit", string),
        ("stratum", string), ("cluster", string), ("ref", string), ("amount_micros", int64), ("currency", string),
        ("quantity", int64), ("trait_key", string), ("trait_value", string), ("provenance", string),
        ("props", string),
    ]  # fmt: skip


def test_a_row_of_the_registry_has_the_columns_of_its_table():
    assert SEALED["batch"] == BatchFile.__slots__


def test_a_published_file_is_private_has_a_name_of_its_own_and_numbers_through(
    workspace: Workspace, written: WrittenFile
):
    path = workspace.root / written.path
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert re.fullmatch(r"archive/b00000007-v0-[0-9a-f]{12}\.parquet", written.path)
    assert archive.checked_path(workspace, written) == path
    assert (written.n, written.first_day, written.last_day) == (4, 1, 4)
    assert _rows(workspace, written.path, "batch", "row") == [(7, 0), (7, 1), (7, 2), (7, 3)]
    assert pq.ParquetFile(path).num_row_groups == 2
    assert list(workspace.temporary.iterdir()) == []


def test_a_file_of_no_rows_covers_no_day(workspace: Workspace):
    with ArchiveWriter(workspace, 1) as writer:
        written = writer.publish()
    assert (written.n, written.first_day, written.last_day) == (0, 0, -1)
    assert pq.read_schema(workspace.root / written.path).equals(archive.SCHEMA)


def test_a_block_left_without_publishing_leaves_nothing(workspace: Workspace):
    with pytest.raises(RuntimeError), ArchiveWriter(workspace, 1) as writer:
        writer.append(_columns([5], [1]))
        raise RuntimeError
    assert list(workspace.temporary.iterdir()) == []
    assert not workspace.archive.exists()


def test_a_value_of_the_wrong_type_names_the_column_and_not_the_value(workspace: Workspace):
    columns = {**_columns([5], [1]), "amount_micros": ["ann@example.com"]}
    with pytest.raises(PluginBroken, match="amount_micros") as caught, ArchiveWriter(workspace, 1) as writer:
        writer.append(columns)
    assert "example" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_bytes_then_name_then_folder_become_durable_in_this_order(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    steps: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def traced_fsync(descriptor: int) -> None:
        steps.append("fsync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "fsync file")
        fsync(descriptor)

    def traced_rename(self: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(self, target)

    with ArchiveWriter(workspace, 1) as writer:
        writer.append(_columns([5], [1]))
        monkeypatch.setattr(os, "fsync", traced_fsync)
        monkeypatch.setattr(Path, "rename", traced_rename)
        writer.publish()
    assert steps == ["fsync file", "rename", "fsync folder"]


@pytest.mark.parametrize("broken", ["bytes", "rename", "folder"])
def test_a_disk_that_fails_leaves_neither_a_file_nor_a_foreign_error(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, broken: str
):
    fsync, calls = os.fsync, 0

    def failing_fsync(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if (broken, calls) in {("bytes", 1), ("folder", 2)}:
            raise OSError(5, "Input/output error")
        fsync(descriptor)

    def failing_rename(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", failing_fsync)
    if broken == "rename":
        monkeypatch.setattr(Path, "rename", failing_rename)
    with pytest.raises(ImpError, match="cannot be written"), ArchiveWriter(workspace, 1) as writer:
        writer.append(_columns([5], [1]))
        writer.publish()
    assert [path for path in workspace.root.rglob("*") if path.is_file()] == []


def test_rewriting_removes_a_subjects_rows_and_keeps_every_other_number(workspace: Workspace, written: WrittenFile):
    rewritten = archive.rewrite_without(workspace, _registered(written), {5, 99})
    assert rewritten is not None
    assert (rewritten.version, rewritten.n) == (1, 2)
    assert "-v1-" in rewritten.path
    assert _rows(workspace, rewritten.path, "batch", "row", "subject", "name") == [
        (7, 1, 6, "name 2"),
        (7, 2, None, "name 3"),
    ]
    assert (workspace.root / written.path).exists()


def test_a_file_that_holds_none_of_them_is_not_written_again(workspace: Workspace, written: WrittenFile):
    assert archive.rewrite_without(workspace, _registered(written), {99}) is None
    assert len(list(workspace.archive.iterdir())) == 1


def test_a_changed_file_is_not_rewritten_into_a_good_one(workspace: Workspace, written: WrittenFile):
    path = workspace.root / written.path
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(LedgerBroken, match="was changed"):
        archive.rewrite_without(workspace, _registered(written), {5})
    path.unlink()
    with pytest.raises(LedgerBroken, match="is missing"):
        archive.rewrite_without(workspace, _registered(written), {5})


def test_a_registered_file_of_other_columns_is_named(workspace: Workspace):
    workspace.archive.mkdir()
    path = workspace.archive / "b00000001-v0-000000000000.parquet"
    pq.write_table(pa.table({"subject": [1]}), path)
    file = WrittenFile(
        batch=1, version=0, path=f"archive/{path.name}", sha256=archive.sha256_of_file(path), n=1, first_day=0,
        last_day=0,
    )  # fmt: skip
    with pytest.raises(LedgerBroken, match="other columns"):
        archive.rewrite_without(workspace, _registered(file), {1})


def test_dropping_rows_before_registration_closes_the_gaps(workspace: Workspace, written: WrittenFile):
    again = archive.renumber_without(workspace, written, {0, 2}, batch=8)
    assert _rows(workspace, again.path, "batch", "row", "name") == [(8, 0, "name 2"), (8, 1, "name 4")]
    assert (again.batch, again.version, again.n, again.first_day) == (8, 0, 2, 2)


def test_a_scan_of_no_files_has_the_columns_and_no_row(workspace: Workspace):
    connection = archive.scan(workspace, [])
    assert connection.table("archive_row").columns == archive.SCHEMA.names
    assert connection.execute("SELECT count(*) FROM archive_row").fetchall() == [(0,)]
    connection.close()


def test_a_scan_spills_inside_the_workspace_and_fetches_nothing(workspace: Workspace, written: WrittenFile):
    connection = archive.scan(workspace, [str(workspace.root / written.path)])
    settings = dict(
        connection.execute(
            "SELECT name, value FROM duckdb_settings() WHERE name LIKE '%temp_directory' OR name LIKE 'auto%extensions'"
        ).fetchall()
    )
    connection.close()
    assert Path(settings["temp_directory"]).parent.parent == workspace.temporary
    assert workspace.temporary.stat().st_mode & 0o777 == 0o700
    assert settings["autoinstall_known_extensions"] == "false"
    assert settings["autoload_known_extensions"] == "false"


def test_a_scan_of_junk_is_our_error(workspace: Workspace):
    junk = workspace.root / "junk.parquet"
    junk.write_bytes(b"not parquet at all")
    with pytest.raises(LedgerBroken, match="cannot be read"):
        archive.scan(workspace, [str(junk)])
