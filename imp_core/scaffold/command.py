"""The command `imp plugin new`."""

from __future__ import annotations

from pathlib import Path

import click

from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.event import IDENTIFIER_KINDS
from imp_core.scaffold.write import scaffold

__all__ = ["new"]


@click.command()
@click.argument("name")
@click.option(
    "--identifier",
    "kind",
    required=True,
    metavar="KIND",
    help=f"What people are known by: {', '.join(IDENTIFIER_KINDS)}.",
)
@click.option(
    "--dir", "parent", type=click.Path(path_type=Path), help="Where the folder is made (default: where you stand)."
)
@json_option
@pass_context
def new(ctx: Context, name: str, kind: str, parent: Path | None, *, as_json: bool) -> None:
    """Write a new channel's distribution: manifest, code, and its conformance tests. No network is needed.

    Example: imp plugin new sms-acme --identifier phone
    """
    result = scaffold(ctx, name, kind=kind, parent=parent)
    text = [f"{result.folder}", *(f"  {name}" for name in result.files), "", "next:", *(f"  {s}" for s in result.next)]
    emit(result, "\n".join(text), as_json=as_json)
