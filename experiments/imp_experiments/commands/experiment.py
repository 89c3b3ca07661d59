"""The group `imp experiment`: each verb is imported when it is called."""

from __future__ import annotations

from typing import Final

import click

from imp_core.context import load_target

__all__ = ["experiment"]

# verb → (click command, sentence for the list)
_VERBS: Final = {
    "new": ("imp_experiments.commands.define:new_command", "Write a new experiment file with a random salt."),
    "validate": ("imp_experiments.commands.define:validate_command", "Check an experiment file."),
    "schema": ("imp_experiments.commands.schema:schema_command", "Print the JSON Schema of experiment files."),
    "design": ("imp_experiments.commands.designed:design_command", "Show cells and aliases of a multivariate design."),
    "plan": ("imp_experiments.commands.plan:plan_command", "Plan units, detectable effect, power and days."),
    "simulate": ("imp_experiments.commands.simulate:simulate_command", "Try looks and decision on drawn data."),
    "list": ("imp_experiments.commands.define:list_command", "List the workspace's experiments."),
    "show": ("imp_experiments.commands.define:show_command", "Show one experiment and its registration."),
    "start": ("imp_experiments.commands.start:start_command", "Register an experiment in the ledger and start it."),
    "assign": ("imp_experiments.commands.assign:assign_command", "Print the variant a person is owed."),
    "readout": ("imp_experiments.commands.read_out:readout_command", "Read an experiment out, by consent and proven."),
    "analyze": ("imp_experiments.commands.analyze:analyze_command", "Read out a file you already hold."),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        if cmd_name not in _VERBS:
            return None
        command: click.Command = load_target(_VERBS[cmd_name][0])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        with formatter.section("Commands"):
            formatter.write_dl([(verb, sentence) for verb, (_, sentence) in _VERBS.items()])


@click.group(cls=_LazyGroup)
def experiment() -> None:
    """Define, start, assign and read out experiments; analyze a file.

    Example: imp experiment readout spring-email
    """
