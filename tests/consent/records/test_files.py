"""What people import, harmed: nothing but our own error comes out, and nothing of a row is shown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imp_consent.commands.export_records import export_records
from imp_consent.commands.import_records import import_records
from imp_consent.commands.importer import import_file
from imp_consent.commands.record import record
from imp_consent.commands.record_files import read_records, read_terms_file
from imp_consent.plane.remove import request_erasure
from imp_consent.policy.envelope import envelope
from imp_consent.records.row import COLUMNS, RecordRow
from imp_consent.runtime import open_log
from imp_core.clock import parse_time
from imp_core.context import Context
from imp_core.errors import BadInput, ImpError
from imp_core.event import RawId

Cli = Any
SECRET = "secret-7c1f"  # noqa: S105 (what must never be shown)
ROW = {
    "person": f"member:{SECRET}",
    "position": "1",
    "type": "refuse",
    "purpose": "analytics",
    "at": "2026-01-01T10:00:00Z",
}
QUICK = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


def at(ctx: Context) -> dict[str, str]:
    """Where the command line finds a shop."""
    return {name: ctx.environ[name] for name in ("IMP_HOME", "IMP_KEYS")}


def table(row: dict[str, str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row), lineterminator="\n")
    writer.writeheader()
    writer.writerow(row)
    return text.getvalue().encode()


def parquet(row: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row]), stream)
    return stream.getvalue()


SOUND = {"a.csv": table(ROW), "a.jsonl": json.dumps(ROW).encode() + b"\n", "a.parquet": parquet(ROW)}


@pytest.mark.parametrize("name", sorted(SOUND))
def test_a_table_of_any_kind_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(SOUND[name])
    ((number, _, row),) = read_records(path, "records")
    assert isinstance(row, RecordRow)
    assert (number, row.person, row.statement.type) == (1, ROW["person"], "refuse")


def test_a_document_that_begins_with_a_byte_order_mark_is_the_document(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonld"
    for mark in (b"", b"\xef\xbb\xbf"):
        path.write_bytes(mark + b'{"@context": {}, "@graph": []}')
        with pytest.raises(BadInput, match="no record of consent is in it"):
            list(read_records(path, "27560"))
        with pytest.raises(BadInput, match="no terms are in it"):
            read_terms_file(path)


@pytest.mark.parametrize("name", [*sorted(SOUND), "a.jsonld", "a.csv.gz", "a.txt", "a.zip"])
@QUICK
@given(noise=st.binary(max_size=40), at=st.integers(0, 400), cut=st.integers(0, 400))
def test_nothing_but_our_own_error_leaves_a_file(tmp_path: Path, name: str, noise: bytes, at: int, cut: int) -> None:
    sound = SOUND.get(name, SOUND["a.jsonl"])
    path = tmp_path / name
    path.write_bytes(sound[:at] + noise + sound[at + cut :])
    for read in (lambda: list(read_records(path, "27560" if name == "a.jsonld" else "records")), read_terms_of(path)):
        assert SECRET not in refusal(read)


def refusal(call: Callable[[], object]) -> str:
    """What our own error says; nothing where there was none. Any other error is the test's."""
    try:
        call()
    except ImpError as error:
        return str(error)
    return ""


def read_terms_of(path: Path) -> Callable[[], object]:
    return lambda: read_terms_file(path)


@QUICK
@given(row=st.dictionaries(st.sampled_from(COLUMNS), st.text(max_size=12)))
def test_no_row_breaks_an_import(two_shops: Callable[[], tuple[Context, Context]], row: dict[str, str]) -> None:
    shop = _shop(two_shops)
    path = shop.directory / "a.jsonl"
    path.write_text(json.dumps(ROW | row) + "\n", encoding="utf-8")
    size = open_log(shop).size
    said = refusal(lambda: import_records(shop, path, format_="records"))
    assert SECRET not in said
    assert (open_log(shop).size == size) is bool(said)


_held: dict[str, Context] = {}


def _shop(two_shops: Callable[[], tuple[Context, Context]]) -> Context:
    """One shop for all examples of a test."""
    key = str(id(two_shops))
    if key not in _held:
        _held[key] = two_shops()[0]
    return _held[key]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"identifier,purpose,state,at\n", "column 1 of the header"),
        (table({name: value for name, value in ROW.items() if name != "at"}), "the header has the column at not"),
        (b"person,person,position,type,purpose,at\n", "the column person twice"),
        (b"", "empty"),
        (b"person,position,type,purpose,at\n", "no row"),
    ],
)
def test_a_table_with_another_header_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=problem):
        list(read_records(path, "records"))


def test_faults_are_named_by_line_and_field_up_to_ten(shop: Context) -> None:
    path = shop.directory / "a.jsonl"
    path.write_text("".join(json.dumps(ROW | {"at": SECRET}) + "\n" for _ in range(12)))
    with pytest.raises(BadInput, match=r"line 1, at: not a time .*line 10, at.*and perhaps more") as caught:
        import_records(shop, path, format_="records")
    assert SECRET not in str(caught.value)
    assert "line 11" not in str(caught.value)


def test_a_persons_rows_are_recorded_in_the_order_of_their_positions(shop: Context) -> None:
    path = shop.directory / "a.jsonl"
    rows = [ROW | {"position": place, "at": f"2026-01-0{9 - place}T10:00:00Z"} for place in (3, 1, 2)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_records(shop, path, format_="records")
    with open_log(shop).read() as reader:
        subject = reader.find_subject(RawId("member", SECRET))
        assert subject is not None
        days = [entry.statement.at_us for entry in reader.history(subject)]
    assert days == [parse_time(f"2026-01-0{day}T10:00:00Z") for day in (8, 7, 6)]


def test_what_the_law_here_refuses_is_refused_whoever_recorded_it(shop: Context) -> None:
    path = shop.directory / "a.jsonl"
    path.write_text(json.dumps(ROW | {"type": "grant", "action": "pre_ticked"}) + "\n")
    with pytest.raises(BadInput, match="line 1, action"):
        import_records(shop, path, format_="records")


def test_the_command_line_exports_imports_and_says_so(imp_here: Cli, shop: Context, two_shops: Any) -> None:
    other = two_shops()[1]
    record(shop, RawId("member", SECRET), purpose="analytics", state="refused")
    out, terms = shop.directory / "out.csv", shop.directory / "terms.json"
    done = imp_here("consent", "export", out, "--format", "csv", "--terms", terms, "--json", **at(shop))
    assert (done.code, json.loads(done.out)["rows"]) == (0, 1)
    assert out.stat().st_mode & 0o777 == 0o600
    assert SECRET not in out.read_text()
    words = ("consent", "import", out, "--format", "records", "--terms", terms)
    done = imp_here(*words, **at(other))
    assert (done.code, done.out) == (0, "entry 2: 1 about 1 person\n")
    assert imp_here(*words, **at(other)).out.startswith("nothing new: 1 entry of this file was imported before")
    document = shop.directory / "out.jsonld"
    assert imp_here("consent", "export", document, "--format", "27560", **at(shop)).code == 0
    assert imp_here("consent", "import", document, **at(other)).code == 0


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("export", "x.csv", "--format", "csv", "--person", "member:1", "--identifiers", "i.csv"), "both say whose"),
        (("export", "x.csv", "--format", "xml"), "xml"),
        (("import", "x.csv", "--format", "records", "--map", "m.toml"), "for rows, not for records"),
        (("import", "x.csv", "--terms", "t.json"), "--format records"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(imp_here: Cli, shop: Context, words: Any, problem: str) -> None:
    done = imp_here("consent", *words, **at(shop))
    assert done.code == 2
    assert problem in done.err


def test_an_export_never_lands_on_the_workspace_or_its_keys(shop: Context) -> None:
    for path in (shop.workspace.database, shop.workspace.root / "imp.toml", Path(shop.environ["IMP_KEYS"]) / "x.csv"):
        with pytest.raises(BadInput, match="write over the workspace or the keys"):
            export_records(shop, path, format_="csv")


def test_an_export_says_in_the_ledger_what_left_and_of_one_person_only_that_they_asked(shop: Context) -> None:
    record(shop, RawId("member", SECRET), purpose="analytics", state="refused")
    done = export_records(shop, shop.directory / "all.csv", format_="csv")
    people = [RawId("member", SECRET), RawId("member", SECRET), RawId("member", "unheard-of")]
    named = export_records(shop, shop.directory / "one.csv", format_="csv", people=people, access=True)
    assert (named.people, named.unknown, named.named) == (1, 1, True)
    with open_log(shop).read() as reader:
        (left,) = [dict(entry.fields) for entry in reader.system_entries("export")]
        (asked,) = [dict(entry.fields) for entry in reader.system_entries("access-request")]
    assert (left["what"], left["people"], left["named"], left["sha256"]) == ("consent-records", 1, False, done.sha256)
    assert asked == {"scope": "records"}


def test_people_whose_erasure_was_asked_for_are_in_no_export(shop: Context) -> None:
    record(shop, RawId("member", "1"), purpose="analytics", state="refused")
    record(shop, RawId("member", "2"), purpose="analytics", state="refused")
    with open_log(shop).read() as reader:
        subject = reader.find_subject(RawId("member", "1"))
        assert subject is not None
    body = envelope(shop, type_="erase-requested", event_us=shop.clock.now_us(), purpose="*")
    request_erasure(open_log(shop), [subject], body, channels=[])
    done = export_records(shop, shop.directory / "all.csv", format_="csv")
    assert (done.people, done.left_out) == (1, 1)


def test_rows_of_people_still_read_the_files_they_did(shop: Context) -> None:
    path = shop.directory / "rows.csv"
    path.write_text("identifier,purpose,state,at\nmember:1,analytics,refused,2026-01-01T10:00:00Z\n")
    assert import_file(shop, path).rows == 1
