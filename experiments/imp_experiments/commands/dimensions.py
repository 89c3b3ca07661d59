"""The dimensions of `--by`: columns of an exposure, or another experiment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from imp_core.context import Context
from imp_core.errors import BadInput
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.load import load_experiment, registration_of
from imp_experiments.measure.levels import DIMENSIONS
from imp_experiments.measure.met import EXPERIMENT, other_experiment

__all__ = ["FORMS", "check_dimensions", "columns_among", "variants_beside"]

FORMS: Final = (*DIMENSIONS, f"{EXPERIMENT}NAME")


def check_dimensions(by: Sequence[str]) -> None:
    """Refuse what is no dimension, or comes twice.

    Raises:
        BadInput: it is so.
    """
    for name in by:
        known = name in DIMENSIONS or other_experiment(name)
        if not known or list(by).count(name) > 1:
            what = "is named twice" if known else "is no dimension"
            raise BadInput(f"{name!r} {what}", where="--by", mend=f"say once one of: {', '.join(FORMS)}")


def columns_among(by: Sequence[str]) -> list[str]:
    """Those that are columns of the archive."""
    return [name for name in by if other_experiment(name) is None]


def variants_beside(ctx: Context, experiment: Experiment, by: Sequence[str]) -> dict[str, list[str]]:
    """Dimension that is another experiment → its variants, control first.

    Raises:
        BadInput: there is no such experiment, it was not started, it is this one, or it has another purpose: who met
            what in it is not permitted for this one then.
    """
    found = {}
    for dimension in by:
        name = other_experiment(dimension)
        if name is None:
            continue
        other = load_experiment(ctx, name).experiment
        if other.name == experiment.name:
            raise BadInput(f"{name} cannot be broken down by itself", where="--by", mend="name another experiment")
        if registration_of(ctx, other.name) is None:
            raise BadInput(f"{name} is not started", where="--by", mend=f"imp experiment start {name}")
        if other.purpose != experiment.purpose:
            what = f"{name} is of purpose {other.purpose}, {experiment.name} of {experiment.purpose}"
            raise BadInput(what, where="--by", mend="name an experiment of the same purpose")
        weighed = [variant.name for variant in other.variants if variant.weight and variant.name != other.control]
        found[f"{EXPERIMENT}{other.name}"] = [other.control, *weighed]
    return found
