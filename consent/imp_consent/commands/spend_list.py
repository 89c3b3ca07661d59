"""`imp spend list`: what was spent, as the latest reports have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from imp_consent.commands.spend_words import amount, amounts, day_number, iso_day
from imp_consent.plane.spend import Stored, read_spend
from imp_consent.runtime import open_log
from imp_core.clock import format_time
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context

__all__ = ["SpendDay", "SpendList", "list_spend", "spend_list"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendDay:
    """A day of spend: the day in the zone `tz`, cost in integer micros; None is what was not reported.

    `revision` counts the reports of this day that differed; `reported` is when the latest was taken in.
    """

    day: str
    tz: str
    channel: str
    campaign: str
    content: str | None
    impressions: int | None
    clicks: int | None
    cost_micros: int
    currency: str
    revision: int
    reported: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendList:
    """Days of spend, and their cost by ISO 4217 currency in integer micros."""

    rows: Sequence[SpendDay]
    totals: Mapping[str, int]


def list_spend(
    ctx: Context,
    *,
    first: str | None = None,
    last: str | None = None,
    channel: str | None = None,
    campaign: str | None = None,
) -> SpendList:
    """What was spent from the first to the last day, both included, on a channel, for a campaign; None is any.

    Raises:
        BadInput: a day is not ISO 8601.
        LedgerBroken: a row was changed by other hands.
    """
    asked: list[tuple[str, int | str]] = []
    if first is not None:
        asked.append(("day >= ?", day_number(first, "--from")))
    if last is not None:
        asked.append(("day <= ?", day_number(last, "--to")))
    asked += [
        (f"{name} = ?", word) for name, word in (("channel", channel), ("campaign", campaign)) if word is not None
    ]
    where = " AND ".join(words for words, _ in asked) or "1"
    with open_log(ctx).read() as reader:
        rows = [_day(stored) for stored in read_spend(reader, where, [value for _, value in asked])]
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row.currency] += row.cost_micros
    return SpendList(rows=rows, totals=dict(sorted(totals.items())))


@click.command("list")
@click.option("--from", "first", metavar="DAY", help="The first day, ISO 8601.")
@click.option("--to", "last", metavar="DAY", help="The last day, ISO 8601.")
@click.option("--channel", help="Only this channel.")
@click.option("--campaign", help="Only this campaign.")
@json_option
@pass_context
def spend_list(
    ctx: Context, *, first: str | None, last: str | None, channel: str | None, campaign: str | None, as_json: bool
) -> None:
    """List what was spent, day by day, as the latest reports have it; amounts of two currencies are never added up.

    Example: imp spend list --from 2026-03-01 --to 2026-03-31 --channel google-ads
    """
    found = list_spend(ctx, first=first, last=last, channel=channel, campaign=campaign)
    emit(found, lambda: _text(found), as_json=as_json)


def _day(stored: Stored) -> SpendDay:
    impressions, clicks, cost_micros, currency = stored.values
    return SpendDay(
        day=iso_day(stored.key.day),
        tz=stored.key.tz,
        channel=stored.channel,
        campaign=stored.key.campaign,
        content=stored.key.content or None,
        impressions=impressions,
        clicks=clicks,
        cost_micros=cost_micros,
        currency=currency,
        revision=stored.revision,
        reported=format_time(stored.reported_us),
    )


def _text(found: SpendList) -> str:
    if not found.rows:
        return "no spend was reported"
    cells = [("day", "channel", "campaign", "impressions", "clicks", "cost")]
    for row in found.rows:
        named = row.campaign if row.content is None else f"{row.campaign} / {row.content}"
        cost = f"{amount(row.cost_micros)} {row.currency}"
        cells.append((row.day, row.channel, named, _count(row.impressions), _count(row.clicks), cost))
    widths = [max(len(line[place]) for line in cells) for place in range(len(cells[0]))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([*shown, f"total: {amounts(found.totals)}"])


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"
