"""`imp consent signal status`: whether an opt-out signal of somebody is honoured, for a page to show."""

from __future__ import annotations

import click

from imp_consent.commands.arguments import read_identifier
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.event import RawId
from imp_core.ports import SignalStatus

__all__ = ["signal_status", "signal_status_command"]


def signal_status(ctx: Context, raw: RawId) -> SignalStatus:
    """Whether an opt-out signal of a browser or person holds. Writes nothing.

    Raises:
        BadInput: the identifier is malformed.
    """
    return ctx.signals.honoured(raw)


@click.command("status")
@click.argument("identifier", metavar="KIND:VALUE|-")
@json_option
@pass_context
def signal_status_command(ctx: Context, *, identifier: str, as_json: bool) -> None:
    """Say whether an opt-out signal is honoured, as a page has to show it (11 CCR §7025(c)(6)). Writes nothing.

    Example: imp consent signal status device:tab-1 --json
    """
    found = signal_status(ctx, read_identifier(identifier))
    emit(found, lambda: _text(found), as_json=as_json)


def _text(found: SignalStatus) -> str:
    if not found.honoured:
        return "no opt-out signal"
    text = f"opt-out signal honoured: {', '.join(found.signals)} since {found.since}; no {', '.join(found.closes)}"
    again = f"\nnobody asks them to opt in again before {found.ask_again_after}" if found.ask_again_after else ""
    tell = f"\nrecipients are to be told by {found.tell_recipients_by}" if found.tell_recipients_by else ""
    return text + again + tell
