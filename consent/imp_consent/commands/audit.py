"""`imp audit`: check the ledger against itself and its checkpoint; sign, export, prove, and check what was exported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from imp_consent.audit.exported.keys import signed_note
from imp_consent.audit.problem import told
from imp_consent.audit.verify import Verification, verify
from imp_consent.commands.audit_report import report_command
from imp_consent.commands.entries import entries_command
from imp_consent.commands.export import export_command
from imp_consent.commands.processing import dpia_command, records_command
from imp_consent.commands.prove import prove_command
from imp_consent.commands.uses import uses_command
from imp_consent.commands.verify_exported import KEY_WARNING, read_pin, show, verify_target
from imp_consent.ledger.checkpoint import origin_of
from imp_consent.runtime import open_keyring, open_log
from imp_core.command import emit, json_option, lines, pass_context, progress
from imp_core.context import Context
from imp_core.counting import some
from imp_core.errors import CheckFailed, LedgerBroken
from imp_core.ports import CheckpointInfo

__all__ = ["audit", "sign_checkpoint", "verify_workspace"]

_SHOWN = 50


@click.group()
def audit() -> None:
    """Verify the ledger, sign checkpoints, export the log, prove what is in it, and report on it."""


audit.add_command(dpia_command)
audit.add_command(entries_command)
audit.add_command(export_command)
audit.add_command(prove_command)
audit.add_command(records_command)
audit.add_command(report_command)
audit.add_command(uses_command)


@audit.command("verify")
@click.argument("target", required=False, metavar="[DIR|FILE]", type=click.Path(path_type=Path))
@click.option(
    "--vkey",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file of the log's public key that you trust, to check DIR or FILE with.",
)
@click.option(
    "--pinned",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A checkpoint or receipt that you kept elsewhere; the log must begin with what it says. May be repeated.",
)
@json_option
@pass_context
def verify_command(
    ctx: Context, *, target: Path | None, vkey: Path | None, pinned: tuple[Path, ...], as_json: bool
) -> None:
    """Check the workspace's ledger, or an export (DIR), a proof or a receipt (FILE); changes nothing.

    Without DIR or FILE: every entry, row and file, starting from the checkpoint kept outside the database. With it:
    all that can be known without workspace and keys, starting from the public key.

    Exit code 1 where anything is wrong, 3 where the database cannot be read at all; each problem names its place.

    Example: imp audit verify log-2026-03 --vkey trusted.vkey --pinned checkpoint-2026-02-01.txt
    """
    if target is not None or vkey is not None:
        with progress("verified") as shown:
            found = verify_target(target, vkey, pinned=pinned, count=shown.advance)
        if found.key_from_export:
            click.echo(KEY_WARNING, err=True)
        emit(found, lambda: show(found), as_json=as_json)
        if not found.ok:
            raise click.exceptions.Exit(CheckFailed.exit_code)
        return
    with progress("verified") as shown:
        result = verify_workspace(ctx, pinned=pinned, count=shown.advance)
    emit(result, lambda: _text(result), as_json=as_json)
    if not result.ok:
        raise click.exceptions.Exit(LedgerBroken.exit_code if result.size is None else CheckFailed.exit_code)


@audit.command("checkpoint")
@click.option("--without-previous", is_flag=True, help="Go on although the checkpoint beside the keys was lost.")
@json_option
@pass_context
def checkpoint_command(ctx: Context, *, without_previous: bool, as_json: bool) -> None:
    """Sign what is committed now; print the note: kept elsewhere, it holds against any later rewriting.

    Example: imp audit checkpoint > checkpoint-2026-03-01.txt
    """
    info = sign_checkpoint(ctx, without_previous=without_previous)
    emit(info, info.note.rstrip("\n"), as_json=as_json)


def verify_workspace(
    ctx: Context, *, pinned: Sequence[Path] = (), count: Callable[[int], None] = lambda _: None
) -> Verification:
    """Verify this context's workspace with its keys, and against checkpoints kept elsewhere.

    Raises:
        BadInput: a pinned checkpoint cannot be read, is none, or is of another log.
        WorkspaceMissing: there is no workspace.
        KeysUnusable: a key is missing, malformed or readable by others.
        ImpError: the ledger was written to meanwhile.
    """
    workspace = ctx.workspace
    keyring = open_keyring(ctx)
    origin = origin_of(workspace.log_id)
    kept = [(str(path), signed_note(read_pin(path, origin=origin))) for path in pinned]
    return verify(workspace, keyring, pinned=kept, count=count)


def sign_checkpoint(ctx: Context, *, without_previous: bool = False) -> CheckpointInfo:
    """Sign what is committed and keep it in the database and outside of it.

    Raises:
        LedgerBroken: the database is older than the checkpoint outside, disagrees with it, or that is gone.
    """
    return open_log(ctx).checkpoint(without_previous=without_previous)


def _facts(result: Verification) -> dict[str, str]:
    covered = "none" if result.checkpoint_size is None else some(result.checkpoint_size, "entry", "entries")
    if result.size is None:
        return {"log": result.log_id, "entries": "cannot be read", "checkpoint": covered}
    return {
        "log": result.log_id,
        "entries": f"{result.size}, root {result.root}",
        "checkpoint": f"{covered}, {some(result.after_checkpoint, 'entry', 'entries')} after it",
        "people": f"{result.living} living, {some(result.persons_leaves, 'entry', 'entries')} of people, "
        f"{result.orphaned_leaves - result.lost_leaves} of them of erased people"
        + (f", {result.lost_leaves} for which a restore found nobody" if result.lost_leaves else ""),
        "files": str(result.files),
    }


def _text(result: Verification) -> str:
    facts = lines(_facts(result))
    noted = [f"note: {note.place}: {note.sentence}" for note in result.notes[:_SHOWN]]
    facts = "\n".join([facts, *noted])
    if result.ok:
        return f"{facts}\nok: everything agrees"
    return "\n".join([facts, f"NOT OK: {some(len(result.problems), 'problem')}", *told(result.problems, most=_SHOWN)])
