"""`imp status`: what a workspace holds, in counts. It writes nothing."""

from __future__ import annotations

from dataclasses import dataclass

import click

from imp_consent.ledger.ratchet_due import erased_since_ratchet
from imp_consent.plane.inbox import channels_waiting
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, lines, pass_context
from imp_core.context import Context
from imp_core.counting import some

__all__ = ["Status", "status", "status_command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Counts of a workspace; `checkpoint` is the size signed outside the database, None before the first.

    `waiting` are events in the inbox, `erased_in_backups` are people erased since the last ratchet, whom backups still
    hold.
    """

    root: str
    controller: str
    log_id: str
    entries: int
    checkpoint: int | None
    people: int
    archive_files: int
    archive_rows: int
    waiting: int
    erasures_under_way: int
    erased_in_backups: int
    uses_open: int
    plugins: tuple[str, ...]


def status(ctx: Context) -> Status:
    """Count what the workspace holds.

    Raises:
        WorkspaceMissing, KeysUnusable, LedgerBroken: it cannot be opened.
    """
    log = open_log(ctx)
    outside = log.outside()
    with log.read() as reader:

        def count(query: str) -> int:
            (found,) = reader.sql.execute(query).fetchone()
            return int(found)

        return Status(
            root=str(ctx.workspace.root),
            controller=ctx.workspace.controller,
            log_id=ctx.workspace.log_id,
            entries=reader.size,
            checkpoint=outside.size if outside else None,
            people=count("SELECT count(*) FROM subject_key"),
            archive_files=count("SELECT count(DISTINCT path) FROM batch WHERE state = 'live'"),
            archive_rows=count("SELECT coalesce(sum(n), 0) FROM batch WHERE state = 'live'"),
            waiting=sum(channels_waiting(reader).values()),
            erasures_under_way=count("SELECT count(*) FROM erasure"),
            erased_in_backups=erased_since_ratchet(reader),
            uses_open=count("SELECT count(*) FROM lease"),
            plugins=tuple(sorted(ctx.workspace.plugin_pins)),
        )


@click.command("status")
@json_option
@pass_context
def status_command(ctx: Context, *, as_json: bool) -> None:
    """Show what the workspace holds: entries, people, archive, erasures under way, enabled plugins.

    Example: imp status
    """
    found = status(ctx)
    signed = "no checkpoint yet" if found.checkpoint is None else f"checkpoint at {found.checkpoint:,}"
    text = lines(
        {
            "workspace": found.root,
            "controller": found.controller,
            "ledger": f"{some(found.entries, 'entry', 'entries')}, {signed}",
            "people": f"{found.people:,}",
            "archive": f"{some(found.archive_rows, 'row')} in {some(found.archive_files, 'file')}",
            "inbox": f"{some(found.waiting, 'event waits', 'events wait')} for imp compact",
            "erasures": f"{found.erasures_under_way} under way, {found.erased_in_backups} still in backups",
            "uses open": found.uses_open,
            "channels": ", ".join(found.plugins) or "none enabled",
        }
    )
    emit(found, text, as_json=as_json)
