"""`imp experiment simulate`: what an experiment's looks and decision do when there is no effect, or a known one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from imp_core.command import emit, json_option, pass_context, progress
from imp_core.context import Context
from imp_core.errors import BadInput
from imp_experiments.commands.simulate_words import simulated_text
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.load import load_experiment
from imp_experiments.simulate.chosen import population_of
from imp_experiments.simulate.nesting import Shape
from imp_experiments.simulate.own import own_units
from imp_experiments.simulate.populations import Population
from imp_experiments.simulate.result import Simulated
from imp_experiments.simulate.scenario import Scenario, scenario_of
from imp_experiments.simulate.setup import Setup
from imp_experiments.simulate.simulate import default_runs, simulate

__all__ = ["OwnData", "simulate_named"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnData:
    """A file of units: `columns` METRIC=COL or METRIC=NUM/DEN, the column of units, of a covariate, of clusters."""

    path: Path
    columns: Sequence[str] = ()
    unit: str | None = None
    covariate: str | None = None
    cluster: str | None = None


def simulate_named(
    ctx: Context,
    name_or_file: str,
    *,
    runs: int | None = None,
    seed: int = 1,
    effects: Sequence[str] = (),
    baselines: Sequence[str] = (),
    per_day: int | None = None,
    days: int | None = None,
    withdraw: float = 0.0,
    shape: Shape | None = None,
    data: OwnData | None = None,
) -> Simulated:
    """Simulate a definition of the workspace, or of a file; neither ledger nor archive is opened.

    `effects` are METRIC=0.05, FACTOR=0.05 (its levels beyond the first, on every primary), or a number for every
    primary; `baselines` METRIC=0.1 (a mean: METRIC=MEAN:SD). Without `runs` there are as many as end within minutes.
    `shape` is that of the clusters that the definition randomises; those of a file are dealt as they are.

    Raises:
        BadInput: the definition, a number or the file of units cannot be taken.
    """
    experiment = load_experiment(ctx, name_or_file).experiment
    names = [metric.name for metric in experiment.metrics]
    populations: Mapping[str, Population]
    if data is None:
        given = {name: _figures(text) for name, text in _named(names, baselines, "baseline").items()}
        populations = {metric.name: population_of(metric, given.get(metric.name)) for metric in experiment.metrics}
        scenario = scenario_of(experiment, days=days, per_day=per_day, withdraw=withdraw, clusters=shape)
    else:
        if baselines:
            raise BadInput("the file of units says the baseline", where="baseline", mend="leave it or --data out")
        columns = _named(names, data.columns, "column")
        own = own_units(
            ctx.directory / data.path, experiment.metrics, columns, unit=data.unit, covariate=data.covariate,
            cluster=data.cluster,
        )  # fmt: skip
        populations, one = own, next(iter(own.values()))
        rows = one.values.shape[1]
        size = None if one.first is None else len(one.first[0]) / rows
        scenario = _dealt(experiment, rows, size, days=days, per_day=per_day, withdraw=withdraw)
    setup = _setup(experiment, scenario, populations, effects)
    runs = default_runs(experiment) if runs is None else runs
    with progress("runs simulated", every=200) as shown:
        return simulate(setup, runs=runs, seed=seed, progress=shown.advance)


def _dealt(
    experiment: Experiment, rows: int, size: float | None, *, days: int | None, per_day: int | None, withdraw: float
) -> Scenario:
    """As many units a day as a file with so many units, or clusters of a mean size, has for each."""
    wanted = scenario_of(experiment, days=days, per_day=1_000_000, clusters=size).days
    # the variants' shares are rounded: where they come to more than there are, a day has one fewer
    tried = [n * (size or 1) for n in range(rows // wanted, 0, -1)] if per_day is None else [per_day]
    for daily in tried:
        scenario = scenario_of(experiment, days=days, per_day=daily, withdraw=withdraw, clusters=size)
        if scenario.dealt <= rows:
            return scenario
    what = "units" if size is None else "clusters"
    problem = f"the file has {rows:,} {what}, too few for {wanted} days"
    raise BadInput(problem, where="per_day", mend="say fewer, or fewer --days")


def _shape(size: float | None, cv: float | None, icc: float | None, *, data: bool) -> Shape | None:
    """The clusters that are drawn; their size and correlation are said both or not at all."""
    given = {"cluster_size": size, "cluster_cv": cv, "icc": icc}
    said = [name for name, one in given.items() if one is not None]
    if not said:
        return None
    if data:
        raise BadInput("the file of units has the clusters", where=said[0], mend="leave it or --data out")
    if size is None:
        raise BadInput("clusters need a size", where=said[0], mend="give --cluster-size too")
    if icc is None:
        mend = "give --icc too, like 0.05; 0 says that units of a cluster are no more alike than others"
        raise BadInput("nobody says how alike the units of a cluster are", where="cluster_size", mend=mend)
    return Shape(size=size, cv=cv or 0.0, icc=icc)


def _setup(
    experiment: Experiment, scenario: Scenario, populations: Mapping[str, Population], effects: Sequence[str]
) -> Setup:
    for_all = [text for text in effects if "=" not in text]
    if len(for_all) > 1:
        raise BadInput("there are two effects for every primary", where="effect", mend="say one, or METRIC=0.05")
    primaries = [metric.name for metric in experiment.metrics if metric.role == "primary"]
    own = [text for text in effects if "=" in text]
    factors = {factor.name for factor in experiment.factors or ()} - {metric.name for metric in experiment.metrics}
    of_factors = [text for text in own if text.partition("=")[0] in factors]
    of_metrics = [text for text in own if text not in of_factors]
    named = _named([metric.name for metric in experiment.metrics], of_metrics, "effect", others=sorted(factors))
    found = {**(dict.fromkeys(primaries, for_all[0]) if for_all else {}), **named}
    return Setup(
        experiment=experiment,
        scenario=scenario,
        populations=populations,
        effects={name: _number(text, "effect") for name, text in found.items()},
        factor_effects={
            name: _number(text, "effect") for name, text in _named(sorted(factors), of_factors, "effect").items()
        },
    )


def _named(names: Sequence[str], texts: Sequence[str], option: str, *, others: Sequence[str] = ()) -> dict[str, str]:
    """METRIC=… by metric, or FACTOR=… by factor; `others` are factors that might have been meant."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        if not equals or not rest:
            raise BadInput(f"{text!r} names no metric", where=option, mend="write it as METRIC=…")
        if name not in names:
            mend = f"its metrics are: {', '.join(names)}"
            beside = f"; its factors: {', '.join(others)}" if others else ""
            what = "metric or factor" if others else "metric"
            raise BadInput(f"{name!r} is no {what} of this experiment", where=option, mend=mend + beside)
        if name in found:
            raise BadInput(f"{name!r} is named twice", where=option, mend="name it once")
        found[name] = rest
    return found


def _figures(text: str) -> tuple[float, ...]:
    return tuple(_number(part, "baseline") for part in text.split(":"))


def _number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInput(f"{text!r} is not a number", where=option, mend="write it like 0.05") from None


@click.command("simulate")
@click.argument("name_or_file", metavar="NAME|FILE")
@click.option("--runs", type=int, metavar="N", help="How many experiments (default: 2000; with factors or max_t 500).")
@click.option("--seed", type=int, default=1, show_default=True, metavar="N", help="The same seed draws the same.")
@click.option(
    "--effect",
    "effects",
    multiple=True,
    metavar="[NAME=]E",
    help="A true effect of every primary, of a metric, or of a factor's levels: 0.05 is +5 % (default: none).",
)
@click.option(
    "--baseline", "baselines", multiple=True, metavar="METRIC=P|M:SD", help="A proportion, a ratio, or mean:sd."
)
@click.option("--per-day", type=int, metavar="N", help="Units a day in all variants (default: those planned, or 500).")
@click.option("--days", type=int, metavar="N", help="Days on which units come (default: all that mature).")
@click.option("--withdraw", type=float, default=0.0, metavar="SHARE", help="Share of the units that leave by the end.")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE", help="Deal your own units instead.")
@click.option(
    "--column", "columns", multiple=True, metavar="METRIC=COL[/DEN]", help="Where its values are in the file."
)
@click.option("--unit", metavar="COL", help="Column of the units in the file; without it every row is one.")
@click.option("--covariate", metavar="COL", help="Column from before the exposure, for metrics with a pre.")
@click.option("--cluster", metavar="COL", help="Column of the clusters in the file, dealt whole.")
@click.option("--cluster-size", type=float, metavar="N", help="Mean units of a drawn cluster.")
@click.option("--cluster-cv", type=float, metavar="N", help="Coefficient of variation of the clusters' sizes.")
@click.option("--icc", type=float, metavar="N", help="Intra-cluster correlation.")
@json_option
@pass_context
def simulate_command(
    ctx: Context,
    *,
    name_or_file: str,
    runs: int | None,
    seed: int,
    effects: tuple[str, ...],
    baselines: tuple[str, ...],
    per_day: int | None,
    days: int | None,
    withdraw: float,
    data: Path | None,
    columns: tuple[str, ...],
    unit: str | None,
    covariate: str | None,
    cluster: str | None,
    cluster_size: float | None,
    cluster_cv: float | None,
    icc: float | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Simulate an experiment without an effect, or with a known one, by the looks and the decision it registers.

    Says how often it errs, how often it finds the effect and on which day, and whether its intervals hold. Nobody's
    data is read unless --data names a file of yours, and nothing is written.

    Example: imp experiment simulate spring-email --effect 0.05 --baseline visit=0.1 --withdraw 0.1
    """
    if data is None and (columns or unit or covariate or cluster):
        raise BadInput("it describes a file of units", where="data", mend="name the file with --data")
    own = None
    if data is not None:
        own = OwnData(path=data, columns=columns, unit=unit, covariate=covariate, cluster=cluster)
    shape = _shape(cluster_size, cluster_cv, icc, data=data is not None)
    found = simulate_named(
        ctx, name_or_file, runs=runs, seed=seed, effects=effects, baselines=baselines, per_day=per_day, days=days,
        withdraw=withdraw, shape=shape, data=own,
    )  # fmt: skip
    emit(found, lambda: simulated_text(found), as_json=as_json)
