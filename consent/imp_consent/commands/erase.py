"""`imp consent erase`: ask for a person's erasure and carry it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import click

from imp_consent.commands.arguments import read_identifiers
from imp_consent.commands.disclose import Asking, asked_for, request_options
from imp_consent.commands.erase_restricted import OPTION, check_restricted, restricted_entries, unasked
from imp_consent.commands.erase_results import ErasedAndTold, ErasePlan, erasure_text, plan_text
from imp_consent.commands.erased import unknown_text
from imp_consent.commands.of_nobody import forget_nobody, nothing_to_erase
from imp_consent.commands.tell import tell
from imp_consent.commands.two_persons import guard_erasure
from imp_consent.ledger.in_flight import messages_in_flight
from imp_consent.ledger.log import Log
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.guardians import authorised_by, names_of, of_identifier
from imp_consent.plane.linked import devices_of
from imp_consent.plane.remove import Erased, pending, request_erasure, resume
from imp_consent.plane.strangers import find_strangers, forget_strangers
from imp_consent.policy.envelope import envelope
from imp_consent.rights.asking import Asked, open_request, take_up
from imp_consent.rights.erasures import answer_all, open_besides, open_erasures
from imp_consent.rights.notify import KnownRecipients, leave_notices
from imp_consent.rights.requests import Request
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput, CheckFailed, ImpError
from imp_core.event import RawId

__all__ = ["ErasePlan", "ErasedAndTold", "erase", "erase_and_tell", "erase_command", "plan_erasure"]


def plan_erasure(ctx: Context, raw_ids: list[RawId], *, asked: Asked | None = None) -> ErasePlan:
    """Look what erasing these people would do; writes nothing. `asked` as in `erase_and_tell`.

    Raises:
        BadInput: an identifier is malformed, or it was asked for, and is not the request named.
        CheckFailed: it is not known surely enough who asks.
    """
    log = open_log(ctx)
    waiting = _taken_up(ctx, log, raw_ids, asked)
    with log.read() as reader:
        found = [reader.find_subject(raw) for raw in raw_ids]
        subjects = {subject for subject in found if subject is not None}
        histories = [reader.history(subject) for subject in subjects]
        known = KnownRecipients(reader)
        names = {recipient.name for subject in subjects for recipient in known.named_by(subject)}
        besides = open_besides(reader, subjects)
        stands_as = names_of(reader, subjects).union(of_identifier(reader, raw) for raw in raw_ids)
        named = authorised_by(reader, stands_as)
        restricted = restricted_entries(reader, subjects)
        silent = unasked(reader, subjects) if asked is None else ()
    return ErasePlan(
        known=bool(subjects),
        entries=sum(map(len, histories)),
        pending=pending(log),
        unknown=_unknown(found),
        to_notify=tuple(sorted(names)),
        devices=len({device for history in histories for device in devices_of(history)} - subjects),
        answers=waiting.id if waiting and not subjects else None,
        left_open=besides,
        authorisations=len(named),
        restricted=restricted,
        unasked=silent,
    )


def erase(ctx: Context, raw_ids: list[RawId], *, later: bool = False, though_restricted: bool = False) -> Erased:
    """Erase people, and finish what earlier erasures left undone. The gate denies from the first step on.

    `later` leaves what makes backups unreadable (`imp_consent.plane.remove.resume`) to a later call.

    Raises:
        BadInput: an identifier is malformed.
        CheckFailed: nobody is known by any of the identifiers, somebody has the use of their data restricted, unless
            it is meant `though_restricted`, or a second person has to approve it.
    """
    log = open_log(ctx)
    _, subjects = _find(log, raw_ids)
    if not though_restricted:
        _expect_unrestricted(log, subjects)
    if raw_ids and not subjects:
        raise nothing_to_erase(log, raw_ids, None)
    guard_erasure(ctx, subjects)
    done, _ = _erase(ctx, subjects, later=later, anyway=though_restricted)
    return done


def erase_and_tell(
    ctx: Context,
    raw_ids: list[RawId],
    *,
    later: bool = False,
    asked: Asked | None = None,
    though_restricted: bool = False,
) -> ErasedAndTold:
    """Erase people, then tell channels to forget them; what goes wrong there never undoes or fails the erasure.

    `asked`: a person asks for it, whose open request is taken up, or noted where none is. Without it you erase of your
    own accord, and nobody is said to have asked; who restricted the use of their data, and has not asked, is erased so
    only `though_restricted`. Either way it answers all that they have open for their erasure.

    Raises:
        BadInput: an identifier is malformed; or it was asked for, and is not one person's, or not the request named.
        CheckFailed: it is not known surely enough who asks; nobody is known by any of the identifiers; somebody is
            restricted; or a second person has to approve it. Nobody was erased or told.
    """
    log = open_log(ctx)
    waiting = _taken_up(ctx, log, raw_ids, asked)
    found, subjects = _find(log, raw_ids)
    anyway = asked is not None or though_restricted
    if not anyway:
        _expect_unrestricted(log, subjects)
    strangers = find_strangers(log, raw_ids)  # guardians who are nobody else here
    guard_erasure(ctx, subjects, strangers.tokens)
    if raw_ids and not subjects:
        gone, answers = forget_nobody(ctx, log, strangers, asked, waiting)
        if gone.seq is None and not answers:
            raise nothing_to_erase(log, raw_ids, asked)
        return ErasedAndTold(people=0, leaves=0, rows=0, files=0, seq=gone.seq, answered=answers, authorisations=gone.n)
    gone = forget_strangers(log, strangers, expect=None if anyway else lambda under: check_restricted(under, subjects))
    if asked is not None and waiting is None:
        with log.write() as transaction:
            open_request(ctx, transaction, raw_ids[0], asked)
    answers, besides = _before(log, subjects)
    done, to_notify = _erase(ctx, subjects, later=later, anyway=anyway, notify=True)
    done = replace(done, authorisations=done.authorisations + gone.n)
    answer_all(log, answers)
    store = log.keyring.store
    try:
        told, problem = tell(ctx).channels, None
    except ImpError as error:
        told, problem = (), error.what
    return ErasedAndTold(
        **{item.name: getattr(done, item.name) for item in fields(done)},
        told=told,
        problem=problem,
        unknown=_unknown(found),
        keys_fixed=None if store.writable else store.place,
        to_notify=to_notify,
        answered=answers,
        left_open=besides,
    )


def _taken_up(ctx: Context, log: Log, raw_ids: list[RawId], asked: Asked | None) -> Request | None:
    """Where a person asks: the open request this answers, once it is known surely enough who it is, and not before."""
    if asked is None:
        return None
    if len(raw_ids) != 1:
        raise BadInput("a request is one person's", where="identifier", mend="name them alone, by one identifier")
    with log.read() as reader:
        return take_up(ctx, reader, raw_ids[0], asked)


def _find(log: Log, raw_ids: list[RawId]) -> tuple[list[int | None], list[int]]:
    """Who is known by each identifier, and everybody once."""
    with log.read() as reader:
        found = [reader.find_subject(raw) for raw in raw_ids]
    return found, sorted({subject for subject in found if subject is not None})


def _expect_unrestricted(log: Log, subjects: Sequence[int]) -> None:
    with log.read() as reader:
        check_restricted(reader, subjects)


def _erase(
    ctx: Context, subjects: Sequence[int], *, later: bool, anyway: bool, notify: bool = False
) -> tuple[Erased, tuple[str, ...]]:
    """Erase; where it is to `notify`, word is left for who else had their data, and these are returned.

    Unless it is meant `anyway`, who restricts the use of their data while this starts is looked for under the lock
    under which the erasure is requested: they are kept, and word of an erasure is left for nobody.
    """
    log = open_log(ctx)
    body = envelope(ctx, type_="erase-requested", event_us=ctx.clock.now_us(), purpose="*")
    to_notify: tuple[str, ...] = ()

    def chosen(transaction: Transaction) -> Sequence[int]:
        nonlocal to_notify
        if not anyway:
            check_restricted(transaction, subjects)
        if notify:
            to_notify = tuple(one.name for one in leave_notices(transaction, subjects, "erase"))
        return subjects

    request_erasure(log, chosen, body, channels=sorted(ctx.workspace.plugin_pins))
    with log.read() as reader:  # the gate denies them by now, so it cannot become more
        in_flight = messages_in_flight(reader, subjects)
    return replace(resume(log, ctx.workspace, later=later), in_flight=in_flight), to_notify


def _before(log: Log, subjects: Sequence[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """While it can still be read: which requests this answers, and which it leaves open."""
    with log.read() as reader:
        return open_erasures(reader, subjects), open_besides(reader, subjects)


def _unknown(found: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(place for place, subject in enumerate(found, start=1) if subject is None)


@click.command("erase")
@click.argument("identifiers", nargs=-1, metavar="KIND:VALUE…|-")
@click.option("--execute", is_flag=True, help="Erase; without it only what would happen is shown.")
@click.option("--resume", "resume_only", is_flag=True, help="Finish erasures that were interrupted, or left for later.")
@click.option("--later", is_flag=True, help="Leave changing the key and clearing the database to a nightly --resume.")
@click.option(OPTION, is_flag=True, help="Erase also who restricted the use of their data and did not ask for it.")
@request_options
@json_option
@pass_context
def erase_command(
    ctx: Context, identifiers: tuple[str, ...], *, execute: bool, resume_only: bool, later: bool,
    though_restricted: bool, asking: Asking, as_json: bool,
) -> None:  # fmt: skip
    """Erase people: denied at once, rows removed, keys destroyed. It cannot be undone, so it is a dry run by default.

    At the end the key that wraps everybody's keys is changed and the old one destroyed: only then is what a backup of
    the ledger holds of them unreadable. The archive's own backups are yours to clear.

    Where the person asks for it, say how surely you know who asks (--verified), or name their open request (--request):
    below the level needed it is refused. Their open request is the one that is answered, and all others for it that
    they have open. Without either you erase of your own accord, which answers them as well; who restricted the use of
    their data may need it, and is erased so only with --though-restricted.

    Example: imp consent erase member:123 --execute
    """
    if identifiers and resume_only:
        mend = "erase them with --execute, which resumes as well"
        raise BadInput("--resume names nobody: it finishes what was begun", where="--resume", mend=mend)
    raw_ids = read_identifiers() if identifiers == ("-",) else [RawId.parse(word) for word in identifiers]
    if not raw_ids and not resume_only:
        raise BadInput("nobody to erase", mend="name identifiers, - to read them, or --resume", where="identifier")
    own_accord = asking == Asking() and not _says_how_surely()
    asked = None if own_accord else asked_for("erase", asking)
    if execute or resume_only:
        try:
            done = erase_and_tell(ctx, raw_ids, later=later, asked=asked, though_restricted=though_restricted)
        except KeyboardInterrupt:
            click.echo("what was begun is denied already; finish it with: imp consent erase --resume", err=True)
            raise
        emit(
            done,
            lambda: erasure_text(done, named=bool(raw_ids)) + unknown_text(done.unknown, len(raw_ids)),
            as_json=as_json,
        )
        return
    plan = plan_erasure(ctx, raw_ids, asked=asked)
    emit(plan, plan_text(plan, len(raw_ids)), as_json=as_json)
    if not plan.known and plan.answers is None and not plan.authorisations:
        raise click.exceptions.Exit(CheckFailed.exit_code)


def _says_how_surely() -> bool:
    """Whether --verified was given: `none` means that somebody asks and nothing shows who, not that nobody asks."""
    source = click.get_current_context().get_parameter_source("verified")
    return source is not click.core.ParameterSource.DEFAULT
