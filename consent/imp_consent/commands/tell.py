"""`imp consent tell`: tell channels who was erased, and whose permission ended, until each has answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click

from imp_consent.plane.outbox import Told, tell_channels
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import CheckFailed

__all__ = ["TellResult", "tell", "tell_command", "told_text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TellResult:
    """What came of it, channel by channel; in a dry run nobody was told."""

    channels: Sequence[Told]
    dry_run: bool

    @property
    def due(self) -> int:
        """How many people channels still have to be told of."""
        return sum(told.due for told in self.channels)


def tell(ctx: Context, *, dry_run: bool = False) -> TellResult:
    """Tell every channel to forget the people who were erased, and those that ask for it of withdrawals.

    Who is answered for is due no more. A channel that fails keeps what is due for the next time.

    Raises:
        LedgerBroken: a row was changed by other hands, or the ledger cannot be written.
    """
    return TellResult(channels=tell_channels(ctx, open_log(ctx), dry_run=dry_run), dry_run=dry_run)


@click.command("tell")
@click.option("--dry-run", is_flag=True, help="Say whom channels have to be told of, but tell nobody.")
@json_option
@pass_context
def tell_command(ctx: Context, *, dry_run: bool, as_json: bool) -> None:
    """Tell channels to forget who was erased, and whose permission ended; exit code 1 where something is still due.

    Of a withdrawal those channels hear that declare it and the purpose. The gate denies from the withdrawal on, told or
    not: they hear of it to stop what waits at their partner.

    Example: imp consent tell
    """
    done = tell(ctx, dry_run=dry_run)
    emit(done, lambda: told_text(done), as_json=as_json)
    if done.due and not dry_run:
        raise click.exceptions.Exit(CheckFailed.exit_code)


def told_text(done: TellResult) -> str:
    """One line for each channel."""
    return "\n".join(_line(told, dry_run=done.dry_run) for told in done.channels) or "nobody has to be told anything"


def _line(told: Told, *, dry_run: bool) -> str:
    person, people = ("erased person", "erased people") if told.purpose is None else ("person", "people")
    parts = [] if dry_run else [f"told of {some(told.told, person, people)}"]
    if told.due or dry_run:
        parts.append(f"{told.due} due" + (f" ({told.overdue} overdue)" if told.overdue else ""))
    if told.problem is not None:
        parts.append(told.problem)
    about = told.channel if told.purpose is None else f"{told.channel}, end of permission for {told.purpose}"
    return f"{about}: {', '.join(parts)}"
