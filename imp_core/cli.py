"""The command `imp`: a click group whose commands plugins register and that imports them when they are called."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from imp_core import __version__
from imp_core.context import Context, load_target
from imp_core.errors import ImpError
from imp_core.hookspecs import CommandRef

__all__ = ["cli", "invoke", "main"]

_OWN = {
    "plugin": CommandRef(
        name="plugin", target="imp_core.plugin_commands:plugin", help="List, show and enable plugins."
    ),
    "doctor": CommandRef(
        name="doctor", target="imp_core.doctor:doctor", help="Find out what is broken and how to mend it."
    ),
}


class _LazyGroup(click.Group):
    """Lists commands by what plugins registered; imports one only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({**_OWN, **_context(ctx).plugins.commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        ref = _OWN.get(cmd_name) or _context(ctx).plugins.commands().get(cmd_name)
        if ref is None:
            return None
        command = load_target(ref.target)
        if not isinstance(command, click.Command):
            raise ImpError(f"{ref.target} is not a click command", mend="see: imp doctor")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        refs = {**_context(ctx).plugins.commands(), **_OWN}
        with formatter.section("Commands"):
            formatter.write_dl([(name, refs[name].help) for name in sorted(refs)])


def _context(ctx: click.Context) -> Context:
    context = ctx.find_object(Context)
    if context is None:
        # `--help` is answered before the group's own function has run.
        context = _new_context(ctx.params.get("actor"), tuple(ctx.params.get("without") or ()))
        ctx.obj = context
    return context


def _new_context(actor: str | None, without: tuple[str, ...]) -> Context:
    return Context(environ=os.environ, directory=Path.cwd(), chosen_actor=actor, without=without)


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Try: imp demo. Exit codes: 0 done, 1 refused or failed a check, 2 wrong usage, 3 breakage.",
)
@click.version_option(__version__, prog_name="imp")
@click.option("--actor", help="Who acts, for the ledger (default: IMP_ACTOR, else the login name).", is_eager=True)
@click.option("--without", multiple=True, metavar="NAME", help="Leave a plugin out.", is_eager=True)
@click.option("--debug", is_flag=True, help="Show the traceback of a breakage.")
@click.pass_context
def cli(ctx: click.Context, actor: str | None, without: tuple[str, ...], *, debug: bool) -> None:  # noqa: ARG001 (--debug is read by `invoke`)
    """Privacy-first experiments: consent gates every use of people's data, and an auditor can check it offline."""
    if ctx.find_object(Context) is None:
        ctx.obj = _new_context(actor, without)
        ctx.call_on_close(ctx.obj.close)


def invoke(arguments: Sequence[str], context: Context | None = None) -> int:
    """Run one command line and return its exit code: errors go to standard error, never as a traceback."""
    debug = "--debug" in arguments
    try:
        cli.main(args=list(arguments), prog_name="imp", standalone_mode=False, obj=context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        click.echo("aborted", err=True)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ImpError as error:
        if debug:
            raise
        _show(error, as_json="--json" in arguments)
        return error.exit_code
    except Exception as error:
        if debug:
            raise
        # Only the type: a foreign message may hold a raw identifier.
        _show(
            ImpError(f"internal error: {type(error).__name__}", mend="run it again with: imp --debug …"),
            as_json="--json" in arguments,
        )
        return ImpError.exit_code
    return 0


def _show(error: ImpError, *, as_json: bool) -> None:
    parts = error.diagnostics()
    if as_json:
        click.echo(json.dumps({"error": parts}, ensure_ascii=False))
    click.echo(f"error: {parts.pop('what')}", err=True)
    for name, text in parts.items():
        click.echo(f"  {name}: {text}", err=True)


def main() -> None:
    """The console script."""
    sys.exit(invoke(sys.argv[1:]))
