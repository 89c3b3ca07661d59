"""`imp spend`: what channels cost, day by day, as they report it; nobody's data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from imp_consent.commands.mapping import find_mapping
from imp_consent.commands.rejects import rejects_file
from imp_consent.commands.spend_list import spend_list
from imp_consent.commands.spend_words import amounts, channel_of, day_of, iso_day
from imp_consent.identity.keys import keys_folder
from imp_consent.plane.intake import SourceFile
from imp_consent.plane.intake.faults import Faults, Refuse
from imp_consent.plane.spend import SpendFact, SpendKey, fetch_pages, read_fact, take_spend
from imp_consent.runtime import open_log
from imp_core.channel import Capability, Source, Window
from imp_core.command import emit, json_option, lines, pass_context, progress
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.event import RowFault
from imp_core.outbound.backoff import Backoff
from imp_core.outbound.open import channel_context, open_runner
from imp_core.output import check_output

__all__ = ["SpendImport", "import_spend", "spend"]

_MOST_ROWS: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendImport:
    """What a report changed. `rows` = new + revised + unchanged; `rejected` rows could not be taken.

    Days are ISO 8601 (None: no row); `totals` are of all rows, by ISO 4217 currency, in integer micros; `seq` is the
    entry's number, None where nothing changed or in a dry run.
    """

    channel: str
    source_sha256: str | None
    rows: int
    new: int
    revised: int
    unchanged: int
    rejected: int
    first_day: str | None
    last_day: str | None
    totals: Mapping[str, int]
    seq: int | None
    dry_run: bool


def import_spend(
    ctx: Context,
    channel: str,
    window: Window,
    *,
    spent_on: str | None = None,
    rejects: Path | None = None,
    dry_run: bool = False,
) -> SpendImport:
    """Take in what a channel reports was spent: all of it, or nothing; with `rejects`, all rows that can be.

    `spent_on` is the channel the money was spent on, where another one reports it: a file's rows, say.

    Raises:
        BadInput: the channel is not enabled or reports no spend, or its report or rows cannot be taken.
        ChannelError: the channel's peer prevents it.
        PluginBroken: the channel raised something else, or answered something else than pages of spend.
        LedgerBroken: the ledger was changed by other hands, or cannot be written.
    """
    if not ctx.plugins.channel(channel).info.serves(Capability.REPORT):
        raise BadInput(f"the channel {channel} reports no spend", mend=f"see: imp plugin show {channel}", where=channel)
    source = _source(window)
    log, name, sha256 = open_log(ctx), spent_on or channel, source.sha256 if source else None
    with _told(ctx, rejects, window) as refuse:
        faults = Faults(source.name if source else channel, refuse)
        facts = _facts(ctx, channel, window, faults)
        if _source(window) != source:
            raise BadInput("the file changed while it was read", where=name, mend="run it again once nobody writes it")
        if not facts and faults.rows:
            raise BadInput("every row is faulty", where=source.name if source else channel, mend=f"see {rejects}")
        taken = take_spend(log, facts, channel=name, source={"source": sha256, "by": channel}, dry_run=dry_run)
    days = [key.day for key in facts]
    return SpendImport(
        channel=name,
        source_sha256=sha256,
        rows=len(facts),
        new=taken.new,
        revised=taken.revised,
        unchanged=taken.unchanged,
        rejected=faults.rows,
        first_day=iso_day(min(days)) if days else None,
        last_day=iso_day(max(days)) if days else None,
        totals=_totals(facts),
        seq=taken.seq,
        dry_run=dry_run,
    )


def _source(window: Window) -> SourceFile | None:
    return None if window.source is None else SourceFile.of(window.source.path)


def _told(ctx: Context, rejects: Path | None, window: Window) -> AbstractContextManager[Refuse | None]:
    if rejects is None:
        return nullcontext(None)
    read = (window.source.path, window.source.mapping) if window.source else ()
    keys = keys_folder(ctx.environ, ctx.workspace.log_id)
    return rejects_file(check_output(ctx, rejects, inputs=read, private=(keys,), force=True))


def _facts(ctx: Context, channel: str, window: Window, faults: Faults) -> dict[SpendKey, SpendFact]:
    """Every row that can be taken, by what names it; a second row of the same name is a fault."""
    facts: dict[SpendKey, SpendFact] = {}
    context, now_us = channel_context(ctx, channel), ctx.clock.now_us()
    with closing(open_runner(ctx, channel)) as runner, progress("rows") as shown:
        pages = fetch_pages(runner, context, window, stopwatch=ctx.stopwatch, backoff=Backoff(ctx.randomness))
        for page in pages:
            shown.advance(len(page.rows))
            for fault in page.faults:
                faults.add(fault)
            for row in page.rows:
                read = read_fact(row, window, now_us=now_us)
                if isinstance(read, RowFault):
                    faults.add(read)
                elif facts.setdefault(read.key, read) is not read:
                    faults.add(RowFault(row=read.row, field="row", problem=_same(facts[read.key])))
            if len(facts) > _MOST_ROWS:
                raise BadInput("more than a million rows", mend="take them in by parts: --from DAY --to DAY")
    faults.settle()
    return facts


def _same(first: SpendFact) -> str:
    return f"the same day, campaign and content as row {first.row}: map a column that tells them apart to content"


def _totals(facts: Mapping[SpendKey, SpendFact]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for fact in facts.values():
        totals[fact.currency] += fact.cost_micros
    return dict(sorted(totals.items()))


@click.group()
def spend() -> None:
    """Take in and list what channels cost.

    Example: imp spend import file --source march.csv --map google-ads --for google-ads
    """


@spend.command("import")
@click.argument("channel")
@click.option("--source", type=click.Path(path_type=Path), help="The file to read, for channels that read files.")
@click.option("--map", "mapping", help="The mapping that reads it: a name, or a file in TOML.")
@click.option("--for", "spent_on", metavar="CHANNEL", help="The channel it was spent on (default: the one that tells).")
@click.option("--from", "first", metavar="DAY", help="The first day, ISO 8601.")
@click.option("--to", "last", metavar="DAY", help="The last day, ISO 8601.")
@click.option("--rejects", type=click.Path(path_type=Path), help="Take the good rows; list the others here.")
@click.option("--dry-run", is_flag=True, help="Read and check every row, but take nothing.")
@json_option
@pass_context
def import_command(
    ctx: Context,
    *,
    channel: str,
    source: Path | None,
    mapping: str | None,
    spent_on: str | None,
    first: str | None,
    last: str | None,
    rejects: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take in what a channel reports was spent. A day that is reported anew is revised: the latest report holds.

    Example: imp spend import file --source march.csv --map google-ads --for google-ads
    """
    if source is None and mapping is not None:
        raise BadInput("a mapping without a file", mend="name the file: --source FILE", where="--map")
    named = None if source is None else Source(path=source, mapping=find_mapping(ctx, mapping))
    window = Window(first_day=day_of(first, "--from"), last_day=day_of(last, "--to"), source=named)
    done = import_spend(ctx, channel, window, spent_on=channel_of(spent_on, "--for"), rejects=rejects, dry_run=dry_run)
    emit(done, lambda: _text(done), as_json=as_json)


spend.add_command(spend_list)


def _text(done: SpendImport) -> str:
    shown: dict[str, object] = {
        "channel": done.channel,
        "rows": f"{done.rows:,}",
        "new": f"{done.new:,}",
        "revised": f"{done.revised:,}",
        "unchanged": f"{done.unchanged:,}",
        "rejected": f"{done.rejected:,}",
        "days": f"{done.first_day} to {done.last_day}" if done.rows else "none",
        "cost": amounts(done.totals),
    }
    always = ("channel", "rows", "days", "cost")
    text = lines({name: value for name, value in shown.items() if value != "0" or name in always})
    if done.seq is not None:
        return f"{text}\nentry {done.seq}"
    return f"{text}\ndry run: nothing was taken" if done.dry_run else f"{text}\nnothing new"
