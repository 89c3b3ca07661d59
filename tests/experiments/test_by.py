"""Breakdowns of a table by its columns."""

from __future__ import annotations

import importlib.resources
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from imp_core.cli import cli
from imp_core.errors import BadInput
from imp_experiments import analyze
from imp_experiments.readout.format import format_readout, parse_readout, to_plain
from imp_experiments.readout.readout import Breakdown, Readout
from imp_experiments.readout.render import render_markdown, render_table
from imp_experiments.stats.multiplicity import adjust


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    """Variants a and b on channels of 400, 300, 12 and 8 units; b lifts visits on the web alone."""
    dice = np.random.default_rng(7)
    channels = ["web"] * 400 + ["mail"] * 300 + ["sms"] * 12 + ["fax"] * 8
    variants = ["a", "b"] * (len(channels) // 2)
    lifted = [0.2 + 0.3 * (v == "b" and c == "web") for v, c in zip(variants, channels, strict=True)]
    return pl.DataFrame(
        {
            "unit": list(range(len(channels))),
            "variant": variants,
            "channel": channels,
            "ages": ["young", "old", "old"] * (len(channels) // 3),
            "visit": [int(dice.random() < share) for share in lifted],
            "spend": dice.gamma(2.0, 3.0, len(channels)),
        }
    )


def look(frame: Any, **more: Any) -> Readout:
    readout = analyze(
        frame,
        **{"variant": "variant", "control": "a", "unit": "unit", "proportions": ["visit"], "means": ["spend"], **more},
    )
    text = importlib.resources.files("imp_experiments.readout").joinpath("readout.schema.json").read_text("utf-8")
    jsonschema.validate(to_plain(readout), json.loads(text), cls=jsonschema.Draft202012Validator)
    assert parse_readout(format_readout(readout)) == readout
    return readout


def only(readout: Readout) -> Breakdown:
    (breakdown,) = readout.breakdowns
    return breakdown


def test_without_a_dimension_there_is_no_breakdown(frame: pl.DataFrame) -> None:
    assert look(frame).breakdowns == ()


def test_each_level_is_compared_as_if_it_were_the_whole_file(frame: pl.DataFrame) -> None:
    found = only(look(frame, by=["channel"], quantiles=["spend:0.5"], ranks=["spend"]))
    for level in found.levels:
        if level.level == "(other)":
            continue
        alone = look(
            frame.filter(pl.col("channel") == level.level), quantiles=["spend:0.5"], ranks=["spend"]
        ).comparisons
        for mine, other in zip(level.comparisons, alone, strict=True):
            assert (mine.metric, mine.n_variant, mine.n_control) == (other.metric, other.n_variant, other.n_control)
            assert mine.p_value == pytest.approx(other.p_value, rel=1e-9)


def test_small_levels_are_merged_and_corrected_over_all(frame: pl.DataFrame) -> None:
    found = only(look(frame, by=["channel"]))
    assert [level.level for level in found.levels] == ["mail", "web", "(other)"]
    assert [level.comparisons[0].n_variant for level in found.levels] == [150, 200, 10]
    assert (found.merged, found.hypotheses, found.correction) == (2, 6, "benjamini_hochberg")
    comparisons = [one for level in found.levels for one in level.comparisons]
    assert [one.p_corrected for one in comparisons] == list(
        adjust([one.p_value for one in comparisons], "benjamini_hochberg")
    )


def test_the_smallest_level_takes_the_next_with_it(frame: pl.DataFrame) -> None:
    found = only(look(frame, by=["channel"], k=100))
    # 10 a variant are too few, so that mail goes with them
    assert [(level.level, level.comparisons[0].n_control) for level in found.levels] == [("web", 200), ("(other)", 160)]
    assert found.merged == 3
    nothing = only(look(frame, by=["channel"], k=300))
    assert (nothing.levels, nothing.merged) == ((), 4)
    assert "no level is shown" in render_table(look(frame, by=["channel"], k=300))


def test_whether_levels_differ_is_tested(frame: pl.DataFrame) -> None:
    tests = {one.metric: one.test for one in only(look(frame, by=["channel"])).differences}
    assert tests["visit"] is not None
    assert tests["visit"].p_value < 0.05
    assert tests["spend"] is not None
    assert tests["spend"].p_value > 0.05


def test_where_looks_are_allowed_for_levels_have_a_confidence_sequence_and_no_other_p(frame: pl.DataFrame) -> None:
    found = only(look(frame, by=["channel"], sequential="confidence_sequence", planned=700))
    plain = only(look(frame, by=["channel"]))
    assert found.differences == ()
    for level, without in zip(found.levels, plain.levels, strict=True):
        for mine, fixed in zip(level.comparisons, without.comparisons, strict=True):
            assert mine.look is not None
            assert mine.tail is not None
            assert mine.tail < 0.025
            assert mine.p_value is not None
            assert fixed.p_value is not None
            assert mine.p_value >= fixed.p_value


def test_several_dimensions_each_have_their_own(frame: pl.DataFrame) -> None:
    readout = look(frame, by=["channel", "ages"], covariates=(), stratum="ages")
    assert [one.dimension for one in readout.breakdowns] == ["channel", "ages"]
    assert "post-stratified" in readout.comparisons[0].method
    assert "post-stratified" not in readout.breakdowns[0].levels[0].comparisons[0].method
    assert any("exploratory" in note for note in readout.notes)


def test_the_verdict_and_the_answer_do_not_change(frame: pl.DataFrame) -> None:
    one, two = look(frame), look(frame, by=["channel"])
    assert (one.verdict, one.health, one.excluded) == (two.verdict, two.health, two.excluded)
    for mine, other in zip(one.comparisons, two.comparisons, strict=True):
        assert mine.p_value == pytest.approx(other.p_value, rel=1e-9)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"by": ["nothing"]}, "no column 'nothing'"),
        ({"by": ["channel", "channel"]}, "named twice"),
        ({"by": ["channel"], "k": 0}, "k is below 1"),
        ({"by": ["id"]}, "over 1,000 different values"),
    ],
)
def test_what_cannot_be_broken_down_is_refused(frame: pl.DataFrame, more: dict[str, Any], said: str) -> None:
    long = pl.concat([frame, frame.with_columns(unit=pl.col("unit") + 10_000)])
    with pytest.raises(BadInput, match=said):
        look(long.with_columns(id=pl.col("unit").cast(pl.String)), **more)


def test_the_command_line_shows_them_after_the_answer_as_exploratory(frame: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    frame.write_csv(path)
    arguments = ["experiment", "analyze", str(path), "--variant", "variant", "--control", "a", "--proportion", "visit"]
    said = CliRunner().invoke(cli, [*arguments, "--by", "channel", "--by", "ages", "--k", "20"]).stdout
    assert said.index("relative") < said.index("by channel (exploratory)") < said.index("by ages (exploratory)")
    assert "do levels differ?" in said
    plain = json.loads(CliRunner().invoke(cli, [*arguments, "--by", "channel", "--json"]).stdout)
    assert [level["level"] for level in plain["breakdowns"][0]["levels"]] == ["mail", "web", "(other)"]


def test_markdown_has_a_table_each(frame: pl.DataFrame) -> None:
    said = render_markdown(look(frame, by=["channel"]))
    assert "## By channel (exploratory)" in said
    assert "| (other) | visit | b | 10 |" in said


def test_breakdowns_and_factors_do_not_go_together(frame: pl.DataFrame) -> None:
    with pytest.raises(BadInput, match="'ages' is not analysed by factors"):
        look(frame, variant=None, control=None, factors=["variant", "channel"], by=["ages"])
