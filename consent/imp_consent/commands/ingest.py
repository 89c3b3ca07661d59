"""`imp ingest`: take in what happened on a channel, past the gate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import click

from imp_consent.commands.hearing import voice
from imp_consent.commands.mapping import find_mapping
from imp_consent.commands.rejects import rejects_file
from imp_consent.commands.replies import replies_shown, replies_text
from imp_consent.identity.keys import keys_folder
from imp_consent.plane.inbox import Accepted, accept
from imp_consent.plane.intake import IngestResult, Intake, Refuse, SourceFile, Terms, ingest_events
from imp_consent.policy.declared import DeclaredPurpose
from imp_consent.policy.purpose import read_purposes
from imp_consent.runtime import open_log
from imp_consent.signals.inbound import read_ear
from imp_core.channel import Capability, Channel, Source
from imp_core.command import emit, json_option, lines, pass_context, progress
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_core.gate import Action
from imp_core.outbound.open import channel_context, open_runner
from imp_core.output import check_output

__all__ = ["ingest", "ingest_command", "ingest_into_inbox"]

_TRACKING = "tracking-individual"
_NECESSARY = frozenset({"essential", "terminal"})  # used because it is strictly necessary


def ingest(
    ctx: Context,
    channel: str,
    path: Path,
    mapping: Path | None = None,
    rejects: Path | None = None,
    *,
    dry_run: bool = False,
) -> IngestResult:
    """Take in a file or folder through an enabled channel: all of it, or nothing; with `rejects`, all rows that can be.

    Raises:
        WorkspaceMissing: there is no workspace.
        BadInput: the channel is not enabled, the file or its rows cannot be taken, or the settings are malformed.
        PluginBroken: the channel raised something else than our errors, or handed in something else than rows.
        LedgerBroken: the ledger or the archive was changed by other hands, or cannot be written.
    """
    with _opened(ctx, channel, path, mapping, rejects) as (intake, rows, terms, source, refuse, shown):
        return ingest_events(
            intake, rows, terms=terms, source=source, refuse=refuse, dry_run=dry_run, advance=shown.advance
        )


def ingest_into_inbox(
    ctx: Context,
    channel: str,
    path: Path,
    mapping: Path | None = None,
    rejects: Path | None = None,
    *,
    dry_run: bool = False,
) -> Accepted:
    """The same for small files that come one after the other: their events wait in the inbox for `imp compact`.

    Raises:
        WorkspaceMissing: there is no workspace.
        BadInput: as for `ingest`, or the file has too many rows.
        PluginBroken: the channel raised something else than our errors, or handed in something else than rows.
        LedgerBroken: the ledger was changed by other hands, or cannot be written.
    """
    with _opened(ctx, channel, path, mapping, rejects) as (intake, rows, terms, source, refuse, shown):
        return accept(
            intake, rows, terms=terms, name=source.name, refuse=refuse, dry_run=dry_run, advance=shown.advance
        )


class _Opened(NamedTuple):
    intake: Intake
    rows: Iterable[object]
    terms: Terms
    source: SourceFile
    refuse: Refuse | None
    shown: progress


@contextmanager
def _opened(ctx: Context, channel: str, path: Path, mapping: Path | None, rejects: Path | None) -> Iterator[_Opened]:
    """The channel's rows, and what they are taken in with."""
    keys = keys_folder(ctx.environ, ctx.workspace.log_id)  # first of all: without a workspace nothing is enabled
    plugin = ctx.plugins.channel(channel)
    if not plugin.info.serves(Capability.INGEST):
        raise BadInput(f"the channel {channel} takes nothing in", mend=f"see: imp plugin show {channel}", where=channel)
    source = SourceFile.of(path)
    if rejects is not None:
        rejects = check_output(ctx, rejects, inputs=(path, mapping), private=(keys,), force=True)
    log = open_log(ctx)
    intake = Intake(log=log, workspace=ctx.workspace, voice=voice(ctx, surface=f"channel {channel}"))
    with log.read() as reader:
        terms = _terms(ctx, plugin, read_purposes(reader))
    context = channel_context(ctx, channel)
    told = nullcontext(None) if rejects is None else rejects_file(rejects)
    with closing(open_runner(ctx, channel)) as runner, told as refuse, progress("rows") as shown:
        rows = runner.iterate("ingest", context, Source(path=path, mapping=mapping))
        yield _Opened(intake, rows, terms, source, refuse, shown)


@click.command("ingest")
@click.argument("channel")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "mapping", help="Which column is which field: a mapping's name, or a file in TOML.")
@click.option(
    "--rejects", type=click.Path(path_type=Path), help="Take the good rows, and write row, field and problem here."
)
@click.option("--dry-run", is_flag=True, help="Check every row and ask the gate, but take nothing.")
@click.option("--inbox", is_flag=True, help="Acknowledge a small file into the inbox; imp compact makes batches of it.")
@json_option
@pass_context
def ingest_command(
    ctx: Context,
    *,
    channel: str,
    file: Path,
    mapping: str | None,
    rejects: Path | None,
    dry_run: bool,
    inbox: bool,
    as_json: bool,
) -> None:
    """Take in a file of events (or a folder, if the channel reads some); what the gate denies is counted, not kept.

    Rows of a table are counted below its header: row 1, in errors and in rejects, is row 2 of a spreadsheet.

    Example: imp ingest file visits.csv --map visits.toml
    """
    take = ingest_into_inbox if inbox else ingest
    result = take(ctx, channel, file, find_mapping(ctx, mapping), rejects, dry_run=dry_run)
    emit(result, lambda: _text(result), as_json=as_json)


def _text(result: IngestResult | Accepted) -> str:
    taken = result.admitted if isinstance(result, IngestResult) else result.accepted
    if isinstance(result, IngestResult) and result.already:
        return f"taken before, as batch {result.batch} (entry {result.seq}): nothing to do"
    shown: dict[str, object] = {
        "received": f"{result.received:,}",
        "admitted": f"{taken:,}",
        "duplicates": f"{result.duplicates:,}",
        **{f"denied, {reason}": f"{n:,}" for reason, n in result.denied.items()},
        "rejected": f"{result.rejected:,}",
        "signals": f"{result.signals:,}",
        "signals that change nothing": f"{result.signals_before:,}",
        "of nobody known": f"{result.signals_unknown:,}",
        **replies_shown(result.mentions, result.others),
        "properties dropped": f"{result.props_dropped:,}",
    }
    always = ("received", "admitted")
    counts = {name: n for name, n in shown.items() if n != "0" or name in always}
    told = replies_text(result.mentions, result.others)
    if result.dry_run:
        return lines(counts) + "\ndry run: nothing was taken" + told
    if isinstance(result, IngestResult):
        return lines({**counts, "batch": result.batch, "entry": result.seq}) + told
    return lines(counts) + ("\nin the inbox: imp compact puts it into the archive" if taken else "") + told


def _terms(ctx: Context, plugin: Channel, purposes: Mapping[str, DeclaredPurpose]) -> Terms:
    name = plugin.info.name
    # What was enabled is the manifest; a plugin's own word counts only where it carries none.
    manifest = ctx.plugins.manifest_of(name)
    declared = (manifest or plugin.info).purposes.get(Action.COLLECT, ())
    kinds = manifest.identifiers if manifest else [spec.kind for spec in plugin.info.identifiers]
    return Terms(
        channel=name,
        purposes=frozenset(purposes),
        declared=frozenset(declared),
        kinds=frozenset(kinds),
        props=_allowed_props(ctx),
        ear=read_ear(ctx.workspace.config),
        tracking=frozenset(name for name, purpose in purposes.items() if _TRACKING in purpose.traits),
        necessary=frozenset(name for name, purpose in purposes.items() if set(purpose.traits) >= _NECESSARY),
    )


def _allowed_props(ctx: Context) -> frozenset[str]:
    table = ctx.workspace.config.get("archive", {})
    if not isinstance(table, dict):
        raise BadInput(
            "must be a table",
            where="imp.toml, [archive]",
            mend="write it as a line [archive] with its settings below it",
        )
    names = table.get("props", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadInput(
            'props must be a list of names, like ["device"]',
            where="imp.toml, [archive]",
            mend="write it so, below a line [archive]",
        )
    return frozenset(names)
