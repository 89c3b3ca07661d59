"""`imp consent minor`: somebody is too young to consent alone, and until when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import click

from imp_consent.commands.arguments import read_identifier, time_option
from imp_consent.commands.saying_options import law_options
from imp_consent.ledger.entry import EVERY_PURPOSE
from imp_consent.ledger.transaction import Transaction
from imp_consent.policy.door import Door
from imp_consent.policy.of_age import unheard_until
from imp_consent.policy.period import LATEST_ZONE_US, Period, years_after
from imp_consent.policy.recorded import recorded_law
from imp_consent.policy.regime import read_regimes
from imp_consent.policy.rules import Age
from imp_consent.policy.saying import Saying
from imp_consent.policy.scope import Fact, corrected
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["MinorEntry", "MinorResult", "minor_command", "record_minor"]

_OLDEST = 120
_SHOWN: Final = 3  # entries named before they are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class MinorEntry:
    """One entry: what the person needs ("guardian", "own", "both", "nobody"), from and until when, for which uses."""

    seq: int
    needs: str
    below: int
    since: str
    until: str
    traits: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MinorResult:
    """What was recorded; nothing, where the person is old enough by the regimes that hold, which are `regimes`.

    `law_unknown_in` is their place where it is not known which law is at home there: that may know another age.
    `warnings` say so; and that a guardian's yes is not heard, since this age is told as of later, and what to do.
    """

    entries: tuple[MinorEntry, ...]
    warnings: tuple[str, ...] = ()
    regimes: tuple[str, ...] = ()
    law_unknown_in: str | None = None


def record_minor(
    ctx: Context,
    raw_id: RawId,
    *,
    age: int | None = None,
    born: date | None = None,
    at_us: int | None = None,
    regimes: tuple[str, ...] | None = None,
    jurisdiction: str | None = None,
) -> MinorResult:
    """Record what somebody of an age, or born on a day, needs by the regimes that hold; the day itself is not kept.

    Where only the age is known, the person counts as younger for as long as that is possible. Of a day of birth it is
    known how old they were before: without a time it counts from their first yes that they were too young for, which
    never was one (GDPR 8(1)).

    Raises:
        BadInput: not an age, a birth to come, or the identifier is malformed.
    """
    done = []
    with open_log(ctx).write() as transaction:
        now = transaction.now_us if at_us is None else at_us
        _years(age, born, now)
        door = Door(ctx, transaction, surface="command line")
        said = Saying(type="minor", purpose=EVERY_PURPOSE, at_us=now, regimes=regimes, jurisdiction=jurisdiction)
        named = regimes is not None or jurisdiction is not None  # a place of imp.toml that is none refuses nobody's age
        if named:
            door.rules_strictly(said)
        settled = door.settle(raw_id, said)
        rules, strange = door.rules(settled), _strange_place(transaction, settled)
        known = transaction.find_subject(raw_id)
        since = now
        if born is not None and at_us is None and known is not None:
            since = min([now, *_too_early(transaction, known, born, door)])
        years = _years(age, born, since)
        for rule in rules.under(years):
            until_us = _until(rule, years, born, since)
            one = Saying(
                type="minor",
                purpose=EVERY_PURPOSE,
                at_us=since,
                until_us=until_us,
                needs=rule.needs,
                consent=rules.consent_needed(rule.adds),
                traits=tuple(sorted(rule.traits)),
                regimes=regimes,
                jurisdiction=jurisdiction,
            )
            done.append(
                MinorEntry(
                    seq=door.append(raw_id, one).seq,
                    needs=rule.needs,
                    below=rule.below,
                    since=format_time(since),
                    until=format_time(until_us),
                    traits=one.traits or (),
                    source=rule.source,
                )
            )
        subject = transaction.find_subject(raw_id)
        unheard = [] if subject is None else unheard_until(transaction.history(subject), since)
    warnings = (*_strange_warnings(strange, rules.names), *_warnings(unheard))
    return MinorResult(entries=tuple(done), warnings=warnings, regimes=rules.names, law_unknown_in=strange)


def _strange_place(transaction: Transaction, settled: Saying) -> str | None:
    """Where the person is, if nobody named a law and none that is known is at home there."""
    place = settled.under.laws[0].jurisdiction if settled.under is not None else None
    if settled.regimes is not None or place is None or read_regimes(transaction).at_home(place):
        return None
    return place


def _strange_warnings(place: str | None, names: Sequence[str]) -> tuple[str, ...]:
    if place is None:
        return ()
    return (
        f"which law is at home in {place} is not known here: this went by {'+'.join(names)}, and at which age a "
        "guardian is needed there that does not say; look it up, and add that law: imp consent regime add FILE",
    )


def _too_early(transaction: Transaction, subject: int, born: date, door: Door) -> Iterator[int]:
    """The event times at which the person said yes and was too young to, by the law that yes was recorded under."""
    history, regimes = transaction.history(subject), read_regimes(transaction).texts
    wrong = corrected(history)
    for entry in history:
        said = entry.statement
        if said.type == "grant" and said.by is None and entry.seq not in wrong and born <= _date(said.at_us):
            law = recorded_law([entry], regimes)
            of_then = Saying(
                type="minor",
                purpose=EVERY_PURPOSE,
                at_us=said.at_us,
                regimes=law.regimes,
                jurisdiction=law.jurisdiction,
            )
            if door.rules(of_then).under(_years(None, born, said.at_us)):
                yield said.at_us


def _warnings(unheard: Sequence[Fact]) -> tuple[str, ...]:
    """That nobody hears what a guardian agreed to before the age was told, and what to do if the person was a child."""
    if not unheard:
        return ()
    first_us = min(yes.statement.at_us for yes in unheard)
    shown = ", ".join(str(yes.seq) for yes in unheard[:_SHOWN])
    more = f" and {len(unheard) - _SHOWN} more" if len(unheard) > _SHOWN else ""
    many = len(unheard) > 1
    return (
        f"{'entries' if many else 'entry'} {shown}{more}, in which a guardian said yes, {'are' if many else 'is'} not "
        "heard: the age is told as of later, and a guardian agrees only where it was on record by then (GDPR 8(1)); if "
        "the person was that young, record the age again as of before it: the same with --at TIME, earlier than "
        f"{format_time(first_us)}",
    )


@click.command("minor")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--age", type=click.IntRange(0, _OLDEST), help="How old the person is, in full years.")
@click.option("--born", metavar="YYYY-MM-DD", help="The day of birth; it is used to count, and not kept.")
@click.option("--at", help="As of when, ISO 8601 with a zone (default: now; of a birth, the first yes too early).")
@law_options
@json_option
@pass_context
def minor_command(
    ctx: Context,
    *,
    identifier: str,
    age: int | None,
    born: str | None,
    at: str | None,
    regimes: tuple[str, ...],
    jurisdiction: str | None,
    as_json: bool,
) -> None:
    """Record that somebody is a minor: what they need, and until when, the regimes say.

    A yes from before counts no more where, by the day of birth, they were too young for it.

    Example: imp consent minor member:123 --age 12 --jurisdiction FR
    """
    if (age is None) == (born is None):
        raise BadInput("one of the two is needed", where="--age", mend="--age 12, or --born 2014-03-01")
    done = record_minor(
        ctx,
        read_identifier(identifier),
        age=age,
        born=None if born is None else _day(born),
        at_us=time_option(at, "--at"),
        regimes=regimes or None,
        jurisdiction=jurisdiction,
    )
    for text in done.warnings:
        click.echo(f"warning: {text}", err=True)
    emit(done, lambda: _text(done), as_json=as_json)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput("not a day", where="--born", mend="write it like 2014-03-01") from None


def _years(age: int | None, born: date | None, now_us: int) -> int:
    if born is None:
        if age is None or not 0 <= age <= _OLDEST:
            raise BadInput("not an age", where="--age", mend=f"full years, from 0 to {_OLDEST}")
        return age
    today = _date(now_us - LATEST_ZONE_US)  # where the day begins last: there they are so old last
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if born > _date(now_us) or years > _OLDEST:
        raise BadInput("a birth to come, or too long ago", where="--born", mend="write it like 2014-03-01")
    return max(years, 0)


def _date(at_us: int) -> date:
    return datetime.fromtimestamp(at_us // 1_000_000, tz=UTC).date()


def _until(rule: Age, years: int, born: date | None, now_us: int) -> int:
    if born is not None:
        return years_after(born, rule.below)
    return Period(months=12 * (rule.below - years)).after(now_us)


def _text(done: MinorResult) -> str:
    if not done.entries and done.law_unknown_in:
        names = "+".join(done.regimes)
        return f"nothing recorded: no age limit of {names} is met; that of {done.law_unknown_in} is not known"
    if not done.entries:
        return "old enough by the regimes that hold: nothing to record"
    said = {
        "guardian": "needs a guardian",
        "own": "needs a yes of their own",
        "nobody": "is in no such use, whoever agrees,",
        "both": "needs a yes of their own together with a guardian's authorisation",
    }
    return "\n".join(
        f"entry {entry.seq}: {said[entry.needs]} from {entry.since} until {entry.until}"
        + (f" for {', '.join(entry.traits)}" if entry.traits else "")
        + f" ({entry.source})"
        for entry in done.entries
    )
