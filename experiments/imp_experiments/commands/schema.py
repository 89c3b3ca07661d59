"""`imp experiment schema`: what an experiment file may say, for editors and programs."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any

import click

__all__ = ["experiment_schema"]


def experiment_schema() -> dict[str, Any]:
    """The JSON Schema of experiment files; names that must agree are checked by `validate` alone."""
    file = importlib.resources.files("imp_experiments.design").joinpath("experiment.schema.json")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


@click.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of experiment files, for an editor or a program.

    Example: imp experiment schema > experiment.schema.json
    """
    click.echo(json.dumps(experiment_schema(), indent=2, ensure_ascii=False))
