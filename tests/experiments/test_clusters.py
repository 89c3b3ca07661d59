"""An experiment whose units come in clusters: errors by cluster in its readout, and what it says of clusters."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Callable
from typing import Any

import jsonschema
import numpy as np
import polars as pl
import pytest

from imp_core.errors import BadInput
from imp_experiments import analyze
from imp_experiments.commands.read_out import read_out
from imp_experiments.commands.start import start_experiment
from imp_experiments.design.experiment import analysis_sha256
from imp_experiments.design.parse import parse_experiment
from imp_experiments.readout.format import format_readout, parse_readout, to_plain

HOUSEHOLDS = 'cluster = "household"\n'
SPEND = """
[[metrics]]
name = "spend"
role = "secondary"
kind = "mean"
event = "order"
value = "amount"
window = "7d"
"""
MORE = (
    SPEND
    + """
[[metrics]]
name = "basket"
role = "secondary"
kind = "ratio"
event = "order"
value = "amount"
window = "7d"
denominator = { event = "order", value = "count" }
[[metrics]]
name = "median"
role = "secondary"
kind = "quantile"
q = 0.5
event = "order"
value = "amount"
window = "7d"
"""
)
Write = Callable[..., Any]


@pytest.fixture
def housed(bench: Any, definition: str, at_day: Callable[[float], int]) -> Write:
    """A started experiment of `frame`: household, arm, visit, euros, day, a row a person."""

    def run(frame: pl.DataFrame, *, top: str = HOUSEHOLDS, plan: str = "", more: str = MORE) -> Any:
        bench.write(top + definition.replace("[plan]\n", f"[plan]\n{plan}") + more)
        bench.clock._now_us = at_day(0)
        start_experiment(bench.ctx, "test")
        for subject, row in enumerate(frame.iter_rows(named=True), start=1):
            bench.rows.expose(subject, row["arm"], row["day"], cluster=row["household"])
            if row["visit"]:
                bench.rows.outcome(subject, "visit", row["day"] + 1)
            amount = row["euros"] * 10**6
            bench.rows.outcome(subject, "order", row["day"] + 1, amount_micros=amount, currency="EUR")
        for arm, n in frame.group_by("arm").len().iter_rows():
            bench.rows.enrol(arm, n)
        bench.clock._now_us = at_day(59.5)
        return bench

    return run


def people(households: int = 120, *, seed: int = 1, size: int = 4, lift: float = 0.0) -> pl.DataFrame:
    """Households of 1 to `size` whose members are alike; every other one is in b; members come on different days."""
    dice = np.random.default_rng(seed)
    rows = []
    for number in range(households):
        arm, taste = "ab"[number % 2], dice.normal()
        for member in range(1 + number // 2 % size):
            visit = bool(taste + dice.normal() + (lift if arm == "b" else 0) > 0)
            euros = round(40 + 10 * taste + float(dice.normal()) * 5)
            household = f"h{number}"
            rows.append({"household": household, "arm": arm, "visit": visit, "euros": euros, "day": 1 + member % 3})
    return pl.DataFrame(rows)


def told(bench: Any) -> dict[str, Any]:
    readout = read_out(bench.ctx, "test").readout
    assert parse_readout(format_readout(readout)) == readout
    plain: dict[str, Any] = json.loads(json.dumps(to_plain(readout)))
    schema = importlib.resources.files("imp_experiments.readout").joinpath("readout.schema.json").read_text("utf-8")
    jsonschema.validate(plain, json.loads(schema), cls=jsonschema.Draft202012Validator)
    return plain


def codes(compared: dict[str, Any]) -> list[str]:
    return [one["code"] for one in compared["conditions"]]


def robust(frame: pl.DataFrame, column: str, arm: str) -> tuple[float, float]:
    """Mean and its squared error from the residuals of household sums, without a line of ours.

    Of G* / (G* - 1), with the effective number of households for their number (Carter, Schnepel & Steigerwald 2017).
    """
    mine = frame.filter(pl.col("arm") == arm).with_columns(pl.col(column).cast(pl.Float64))
    mean = float(mine[column].mean())  # type: ignore[arg-type]
    sums = mine.group_by("household").agg((pl.col(column) - mean).sum().alias("e"))["e"].to_numpy()
    sizes = mine.group_by("household").len()["len"].to_numpy()
    g = sizes.sum() ** 2 / (sizes**2).sum()
    return mean, float((sums**2).sum() * g / (g - 1) / len(mine) ** 2)


def test_errors_are_those_of_household_sums(housed: Write) -> None:
    frame = people()
    found = {one["metric"]: one for one in told(housed(frame))["comparisons"]}
    for metric, column in (("visit", "visit"), ("spend", "euros")):
        (a, va), (b, vb) = (robust(frame, column, arm) for arm in "ab")
        compared = found[metric]
        assert compared["value"] == {"variant": pytest.approx(b), "control": pytest.approx(a)}
        assert compared["absolute"]["se"] == pytest.approx(np.sqrt(va + vb), rel=1e-9)
        assert compared["n"]["control"] == frame.filter(pl.col("arm") == "a").height
        assert "errors by cluster" in compared["method"]
        # by person it would be too narrow
        naive = [frame.filter(pl.col("arm") == arm)[column].cast(pl.Float64).var() for arm in "ab"]
        sizes = [frame.filter(pl.col("arm") == arm).height for arm in "ab"]
        assert compared["absolute"]["se"] > 1.2 * np.sqrt(sum(v / n for v, n in zip(naive, sizes, strict=True)))


def test_the_figures_are_those_of_analyze_by_cluster(housed: Write) -> None:
    frame = people()
    found = {one["metric"]: one for one in told(housed(frame))["comparisons"]}
    held = frame.with_columns(one=pl.lit(1.0), visit=pl.col("visit").cast(pl.Int8))
    same = analyze(
        held,
        variant="arm",
        control="a",
        proportions=["visit"],
        ratios=["euros/one"],
        quantiles=["euros:0.5"],
        cluster="household",
    )
    by_name = {one.metric: one for one in same.comparisons}
    for metric, other in zip(("visit", "basket", "median"), by_name.values(), strict=True):
        for scale in ("absolute", "relative"):
            theirs = getattr(other, scale)
            for figure in ("estimate", "se", "low", "high", "p_value"):
                mine = found[metric][scale][figure]
                assert mine == pytest.approx(getattr(theirs, figure), rel=1e-9), (metric, scale, figure)


def test_a_household_in_two_variants_counts_once_in_each_and_a_note_asks(housed: Write) -> None:
    frame = people()
    first = frame.row(0, named=True)
    moved = pl.concat([frame, *[pl.DataFrame([first | {"arm": "b", "household": f"h{2 * n}"}]) for n in range(12)]])
    plain = told(housed(moved, more=SPEND))
    spend = plain["comparisons"][1]
    (_, va), (_, vb) = (robust(moved, "euros", arm) for arm in "ab")
    assert spend["absolute"]["se"] == pytest.approx(np.sqrt(va + vb), rel=1e-9)
    assert any("12 clusters" in note and "were clusters randomised" in note for note in plain["notes"])


def test_who_has_no_household_is_one_alone(housed: Write) -> None:
    frame = people().with_columns(
        household=pl.when(pl.col("household").is_in(["h0", "h1"])).then(None).otherwise(pl.col("household"))
    )
    frame = frame.with_columns(
        household=pl.when(pl.int_range(pl.len()) % 9 == 0).then(None).otherwise(pl.col("household"))
    )
    plain = told(housed(frame, more=SPEND))
    alone = frame.with_columns(pl.col("household").fill_null(pl.format("alone {}", pl.int_range(pl.len()))))
    (_, va), (_, vb) = (robust(alone, "euros", arm) for arm in "ab")
    assert plain["comparisons"][1]["absolute"]["se"] == pytest.approx(np.sqrt(va + vb), rel=1e-9)
    missing = frame["household"].null_count()
    assert f"without a cluster, each one of its own: {missing} units" in plain["notes"]


def test_where_nobody_names_a_cluster_there_are_no_figures(housed: Write) -> None:
    frame = people().with_columns(household=pl.lit(None, dtype=pl.String))
    for compared in told(housed(frame))["comparisons"]:
        assert codes(compared) == ["no_clusters"]
        assert (compared["absolute"], compared["relative"], compared["value"]["control"]) == (None, None, None)


def test_fewer_than_k_clusters_show_no_spread(housed: Write) -> None:
    frame = people().with_columns(household=pl.format("shop {}", pl.col("household").str.slice(1).cast(pl.Int64) % 10))
    for compared in told(housed(frame))["comparisons"]:
        assert codes(compared) == ["fewer_than_k_clusters"]
        assert compared["absolute"] is None


@pytest.mark.parametrize(("households", "barred"), [(9, "fewer_than_k_clusters"), (20, None)])
def test_a_cell_of_fewer_than_k_clusters_hides_the_effects_of_factors(
    bench: Any, definition: str, at_day: Callable[[float], int], households: int, barred: str | None
) -> None:
    factors = "".join(f'[[factors]]\nname = "{name}"\nlevels = ["0", "1"]\n' for name in ("x", "y"))
    text = definition.replace('control = "a"\n', "")
    for name in "ab":
        text = text.replace(f'[[variants]]\nname = "{name}"\n', "")
    bench.write(HOUSEHOLDS + text.replace("[plan]\n", factors + "[plan]\n"))
    bench.clock._now_us = at_day(0)
    start_experiment(bench.ctx, "test")
    cells = [f"x={x},y={y}" for x in "01" for y in "01"]
    for subject in range(640):
        cell = subject % 4
        many = households if cell == 3 else 40
        bench.rows.expose(subject, cells[cell], 1, cluster=f"{cell}-{subject // 4 % many}")
        if subject % 3 == cell % 2:
            bench.rows.outcome(subject, "visit", 2)
    for cell_name in cells:
        bench.rows.enrol(cell_name, 160)
    bench.clock._now_us = at_day(59.5)
    plain = told(bench)
    (metric,) = plain["factorial"]["metrics"]
    assert (barred in codes(metric), metric["effects"] == []) == (barred is not None,) * 2
    assert (metric["cells"][3]["value"] is None) == (barred is not None)
    (last,) = [one for one in plain["comparisons"] if one["variant"] == cells[3]]
    assert ("fewer_than_k_clusters" in codes(last)) == (barred is not None)


def test_few_clusters_are_a_warning_beside_the_figures(housed: Write) -> None:
    frame = people().with_columns(household=pl.format("shop {}", pl.col("household").str.slice(1).cast(pl.Int64) % 40))
    for compared in told(housed(frame))["comparisons"]:
        assert "few_clusters" in codes(compared)
        assert compared["absolute"] is not None


def test_the_sample_ratio_counts_households_not_people(housed: Write) -> None:
    # households of b are four times as large: nothing is wrong with who was drawn
    frame = pl.concat([people(60, size=1, seed=3), people(60, size=1, seed=4).with_columns(pl.col("day"))])
    frame = frame.with_columns(household=pl.format("h{}", pl.int_range(pl.len())))
    large = pl.concat([frame.filter(pl.col("arm") == "b")] * 4)
    plain = told(housed(pl.concat([frame.filter(pl.col("arm") == "a"), large]), more=SPEND))
    srm = plain["health"]["srm"]
    assert (srm["verdict"], srm["observed"]) == ("ok", {"a": 60, "b": 60})
    assert any("sample ratio counts clusters" in note for note in plain["notes"])


@pytest.mark.parametrize(("whole", "shown"), [(1, False), (9, False), (10, True)])
def test_how_few_clusters_have_left_whole_is_not_told_by_those_that_the_ratio_counts(
    housed: Write, whole: int, shown: bool
) -> None:
    frame = people(240, size=2)
    bench = housed(frame, more=SPEND)
    gone = {f"h{number}" for number in range(whole)}
    # so many single people of other households leave that those who left are many
    members = frame.with_row_index("subject", offset=1).filter(pl.col("household").is_duplicated())
    others = [row["subject"] for row in members.iter_rows(named=True) if row["household"] not in gone]
    singles = frame.with_row_index("subject", offset=1).filter(pl.col("household").is_in(sorted(gone)))["subject"]
    for subject in [*others[::2], *singles]:
        bench.rows.close(subject, "withdrawn", 0, None)
    plain = told(bench)
    assert plain["excluded"]["withdrawn"] >= 100
    named = next(note for note in plain["notes"] if note.startswith("errors are by cluster"))
    assert f"{240 - whole} clusters" in named
    observed = plain["health"]["srm"]["observed"]
    assert observed == ({"a": 120, "b": 120} if shown else {"a": None, "b": None})


def test_breakdowns_have_errors_by_cluster_too(housed: Write) -> None:
    frame = people(200)
    bench = housed(frame, more=SPEND)
    for number, row in enumerate(bench.rows.events):
        if row["type"] == "exposure":
            row["channel"] = "web" if number % 3 else "mail"
    places = [row["channel"] for row in bench.rows.events if row["type"] == "exposure"]
    readout = read_out(bench.ctx, "test", by=("channel",)).readout
    (breakdown,) = readout.breakdowns
    for level in breakdown.levels:
        mine = frame.with_columns(channel=pl.Series(places)).filter(pl.col("channel") == level.level)
        spend = next(one for one in level.comparisons if one.metric == "spend")
        assert spend.absolute is not None
        (_, va), (_, vb) = (robust(mine, "euros", arm) for arm in "ab")
        assert spend.absolute.se == pytest.approx(np.sqrt(va + vb), rel=1e-9)


def test_the_first_look_waits_for_clusters(housed: Write, at_day: Callable[[float], int]) -> None:
    looks = 'looks = "daily"\nunits = 600\nmin_units = 20\nmin_conversions = 1\n'
    frame = people(200).with_columns(
        household=pl.format("shop {}", pl.col("household").str.slice(1).cast(pl.Int64) % 40)
    )
    bench = housed(frame, plan=looks, more="")
    bench.clock._now_us = at_day(11.5)
    (compared,) = told(bench)["comparisons"]
    assert codes(compared) == ["before_first_look"]


def test_looks_see_the_clusters_of_their_cohorts(housed: Write, at_day: Callable[[float], int]) -> None:
    looks = 'looks = "daily"\nunits = 600\nmin_units = 20\nmin_conversions = 1\n'
    frame = people(200)
    bench = housed(frame, plan=looks, more="")
    # cohorts of day 1 and 2 are ripe, members who came on day 3 are not
    bench.clock._now_us = at_day(10.5)
    (compared,) = told(bench)["comparisons"]
    (_, va), (_, vb) = (robust(frame.filter(pl.col("day") <= 2), "visit", arm) for arm in "ab")
    assert compared["absolute"]["se"] == pytest.approx(np.sqrt(va + vb), rel=1e-9)
    assert "look 1" in compared["look"]


def test_the_registration_covers_clusters_and_says_nothing_new_without(definition: str) -> None:
    plain = parse_experiment(definition.encode(), file="x.toml")
    housed = parse_experiment((HOUSEHOLDS + definition).encode(), file="x.toml")
    assert analysis_sha256(plain) != analysis_sha256(housed)
    with pytest.raises(BadInput, match="must be a text"):
        parse_experiment(("cluster = true\n" + definition).encode(), file="x.toml")
