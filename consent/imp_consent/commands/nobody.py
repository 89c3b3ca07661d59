"""What is told where somebody asks for what is held of a person whom nobody knows: nothing, and that it is so."""

from __future__ import annotations

from typing import Final, NoReturn

import click

from imp_consent.runtime import open_log
from imp_core.context import Context
from imp_core.errors import CheckFailed
from imp_core.event import RawId

__all__ = ["NOTHING_HELD", "exit_for_nobody", "expect_known"]

_LOOK: Final = "look at how it is spelt; whoever was erased is known by nothing any more"
NOTHING_HELD: Final = f"the ledger holds nothing of this person: nobody is known by the identifier; {_LOOK}"


def exit_for_nobody() -> NoReturn:
    """End a command that gave its answer, an empty one: exit code 1, so that no script takes it for somebody's."""
    raise click.exceptions.Exit(CheckFailed.exit_code)


def expect_known(ctx: Context, raw_id: RawId, *, where: str) -> None:
    """Go on only with somebody the ledger knows: a file of nobody would be taken for theirs.

    Raises:
        BadInput: the identifier is malformed.
        CheckFailed: nobody is known by it.
    """
    with open_log(ctx).read() as reader:
        if reader.find_subject(raw_id) is None:
            raise CheckFailed("nobody is known by this identifier: nothing was written", where=where, mend=_LOOK)
