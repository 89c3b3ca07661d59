"""What a killed process leaves goes at once, an erasure's people with it; what somebody is at work on stays."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imp_consent.plane import archive
from imp_consent.plane.archive import ArchiveWriter
from imp_consent.plane.intake import ingest as protocol
from imp_consent.plane.remove import request_erasure, resume
from imp_core.errors import ImpError
from imp_core.event import EventType

# Another process's work, up to a point; then it waits to be killed.
WORK = {
    "a file in the making": "writer.append(columns)",
    "a file not yet registered": "writer.append(columns); file = writer.publish(); writer.__exit__()",
    "a reader's spill": """
        connection = archive.scan(workspace, [])
        connection.execute("SET memory_limit = '20MB'; SET threads = 1")
        connection.execute("CREATE TABLE t AS SELECT range r, hash(range)::VARCHAR s FROM range(1000000)")
        assert list(workspace.temporary.glob("duckdb-*/spill/*"))
    """,
}


def _at_work(root: Path, work: str) -> subprocess.Popen[str]:
    script = f"""
import sys, time
from pathlib import Path
from imp_consent.plane import archive
from imp_core.workspace import Workspace

workspace = Workspace(root=Path(sys.argv[1]), config={{}})
columns = {{"event_id": ["0" * 32], "type": ["outcome"], "subject": [5], "event_us": [0]}}
writer = archive.ArchiveWriter(workspace, 2)
if "scan" not in {work!r}:
    writer.__enter__()
{textwrap.dedent(work).strip()}
print("ready", flush=True)
time.sleep(600)
"""
    return subprocess.Popen([sys.executable, "-c", script, root], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def at_work(shop) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start another process's work; it is killed at the end at the latest."""
    started: list[subprocess.Popen[str]] = []

    def start(work: str) -> subprocess.Popen[str]:
        process = _at_work(shop.root, work)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


@pytest.mark.parametrize("work", WORK)
def test_what_a_process_works_on_stays_while_it_lives_and_goes_at_once_when_it_is_killed(shop, at_work, work: str):
    shop.give("1", "2")
    shop.take(shop.event("1", "m1"), shop.event("2", "m2"))
    before = shop.files()
    process = at_work(WORK[work])
    left = set(shop.files()) - set(before)
    assert len(left) == 1
    assert archive.remove_orphans(shop.workspace, shop.log) == 0
    assert left < set(shop.files())
    _kill(process)
    request_erasure(shop.log, [shop.subject("1")], {"recorded_us": shop.now})
    resume(shop.log, shop.workspace)
    assert [Path(path).parent.name for path in shop.files()] == ["archive"]
    assert [file.n for file in shop.batches()] == [1]


def test_a_file_of_an_intake_that_failed_and_could_not_tidy_up_goes_with_the_next(shop):
    shop.give("1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "discard", lambda *_: None)
        patch.setattr(protocol, "dropped_rows", _fail)
        with pytest.raises(ImpError):
            shop.take(shop.event("1", "m1"))
    assert len(shop.files()) == 1
    shop.take(shop.event("1", "m2"))
    assert len(shop.files()) == len(shop.batches()) == 1


def _fail(*_: object, **__: object) -> None:
    raise ImpError("broken")


def test_everything_in_the_temporary_folder_that_nobody_holds_goes(shop):
    folder = shop.workspace.temporary / "duckdb-12345678"
    (folder / "spill").mkdir(parents=True)
    (folder / "spill" / "rows.tmp").write_bytes(b"people")
    (shop.workspace.temporary / "archive-abc.parquet").write_bytes(b"half")
    (shop.workspace.temporary / ".notes").write_bytes(b"notes")
    elsewhere = shop.root / "imp.toml"
    elsewhere.write_bytes(b"")
    (shop.workspace.temporary / "link").symlink_to(elsewhere)
    assert archive.remove_orphans(shop.workspace, shop.log) == 4
    assert list(shop.workspace.temporary.iterdir()) == []
    assert elsewhere.exists()


def test_what_cannot_be_removed_is_told(shop, monkeypatch):
    shop.workspace.temporary.mkdir()
    (shop.workspace.temporary / "rows").write_bytes(b"")

    def failing(self: Path, **_: object) -> None:
        raise PermissionError(1, "Operation not permitted", str(self))

    monkeypatch.setattr(Path, "unlink", failing)
    with pytest.raises(ImpError, match="cannot be removed") as caught:
        archive.remove_orphans(shop.workspace, shop.log)
    assert (caught.value.where or "").endswith("tmp/rows")


def test_a_file_registered_while_it_is_looked_at_stays(shop, monkeypatch):
    shop.give("1")
    with ArchiveWriter(shop.workspace, 1) as writer:
        writer.append({"event_id": ["0" * 32], "type": [EventType.OUTCOME], "subject": [5], "event_us": [0]})
        file = writer.publish()
    look = archive.rewrite.take

    def registered_meanwhile(path: Path, **patience: float) -> object:
        with shop.log.write() as transaction:
            archive.insert_batch(transaction, file, source_sha256="", collect_seq=0)
        file.release()
        return look(path, **patience)

    monkeypatch.setattr(archive.rewrite, "take", registered_meanwhile)
    assert archive.remove_orphans(shop.workspace, shop.log) == 0
    assert (shop.root / file.path).exists()


def test_a_lost_erasures_file_goes_even_while_its_process_lives(shop):
    shop.give("1", "2")
    shop.take(shop.event("1", "m1"), shop.event("2", "m2"))
    lost = archive.rewrite_without(shop.workspace, shop.live()[0], {shop.subject("2")})
    request_erasure(shop.log, [shop.subject("1")], {"recorded_us": shop.now})
    resume(shop.log, shop.workspace)
    assert lost is not None
    assert len(shop.files()) == 1
    assert not (shop.root / lost.path).exists()


def test_an_erasure_waits_for_whoever_only_looks_whether_a_file_is_held(shop):
    shop.give("1", "2")
    shop.take(shop.event("1", "m1"), shop.event("2", "m2"))
    (name,) = shop.files()
    old = shop.root / name
    kept = old.read_bytes()
    request_erasure(shop.log, [shop.subject("1")], {"recorded_us": shop.now})
    resume(shop.log, shop.workspace)
    old.write_bytes(kept)  # what a compaction or erasure that was killed had yet to unlink
    looking = archive.rewrite.take(old)
    letting_go = threading.Timer(0.3, looking.release)
    letting_go.start()
    request_erasure(shop.log, [shop.subject("2")], {"recorded_us": shop.now})
    resume(shop.log, shop.workspace)
    letting_go.join()
    assert not old.exists()


def test_an_erasure_does_not_end_while_a_file_that_must_go_is_held(shop, monkeypatch):
    monkeypatch.setattr(archive.rewrite, "_LONG_S", 0.1)
    shop.give("1", "2")
    shop.take(shop.event("1", "m1"), shop.event("2", "m2"))
    (name,) = shop.files()
    old = shop.root / name
    kept = old.read_bytes()
    request_erasure(shop.log, [shop.subject("1")], {"recorded_us": shop.now})
    resume(shop.log, shop.workspace)
    old.write_bytes(kept)
    holding = archive.rewrite.take(old)
    request_erasure(shop.log, [shop.subject("2")], {"recorded_us": shop.now})
    with pytest.raises(ImpError, match="held by another process"):
        resume(shop.log, shop.workspace)
    holding.release()
    assert resume(shop.log, shop.workspace).people == 1
    assert not old.exists()


def test_a_scan_leaves_nothing_once_nobody_uses_it(shop):
    connection = archive.scan(shop.workspace, [])
    assert len(list(shop.workspace.temporary.iterdir())) == 1
    connection.close()
    del connection
    assert list(shop.workspace.temporary.iterdir()) == []
