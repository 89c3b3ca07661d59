"""`imp consent requests`: what people asked for, by when it is to be answered, and what became of it (GDPR 12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import click

from imp_consent.commands.arguments import read_identifier
from imp_consent.commands.disclose import Asking, asked_for, asking_options
from imp_consent.plane.notices import due_notices
from imp_consent.policy.requested import OCCASIONS
from imp_consent.rights.asking import Asked, open_request
from imp_consent.rights.infeasible import keep_only_stored
from imp_consent.rights.requests import (
    EXTENSIONS,
    OUTCOMES,
    REFUSALS,
    Request,
    answer_request,
    expect_open,
    extend_request,
    find_request,
    own_requests,
    read_requests,
)
from imp_consent.rights.verification import KINDS, check_verified
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import BadInput, CheckFailed
from imp_core.event import RawId

__all__ = ["RequestLine", "RequestList", "answer", "extend", "list_requests", "open_", "requests"]

_ANSWERED: Final = "answered"
_INFEASIBLE: Final = "infeasible"
_RECIPIENTS: Final = "imp consent recipients list"
# Kinds that a command of the same name carries out, which notes the answer.
_CARRIED_OUT: Final = ("access", "erase", "limit", "object", "portability", "rectify", "restrict")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    """One request; times are ISO 8601, None where there is none. `state` is open, overdue or what became of it.

    `extendable_to` is the furthest its due time can still be moved; `task`: why it was opened without being asked for.
    """

    id: str
    entry: int
    kind: str
    regimes: tuple[str, ...]
    state: str
    received: str
    due: str | None
    extendable_to: str | None
    verified: str
    task: str | None
    extended: str | None
    answered: str | None
    reason: str | None
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestList:
    """Requests, the most urgent first, and how many are overdue.

    `to_tell` is how many recipients still have to be told of what people asked, `to_tell_late` of how many the time is
    over: `imp consent recipients list` names them.
    """

    requests: tuple[RequestLine, ...]
    overdue: int
    to_tell: int = 0
    to_tell_late: int = 0


def list_requests(ctx: Context, *, every: bool = False, of: RawId | None = None) -> RequestList:
    """The open requests (`every`: the answered ones too), the one due first at the top. Writes nothing.

    `of` are those of one person alone, by whatever they are known.

    Raises:
        BadInput: the identifier is malformed.
    """
    log = open_log(ctx)
    now_us = ctx.clock.now_us()
    with log.read() as reader:
        found = [request for request in read_requests(reader) if every or request.outcome is None]
        if of is not None:
            subject = reader.find_subject(of)
            theirs = own_requests(() if subject is None else reader.history(subject))
            found = [request for request in found if request.id in theirs]
        due = due_notices(reader, now_us=now_us)
    found.sort(key=lambda r: (r.outcome is not None, r.due_us is None, r.due_us or r.received_us, r.seq))
    overdue = sum(request.overdue(now_us) for request in found)
    return RequestList(
        requests=tuple(_line(request, now_us) for request in found),
        overdue=overdue,
        to_tell=len({one.recipient for one in due}),
        to_tell_late=len({one.recipient for one in due if one.overdue}),
    )


def open_(ctx: Context, raw: RawId, asked: Asked, *, task: str | None = None) -> RequestLine:
    """Note a request that came in; its clock runs from when it did. Below the level that it needs it is noted as well.

    Raises:
        BadInput: no such kind or regime, a time to come, or a malformed identifier.
    """
    if asked.shown.level != "none":
        check_verified({}, "withdraw", asked.shown)  # the words alone
    with open_log(ctx).write() as transaction:
        request = open_request(ctx, transaction, raw, asked, task=task)
    return _line(request, ctx.clock.now_us())


def answer(
    ctx: Context, id_: str, *, outcome: str, reason: str | None = None, raw: RawId | None = None, done: bool = False
) -> RequestLine:
    """Note what became of a request. `infeasible`: what cannot be deleted is only stored and protected from now on.

    This carries nothing out: `answered` is noted only where you say that what was asked for is `done`.

    Raises:
        BadInput: no such request, outcome or reason; `answered` and not `done`; or `infeasible` without the person, or
            of no erasure.
        CheckFailed: it was answered before.
    """
    with open_log(ctx).write() as transaction:
        request = find_request(read_requests(transaction), id_)
        expect_open(request)
        _check_done(request, outcome, done=done)
        if outcome == _INFEASIBLE:
            if raw is None:
                what = "whose data only is to be stored from now on?"
                raise BadInput(what, where="--of", mend="name the person: --of KIND:VALUE")
            keep_only_stored(ctx, transaction, raw, request)
        answered = answer_request(transaction, request, outcome=outcome, reason=reason)
    return _line(answered, ctx.clock.now_us())


def extend(ctx: Context, id_: str, *, reason: str) -> RequestLine:
    """Move a request's due time to the furthest its regimes allow; the person is to be told why (GDPR 12(3)).

    Raises:
        BadInput: no such request or reason.
        CheckFailed: it is answered, overdue, was extended, or no regime in force lets it be.
    """
    with open_log(ctx).write() as transaction:
        request = find_request(read_requests(transaction), id_)
        return _line(extend_request(transaction, request, reason=reason), ctx.clock.now_us())


@click.group("requests")
def requests() -> None:
    """What people asked for, and by when it is to be answered.

    Example: imp consent requests list
    """


@requests.command("list")
@click.option("--all", "every", is_flag=True, help="The answered ones too.")
@click.option("--of", "person", metavar="KIND:VALUE|-", help="Only those of this person.")
@click.option("--check", is_flag=True, help="Exit code 1 where one is overdue.")
@json_option
@pass_context
def list_command(ctx: Context, *, every: bool, person: str | None, check: bool, as_json: bool) -> None:
    """List the requests that are open, the most urgent first. It says nobody's name; --of lists one person's.

    Whom you still have to tell of what people asked has a list and a --check of its own: imp consent recipients list.

    Example: imp consent requests list --check
    """
    found = list_requests(ctx, every=every, of=None if person is None else read_identifier(person))
    emit(found, lambda: _list_text(found), as_json=as_json)
    if check and found.overdue:
        raise click.exceptions.Exit(CheckFailed.exit_code)


@requests.command("open")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--task", help="Nobody asked: the occasion, such as purpose-achieved.")
@asking_options
@json_option
@pass_context
def open_command(ctx: Context, *, kind: str, identifier: str, task: str | None, asking: Asking, as_json: bool) -> None:
    """Note a request that came in, and start its clock.

    The ledger's open entry has its kind and times; whose it is only an encrypted entry of the person says. Whoever is
    not known gets no entry.

    Example: imp consent requests open access member:123 --received 2026-03-01T09:00:00Z
    """
    if task is not None and task not in OCCASIONS:
        raise BadInput("not an occasion", where="--task", mend=f"one of {', '.join(OCCASIONS)}")
    done = open_(ctx, read_identifier(identifier), asked_for(kind, asking), task=task)
    emit(done, _text(done), as_json=as_json)


@requests.command("answer")
@click.argument("request", metavar="ID")
@click.option("--outcome", required=True, type=click.Choice(OUTCOMES), help="What became of it.")
@click.option("--done", is_flag=True, help="With answered: what was asked for was carried out; this only notes it.")
@click.option("--because", "reason", type=click.Choice(REFUSALS), help="Why it is refused.")
@click.option("--of", "person", metavar="KIND:VALUE|-", help="Whose it is: where deletion is infeasible.")
@json_option
@pass_context
def answer_command(
    ctx: Context, *, request: str, outcome: str, reason: str | None, person: str | None, done: bool, as_json: bool
) -> None:
    """Note what became of a request. It carries nothing out.

    The commands that carry out what was asked for (imp consent access, erase and others) note the answer by themselves.
    Where it was done in another way, say so: --outcome answered --done.

    Example: imp consent requests answer 8b6bdec6 --outcome refused --because excessive
    """
    raw = None if person is None else read_identifier(person)
    noted = answer(ctx, request, outcome=outcome, reason=reason, raw=raw, done=done)
    emit(noted, _text(noted), as_json=as_json)


@requests.command("extend")
@click.argument("request", metavar="ID")
@click.option("--because", "reason", required=True, type=click.Choice(EXTENSIONS), help="Why it takes longer.")
@json_option
@pass_context
def extend_command(ctx: Context, *, request: str, reason: str, as_json: bool) -> None:
    """Extend a request once, within its first period; tell the person so, and why.

    Example: imp consent requests extend 8b6bdec6 --because complexity
    """
    done = extend(ctx, request, reason=reason)
    emit(done, _text(done) + "\ntell the person of it, and why", as_json=as_json)


def _check_done(request: Request, outcome: str, *, done: bool) -> None:
    if done and outcome != _ANSWERED:
        raise BadInput("done, and not answered", where="--done", mend=f"it goes with: --outcome {_ANSWERED}")
    if outcome == _ANSWERED and not done:
        command = request.kind if request.kind in _CARRIED_OUT else "record … --state withdrawn"
        raise BadInput(
            f"nothing was carried out: this only notes what became of a request ({request.kind})",
            where="--outcome",
            mend=f"carry it out with imp consent {command}; where that was done in another way, add --done",
        )


def _line(request: Request, now_us: int) -> RequestLine:
    extendable = request.outcome is None and request.extended is None and not request.overdue(now_us)
    return RequestLine(
        id=request.id,
        entry=request.seq,
        kind=request.kind,
        regimes=request.regimes,
        state=request.outcome or ("overdue" if request.overdue(now_us) else "open"),
        received=format_time(request.received_us),
        due=_time(request.due_us),
        extendable_to=_time(request.latest_us) if extendable else None,
        verified=request.verified,
        task=request.task,
        extended=request.extended,
        answered=_time(request.answered_us),
        reason=request.reason,
        late=request.late,
    )


def _list_text(found: RequestList) -> str:
    lines = list(map(_text, found.requests)) or ["no request is open"]
    if found.to_tell:
        late = f", {found.to_tell_late} of them overdue" if found.to_tell_late else ""
        lines.append(f"{some(found.to_tell, 'recipient is', 'recipients are')} to be told{late}; see: {_RECIPIENTS}")
    return "\n".join(lines)


def _time(time_us: int | None) -> str | None:
    return None if time_us is None else format_time(time_us)


def _text(line: RequestLine) -> str:
    due = f"due {line.due}" if line.due else "no regime sets a clock"
    extended = f" (extended: {line.extended})" if line.extended else ""
    task = f", task: {line.task}" if line.task else ""
    why = f" ({line.reason})" if line.reason else ""
    late = ", late" if line.late else ""
    return f"{line.id}  {line.kind:<12} {line.state}{why}{late}  received {line.received}, {due}{extended}{task}"
