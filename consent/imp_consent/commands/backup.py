"""`imp backup`: a copy of the ledger's database in one file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from imp_consent.identity.keys import keys_folder
from imp_consent.ledger.backup import back_up
from imp_consent.runtime import open_log
from imp_core.clock import DAY_US, format_time
from imp_core.command import emit, force_option, json_option, pass_context
from imp_core.context import Context
from imp_core.counting import some
from imp_core.output import check_output

__all__ = ["BackupResult", "backup", "backup_command"]

# An `erased` entry promises that backups are clear by then (`backups_clear_by`).
_KEEP_US: Final = 30 * DAY_US


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupResult:
    """The copy: its file, SHA-256 and bytes; the entries it holds at least; until when it may be kept (ISO 8601)."""

    file: str
    sha256: str
    bytes: int
    entries: int
    keep_until: str


def backup(ctx: Context, path: Path, *, force: bool = False) -> BackupResult:
    """Copy the ledger's database to a new file; a checkpoint is signed first, so that the copy can be held against it.

    Raises:
        BadInput: there is a file already, or it would lie among the workspace's own files or the keys.
        LedgerBroken: the ledger cannot be read, or is behind its checkpoint.
        ImpError: the copy cannot be written.
    """
    keys = keys_folder(ctx.environ, ctx.workspace.log_id)
    target = check_output(ctx, path, private=(keys,), force=force)
    signed = open_log(ctx).checkpoint()
    back_up(ctx.workspace.database, target, replace=force)
    with target.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return BackupResult(
        file=str(path),
        sha256=sha256,
        bytes=target.stat().st_size,
        entries=signed.size,
        keep_until=format_time(ctx.clock.now_us() + _KEEP_US),
    )


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@force_option
@json_option
@pass_context
def backup_command(ctx: Context, file: Path, *, force: bool, as_json: bool) -> None:
    """Copy the ledger's database to FILE, whoever is writing meanwhile; put back with: imp restore.

    It holds personal data, readable by whoever holds the keys: keep it apart from them and no longer than 30 days, the
    time in which an erasure promises to be in all backups. Neither the keys nor the archive are in it: these need
    backups of their own.

    Example: imp backup /backups/ledger-2026-03-01.db
    """
    done = backup(ctx, file, force=force)
    text = (
        f"{some(done.entries, 'entry', 'entries')} in {some(done.bytes, 'byte')}, sha256 {done.sha256}; "
        f"delete it by {done.keep_until}"
    )
    emit(done, text, as_json=as_json)
