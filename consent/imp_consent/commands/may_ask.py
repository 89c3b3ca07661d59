"""`imp consent may-ask`: whether a person may be asked for consent, or asked again after a no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import click

from imp_consent.commands.arguments import read_identifier, time_option
from imp_consent.commands.saying_options import law_options
from imp_consent.identity.normalize import normalise
from imp_consent.ledger.entry import PersonEntry
from imp_consent.ledger.suppression import is_suppressed
from imp_consent.policy.asked_law import asked_law
from imp_consent.policy.case import Case
from imp_consent.policy.channels import expect_channel
from imp_consent.policy.decide import SOURCES, Reason
from imp_consent.policy.house import read_house
from imp_consent.policy.misnamed import unknown_purpose
from imp_consent.policy.objected import Objection, standing_objection
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.recorded import Law
from imp_consent.policy.regime import Regimes, read_regimes
from imp_consent.policy.reprompt import Asking, may_ask
from imp_consent.policy.sources import source_of_part
from imp_consent.policy.stopped import ANY_MESSAGE, Stop, is_visited, stopped_channels
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import CheckFailed
from imp_core.event import RawId

__all__ = ["MayAsk", "ask_again", "may_ask_command"]

_MARKETING: Final = "a message that asks for it is direct marketing itself"
_USE: Final = "a message that asks would use their data"
_STOPPED: Final[Mapping[str, tuple[str, str]]] = {
    Reason.CHANNEL_OPT_OUT: ("they stopped this channel", "a message that asks is one more there"),
    Reason.SIGNAL: ("a signal of theirs said no", _MARKETING),
    Reason.REFUSED: ("they said no", _MARKETING),
    Reason.WITHDRAWN: ("they withdrew", _MARKETING),
    Reason.RESTRICTED: ("they restricted the use of their data", _USE),
    Reason.ERASED: ("they are erased, or asked to be", _USE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MayAsk:
    """Whether the person may be asked now; if not, from when on (ISO 8601), and by which entry.

    `objected` is since when an objection of theirs about it stands (None: none does), by `entry` where nothing else
    decides. Where it is one to direct marketing they are not asked at all: `not_before` is None then, and `source` the
    law. `not_by` are the channels by which they are not asked because they stopped them, with the entries that say so;
    where the one that was asked about is among them, `stopped` is since when, `because` the gate's reason for it, and
    `bounced` that messages only came back from there. "*" among them is every message. Who was erased has no entry. Of
    their own accord they may say yes at any time.
    """

    allowed: bool
    not_before: str | None
    entry: int | None
    objected: str | None = None
    source: str | None = None
    not_by: Mapping[str, int] = field(default_factory=dict)
    stopped: str | None = None
    bounced: bool = False
    because: str | None = None


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
        BadInput: the identifier is malformed, the purpose, channel, a regime or the jurisdiction unknown, or that law
            does not hold there.
    """
    with open_log(ctx).read() as reader:
        purposes = read_purposes(reader)
        if purpose not in purposes:
            raise unknown_purpose(purpose, purposes, where="--purpose")
        subject = reader.find_subject(raw_id)
        erased = subject is None and is_suppressed(reader.sealed, reader.keyring, normalise(raw_id))
        house, known = read_house(ctx.workspace.config), read_regimes(reader)
        expect_channel(reader, ctx.workspace, house, channel or None, where="--channel")
        named = regimes is not None or jurisdiction is not None
        law = Law(house.regimes, house.jurisdiction)
        if named:
            law = asked_law(known, house, Law(regimes, jurisdiction))
        history = [] if subject is None else reader.history(subject)
        case = Case(rules=known.rules(*law), purposes=purposes, history=history)
        now_us = ctx.clock.now_us() if at_us is None else at_us
        found = _answer(may_ask(case, purpose, channel or "", at_us=now_us, by_rules=named))
        against = standing_objection(case, purpose, channel or "", at_us=now_us)
        found = _with_objection(found, against, history, known)
        stops = stopped_channels(case, purpose, at_us=now_us, channel=channel or "")
        found = _with_stops(found, stops, channel, history, known)
        return _erased() if erased and not is_visited(channel or "") else found


def _erased() -> MayAsk:
    why = Reason.ERASED
    return MayAsk(allowed=False, not_before=None, entry=None, source=SOURCES[why], because=str(why))


def _answer(asking: Asking) -> MayAsk:
    until = None if asking.not_before_us is None else format_time(asking.not_before_us)
    return MayAsk(allowed=asking.allowed, not_before=until, entry=asking.entry)


def _with_objection(found: MayAsk, against: Objection | None, history: Sequence[PersonEntry], known: Regimes) -> MayAsk:
    """The answer, and what they objected to; one to direct marketing alone decides."""
    if against is None:
        return found
    objected = format_time(against.at_us)
    if not against.to_marketing:
        return replace(found, objected=objected, entry=against.entry if found.entry is None else found.entry)
    source = _source(history, against.entry, "objection", known) or SOURCES[Reason.OBJECTED]
    return MayAsk(allowed=False, not_before=None, entry=against.entry, objected=objected, source=source)


def _with_stops(
    found: MayAsk, stops: Mapping[str, Stop], channel: str | None, history: Sequence[PersonEntry], known: Regimes
) -> MayAsk:
    """The answer, and by which channels they are not asked; where no objection does, that decides of the one named."""
    not_by = {name: stop.entry for name, stop in stops.items() if not channel or name == channel}
    stop = stops.get(channel or "")
    if stop is None or found.source is not None:
        return replace(found, not_by=not_by)
    return replace(
        found,
        allowed=False,
        not_before=None,
        entry=stop.entry,
        source=_source(history, stop.entry, stop.reason, known) or SOURCES[stop.reason],
        not_by=not_by,
        stopped=format_time(stop.at_us),
        bounced=not stop.by_person,
        because=stop.reason,
    )


def _source(history: Sequence[PersonEntry], seq: int, part: str, known: Regimes) -> str:
    """What the law of one of these entries says a part of its rests on; empty where it says nothing."""
    return next((source_of_part(entry, part, known) for entry in history if entry.seq == seq), "")


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
    that of the place. Who objected to direct marketing, or said no to it everywhere, is not asked for it by any
    message; who restricted use or was erased, for nothing; who stopped a channel, as by STOP, by none there.

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
    if found.because is not None:
        return _stopped_text(found)
    if found.source is not None:
        return (
            f"no: they objected to direct marketing at {found.objected} (entry {found.entry}), and a message that asks "
            f"for it is direct marketing itself ({found.source}); they may say yes of their own accord"
        )
    objected = "" if found.objected is None else f"; they objected at {found.objected}"
    when = f"not before {found.not_before} (entry {found.entry})"
    stopped = ", ".join(f"{_channel(channel)} (entry {seq})" for channel, seq in found.not_by.items())
    less = f", but not by {stopped}" if stopped else ""
    return f"{'may be asked' if found.allowed else when}{less}{objected}"


def _stopped_text(found: MayAsk) -> str:
    if found.bounced:
        return f"no: messages cannot be delivered there since {found.stopped} (entry {found.entry})"
    since = "" if found.stopped is None else f" at {found.stopped} (entry {found.entry})"
    did, why = _STOPPED[found.because or ""]
    return f"no: {did}{since}, and {why} ({found.source}); they may say yes of their own accord"


def _channel(name: str) -> str:
    return "any message" if name == ANY_MESSAGE else name
