"""Markdown of what others wrote: tables and lists in which nobody's text can become a heading, a link or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

__all__ = ["bullets", "plain", "table"]

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+|!~])")


def plain(text: object) -> str:
    """Text as text: one line, with every character that Markdown would take for more escaped."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A table and an empty line; "–" for what is not known."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(plain(cell) if cell else '–' for cell in row)} |"
    yield ""


def bullets(texts: Iterable[object], otherwise: str) -> Iterator[str]:
    """A list and an empty line; `otherwise` where there is nothing."""
    found = [f"- {plain(text)}" for text in texts]
    yield from found or [otherwise]
    yield ""
