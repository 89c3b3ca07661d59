"""`imp consent import`: every format, all rows or none, and the same file twice."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imp_consent.commands.check import check
from imp_consent.commands.importer import import_file
from imp_consent.ledger.entry import PersonEntry
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

Cli = Any
Size = Callable[[], int]
Entries = Callable[[str], list[PersonEntry]]
System = Callable[[str], list[dict[str, Any]]]

ROWS: list[dict[str, str]] = [
    {"identifier": "member:1", "purpose": "analytics", "state": "given", "at": "2026-01-01T10:00:00Z"},
    {"identifier": "member:2", "purpose": "analytics", "state": "refused", "at": "2026-01-01T10:00:00+08:00"},
    {
        "identifier": "email:Ann@Example.com",
        "purpose": "marketing.email",
        "state": "given",
        "at": "2026-01-02T10:00:00Z",
    },
    {"identifier": "member:1", "purpose": "analytics", "state": "withdrawn", "at": "2026-02-01T10:00:00Z"},
]
HEADER = "identifier,purpose,state,at\n"
SECRET = "secret-7c1f"  # noqa: S105 (what must never be shown)


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(columns), *(",".join(str(row.get(name, "")) for name in columns) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def as_json(rows: list[dict[str, Any]]) -> bytes:
    return b"\n".join(json.dumps(row).encode() for row in rows) + b"\n\n"


def as_parquet(rows: list[dict[str, Any]], path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes | str], Path]:
    def written(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


Write = Callable[[str, bytes | str], Path]


def answers(ctx: Context) -> list[tuple[str, str, bool]]:
    asked = [("member:1", "analytics"), ("member:2", "analytics"), ("email:ann@example.com", "marketing.email")]
    decided = [(word, check(ctx, RawId.parse(word), purpose=purpose)) for word, purpose in asked]
    return [(word, found.reason, found.permitted) for word, found in decided]


@pytest.mark.parametrize("name", ["c.csv", "c.csv.gz", "c.tsv", "c.jsonl", "c.ndjson.gz", "c.parquet"])
def test_every_format_says_the_same(shop: Context, write: Write, tmp_path: Path, name: str) -> None:
    if name == "c.parquet":
        as_parquet(ROWS, tmp_path / name)
        path = tmp_path / name
    else:
        content = as_json(ROWS) if "json" in name else as_csv(ROWS)
        content = content.replace(b",", b"\t") if "tsv" in name else content
        path = write(name, gzip.compress(content) if name.endswith(".gz") else content)
    done = import_file(shop, path)
    assert (done.rows, done.given, done.refused, done.withdrawn, done.people) == (4, 2, 1, 1, 3)
    assert (done.first_seq, done.last_seq, done.rejected, done.skipped) == (2, 5, 0, 0)
    assert answers(shop) == [
        ("member:1", "withdrawn", False),
        ("member:2", "refused", False),
        ("email:ann@example.com", "given", True),
    ]


def test_the_command_prints_counts_and_the_ledger_notes_hashes_and_counts_only(
    shop: Context, imp_here: Cli, write: Write, system: System
) -> None:
    path = write("c.csv", as_csv(ROWS))
    said = imp_here("consent", "import", str(path)).ok().out
    assert said == "entries 2 to 5: 4 rows about 3 people (2 given, 1 refused, 1 withdrawn)\n"
    (entry,) = system("import")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(entry.pop("mapping")) == 64
    assert entry == {
        "file": sha256,
        "rows": 4,
        "given": 2,
        "refused": 1,
        "withdrawn": 1,
        "basis": 0,
        "suppressed": 0,
        "people": 3,
        "first": 2,
        "last": 5,
        "rejects": None,
    }
    assert imp_here("consent", "import", str(path), "--json").ok().json == {
        "file": str(path),
        "sha256": sha256,
        "rows": 0,
        "given": 0,
        "refused": 0,
        "withdrawn": 0,
        "basis": 0,
        "people": 0,
        "rejected": 0,
        "suppressed": 0,
        "skipped": 4,
        "first_seq": None,
        "last_seq": None,
        "older_than_notice": 0,
        "unknown_acts": 0,
        "unnamed_recipients": 0,
        "repeated": 0,
        "erasures": 0,
        "warnings": [],
    }
    assert imp_here("consent", "import", str(path)).ok().out == (
        "nothing new: all 4 rows of this file were imported before\n"
    )
    assert len(system("import")) == 1


def test_a_grants_evidence_is_the_file_and_the_row_unless_it_says_better(
    shop: Context, write: Write, entries: Entries
) -> None:
    rows = [ROWS[0], {**ROWS[0], "identifier": "member:9", "evidence": "form 12", "action": "signature"}]
    path = write("c.csv", as_csv(rows))
    done = import_file(shop, path)
    first, second = (entries(word)[0].payload for word in ("member:1", "member:9"))
    assert first["evidence"] == f"sha256:{done.sha256}#1"
    assert first["idempotency_key"] == f"{done.sha256}#1"
    assert first["source"] == {"surface": "import", "plugin": "imp-consent", "version": "0.1.0"}
    assert (second["evidence"], second["affirmative_action"]) == ("form 12", "signature")


def test_every_optional_column_is_read(shop: Context, write: Write, entries: Entries) -> None:
    row = {**ROWS[0], "channel": "web", "notice": "default", "valid_for": "30d"}
    import_file(shop, write("c.csv", as_csv([row, {**row, "identifier": "member:2", "channel": "", "valid_for": ""}])))
    one, other = entries("member:1")[0].statement, entries("member:2")[0].statement
    assert (one.channel, other.channel) == ("web", "")
    assert (one.until_us or 0) - one.at_us == 30 * 86_400_000_000
    assert other.until_us is None


def test_a_mapping_names_columns_constants_kinds_and_words(shop: Context, write: Write, entries: Entries) -> None:
    path = write("crm.csv", "Kunde;Zustimmung;Datum;Notiz\n17;ja;2026-01-05T08:00:00Z;x\n18;nein;;y\n".encode("utf-16"))
    mapping = write(
        "crm.toml",
        """
        [identifier]
        kind = "member"
        column = "Kunde"
        [columns]
        state = "Zustimmung"
        at = "Datum"
        [defaults]
        purpose = "analytics"
        channel = "web"
        at = 2026-01-01T00:00:00Z
        [states]
        ja = "given"
        nein = "refused"
        [file]
        encoding = "utf-16"
        delimiter = ";"
        """,
    )
    done = import_file(shop, path, map_path=mapping)
    assert (done.given, done.refused) == (1, 1)
    (given,), (refused,) = entries("member:17"), entries("member:18")
    assert (given.statement.type, given.statement.channel) == ("grant", "web")
    assert refused.payload["event_us"] == 1_767_225_600_000_000, "an empty value takes the constant"


def test_parquet_may_hold_numbers_as_names_and_times_as_times(shop: Context, tmp_path: Path, write: Write) -> None:
    at = dt.datetime(2026, 1, 5, 9, 0, 0, 250, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    table = pa.table(
        {"customer": [41, 42], "state": ["given", "withdrawn"], "at": pa.array([at, at], pa.timestamp("ns", "CET"))}
    )
    pq.write_table(table, tmp_path / "c.parquet")
    mapping = write("m.toml", '[identifier]\nkind = "member"\ncolumn = "customer"\n[defaults]\npurpose = "analytics"\n')
    assert import_file(shop, tmp_path / "c.parquet", map_path=mapping).rows == 2
    start = 1_767_600_000_000_250
    assert check(shop, RawId("member", "41"), purpose="analytics", at_us=start).permitted
    assert not check(shop, RawId("member", "41"), purpose="analytics", at_us=start - 1).permitted


def test_the_same_file_with_another_mapping_is_another_import(shop: Context, write: Write, system: System) -> None:
    path = write("c.csv", "identifier,state,at\nmember:1,given,2026-01-01T10:00:00Z\n")
    for purpose in ("analytics", "essential", "analytics"):
        import_file(shop, path, map_path=write(f"{purpose}.toml", f'[defaults]\npurpose = "{purpose}"\n'))
    assert [entry["rows"] for entry in system("import")] == [1, 1]
    assert check(shop, RawId("member", "1"), purpose="essential").permitted


FAULTS = {
    "an e-mail that is none": ({"identifier": f"email:{SECRET}"}, "identifier", "not an e-mail address"),
    "a phone that is none": ({"identifier": "phone:12"}, "identifier", "phone"),
    "no kind": ({"identifier": SECRET}, "identifier", "not an identifier"),
    "an unknown kind": ({"identifier": f"{SECRET}:1"}, "identifier", "unknown kind"),
    "no identifier": ({"identifier": " "}, "identifier", "empty"),
    "an unknown purpose": ({"purpose": SECRET}, "purpose", "unknown purpose"),
    "an unknown state": ({"state": SECRET}, "state", "unknown state"),
    "a time to come": ({"at": "2026-03-01T12:00:00.000001Z"}, "at", "time to come"),
    "a time before there was consent": ({"at": "1815-06-18T11:35:00Z"}, "at", "before 1970"),
    "a time without a zone": ({"at": "2026-01-01T10:00:00"}, "at", "without a zone"),
    "no time": ({"at": ""}, "at", "empty"),
    "a time that is none": ({"at": SECRET}, "at", "not a time"),
    "no channel's name": ({"channel": f"{SECRET} {SECRET}"}, "channel", "not a name"),
    "an unknown notice": ({"notice": SECRET, "state": "given"}, "notice", "no notice"),
    "a bad validity": ({"valid_for": SECRET, "state": "given"}, "valid_for", "number of days"),
    "no affirmative action": ({"action": "pre_ticked", "state": "given"}, "action", "affirmative action"),
    "evidence without end": ({"evidence": SECRET * 40, "state": "given"}, "evidence", "300 characters"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_row_is_named_by_file_row_and_field_and_nothing_is_kept(
    imp_here: Cli, write: Write, size: Size, entries: Entries, fault: str
) -> None:
    change, field, problem = FAULTS[fault]
    path = write("c.csv", as_csv([ROWS[0], {**ROWS[1], **change}, ROWS[2]]))
    answer = imp_here("consent", "import", str(path))
    assert answer.code == 2
    assert f"line 3, {field}: " in answer.err
    assert problem in answer.err
    assert str(path) in answer.err
    assert SECRET not in answer.out + answer.err
    assert size() == 2
    assert entries("member:1") == []


def test_all_faults_up_to_ten_are_named_at_once(shop: Context, write: Write, size: Size) -> None:
    bad = {**ROWS[0], "state": "?"}
    with pytest.raises(BadInput) as raised:
        import_file(shop, write("c.csv", as_csv([ROWS[0], bad, ROWS[1], {**ROWS[2], "identifier": "email:x"}])))
    assert raised.value.what == (
        "nothing was imported: line 3, state: unknown state; line 5, identifier: not an e-mail address"
    )
    with pytest.raises(BadInput) as raised:
        import_file(shop, write("d.csv", as_csv([bad] * 50)))
    assert raised.value.what.count("unknown state") == 10
    assert raised.value.what.endswith("and perhaps more")
    assert size() == 2


def parquet_bytes(tmp_path: Path) -> bytes:
    as_parquet(ROWS, tmp_path / "good.parquet")
    return (tmp_path / "good.parquet").read_bytes()


FILES: dict[str, tuple[str, bytes, str]] = {
    "an empty file": ("c.csv", b"", "the file is empty"),
    "an empty gzip": ("c.csv.gz", gzip.compress(b""), "the file is empty"),
    "a header alone": ("c.csv", HEADER.encode(), "no row"),
    "blank lines alone": ("c.jsonl", b"\n \n", "no row"),
    "no header": ("c.csv", b"member:secret-7c1f,analytics,given,2026-01-01T10:00:00Z\n", "column 1 of the header"),
    "a misspelt column": ("c.csv", b"identifier,purpose,state,at,chanel\n", "column 5 of the header"),
    "a missing column": ("c.csv", b"identifier,purpose,at\n", "lacks the column state"),
    "a column twice": ("c.csv", b"identifier,purpose,state,at,at\n", "column at twice"),
    "another encoding": ("c.csv", HEADER.encode() + "member:Jörg,".encode("latin-1"), "not text in UTF-8"),
    "UTF-16": ("c.csv", as_csv(ROWS).decode().encode("utf-16"), "not text in UTF-8"),
    "binary junk": ("c.csv", bytes(range(256)) * 40, "UTF-8"),
    "binary zeros": ("c.csv", HEADER.encode() + b"\x00" * 40, "binary data"),
    "an endless line": ("c.csv", b"a" * (1 << 20), "million characters"),
    "not gzip": ("c.csv.gz", as_csv(ROWS), "not gzip data"),
    "gzip cut off": ("c.csv.gz", gzip.compress(as_csv(ROWS))[:-12], "damaged or cut off"),
    "gzip damaged": ("c.csv.gz", gzip.compress(as_csv(ROWS))[:12] + b"\xff" * 40, "damaged or cut off"),
    "broken Parquet": ("c.parquet", b"PAR1 and nothing more", "Parquet file is damaged"),
    "no Parquet": ("c.parquet", as_csv(ROWS), "Parquet file is damaged"),
    "an unknown kind of file": ("c.xlsx", b"PK\x03\x04", "not a kind of file"),
    "an open quote": ("c.csv", HEADER.encode() + b'"member:1,analytics\n', "quotes that do not match"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_cannot_be_read_is_refused_whole(
    shop: Context, imp_here: Cli, write: Write, size: Size, case: str
) -> None:
    name, content, problem = FILES[case]
    path = write(name, content)
    for words in ((), ("--rejects", str(path.with_name("rejects.csv")))):
        answer = imp_here("consent", "import", str(path), *words)
        assert answer.code == 2, answer.out
        assert problem in answer.err
        assert str(path) in answer.err
        assert SECRET not in answer.err
    assert size() == 2


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"identifier": "member:1", ', "line 2, row: not a JSON object"),
        (b"[1, 2]", "line 2, row: not a JSON object"),
        (b"NaN", "line 2, row: not a JSON object"),
        (b'"\\ud800"', "line 2, row: not a JSON object"),
        (b'{"identifier": "\\ud800"}', "line 2, row: not a JSON object"),
        (json.dumps({**ROWS[1], "chanel": "web"}).encode(), "line 2, row: a key that is not a field"),
        (json.dumps({**ROWS[1], "at": 1_767_225_600}).encode(), "line 2, at: not a time"),
        (json.dumps({**ROWS[1], "state": True}).encode(), "line 2, state: not a text"),
        (json.dumps({**ROWS[1], "purpose": None}).encode(), "line 2, purpose: empty"),
        (json.dumps({**ROWS[1], "identifier": ["member:1"]}).encode(), "line 2, identifier: not a text"),
    ],
)
def test_a_broken_json_line_is_a_faulty_row(shop: Context, write: Write, size: Size, line: bytes, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        import_file(shop, write("c.jsonl", json.dumps(ROWS[0]).encode() + b"\n" + line + b"\n"))
    assert size() == 2


def test_a_row_with_a_field_too_many_is_a_faulty_row(shop: Context, write: Write) -> None:
    path = write("c.csv", as_csv(ROWS[:1]) + b"member:2,analytics,given,2026-01-01T10:00:00Z,more\n")
    with pytest.raises(BadInput, match="line 3, row: 5 fields where the header has 4"):
        import_file(shop, path)


def test_parquet_with_times_without_a_zone_is_refused(shop: Context, tmp_path: Path, size: Size) -> None:
    table = pa.table({**{k: [ROWS[0][k]] for k in ("identifier", "purpose", "state")}, "at": [dt.datetime(2026, 1, 1)]})  # noqa: DTZ001 (that is the fault)
    pq.write_table(table, tmp_path / "c.parquet")
    with pytest.raises(BadInput, match="times without a zone"):
        import_file(shop, tmp_path / "c.parquet")
    assert size() == 2


def test_a_parquet_file_cut_in_the_middle_is_refused(shop: Context, tmp_path: Path, write: Write, size: Size) -> None:
    content = parquet_bytes(tmp_path)
    with pytest.raises(BadInput, match="damaged"):
        import_file(shop, write("cut.parquet", content[: len(content) // 2]))
    assert size() == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("= not toml", "not TOML"),
        ("[colums]\n", "unknown table"),
        ('[columns]\nwhen = "at"\n', "unknown key"),
        ("[columns]\nat = 3\n", "must be a text"),
        ('columns = "at"\n', "must be a table"),
        ('[defaults]\nidentifier = "member:1"\n', "unknown key"),
        ('[states]\nyes = "granted"\n', "must be one of"),
        ('[file]\nencoding = "latin-1"\n', "must be one of"),
        ('[file]\ndelimiter = "||"\n', "one character"),
        ('[columns]\nat = "signed"\n', "lacks the column signed"),
        ("[defaults]\nat = 2026-01-01T00:00:00\n", "without a zone"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(
    shop: Context, write: Write, size: Size, text: str, problem: str
) -> None:
    path = write("c.csv", as_csv([{**ROWS[0], "at": ""}]))
    with pytest.raises(BadInput, match=problem):
        import_file(shop, path, map_path=write("m.toml", text))
    assert size() == 2


def test_no_file_a_folder_and_no_mapping_are_clear_errors(shop: Context, imp_here: Cli, tmp_path: Path) -> None:
    good = tmp_path / "c.csv"
    good.write_bytes(as_csv(ROWS))
    for words in ((str(tmp_path / "none.csv"),), (str(tmp_path),), (str(good), "--map", str(tmp_path / "none.toml"))):
        answer = imp_here("consent", "import", *words)
        assert (answer.code, "internal" in answer.err) == (2, False), answer.err


def test_rejects_leave_faulty_rows_out_and_hold_no_values(
    shop: Context, imp_here: Cli, write: Write, tmp_path: Path
) -> None:
    rows = [ROWS[0], {**ROWS[1], "identifier": f"email:{SECRET}"}, {**ROWS[2], "purpose": SECRET}, ROWS[3]]
    path, rejects = write("c.csv", as_csv(rows)), tmp_path / "rejects.csv"
    done = imp_here("consent", "import", str(path), "--rejects", str(rejects), "--json").ok().json
    assert (done["rows"], done["rejected"], done["first_seq"], done["last_seq"]) == (2, 2, 2, 3)
    assert list(csv.reader(rejects.read_text().splitlines())) == [
        ["line", "field", "problem"],
        ["3", "identifier", "not an e-mail address"],
        ["4", "purpose", "unknown purpose"],
    ]
    assert SECRET not in rejects.read_text()


def test_the_same_file_again_takes_only_the_rows_that_were_rejected(
    shop: Context, imp_here: Cli, write: Write, tmp_path: Path, size: Size
) -> None:
    path, rejects = write("c.csv", as_csv([ROWS[0], {**ROWS[1], "purpose": "ads"}])), tmp_path / "rejects.csv"
    assert import_file(shop, path, rejects_path=rejects).rows == 1
    before = size()
    second = import_file(shop, path, rejects_path=rejects)
    assert (second.rows, second.skipped, second.rejected, second.first_seq) == (0, 1, 1, None)
    said = imp_here("consent", "import", str(path), "--rejects", str(rejects)).ok().out
    assert said == "nothing new: 1 row of this file was imported before, 1 faulty and left out\n"
    with pytest.raises(BadInput, match="nothing new, beside 1 row imported before, was imported: line 3, purpose"):
        import_file(shop, path)
    assert size() == before
    imp_here("consent", "purpose", "add", "ads", "--description", "We advertise.", "--trait", "none").ok()
    again = import_file(shop, path, rejects_path=rejects)
    assert (again.rows, again.skipped, again.rejected) == (1, 1, 0)
    assert rejects.read_text() == "line,field,problem\n"
    third = import_file(shop, path)
    assert (third.rows, third.skipped) == (0, 2)


def test_rejects_that_cannot_be_written_undo_the_import(
    shop: Context, write: Write, tmp_path: Path, size: Size
) -> None:
    with pytest.raises(BadInput, match=r"no such folder|cannot be written"):
        import_file(shop, write("c.csv", as_csv(ROWS)), rejects_path=tmp_path / "no" / "rejects.csv")
    assert size() == 2


def test_a_file_that_changes_while_it_is_read_is_not_evidence(
    shop: Context, write: Write, size: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("c.csv", as_csv(ROWS))
    hashes = iter(["0" * 64, "1" * 64])
    monkeypatch.setattr("imp_consent.commands.importer.file_sha256", lambda _: next(hashes))
    with pytest.raises(BadInput, match="changed while it was read"):
        import_file(shop, path)
    assert size() == 2


def test_rows_are_streamed_in_order_and_each_state_counts(shop: Context, write: Write, entries: Entries) -> None:
    states = ["given", "refused", "withdrawn"]
    rows = [{**ROWS[0], "identifier": f"member:{i % 70}", "state": states[i % 3]} for i in range(210)]
    done = import_file(shop, write("c.jsonl", as_json(rows)))
    assert (done.given, done.refused, done.withdrawn, done.people) == (70, 70, 70, 70)
    assert [entry.seq for entry in entries("member:0")] == [2, 72, 142]
    # 70 is no multiple of 3: each time round, a person says something else
    assert [entry.statement.type for entry in entries("member:0")] == ["grant", "refuse", "withdraw"]


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ('member:1,yes\n"member:2,yes\nmember:3,yes\nmember:4,"b\n', "line 3"),
        ('member:1,yes\n"member:2,yes\nmember:3,yes\n', "line 3"),
        ('"member:1\nb",yes\nmember:2,"a"b,yes\n', "line 4"),
        ('"member:1,yes\n', "line 2"),
    ],
)
def test_an_open_quote_is_named_by_the_line_in_which_its_row_begins(
    shop: Context, imp_here: Cli, write: Write, rows: str, place: str
) -> None:
    said = rows.replace("yes", "analytics,given,2026-01-01T10:00:00Z")
    path = write("c.csv", f"identifier,purpose,state,at\n{said}".encode())
    for words in ((), ("--rejects", str(path.with_name("rejects.csv")))):
        answer = imp_here("consent", "import", str(path), *words)
        assert (answer.code, f"{path}, {place}" in answer.err) == (2, True), answer.err
        assert "member" not in answer.err
