"""Find an experiment: its file by name or path, and its start in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imp_core.context import Context
from imp_core.errors import BadInput
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.parse import check_name, read_experiment
from imp_experiments.design.registration import Registration, find_registrations

__all__ = ["Loaded", "experiment_path", "load_experiment", "registration_of"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A parsed experiment, the exact bytes of its file, and where they lie."""

    experiment: Experiment
    data: bytes
    path: Path


def experiment_path(ctx: Context, name: str) -> Path:
    """Where the workspace keeps an experiment of this name, whether it is there or not."""
    return ctx.workspace.experiments / f"{check_name(name, where='experiment')}.toml"


def load_experiment(ctx: Context, name_or_file: str) -> Loaded:
    """Read an experiment by its name in the workspace, or by the path of a TOML file.

    Raises:
        BadInput: there is none, it cannot be taken, or its name is not the file's.
    """
    if name_or_file.endswith(".toml"):
        path = ctx.directory / name_or_file
    else:
        path = experiment_path(ctx, name_or_file)
        if not path.is_file():
            raise BadInput(
                f"there is no experiment {name_or_file!r}",
                where=str(path),
                mend="see: imp experiment list; imp experiment new",
            )
    experiment, data = read_experiment(path)
    if experiment.name != path.stem:
        raise BadInput("the name is not the file's", where=f"{path.name}: name", mend=f'write name = "{path.stem}"')
    return Loaded(experiment, data, path)


def registration_of(ctx: Context, name: str) -> Registration | None:
    """The start of an experiment, or None where it was not started."""
    return find_registrations(ctx.ledger).get(name)
