"""An option that has one value, given twice: click would keep the last and lose the rest without a word.

What is lost may be a withdrawal, so it is refused, for core's commands and for those of every plugin alike: their
words are read once more by click's own parser, which tells how often each option stands there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from imp_core.errors import BadInput

__all__ = ["expect_once", "expect_once_below"]


def expect_once(ctx: click.Context, args: Sequence[str]) -> None:
    """Go on only where each option of this very command that has one value is given once.

    Raises:
        BadInput: one is given more often.
    """
    try:
        _words_after(ctx, args)
    except click.UsageError:
        return  # click tells it by itself, as it reads them in a moment


def expect_once_below(parent: click.Context, name: str | None, command: click.Command, args: Sequence[str]) -> None:
    """The same of a command by its name and of every one below it that the words call.

    Raises:
        As `expect_once`.
    """
    try:
        _down(parent, name, command, args, {})
    except click.UsageError:
        return  # click tells it by itself, as it reads them in a moment


def _down(
    parent: click.Context, name: str | None, command: click.Command, args: Sequence[str], more: dict[str, Any]
) -> list[str]:
    """The words that the command leaves over: of a chain, those that call the next."""
    settings = {**command.context_settings, **more}
    ctx = command.context_class(command, info_name=name, parent=parent, **settings)
    rest = _words_after(ctx, args)
    while rest and isinstance(command, click.Group):
        name, below, rest = command.resolve_command(ctx, rest)
        if below is None:
            return []
        chained = {"allow_extra_args": True, "allow_interspersed_args": False} if command.chain else {}
        rest = _down(ctx, name, below, rest, chained)
    return rest


def _words_after(ctx: click.Context, args: Sequence[str]) -> list[str]:
    _, rest, order = ctx.command.make_parser(ctx).parse_args(list(args))
    given: dict[str, list[click.Option]] = {}
    for parameter in order:
        if isinstance(parameter, click.Option):
            given.setdefault(parameter.name or parameter.opts[0], []).append(parameter)
    for options in given.values():
        if len(options) > 1 and not _loses_nothing(options):
            what = f"{options[0].opts[0]} is given twice, and it has one value"
            raise BadInput(what, mend=_mend(ctx.command))
    return rest


def _loses_nothing(options: Sequence[click.Option]) -> bool:
    """What may be repeated, what is counted, and a flag that only ever says the same."""
    first = options[0]
    says_the_same = first.is_flag and not first.secondary_opts and all(option is first for option in options)
    return first.multiple or first.count or says_the_same


def _mend(command: click.Command) -> str:
    several = [option.opts[0] for option in command.params if isinstance(option, click.Option) and option.multiple]
    besides = f"; here may be repeated: {', '.join(several)}" if several else ""
    return f"give it once, and run the command once for each{besides}"
