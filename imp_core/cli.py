"""The command `imp`: a click group whose commands plugins register and that imports them when they are called."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from imp_core import __version__
from imp_core.context import Context, load_target
from imp_core.errors import BadInput, CheckFailed, ImpError, PluginBroken
from imp_core.given_once import expect_once, expect_once_below
from imp_core.hookspecs import CommandRef

__all__ = ["cli", "invoke", "main"]

# As shells have them: 128 + the signal's number.
_INTERRUPTED, _READER_GONE = 130, 141
_PHONE_DIGITS = 5
_SQLITE_FULL = 13
_ACTOR = (
    "the name of whoever acts looks like an address or a number: it stands in the open log and in every export of it, "
    "for good; use a name or a role"
)
_MAKE_ROOM = "make room on the disk, then run it again"
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
        return sorted(self._refs(ctx))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        # Core's own answer even where asking the plugins would not.
        ref = _OWN.get(cmd_name) or self._refs(ctx).get(cmd_name)
        if ref is None:
            return None
        command = load_target(ref.target)
        if not isinstance(command, click.Command):
            raise PluginBroken(f"{ref.target} is not a click command", mend="see: imp doctor")
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        expect_once(ctx, args)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if not word.startswith("-") and word not in _OWN and word not in self._refs(ctx):
            import difflib  # noqa: PLC0415 (`imp --help` needs it not, and it takes milliseconds)

            close = difflib.get_close_matches(word, self.list_commands(ctx))
            hint = f"did you mean: {', '.join(close)}?" if close else "see: imp --help"
            # The word itself is not repeated: it may be an identifier in the wrong place.
            ctx.fail(f"there is no such command; {hint}")
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            expect_once_below(ctx, name, command, rest)
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        refs = self._refs(ctx)
        with formatter.section("Commands"):
            formatter.write_dl([(name, refs[name].help) for name in sorted(refs)])

    def _refs(self, ctx: click.Context) -> dict[str, CommandRef]:
        return {**_context(ctx).plugins.commands(), **_OWN}


def _context(ctx: click.Context) -> Context:
    context = ctx.find_object(Context)
    if context is None:
        context = ctx.obj = Context(environ=os.environ, directory=Path.cwd())
        ctx.call_on_close(context.close)  # a context that was handed in is its owner's to close
    # `--help` is answered before the group's own function has run, so the options are read from here by both.
    said = ctx.find_root().params.get("actor")
    context.chosen_actor = context.chosen_actor if said is None else said
    context.without = tuple(ctx.find_root().params.get("without") or context.without)
    return context


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Try: imp demo. "
    "Exit codes: 0 done, 1 refused or failed a check, 2 wrong usage, 3 breakage, 130 interrupted.",
)
@click.version_option(__version__, prog_name="imp")
@click.option("--actor", help="Who acts, for the ledger (default: IMP_ACTOR, else the login name).", is_eager=True)
@click.option("--without", multiple=True, metavar="NAME", help="Leave a plugin out.", is_eager=True)
@click.option("--debug", is_flag=True, help="Show the traceback of a breakage.")
@click.pass_context
def cli(ctx: click.Context, actor: str | None, without: tuple[str, ...], *, debug: bool) -> None:  # noqa: ARG001 (`_context` and `invoke` read them)
    """Privacy-first experiments: consent gates every use of people's data, and an auditor can check it offline."""
    context = _context(ctx)
    if actor is not None:
        _ = context.actor  # refused where it is no name, before anything is done under it
    if _could_identify(actor or context.environ.get("IMP_ACTOR") or ""):
        click.echo(f"warning: {_ACTOR}", err=True)
    _warn(context)


def _warn(context: Context) -> None:
    """Say what nothing reads in `imp.toml`, whatever the command: most likely it is misspelt."""
    try:
        found = context.unread_settings()
    except ImpError:
        return  # whoever needs the workspace is told what is wrong with it
    for one in found:
        click.echo(f"warning: nothing reads {one.where}: {one.mend}", err=True)
    if found:
        click.echo("  until it is mended no yes is recorded, and nothing is sent or analysed", err=True)


def invoke(arguments: Sequence[str], context: Context | None = None) -> int:
    """Run one command line and return its exit code: errors go to standard error, never as a traceback.

    With `--json` an error is also one JSON object on standard output. Interrupted: 130; reader gone: 141.
    """
    words = list(arguments)
    options = words[: words.index("--")] if "--" in words else words
    report = _Report(words, as_json="--json" in options, debug="--debug" in options)
    try:
        with cli.make_context("imp", list(words), obj=context) as ctx:
            cli.invoke(ctx)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:
        return _reader_gone()
    except (KeyboardInterrupt, EOFError, click.Abort) as error:
        return report.stopped(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever a command raises becomes an exit code)
        return report.failed(error)
    return 0


class _Report:
    """Says what went wrong, and which exit code that is."""

    def __init__(self, words: Sequence[str], *, as_json: bool, debug: bool) -> None:
        self._words, self._as_json, self._debug = words, as_json, debug

    def stopped(self, error: BaseException) -> int:
        click.echo("aborted", err=True)
        return _INTERRUPTED if isinstance(error, KeyboardInterrupt) else CheckFailed.exit_code

    def failed(self, error: BaseException) -> int:
        if isinstance(error, SystemExit):
            code = error.code or 0
            return code if isinstance(code, int) and 0 <= code <= ImpError.exit_code else ImpError.exit_code
        if isinstance(error, click.ClickException):
            return self._misused(error)
        if self._debug:
            import traceback  # noqa: PLC0415 (`imp --help` needs it not, and it takes milliseconds)

            traceback.print_exception(error)
        if not isinstance(error, ImpError):
            # Only the type: a foreign message may hold a raw identifier.
            error = ImpError(f"internal error: {type(error).__name__}", mend="run it again with: imp --debug …")
        parts = error.diagnostics()
        if _disk_is_full(error):
            parts["mend"] = _MAKE_ROOM
        self._print_json(parts)
        click.echo(f"error: {parts.pop('what')}", err=True)
        for name, text in parts.items():
            click.echo(f"  {name}: {text}", err=True)
        return error.exit_code

    def _misused(self, error: click.ClickException) -> int:
        message = self._masked(error.format_message())
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            click.echo(message, err=True)
            return BadInput.exit_code
        self._print_json({"what": message})
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(error.ctx.get_usage(), err=True)
            click.echo(f"Try: {error.ctx.command_path} --help\n", err=True)
        click.echo(f"error: {message}", err=True)
        return BadInput.exit_code

    def _print_json(self, parts: Mapping[str, str]) -> None:
        if self._as_json:
            import json  # noqa: PLC0415 (`imp --help` needs it not, and it takes milliseconds)

            click.echo(json.dumps({"error": dict(parts)}, ensure_ascii=False))

    def _masked(self, message: str) -> str:
        # click repeats the words it could not use, and one of them may be an identifier.
        parted = [word.partition("=") if word.startswith("-") else (word, "", "") for word in self._words]
        values = [value for name, _, said in parted for value in (name.lstrip("-"), said)]
        for value in sorted(filter(_could_identify, values), key=len, reverse=True):
            for shown in (value, repr(value)[1:-1]):
                message = message.replace(shown, "***")
        return message


def _could_identify(word: str) -> bool:
    return "@" in word or ":" in word or sum(char.isdigit() for char in word) >= _PHONE_DIGITS


def _disk_is_full(error: BaseException | None) -> bool:
    """Whether a full disk, or quota, is what an error comes from, whoever put it into words of their own."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if getattr(error, "sqlite_errorcode", 0) == _SQLITE_FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def _reader_gone() -> int:
    # Python would complain once more when it flushes at exit.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _READER_GONE


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal of another alphabet is no breakage
    sys.exit(invoke(sys.argv[1:]))
