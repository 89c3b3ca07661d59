"""`imp experiment analyze`: a readout of a file the analyst already holds; no workspace, consent not checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_experiments.readout.analyze import analyze
from imp_experiments.readout.arguments import DEFAULT_ORDER
from imp_experiments.readout.by_table import DEFAULT_K
from imp_experiments.readout.format import to_plain
from imp_experiments.readout.render import render_table

__all__ = ["analyze_command"]


@click.command("analyze")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--variant", metavar="COL", help="Column of the variants.")
@click.option("--control", metavar="VALUE", help="Which of them is control; of factors a cell: COL=LEVEL,COL=LEVEL.")
@click.option("--factor", "factors", multiple=True, metavar="COL", help="In place of --variant: a factor's levels.")
@click.option(
    "--order", type=int, default=DEFAULT_ORDER, show_default=True, help="Interactions of up to so many factors."
)
@click.option("--unit", metavar="COL", help="Column of the units, whose rows are summed; without it every row is one.")
@click.option(
    "--weight", "weights", multiple=True, metavar="VALUE=N", help="Expected share of a variant (default: equal)."
)
@click.option(
    "--proportion", "proportions", multiple=True, metavar="COL", help="Column of 0/1 or true/false; of a unit any row."
)
@click.option("--mean", "means", multiple=True, metavar="COL", help="Column of numbers.")
@click.option("--ratio", "ratios", multiple=True, metavar="NUM/DEN", help="Two columns whose means make a ratio.")
@click.option("--quantile", "quantiles", multiple=True, metavar="COL:Q", help="A quantile of a column, like ms:0.9.")
@click.option("--ranks", multiple=True, metavar="COL", help="Compare this column by ranks too (Brunner-Munzel).")
@click.option(
    "--clip", "clips", multiple=True, metavar="COL:LOW:HIGH", help="End values at quantiles, like revenue::0.999."
)
@click.option(
    "--clip-at", "clips_at", multiple=True, metavar="COL:LOW:HIGH", help="End values at values, like revenue:0:500."
)
@click.option(
    "--covariate", "covariates", multiple=True, metavar="COL", help="Adjust for this column, known before the exposure."
)
@click.option("--stratum", metavar="COL", help="Post-stratify by this column.")
@click.option("--cluster", metavar="COL", help="What was randomised, where units come in groups.")
@click.option("--scale", type=click.Choice(["absolute", "relative"]), default="relative", show_default=True)
@click.option("--alpha", type=float, default=0.05, show_default=True, help="Intervals hold 1 - alpha.")
@click.option("--adjust", metavar="METHOD", help="Correct for the number of comparisons, like bonferroni or max_t.")
@click.option("--sequential", metavar="METHOD", help="You looked before: obrien_fleming, confidence_sequence …")
@click.option("--planned", type=click.IntRange(min=1), metavar="N", help="Units planned in all, of a sequential test.")
@click.option("--looked", type=float, multiple=True, metavar="SHARE", help="Share of them that an earlier look saw.")
@click.option("--prior", type=float, metavar="SD", help="Add the Bayesian reading, with a normal prior of this spread.")
@click.option("--down", multiple=True, metavar="METRIC", help="Less of this metric is better.")
@click.option("--by", multiple=True, metavar="COL", help="Break every metric down by this column (exploratory).")
@click.option("--k", type=int, default=DEFAULT_K, show_default=True, help="Levels with fewer units are merged.")
@json_option
@pass_context
def analyze_command(ctx: Context, /, *, file: Path, weights: tuple[str, ...], as_json: bool, **options: Any) -> None:  # noqa: ANN401 (named as `analyze` names them)
    """Compare the variants in a CSV (also gzipped), JSON lines or Parquet file. Consent is not checked.

    Example: imp experiment analyze mails.csv --variant segment --control none --proportion visit --mean spend
    """
    _refuse_idle(options)
    shares = dict(_weight(text) for text in weights)
    readout = analyze(ctx.directory / file, weights=shares, clock=ctx.clock, **options)
    emit(to_plain(readout), lambda: render_table(readout), as_json=as_json)


def _refuse_idle(options: Mapping[str, Any]) -> None:
    """A default that is written out says nothing by its value: `analyze` cannot tell that it was given."""
    given = click.get_current_context().get_parameter_source
    if given("order") is ParameterSource.COMMANDLINE and not options["factors"]:
        raise BadInput("there are no factors to interact", where="--order", mend="name each --factor, or leave it out")
    if given("k") is ParameterSource.COMMANDLINE and not options["by"]:
        problem = "no levels are asked for that could be merged"
        raise BadInput(problem, where="--k", mend="name a column with --by, or leave it out")


def _weight(text: str) -> tuple[str, int]:
    name, equals, number = text.rpartition("=")
    if not equals or not name or not number.isascii() or not number.isdigit():
        raise BadInput("not a weight", where="--weight", mend="write it as VALUE=N with a whole number, like control=2")
    return name, int(number)
