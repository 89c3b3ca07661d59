"""A readout for people: a terminal table and Markdown. The answer first, then health, then detail."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from imp_experiments.readout.breakdown_words import BY_COLUMNS, breakdown_rows, breakdown_title, breakdown_words
from imp_experiments.readout.factored_words import factored_tables
from imp_experiments.readout.readout import Readout
from imp_experiments.readout.words import comparison_table, detail, headline, health

__all__ = ["render_markdown", "render_table"]

_NARROWEST = 100
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")


def render_table(readout: Readout) -> str:
    """Plain text of the terminal's width (100 columns at least)."""
    width = max(_NARROWEST, shutil.get_terminal_size((140, 24)).columns)
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    for line in headline(readout):
        console.print(_plain(line), soft_wrap=True)
    for columns, rows in _tables(readout):
        console.print()
        console.print(_table(columns, rows, names=2))
    for breakdown in readout.breakdowns:
        console.print()
        console.print(_plain(breakdown_title(breakdown)), soft_wrap=True)
        if rows := breakdown_rows(breakdown, readout):
            console.print(_table(BY_COLUMNS, rows, names=3))
        for line in breakdown_words(breakdown, readout):
            console.print(_plain(line), soft_wrap=True)
    for section in (health(readout), detail(readout)):
        console.print()
        for line in section:
            console.print(_plain(line), soft_wrap=True)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO given above
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, names: int) -> Table:
    """The first `names` columns hold names, the others figures."""
    table = Table(box=None, pad_edge=False, header_style="", padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index < names else "right")
    for row in rows:
        table.add_row(*(_plain(text) for text in row))
    return table


def render_markdown(readout: Readout) -> str:
    """GitHub's Markdown: headings, tables, lists."""
    title, *rest = headline(readout)
    lines = [f"# {_escaped(title)}", "", *map(_escaped, rest), ""]
    for columns, rows in _tables(readout):
        lines += _markdown_table(columns, rows)
    for breakdown in readout.breakdowns:
        lines += [f"## B{_escaped(breakdown_title(breakdown))[1:]}", ""]
        if rows := breakdown_rows(breakdown, readout):
            lines += _markdown_table(BY_COLUMNS, rows)
        words = [f"- {_escaped(line)}" for line in breakdown_words(breakdown, readout)]
        lines += [*words, ""] if words else []
    lines += ["## Health", "", *(f"- {_escaped(line)}" for line in health(readout)), ""]
    lines += ["## Detail", "", *(f"- {_escaped(line)}" for line in detail(readout))]
    return "\n".join(lines)


def _markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    head = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return [*head, *("| " + " | ".join(map(_escaped, row)) + " |" for row in rows), ""]


def _tables(readout: Readout) -> list[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """Columns and rows: effects of factors and their cells, then comparisons with control."""
    tables = [] if readout.factorial is None else factored_tables(readout.factorial)
    if readout.comparisons:
        tables.append(comparison_table(readout))
    return tables


def _plain(text: str) -> Text:
    # names come from files: no markup, no escape sequences
    return Text(_CONTROL_CHARACTERS.sub(" ", text))


def _escaped(text: str) -> str:
    return re.sub(r"([\\|*_`<>\[\]#])", r"\\\1", _CONTROL_CHARACTERS.sub(" ", text))
