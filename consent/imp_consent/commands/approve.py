"""`imp approve`: the second person's word for what one person may not do alone."""

from __future__ import annotations

from dataclasses import dataclass

import click

from imp_consent.commands.two_persons import Asked, approve, find_asked
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context

__all__ = ["AskedShown", "Waiting", "approve_command", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedShown:
    """What somebody asked to do: its entry, who and when, until when it holds, and who approved it (None: nobody)."""

    seq: int
    at: str
    until: str
    actor: str
    deed: str
    people: int | None
    sha256: str
    approved_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits for a second person, or is approved and not done yet; oldest first."""

    waiting: tuple[AskedShown, ...]


def waiting(ctx: Context) -> Waiting:
    """What waits; writes nothing."""
    with open_log(ctx).read() as reader:
        return Waiting(waiting=tuple(map(_shown, find_asked(reader, now_us=ctx.clock.now_us()))))


@click.command("approve")
@click.argument("seq", required=False, type=int)
@json_option
@pass_context
def approve_command(ctx: Context, seq: int | None, *, as_json: bool) -> None:
    """Approve what somebody else asked to do, named by its entry SEQ; without SEQ, list what waits.

    Changes of keys, and erasures of many people, need it where imp.toml says [policy] two_persons = true. Whoever asked
    then runs the same command again. An approval is good for one time and seven days.

    Example: imp --actor ben approve 4711
    """
    if seq is None:
        found = waiting(ctx)
        text = "\n".join(map(_line, found.waiting)) or "nothing waits for approval"
        emit(found, text, as_json=as_json)
        return
    done = _shown(approve(ctx, seq))
    emit(done, f"approved: {done.deed}, which {done.actor} asked for", as_json=as_json)


def _shown(asked: Asked) -> AskedShown:
    return AskedShown(
        seq=asked.seq,
        at=format_time(asked.at_us),
        until=format_time(asked.until_us),
        actor=asked.actor,
        deed=asked.deed,
        people=asked.people,
        sha256=asked.sha256,
        approved_by=asked.approved_by,
    )


def _line(asked: AskedShown) -> str:
    state = "waits" if asked.approved_by is None else f"approved by {asked.approved_by}"
    return f"{asked.seq:>8}  {asked.at}  {asked.deed}, asked for by {asked.actor}: {state}, until {asked.until}"
