"""What an analyst asks of `analyze`, checked: columns, options, clips and looks that fit together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from imp_core.errors import BadInput
from imp_experiments.design.experiment import LEAST_ALPHA
from imp_experiments.measure.layout import Layout
from imp_experiments.measure.table import Tabulated
from imp_experiments.readout.by_table import DEFAULT_K
from imp_experiments.readout.judged import rule_of
from imp_experiments.readout.looks import CONFIDENCE_SEQUENCE
from imp_experiments.stats.sequential.rules import Rule

__all__ = [
    "DEFAULT_ORDER",
    "alike_notes",
    "asked_rule",
    "check_effects",
    "check_layout",
    "check_options",
    "known_metrics",
    "plain_notes",
    "variant_columns",
]

# Interactions of up to so many factors.
DEFAULT_ORDER: Final = 2
# An interval that leaves more out than it holds is none.
_MOST_ALPHA: Final = 0.5
_CLIPPED: Final = ("mean", "ratio")
_PLAIN: Final = ("quantile", "ranks")
_ROLES: Final = {"by": "dimension"}


def variant_columns(variant: str | None, control: str | None, factors: Sequence[str]) -> tuple[str, ...]:
    """The columns of the variant: one, or those of the factors."""
    if variant is not None and factors:
        raise BadInput("a variant beside factors", where="factor", mend="the factors' levels are the variant: leave it")
    if factors:
        return tuple(factors)
    if variant is None or control is None:
        problem = "no column says the variant" if variant is None else "no control is named"
        raise BadInput(problem, where="variant", mend="name --variant and --control, or each --factor")
    return (variant,)


def check_options(scale: str, alpha: float) -> None:
    """Raises BadInput unless scale and alpha are ones that there are."""
    if scale not in ("relative", "absolute"):
        raise BadInput("the scale is neither relative nor absolute", where="scale", mend="say one of them")
    if not LEAST_ALPHA <= alpha <= _MOST_ALPHA:
        problem = f"alpha is not between {LEAST_ALPHA:g} and {_MOST_ALPHA:g}"
        raise BadInput(problem, where="alpha", mend="0.05 means intervals of 95 %")


def check_effects(
    *, factors: Sequence[str], by: Sequence[str], down: Sequence[str], prior: float | None, order: int, k: int
) -> None:
    """Raises BadInput where an option is given that nothing else makes use of."""
    if down and prior is None and not factors:
        problem = "which way is better is asked by chances to be better (prior) and by factors alone"
        raise BadInput(problem, where="down", mend="give --prior too, or leave it out")
    if order != DEFAULT_ORDER and not factors:
        raise BadInput("there are no factors to interact", where="order", mend="name each --factor, or leave it out")
    if k != DEFAULT_K and not by:
        problem = "no levels are asked for that could be merged"
        raise BadInput(problem, where="k", mend="name a column with --by, or leave it out")


def known_metrics(down: Sequence[str], layout: Layout) -> Sequence[str]:
    """The metrics of which less is better; raises BadInput where one is not of the layout."""
    for name in down:
        if name not in (metric.name for metric in layout.metrics):
            raise BadInput(f"{name!r} is no metric of this analysis", where="down", mend="name one that is compared")
    return down


def check_layout(layout: Layout, by: Sequence[str]) -> None:
    """Refuse columns that cannot be what they are named for; `by` are those to break down by.

    Raises:
        BadInput: a clipped column is no mean and no part of a ratio, a metric is a covariate, the variant is something
            else too, or ranks are asked for of clusters.
    """
    clipped = {value.column for metric in layout.metrics if metric.kind in _CLIPPED for value in metric.values}
    for name in layout.clips:
        if name not in clipped:
            raise BadInput(f"{name!r} is no mean and no part of a ratio", where="clip", mend="clip a column that is")
    for name in layout.covariates:
        if any(value.column == name for metric in layout.metrics for value in metric.values):
            problem = f"{name!r} is a metric and a covariate"
            raise BadInput(problem, where="covariate", mend="adjust for what was known before the exposure")
    _check_variant(layout, by)
    if layout.cluster is not None and any(metric.kind == "ranks" for metric in layout.metrics):
        mend = "leave out --ranks, or the cluster where every unit was randomised on its own"
        raise BadInput(
            "ranks are not compared by cluster: their interval would be too narrow", where="ranks", mend=mend
        )


def _check_variant(layout: Layout, by: Sequence[str]) -> None:
    others = {
        "unit": [layout.unit],
        "stratum": [layout.stratum],
        "cluster": [layout.cluster],
        "covariate": layout.covariates,
        "by": by,
    }
    for option, names in others.items():
        for name in names:
            if name in layout.variant:
                problem = f"{name!r} says the variant, and cannot be the {_ROLES.get(option, option)} too"
                raise BadInput(problem, where=option, mend="name another column")


def plain_notes(layout: Layout) -> list[str]:
    """That quantiles and ranks are neither adjusted nor stratified, where others are."""
    plain = [metric.name for metric in layout.metrics if metric.kind in _PLAIN]
    if not plain or not (layout.covariates or layout.stratum):
        return []
    return [f"neither adjusted nor stratified: {', '.join(plain)}"]


def alike_notes(variants: Sequence[str]) -> list[str]:
    """That variants may be one, where only capitals or spaces tell them apart."""
    by: dict[str, list[str]] = {}
    for name in variants:
        by.setdefault("".join(name.split()).casefold(), []).append(name)
    return [
        f"only capitals or spaces tell variants apart: {', '.join(map(repr, names))}; write them alike if they are one"
        for names in by.values()
        if len(names) > 1
    ]


def asked_rule(
    table: Tabulated,
    layout: Layout,
    sequential: str | None,
    *,
    adjust: str | None,
    planned: int | None,
    looked: Sequence[float],
    alpha: float,
) -> Rule | None:
    """How earlier looks are allowed for; by Bonferroni each comparison has its share of alpha."""
    if sequential is None:
        if planned is not None or looked:
            raise BadInput(
                "planned units and looks are of a sequential test", where="sequential", mend="name its method"
            )
        return None
    if looked and sequential == CONFIDENCE_SEQUENCE:
        problem = "a confidence sequence holds whenever it is looked at: earlier looks change nothing"
        raise BadInput(problem, where="looked", mend="leave it out, or name a spending function")
    if adjust == "max_t":
        raise BadInput("max_t is of one look", where="adjust", mend="say bonferroni beside a sequential method")
    comparisons = (len(table.moments.variants) - 1) * len(layout.metrics)
    share = alpha / max(comparisons, 1) if adjust == "bonferroni" else alpha
    return rule_of(sequential, n=table.moments.count(), planned=planned, looked=looked, alpha=share)
