"""`imp consent erase`: ask for a person's erasure and carry it out."""

from __future__ import annotations

from dataclasses import dataclass

import click

from imp_consent.commands.arguments import read_identifiers
from imp_consent.commands.envelope import envelope
from imp_consent.plane.remove import Erased, pending, request_erasure, resume
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput, CheckFailed
from imp_core.event import RawId

__all__ = ["ErasePlan", "erase", "erase_command", "plan_erasure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasePlan:
    """What an erasure would do: whether the person is known, and how many entries would become unlinkable."""

    known: bool
    entries: int
    pending: int


def plan_erasure(ctx: Context, raw_ids: list[RawId]) -> ErasePlan:
    """Look what erasing these people would do; writes nothing.

    Raises:
        BadInput: an identifier is malformed.
    """
    log = open_log(ctx)
    with log.read() as reader:
        subjects = {subject for raw in raw_ids if (subject := reader.find_subject(raw)) is not None}
        entries = sum(len(reader.history(subject)) for subject in subjects)
    return ErasePlan(known=bool(subjects), entries=entries, pending=pending(log))


def erase(ctx: Context, raw_ids: list[RawId]) -> Erased:
    """Erase people, and finish what earlier erasures left undone. The gate denies from the first step on.

    Raises:
        BadInput: an identifier is malformed.
        CheckFailed: nobody is known by any of the identifiers.
    """
    log = open_log(ctx)
    with log.read() as reader:
        found = {reader.find_subject(raw) for raw in raw_ids}
    subjects = sorted(subject for subject in found if subject is not None)
    if raw_ids and not subjects:
        raise CheckFailed("nobody is known by this identifier: there is nothing to erase")
    body = envelope(ctx, type_="erase-requested", event_us=ctx.clock.now_us(), purpose="*")
    request_erasure(log, subjects, body, channels=sorted(ctx.workspace.plugin_pins))
    return resume(log, ctx.workspace)


@click.command("erase")
@click.argument("identifiers", nargs=-1, metavar="KIND:VALUE…|-")
@click.option("--execute", is_flag=True, help="Erase; without it only what would happen is shown.")
@click.option("--resume", "resume_only", is_flag=True, help="Finish erasures that were interrupted.")
@json_option
@pass_context
def erase_command(
    ctx: Context, identifiers: tuple[str, ...], *, execute: bool, resume_only: bool, as_json: bool
) -> None:
    """Erase people: denied at once, rows removed, keys destroyed. It cannot be undone, so it is a dry run by default.

    Example: imp consent erase member:123 --execute
    """
    raw_ids = read_identifiers() if identifiers == ("-",) else [RawId.parse(word) for word in identifiers]
    if not raw_ids and not resume_only:
        raise BadInput("nobody to erase", mend="name identifiers, - to read them, or --resume")
    if execute or resume_only:
        done = erase(ctx, raw_ids)
        emit(
            done,
            f"erased {done.people} people: {done.leaves} entries can no longer be linked to anyone, "
            f"{done.rows} rows removed from {done.files} files",
            as_json=as_json,
        )
        return
    plan = plan_erasure(ctx, raw_ids)
    text = f"would make {plan.entries} entries unlinkable and remove every row; run again with --execute"
    emit(plan, text if plan.known else "nobody is known by this identifier", as_json=as_json)
    if not plan.known:
        raise click.exceptions.Exit(CheckFailed.exit_code)
