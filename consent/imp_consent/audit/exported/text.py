"""Text from strangers, shown to people."""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str) -> str:
    """A line in which nothing can move the cursor, colour or reorder what stands beside it; every script stays."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
