"""`imp experiment plan`: units, detectable effect, power and days, from figures or from an experiment file."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NoReturn, TypeVar

import click

from imp_core.clock import DAY_US
from imp_core.command import emit, json_option, pass_context
from imp_core.context import Context
from imp_core.errors import BadInput, CheckFailed
from imp_experiments.commands.plan_file import ExperimentPlan, plan_experiment
from imp_experiments.commands.plan_words import experiment_text, planned_text
from imp_experiments.commands.planning import Planned, Traffic, plan_comparison
from imp_experiments.design.fields import Fields
from imp_experiments.design.load import load_experiment
from imp_experiments.stats.power.baseline import Baseline, of_mean, of_proportion
from imp_experiments.stats.power.duration import Arrivals
from imp_experiments.stats.power.ratio import of_ratio
from imp_experiments.stats.power.setting import Setting

__all__ = ["plan_figures", "plan_named"]

F = TypeVar("F", bound=Callable[..., Any])

# what the file says, and so the command line may not
_OF_THE_FILE: Final = (
    "mean", "sd", "ratio", "units", "power", "alpha", "sides", "scale", "direction", "margin", "variants", "weights",
    "primaries", "window", "traffic",
)  # fmt: skip
# a field of the statistics → the option that says it
_SAID_BY: Final = {
    "effect": "mde",
    "control": "weights",
    "treatments": "variants",
    "correlation": "r2",
    "hypotheses": "primaries",
}
_RATIO_FIGURES: Final = 5


def plan_figures(asked: Mapping[str, Any]) -> Planned:
    """Plan one comparison; `asked` holds the command's options by name, None where not given.

    Raises:
        BadInput: a figure is missing, cannot be, or is one too many.
    """
    shares, treatments = _shares(asked)
    setting = replace(
        _shape(asked),
        alpha=_or(asked["alpha"], 0.05),
        sides=_or(asked["sides"], 2 if asked["margin"] is None else 1),
        hypotheses=_hypotheses(asked, treatments),
        scale=_or(asked["scale"], "relative"),
        direction=_or(asked["direction"], "up"),
        control=shares[0],
        treatment=min(shares[1:]),
        margin=asked["margin"],
    )
    return plan_comparison(
        _baseline(asked),
        setting,
        mde=asked["mde"],
        units=asked["units"],
        power=asked["power"],
        traffic=_traffic(asked),
        treatments=treatments,
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
    kinds = {metric.name: metric.kind for metric in experiment.metrics}
    baselines: dict[str, Baseline] = {}
    for text in asked["baseline"]:
        name, equals, figures = text.rpartition("=")
        if not equals:
            _refuse_baseline(text, "write it as METRIC=0.05, or METRIC=12.5:40 (mean:sd)")
        if name in kinds and (kinds[name] == "proportion") == (":" in figures):
            _refuse_baseline(text, "a proportion takes one number, every other metric takes mean:sd")
        baselines[name] = _figures(figures)
    if asked["mde"] is not None and not asked["mde"] > 0:
        raise BadInput("must be above 0", where="mde", mend="give its size; the metric's direction is in the file")
    return plan_experiment(experiment, baselines, mde=asked["mde"], arrivals=_arrivals(asked), shape=_shape(asked))


def _options(function: F) -> F:
    """The options of the command, in the order of its help."""
    number: dict[str, Any] = {"type": float, "metavar": "N"}
    made = [
        click.option("--baseline", multiple=True, metavar="[METRIC=]P|M:SD", help="Control's proportion, or mean:sd."),
        click.option("--mean", help="Mean of control; with --sd.", **number),
        click.option("--sd", help="Standard deviation of the units; it grows with the mean.", **number),
        click.option("--ratio", metavar="M,SD,M,SD,R", help="Of numerator and denominator, and their correlation."),
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
        click.option("--primaries", type=int, metavar="N", help="Primary metrics that share alpha (default: 1)."),
        click.option("--r2", help="R² of the covariate that the metric is adjusted for.", **number),
        click.option("--cluster-size", help="Mean units of a randomised cluster.", **number),
        click.option("--cluster-cv", help="Coefficient of variation of the clusters' sizes.", **number),
        click.option("--icc", help="Intra-cluster correlation.", **number),
        click.option("--inflation", help="Units of the sequential design over those of the fixed one.", **number),
        click.option("--daily", help="New units a day: says the days, and what each week detects.", **number),
        click.option("--window", metavar="14d", help="From a unit's exposure until it counts (default: 0d)."),
        click.option("--traffic", help="Share of the units that takes part (default: 1).", **number),
        click.option("--consent", help="Share of the units that permits it (default: 1).", **number),
    ]  # fmt: skip
    for option in reversed(made):
        function = option(function)
    return function


@click.command("plan")
@click.argument("name_or_file", metavar="[NAME|FILE]", required=False)
@_options
@json_option
@pass_context
def plan_command(ctx: Context, /, *, name_or_file: str | None, as_json: bool, **asked: Any) -> None:  # noqa: ANN401 (options by name)
    """Plan units, detectable effect, power and days, from figures or for an experiment.

    From figures it solves for whichever of --mde, --units and --power is missing and needs no workspace. Of an
    experiment it says whether the horizon suffices; exit code 1 where it does not, or nothing can be detected.

    Example: imp experiment plan --baseline 0.05 --mde 0.1 --daily 2000 --window 14d
    """
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


def _shape(asked: Mapping[str, Any]) -> Setting:
    """What an experiment file does not say: adjustment, clusters, looks."""
    explained = _or(asked["r2"], 0.0)
    if not 0 <= explained < 1:
        raise BadInput("must be from 0 to below 1", where="r2", mend="0.3 takes 30 % of the variance away")
    if asked["icc"] is not None and asked["cluster_size"] is None:
        raise BadInput("clusters need a size", where="icc", mend="give --cluster-size too")
    if asked["cluster_size"] not in (None, 1) and asked["icc"] is None:
        mend = "give --icc too, like 0.05; 0 says that units of a cluster are no more alike than others"
        raise BadInput("nobody says how alike the units of a cluster are", where="cluster_size", mend=mend)
    return Setting(
        correlation=math.sqrt(explained),
        cluster_size=_or(asked["cluster_size"], 1.0),
        cluster_cv=_or(asked["cluster_cv"], 0.0),
        icc=_or(asked["icc"], 0.0),
        inflation=_or(asked["inflation"], 1.0),
    )


def _hypotheses(asked: Mapping[str, Any], treatments: int) -> int:
    """As the verdict counts them: primaries × treatments share alpha, guardrails are not corrected."""
    if asked["margin"] is None:
        return int(_or(asked["primaries"], 1)) * treatments
    if asked["primaries"] is not None:
        raise BadInput("non-inferiority is tested at alpha, uncorrected", where="primaries", mend="leave it out")
    return 1


def _shares(asked: Mapping[str, Any]) -> tuple[list[float], int]:
    """The share of each variant, control first, and how many treatments there are."""
    if asked["weights"] is None:
        variants = _or(asked["variants"], 2)
        if not 2 <= variants <= 1000:  # noqa: PLR2004 (a comparison takes two; more than a thousand is a slip)
            raise BadInput("not a number of variants", where="variants", mend="give 2 or more, control among them")
        return [1 / variants] * variants, variants - 1
    weights = _numbers(asked["weights"], "weights")
    if len(weights) < 2 or not all(0 < weight < math.inf for weight in weights):  # noqa: PLR2004 (as above)
        raise BadInput("not weights", where="weights", mend="give two or more above 0, control first, like 2,1,1")
    if asked["variants"] not in (None, len(weights)):
        raise BadInput(f"there are {len(weights)} weights", where="variants", mend="leave one of both options out")
    return [weight / math.fsum(weights) for weight in weights], len(weights) - 1


def _baseline(asked: Mapping[str, Any]) -> Baseline:
    given = [option for option in ("baseline", "mean", "ratio") if asked[option] not in (None, ())]
    if len(given) != 1 or len(asked["baseline"]) > 1:
        mend = "give one: --baseline 0.05, --mean 12.5 --sd 40, or --ratio"
        raise BadInput("there must be one baseline", where="baseline", mend=mend)
    if (asked["mean"] is None) != (asked["sd"] is None):
        raise BadInput("a mean needs a standard deviation, and the other way round", where="sd", mend="give both")
    if asked["ratio"] is not None:
        figures = _numbers(asked["ratio"], "ratio")
        if len(figures) != _RATIO_FIGURES:
            raise BadInput("not a ratio", where="ratio", mend="give mean,sd,mean,sd,correlation, like 12,40,3,5,0.6")
        return of_ratio((figures[0], figures[1]), (figures[2], figures[3]), correlation=figures[4])
    if asked["mean"] is not None:
        return _of_mean(asked["mean"], asked["sd"])
    text = asked["baseline"][0]
    if "=" in text:
        _refuse_baseline(text, "without an experiment it has no name: write --baseline 0.05")
    return _figures(text)


def _figures(text: str) -> Baseline:
    numbers = [_number(part) for part in text.split(":")]
    if any(number is None for number in numbers) or len(numbers) > 2:  # noqa: PLR2004 (mean:sd)
        _refuse_baseline(text, "write a proportion like 0.05, or mean:sd like 12.5:40")
    first, *rest = [number for number in numbers if number is not None]
    return _of_mean(first, rest[0]) if rest else of_proportion(first)


def _of_mean(mean: float, sd: float) -> Baseline:
    """Where the mean is not above 0 there is no coefficient of variation to keep: the spread stays."""
    return of_mean(mean, sd, follows="cv" if mean > 0 else "same")


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


def _numbers(text: str, option: str) -> list[float]:
    numbers = [_number(part) for part in text.split(",")]
    if any(number is None for number in numbers):
        raise BadInput("not numbers", where=option, mend="write them with commas between and no spaces")
    return [number for number in numbers if number is not None]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _refuse_baseline(text: str, mend: str) -> NoReturn:
    raise BadInput(f"{text!r} is not a baseline", where="baseline", mend=mend)
