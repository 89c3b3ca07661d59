"""A no of a file is not lost for a value that means nothing for a no; one that has to be left out is told of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imp_core.context import Context

Cli = Any
Entries = Callable[[str], list[Any]]
THEN, LATER = "2026-01-01T10:00:00Z", "2026-02-01T10:00:00Z"
RECORD = ("consent", "record", "member:1", "--purpose", "analytics", "--state", "given", "--at", THEN)
CHECK = ("consent", "check", "member:1", "--purpose", "analytics", "--json")
SECRET = "secret-7c1f"  # noqa: S105 (what must never be shown)

NOTHING_FOR_A_NO = {
    "valid_for": "180 days",
    "steps": "0",
    "bundled": "maybe",
    "informed": "?",
    "grounds": SECRET,
    "evidence": SECRET * 40,
    "action": SECRET * 40,
    "notice": "spring",
    "language": "xx",
    "consent": "implied",
    "basis": "none",
    "by": "mum",
    "regime": "nope",
    "jurisdiction": "Wonderland",
}


def put(folder: Path, columns: str, *rows: str) -> Path:
    path = folder / "people.csv"
    path.write_text("\n".join([f"identifier,purpose,state,at{columns}", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("state", ["refused", "withdrawn"])
@pytest.mark.parametrize("column", NOTHING_FOR_A_NO)
def test_a_no_is_taken_whatever_stands_in_a_field_that_means_nothing_for_it(
    imp_here: Cli, shop: Context, tmp_path: Path, column: str, state: str
) -> None:
    imp_here(*RECORD).ok()
    path = put(tmp_path, f",{column}", f"member:1,analytics,{state},{LATER},{NOTHING_FOR_A_NO[column]}")
    tried = imp_here("consent", "import", path, "--dry-run", "--json").ok().json
    done = imp_here("consent", "import", path, "--json").ok()
    assert (tried["rejected"], done.json["rows"], done.json["warnings"]) == (0, 1, tried["warnings"])
    assert imp_here(*CHECK).json["reason"] == state
    assert SECRET not in done.out + done.err
    assert imp_here("audit", "verify").ok()


def test_what_was_left_out_of_a_no_is_told_with_its_line_and_the_row_itself_is_the_evidence(
    imp_here: Cli, shop: Context, tmp_path: Path, entries: Entries
) -> None:
    imp_here(*RECORD).ok()
    path = put(tmp_path, ",evidence,valid_for", f"member:1,analytics,withdrawn,{LATER},{SECRET * 40},30d")
    done = imp_here("consent", "import", path, "--json").ok().json
    assert done["warnings"] == [
        "1 no holds a value that cannot be read (line 2): it means nothing for a no, which was taken without it"
    ]
    assert entries("member:1")[-1].payload["evidence"] == f"sha256:{done['sha256']}#1"


def test_a_json_value_of_another_kind_does_not_make_a_no_faulty_and_does_a_yes(
    imp_here: Cli, shop: Context, tmp_path: Path
) -> None:
    path = tmp_path / "people.jsonl"
    path.write_text(
        f'{{"identifier":"member:1","purpose":"analytics","state":"refused","at":"{THEN}","action":["x"],"steps":1.5}}\n'
    )
    imp_here("consent", "import", path).ok()
    path.write_text(path.read_text().replace("refused", "given"))
    assert "line 1, action: not a text" in imp_here("consent", "import", path).err


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (f"member:1,analytics,withdrawn,{LATER},telepathy", "channel"),
        ("member:1,analytics,withdrawn,2026-03-01T12:00:02Z,", "at"),
        (f"member:1,analytic,withdrawn,{LATER},", "purpose"),
        (f"email:{SECRET},analytics,withdrawn,{LATER},", "identifier"),
        ("member:1,analytics,withdrawn,soon,", "at"),
    ],
)
@pytest.mark.parametrize("parts", [False, True])
def test_a_no_that_is_left_out_is_told_of_by_its_line(
    imp_here: Cli, shop: Context, tmp_path: Path, row: str, field: str, *, parts: bool
) -> None:
    imp_here(*RECORD).ok()
    path, rejects = put(tmp_path, ",channel", row, f"member:2,analytics,refused,{THEN},"), tmp_path / "rejects.csv"
    expected = "1 faulty row says no (line 2): those people still count as they did before; "
    tried = imp_here("consent", "import", path, "--dry-run", "--json")
    assert (tried.code, tried.json["warnings"][0].startswith(expected)) == (1, True), tried.json["warnings"]
    words = ("--rejects", rejects, *(["--in-parts"] if parts else []))
    done = imp_here("consent", "import", path, *words)
    assert (done.code, f"warning: {expected}" in done.err) == (0, True), done.err
    assert rejects.read_text().splitlines()[1].startswith(f"2,{field},")
    assert SECRET not in done.err


def test_a_row_of_which_cannot_be_told_what_it_says_is_named_as_one_that_may_say_no(
    imp_here: Cli, shop: Context, tmp_path: Path
) -> None:
    rows = (f"member:1,analytics,unsubscribed,{LATER}", "member:1,withdrawn", f"member:2,analytics,refused,{THEN}")
    done = imp_here("consent", "import", put(tmp_path, "", *rows), "--rejects", tmp_path / "rejects.csv").ok()
    assert "warning: 2 faulty rows may say no (lines 2, 3): too little of them can be read" in done.err


def test_a_yes_that_is_left_out_is_no_lost_no(imp_here: Cli, shop: Context, tmp_path: Path) -> None:
    rows = (f"member:1,analytics,given,{THEN},30 days", f"member:2,analytics,refused,{THEN},")
    path = put(tmp_path, ",valid_for", *rows)
    done = imp_here("consent", "import", path, "--rejects", tmp_path / "rejects.csv").ok()
    assert ("1 faulty and left out" in done.out, "say no" in done.err, "says no" in done.err) == (True, False, False)


def test_a_no_that_is_older_than_the_yes_it_is_about_is_told_of(imp_here: Cli, shop: Context, tmp_path: Path) -> None:
    for who in ("member:1", "member:2", "member:3"):
        imp_here("consent", "record", who, *RECORD[3:]).ok()
    imp_here("consent", "record", "member:3", "--purpose", "analytics", "--state", "withdrawn", "--at", LATER).ok()
    path = put(
        tmp_path,
        "",
        "member:1,analytics,withdrawn,2025-12-31T10:00:00Z",
        f"member:2,analytics,withdrawn,{LATER}",
        "member:3,analytics,refused,2025-12-31T10:00:00Z",  # what came after the yes took it back
    )
    warnings = imp_here("consent", "import", path, "--json").ok().json["warnings"]
    (stale,) = [text for text in warnings if "older than a yes" in text]
    assert stale.startswith("1 no is older than a yes to the same thing (line 2): that yes still counts; ")
    assert imp_here(*CHECK).json["reason"] == "given"


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00Z", "1970-01-01T01:00:00+01:00", "1970-01-02T09:00:00Z"])
@pytest.mark.parametrize("state", ["withdrawn", "given"])
def test_the_first_days_of_1970_are_no_time(
    imp_here: Cli, shop: Context, tmp_path: Path, entries: Entries, at: str, state: str
) -> None:
    refused = imp_here("consent", "import", put(tmp_path, "", f"member:1,analytics,{state},{at}"))
    assert (refused.code, "line 2, at: the first days of 1970, which stand for no time" in refused.err) == (2, True)
    assert entries("member:1") == []


@pytest.mark.parametrize("state", ["given", "withdrawn"])
def test_an_empty_cell_for_the_channel_is_told_of_where_it_is_a_yes_to_every_channel(
    imp_here: Cli, shop: Context, tmp_path: Path, state: str
) -> None:
    rows = (f"member:1,analytics,{state},{THEN},", f"member:2,analytics,given,{THEN},email")
    done = imp_here("consent", "import", put(tmp_path, ",channel", *rows)).ok()
    told = "1 row given names no channel, in a file that has channels (line 2): they are yeses for every channel"
    assert (told in done.err) == (state == "given"), done.err


def test_a_file_without_channels_is_not_told_so(imp_here: Cli, shop: Context, tmp_path: Path) -> None:
    done = imp_here("consent", "import", put(tmp_path, "", f"member:1,analytics,given,{THEN}")).ok()
    assert "channel" not in done.err


def test_a_no_of_records_that_is_left_out_is_told_of_too(imp_here: Cli, shop: Context, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    rows = (f"nobody,withdraw,analytics,,{THEN},1", f"member:2,withdraw,analytic,,{THEN},1", f"member:3,?,,,{THEN},1")
    path.write_text("\n".join(["person,type,purpose,channel,at,position", *rows]) + "\n")
    words = ("--format", "records", "--dry-run", "--json")
    warnings = imp_here("consent", "import", path, *words).json["warnings"]
    assert warnings[0].startswith("2 faulty rows say no (lines 2, 3): ")
    assert warnings[1].startswith("1 faulty row may say no (line 4): ")


@pytest.mark.parametrize("state", ["refused", "withdrawn"])
@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("notice", SECRET, True),
        ("regime", "gdrp", True),
        ("regime", "gdpr+pilp", True),
        ("jurisdiction", "XX-YY", True),
        ("jurisdiction", "Germany", True),
        ("regime", "gdpr", False),
        ("jurisdiction", "DE", False),
        ("notice", "default", False),
    ],
)
def test_a_no_that_names_a_law_a_place_or_a_notice_that_is_none_is_taken_and_told_of(
    imp_here: Cli, shop: Context, tmp_path: Path, column: str, value: str, state: str, *, told: bool
) -> None:
    imp_here(*RECORD).ok()
    path = put(tmp_path, f",{column}", f"member:1,analytics,{state},{LATER},{value}")
    tried = imp_here("consent", "import", path, "--dry-run", "--json").ok().json
    done = imp_here("consent", "import", path, "--json").ok()
    expected = "1 no names a law, a place or a notice of its purpose that is not known here (line 2): the no was taken"
    assert (done.json["warnings"], any(text.startswith(expected) for text in done.json["warnings"])) == (
        tried["warnings"],
        told,
    )
    assert (imp_here(*CHECK).json["reason"], SECRET in done.out + done.err) == (state, False)
