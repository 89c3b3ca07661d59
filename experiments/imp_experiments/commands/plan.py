"""`imp experiment plan`: units, detectable effect, power and days, from figures or from an experiment file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import click

from imp_core.clock import DAY_US
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput, CheckFailed
from imp_experiments.commands.plan_basis import Basis, basis_of, given_basis, numbers_of, refuse_baseline
from imp_experiments.commands.plan_data import bases_of_file, metric_of_column
from imp_experiments.commands.plan_file import ExperimentPlan, plan_experiment, planned_metrics
from imp_experiments.commands.plan_looks import inflation_of
from imp_experiments.commands.plan_options import plan_options
from imp_experiments.commands.plan_words import experiment_text, planned_text
from imp_experiments.commands.planner import Planner
from imp_experiments.commands.planning import DEFAULT_POWER, Planned, Traffic, plan_comparison
from imp_experiments.design.factorial import Factor, factorial
from imp_experiments.design.fields import Fields
from imp_experiments.design.fraction import LETTERS
from imp_experiments.design.load import load_experiment
from imp_experiments.stats.power.duration import Arrivals
from imp_experiments.stats.power.effects import PlannedEffect, effects_of
from imp_experiments.stats.power.setting import Setting

__all__ = ["plan_figures", "plan_named"]

# what the file says, and so the command line may not
_OF_THE_FILE: Final = (
    "mean", "sd", "ratio", "quantile", "units", "power", "alpha", "sides", "scale", "direction", "margin", "variants",
    "weights", "factors", "order", "primaries", "looks", "sequential", "window", "traffic",
)  # fmt: skip
# a field of the statistics → the option that says it
_SAID_BY: Final = {
    "effect": "mde",
    "control": "weights",
    "treatments": "variants",
    "correlation": "r2",
    "hypotheses": "primaries",
    "skewness": "baseline",
    "density": "quantile",
    "q": "quantile",
    "spending": "sequential",
}


def plan_figures(asked: Mapping[str, Any]) -> Planned:
    """Plan one comparison; `asked` holds the command's options by name, None where not given.

    Raises:
        BadInput: a figure is missing, cannot be, or is one too many.
    """
    basis = _basis(asked)
    effect = None if asked["factors"] is None else _effect(asked)
    shares = _shares(asked) if effect is None else list(effect.cells.shares)
    if effect is None and asked["order"] is not None:
        raise BadInput("there are no factors", where="order", mend="give --factors too")
    setting = replace(
        _shape(asked, basis),
        alpha=_or(asked["alpha"], 0.05),
        sides=_or(asked["sides"], 2 if asked["margin"] is None else 1),
        hypotheses=_hypotheses(asked, 1 if effect is not None else len(shares) - 1),
        scale=_or(asked["scale"], "relative"),
        direction=_or(asked["direction"], "up"),
        # of factors the cells have shares of their own
        control=0.5 if effect is not None else shares[0],
        treatment=0.5 if effect is not None else min(shares[1:]),
        margin=asked["margin"],
    )
    setting = _looked(asked, setting)
    cells = None if effect is None else effect.cells
    return plan_comparison(
        Planner(kind=basis.kind, baseline=basis.baseline, setting=setting, cells=cells),
        mde=asked["mde"],
        units=asked["units"],
        power=asked["power"],
        traffic=_traffic(asked),
        shares=shares,
        effect=None if effect is None else effect.effect,
    )


def plan_named(ctx: Context, name_or_file: str, asked: Mapping[str, Any]) -> ExperimentPlan:
    """Plan an experiment by its file: alpha, power, mde, variants, metrics and horizon are the file's.

    Raises:
        BadInput: the file cannot be taken, an option is the file's to say, or a baseline is missing.
    """
    for option in _OF_THE_FILE:
        if asked[option] is not None:
            raise BadInput("the experiment file says this", where=option, mend="leave it out, or change the file")
    experiment = load_experiment(ctx, name_or_file).experiment
    metrics = {metric.name: metric for metric in experiment.metrics}
    bases: dict[str, Basis] = {}
    for name, figures in _named(asked["baseline"], "baseline").items():
        metric = metrics.get(name)
        kind = "proportion" if metric is None and ":" not in figures else "mean" if metric is None else metric.kind
        bases[name] = basis_of(kind, figures, q=None if metric is None else metric.q)
    if asked["data"] is not None:
        if bases:
            raise BadInput("the file of units says the baseline", where="baseline", mend="leave it or --data out")
        columns = _named(asked["columns"], "column")
        planned = planned_metrics(experiment)
        bases = bases_of_file(asked["data"], planned, columns, unit=asked["unit"], covariate=asked["covariate"])
    if asked["mde"] is not None and not asked["mde"] > 0:
        raise BadInput("must be above 0", where="mde", mend="give its size; the metric's direction is in the file")
    return plan_experiment(experiment, bases, mde=asked["mde"], arrivals=_arrivals(asked), shape=_shape(asked, None))


@click.command("plan")
@click.argument("name_or_file", metavar="[NAME|FILE]", required=False)
@plan_options
@json_option
@pass_context
def plan_command(ctx: Context, /, *, name_or_file: str | None, as_json: bool, **asked: Any) -> None:  # noqa: ANN401 (options by name)
    """Plan units, detectable effect, power and days, from figures or for an experiment.

    From figures, or from a file of your own units (--data), it solves for whichever of --mde, --units and --power is
    missing and needs no workspace. Of an experiment it says whether the horizon suffices; exit code 1 where it does
    not, or nothing can be detected.

    Example: imp experiment plan --baseline 0.05 --mde 0.1 --daily 2000 --window 14d
    """
    if asked["data"] is not None:
        asked["data"] = ctx.directory / asked["data"]
    try:
        if name_or_file is None:
            plan = plan_figures(asked)
            emit(plan, lambda: planned_text(plan), as_json=as_json)
            reached = plan.reached
        else:
            named = plan_named(ctx, name_or_file, asked)
            emit(named, lambda: experiment_text(named), as_json=as_json)
            reached = named.enough is not False
    except BadInput as error:
        error.where = _SAID_BY.get(error.where or "", error.where)
        raise
    if not reached:
        raise click.exceptions.Exit(CheckFailed.exit_code)


def _or(value: Any, default: Any) -> Any:  # noqa: ANN401 (any option)
    return default if value is None else value


def _named(texts: tuple[str, ...], option: str) -> dict[str, str]:
    """METRIC=… by metric."""
    found = {}
    for text in texts:
        name, equals, rest = text.rpartition("=")
        if not equals and option == "baseline":
            refuse_baseline(text, "write it as METRIC=0.05, or METRIC=12.5:40 (mean:sd)")
        if not equals:
            raise BadInput(f"{text!r} names no metric", where=option, mend="write it as METRIC=COL")
        found[name] = rest
    return found


def _basis(asked: Mapping[str, Any]) -> Basis:
    """From the options, or from the file of units that they name."""
    if asked["data"] is None:
        for option in ("columns", "unit", "covariate"):
            if asked[option]:
                where = option.removesuffix("s")
                raise BadInput("it describes a file of units", where=where, mend="name the file with --data")
        return given_basis(asked)
    if asked["baseline"] or any(asked[option] is not None for option in ("mean", "sd", "ratio")):
        raise BadInput("the file of units says the baseline", where="data", mend="leave the baseline or the file out")
    if len(asked["columns"]) != 1:
        raise BadInput("one column is planned for", where="column", mend="name it with --column COL, a ratio's COL/COL")
    q = None if asked["quantile"] is None else numbers_of(asked["quantile"], "quantile")[0]
    if q is not None and not 0 < q < 1:
        raise BadInput("not a quantile", where="quantile", mend="give a number between 0 and 1; 0.5 is the median")
    metric, columns = metric_of_column(asked["columns"][0], q, adjusted=asked["covariate"] is not None)
    found = bases_of_file(asked["data"], [metric], columns, unit=asked["unit"], covariate=asked["covariate"])
    return found[metric.name]


def _shape(asked: Mapping[str, Any], basis: Basis | None) -> Setting:
    """What an experiment file does not say: adjustment, clusters, looks."""
    explained = asked["r2"]
    if explained is not None and asked["covariate"] is not None:
        raise BadInput("the file of units says what its covariate explains", where="r2", mend="leave it out")
    if explained is not None and not 0 <= explained < 1:
        raise BadInput("must be from 0 to below 1", where="r2", mend="0.3 takes 30 % of the variance away")
    if asked["icc"] is not None and asked["cluster_size"] is None:
        raise BadInput("clusters need a size", where="icc", mend="give --cluster-size too")
    if asked["cluster_size"] not in (None, 1) and asked["icc"] is None:
        mend = "give --icc too, like 0.05; 0 says that units of a cluster are no more alike than others"
        raise BadInput("nobody says how alike the units of a cluster are", where="cluster_size", mend=mend)
    own = 0.0 if basis is None else basis.correlation
    return Setting(
        correlation=own if explained is None else math.sqrt(explained),
        cluster_size=_or(asked["cluster_size"], 1.0),
        cluster_cv=_or(asked["cluster_cv"], 0.0),
        icc=_or(asked["icc"], 0.0),
        inflation=_or(asked["inflation"], 1.0),
    )


def _looked(asked: Mapping[str, Any], setting: Setting) -> Setting:
    """With what looking costs."""
    if asked["looks"] is None and asked["sequential"] is None:
        return setting
    if asked["inflation"] is not None:
        raise BadInput("the looks say the inflation", where="inflation", mend="leave it out, or --looks")
    factor = inflation_of(
        asked["sequential"],
        asked["looks"],
        alpha=setting.alpha / setting.hypotheses,
        sides=setting.sides,
        power=_or(asked["power"], DEFAULT_POWER),
    )
    return replace(setting, inflation=factor)


def _effect(asked: Mapping[str, Any]) -> PlannedEffect:
    """The effect of factors that takes the most units of its order."""
    for option in ("variants", "margin"):
        if asked[option] is not None:
            raise BadInput("the cells of factors are the variants", where=option, mend="leave it or --factors out")
    levels = numbers_of(asked["factors"], "factors")
    if not 2 <= len(levels) <= len(LETTERS) or not all(level in range(2, 101) for level in levels):  # noqa: PLR2004 (two make a factorial)
        raise BadInput("not the levels of factors", where="factors", mend="give two or more, like 2,2,3")
    factors = [
        Factor(name=LETTERS[place], levels=tuple(str(one + 1) for one in range(int(level))))
        for place, level in enumerate(levels)
    ]
    made = factorial(factors, where="factors")
    weights = [1.0] * len(made.variants) if asked["weights"] is None else numbers_of(asked["weights"], "weights")
    if len(weights) != len(made.variants) or not all(0 < weight < math.inf for weight in weights):
        mend = f"give {len(made.variants)} above 0, one a cell, the last factor's levels varying fastest"
        raise BadInput("not weights of the cells", where="weights", mend=mend)
    shares = {name: weight / math.fsum(weights) for name, weight in zip(made.variants, weights, strict=True)}
    order = _or(asked["order"], 1)
    found = [one for one in effects_of(made, shares, order=order) if len(one.term) == order]
    if not found:
        raise BadInput("there are not so many factors", where="order", mend="1 is main effects, 2 adds interactions")
    return max(found, key=_variance)


def _variance(effect: PlannedEffect) -> float:
    # but for what arithmetic adds, so that of effects as hard the first is told
    return round(math.fsum(w * w / s for w, s in zip(effect.cells.weights, effect.cells.shares, strict=True)), 9)


def _hypotheses(asked: Mapping[str, Any], treatments: int) -> int:
    """As the verdict counts them: primaries × treatments share alpha, guardrails are not corrected."""
    if asked["margin"] is None:
        return int(_or(asked["primaries"], 1)) * treatments
    if asked["primaries"] is not None:
        raise BadInput("non-inferiority is tested at alpha, uncorrected", where="primaries", mend="leave it out")
    return 1


def _shares(asked: Mapping[str, Any]) -> list[float]:
    """The share of each variant, control first."""
    if asked["weights"] is None:
        variants = _or(asked["variants"], 2)
        if not 2 <= variants <= 1000:  # noqa: PLR2004 (a comparison takes two; more than a thousand is a slip)
            raise BadInput("not a number of variants", where="variants", mend="give 2 or more, control among them")
        return [1 / variants] * variants
    weights = numbers_of(asked["weights"], "weights")
    if len(weights) < 2 or not all(0 < weight < math.inf for weight in weights):  # noqa: PLR2004 (as above)
        raise BadInput("not weights", where="weights", mend="give two or more above 0, control first, like 2,1,1")
    if asked["variants"] not in (None, len(weights)):
        raise BadInput(f"there are {len(weights)} weights", where="variants", mend="leave one of both options out")
    return [weight / math.fsum(weights) for weight in weights]


def _traffic(asked: Mapping[str, Any]) -> Traffic | None:
    arrivals = _arrivals(asked)
    for option in ("window", "traffic"):
        if arrivals is None and asked[option] is not None:
            raise BadInput("says nothing without the units a day", where=option, mend="give --daily too")
    if arrivals is None:
        return None
    window_us = Fields({"window": _or(asked["window"], "0d")}, file="").duration_us("window")
    return Traffic(arrivals=arrivals, window=window_us / DAY_US)


def _arrivals(asked: Mapping[str, Any]) -> Arrivals | None:
    if asked["daily"] is None:
        if asked["consent"] is not None:
            raise BadInput("says nothing without the units a day", where="consent", mend="give --daily too")
        return None
    return Arrivals(daily=asked["daily"], traffic=_or(asked["traffic"], 1.0), consent=_or(asked["consent"], 1.0))
