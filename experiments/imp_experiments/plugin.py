"""The entry point of experiments: it registers commands and the assigner by hook, like a stranger's plugin.

It imports only imp_core, so that `imp --help` stays light.
"""

from __future__ import annotations

from imp_core.hookspecs import CommandRef, RuntimeProvider, hookimpl

__all__ = ["imp_register_commands", "imp_register_runtime"]


@hookimpl
def imp_register_commands() -> list[CommandRef]:
    """The command `imp experiment`."""
    return [
        CommandRef(
            name="experiment",
            target="imp_experiments.commands.experiment:experiment",
            help="Define, start, assign and read out experiments; analyze a file.",
        )
    ]


@hookimpl
def imp_register_runtime() -> list[RuntimeProvider]:
    """The assigner: which variant a unit is owed."""
    return [RuntimeProvider(kind="assigner", name="experiments", target="imp_experiments.runtime:open_assigner")]
