"""Numbers of things are told in grammar."""

from __future__ import annotations

from imp_core.counting import some, span


def test_one_is_no_plural() -> None:
    assert [some(n, "day") for n in (0, 1, 2)] == ["0 days", "1 day", "2 days"]
    assert [some(n, "entry", "entries") for n in (1, 1_000)] == ["1 entry", "1,000 entries"]


def test_one_entry_is_not_from_itself_to_itself() -> None:
    assert [span(14, 14), span(14, 16)] == ["entry 14", "entries 14 to 16"]
