"""`imp demo`: the main job end to end, on generated data."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_demo.result import DemoResult
from imp_demo.stage import free_folder, set_stage
from imp_demo.story import tell
from imp_demo.tell import format_demo

__all__ = ["demo", "demo_command"]

_FEWEST = 500


def demo(ctx: Context, folder: Path, *, people: int = 15_000, seed: int = 1) -> DemoResult:
    """Play the demo in a folder; everything of it, keys too, stays there.

    Raises:
        BadInput: too few people for groups of at least k, or the folder holds something else.
        ImpError: whatever a command refuses.
    """
    if people < _FEWEST:
        raise BadInput(f"{people} people are too few for groups that reveal nobody", mend=f"--people {_FEWEST} or more")
    stage = set_stage(folder, seed=seed, now_us=ctx.clock.now_us(), environ=ctx.environ)

    def say(chapter: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"… {chapter}", err=True)

    try:
        return tell(stage, people, say)
    finally:
        stage.ctx.close()


@click.command("demo")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="A new or empty folder (default: imp-demo, then imp-demo-2 and so on).",
)
@click.option("--people", default=15_000, show_default=True, help="How many customers to invent.")
@click.option("--seed", default=1, show_default=True, help="Fixes people, salts and subject numbers, never keys.")
@json_option
@pass_context
def demo_command(ctx: Context, folder: Path | None, people: int, seed: int, *, as_json: bool) -> None:
    """Build a shop of invented customers and run the whole job on it: consent, experiments, withdrawal, proof.

    Example: imp demo --people 5000
    """
    result = demo(ctx, folder or free_folder(ctx.directory), people=people, seed=seed)
    emit(result, lambda: format_demo(result), as_json=as_json)
