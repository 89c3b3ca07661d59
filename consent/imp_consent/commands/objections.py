"""`imp consent object`, `restrict`, `limit` and `lift`: rights that close what consent would open (GDPR 18, 21)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import click

from imp_consent.commands.arguments import read_identifier, time_option
from imp_consent.commands.disclose import LATE, Asking, asked_for, request_options
from imp_consent.commands.import_warnings import warn
from imp_consent.commands.law_taken import law_text
from imp_consent.commands.under_way import under_way_text
from imp_consent.commands.unknown_until_now import is_unknown, of_whom
from imp_consent.ledger.entry import EVERY_PURPOSE
from imp_consent.ledger.in_flight import messages_in_flight
from imp_consent.policy.closes import closed_by
from imp_consent.policy.lift_rules import LIMITS_BY_NAME
from imp_consent.rights.asking import Asked
from imp_consent.rights.limits import LIMITS, Lift, Limit, lift_limit, put_limit
from imp_consent.rights.notify import leave_notices
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["LiftResult", "LimitResult", "lift", "lift_command", "limit", "limit_command", "object_command",
           "restrict_command"]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitResult:
    """The entry that limits, and the request that it answers. `purpose` "*" is everything.

    `channel` None is every channel. `received` is when the request came in, `late` whether this answers it after it was
    due. `in_flight` are messages to them that were under way. `to_notify` are recipients to be told of a restriction
    (GDPR 19). `closes` are the kinds of use that it closes (None: every one in its purpose). `law_unknown` is what is
    wrong with the law or place it was said under (None: nothing): it stands under the strictest law then. `still_open`
    are ids of other open requests of this kind by them. `regimes` and `jurisdiction` (None: not known) are its law.
    `warnings` say where it may have been meant for somebody else: nobody was known by the identifier.
    """

    seq: int
    request: str
    kind: str
    purpose: str
    channel: str | None
    at: str
    in_flight: int
    received: str
    late: bool
    to_notify: tuple[str, ...] = ()
    closes: tuple[str, ...] | None = None
    law_unknown: str | None = None
    still_open: tuple[str, ...] = ()
    regimes: tuple[str, ...] = ()
    jurisdiction: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftResult:
    """The entry that lifts, of what, on which channel (None: every one), how and when the person was told before.

    `told` is None where nobody need be told.
    """

    seq: int
    lifted: str
    purpose: str
    channel: str | None
    told: str | None
    told_at: str | None


def limit(ctx: Context, raw: RawId, wanted: Limit, asked: Asked) -> LimitResult:
    """Limit the use of a person's data from now on (or since they asked), without asking who they are.

    Raises:
        BadInput: an unknown purpose or channel, a time to come, or a malformed identifier.
        Suppressed: the person was erased: nothing of theirs is used any more.
    """
    with open_log(ctx).write() as transaction:
        unknown = is_unknown(transaction, raw)
        request, done, still_open, fault, law = put_limit(ctx, transaction, raw, wanted, asked)
        warnings = of_whom(transaction, raw, unknown=unknown)
        in_flight = messages_in_flight(transaction, [done.subject])
        told = leave_notices(transaction, [done.subject], "restrict") if wanted.kind == "restrict" else ()
    return LimitResult(
        seq=done.seq,
        request=request.id,
        kind=wanted.kind,
        purpose=wanted.purpose,
        channel=wanted.channel or None,
        at=format_time(done.statement.at_us),
        in_flight=in_flight,
        received=format_time(request.received_us),
        late=request.late,
        to_notify=tuple(recipient.name for recipient in told),
        closes=closed_by(done.statement),
        law_unknown=None if fault is None else _unknown(fault),
        still_open=still_open,
        regimes=law.regimes or (),
        jurisdiction=law.jurisdiction,
        warnings=warnings,
    )


def lift(ctx: Context, raw: RawId, wanted: Lift) -> LiftResult:
    """Lift a restriction, an objection or a limit on sensitive data, where the law lets it be.

    Raises:
        CheckFailed: nothing of the kind is in force, or it may not be lifted (so).
        BadInput: an unknown purpose or channel, or words that are not one line.
    """
    with open_log(ctx).write() as transaction:
        done = lift_limit(ctx, transaction, raw, wanted)
    return LiftResult(
        seq=done.seq,
        lifted=wanted.of,
        purpose=wanted.purpose,
        channel=wanted.channel or None,
        told=wanted.told,
        told_at=None if wanted.told_us is None else format_time(wanted.told_us),
    )


def _scope_options(function: Callable[..., Any]) -> Any:  # noqa: ANN401 (click's own decorators say no more)
    options = (
        click.option("--purpose", default=EVERY_PURPOSE, help="Only this purpose and those below it (default: all)."),
        click.option("--channel", default="", help="Only this channel (default: every channel)."),
        click.option("--grounds", help="Why, in one line; kept encrypted."),
        click.option("--at", help="Since when, ISO 8601 with a zone (default: now)."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command("object")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--everything", is_flag=True, help="To all that rests on interests, not only to direct marketing.")
@_scope_options
@request_options
@json_option
@pass_context
def object_command(
    ctx: Context, *, identifier: str, everything: bool, purpose: str, channel: str, grounds: str | None, at: str | None,
    asking: Asking, as_json: bool,
) -> None:  # fmt: skip
    """Record an objection: by default to all direct marketing, with the profiling for it, whatever it rests on.

    With --purpose, to what rests on interests there, until compelling grounds are assessed. Nobody has to prove who
    they are. Only the person's own later consent reopens direct marketing.

    Example: imp consent object member:123
    """
    if everything and purpose != EVERY_PURPOSE:
        mend = "leave --purpose out to object to everything, or --everything to object to this purpose"
        raise BadInput("--everything and --purpose contradict each other", where="--everything", mend=mend)
    wanted = Limit(
        kind="object", purpose=purpose, channel=channel, grounds=grounds, at_us=time_option(at, "--at"),
        marketing=purpose == EVERY_PURPOSE and not everything,
    )  # fmt: skip
    _limit(ctx, identifier, wanted, asking, as_json=as_json)


@click.command("restrict")
@click.argument("identifier", metavar="KIND:VALUE|-")
@_scope_options
@request_options
@json_option
@pass_context
def restrict_command(
    ctx: Context, *, identifier: str, purpose: str, channel: str, grounds: str | None, at: str | None, asking: Asking,
    as_json: bool,
) -> None:  # fmt: skip
    """Restrict the use of a person's data: it is stored, and used for nothing, until it is lifted.

    Example: imp consent restrict member:123 --grounds "contests that the data is right"
    """
    wanted = Limit(kind="restrict", purpose=purpose, channel=channel, grounds=grounds, at_us=time_option(at, "--at"))
    _limit(ctx, identifier, wanted, asking, as_json=as_json)


@click.command("limit")
@click.argument("identifier", metavar="KIND:VALUE|-")
@_scope_options
@request_options
@json_option
@pass_context
def limit_command(
    ctx: Context, *, identifier: str, purpose: str, channel: str, grounds: str | None, at: str | None, asking: Asking,
    as_json: bool,
) -> None:  # fmt: skip
    """Limit the use of a person's sensitive data to what the law permits without asking (CCPA §1798.121).

    Example: imp consent limit member:123 --regime us-ca --jurisdiction US-CA
    """
    wanted = Limit(kind="limit", purpose=purpose, channel=channel, grounds=grounds, at_us=time_option(at, "--at"))
    _limit(ctx, identifier, wanted, asking, as_json=as_json)


@click.command("lift")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--of", required=True, type=click.Choice(sorted(LIMITS.values())), help="What is lifted.")
@click.option("--purpose", default=EVERY_PURPOSE, help="Only for this purpose and those below it (default: all).")
@click.option("--channel", default="", help="Only on this channel (default: on every channel).")
@click.option("--grounds", help="Of an objection: the assessment of compelling grounds; of a limit: how they asked.")
@click.option("--told", help="Of a restriction: how the person was told before it is lifted.")
@click.option("--told-at", help="When they were told, ISO 8601 with a zone.")
@json_option
@pass_context
def lift_command(
    ctx: Context, *, identifier: str, of: str, purpose: str, channel: str, grounds: str | None, told: str | None,
    told_at: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Lift a restriction, once the person was told; an objection, on compelling grounds; a limit, where they ask.

    An objection to direct marketing is never lifted: only the person's own later consent opens it again.

    Example: imp consent lift member:123 --of restrict --told "letter of 3 March" --told-at 2026-03-03T10:00:00Z
    """
    told_us = time_option(told_at, "--told-at")
    wanted = Lift(of=of, purpose=purpose, channel=channel, grounds=grounds, told=told, told_us=told_us)
    if (told is None) != (told_at is None):
        raise BadInput("say both how and when the person was told", where="--told", mend="--told and --told-at")
    done = lift(ctx, read_identifier(identifier), wanted)
    where = f" on the channel {done.channel}" if done.channel else ""
    text = f"entry {done.seq}: the {LIMITS_BY_NAME[done.lifted]} is lifted for {_named(done.purpose)}{where}"
    emit(done, text, as_json=as_json)


def _limit(ctx: Context, identifier: str, wanted: Limit, asking: Asking, *, as_json: bool) -> None:
    done = limit(ctx, read_identifier(identifier), wanted, asked_for(wanted.kind, asking))
    where = f" on the channel {done.channel}" if done.channel else ""
    what = "objected to direct marketing" if wanted.marketing else f"{_DONE[done.kind]} for {_named(done.purpose)}"
    text = f"entry {done.seq}: {what}{where} from {done.at} (request {done.request}, of {done.received})"
    text += law_text(done.regimes, done.jurisdiction, None)
    text += LATE if done.late else ""
    text += f"; other requests for this by them are open: {', '.join(done.still_open)}" if done.still_open else ""
    if done.to_notify:
        text += f"\nrecipients to be told: {', '.join(done.to_notify)}; see: imp consent recipients list"
    emit(done, text + under_way_text(done.in_flight), as_json=as_json)
    warn(done.warnings)
    if done.law_unknown is not None:
        click.echo(f"warning: {done.law_unknown}", err=True)


def _unknown(error: BadInput) -> str:
    option = _OPTIONS.get(error.where or "", error.where or "")
    return f"{error.what} ({option}): it stands under the strictest law there is; {error.mend}"


_OPTIONS: Final = {"jurisdiction": "--jurisdiction", "regime": "--regime"}
_DONE: Final = {"object": "objected", "restrict": "restricted", "limit": "sensitive data limited"}


def _named(purpose: str) -> str:
    return "everything" if purpose == EVERY_PURPOSE else purpose
