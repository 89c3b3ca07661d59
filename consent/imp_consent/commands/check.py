"""`imp consent check`: ask the gate about one use of one person's data."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import click

from imp_consent.commands.arguments import read_identifier, time_option
from imp_consent.commands.explanation import explanation
from imp_consent.commands.still_denied import permitted_text, still_denied_text
from imp_consent.gate import denied_channels, known_at, permitted_channels
from imp_consent.ledger.entry import EVERY_CHANNEL, PersonEntry
from imp_consent.ledger.reader import Reader
from imp_consent.policy.asked_law import asked_law
from imp_consent.policy.bounced import own_no
from imp_consent.policy.case import Case
from imp_consent.policy.channels import expect_channel
from imp_consent.policy.decide import Reason, decision
from imp_consent.policy.explain import Asked, explain
from imp_consent.policy.house import read_house
from imp_consent.policy.misnamed import unknown_purpose
from imp_consent.policy.openers import OF_AGE_ALONE, what_opens
from imp_consent.policy.purpose import read_purposes
from imp_consent.policy.recorded import Law
from imp_consent.policy.regime import read_regimes
from imp_consent.policy.rules import Rules
from imp_consent.policy.scope import PERMITTING_TYPES, Scope
from imp_consent.policy.sources import source_of
from imp_consent.policy.suffices import falls_short
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput, CheckFailed, LedgerBroken
from imp_core.event import RawId
from imp_core.gate import Action, Decision, Use

__all__ = ["Checked", "Explained", "check", "check_command"]


_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Decision):
    """The gate's decision; `still_denied_on` are channels, with the reason, on which it does not hold.

    They are named where the question names no channel and the answer is yes: that is no answer about a channel whose
    own withdrawal or refusal stands. `permitted_on` are the channels on which it is yes where it is no without one.
    `falls_short` is what that which permits it lacks under `asked_under`, the law that was asked about; nothing, where
    none was. `permitted` stays the gate's own answer, by the law recorded.
    """

    still_denied_on: Mapping[str, str] = field(default_factory=dict)
    falls_short: list[str] = field(default_factory=list)
    asked_under: tuple[str, ...] = ()
    permitted_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained(Checked):
    """The same with sentences that say what decided, since when, by which law, and what would change it."""

    explanation: list[str] = field(default_factory=list)


def check(
    ctx: Context,
    raw_id: RawId,
    *,
    purpose: str,
    channel: str | None = None,
    at_us: int | None = None,
    known_at_us: int | None = None,
    explained: bool = False,
    regimes: tuple[str, ...] | None = None,
    jurisdiction: str | None = None,
) -> Checked:
    """The gate's decision at an event time (None: now), as known at a record time (None: now). Writes nothing.

    With `explained` the answer is `Explained`. The gate goes by the law under which each entry was recorded; `regimes`
    and `jurisdiction` ask besides whether what permits the use would do so under theirs.

    Where the ledger cannot be read the answer is a denial, `ledger_unavailable`.

    Raises:
        BadInput: the identifier is malformed, the purpose, channel, a regime or the jurisdiction unknown, that law does
            not hold there, or `known_at_us` is still to come.
        WorkspaceMissing, KeysUnusable: there is nothing to ask.
    """
    if known_at_us is not None and known_at_us > ctx.clock.now_us():
        raise BadInput(
            "what will be known at a time to come nobody knows now",
            where="--known-at",
            mend="name a time until now, or leave it out; a use to come is asked about with --at",
        )
    when = ctx.clock.now_us() if at_us is None else at_us
    asked = Asked(purpose=purpose, description="", channel=channel or None, at_us=when, known_us=known_at_us)
    law = None if regimes is None and jurisdiction is None else Law(regimes, jurisdiction)
    return _or_unavailable(lambda: _ask(ctx, raw_id, asked, law, explained=explained), asked if explained else None)


def _ask(ctx: Context, raw_id: RawId, asked: Asked, law: Law | None, *, explained: bool) -> Checked:
    size = None
    with open_log(ctx).read() as reader:
        subject = reader.find_subject(raw_id)
        purposes = read_purposes(reader)
        declared = purposes.get(asked.purpose)
        if declared is None:
            raise unknown_purpose(asked.purpose, purposes, where="--purpose")
        house = read_house(ctx.workspace.config)
        expect_channel(reader, ctx.workspace, house, asked.channel, where="--channel")
        if asked.known_us is not None and subject is not None:
            size = known_at(reader.history(subject), asked.known_us)
        use = Use(purpose=asked.purpose, action=Action.COLLECT, subject=subject, channel=asked.channel)
        found = ctx.gate.decide(use, at_us=asked.at_us, known_at=size)
        history = [] if subject is None else reader.history(subject)
        known = [entry for entry in history if size is None or entry.seq < size]
        own = own_no(known, found, Scope(asked.purpose, asked.channel or EVERY_CHANNEL), at_us=asked.at_us)
        source = source_of(own or found, known, read_regimes(reader), house)
        found = replace(found, source=source)
        denied, opened = _elsewhere(reader, subject, asked, size)
        deciding = [entry for entry in known if found.permitted and entry.seq in found.entries]
        rules = None if law is None else _rules_of(ctx, reader, law)
        under = () if rules is None else rules.names
        lacks = [] if rules is None else _lacks(reader, rules, asked, known, deciding)
        answer = replace(_checked(found, denied, lacks, under), permitted_on=opened)
        if not explained:
            return answer
        opens = None
        if found.reason == Reason.UNDER_AGE:
            opens = what_opens(known, declared, asked.channel or "", asked.at_us) or OF_AGE_ALONE
        words = _words(under) if lacks else None
        asked = replace(asked, description=declared.description, short_under=words, opens=opens)
        return _explained(answer, explanation(reader, asked, known, found, own))


def _elsewhere(
    reader: Reader, subject: int | None, asked: Asked, size: int | None
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """The channels of which the answer without one does not speak: where it is no instead of yes, and yes of no."""
    if subject is None or asked.channel is not None:
        return {}, ()
    denied = denied_channels(reader, subject, asked.purpose, at_us=asked.at_us, known_at=size)
    return denied, permitted_channels(reader, subject, asked.purpose, at_us=asked.at_us, known_at=size)


def _rules_of(ctx: Context, reader: Reader, law: Law) -> Rules:
    """The rules of the law that is asked about.

    Raises:
        BadInput: there is no such regime or jurisdiction, they contradict each other, or which law is meant is not
            known.
    """
    regimes = read_regimes(reader)
    return regimes.rules(*asked_law(regimes, read_house(ctx.workspace.config), law))


def _lacks(
    reader: Reader, rules: Rules, asked: Asked, history: Sequence[PersonEntry], permitting: Sequence[PersonEntry]
) -> list[str]:
    """What the entries that permit a use lack under these rules, of a child as of a child."""
    purposes = read_purposes(reader)
    case = Case(rules=rules, purposes=purposes, history=history)
    purpose, added = purposes[asked.purpose], case.added(asked.at_us)
    forbidding = case.forbidding(asked.purpose, asked.at_us)
    closed = [] if forbidding is None else [f"nobody agrees to it there below {forbidding.below} ({forbidding.source})"]
    said = [entry.statement for entry in permitting if entry.statement.type in PERMITTING_TYPES]
    return closed + [lack for one in said for lack in falls_short(one, purpose, rules, at_us=asked.at_us, added=added)]


def _checked(found: Decision, denied: Mapping[str, str], lacks: list[str], under: tuple[str, ...] = ()) -> Checked:
    return Checked(
        permitted=found.permitted,
        reason=found.reason,
        source=found.source,
        entries=found.entries,
        still_denied_on=denied,
        falls_short=lacks,
        asked_under=under,
    )


def _explained(answer: Checked, explanation: list[str]) -> Explained:
    return Explained(**{one.name: getattr(answer, one.name) for one in fields(answer)}, explanation=explanation)


def _or_unavailable(ask: Callable[[], Checked], explained: Asked | None) -> Checked:
    try:
        return ask()
    except (LedgerBroken, sqlite3.Error) as error:
        why = error if isinstance(error, LedgerBroken) else f"the database cannot be read: {type(error).__name__}"
        click.echo(f"warning: {why}", err=True)
        found = decision(Reason.LEDGER_UNAVAILABLE)
        answer = _checked(found, {}, [])
        return answer if explained is None else _explained(answer, explain(explained, found, []))


@click.command("check")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--purpose", required=True, help="What the data would be used for.")
@click.option("--channel", help="On which channel (default: a use without a channel, such as an analysis).")
@click.option("--at", help="The time of the use, ISO 8601 with a zone (default: now).")
@click.option("--known-at", help="As the ledger stood at this time, now at the latest (default: now).")
@click.option("--explain", "explained", is_flag=True, help="Say in sentences what decided, and what would change it.")
@click.option("--regime", "regimes", multiple=True, help="Ask besides whether it would do under this law.")
@click.option("--jurisdiction", help="Ask besides whether it would do there, such as FR or US-CA.")
@json_option
@pass_context
def check_command(
    ctx: Context,
    *,
    identifier: str,
    purpose: str,
    channel: str | None,
    at: str | None,
    known_at: str | None,
    explained: bool,
    regimes: tuple[str, ...],
    jurisdiction: str | None,
    as_json: bool,
) -> None:
    """Say whether a person's data may be used so: exit code 0 permitted, 1 denied. Writes nothing.

    The gate goes by the law under which each entry was recorded. Whoever moved may need more: --jurisdiction and
    --regime ask whether the yes would do there, and exit with 1 where it would not; --json says why in falls_short,
    and permitted stays the gate's own answer. A place alone means the law that is at home there.

    Example: imp consent check member:123 --purpose analytics --at 2026-03-01T09:30:00Z
    """
    at_us = time_option(at, "--at")
    found = check(
        ctx,
        read_identifier(identifier),
        purpose=purpose,
        channel=channel,
        at_us=at_us,
        known_at_us=time_option(known_at, "--known-at"),
        explained=explained,
        regimes=regimes or None,
        jurisdiction=jurisdiction,
    )
    emit(found, lambda: _text(found, ctx.clock.now_us() if at_us is None else at_us), as_json=as_json)
    if not found.permitted or found.falls_short:
        raise click.exceptions.Exit(CheckFailed.exit_code)


def _text(found: Checked, at_us: int) -> str:
    lines = [_answer(found, at_us), *(found.explanation if isinstance(found, Explained) else [])]
    under = _words(found.asked_under)
    if found.falls_short:
        lines.insert(0, f"no: the gate permits it today under the law recorded; under {under} it would not do")
        lines += [f"under {under} it would not do: {lack}" for lack in found.falls_short]
    elif found.permitted and under:
        lines.append(f"under {under} it would do as well")
    return "\n".join(lines) + still_denied_text(found.still_denied_on) + permitted_text(found.permitted_on)


def _answer(found: Checked, at_us: int) -> str:
    """The gate's answer in one line. Where sentences follow, these name the law, and times to the second."""
    entries = ", ".join(str(seq) for seq in found.entries)
    decided = f"decided by entry {entries}" if entries else "no entry decides"
    answer = "permitted" if found.permitted else "denied"
    if isinstance(found, Explained):
        return f"{answer} at {format_time(at_us - at_us % _SECOND_US)}: {found.reason} ({decided})"
    return f"{answer} at {format_time(at_us)}: {found.reason} ({decided}; {found.source})"


def _words(names: Sequence[str]) -> str:
    return " and ".join(names)
