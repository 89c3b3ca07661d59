"""A readout for people: a terminal table and Markdown. The answer first, then health, then detail."""

from __future__ import annotations

import io
import re
import shutil

from rich.console import Console
from rich.table import Table
from rich.text import Text

from imp_experiments.readout.factored_words import factored_tables
from imp_experiments.readout.readout import Readout
from imp_experiments.readout.words import COLUMNS, detail, headline, health, row_of

__all__ = ["render_markdown", "render_table"]

_NARROWEST = 100
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")


def render_table(readout: Readout) -> str:
    """Plain text of the terminal's width (100 columns at least)."""
    width = max(_NARROWEST, shutil.get_terminal_size((120, 24)).columns)
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    for line in headline(readout):
        console.print(_plain(line), soft_wrap=True)
    for columns, rows in _tables(readout):
        table = Table(box=None, pad_edge=False, header_style="", padding=(0, 2, 0, 0))
        for index, column in enumerate(columns):
            table.add_column(column, justify="left" if index < 2 else "right")  # noqa: PLR2004 (names left, figures right)
        for row in rows:
            table.add_row(*map(_plain, row))
        console.print()
        console.print(table)
    for section in (health(readout), detail(readout)):
        console.print()
        for line in section:
            console.print(_plain(line), soft_wrap=True)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO given above
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


def render_markdown(readout: Readout) -> str:
    """GitHub's Markdown: headings, tables, lists."""
    title, *rest = headline(readout)
    lines = [f"# {_escaped(title)}", "", *map(_escaped, rest), ""]
    for columns, rows in _tables(readout):
        lines += ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
        lines += ["| " + " | ".join(map(_escaped, row)) + " |" for row in rows]
        lines.append("")
    lines += ["## Health", "", *(f"- {_escaped(line)}" for line in health(readout)), ""]
    lines += ["## Detail", "", *(f"- {_escaped(line)}" for line in detail(readout))]
    return "\n".join(lines)


def _tables(readout: Readout) -> list[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """Columns and rows: effects of factors and their cells, then comparisons with control."""
    tables = [] if readout.factorial is None else factored_tables(readout.factorial)
    if readout.comparisons:
        tables.append((COLUMNS, [row_of(compared) for compared in readout.comparisons]))
    return tables


def _plain(text: str) -> Text:
    # names come from files: no markup, no escape sequences
    return Text(_CONTROL_CHARACTERS.sub(" ", text))


def _escaped(text: str) -> str:
    return re.sub(r"([\\|*_`<>\[\]#])", r"\\\1", _CONTROL_CHARACTERS.sub(" ", text))
