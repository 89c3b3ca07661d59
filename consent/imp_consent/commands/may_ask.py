"""`imp consent may-ask`: whether a person may be asked for consent, or asked again after a no."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import click

from imp_consent.commands.arguments import read_identifier, time_option
from imp_consent.commands.saying_options import law_options
from imp_consent.ledger.entry import PersonEntry
from imp_consent.policy.asked_law import asked_law
from imp_consent.policy.case import Case
from imp_consent.policy.decide import SOURCES, Reason
from imp_consent.policy.house import read_house
from imp_consent.policy.misnamed import unknown_purpose
from imp_consent.policy.objected import Objection, standing_objection
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.recorded import Law
from imp_consent.policy.regime import Regimes, read_regimes
from imp_consent.policy.reprompt import may_ask
from imp_consent.policy.sources import source_of_part
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import CheckFailed
from imp_core.event import RawId

__all__ = ["MayAsk", "ask_again", "may_ask_command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MayAsk:
    """Whether the person may be asked now; if not, from when on (ISO 8601), and by which entry.

    `objected` is since when an objection of theirs about it stands (None: none does), by `entry` where nothing else
    decides. Where it is one to direct marketing they are not asked at all: `not_before` is None then, and `source` the
    law. Of their own accord they may say yes at any time.
    """

    allowed: bool
    not_before: str | None
    entry: int | None
    objected: str | None = None
    source: str | None = None


def ask_again(
    ctx: Context,
    raw_id: RawId,
    *,
    purpose: str,
    channel: str | None = None,
    at_us: int | None = None,
    regimes: tuple[str, ...] | None = None,
    jurisdiction: str | None = None,
) -> MayAsk:
    """Whether somebody may be asked for a purpose (at a time, None: now). Writes nothing.

    Each no carries the end of its wait by the law it was recorded under; where `regimes` or `jurisdiction` name
    another, its wait must be over too. Who objected to direct marketing is not asked for it: that is marketing itself.

    Raises:
        BadInput: the identifier is malformed, the purpose, a regime or the jurisdiction unknown, or that law does not
            hold there.
    """
    with open_log(ctx).read() as reader:
        purposes = read_purposes(reader)
        if purpose not in purposes:
            raise unknown_purpose(purpose, purposes, where="--purpose")
        subject = reader.find_subject(raw_id)
        house, known = read_house(ctx.workspace.config), read_regimes(reader)
        named = regimes is not None or jurisdiction is not None
        law = Law(house.regimes, house.jurisdiction)
        if named:
            law = asked_law(known, house, Law(regimes, jurisdiction))
        history = [] if subject is None else reader.history(subject)
        case = Case(rules=known.rules(*law), purposes=purposes, history=history)
        now_us = ctx.clock.now_us() if at_us is None else at_us
        against = standing_objection(case, purpose, channel or "", at_us=now_us)
        source = None
        if against is not None and against.to_marketing:
            source = next(_sources(history, against, known), "") or SOURCES[Reason.OBJECTED]
    found = may_ask(case, purpose, channel or "", at_us=now_us, by_rules=named)
    until = None if found.not_before_us is None else format_time(found.not_before_us)
    if against is None:
        return MayAsk(allowed=found.allowed, not_before=until, entry=found.entry)
    return MayAsk(
        allowed=found.allowed and source is None,
        not_before=until if source is None else None,
        entry=against.entry if source is not None or found.entry is None else found.entry,
        objected=format_time(against.at_us),
        source=source,
    )


def _sources(history: Iterable[PersonEntry], against: Objection, known: Regimes) -> Iterator[str]:
    return (source_of_part(entry, "objection", known) for entry in history if entry.seq == against.entry)


@click.command("may-ask")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--purpose", required=True, help="What they would be asked for.")
@click.option("--channel", help="On which channel (default: whatever channel).")
@click.option("--at", help="When, ISO 8601 with a zone (default: now).")
@law_options
@json_option
@pass_context
def may_ask_command(
    ctx: Context,
    *,
    identifier: str,
    purpose: str,
    channel: str | None,
    at: str | None,
    regimes: tuple[str, ...],
    jurisdiction: str | None,
    as_json: bool,
) -> None:
    """Say whether a person may be asked for consent: exit code 0 yes, 1 not yet. Writes nothing.

    For how long nobody is asked again, the law says under which a no was recorded; and the one that is named here, or
    that of the place. Who objected to direct marketing is not asked for it by any message.

    Example: imp consent may-ask member:123 --purpose marketing.email
    """
    found = ask_again(
        ctx,
        read_identifier(identifier),
        purpose=purpose,
        channel=channel,
        at_us=time_option(at, "--at"),
        regimes=regimes or None,
        jurisdiction=jurisdiction,
    )
    emit(found, _text(found), as_json=as_json)
    if not found.allowed:
        raise click.exceptions.Exit(CheckFailed.exit_code)


def _text(found: MayAsk) -> str:
    if found.source is not None:
        return (
            f"no: they objected to direct marketing at {found.objected} (entry {found.entry}), and a message that asks "
            f"for it is direct marketing itself ({found.source}); they may say yes of their own accord"
        )
    objected = "" if found.objected is None else f"; they objected at {found.objected}"
    when = f"not before {found.not_before} (entry {found.entry})"
    return f"{'may be asked' if found.allowed else when}{objected}"
