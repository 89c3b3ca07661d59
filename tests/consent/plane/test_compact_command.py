"""`imp ingest --inbox` and `imp compact` as their user sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

HEADER = "type,identifier,at,purpose,id,experiment,variant\n"
ROW = "exposure,member:{who},2026-02-01T00:00:00Z,experimentation,{id},exp,x\n"


@pytest.fixture
def line(imp_here):
    """The command line in a workspace that knows one member and has the file channel enabled."""
    imp_here("init", str(imp_here.workspace), "--controller", "Shop").ok()
    imp_here("plugin", "enable", "file").ok()
    consent = ("consent", "record", "member:1", "--purpose", "experimentation", "--state", "given")
    imp_here(*consent, "--at", "2026-01-01T00:00:00Z").ok()
    return imp_here


@pytest.fixture
def events(tmp_path: Path):
    def write(*rows: tuple[str, str]) -> str:
        path = tmp_path / "events.csv"
        path.write_text(HEADER + "".join(ROW.format(who=who, id=id_) for who, id_ in rows))
        return str(path)

    return write


def test_a_file_is_acknowledged_into_the_inbox_and_compacted_from_there(line, events):
    path = events(("1", "a"), ("2", "b"))
    dry = line("ingest", "file", path, "--inbox", "--dry-run").ok()
    assert dry.out.endswith("dry run: nothing was taken\n")
    answer = line("ingest", "file", path, "--inbox").ok()
    assert answer.out.endswith("in the inbox: imp compact puts it into the archive\n")
    assert "imp compact" not in line("ingest", "file", path, "--inbox").ok().out
    again = line("ingest", "file", path, "--inbox", "--json").ok().json
    assert again == {
        "channel": "file", "dry_run": False, "received": 2, "accepted": 0, "duplicates": 1,
        "denied": {"no_record": 1}, "rejected": 0, "enrolled": {"no_record": 1}, "signals": 0, "signals_before": 0,
        "signals_unknown": 0, "mentions": [], "others": [], "props_dropped": 0,
    }  # fmt: skip
    planned = line("compact", "--dry-run").ok()
    assert planned.out.splitlines() == [
        "from the inbox, file  1 event", "files                 0 → 1", "dry run: nothing was changed",
    ]  # fmt: skip
    done = line("compact").ok()
    assert done.out.splitlines() == ["from the inbox, file  1 event; batch 1", "files                 0 → 1"]
    assert line("ingest", "file", path, "--json").ok().json["duplicates"] == 1
    assert line("audit", "verify").ok()


def test_small_files_are_put_together_and_named_by_their_batches(line, events):
    for at in range(3):
        line("ingest", "file", events(("1", str(at)))).ok()
    found = line("compact", "--dry-run", "--json").ok().json
    assert (found["dry_run"], found["files_before"], found["files"]) == (True, 3, 1)
    assert found["merged"] == [{"batches": [1, 2, 3], "files": 3, "rows": 3, "seq": None}]
    assert found["left"] == {"read": 0, "erasing": 0}
    done = line("compact").ok()
    assert done.out.splitlines() == ["batches 1–3  3 files made one of 3 rows", "files        3 → 1"]
    assert len(list((line.workspace / "archive").iterdir())) == 1
    assert line("audit", "verify").ok()
    assert line("compact").ok().out == "files  1 → 1\n"


def test_a_wrong_number_and_no_workspace_are_said(line, imp_here, tmp_path):
    assert line("compact", "--below", "0").code == 2
    assert "1 at least" in line("compact", "--below", "0").err
