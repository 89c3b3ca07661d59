"""How often experiments that are looked at every day err: the false-positive rates, power and coverage promised.

Four metrics (a proportion, heavy-tailed revenue, orders per session, revenue adjusted for before) are simulated over 28
daily looks of 500 units a day, with and without a fifth of the units withdrawing during the run, by a spending function
and by a confidence sequence; beside them what a daily t test and a flat-prior Bayes rule would have done. Rates come
with their standard errors; a problem is one beyond its promise by more than three of them. Usage:

uv run poe campaign-peeking [--runs 25000] [--processes 1] [--seed 1] [--uncorrected] [--json]
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context

from benchmarks.campaign.report import Report, arguments, publish
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.parse import parse_experiment
from imp_experiments.simulate.chosen import population_of
from imp_experiments.simulate.count import count_metric
from imp_experiments.simulate.evidence import evidence_of
from imp_experiments.simulate.scenario import scenario_of
from imp_experiments.simulate.setup import Setup, draw_chunk
from imp_experiments.simulate.sights import Seen, seen_at
from imp_experiments.simulate.simulate import CHUNK

_FILE = """
name = "peeked"
purpose = "experimentation"
salt = "a-salt-for-none"
control = "a"
[plan]
horizon = "29d"
looks = "daily"
units = 14000
sequential = "{way}"
[[variants]]
name = "a"
[[variants]]
name = "b"
[[metrics]]
name = "metric"
event = "visit"
window = "1d"
{metric}
[decision]
"""
METRICS = {
    "binary": 'kind = "proportion"',
    "revenue": 'kind = "mean"\nvalue = "amount"',
    "ratio": 'kind = "ratio"\ndenominator = { event = "session", value = "count" }',
    "adjusted": 'kind = "mean"\nvalue = "amount"\npre = "28d"',
}
WAYS = ("obrien_fleming", "confidence_sequence")
# relative effects that a fixed test of 14,000 units shows in 75 to 85 %
EFFECTS = {"binary": 0.15, "revenue": 0.27, "ratio": 0.075, "adjusted": 0.23}
LEFT = 0.2
# of each row: so many that no promised rate, even at its border, has a standard error above .0015
RUNS = 25_000
_SURE = 3  # standard errors
_TOGETHER = 4
LARGEST_ERROR = 0.055
COVERAGE = (0.945, 0.955)
_LEAST_POWER = 0.95


@dataclass(frozen=True, slots=True)
class Task:
    """A portion of the runs of one row: `chunks` of a metric, with withdrawals or not, with its effect or none."""

    metric: str
    left: float
    effect: float
    seed: int
    chunks: tuple[tuple[int, int], ...]
    uncorrected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the runs of one metric, scenario and effect came to."""

    metric: str
    left: float
    effect: float
    runs: int
    hits: Mapping[str, float]

    def rates(self) -> dict[str, tuple[float, float]]:
        """Name → rate and its standard error."""
        shares = {}
        for way in WAYS:
            shares[f"{way} shown"] = self._rate(f"{way} shown", self.runs)
            if self.effect:
                shares[f"{way} right"] = self._rate(f"{way} right", self.runs)
            shares[f"{way} coverage when stopped"] = self._rate(f"{way} held_stop", self.hits[f"{way} of_stop"])
        shares["coverage at the end"] = self._rate("held", self.hits["of"])
        shares["fixed test"] = self._rate("fixed", self.runs)
        if self.effect:
            power, fixed = shares[f"{WAYS[0]} right"], shares["fixed test"]
            # both are of the same runs, nearly all of which agree: this is wider than it need be
            shares["power over the fixed test's"] = (power[0] / fixed[0], power[1] / fixed[0])
        else:
            shares |= {name: self._rate(name, self.runs) for name in ("naive", "bayes")}
        return shares

    def problems(self) -> Iterator[str]:
        """What is beyond its promise by more than chance explains."""
        rates = self.rates()
        for way in () if self.effect else WAYS:
            share, se = rates[f"{way} shown"]
            if share > LARGEST_ERROR + _SURE * se:
                yield f"{way} shows a difference where there is none in {share:.4f} of the runs"
        share, se = rates["coverage at the end"]
        if not COVERAGE[0] - _SURE * se <= share <= COVERAGE[1] + _SURE * se:
            yield f"the interval at the end holds the truth in {share:.4f} of the runs"
        if self.effect:
            share, se = rates["power over the fixed test's"]
            if share < _LEAST_POWER - _SURE * se:
                yield f"looking daily has {share:.3f} of the fixed test's power"

    def _rate(self, name: str, of: float) -> tuple[float, float]:
        share = self.hits[name] / of
        return share, math.sqrt(share * (1 - share) / of)


def main(words: Sequence[str] | None = None) -> int:
    """Run the campaign; 1 where a promise is broken."""
    parser = arguments(__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="of each row")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--metrics", nargs="+", choices=sorted(METRICS), default=list(METRICS))
    parser.add_argument("--uncorrected", action="store_true", help="a planted defect: every look at all of alpha")
    chosen = parser.parse_args(words)
    report = Report("peeking", seed=chosen.seed)
    with ProcessPoolExecutor(chosen.processes, mp_context=get_context("spawn")) as pool:
        for metric in chosen.metrics:
            for left in (0.0, LEFT):
                for effect in (0.0, EFFECTS[metric]):
                    tasks = list(_tasks(chosen, metric, left, effect))
                    found: Counter[str] = Counter()
                    for done, part in enumerate(pool.map(_count, tasks), start=1):
                        found.update(part)
                        report.progress(f"{metric}, {left:.0%} leave, effect {effect:g}: {done} of {len(tasks)}")
                    _judge(report, Row(metric=metric, left=left, effect=effect, runs=chosen.runs, hits=found))
                    report.add("runs", chosen.runs)
    return publish(report, as_json=chosen.json)


def _tasks(chosen: argparse.Namespace, metric: str, left: float, effect: float) -> Iterator[Task]:
    starts = range(0, chosen.runs, CHUNK)
    chunks = [(i, min(CHUNK, chosen.runs - start)) for i, start in enumerate(starts)]
    for first in range(0, len(chunks), _TOGETHER):
        mine = tuple(chunks[first : first + _TOGETHER])
        yield Task(metric, left, effect, chosen.seed, mine, uncorrected=chosen.uncorrected)


def _count(task: Task) -> Counter[str]:
    """Hits of a portion's runs: what was seen by each way of looking, and what needs none."""
    hits: Counter[str] = Counter()
    setups = {way: _setup(task.metric, way, task.left, task.effect) for way in WAYS}
    for chunk, runs in task.chunks:
        setup = setups[WAYS[0]]
        (metric,) = setup.experiment.metrics
        drawn = draw_chunk(setup, metric, task.seed, chunk, runs)
        for way, mine in setups.items():
            counts = count_metric(
                mine.experiment, metric,
                evidence_of(
                    mine.experiment, metric, drawn,
                    lambda first, way=way: _seen(task.metric, way, task.left, first, uncorrected=task.uncorrected),
                    measured=setup.populations[metric.name].measured, truths=(task.effect,),
                ),
                (task.effect,),
            )  # fmt: skip
            for name in ("shown", "right", "days", "held_stop", "of_stop"):
                hits[f"{way} {name}"] += float(counts[name].sum())
        for name in ("naive", "bayes", "fixed", "held", "of"):
            hits[name] += float(counts[name].sum())
    return hits


@cache
def _setup(metric: str, way: str, left: float, effect: float) -> Setup:
    experiment = experiment_of(metric, way)
    return Setup(
        experiment=experiment,
        scenario=scenario_of(experiment, withdraw=left),
        populations={"metric": population_of(experiment.metrics[0], None)},
        effects={"metric": effect},
    )


@cache
def _seen(metric: str, way: str, left: float, first: int, *, uncorrected: bool) -> list[Seen]:
    setup = _setup(metric, way, left, 0.0)
    seen = seen_at(setup.experiment, setup.experiment.metrics[0], setup.scenario, first)
    if uncorrected:
        return [replace(one, tail=setup.experiment.plan.alpha / 2) for one in seen]
    return seen


def _judge(report: Report, row: Row) -> None:
    """Note a row's rates, and where one is beyond its promise."""
    place = f"{row.metric}, {row.left:.0%} leave, effect {row.effect:g}"
    for name, (share, se) in row.rates().items():
        report.figures[f"{place}: {name}"] = f"{share:.4f} ± {se:.4f}"
    for problem in row.problems():
        report.find(place, [problem])
    days = {way: row.hits[f"{way} days"] / row.runs for way in WAYS}
    report.figures |= {f"{place}: {way} days": f"{mean:.2f}" for way, mean in days.items()}
    # a row is told when it is there: the next one may take minutes
    told = (f"{name} {share:.4f} ({se:.4f})" for name, (share, se) in row.rates().items())
    print(
        place, *told, *(f"{way} days {mean:.2f}" for way, mean in days.items()), sep="; ", file=sys.stderr, flush=True
    )


def experiment_of(metric: str, way: str) -> Experiment:
    """The definition of a row."""
    return parse_experiment(_FILE.format(way=way, metric=METRICS[metric]).encode(), file="peeked.toml")


if __name__ == "__main__":
    sys.exit(main())
