"""Simulated looks are those of readouts: each run, judged again by `compare_registered` and `decide`, says the same."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from imp_core.clock import DAY_US
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.parse import parse_experiment
from imp_experiments.measure.archive import Measurement
from imp_experiments.measure.moments import Cell, Moments
from imp_experiments.measure.parts import parts_of
from imp_experiments.readout.decide import decide
from imp_experiments.readout.looks import Taken
from imp_experiments.readout.reading import Reading
from imp_experiments.readout.registered import compare_registered
from imp_experiments.simulate.chosen import population_of
from imp_experiments.simulate.evidence import evidence_of
from imp_experiments.simulate.scenario import lag_of, scenario_of
from imp_experiments.simulate.setup import Setup, draw_chunk
from imp_experiments.simulate.sights import seen_at
from imp_experiments.simulate.simulate import CHUNK, count_chunk, result_of
from imp_experiments.simulate.verdicts import shown
from imp_experiments.stats.sequential.rules import LookRule
from imp_experiments.stats.srm import sample_ratio

HEAD = """
name = "peeked"
purpose = "experimentation"
salt = "abcdefgh1234"
control = "a"
[plan]
{plan}
[decision]
{decision}
{variants}
"""
TWO = '[[variants]]\nname = "a"\n[[variants]]\nname = "b"\n'
THREE = TWO + '[[variants]]\nname = "c"\nweight = 2\n'
FACTORS = (
    '[[factors]]\nname = "subject"\nlevels = ["a", "b"]\n[[factors]]\nname = "image"\nlevels = ["none", "photo"]\n'
)
LEVELS = FACTORS.replace('"b"]', '"b", "c"]')
METRICS = {
    "binary": 'kind = "proportion"',
    "flagged": 'kind = "proportion"\npre = "7d"',
    "revenue": 'kind = "mean"\nvalue = "amount"',
    "absolute": 'kind = "mean"\nvalue = "amount"\nscale = "absolute"\ndirection = "down"',
    "adjusted": 'kind = "mean"\nvalue = "amount"\npre = "28d"',
    "ratio": 'kind = "ratio"\ndenominator = { event = "session", value = "count" }',
    "clipped": 'kind = "mean"\nvalue = "amount"\npre = "28d"\nclip = { low = 1, high = 60 }',
    "adjusted ratio": 'kind = "ratio"\npre = "14d"\ndenominator = { event = "session", value = "count" }',
}
DAILY = 'horizon = "8d"\nlooks = "daily"\nunits = 2400\nmin_conversions = 5'


def define(*metrics: str, plan: str = DAILY, decision: str = "", variants: str = TWO) -> Experiment:
    head = HEAD.replace('control = "a"\n', "") if "factors" in variants else HEAD
    text = head.format(plan=plan, decision=decision, variants=variants)
    for place, metric in enumerate(metrics):
        more = METRICS.get(metric, metric)
        window = "" if "window" in more else 'window = "1d"\n'
        text += f'[[metrics]]\nname = "m{place}"\nevent = "visit"\n{window}{more}\n'
    return parse_experiment(text.encode(), file="peeked.toml")


def setup_of(
    experiment: Experiment, *, effect: float = 0.0, baseline: tuple[float, ...] | None = None, **scenario: Any
) -> Setup:
    return Setup(
        experiment=experiment,
        scenario=scenario_of(experiment, **scenario),
        populations={metric.name: population_of(metric, baseline) for metric in experiment.metrics},
        effects={metric.name: effect for metric in experiment.metrics if metric.role == "primary"},
    )


class Engine:
    """Readouts of one run of a setup, by the code and the moments that readouts have."""

    def __init__(self, setup: Setup, run: int, runs: int) -> None:
        self.setup, self.run = setup, run
        self.drawn = [draw_chunk(setup, metric, 1, 0, runs) for metric in setup.experiment.metrics]
        self.past: dict[str, list[Taken]] = {}

    def look(self, look: int) -> tuple[Any, Any]:
        setup = self.setup
        final = look == setup.scenario.days - 1
        shortest = min(metric.window_us for metric in setup.experiment.metrics)
        measurement = Measurement(
            moments=self.moments(look), present=0, left_out={}, pairs={}, early=0, other_phases=0, gaps={},
            mixed=frozenset(),
        )  # fmt: skip
        found = compare_registered(
            setup.experiment, measurement, self.past,
            Reading(as_of_us=(look + 1) * DAY_US + shortest, zone=ZoneInfo("UTC"), final=final, k=0),
        )  # fmt: skip
        for taken in found.taken:
            self.past.setdefault(taken.metric, []).append(taken)
        ratio = sample_ratio({"a": 100, "b": 100}, {"a": 0.5, "b": 0.5})
        return found, decide(setup.experiment, found.tested, ratio, final=final, done=found.done, horizon="then")

    def moments(self, look: int) -> Moments:
        """All metrics' sums in the cells of one `Moments`, as the archive gives them."""
        scenario = self.setup.scenario
        at = look if scenario.kept.shape[1] > 1 else 0
        names = [part.name for metric in self.setup.experiment.metrics for part in parts_of(metric)]
        starts = np.cumsum([0, *(one.columns for one in self.drawn)])
        pairs = [
            (start + i, start + j)
            for start, one in zip(starts, self.drawn, strict=False)
            for i in range(one.columns)
            for j in range(i + 1, one.columns)
        ]
        cells = []
        for day in range(look + 1):
            for place, variant in enumerate(scenario.variants):
                parts = [(one.columns, one.sums[self.run, day, at, place].tolist()) for one in self.drawn]
                cells.append(
                    Cell(
                        variant,
                        day,
                        "",
                        int(scenario.kept[day, at, place]),
                        tuple(x for c, sums in parts for x in sums[:c]),
                        tuple(x for c, sums in parts for x in sums[c : 2 * c]),
                        tuple(x for c, sums in parts for x in sums[2 * c :]),
                    )
                )
        return Moments(tuple(names), (0.0,) * len(names), tuple(cells), tuple(pairs))


GUARDED = 'role = "guardrail"\nmargin = 0.1\nkind = "mean"\nvalue = "amount"'
SECOND = 'role = "secondary"\nkind = "mean"\nvalue = "amount"'
CASES = {
    **{name: (define(name), {}) for name in METRICS},
    "withdrawals": (define("adjusted"), {"withdraw": 0.3}),
    "sequence": (define("ratio", plan=DAILY + '\nsequential = "confidence_sequence"'), {"withdraw": 0.2}),
    "no plan": (define("binary", plan='horizon = "8d"\nlooks = "daily"'), {"per_day": 90, "days": 5}),
    "once": (define("revenue", plan='horizon = "8d"'), {"per_day": 100, "days": 4}),
    "weekly": (define("binary", plan='horizon = "20d"\nlooks = "weekly"\nunits = 3000'), {"withdraw": 0.2}),
    "overrun": (define("binary", plan='horizon = "8d"\nlooks = "daily"\nunits = 900'), {"per_day": 300}),
    "few conversions": (define("binary", plan=DAILY.replace("= 5", "= 3")), {"baseline": (0.008,), "withdraw": 0.1}),
    "windows": (
        define("binary", 'kind = "mean"\nvalue = "amount"\nwindow = "3d"', variants=THREE, plan=DAILY), {"effect": 0.3}
    ),
    "harm": (define('kind = "proportion"\ndirection = "down"'), {"effect": 0.9}),
    "one worse": (
        define("binary", 'kind = "proportion"\ndirection = "down"', plan='horizon = "8d"'),
        {"effect": 0.9, "per_day": 300},
    ),
    "guardrail": (define("binary", GUARDED, SECOND, decision='primary = "all"'), {"effect": 0.4}),
    "no harm": (
        define("revenue", GUARDED, 'role = "guardrail"\ndirection = "down"\nkind = "ratio"\n'
               'denominator = { event = "s", value = "count" }', decision='guardrails = "no_harm"'), {"effect": 0.5},
    ),
}  # fmt: skip
LARGEST = {
    "max-T": (define("binary", 'kind = "mean"\nvalue = "amount"', plan='horizon = "8d"', decision='primaries = "max_t"',
                     variants=THREE), {"effect": 0.35, "per_day": 300, "days": 3}),
    "max-T of cells": (define("adjusted", GUARDED, plan='horizon = "8d"', decision='primaries = "max_t"',
                              variants=FACTORS), {"effect": 1.0, "per_day": 300, "days": 3}),
}  # fmt: skip
CASES["factors"] = (define("binary", 'kind = "mean"\nvalue = "amount"', variants=FACTORS), {"effect": 0.5})
CASES["three levels"] = (define("binary", plan='horizon = "8d"\nunits = 3000', variants=LEVELS), {"effect": 0.9})
CASES["guarded cells"] = (define("revenue", GUARDED, variants=FACTORS), {"effect": 1.5})
RUNS = 6


@pytest.mark.parametrize("case", CASES)
def test_the_engine_says_the_same_of_every_look(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # the p that a rule makes of a nominal one decides nothing, and takes long
    monkeypatch.setattr(LookRule, "p", lambda _, nominal: nominal)
    experiment, more = CASES[case]
    setup = setup_of(experiment, **more)
    drawn = [draw_chunk(setup, metric, 1, 0, RUNS) for metric in experiment.metrics]
    evidence = {
        metric.name: evidence_of(
            experiment,
            metric,
            sums,
            lambda first, metric=metric: seen_at(experiment, metric, setup.scenario, first),
            measured=setup.populations[metric.name].measured,
            truths=(0.0,) * (len(setup.scenario.variants) - 1),
        )
        for metric, sums in zip(experiment.metrics, drawn, strict=True)
    }
    counted = count_chunk(setup, 1, 0, RUNS)
    judged = 0
    for run in range(0, RUNS, 3):
        engine, decided = Engine(setup, run, RUNS), None
        for look in range(setup.scenario.days):
            found, verdict = engine.look(look)
            for one in found.tested:
                mine = evidence[one.compared.metric]
                place = list(setup.scenario.variants).index(one.compared.variant) - 1
                effect = one.compared.registered
                nominal = mine.none.tail[run, look, place]
                if effect is None:
                    assert np.isnan(nominal) or np.isnan(mine.tails[run, look])
                    continue
                judged += 1
                assert mine.tails[run, look] == pytest.approx(one.compared.tail, rel=1e-12)
                if one.compared.look is not None and "sequence" not in one.compared.look:
                    assert 2 * nominal == pytest.approx(effect.p_value, rel=1e-9)
                assert shown(mine)[run, look, place] == (effect.low > 0 or effect.high < 0)
                assert one.contrast is not None
                at_null = one.contrast.p_beyond(one.compared.scale, 0.0)
                assert min(at_null, 1 - at_null) == pytest.approx(nominal, rel=1e-9, abs=1e-15)
            if decided is None and verdict.value != "keep running":
                decided = (verdict.value == "ship", look + 1)
        assert decided == (bool(counted[""]["ship"][run]), counted[""]["days"][run])
    assert judged
    assert lag_of(experiment, experiment.metrics[0]) == 0


@pytest.mark.parametrize("case", LARGEST)
def test_by_max_t_each_run_has_the_intervals_and_the_decision_of_its_readout(case: str) -> None:
    experiment, more = LARGEST[case]
    setup, runs = setup_of(experiment, **more), 12
    counted = count_chunk(setup, 1, 0, runs)
    last, some = setup.scenario.days - 1, set()
    for run in range(runs):
        found, verdict = Engine(setup, run, runs).look(last)
        assert (verdict.value == "ship", last + 1.0) == (bool(counted[""]["ship"][run]), counted[""]["days"][run])
        some.add(verdict.value)
        for metric in experiment.metrics:
            mine = [one.compared for one in found.tested if one.compared.metric == metric.name]
            effects = [one.registered for one in mine if one.registered is not None]
            if metric.role == "primary":
                assert {one.correction for one in mine} == {"max_t"}
                # at the only look
                differs = any(one.low > 0 or one.high < 0 for one in effects)
                early = counted[metric.name]["days"][run] < last + 1
                assert early or bool(counted[metric.name]["shown"][run]) == differs
    assert some == {"ship", "do not ship"}


def test_by_max_t_three_variants_err_together_as_often_as_registered_and_not_less() -> None:
    variants = THREE.replace("weight = 2\n", "") + '[[variants]]\nname = "d"\n'
    experiment = define("binary", plan='horizon = "8d"', decision='primaries = "max_t"', variants=variants)
    setup = setup_of(experiment, baseline=(0.3,), per_day=4000, days=1)
    found = result_of(setup, [count_chunk(setup, 5, chunk, CHUNK) for chunk in range(25)], seed=5).metrics[0]
    # 1250 runs: a standard error of .0062
    assert found.shown.share == pytest.approx(0.05, abs=3 * 0.0062)
    # each of the three holds more often than all together
    assert found.coverage_end.share is not None
    assert 0.97 < found.coverage_end.share < 0.99
