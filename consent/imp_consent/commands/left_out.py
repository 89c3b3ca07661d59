"""Rows of noes that could not be read: the rest is recorded, these are named, and the answer is no until they are too.

A no must not wait for what is wrong with somebody else's row.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from imp_consent.commands.aside import Fault
from imp_consent.commands.imported import MOST_FAULTS, write_rejects
from imp_core.counting import some
from imp_core.errors import BadInput, CheckFailed
from imp_core.event import RowFault

__all__ = ["end_with", "list_left_out", "none_readable", "row_faults"]


def list_left_out(rejects: Path | None, faults: Sequence[Fault], *, counted: str) -> None:
    """Write the file of rejects, where one was asked for.

    Raises:
        BadInput: it cannot be written.
    """
    if rejects is not None:
        write_rejects(rejects, faults, counted=counted)


def none_readable(faults: Sequence[Fault], *, counted: str, where: str, mend: str) -> BadInput:
    """No row at all could be read."""
    return BadInput(f"nothing was recorded: {_named(row_faults(faults), counted)}", where=where, mend=mend)


def row_faults(faults: Sequence[Fault]) -> tuple[RowFault, ...]:
    """The rows left out as an answer names them, in their order: place, field and problem."""
    ordered = sorted(faults, key=lambda one: one.place)
    return tuple(RowFault(row=one.place, field=one.field, problem=one.problem) for one in ordered)


def end_with(faults: Sequence[RowFault], *, counted: str, where: str, mend: str, dry_run: bool = False) -> NoReturn:
    """Say on standard error, after what was done, which rows were left out, and exit with 1.

    Raises:
        Exit: always; there is one row at least.
    """
    left = "would be" if dry_run else "was" if len(faults) == 1 else "were"
    click.echo(f"error: {some(len(faults), 'row')} {left} left out: {_named(faults, counted)}", err=True)
    click.echo(f"  where: {where}", err=True)
    click.echo(f"  mend: {mend}", err=True)
    raise click.exceptions.Exit(CheckFailed.exit_code)


def _named(faults: Sequence[RowFault], counted: str) -> str:
    named = "; ".join(f"{counted} {one.row}, {one.field}: {one.problem}" for one in faults[:MOST_FAULTS])
    return named + (f"; and {len(faults) - MOST_FAULTS:,} more" if len(faults) > MOST_FAULTS else "")
