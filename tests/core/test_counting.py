"""Numbers of things are told in grammar."""

from __future__ import annotations

from imp_core.counting import rows_told, some, span


def test_one_is_no_plural() -> None:
    assert [some(n, "day") for n in (0, 1, 2)] == ["0 days", "1 day", "2 days"]
    assert [some(n, "entry", "entries") for n in (1, 1_000)] == ["1 entry", "1,000 entries"]


def test_one_entry_is_not_from_itself_to_itself() -> None:
    assert [span(14, 14), span(14, 16)] == ["entry 14", "entries 14 to 16"]


def test_where_a_table_has_a_header_its_rows_are_told_from_those_of_a_spreadsheet() -> None:
    assert "row 1 here is row 2 of a spreadsheet" in rows_told("yes.csv.gz")
    assert rows_told("客户.TSV") == rows_told("a.txt") != ""
    assert [rows_told(name) for name in ("a.jsonl", "a.parquet", "an audience", "")] == ["", "", "", ""]
