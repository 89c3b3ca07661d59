"""`imp restore`: put the ledger back from a backup."""

from __future__ import annotations

from pathlib import Path

import click

from imp_consent.plane.restore import Restored, Site
from imp_consent.plane.restore import restore as restore_site
from imp_consent.policy.envelope import envelope
from imp_consent.runtime import open_keyring
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import LedgerBroken
from imp_core.ports import Json

__all__ = ["restore", "restore_command"]

_SHOWN = 20


def restore(ctx: Context, backup: Path, *, execute: bool = False) -> Restored:
    """Put a backup in the place of a ledger that is lost, damaged or older than its checkpoint; a dry run by default.

    Raises:
        CheckFailed: the present ledger is sound; or nobody can tell who was erased since the backup, or open what is
            left of the others.
        BadInput: the backup cannot be read.
        KeysUnusable: a key is missing, malformed or readable by others; or these are not those of the present ledger.
        LedgerBroken: the backup is not of this ledger, or damaged; or the checkpoint or leaves outside are.
        ImpError: a file cannot be written.
    """
    if "consent.log" in ctx.shared:
        raise LedgerBroken("the ledger that is to be replaced is open here", mend="restore with a command of its own")

    def lost() -> dict[str, Json]:
        return envelope(ctx, type_="lost", event_us=ctx.clock.now_us(), purpose="*", surface="restore")

    site = Site(
        workspace=ctx.workspace,
        keyring=open_keyring(ctx),
        clock=ctx.clock,
        randomness=ctx.randomness,
        actor=ctx.actor,
        envelope=lost,
    )
    return restore_site(site, ctx.directory / backup, execute=execute)


@click.command("restore")
@click.argument("backup", type=click.Path(path_type=Path))
@click.option("--execute", is_flag=True, help="Restore; without it only what would happen is shown.")
@json_option
@pass_context
def restore_command(ctx: Context, backup: Path, *, execute: bool, as_json: bool) -> None:
    """Put the ledger back from BACKUP (made with imp backup) where it is lost, damaged or older than its checkpoint.

    Stop everything else that uses the workspace first. Entries that were signed since come back as leaves from the copy
    beside the keys, so that every checkpoint and receipt still holds; what they said is lost. Whoever said something
    then is denied until they consent anew; whoever was erased since is erased again.

    Example: imp restore /backups/ledger-2026-03-01.db --execute
    """
    done = restore(ctx, backup, execute=execute)
    emit(done, lambda: _text(done), as_json=as_json)


def _text(done: Restored) -> str:
    lost = done.size - done.backup_size
    lines = [
        f"the present ledger: {done.fault}",
        f"the backup holds {done.backup_size:,} of {some(done.size, 'entry', 'entries')}: what "
        f"{some(lost, 'says', 'say')} is lost",
        f"{some(done.people, 'person', 'people')}, {some(done.people_lost, 'of whom is', 'of whom are')} "
        "denied until they say yes again; "
        f"{some(done.people_erased, 'is', 'are')} erased again",
        f"{some(done.leaves, 'entry belongs', 'entries belong')} to nobody any more; "
        f"{some(done.rows, 'row of nobody is', 'rows of nobody are')} removed from the archive",
        f"{some(done.files_found, 'batch written since is', 'batches written since are')} found, "
        f"{some(len(done.batches_lost), 'is', 'are')} lost",
    ]
    if done.files_older:
        lines.append(
            f"{some(done.files_older, 'batch has', 'batches have')} an older file: the newest one is not there"
        )
    if done.batches_lost:
        more = " …" if len(done.batches_lost) > _SHOWN else ""
        lines.append(f"lost batches: {', '.join(map(str, done.batches_lost[:_SHOWN]))}{more}")
        lines.append("put their files back into archive/ first if you have them")
    if done.documents_lost:
        lines.append(
            f"{some(len(done.documents_lost), 'document is', 'documents are')} found nowhere: add the "
            "same purposes and notices again"
        )
    if done.unexplained:
        lines.append(
            f"{some(done.unexplained, 'entry belongs', 'entries belong')} to nobody in the backup, and "
            "no erasure accounts for that: "
            "imp audit verify goes on saying so"
        )
    if done.messages_in_doubt:
        lines.append(f"{some(done.messages_in_doubt, 'message')}: nobody knows any more what came of it")
    lines.append("events that waited in the inbox, spend and counts of exposures are as of the backup")
    if done.replaced is not None:
        lines.append(f"the database that was there is kept in {done.replaced}/: delete it once nothing is missed")
    lines.append("run again with --execute" if done.seq is None else f"restored: entry {done.seq}")
    return "\n".join(lines)
