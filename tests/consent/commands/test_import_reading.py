"""How `imp consent import` reads: nobody waits for its file, rows are named by their lines, and yeses warned of."""

from __future__ import annotations

import csv
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imp_consent.commands import import_records, importer
from imp_consent.commands.aside import Aside, Fault, ReadRow
from imp_consent.policy.saying import Saying
from imp_core.context import Context
from imp_core.event import RawId

Cli = Any
Entries = Callable[[str], list[Any]]

AT = "2026-01-01T10:00:00Z"
HEADER = "identifier,purpose,state,at\n"


def slowly(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, meanwhile: Callable[[], None]) -> None:
    """Let reading a file take long: something else happens after its first row."""
    real = getattr(module, name)

    def read(*given: Any) -> Iterator[Any]:
        for place, row in enumerate(real(*given)):
            yield row
            if place == 0:
                meanwhile()

    monkeypatch.setattr(module, name, read)


@pytest.mark.parametrize("kind", ["rows", "records", "27560"])
def test_r08_a_withdrawal_gets_through_while_a_slow_file_is_read(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    config = shop.workspace.root / "imp.toml"
    facts = '[policy]\njurisdiction = "IE"\n[records]\naddress = "Dublin"\ncontact = "p@shop.example"\n'
    config.write_text(config.read_text() + facts + 'storage = ["IE"]\nretention = "P3Y"\n')
    for who in ("member:1", "member:2"):
        imp_here("consent", "record", who, "--purpose", "analytics", "--state", "given", "--at", AT).ok()
    path = tmp_path / ("out.jsonld" if kind == "27560" else "out.csv")
    if kind == "rows":
        path.write_text(HEADER + "".join(f"member:{n},analytics,refused,{AT}\n" for n in (8, 9)))
    else:
        imp_here("consent", "export", path, "--format", "27560" if kind == "27560" else "csv").ok()
    said: list[Any] = []

    def withdraw() -> None:
        # a connection of its own, which waits for a locked ledger no longer than this
        monkeypatch.setattr("imp_consent.ledger.store._BUSY_MS", 300)
        said.append(imp_here("consent", "record", "member:1", "--purpose", "analytics", "--state", "withdrawn"))

    slowly(monkeypatch, *((importer, "read_placed") if kind == "rows" else (import_records, "read_records")), withdraw)
    words = () if kind == "rows" else ("--format", "records" if kind == "records" else "27560")
    done = imp_here("consent", "import", path, *words, "--json").ok().json
    assert [answer.code for answer in said] == [0]
    assert done["rows"] == 2
    assert [entry.statement.type for entry in entries("member:1")] == ["grant", "withdraw"]
    assert imp_here("audit", "verify").ok()


def test_another_process_withdraws_while_one_reads_from_a_disk_that_hangs(
    imp: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: Context
) -> None:
    """The import waits inside its file, in a thread; the withdrawal is a process of its own."""
    imp("init", tmp_path / "workspace", "--controller", "Shop Ltd").ok()
    imp("consent", "record", "member:1", "--purpose", "analytics", "--state", "given").ok()
    path = tmp_path / "c.csv"
    path.write_text(HEADER + f"member:7,analytics,refused,{AT}\nmember:8,analytics,refused,{AT}\n")
    reading, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        reading.set()
        assert go_on.wait(60)

    slowly(monkeypatch, importer, "read_placed", hang)
    done: list[Any] = []

    def run() -> None:
        done.append(importer.import_file(context, path))
        context.close()

    worker = threading.Thread(target=run)
    worker.start()
    try:
        assert reading.wait(60)
        begun = time.monotonic()
        imp("consent", "record", "member:1", "--purpose", "analytics", "--state", "withdrawn").ok()
        assert time.monotonic() - begun < 25  # a locked ledger is waited for half a minute, and then given up
        assert imp("consent", "check", "member:1", "--purpose", "analytics", "--json").json["reason"] == "withdrawn"
        assert not done
    finally:
        go_on.set()
        worker.join(60)
    assert done[0].rows == 2


def test_what_another_process_imported_of_the_same_file_meanwhile_is_not_recorded_twice(
    shop: Context, imp_here: Cli, tmp_path: Path, entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.csv"
    path.write_text(HEADER + f"member:7,analytics,refused,{AT}\nmember:8,ads,refused,{AT}\n")
    rejects = tmp_path / "rejects.csv"
    with monkeypatch.context() as patched:
        slowly(patched, importer, "read_placed", lambda: None)
        first = importer.read_placed

        def read(*given: Any) -> Iterator[Any]:
            rows = list(first(*given))
            monkeypatch.setattr(importer, "read_placed", lambda *_: iter(rows))
            imp_here("consent", "import", path, "--rejects", rejects).ok()
            yield from rows

        monkeypatch.setattr(importer, "read_placed", read)
        done = imp_here("consent", "import", path, "--rejects", rejects, "--json").ok().json
    assert (done["rows"], done["skipped"], done["rejected"]) == (0, 1, 1)
    assert len(entries("member:7")) == 1


def test_rejects_and_errors_name_the_line_an_editor_shows(shop: Context, imp_here: Cli, tmp_path: Path) -> None:
    path, rejects = tmp_path / "c.csv", tmp_path / "rejects.csv"
    content = (
        "identifier,purpose,state,at,evidence\r\n\r\n"
        f'member:1,analytics,given,{AT},"two\r\nlines"\r\n'
        f"member:2,nothing,refused,{AT},\r\n\r\n\r\nmember:3,analytics,perhaps,{AT},\r\nmember:4,analytics\r\n"
        f"member:5,analytics,refused,{AT},\r\n"
    )
    path.write_bytes(content.encode())
    assert imp_here("consent", "import", path, "--rejects", rejects).ok()
    listed = list(csv.reader(rejects.read_text().splitlines()))
    assert listed[0] == ["line", "field", "problem"]
    lines = content.split("\r\n")
    begins = ["member:1", "member:2", "member:3", "member:4"]
    assert [lines[int(row[0]) - 1].split(",")[0] for row in listed[1:]] == begins
    assert "line 5, purpose: unknown purpose" in imp_here("consent", "import", path).err


def test_of_parquet_the_row_is_named_and_of_json_the_line(shop: Context, imp_here: Cli, tmp_path: Path) -> None:
    rows = [{"identifier": "member:1", "purpose": name, "state": "refused", "at": AT} for name in ("analytics", "ads")]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "c.parquet")
    (tmp_path / "c.jsonl").write_text("\n\n" + "\n".join(map(json.dumps, rows)) + "\n")
    for name, place in (("c.parquet", "row 2"), ("c.jsonl", "line 4")):
        assert f"{place}, purpose: unknown purpose" in imp_here("consent", "import", tmp_path / name).err
        assert imp_here("consent", "import", tmp_path / name, "--rejects", tmp_path / "r.csv").ok()
        head, (where, *_) = list(csv.reader((tmp_path / "r.csv").read_text().splitlines()))
        assert f"{head[0]} {where}" == place


def test_yeses_are_warned_of_once_a_kind_with_their_first_lines(shop: Context, imp_here: Cli, tmp_path: Path) -> None:
    words = ("--recipient", "Acme Ads", "--contact", "dpo@acme.example", "--method", "profiles")
    imp_here("consent", "purpose", "change", "analytics", *words).ok()
    path = tmp_path / "c.csv"
    early, later = "2025-01-01T10:00:00Z", "2026-03-01T12:00:00Z"
    path.write_text(
        "identifier,purpose,state,at,action\n"
        + "".join(f"member:{n},analytics,given,{later},click\n" for n in range(7))
        + f"member:8,analytics,refused,{later},\nmember:9,essential,given,{early},frobnicated\n"
    )
    for dry in (("--dry-run",), ()):
        answer = imp_here("consent", "import", path, *dry, "--json").ok()
        older, act, unknown, unnamed = answer.json["warnings"]
        assert unknown.startswith("1 refusal is of somebody unknown until now (line 9): ")
        assert older.startswith("1 row given is older than every notice registered here (line 10): ")
        assert act.startswith("1 row given names the act in a word that is not known (line 10): ")
        assert unnamed.startswith(
            "7 rows given rest on a notice that leaves out a recipient (lines 2, 3, 4, 5, 6 and 2 more): the purpose "
            "analytics declares a recipient whom the notice default does not name"
        )
        assert answer.err == "".join(f"warning: {text}\n" for text in answer.json["warnings"])
    again = imp_here("consent", "import", path, "--json").ok()
    assert (again.json["warnings"], again.json["unnamed_recipients"], again.err) == ([], 0, "")


def test_what_was_read_comes_back_as_it_was_and_names_nobody_when_it_is_shown() -> None:
    said = Saying(
        type="grant", purpose="analytics", at_us=7, traits=(), regimes=("gdpr", "eprivacy"), notice="名",
        grounds={"sale": "order 7"}, bundled=True, steps=2, more={"role": "parent", "told_us": 3},
    )  # fmt: skip
    plain = Saying(type="refuse", purpose="*", at_us=1)
    row = ReadRow(1, 2, "1.3", RawId("member", "secret-7c1f\ud800"), said)
    fault = Fault(number=2, place=3, mark=2, field="at", problem="no time")
    items = [row, fault, ReadRow(3, 4, 3, RawId("member", "2"), plain), *[fault] * 5_000]
    aside = Aside()
    aside.put(items)
    assert "secret" not in repr(aside)
    assert list(aside) == items
    assert list(aside) == []
    aside.put(items, most_faults=1)
    assert list(aside) == items[:2]
