"""The number of things in grammar, for every sentence that is printed."""

from __future__ import annotations

from pathlib import PurePath

__all__ = ["rows_told", "some", "span"]

_TABLES = (".csv", ".tsv", ".txt")


def some(n: int, one: str, many: str | None = None) -> str:
    """A number of things: "1 entry", "2 entries"; `many` is the plural where it does not end in s alone.

    Where a verb follows, it goes with them: `some(n, "row is", "rows are")`.
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def span(first: int, last: int) -> str:
    """The place of entries one after another, by their numbers: "entry 14", "entries 14 to 16"."""
    return f"entry {first}" if first == last else f"entries {first} to {last}"


def rows_told(name: str) -> str:
    """What to add where rows of a file are named: a spreadsheet counts its header, which is no row here.

    The number of a row is part of what the ledger keeps of it, so it is the same in errors, rejects files and `--json`.
    Blank lines are not counted. Empty for a file without a header.
    """
    suffixes = [suffix for suffix in PurePath(name).suffixes if suffix.lower() != ".gz"]
    if not suffixes or suffixes[-1].lower() not in _TABLES:
        return ""
    return " (rows are counted below the header, without blank lines: row 1 here is row 2 of a spreadsheet)"
