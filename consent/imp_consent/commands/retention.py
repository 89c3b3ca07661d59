"""`imp consent retention`: remove what is past the periods of `imp.toml`; a dry run by default (GDPR 5(1)(e))."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import click

from imp_consent.commands.two_persons import guard_erasure
from imp_consent.ledger.log import Log
from imp_consent.ledger.transaction import Transaction
from imp_consent.plane.at_rest import AtRest, still_at_rest
from imp_consent.plane.remove import pending, request_erasure, resume
from imp_consent.plane.retention import due, remove_requests, remove_rows
from imp_consent.plane.schedule import Schedule, read_schedule
from imp_consent.policy.envelope import envelope
from imp_consent.rights.notify import KnownRecipients, leave_notices
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context, progress
from imp_core.context import Context
from imp_core.counting import some
from imp_core.ports import Json

__all__ = ["RetentionResult", "retention", "retention_command"]

_BACK: Final = (
    "who goes is taken up by no file again, also whose yes only ran out: they come back by a yes that they give anew, "
    "imp consent record … --state given --returning"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionResult:
    """What was removed, or would be, by the `schedule` of imp.toml.

    `rows` of the archive by type, from so many `files`; `people` whose evidence is past its period, and `requests` of
    people whose words are. `guardians` are people left as they are, since so many `authorisations` of people whose
    evidence is kept name them. `kept_meanwhile` were past it when this began, and are no more when they would have been
    erased: somebody wrote something of them. `under_way` are erasures begun before, which --execute finishes.
    `to_notify` are recipients that are no channels and had data of who is erased: you tell them yourself, and they are
    listed by `imp consent recipients list` (GDPR 19).
    """

    dry_run: bool
    schedule: Mapping[str, Json]
    rows: Mapping[str, int] = field(default_factory=dict)
    files: int = 0
    people: int = 0
    guardians: int = 0
    authorisations: int = 0
    requests: int = 0
    kept_meanwhile: int = 0
    under_way: int = 0
    to_notify: tuple[str, ...] = ()


def retention(ctx: Context, *, execute: bool = False) -> RetentionResult:
    """Look what is past its period, and (`execute`) remove it; killed at any point, the next run goes on.

    Raises:
        BadInput: [retention] of imp.toml is not a schedule.
        CheckFailed: of so many people the evidence goes that a second person has to approve it; nothing was removed.
        LedgerBroken: the ledger or the archive was changed by other hands, or cannot be written.
    """
    schedule, log, workspace = read_schedule(ctx.workspace.config), open_log(ctx), ctx.workspace
    with progress("rows") as shown:
        found = due(log, workspace, schedule, count=shown.advance)
    people = found.at_rest.people
    result = RetentionResult(
        dry_run=not execute,
        schedule=schedule.plain(),
        rows=found.rows,
        files=found.files,
        people=len(people),
        guardians=found.at_rest.guardians,
        authorisations=found.at_rest.authorisations,
        requests=len(found.requests),
        under_way=pending(log),
        to_notify=_recipients(log, people),
    )
    if not execute:
        return result
    guard_erasure(ctx, people)
    removed = remove_rows(log, workspace, schedule)
    requests = remove_requests(log, schedule, found.requests)
    return _erase(ctx, schedule, found.at_rest, replace(result, rows=removed, requests=requests))


def _recipients(log: Log, people: tuple[int, ...]) -> tuple[str, ...]:
    with log.read() as reader:
        known = KnownRecipients(reader)
        return tuple(sorted({one.name for subject in people for one in known.named_by(subject)}))


def _erase(ctx: Context, schedule: Schedule, found: AtRest, result: RetentionResult) -> RetentionResult:
    """Erase people whose proof of consent has served its time: what stays is the token that keeps their no.

    Removing rows takes its time, and so did the look for these people: each is judged anew under the lock under which
    their erasure is requested, and whoever is at rest no more stays. Whom to tell by hand is noted there too, while it
    can be read who they are. What an earlier run did not finish is finished.
    """
    log = open_log(ctx)
    body = envelope(
        ctx, type_="erase-requested", event_us=ctx.clock.now_us(), purpose="*", more={"task": "retention-elapsed"}
    )

    def chosen(transaction: Transaction) -> tuple[int, ...]:
        nonlocal result
        still = still_at_rest(transaction, transaction.now_us, schedule.evidence or 0, found)
        told = leave_notices(transaction, still.people, "erase")
        result = replace(
            result,
            people=len(still.people),
            guardians=found.guardians + still.guardians,
            authorisations=found.authorisations + still.authorisations,
            kept_meanwhile=len(found.people) - len(still.people),
            to_notify=tuple(one.name for one in told),
        )
        if still.people:
            said: dict[str, Json] = {"what": "evidence", "days": schedule.evidence, "people": len(still.people)}
            transaction.append_system("retention", said)
        return still.people

    if found.people:
        request_erasure(log, chosen, body, channels=sorted(ctx.workspace.plugin_pins))
    if pending(log):
        resume(log, ctx.workspace)
    return result


@click.command("retention")
@click.option("--execute", is_flag=True, help="Remove it; without it only what would be removed is counted.")
@json_option
@pass_context
def retention_command(ctx: Context, *, execute: bool, as_json: bool) -> None:
    """Remove what is past the periods of [retention] in imp.toml: events, evidence of consent, requests.

    Events go by type and age. A person of whom nothing is permitted any more, and was not for the period of evidence,
    is erased: only a keyed token stays, which keeps them from being taken up again. So it is too with who never said
    no and whose yes ran out: no file brings them back, only a yes that they give anew (imp consent record … --state
    given --returning). A guardian whom the record of somebody else names, whose evidence is kept, is left and counted.
    Who says yes, or anything else that keeps their evidence, while this runs, stays. What is not scheduled is kept.
    More people at once than one person may erase wait for a second one, and nothing goes before.

    Example: imp consent retention --execute
    """
    done = retention(ctx, execute=execute)
    emit(done, lambda: _text(done), as_json=as_json)


def _text(done: RetentionResult) -> str:
    rows = ", ".join(f"{n} of type {type_}" for type_, n in done.rows.items()) or "no events"
    people, asked = some(done.people, "person", "people"), some(done.requests, "person", "people")
    what = f"{rows} in {some(done.files, 'file')}; the evidence of {people}; the requests of {asked}"
    back = f"\n{_BACK}" if done.people else ""
    tell = back + (f"\nrecipients that you tell yourself: {', '.join(done.to_notify)}" if done.to_notify else "")
    left = ""
    if done.guardians:
        named = f", named as guardian in {some(done.authorisations, 'authorisation')} of people whose evidence is kept"
        left = f"\nleft: the evidence of {some(done.guardians, 'person', 'people')}{named}"
    if done.kept_meanwhile:
        left += f"\nkept: {some(done.kept_meanwhile, 'person', 'people')} of whom something was recorded meanwhile"
    if done.dry_run and done.under_way:
        left += f"\n{some(done.under_way, 'erasure is', 'erasures are')} under way: --execute finishes what was begun"
    if not done.dry_run:
        return f"removed {what}{left}{tell}"
    if not any((done.rows, done.people, done.requests)):
        return f"nothing is past its period{left}"
    return f"would remove {what}; run again with --execute{left}{tell}"
