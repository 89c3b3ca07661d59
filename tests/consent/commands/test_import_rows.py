"""Rows as files hold them: none hidden by a quote, no key twice, days of Parquet, and what is wrong by its line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imp_core.clock import format_time
from imp_core.context import Context

Cli = Any
Entries = Callable[[str], list[Any]]
THEN, LATER = "2026-01-01T10:00:00Z", "2026-02-01T10:00:00Z"
HEADER = "identifier,purpose,state,at"
MAPPING = '[file]\ntimezone = "Europe/Berlin"\n'


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    def written(name: str, *lines: str | bytes, end: str = "\n") -> Path:
        path = tmp_path / name
        path.write_bytes(end.encode().join(line.encode() if isinstance(line, str) else line for line in (*lines, "")))
        return path

    return written


Put = Callable[..., Path]


@pytest.fixture
def mapping(put: Put) -> Path:
    return put("map.toml", MAPPING)


SWALLOWED = {
    "in a last column": (
        f"{HEADER},comment",
        f'member:1,analytics,given,{THEN},"27 inch',
        f"member:2,analytics,withdrawn,{LATER},27 inch",
        f'member:3,analytics,given,{THEN},size 27"',
    ),
    "in the line where it closes": (
        f"{HEADER},comment",
        f'member:1,analytics,given,{THEN},"27 inch',
        f'member:2,analytics,withdrawn,{LATER},size 27"',
    ),
    "beside a line that is no row": (
        f"{HEADER},comment",
        f'member:1,analytics,given,{THEN},"27 inch',
        f"member:2,analytics,withdrawn,{LATER},27 inch",
        'that is all"',
    ),
    "in a column between": (
        "identifier,comment,purpose,state,at",
        f'member:1,"27 inch,analytics,given,{THEN}',
        f'member:2,27",analytics,withdrawn,{LATER}',
    ),
    "in the first column": (
        f"comment,{HEADER}",
        f'"27 inch,member:1,analytics,given,{THEN}',
        f'27",member:2,analytics,withdrawn,{LATER}',
    ),
    "after an honest text of two lines": (
        f"comment,{HEADER},evidence",
        '"two',
        f'lines",member:1,analytics,given,{THEN},"27 inch',
        f"x,member:2,analytics,withdrawn,{LATER},27 inch",
        f'y,member:3,analytics,given,{THEN},size 27"',
    ),
    "beside a comma of a text": (
        f"{HEADER},comment,evidence",
        f'member:1,analytics,given,{THEN},"27 inch,x',
        f'member:2,analytics,withdrawn,{LATER},"a, b",x',
        f'member:3,analytics,given,{THEN},size 27",x',
    ),
}


@pytest.mark.parametrize("kind", SWALLOWED)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_row_that_a_stray_quote_makes_part_of_a_text_is_not_lost_without_a_word(
    imp_here: Cli, shop: Context, tmp_path: Path, put: Put, mapping: Path, entries: Entries, kind: str, end: str
) -> None:
    path = put("c.csv", *SWALLOWED[kind], end=end)
    refused = imp_here("consent", "import", path, "--map", mapping)
    assert (refused.code, "line 2" in refused.err) == (2, True), refused.err
    left = imp_here("consent", "import", path, "--map", mapping, "--rejects", tmp_path / "rejects.csv")
    assert (left.code, entries("member:1")) == (2, [])


def test_a_quote_that_is_not_closed_in_the_header_swallows_no_row(
    imp_here: Cli, shop: Context, put: Put, mapping: Path
) -> None:
    rows = (f"member:1,analytics,withdrawn,{LATER},x", f'member:2,analytics,refused,{LATER},y"')
    refused = imp_here("consent", "import", put("c.csv", f'{HEADER},"comment', *rows), "--map", mapping)
    assert (refused.code, "a quote that is not closed in the header" in refused.err) == (2, True), refused.err


@pytest.mark.parametrize(
    "lines",
    [
        (f"{HEADER},comment", f'member:1,analytics,given,{THEN},"two', 'lines, and a comma"'),
        (f"{HEADER},comment", f'member:1,analytics,given,{THEN},"three', "", 'lines"'),
        (f"comment,{HEADER}", '"two', f'lines",member:1,analytics,given,{THEN}'),
        ("identifier,comment,purpose,state,at", 'member:1,"12 Main', f'Springfield, IL",analytics,given,{THEN}'),
        ("identifier,comment,purpose,state,at", f'member:1,"a,b\n1,2,3,4,5\n",analytics,given,{THEN}'),
        (f"{HEADER},comment", f'member:1,analytics,given,{THEN},"asked', "for, a, price, 2, times", 'and left"'),
        (f"{HEADER},comment", f'member:1,analytics,given,{THEN},"asked', "re: x, a, price, today, please", 'left"'),
    ],
)
def test_a_text_of_several_lines_is_one_text(
    imp_here: Cli, shop: Context, put: Put, mapping: Path, lines: tuple[str, ...]
) -> None:
    done = imp_here("consent", "import", put("c.csv", *lines), "--map", mapping, "--json").ok().json
    assert (done["rows"], done["rejected"]) == (1, 0)


def test_a_withdrawal_with_its_reason_in_several_lines_holds(imp_here: Cli, shop: Context, put: Put) -> None:
    imp_here("consent", "record", "member:1", "--purpose", "analytics", "--state", "given", "--at", THEN).ok()
    words = f'[defaults]\npurpose = "analytics"\nstate = "withdrawn"\nat = "{LATER}"\n[file]\nunread = ["reason"]'
    path = put("c.csv", "identifier,reason", 'member:1,"Too many mails', 'sorry, guys"')
    imp_here("consent", "import", path, "--map", put("noes.toml", words)).ok()
    assert imp_here("consent", "check", "member:1", "--purpose", "analytics").code == 1


def test_a_stop_of_several_lines_is_heard(imp_here: Cli, shop: Context, put: Put) -> None:
    row = f'phone:+16505551215,"Please\nstop, now",reply,{LATER},sms'
    path = put("s.csv", "identifier,raw,kind,at,channel", row, f"phone:+16505551216,STOP,reply,{LATER},sms")
    heard = imp_here("consent", "signal", "import", path, "--json").json
    assert heard["rejected"] == 0, heard
    swallowed = put(
        "t.csv",
        "identifier,raw,kind,at,channel",
        f'phone:+16505551215,"Please,reply,{LATER},sms',
        f'phone:+16505551216,STOP",reply,{LATER},sms',
        f"phone:+16505551217,STOP,reply,{LATER},sms",
    )
    assert imp_here("consent", "signal", "import", swallowed, "--json").json["rejected"] == 1


@pytest.mark.parametrize("words", [(), ("--format", "records")])
def test_a_key_that_stands_twice_in_an_object_is_no_choice_of_the_last(
    imp_here: Cli, shop: Context, put: Put, words: tuple[str, ...]
) -> None:
    of_rows = f'"identifier":"member:1","purpose":"analytics","state":"withdrawn","at":"{THEN}","state":"given"'
    of_records = f'"person":"member:1","type":"withdraw","type":"grant","purpose":"analytics","at":"{THEN}"'
    path = put("c.jsonl", f"{{{of_records if words else of_rows}}}")
    refused = imp_here("consent", "import", path, *words)
    assert (refused.code, "line 1, row: a key that stands twice" in refused.err) == (2, True), refused.err
    assert imp_here("consent", "check", "member:1", "--purpose", "analytics", "--json").json["reason"] != "given"


def parquet(path: Path, **columns: Any) -> Path:
    (count,) = {len(values) for values in columns.values()}
    rest = {"identifier": [f"member:{n}" for n in range(1, count + 1)], "purpose": ["analytics"] * count}
    pq.write_table(pa.table({"state": ["withdrawn"] * count, **rest, **columns}), path)
    return path


@pytest.mark.parametrize("type_", [pa.date32(), pa.date64()])
def test_days_of_parquet_are_read_as_days_of_the_zone_that_the_mapping_names(
    imp_here: Cli, shop: Context, tmp_path: Path, mapping: Path, entries: Entries, type_: Any
) -> None:
    days = pa.array([dt.date(2026, 1, 20)] * 2).cast(type_)
    path = parquet(tmp_path / "c.parquet", at=days, state=["given", "withdrawn"])
    assert "row 1, at: a time without a zone" in imp_here("consent", "import", path).err
    imp_here("consent", "import", path, "--map", mapping).ok()
    read = [format_time(entries(who)[0].statement.at_us) for who in ("member:1", "member:2")]
    assert read == ["2026-01-19T23:00:00Z", "2026-01-20T22:59:59.999999Z"]


@pytest.mark.parametrize("type_", [pa.timestamp("us"), pa.timestamp("ms"), pa.timestamp("us", "UTC"), pa.date32()])
def test_a_time_that_no_calendar_has_is_the_fault_of_its_row_alone(
    imp_here: Cli, shop: Context, tmp_path: Path, mapping: Path, entries: Entries, type_: Any
) -> None:
    fine = {"ms": 1_767_261_600_000, "us": 1_767_261_600_000_000}.get(getattr(type_, "unit", ""), 20_454)
    absurd = 2**62 if type_.bit_width == 64 else 2**31 - 1
    numbers = pa.array([fine, absurd], pa.int64() if type_.bit_width == 64 else pa.int32())
    path = parquet(tmp_path / "c.parquet", at=numbers.cast(type_))
    assert "row 2, at: a time" in imp_here("consent", "import", path, "--map", mapping).err
    imp_here("consent", "import", path, "--map", mapping, "--rejects", tmp_path / "rejects.csv").ok()
    assert (len(entries("member:1")), entries("member:2")) == (1, [])


def test_a_nul_and_a_byte_of_another_encoding_are_told_with_their_line(imp_here: Cli, shop: Context, put: Put) -> None:
    rows = [f"member:{n},analytics,refused,{THEN}" for n in range(2, 3000)]
    for bad, what in ((f"member:\0,analytics,refused,{THEN}", "binary data"), (b"member:M\xfcller,,,", "not text in")):
        for end in ("\n", "\r\n"):
            refused = imp_here("consent", "import", put("c.csv", HEADER, *rows, bad, *rows, end=end))
            assert (refused.code, what in refused.err, "c.csv, line 3000" in refused.err) == (2, True, True), (
                refused.err
            )


def test_a_blank_line_before_the_header_and_the_end_mark_of_dos_are_no_rows(
    imp_here: Cli, shop: Context, put: Put
) -> None:
    rows = ("", "  ", HEADER, f"member:1,analytics,refused,{THEN}", f"member:2,nothing,refused,{THEN}")
    assert "line 5, purpose: unknown purpose" in imp_here("consent", "import", put("c.csv", *rows)).err
    path = put("c.csv", *rows[:-1])
    path.write_bytes(path.read_bytes() + b"\x1a")
    assert imp_here("consent", "import", path, "--json").ok().json["rows"] == 1
    assert "the file is empty" in imp_here("consent", "import", put("c.csv", "", "")).err
