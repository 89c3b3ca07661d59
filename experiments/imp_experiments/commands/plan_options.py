"""The options of `imp experiment plan`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["plan_options"]

F = TypeVar("F", bound=Callable[..., Any])


def plan_options(function: F) -> F:
    """The options of the command, in the order of its help."""
    number: dict[str, Any] = {"type": float, "metavar": "N"}
    made = [
        click.option("--baseline", multiple=True, metavar="[METRIC=]P|M:SD", help="Proportion, or mean:sd[:skewness]."),
        click.option("--mean", help="Mean of control; with --sd.", **number),
        click.option("--sd", help="Standard deviation of the units; it grows with the mean.", **number),
        click.option("--ratio", metavar="M,SD,M,SD,R", help="Of numerator and denominator, and their correlation."),
        click.option("--quantile", metavar="Q:V:D", help="Which, its value, the density there; only Q with --data."),
        click.option("--data", type=click.Path(path_type=Path), metavar="FILE", help="Your units say the baseline."),
        click.option("--column", "columns", multiple=True, metavar="[METRIC=]COL[/DEN]", help="Values in the file."),
        click.option("--unit", metavar="COL", help="Column of the units in the file; without it every row is one."),
        click.option("--covariate", metavar="COL", help="Column from before the exposure, to adjust for."),
        click.option("--mde", help="Effect to detect, on the scale: 0.1 is +10 %.", **number),
        click.option("--units", type=int, metavar="N", help="Units in all variants together."),
        click.option("--power", help="Chance to show the effect (default: 0.8).", **number),
        click.option("--alpha", help="Error of all hypotheses together (default: 0.05).", **number),
        click.option("--sides", type=int, metavar="1|2", help="Sides of the test (default: 2)."),
        click.option("--scale", type=click.Choice(["absolute", "relative"]), help="Default: relative."),
        click.option("--direction", type=click.Choice(["up", "down"]), help="Where better lies (default: up)."),
        click.option("--margin", help="How much worse is acceptable: plan non-inferiority.", **number),
        click.option("--variants", type=int, metavar="N", help="How many, control among them (default: 2)."),
        click.option("--weights", metavar="N,N,...", help="Their weights, control first (default: equal)."),
        click.option("--factors", metavar="N,N,...", help="Levels of each factor: plan their effects in equal cells."),
        click.option("--order", type=int, metavar="1|2", help="Main effects, or two-way interactions (default: 1)."),
        click.option("--primaries", type=int, metavar="N", help="Primary metrics that share alpha (default: 1)."),
        click.option("--r2", help="R² of the covariate that the metric is adjusted for.", **number),
        click.option("--cluster-size", help="Mean units of a randomised cluster.", **number),
        click.option("--cluster-cv", help="Coefficient of variation of the clusters' sizes.", **number),
        click.option("--icc", help="Intra-cluster correlation.", **number),
        click.option("--looks", type=int, metavar="N", help="How often it is looked at (default: once)."),
        click.option("--sequential", metavar="WAY", help="obrien_fleming, pocock, power:RHO, confidence_sequence."),
        click.option("--inflation", help="Units of the sequential design over those of the fixed one.", **number),
        click.option("--daily", help="New units a day: says the days, and what each week detects.", **number),
        click.option("--window", metavar="14d", help="From a unit's exposure until it counts (default: 0d)."),
        click.option("--traffic", help="Share of the units that takes part (default: 1).", **number),
        click.option("--consent", help="Share of the units that permits it (default: 1).", **number),
    ]  # fmt: skip
    for option in reversed(made):
        function = option(function)
    return function
