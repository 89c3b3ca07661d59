"""`imp consent minor`: somebody is too young to consent alone, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import click

from imp_consent.commands.arguments import read_identifier, time_option
from imp_consent.commands.saying_options import law_options
from imp_consent.ledger.entry import EVERY_PURPOSE
from imp_consent.policy.door import Door
from imp_consent.policy.period import LATEST_ZONE_US, Period, years_after
from imp_consent.policy.rules import Age
from imp_consent.policy.saying import Saying
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RawId

__all__ = ["MinorEntry", "MinorResult", "minor_command", "record_minor"]

_OLDEST = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class MinorEntry:
    """One entry: what the person needs ("guardian", "own" or "both") until when, for which traits (none: all uses)."""

    seq: int
    needs: str
    below: int
    until: str
    traits: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MinorResult:
    """What was recorded; nothing, where the person is old enough by the regimes that hold."""

    entries: tuple[MinorEntry, ...]


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

    Where only the age is known, the person counts as younger for as long as that is possible.

    Raises:
        BadInput: not an age, a birth to come, or the identifier is malformed.
    """
    done = []
    with open_log(ctx).write() as transaction:
        now = transaction.now_us if at_us is None else at_us
        years = _years(age, born, now)
        door = Door(ctx, transaction, surface="command line")
        said = Saying(type="minor", purpose=EVERY_PURPOSE, at_us=now, regimes=regimes, jurisdiction=jurisdiction)
        named = regimes is not None or jurisdiction is not None  # a place of imp.toml that is none refuses nobody's age
        if named:
            door.rules_strictly(said)
        rules = door.rules(door.settle(raw_id, said))
        for rule in rules.under(years):
            until_us = _until(rule, years, born, now)
            one = Saying(
                type="minor",
                purpose=EVERY_PURPOSE,
                at_us=now,
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
                    until=format_time(until_us),
                    traits=one.traits or (),
                    source=rule.source,
                )
            )
    return MinorResult(entries=tuple(done))


@click.command("minor")
@click.argument("identifier", metavar="KIND:VALUE|-")
@click.option("--age", type=click.IntRange(0, _OLDEST), help="How old the person is, in full years.")
@click.option("--born", metavar="YYYY-MM-DD", help="The day of birth; it is used to count, and not kept.")
@click.option("--at", help="When this was known, ISO 8601 with a zone (default: now).")
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
    if not done.entries:
        return "old enough by the regimes that hold: nothing to record"
    said = {
        "guardian": "needs a guardian",
        "own": "needs a yes of their own",
        "both": "needs a yes of their own together with a guardian's authorisation",
    }
    return "\n".join(
        f"entry {entry.seq}: {said[entry.needs]} until {entry.until}"
        + (f" for {', '.join(entry.traits)}" if entry.traits else "")
        + f" ({entry.source})"
        for entry in done.entries
    )
