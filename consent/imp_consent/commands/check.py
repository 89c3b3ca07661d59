"""`imp consent check`: ask the gate about one use of one person's data."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import click

from imp_consent.commands.arguments import read_identifier, time_option
from imp_consent.commands.still_denied import still_denied_text
from imp_consent.gate import denied_channels, known_at
from imp_consent.policy.decide import Reason, decision
from imp_consent.policy.purpose import read_purposes
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput, CheckFailed, LedgerBroken
from imp_core.event import RawId
from imp_core.gate import Action, Decision, Use

__all__ = ["Checked", "check", "check_command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Decision):
    """The gate's decision; `still_denied_on` are channels, with the reason, on which it does not hold.

    They are named where the question names no channel and the answer is yes: that is no answer about a channel whose
    own withdrawal or refusal stands.
    """

    still_denied_on: Mapping[str, str] = field(default_factory=dict)


def check(
    ctx: Context,
    raw_id: RawId,
    *,
    purpose: str,
    channel: str | None = None,
    at_us: int | None = None,
    known_at_us: int | None = None,
) -> Checked:
    """The gate's decision at an event time (None: now), as known at a record time (None: now). Writes nothing.

    Where the ledger cannot be read the answer is a denial, `ledger_unavailable`.

    Raises:
        BadInput: the identifier is malformed or the purpose unknown.
        WorkspaceMissing, KeysUnusable: there is nothing to ask.
    """
    return _or_unavailable(lambda: _ask(ctx, raw_id, purpose, channel or None, at_us, known_at_us))


def _ask(  # noqa: PLR0917 (the words of the question, once)
    ctx: Context, raw_id: RawId, purpose: str, channel: str | None, at_us: int | None, known_at_us: int | None
) -> Checked:
    size = None
    with open_log(ctx).read() as reader:
        subject = reader.find_subject(raw_id)
        if purpose not in read_purposes(reader):
            raise BadInput("unknown purpose", where="--purpose", mend="see: imp consent purpose list")
        if known_at_us is not None and subject is not None:
            size = known_at(reader.history(subject), known_at_us)
        use = Use(purpose=purpose, action=Action.COLLECT, subject=subject, channel=channel)
        when = ctx.clock.now_us() if at_us is None else at_us
        found = ctx.gate.decide(use, at_us=when, known_at=size)
        denied: Mapping[str, str] = {}
        if found.permitted and channel is None and subject is not None:
            denied = denied_channels(reader, subject, purpose, at_us=when, known_at=size)
        return _checked(found, denied)


def _checked(found: Decision, denied: Mapping[str, str]) -> Checked:
    return Checked(
        permitted=found.permitted,
        reason=found.reason,
        source=found.source,
        entries=found.entries,
        still_denied_on=denied,
    )


def _or_unavailable(ask: Callable[[], Checked]) -> Checked:
    try:
        return ask()
    except (LedgerBroken, sqlite3.Error) as error:
        why = error if isinstance(error, LedgerBroken) else f"the database cannot be read: {type(error).__name__}"
        click.echo(f"warning: {why}", err=True)
        return _checked(decision(Reason.LEDGER_UNAVAILABLE), {})


@click.command("check")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--purpose", required=True, help="What the data would be used for.")
@click.option("--channel", help="On which channel (default: a use without a channel, such as an analysis).")
@click.option("--at", help="The time of the use, ISO 8601 with a zone (default: now).")
@click.option("--known-at", help="As the ledger stood at this time (default: now).")
@json_option
@pass_context
def check_command(
    ctx: Context,
    *,
    identifier: str,
    purpose: str,
    channel: str | None,
    at: str | None,
    known_at: str | None,
    as_json: bool,
) -> None:
    """Say whether a person's data may be used so: exit code 0 permitted, 1 denied. Writes nothing.

    Example: imp consent check member:123 --purpose analytics --at 2026-03-01T09:30:00Z
    """
    at_us = time_option(at, "--at")
    found = check(
        ctx,
        read_identifier(identifier),
        purpose=purpose,
        channel=channel,
        at_us=at_us,
        known_at_us=time_option(known_at, "--known-at"),
    )
    emit(found, lambda: _text(found, ctx.clock.now_us() if at_us is None else at_us), as_json=as_json)
    if not found.permitted:
        raise click.exceptions.Exit(CheckFailed.exit_code)


def _text(found: Checked, at_us: int) -> str:
    entries = ", ".join(str(seq) for seq in found.entries)
    decided = f"decided by entry {entries}" if entries else "no entry decides"
    answer = "permitted" if found.permitted else "denied"
    return f"{answer} at {format_time(at_us)}: {found.reason} ({decided}; {found.source})" + still_denied_text(
        found.still_denied_on
    )
