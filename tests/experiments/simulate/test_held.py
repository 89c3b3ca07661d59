"""What sums do not judge, quantiles, clips at quantiles and factors, is judged as readouts judge it, and holds."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import NormalDist
from typing import Any
from zoneinfo import ZoneInfo

import narwhals as nw
import numpy as np
import pandas as pd
import pytest

from imp_core.clock import DAY_US
from imp_experiments.design.experiment import Experiment
from imp_experiments.design.parse import parse_experiment
from imp_experiments.design.parse_factors import design_of_file
from imp_experiments.measure.archive import Measurement
from imp_experiments.measure.clip import Clip, clip_bounds, clipped
from imp_experiments.measure.moments import Cell, Moments
from imp_experiments.measure.units import IN
from imp_experiments.readout.looks import Taken
from imp_experiments.readout.reading import Reading
from imp_experiments.readout.registered import compare_registered
from imp_experiments.simulate.chosen import population_of
from imp_experiments.simulate.evidence import evidence_of
from imp_experiments.simulate.held import Held
from imp_experiments.simulate.own import own_units
from imp_experiments.simulate.result import Simulated
from imp_experiments.simulate.scenario import scenario_of
from imp_experiments.simulate.setup import Setup, draw_chunk, truths_of
from imp_experiments.simulate.sights import seen_at
from imp_experiments.simulate.simulate import chunk_of, simulate
from imp_experiments.stats.power.baseline import of_mean
from imp_experiments.stats.power.cells import cells_power
from imp_experiments.stats.power.effects import effects_of
from imp_experiments.stats.power.setting import Setting
from imp_experiments.stats.sequential.rules import LookRule

HEAD = """
name = "spring"
purpose = "experimentation"
salt = "abcdefgh1234"
{control}
[plan]
horizon = "11d"
looks = "daily"
units = 3000
{variants}
[[metrics]]
name = "spend"
event = "buy"
window = "1d"
value = "amount"
{metric}
"""
TWO = '[[variants]]\nname = "a"\n[[variants]]\nname = "b"\n'
FACTORS = (
    '[[factors]]\nname = "subject"\nlevels = ["a", "b"]\n[[factors]]\nname = "image"\nlevels = ["none", "photo"]\n'
)
QUANTILE = 'kind = "quantile"\nq = 0.8'
AT_QUANTILES = 'kind = "mean"\nclip = { low_quantile = 0.05, high_quantile = 0.97 }'


def parsed(metric: str, variants: str = TWO) -> Experiment:
    control = "" if "factors" in variants else 'control = "a"'
    return parse_experiment(HEAD.format(metric=metric, variants=variants, control=control).encode(), file="spring.toml")


def setup_of(
    metric: str,
    *,
    effect: float = 0.0,
    variants: str = TWO,
    figures: tuple[float, ...] | None = None,
    factors: dict[str, float] | None = None,
    **scenario: Any,
) -> Setup:
    experiment = parsed(metric, variants)
    return Setup(
        experiment=experiment,
        scenario=scenario_of(experiment, **scenario),
        populations={"spend": population_of(experiment.metrics[0], figures)},
        effects={"spend": effect},
        factor_effects=factors or {},
    )


def table(drawn: Held, run: int, look: int) -> nw.LazyFrame[Any]:
    """The units of a run that are in at a look, as a readout has them."""
    rows = []
    at = look if drawn.scenario.kept.shape[1] > 1 else 0
    for place, variant in enumerate(drawn.scenario.variants):
        for day in range(look + 1):
            first, n = drawn.starts[day, place], drawn.scenario.kept[day, at, place]
            rows += [(variant, day, IN, value) for value in drawn.values[0, run, first : first + n]]
    return nw.from_native(pd.DataFrame(rows, columns=["variant", "day", "status", "value_0"])).lazy()


@pytest.mark.parametrize("more", ["", '\nscale = "absolute"\ndirection = "down"'])
def test_every_look_at_a_quantile_says_what_the_readout_of_its_units_says(
    more: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the p that a rule makes of a nominal one decides nothing, and takes long
    monkeypatch.setattr(LookRule, "p", lambda _, nominal: nominal)
    setup = setup_of(QUANTILE + more, effect=0.2, withdraw=0.2)
    (metric,) = setup.experiment.metrics
    drawn = draw_chunk(setup, metric, 1, 0, 2)
    assert isinstance(drawn, Held)
    evidence = evidence_of(
        setup.experiment,
        metric,
        drawn,
        lambda first: seen_at(setup.experiment, metric, setup.scenario, first),
        measured=1,
        truths=truths_of(setup)["spend"].effects,
    )
    past: dict[str, list[Taken]] = {}
    judged = 0
    for look in range(setup.scenario.days):
        units = table(drawn, 1, look)
        cells = [
            Cell(variant, day, "", int(setup.scenario.kept[day, look, place]), (0.0,), (0.0,))
            for day in range(look + 1)
            for place, variant in enumerate(setup.scenario.variants)
        ]
        measurement = Measurement(
            moments=Moments(("spend",), (0.0,), tuple(cells)), present=0, left_out={}, pairs={}, early=0,
            other_phases=0, gaps={}, mixed=frozenset(), units=units, columns={"spend": "value_0"},
        )  # fmt: skip
        found = compare_registered(
            setup.experiment, measurement, past,
            Reading(
                as_of_us=(look + 2) * DAY_US, zone=ZoneInfo("UTC"), final=look == setup.scenario.days - 1, k=0
            ),
        )  # fmt: skip
        for taken in found.taken:
            past.setdefault(taken.metric, []).append(taken)
        (one,) = found.tested
        if one.contrast is None:
            continue
        judged += 1
        under = one.contrast.p_beyond(metric.scale, 0.0)
        assert under is not None
        assert evidence.none.tail[1, look, 0] == pytest.approx(min(under, 1 - under), rel=1e-9)
        assert evidence.tails[1, look] == pytest.approx(one.compared.tail, rel=1e-12)
    assert judged > 5


def test_a_clip_at_quantiles_moves_the_units_that_a_table_would_have_moved() -> None:
    setup = setup_of(AT_QUANTILES, withdraw=0.3)
    drawn = draw_chunk(setup, setup.experiment.metrics[0], 1, 0, 3)
    assert isinstance(drawn, Held)
    for look in (0, 4, 9):
        units = table(drawn, 2, look)
        bounds = clip_bounds(units, {"value_0": Clip(low=0.05, high=0.97, quantiles=True)})
        moved = units.with_columns(value_0=clipped(nw.col("value_0"), bounds["value_0"])).collect().to_pandas()
        sums = drawn.at(look, max(look - 1, 0))
        for place, variant in enumerate(setup.scenario.variants):
            mine = moved[(moved["variant"] == variant) & (moved["day"] <= max(look - 1, 0))]["value_0"]
            assert sums.n[place] == len(mine)
            assert sums.sums[2, place, 0] == pytest.approx(mine.sum(), rel=1e-12)
            assert sums.squares[2, place, 0] == pytest.approx((mine**2).sum(), rel=1e-12)


def test_the_truth_of_a_clipped_metric_is_that_of_its_clipped_values() -> None:
    setup = setup_of('kind = "mean"\nclip = { high = 8 }', effect=0.5, figures=(4.0, 4.0))
    truth = truths_of(setup)["spend"]
    spread = math.sqrt(math.log(2))
    normal = NormalDist(math.log(4) - spread**2 / 2, spread)

    def ended(lift: float) -> float:
        """E min(X lift, 8), by the lognormal's partial expectation."""
        end = math.log(8 / lift)
        return lift * 4 * NormalDist().cdf((end - normal.mean) / spread - spread) + 8 * (1 - normal.cdf(end))

    # 200,000 units: a relative standard error of 0.0013 of a value, far less of their ratio
    assert truth.values[0] == pytest.approx(ended(1.0), rel=0.004)
    assert truth.effects[0] == pytest.approx(ended(1.5) / ended(1.0) - 1, abs=0.002)


def test_the_bounds_of_a_truth_are_quantiles_of_all_variants_units() -> None:
    setup = setup_of('kind = "mean"\nclip = { high_quantile = 0.5 }', effect=1.0, figures=(4.0, 4.0))
    (effect,) = truths_of(setup)["spend"].effects
    # half of the mixture of X and 2 X lies below the bound, so that little of the doubling is left
    assert 0.2 < effect < 0.6
    assert truths_of(setup_of(AT_QUANTILES))["spend"].effects == (0.0,)


def rate_is(found: Any, expected: float, error: float) -> bool:
    return abs(found.share - expected) <= error


@pytest.mark.parametrize("metric", [QUANTILE, AT_QUANTILES], ids=["quantile", "clip"])
def test_without_an_effect_looks_err_as_often_as_registered(metric: str) -> None:
    (found,) = simulate(setup_of(metric), runs=500, seed=5).metrics
    # s.e. of a share of .05 in 500 runs: .0097; order statistics and clips add their own .005
    assert rate_is(found.shown, 0.05, 3 * 0.0097 + 0.005)
    assert rate_is(found.coverage_end, 0.95, 3 * 0.0097 + 0.005)
    assert found.naive.share is not None
    assert found.naive.share > 0.12


@pytest.mark.parametrize("metric", [QUANTILE, AT_QUANTILES], ids=["quantile", "clip"])
def test_an_effect_is_found_and_its_truth_is_held(metric: str) -> None:
    found = simulate(setup_of(metric, effect=0.6, figures=(4.0, 6.0)), runs=200, seed=1).metrics[0]
    assert found.right is not None
    assert found.right.share is not None
    assert found.right.share > 0.95
    assert rate_is(found.coverage_end, 0.95, 3 * 0.0154)


def factored(effect: float = 0.0, runs: int = 150, metric: str = 'kind = "mean"') -> Simulated:
    setup = setup_of(
        metric, variants=FACTORS, factors={"subject": effect}, figures=(4.0, 4.0), per_day=400, days=6
    )  # fmt: skip
    return simulate(setup, runs=runs, seed=2)


def test_an_effect_of_a_factor_is_that_of_all_cells_with_its_level() -> None:
    found = factored(effect=0.3)
    (metric,) = found.metrics
    assert metric.truth is None
    assert metric.truths == (0.0, 0.3, 0.3)
    subject, image, both = metric.factors
    assert (subject.effect, image.effect) == ("subject: b - a", "image: photo - none")
    assert [one.truth for one in (subject, image, both)] == pytest.approx([0.3, 0, 0], abs=1e-9)
    assert subject.shown.share is not None
    assert subject.shown.share > 0.95
    for one in (image, both):
        assert rate_is(one.shown, 0.05, 3 * 0.0178)
    for one in metric.factors:
        assert rate_is(one.coverage, 0.95, 3 * 0.0178)
    assert found.ship.share is not None
    assert found.ship.share > 0.5


def test_effects_of_factors_are_shown_as_often_as_they_were_planned_to_be() -> None:
    experiment = parsed('kind = "mean"', FACTORS)
    made = design_of_file(experiment.factors, experiment.design)
    assert made is not None
    setting, shares = Setting(), dict.fromkeys(made.variants, 0.25)
    subject, _, both = effects_of(made, shares, order=2)
    (metric,) = factored(effect=0.15, runs=400).metrics
    planned = cells_power(of_mean(4, 4), setting, subject.cells, effect=0.15, units=2400)
    assert planned is not None
    assert rate_is(metric.factors[0].shown, planned, 3 * math.sqrt(planned * (1 - planned) / 400))
    assert cells_power(of_mean(4, 4), setting, both.cells, effect=0.0, units=2400) == pytest.approx(0.025, abs=1e-3)


def test_on_the_absolute_scale_effects_of_factors_add_up() -> None:
    factors = {"subject": 0.5, "image": -1.0}
    setup = setup_of('kind = "mean"\nscale = "absolute"', variants=FACTORS, factors=factors, figures=(4.0, 4.0))
    assert truths_of(setup)["spend"].effects == pytest.approx((-1.0, 0.5, -0.5))
    (metric,) = simulate(setup, runs=2, seed=1).metrics
    assert [one.truth for one in metric.factors] == pytest.approx([0.5, -1.0, 0.0], abs=1e-9)


def test_quantiles_of_factors_have_cells_and_no_effects() -> None:
    found = simulate(setup_of(QUANTILE, variants=FACTORS, effect=0.5, days=4), runs=6, seed=1)
    (metric,) = found.metrics
    assert metric.factors == ()
    assert metric.truths == (0.5, 0.5, 0.5)
    assert found.ship.share is not None


def test_units_of_ones_own_are_clipped_or_asked_for_a_quantile(tmp_path: Path) -> None:
    path = tmp_path / "units.csv"
    values = np.random.default_rng(1).lognormal(1, 1, 3000)
    path.write_text("spend\n" + "\n".join(f"{one:.4f}" for one in values), encoding="utf-8")
    means = {
        QUANTILE: np.quantile(values, 0.8),
        AT_QUANTILES: np.clip(values, *np.quantile(values, (0.05, 0.97))).mean(),
        'kind = "mean"\nclip = { high = 5 }': np.minimum(values, 5).mean(),
    }
    for text, mean in means.items():
        experiment = parsed(text)
        setup = Setup(
            experiment=experiment,
            scenario=scenario_of(experiment, per_day=300),
            populations=own_units(path, experiment.metrics, {}),
            effects={},
        )
        (found,) = simulate(setup, runs=60, seed=1).metrics
        assert found.mean == pytest.approx(mean, rel=1e-3)
        assert found.coverage_end.share == pytest.approx(0.95, abs=0.05 + 3 * 0.028)


@pytest.mark.parametrize(
    "metric",
    [
        QUANTILE,
        AT_QUANTILES,
        'kind = "mean"\nclip = { high = 9 }',
        'kind = "mean"',
        'kind = "mean"\nscale = "absolute"',
    ],
)
def test_amounts_of_ones_own_take_an_effect_whose_truth_is_held(metric: str, tmp_path: Path) -> None:
    path = tmp_path / "units.csv"
    values = np.random.default_rng(1).lognormal(1, 1, 12_000)
    path.write_text("spend\n" + "\n".join(f"{one:.4f}" for one in values), encoding="utf-8")
    experiment = parsed(metric)
    setup = Setup(
        experiment=experiment,
        # a third of the units a run: dealt without putting one back, intervals are a little too wide
        scenario=scenario_of(experiment, per_day=400),
        populations=own_units(path, experiment.metrics, {}),
        effects={"spend": 0.4 if "absolute" not in metric else 1.8},
    )
    (found,) = simulate(setup, runs=150, seed=1).metrics
    assert found.right is not None
    assert found.right.share is not None
    assert found.right.share > 0.9
    assert found.coverage_end.share == pytest.approx(0.965, abs=0.015 + 3 * 0.015)
    if "clip" not in metric:
        assert found.truth == pytest.approx(0.4 if "absolute" not in metric else 1.8, rel=1e-9)
    elif "high = 9" in metric:
        moved, kept = np.minimum(values * 1.4, 9).mean(), np.minimum(values, 9).mean()
        assert found.truth == pytest.approx(moved / kept - 1, rel=1e-3)
    else:
        assert found.truth is not None
        assert 0.2 < found.truth < 0.4


def test_many_units_that_are_kept_are_drawn_in_smaller_portions() -> None:
    assert chunk_of(setup_of(QUANTILE)) == 50
    assert chunk_of(setup_of(QUANTILE, per_day=200_000)) == 5
    assert chunk_of(setup_of('kind = "mean"', per_day=200_000)) == 50
