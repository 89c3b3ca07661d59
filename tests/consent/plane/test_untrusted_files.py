"""A file of the archive is untrusted: whatever its bytes are, it is read as registered or refused by our error."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imp_consent.plane import archive
from imp_consent.plane.archive import read
from imp_consent.plane.view import ConsentView
from imp_core.errors import LedgerBroken
from imp_core.gate import Action, Use
from imp_core.workspace import Workspace

SUBJECTS = [5, 6, None, 5]


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, archive.LiveFile, bytes]:
    """A file of one batch as it was registered, and its bytes."""
    workspace = Workspace(root=tmp_path_factory.mktemp("archive"), config={})
    with archive.ArchiveWriter(workspace, 7) as writer:
        for at in range(2):
            writer.append(
                {
                    "event_id": [f"{at}{row:031x}" for row in range(4)],
                    "type": ["outcome"] * 4,
                    "subject": SUBJECTS,
                    "event_us": [10**15] * 4,
                    "name": ["点击", "buy", "", "x" * 300],
                }
            )
        file = writer.publish()
    row = archive.BatchFile(
        batch=7, path=file.path, sha256=file.sha256, source_sha256="", format=1, version=0, n=8, root=None,
        first_day=file.first_day, last_day=file.last_day, collect_seq=0, state="live",
    )  # fmt: skip
    live = archive.LiveFile(path=file.path, sha256=file.sha256, version=0, members=(row,))
    return workspace, live, (workspace.root / file.path).read_bytes()


def _put(workspace: Workspace, live: archive.LiveFile, data: bytes) -> archive.LiveFile:
    """Other bytes in the file's place, registered as if they were its own."""
    (workspace.root / live.path).write_bytes(data)
    return replace(live, sha256=archive.sha256_of(data))


def _refused(workspace: Workspace, live: archive.LiveFile) -> str | None:
    """Where and why a file is refused; None where all its rows are read."""
    try:
        archive.checked_live(workspace, live)
        for rows in archive.read_live(workspace, live):
            assert rows.schema == archive.SCHEMA
        archive.rewrite_without(workspace, live, {6})
    except LedgerBroken as error:
        return f"{error.where}: {error.what}"
    return None


def _table(**columns: object) -> pa.Table:
    plain = {"event_id": ["0" * 32] * 8, "batch": [7] * 8, "row": list(range(8)), "event_us": [0] * 8, **columns}
    return pa.table({name: plain.get(name, [None] * 8) for name in archive.SCHEMA.names}, archive.SCHEMA)


def _write(path: Path, table: pa.Table) -> bytes:
    pq.write_table(table, path)
    return path.read_bytes()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_are_read_whole_or_refused_by_name(sound, data):
    workspace, live, good = sound
    kind = data.draw(st.sampled_from(["cut", "flip", "splice", "noise", "footer"]))
    at = data.draw(st.integers(0, len(good) - 1))
    if kind == "cut":
        harmed = good[:at]
    elif kind == "flip":
        harmed = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    elif kind == "splice":
        harmed = good[:at] + data.draw(st.binary(max_size=40)) + good[at:]
    elif kind == "footer":  # its length stands before the last four bytes
        harmed = good[:-8] + data.draw(st.binary(min_size=4, max_size=4)) + b"PAR1"
    else:
        harmed = data.draw(st.binary(max_size=200))
    refused = _refused(workspace, _put(workspace, live, harmed))
    assert refused is None or refused.startswith(Path(live.path).name)
    assert _refused(workspace, _put(workspace, live, good)) is None


HARMED: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "nothing at all": (lambda _: b"", "cannot be read"),
    "no Parquet": (lambda _: b"PAR1" + b"\0" * 64 + b"PAR1", "cannot be read"),
    "another schema": (lambda path: _write(path, pa.table({"a": [1]})), "other columns"),
    "a column more": (lambda path: _write(path, _table().append_column("x", [[1] * 8])), "other columns"),
    "too few rows": (lambda path: _write(path, _table().slice(0, 7)), "says it holds 7 rows, 8 were registered"),
    "no rows": (lambda path: _write(path, _table().slice(0, 0)), "says it holds 0 rows"),
    "rows of another batch": (lambda path: _write(path, _table(batch=[7] * 7 + [8])), "rows of other batches"),
    "rows without a time": (lambda path: _write(path, _table(event_us=[None] * 8)), "rows without a time"),
    "rows of no batch": (lambda path: _write(path, _table(batch=[7] * 7 + [None])), "rows of other batches"),
}


@pytest.mark.parametrize("harm", HARMED)
def test_what_is_not_what_was_registered_is_said(sound, tmp_path, harm):
    workspace, live, good = sound
    made, fact = HARMED[harm]
    assert fact in str(_refused(workspace, _put(workspace, live, made(tmp_path / "x.parquet"))))
    _put(workspace, live, good)


def test_a_row_group_larger_than_any_of_ours_is_not_unpacked(sound, monkeypatch):
    workspace, live, _ = sound
    monkeypatch.setattr(read, "_GROUP_BYTES", 100)
    assert "row group of more than" in str(_refused(workspace, live))


def test_changed_bytes_are_refused_before_they_are_read(sound, monkeypatch):
    workspace, live, good = sound
    (workspace.root / live.path).write_bytes(good[:-1])
    monkeypatch.setattr(pq, "ParquetFile", None)
    with pytest.raises(LedgerBroken, match="was changed"):
        archive.checked_live(workspace, live)
    (workspace.root / live.path).write_bytes(good)


def _put_in_its_place(path: Path, data: bytes) -> None:
    other = path.with_name("other")
    other.write_bytes(data)
    other.replace(path)


def _written_over(path: Path, data: bytes) -> None:
    before = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _unlinked(path: Path, data: bytes) -> None:
    path.unlink()


READERS: dict[str, Callable[[Workspace, archive.LiveFile], list[str]]] = {
    "read_live": lambda workspace, live: [
        name for rows in archive.read_live(workspace, live) for name in rows.column("name").to_pylist()
    ],
    "read_checked": lambda workspace, live: [
        name for rows in archive.read_checked(workspace, live, ["name"]) for name in rows.column("name").to_pylist()
    ],
    "rewrite_without": lambda workspace, live: _names(workspace, archive.rewrite_without(workspace, live, {6})),
    "renumber_without": lambda workspace, live: _names(
        workspace, archive.renumber_without(workspace, _as_written(live), {1, 5}, batch=9)
    ),
}


def _as_written(live: archive.LiveFile) -> archive.WrittenFile:
    return archive.WrittenFile(
        batch=live.batch, version=0, path=live.path, sha256=live.sha256, n=live.n, first_day=0, last_day=0
    )


def _names(workspace: Workspace, written: archive.WrittenFile | None) -> list[str]:
    assert written is not None
    found = list(pq.read_table(workspace.root / written.path).column("name").to_pylist())
    (workspace.root / written.path).unlink()
    return found


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("swap", [_put_in_its_place, _written_over, _unlinked])
def test_what_comes_in_a_files_place_after_it_was_checked_is_read_by_nobody(sound, monkeypatch, tmp_path, reader, swap):
    workspace, live, good = sound
    path = _put(workspace, live, good) and workspace.root / live.path
    kept = ["点击", "buy", "", "x" * 300] if reader.startswith("read_") else ["点击", "", "x" * 300]
    forged = _write(tmp_path / "forged", _table(subject=SUBJECTS * 2, name=["forged"] * 8))
    real, times, there = pq.ParquetFile, iter(range(1, 9)), set(path.parent.iterdir())
    at = 2 if reader == "rewrite_without" else 1  # it looks first whether it has to write

    def opening(source, *given, **more):
        if next(times) == at:
            swap(path, forged)
        return real(source, *given, **more)

    monkeypatch.setattr(pq, "ParquetFile", opening)
    try:
        if swap is _written_over:
            with pytest.raises(LedgerBroken) as refused:
                READERS[reader](workspace, live)
            assert refused.value.where in (live.path, path.name)
            assert set(path.parent.iterdir()) == there, "nothing was published"
        else:
            assert READERS[reader](workspace, live) == kept * 2
    finally:
        _put(workspace, live, good)


def test_a_use_of_a_file_that_breaks_off_inside_is_refused_without_its_rows(shop):
    shop.give("1")
    shop.take(*(shop.event("1", f"m{at}", name=f"secret{at}") for at in range(50)))
    path = shop.workspace.root / shop.batches()[0].path
    good = path.read_bytes()
    use, told = Use(purpose="analytics", action=Action.ANALYSE), []
    for at in range(4, len(good) - 8, max(1, len(good) // 40)):
        path.write_bytes(good[:at] + bytes(8) + good[at + 8 :])
        with shop.log.write() as transaction:
            transaction.sealed.update("batch", "1", (), {"sha256": archive.sha256_of_file(path)})
        view = ConsentView(shop.log, shop.workspace)
        try:
            view.open(use).abandon()
        except LedgerBroken as error:
            told.append(f"{error} {error.__cause__}")
    assert told
    assert not [words for words in told if "secret" in words or not words.endswith("None")]
