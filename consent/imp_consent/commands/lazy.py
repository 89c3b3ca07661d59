"""A group of commands that lists them by a table, and imports one only when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from imp_core.context import load_target

__all__ = ["LazyGroup"]


class LazyGroup(click.Group):
    """A group by a table `targets`: the word of each command, where its code is, and what it does."""

    def __init__(self, *given: Any, targets: Mapping[str, tuple[str, str]], **more: Any) -> None:  # noqa: ANN401 (click's)
        super().__init__(*given, **more)
        self._targets = targets

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """The words, in order."""
        return sorted(self._targets)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        """The command of a word; None where there is none."""
        if cmd_name not in self._targets:
            return None
        command: click.Command = load_target(self._targets[cmd_name][0])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        """What each does, as the table says."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in sorted(self._targets.items())])
