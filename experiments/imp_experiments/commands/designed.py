"""`imp experiment design`: the cells of a multivariate experiment, and what a fraction cannot tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from imp_core.command import emit, json_option, lines, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_experiments.design.assign import bucket_shares
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.fraction import letters_of
from imp_experiments.design.load import load_experiment
from imp_experiments.design.parse_factors import design_of_file

__all__ = ["AliasChain", "DesignCell", "Designed", "design_command", "designed", "show_design", "summary_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignCell:
    """A cell that is run: its variant, weight, and the share of units that its buckets give it."""

    variant: str
    levels: dict[str, str]
    weight: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasChain:
    """Effects that are one figure, in letters and in names.

    `clear`: the first is aliased with no main effect or two-way interaction.
    """

    letters: str
    words: str
    order: int
    clear: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Designed:
    """A design as it is run. Resolution and defining relation are None, aliases empty, where all cells are run."""

    name: str
    kind: str
    factors: dict[str, tuple[str, ...]]
    letters: dict[str, str]
    generators: tuple[str, ...]
    control: str
    runs: int
    resolution: int | None
    defining_relation: str | None
    word_lengths: tuple[int, ...]
    aliases: tuple[AliasChain, ...]
    cells: tuple[DesignCell, ...]


def designed(experiment: Experiment) -> Designed | None:
    """The design of an experiment; None where its variants are not the cells of factors."""
    made = design_of_file(experiment.factors, experiment.design)
    if made is None:
        return None
    shares, fraction = bucket_shares(experiment.weights), made.fraction
    chains = () if fraction is None else fraction.chains
    return Designed(
        name=experiment.name,
        kind=made.design.kind,
        factors={factor.name: factor.levels for factor in made.factors},
        letters=letters_of([factor.name for factor in made.factors]),
        generators=made.design.generators,
        control=experiment.control,
        runs=len(made.variants),
        resolution=None if fraction is None else fraction.resolution,
        defining_relation=None if fraction is None else fraction.defining_relation,
        word_lengths=() if fraction is None else fraction.word_lengths,
        aliases=tuple(
            AliasChain(letters=chain.letters, words=chain.words, order=chain.order, clear=chain.clear)
            for chain in chains
        ),
        cells=tuple(
            DesignCell(variant=name, levels=levels, weight=experiment.weights[name], share=shares[name])
            for name, levels in zip(made.variants, made.cells, strict=True)
        ),
    )


def show_design(ctx: Context, name_or_file: str) -> Designed:
    """The design of an experiment by its name in the workspace, or by its file. It writes nothing.

    Raises:
        BadInput: there is no such experiment, or it has no factors.
    """
    loaded = load_experiment(ctx, name_or_file)
    found = designed(loaded.experiment)
    if found is None:
        raise BadInput(
            "the experiment has no factors", where=loaded.path.name, mend="see its variants: imp experiment validate"
        )
    return found


def summary_of(design: Designed) -> dict[str, Any]:
    """What to know of a design at a glance, by label."""
    told: dict[str, Any] = {
        "factors": "; ".join(f"{name}: {', '.join(levels)}" for name, levels in design.factors.items()),
        "design": f"{design.kind}, {design.runs:,} cells",
    }
    if design.resolution is not None:
        told |= {
            "resolution": design.resolution,
            "defining relation": design.defining_relation,
            "aliases": "; ".join(chain.letters for chain in design.aliases if chain.order == 1),
        }
    return told


@click.command("design")
@click.argument("name_or_file", metavar="NAME|FILE")
@json_option
@pass_context
def design_command(ctx: Context, name_or_file: str, *, as_json: bool) -> None:
    """Show the cells of a multivariate experiment, and of a fraction which effects are one figure.

    Example: imp experiment design spring-email
    """
    found = show_design(ctx, name_or_file)
    emit(found, lambda: _text(found), as_json=as_json)


def _text(design: Designed) -> str:
    told: dict[str, Any] = {
        **{f"{design.letters[name]} {name}": ", ".join(levels) for name, levels in design.factors.items()},
        "design": f"{design.kind}, {design.runs:,} cells",
        "control": design.control,
    }
    if design.resolution is not None:
        told |= {"resolution": design.resolution, "defining relation": design.defining_relation}
    widest = max(len(cell.variant) for cell in design.cells)
    cells = [f"  {cell.variant:<{widest}}  weight {cell.weight}, {cell.share:.2%}" for cell in design.cells]
    parts = [lines(told), "cells:", *cells]
    if design.aliases:
        parts += ["one figure each (effects joined by = cannot be told apart; * clear of two-way interactions):"]
        parts += [f"  {chain.letters}{' *' if chain.clear else ''}  ({chain.words})" for chain in design.aliases]
    return "\n".join(parts)
