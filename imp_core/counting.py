"""The number of things in grammar, for every sentence that is printed."""

from __future__ import annotations

__all__ = ["some", "span"]


def some(n: int, one: str, many: str | None = None) -> str:
    """A number of things: "1 entry", "2 entries"; `many` is the plural where it does not end in s alone.

    Where a verb follows, it goes with them: `some(n, "row is", "rows are")`.
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def span(first: int, last: int) -> str:
    """The place of entries one after another, by their numbers: "entry 14", "entries 14 to 16"."""
    return f"entry {first}" if first == last else f"entries {first} to {last}"
