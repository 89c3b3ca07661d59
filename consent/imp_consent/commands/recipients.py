"""`imp consent recipients`: whom data went to, who is to be told what became of it, and who was (GDPR 15(1)(c), 19)."""

from __future__ import annotations

from dataclasses import dataclass

import click

from imp_consent.plane.notices import NOTIFIED_OF, RESULTS, due_notices, settle_notices
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import CheckFailed

__all__ = ["NoticeDue", "NoticesDue", "Settled", "due", "recipients", "settle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDue:
    """A recipient to tell: of what, of how many people, the first by when (ISO 8601), and how many are late.

    `purpose` is the one that people opted out of; None of an erasure, a correction or a restriction.
    """

    recipient: str
    what: str
    purpose: str | None
    people: int
    due: str
    overdue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticesDue:
    """Who is still to be told by you; channels are told of erasures by `imp consent tell`."""

    recipients: tuple[NoticeDue, ...]
    overdue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The entry that says that a recipient was told, and with what result."""

    seq: int
    recipient: str
    what: str
    purpose: str | None
    result: str


def due(ctx: Context) -> NoticesDue:
    """Who is still to be told; writes nothing.

    Raises:
        LedgerBroken: a row was changed by other hands.
    """
    with open_log(ctx).read() as reader:
        found = due_notices(reader, now_us=ctx.clock.now_us())
    listed = tuple(
        NoticeDue(
            recipient=one.recipient,
            what=one.what,
            purpose=one.purpose,
            people=one.people,
            due=format_time(one.due_us),
            overdue=one.overdue,
        )
        for one in found
    )
    return NoticesDue(recipients=listed, overdue=sum(one.overdue for one in found))


def settle(ctx: Context, recipient: str, *, what: str, result: str = "told", purpose: str | None = None) -> Settled:
    """Note that a recipient was told of everybody it had to be told of, and with what result.

    Raises:
        BadInput: nothing that anybody is told of, or no such result; or an opt-out without its purpose.
        CheckFailed: it does not have to be told of that.
    """
    with open_log(ctx).write() as transaction:
        seq = settle_notices(transaction, recipient, what, result, purpose=purpose)
    return Settled(seq=seq, recipient=recipient, what=what, purpose=purpose, result=result)


@click.group("recipients")
def recipients() -> None:
    """Who is to be told of erasures, corrections, restrictions and opt-outs.

    Example: imp consent recipients list
    """


@recipients.command("list")
@click.option("--check", is_flag=True, help="Exit code 1 where one is overdue.")
@json_option
@pass_context
def list_command(ctx: Context, *, check: bool, as_json: bool) -> None:
    """List the recipients that you still have to tell.

    Example: imp consent recipients list --check
    """
    found = due(ctx)
    emit(found, "\n".join(map(_line, found.recipients)) or "nobody has to be told anything", as_json=as_json)
    if check and found.overdue:
        raise click.exceptions.Exit(CheckFailed.exit_code)


@recipients.command("done")
@click.argument("recipient")
@click.option("--what", required=True, type=click.Choice(NOTIFIED_OF), help="What it was told of.")
@click.option("--purpose", help="Of an opt-out: the purpose.")
@click.option("--result", default="told", type=click.Choice(RESULTS), help="What came of it.")
@json_option
@pass_context
def done_command(ctx: Context, *, recipient: str, what: str, purpose: str | None, result: str, as_json: bool) -> None:
    """Note that a recipient was told; the ledger keeps whom, of what, of how many people and the result.

    Example: imp consent recipients done "Analytics Ltd" --what rectify
    """
    done = settle(ctx, recipient, what=what, result=result, purpose=purpose)
    emit(done, f"entry {done.seq}: {done.recipient}, {_of(done)}: {done.result}", as_json=as_json)


def _line(one: NoticeDue) -> str:
    people = some(one.people, "person", "people")
    late = f" ({one.overdue} overdue)" if one.overdue else ""
    return f"{one.recipient}: {_of(one)} of {people}, due {one.due}{late}"


def _of(one: NoticeDue | Settled) -> str:
    return one.what if one.purpose is None else f"{one.what} from {one.purpose}"
