"""`imp audit uses`: what people's data was used for, by whom, and which uses late denials flag for review."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import click

from imp_consent.audit.flagged import Flagged, find_flagged
from imp_consent.audit.uses import ANALYSTS, DONE, RecordedUse, UseFilter, read_uses
from imp_consent.commands.period import period, period_options
from imp_consent.ledger.reader import Reader
from imp_consent.policy.misnamed import unknown_purpose
from imp_consent.policy.purpose import read_purposes
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import BadInput
from imp_core.suppress import hidden, hidden_together

__all__ = ["FlagShown", "UseShown", "UsesFound", "uses", "uses_command"]

_LISTED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagShown:
    """Why a use is to be reviewed: how many people, in all and by reason (None: fewer than k); what denies them.

    People are counted once, under each of their reasons: so where one reason's count is hidden all are, since what the
    others leave of all people would tell it.
    `entries` are the lowest and highest of the entries that deny, None where none says it any more.
    """

    people: int | None
    reasons: Mapping[str, int | None]
    entries: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UseShown:
    """One use: the entries that mark and close it (None: open, or of one entry), when, what, who and for what.

    Counts of 1 to k - 1 are None. `state` is "done", "open" or "abandoned"; an analysis that is not done has no counts.
    """

    seq: int
    close: int | None
    at: str
    action: str
    plugin: str
    purposes: tuple[str, ...]
    channel: str | None
    actor: str
    about: str | None
    permitted: int | None
    denied: Mapping[str, int | None]
    state: str
    flag: FlagShown | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsesFound:
    """The uses asked for, oldest first, in a ledger of `size` entries; `k` is below what counts are hidden."""

    size: int
    k: int
    uses: tuple[UseShown, ...]


def uses(ctx: Context, wanted: UseFilter, *, flagged: bool = False) -> UsesFound:
    """The uses a filter takes, each with its flag; `flagged`: only those that have one. Writes nothing.

    Raises:
        BadInput: nobody declared such a purpose or one below it, and no use was for it; or no such plugin is enabled,
            and no use was by it.
        LedgerBroken: the ledger cannot be read.
    """
    k = ctx.workspace.k
    with open_log(ctx).read() as reader:
        if wanted.purpose is not None:
            _check_purpose(reader, wanted.purpose)
        if wanted.plugin is not None:
            _check_plugin(ctx, reader, wanted.plugin)
        found, size = read_uses(reader, wanted), reader.size
        flags = find_flagged(reader, found)
    shown = tuple(_shown(use, flags.get(use.seq), k) for use in found if use.seq in flags or not flagged)
    return UsesFound(size=size, k=k, uses=shown)


@click.command("uses")
@click.option("--flagged", is_flag=True, help="Only uses that what was said later would not permit.")
@click.option("--purpose", help="Only uses for this purpose, or one below it.")
@click.option("--plugin", help="Only uses by this channel, or by `experiments`.")
@period_options
@json_option
@pass_context
def uses_command(
    ctx: Context,
    *,
    flagged: bool,
    purpose: str | None,
    plugin: str | None,
    begins: str | None,
    ends: str | None,
    as_json: bool,
) -> None:
    """List the uses of people's data: what was taken in, analysed and sent. Counts below k are not shown.

    A flag says that a withdrawal or another no was recorded after the use, of a time before what it read: whoever
    decides on the data reviews it. The flag counts people who may have been in the use, never whom.

    Example: imp audit uses --flagged --from 2026-01-01 --to 2026-03-31
    """
    from_us, to_us = period(begins, ends)
    found = uses(ctx, UseFilter(from_us=from_us, to_us=to_us, purpose=purpose, plugin=plugin), flagged=flagged)
    emit(found, lambda: _text(found), as_json=as_json)


def _check_purpose(reader: Reader, purpose: str) -> None:
    """A misspelt purpose has no uses, which would read like good news."""
    known = {*read_purposes(reader), *(name for use in read_uses(reader) for name in use.purposes)}
    if not any(f"{name}.".startswith(f"{purpose}.") for name in known):
        raise unknown_purpose(purpose, known, where="--purpose")


def _check_plugin(ctx: Context, reader: Reader, plugin: str) -> None:
    """A misspelt name has no uses either."""
    known = {*ANALYSTS, *ctx.workspace.plugin_pins, *(use.plugin for use in read_uses(reader))}
    if plugin not in known:
        raise BadInput("no such plugin is enabled, nor in any use", where="--plugin", mend=f"one of: {_few(known)}")


def _few(names: Iterable[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:_LISTED]) + (", … (see: imp plugin list)" if len(found) > _LISTED else "")


def _shown(use: RecordedUse, flag: Flagged | None, k: int) -> UseShown:
    return UseShown(
        seq=use.seq,
        close=use.close_seq,
        at=format_time(use.at_us),
        action=use.action,
        plugin=use.plugin,
        purposes=use.purposes,
        channel=use.channel,
        actor=use.actor,
        about=use.about,
        permitted=None if use.permitted is None else hidden(use.permitted, k),
        denied={reason: hidden(n, k) for reason, n in use.denied.items()},
        state=use.state,
        flag=None if flag is None else _flag(flag, k),
    )


def _flag(flag: Flagged, k: int) -> FlagShown:
    return FlagShown(
        people=hidden(flag.people, k),
        reasons=hidden_together(flag.reasons, k),
        entries=flag.entries,
    )


def _text(found: UsesFound) -> str:
    out = [_line(use) for use in found.uses]
    flagged = sum(use.flag is not None for use in found.uses)
    return "\n".join(
        [*out, f"{some(len(found.uses), 'use')}, {flagged} flagged; 'few' is fewer than {found.k}, or would tell that"]
    )


def _line(use: UseShown) -> str:
    about = f" {use.about}" if use.about else ""
    denied = ", ".join(f"{reason} {_count(n)}" for reason, n in use.denied.items())
    counted = use.state == DONE or use.permitted is not None
    came = f"permitted {_count(use.permitted)}" + (f"; denied: {denied}" if denied else "") if counted else use.state
    seqs = f"{use.seq}" if use.close is None else f"{use.seq}, {use.close}"
    line = f"{seqs:>12}  {use.at}  {use.action} {','.join(use.purposes) or '-'}  {use.plugin}{about}  by {use.actor}"
    line = f"{line}  {came}"
    if use.flag is not None:
        why = ", ".join(f"{reason} {_count(n)}" for reason, n in use.flag.reasons.items())
        entries = "" if use.flag.entries is None else f"; entries {use.flag.entries[0]} to {use.flag.entries[1]}"
        line += f"\n{'':>12}  FLAGGED: denied since: {why}{entries}"
    return line


def _count(n: int | None) -> str:
    return "few" if n is None else str(n)
