"""`imp audit export`: the log as files that anybody can check with tools of other people's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from imp_consent.audit.export import Exported, export
from imp_consent.identity.keys import keys_folder
from imp_consent.runtime import open_log
from imp_core.command import emit, json_option, lines, pass_context, progress
from imp_core.context import Context
from imp_core.counting import some
from imp_core.output import check_output

__all__ = ["export_command", "export_log"]


def export_log(ctx: Context, folder: Path, *, count: Callable[[int], None] = lambda _: None) -> Exported:
    """Write this context's log to a new or empty folder.

    Raises:
        BadInput: the folder is not new or empty, or is the workspace's or the keys'.
        ImpError: it cannot be written.
        LedgerBroken: the entries are not those that the log signed for.
    """
    check_output(ctx, folder, private=(keys_folder(ctx.environ, ctx.workspace.log_id),), folder=True)
    return export(open_log(ctx), folder, count=count)


@click.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@json_option
@pass_context
def export_command(ctx: Context, folder: Path, *, as_json: bool) -> None:
    """Write the log's entries, tree, checkpoint and public key to DIR, which is new or empty.

    DIR/README.md says how to check it with imp and with three tools that are not ours. It names no person whose consent
    the log is about, but in each entry about the system the account that acted. The ledger notes that it was exported.

    Example: imp audit export log-2026-03
    """
    with progress("exported") as shown:
        done = export_log(ctx, folder, count=shown.advance)
    emit(done, lambda: _text(done), as_json=as_json)


def _text(done: Exported) -> str:
    facts = {
        "log": done.origin,
        "entries": f"{done.entries:,}, root {done.root}",
        "files": f"{done.files:,}, {some(done.bytes, 'byte')}, in {done.folder}",
    }
    return f"{lines(facts)}\nhow to check it: {done.folder}/README.md"
