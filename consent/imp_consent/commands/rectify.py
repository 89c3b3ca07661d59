"""`imp consent rectify`: an entry that was wrong counts no more, and what is right takes its place (GDPR 16)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import click

from imp_consent.commands.arguments import read_identifier, time_option
from imp_consent.commands.disclose import Asking, asked_for, request_options
from imp_consent.rights.asking import Asked
from imp_consent.rights.correct import Correction, correct
from imp_consent.rights.notify import leave_notices
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.event import RawId

__all__ = ["RectifyResult", "rectify", "rectify_command"]

_OLDER: Final = (
    "this yes is now older than the registration here of the notice that it is on record with: if another text was "
    "shown, correct it without --at, and record it anew with that notice: --notice HASH (GDPR 7(1))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RectifyResult:
    """The correction, the entry that was wrong, the one in its place (None: none), and who is to be told of it.

    `older_than_notice`: it is moved back to a time at which the notice it rests on was not registered here yet.
    """

    seq: int
    corrects: int
    replaced_by: int | None
    request: str
    to_notify: tuple[str, ...]
    older_than_notice: bool = False


def rectify(ctx: Context, raw: RawId, correction: Correction, asked: Asked) -> RectifyResult:
    """Correct an entry of a person. From now on no gate reads it; as of before, answers stay as they were.

    Raises:
        CheckFailed: it is not known surely enough who asks; they have no such entry, it was corrected, or denies.
        BadInput: the identifier is malformed, or what is to take its place could not be valid.
    """
    with open_log(ctx).write() as transaction:
        done = correct(ctx, transaction, raw, correction, asked)
        told = leave_notices(transaction, [done.subject], "rectify")
    return RectifyResult(
        seq=done.seq,
        corrects=correction.entry,
        replaced_by=done.replaced_by,
        request=done.request.id,
        to_notify=tuple(recipient.name for recipient in told),
        older_than_notice=done.older_than_notice,
    )


@click.command("rectify")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option(
    "--entry", required=True, type=int, help="The number of the entry that is wrong; see: imp consent history."
)
@click.option("--at", help="When the person really said so, ISO 8601 with a zone.")
@click.option("--purpose", help="What they really said it about.")
@click.option("--channel", help="On which channel they really said it for.")
@click.option("--evidence", help="Where the proof is that it was so; needed where more is permitted than was.")
@request_options
@json_option
@pass_context
def rectify_command(
    ctx: Context, *, identifier: str, entry: int, at: str | None, purpose: str | None, channel: str | None,
    evidence: str | None, asking: Asking, as_json: bool,
) -> None:  # fmt: skip
    """Correct an entry that permits something: the old one stays in history, superseded, and no gate reads it.

    With --at, --purpose or --channel the right one is recorded in its place; where that permits more than the entry
    did, such as from an earlier time, --evidence says what shows it. A no is never corrected away. Recipients that may
    have the old value are listed by `imp consent recipients list`.

    Example: imp consent rectify member:123 --entry 12 --verified reasonable --how "showed the form"
    """
    at_us = time_option(at, "--at")
    correction = Correction(entry=entry, at_us=at_us, purpose=purpose, channel=channel, evidence=evidence)
    done = rectify(ctx, read_identifier(identifier), correction, asked_for("rectify", asking))
    text = f"entry {done.seq}: entry {done.corrects} counts no more"
    text += f"; entry {done.replaced_by} is in its place" if done.replaced_by is not None else ""
    if done.older_than_notice:
        click.echo(f"warning: {_OLDER}", err=True)
    if done.to_notify:
        text += f"\nrecipients to be told: {', '.join(done.to_notify)}; see: imp consent recipients list"
    emit(done, text, as_json=as_json)
