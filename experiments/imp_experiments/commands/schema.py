"""`imp experiment schema`: what an experiment file may say, for editors and programs."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any

import click

from imp_core.command import emit, json_option

__all__ = ["experiment_schema"]


def experiment_schema() -> dict[str, Any]:
    """The JSON Schema of experiment files; names that must agree are checked by `validate` alone."""
    file = importlib.resources.files("imp_experiments.design").joinpath("experiment.schema.json")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


@click.command("schema")
@json_option
def schema_command(*, as_json: bool) -> None:
    """Print the JSON Schema of experiment files, for an editor or a program.

    It is JSON with and without --json.

    Example: imp experiment schema > experiment.schema.json
    """
    found = experiment_schema()
    emit(found, json.dumps(found, indent=2, ensure_ascii=False), as_json=as_json)
