"""`imp approve`: the second person's word for what one person may not do alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from imp_consent.commands.arguments import listed_identifiers
from imp_consent.commands.two_persons import Asked, approve, find_asked, find_waiting, is_of
from imp_consent.plane.strangers import find_strangers
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import BadInput, CheckFailed
from imp_core.event import RawId

__all__ = ["AskedShown", "Compared", "Waiting", "approve_command", "compare", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Whether the people of a list are exactly those an entry asks to erase, and how many either names.

    `unknown` are the places in the list, the first being 1, of identifiers by which nobody is known.
    """

    seq: int
    same: bool
    asked_people: int
    listed_people: int
    unknown: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedShown:
    """What somebody asked to do: its entry, who and when, until when it holds, and who approved it (None: nobody).

    `compared` is the list that it was compared with before it was approved (None: none).
    """

    seq: int
    at: str
    until: str
    actor: str
    deed: str
    people: int | None
    sha256: str
    approved_by: str | None
    compared: Compared | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits for a second person, or is approved and not done yet; oldest first."""

    waiting: tuple[AskedShown, ...]


def waiting(ctx: Context) -> Waiting:
    """What waits; writes nothing."""
    with open_log(ctx).read() as reader:
        return Waiting(waiting=tuple(map(_shown, find_asked(reader, now_us=ctx.clock.now_us()))))


def compare(ctx: Context, seq: int, raw_ids: Sequence[RawId]) -> Compared:
    """Whether what an entry asks for is the erasure of exactly these people; writes nothing.

    Raises:
        BadInput: nothing waits by this number, it is no erasure, or an identifier is malformed.
    """
    log = open_log(ctx)
    with log.read() as reader:
        asked = find_waiting(reader, seq, now_us=ctx.clock.now_us())
        found = [reader.find_subject(raw) for raw in raw_ids]
    if asked.people is None:
        mend = f"it says what is done by itself: {asked.deed}"
        raise BadInput("this asks for no erasure, so there is no list to look at", where="--of", mend=mend)
    strangers = find_strangers(log, raw_ids)
    subjects = {subject for subject in found if subject is not None}
    named = {place for place, raw in enumerate(raw_ids, start=1) if raw in strangers.raw_ids}
    return Compared(
        seq=seq,
        same=is_of(asked, subjects, strangers.tokens),
        asked_people=asked.people,
        listed_people=len(subjects) + len(strangers.tokens),
        unknown=tuple(n for n, subject in enumerate(found, start=1) if subject is None and n not in named),
    )


@click.command("approve")
@click.argument("seq", required=False, type=int)
@click.option(
    "--of",
    "listed",
    metavar="FILE|-",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Of an erasure: approve it only if it is of exactly the people listed here, one identifier a line.",
)
@click.option("--check", "check_only", is_flag=True, help="With --of: only say whether it is; approve nothing.")
@json_option
@pass_context
def approve_command(
    ctx: Context, seq: int | None, *, listed: Path | None, check_only: bool, as_json: bool
) -> None:  # fmt: skip
    """Approve what somebody else asked to do, named by its entry SEQ; without SEQ, list what waits.

    Changes of keys need it where imp.toml says [policy] two_persons = true; erasing many people then too, more than 10
    or than two_persons_above says, which is in force by itself. Whoever asked then runs the same command again. An
    approval is good for one time and seven days.

    What is asked names nobody. To know whom you let be erased, get the list from whoever asks, look at it, and hand it
    over with --of: anybody more, less or else in what was asked, and nothing is approved.

    Example: imp --actor ben approve 4711 --of list.txt
    """
    if seq is None or (check_only and listed is None):
        if listed is not None or check_only:
            raise BadInput("a list is compared with one entry", where="--of", mend="imp approve SEQ --of FILE")
        found = waiting(ctx)
        text = "\n".join(map(_line, found.waiting)) or "nothing waits for approval"
        emit(found, text, as_json=as_json)
        return
    compared = None if listed is None else compare(ctx, seq, listed_identifiers(_at(ctx, listed)))
    if compared is not None and (check_only or not compared.same):
        _say(compared, as_json=as_json)
        return
    done = replace(_shown(approve(ctx, seq)), compared=compared)
    of = "" if compared is None else f", of exactly the {some(compared.listed_people, 'person', 'people')} listed"
    emit(done, f"approved: {done.deed}, which {done.actor} asked for{of}", as_json=as_json)


def _say(compared: Compared, *, as_json: bool) -> None:
    """Whether the list is the one; exit code 1 where it is not, and nothing is approved."""
    unknown = f"; nobody is known by {some(len(compared.unknown), 'line')} of it" if compared.unknown else ""
    asked, listed = (some(n, "person", "people") for n in (compared.asked_people, compared.listed_people))
    same = f"this is the list: {asked}, nobody more, less or else{unknown}"
    other = f"this is not the list: asked for are {asked}, listed {listed}, or others{unknown}; nothing is approved"
    emit(compared, same if compared.same else other, as_json=as_json)
    if not compared.same:
        raise click.exceptions.Exit(CheckFailed.exit_code)


def _at(ctx: Context, path: Path) -> Path:
    return path if str(path) == "-" else ctx.directory / path


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
