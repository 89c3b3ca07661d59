from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from imp_core.clock import SimulatedClock
from imp_core.errors import BadInput
from imp_experiments import analyze
from imp_experiments.readout.readout import Compared, Readout

SMALL = "v,x,y\na,1,2\nb,0,3.5\na,0,1\nb,1,2\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def run(name: str, data: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return run


def by_metric(readout: Readout) -> dict[tuple[str, str], Compared]:
    return {(compared.metric, compared.variant): compared for compared in readout.comparisons}


def small(path: Any, **more: Any) -> Readout:
    return analyze(path, **{"variant": "v", "control": "a", "proportions": ["x"], "means": ["y"], **more})


# -- real data --------------------------------------------------------------------------------------------------------


def test_hillstrom_gives_statsmodels_figures_to_ten_digits(data_folder: Path) -> None:
    path = data_folder / "hillstrom" / "hillstrom.csv.gz"
    readout = analyze(
        path,
        variant="segment",
        control="No E-Mail",
        proportions=["visit", "conversion"],
        means=["spend"],
        scale="absolute",
    )
    frame = pd.read_csv(path)
    assert len(readout.comparisons) == 6
    for compared in readout.comparisons:
        groups = [
            DescrStatsW(frame.loc[frame.segment == name, compared.metric]) for name in (compared.variant, "No E-Mail")
        ]
        oracle = CompareMeans(*groups)
        _, p_value, df = oracle.ttest_ind(usevar="unequal")
        low, high = oracle.tconfint_diff(usevar="unequal")
        found = compared.absolute
        assert found is not None
        assert (compared.n_variant, compared.n_control) == (groups[0].nobs, groups[1].nobs)
        assert found.estimate == pytest.approx(groups[0].mean - groups[1].mean, rel=1e-10)
        assert found.se == pytest.approx(oracle.std_meandiff_separatevar, rel=1e-10)
        assert (found.low, found.high) == (pytest.approx(low, rel=1e-10), pytest.approx(high, rel=1e-10))
        assert found.p_value == pytest.approx(p_value, rel=1e-9)
        assert found.df == pytest.approx(df, rel=1e-10)
        assert compared.p_value == found.p_value
    assert readout.health.srm.p_value == pytest.approx(stats.chisquare(frame.segment.value_counts()).pvalue, rel=1e-9)
    assert readout.consent is None


def test_cookie_cats_shows_its_sample_ratio(data_folder: Path) -> None:
    path = data_folder / "cookie_cats" / "cookie_cats.csv.gz"
    readout = analyze(
        path,
        variant="version",
        control="gate_30",
        unit="userid",
        proportions=["retention_1", "retention_7"],
        means=["sum_gamerounds"],
    )
    assert readout.health.srm.p_value == pytest.approx(0.0086, abs=5e-5)
    assert readout.health.srm.observed == {"gate_30": 44_700, "gate_40": 45_489}
    frame = pd.read_csv(path)
    found = by_metric(readout)["retention_7", "gate_40"]
    assert found.value_variant == pytest.approx(frame[frame.version == "gate_40"].retention_7.mean(), rel=1e-12)


def test_udacitys_dirty_rows_leave_the_units_in_two_groups_out(data_folder: Path) -> None:
    path = data_folder / "udacity_ab" / "ab_data.csv.gz"
    readout = analyze(path, variant="group", control="control", unit="user_id", proportions=["converted"])
    frame = pd.read_csv(path)
    groups = frame.groupby("user_id").group.nunique()
    assert readout.excluded == {"two_variants": (groups > 1).sum()}
    assert readout.excluded["two_variants"]
    clean = frame[frame.user_id.isin(groups[groups == 1].index)]
    units = clean.groupby("user_id").agg(group=("group", "first"), converted=("converted", "max"))
    shares = units.groupby("group").converted.agg(["size", "mean"])
    found = readout.comparisons[0]
    assert (found.n_variant, found.n_control) == (shares["size"]["treatment"], shares["size"]["control"])
    assert found.value_variant == pytest.approx(shares["mean"]["treatment"], rel=1e-12)


# -- units, weights, kinds of files and frames ------------------------------------------------------------------------


def test_of_a_unit_with_several_rows_a_proportion_is_any_and_a_mean_the_sum(write: Any) -> None:
    path = write("u.csv", "u,v,x,y\n1,a,0,1\n1,a,1,2\n2,a,0,5\n3,b,0,5\n3,b,0,1\n4,b,1,1\n5,a,0,1\n5,b,0,1\n")
    readout = small(path, unit="u")
    assert readout.excluded == {"two_variants": 1}
    assert readout.health.two_variants == {"a+b": 1}  # the file is the analyst's: nothing is hidden
    x, y = readout.comparisons
    assert (x.value_control, x.value_variant) == (0.5, 0.5)
    assert (y.value_control, y.value_variant) == ((3 + 5) / 2, (6 + 1) / 2)


def test_without_a_unit_column_every_row_is_a_unit(write: Any) -> None:
    assert small(write("s.csv", SMALL)).comparisons[0].n_variant == 2


def test_weights_set_the_expected_shares(write: Any) -> None:
    path = write("w.csv", "v,x\n" + "a,1\n" * 2_000 + "b,0\n" * 1_000)
    assert small(path, means=[]).health.srm.verdict == "mismatch"
    weighed = small(path, means=[], weights={"a": 2})
    assert weighed.health.srm.verdict == "ok"
    assert weighed.health.srm.p_value == 1.0
    assert weighed.verdict is None


def test_a_mismatch_makes_the_verdict_invalid(write: Any) -> None:
    path = write("w.csv", "v,x\n" + "a,1\n" * 2_000 + "b,0\n" * 1_000)
    verdict = small(path, means=[]).verdict
    assert verdict is not None
    assert verdict.value == "invalid"


KINDS = [
    ("plain.csv", SMALL),
    ("crlf.csv", SMALL.replace("\n", "\r\n")),
    ("mark.csv", b"\xef\xbb\xbf" + SMALL.encode()),
    ("mark-and-quotes.csv", b'\xef\xbb\xbf"v","x","y"\n"a",1,2\n"b",0,"3.5"\na,0,1\nb,1,2\n'),
    ("semicolons.csv", SMALL.replace(",", ";")),
    ("tabs.tsv", SMALL.replace(",", "\t")),
    ("packed.csv.gz", gzip.compress(SMALL.encode())),
    ("words.csv", SMALL.replace("a,1", "a,TRUE").replace("b,0", "b,false")),
    ("spaces.csv", SMALL.replace("3.5", " 3.5 ")),
    ("odd [name]*?.csv", SMALL),
    (
        "packed.jsonl.gz",
        gzip.compress(
            b'{"v":"a","x":1,"y":2}\n{"v":"b","x":0,"y":3.5}\n{"v":"a","x":0,"y":1}\n{"v":"b","x":1,"y":2}\n'
        ),
    ),
    (
        "lines.jsonl",
        '{"v":"a","x":true,"y":2}\n{"v":"b","x":0,"y":3.5}\n{"v":"a","x":0,"y":"1"}\n{"v":"b","x":1,"y":2}\n',
    ),
]


@pytest.mark.parametrize(("name", "data"), KINDS, ids=[case[0] for case in KINDS])
def test_every_kind_of_file_gives_the_same_figures(write: Any, name: str, data: str | bytes) -> None:
    found = [(c.value_variant, c.value_control, c.n_variant) for c in small(write(name, data)).comparisons]
    assert found == [(0.5, 0.5, 2), (2.75, 1.5, 2)]


def test_parquet_and_frames_give_the_figures_of_the_csv(write: Any, tmp_path: Path) -> None:
    dice = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"v": dice.choice(["a", "b", "ü"], 3_000), "x": dice.random(3_000) < 0.3, "y": dice.exponential(1e3, 3_000)}
    )
    frame["u"] = dice.integers(0, 2_500, len(frame))
    frame.to_csv(tmp_path / "f.csv", index=False)
    with duckdb.connect() as connection:
        relation = connection.from_df(frame)
        relation.write_parquet(str(tmp_path / "f.parquet"))
        sources: list[Any] = [
            tmp_path / "f.parquet",
            frame,
            pl.from_pandas(frame),
            pl.from_pandas(frame).lazy(),
            relation,
        ]
        for unit in (None, "u"):
            expected = small(tmp_path / "f.csv", unit=unit)
            for source in sources:
                found = small(source, unit=unit)
                assert found.excluded == expected.excluded
                for one, two in zip(found.comparisons, expected.comparisons, strict=True):
                    assert (one.metric, one.variant, one.n_variant) == (two.metric, two.variant, two.n_variant)
                    assert one.absolute is not None
                    assert two.absolute is not None
                    assert one.absolute.p_value == pytest.approx(two.absolute.p_value, rel=1e-9)
                    assert one.absolute.se == pytest.approx(two.absolute.se, rel=1e-12)


def test_a_mean_of_a_hundred_million_keeps_its_variance(tmp_path: Path) -> None:
    frame = pd.DataFrame({"v": ["a", "b"] * 5_000, "y": np.random.default_rng(5).normal(1e8, 1.0, 10_000)})
    groups = [DescrStatsW(frame.y[frame.v == name].to_numpy()) for name in "ba"]
    for source in (frame, pl.from_pandas(frame)):
        found = analyze(source, variant="v", control="a", means=["y"]).comparisons[0].absolute
        assert found is not None
        assert found.se == pytest.approx(CompareMeans(*groups).std_meandiff_separatevar, rel=1e-7)
    assert tmp_path.exists()


def test_as_of_is_the_clocks_time(write: Any, clock: SimulatedClock) -> None:
    assert small(write("s.csv", SMALL), clock=clock).as_of == "2026-03-01T12:00:00Z"


def test_a_missing_variant_is_a_fault_also_where_units_have_several_rows() -> None:
    columns = {"v": ["a", None, "a", "b", "b"], "u": [1, 2, 2, 3, 4], "x": [1, 0, 1, 0, 1]}
    for frame in (pd.DataFrame(columns), pl.DataFrame(columns)):
        with pytest.raises(BadInput, match="the variant is missing"):
            small(frame, means=[], unit="u")
        missing = frame[frame["v"] != "a"] if isinstance(frame, pd.DataFrame) else frame.filter(pl.col("v").is_null())
        with pytest.raises(BadInput, match="the variant is missing"):
            small(missing, means=[], unit="u")


# -- conditions -------------------------------------------------------------------------------------------------------


def test_variants_of_one_value_each_have_a_condition_and_no_figures(write: Any) -> None:
    path = write("z.csv", "v,x\n" + "a,1\n" * 50 + "b,0\n" * 100)
    compared = small(path, means=[]).comparisons[0]
    assert (compared.absolute, compared.relative, compared.p_value) == (None, None, None)
    assert [condition.code for condition in compared.conditions] == ["zero_variance"]
    assert (compared.value_variant, compared.value_control) == (0.0, 1.0)


def test_where_one_variant_varies_the_figures_are_those_of_statsmodels_with_a_warning(write: Any) -> None:
    path = write("z.csv", "v,x,y\n" + "a,1,3\na,0,4\n" * 50 + "b,0,0.1\n" * 100)
    visit, spend = small(path, scale="absolute").comparisons
    for compared, one, two in ((visit, [0.0] * 100, [1.0, 0.0] * 50), (spend, [0.1] * 100, [3.0, 4.0] * 50)):
        oracle = CompareMeans(DescrStatsW(one), DescrStatsW(two))
        assert compared.absolute is not None
        assert compared.p_value == pytest.approx(oracle.ttest_ind(usevar="unequal")[1], rel=1e-9)
        assert (compared.absolute.low, compared.absolute.high) == pytest.approx(
            oracle.tconfint_diff(usevar="unequal"), rel=1e-9
        )
    assert [condition.code for condition in visit.conditions] == ["mean_not_positive", "one_varies", "few_events"]
    assert [condition.code for condition in spend.conditions] == ["one_varies"]
    assert spend.relative is not None


def test_few_events_are_pointed_out(write: Any) -> None:
    path = write("f.csv", "v,x\n" + "a,1\n" * 30 + "a,0\n" * 70 + "b,1\n" * 9 + "b,0\n" * 91)
    compared = small(path, means=[]).comparisons[0]
    assert compared.absolute is not None
    assert [condition.code for condition in compared.conditions] == ["few_events"]


# -- bad input --------------------------------------------------------------------------------------------------------

ADDRESS = "ann@example.com"
BAD = [
    ("empty.csv", "", "empty", None),
    ("header.csv", "v,x,y\n", "no rows", None),
    ("kind.xlsx", SMALL, "kind of file", None),
    ("packed.parquet.gz", SMALL, "kind of file", None),
    ("wide.csv", SMALL.encode("utf-16"), "UTF-8", None),
    ("latin.csv", b"v,x,y\na,1,2\n" + "bé,0,1\n".encode("latin-1"), "UTF-8", None),
    ("late-latin.csv", SMALL.encode() * 20_000 + "bé,0,1\n".encode("latin-1"), "UTF-8|number|0, 1", None),
    ("junk.csv", bytes(range(256)) * 100, "UTF-8|cannot be read", None),
    ("junk.csv.gz", bytes(range(256)) * 100, "damaged", None),
    ("junk.parquet", bytes(range(256)) * 100, "damaged", None),
    ("junk.jsonl", bytes(range(256)) * 100, "damaged|UTF-8", None),
    ("cut.csv.gz", gzip.compress(SMALL.encode() * 1_000)[:-20], "damaged", None),
    ("no-x.csv", SMALL.replace("x", "z"), "no column 'x'", None),
    ("case.csv", SMALL.replace("x", "X"), "no column 'x'", "did you mean 'X'"),
    ("twice.csv", "v,x,x,y\na,1,1,2\nb,0,0,3\n", "two columns", None),
    ("two.csv", SMALL + "a,2,1\n", "not 0, 1, true or false", "row 5, column x"),
    ("half.csv", SMALL + "a,0.5,1\n", "not 0, 1, true or false", "row 5, column x"),
    ("blank.csv", SMALL + "a,,1\n", "the value is missing", "row 5, column x"),
    ("word.csv", SMALL + f"a,1,{ADDRESS}\n", "not a finite number", "row 5, column y"),
    ("underscore.csv", SMALL + "a,1,1_000\n", "not a finite number", "row 5, column y"),
    ("comma.csv", SMALL + 'a,1,"1,5"\n', "not a finite number", "row 5, column y"),
    ("infinite.csv", SMALL + "a,1,inf\n", "not a finite number", "row 5, column y"),
    ("nan.csv", SMALL + "a,1,nan\n", "not a finite number", "row 5, column y"),
    ("first.csv", SMALL + "a,1,no\n" + "a,7,1\n", "not a finite number", "row 5, column y"),
    ("variant.csv", SMALL + ",1,2\n", "variant is missing", "row 5, column v"),
    ("space.csv", SMALL + "  ,1,2\n", "variant is missing", "row 5, column v"),
    ("short.csv", SMALL + "a,1\n", "cannot be read as csv", "line 6"),
    ("long.csv", SMALL + f"a,1,2,{ADDRESS}\n", "cannot be read as csv", "line 6"),
    ("quote.csv", SMALL + f'a,1,"{ADDRESS}\n', "cannot be read as csv", "line 6"),
    ("cut.jsonl", '{"v":"a","x":1,"y":1}\n{"v":"b","x":0,"y":"ann@example.com"\n', "cannot be read as json", "line 2"),
    ("gap.jsonl", '{"v":"a","x":1,"y":1}\n{"v":"b","x":0}\n', "the value is missing", "row 2, column y"),
    ("one.csv", "v,x,y\na,1,1\na,0,1\n", "only one variant", "column v"),
    ("control.csv", SMALL.replace("a,", "c,"), "no unit is in the control 'a'", "column v"),
    (
        "many.csv",
        "v,x,y\n" + "".join(f"{i}{ADDRESS},1,1\n" for i in range(200)),
        "not a column of variants",
        "column v",
    ),
]


@pytest.mark.parametrize(("name", "data", "what", "where"), BAD, ids=[case[0] for case in BAD])
def test_bad_files_are_refused_by_row_and_field_without_their_values(
    write: Any, name: str, data: str | bytes, what: str, where: str | None
) -> None:
    with pytest.raises(BadInput, match=what) as caught:
        small(write(name, data))
    assert where is None or where in str(caught.value)
    assert "ann@" not in str(caught.value)


def test_a_missing_unit_is_refused_by_row(write: Any) -> None:
    with pytest.raises(BadInput, match="row 2, column u"):
        small(write("u.csv", "u,v,x,y\n1,a,1,1\n,b,1,1\n"), unit="u")


def test_a_column_of_dates_is_not_a_mean(tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    with duckdb.connect() as connection:
        connection.sql("SELECT 'a' AS v, DATE '2026-01-01' AS y").write_parquet(str(path))
    with pytest.raises(BadInput, match="does not hold numbers"):
        small(path, proportions=[])


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        small(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        ({"v": ["a", "b", None], "x": [1, 0, 1], "y": [1.0, 2, 3]}, "the variant is missing.*row 3, column v"),
        ({"v": ["a", "b", "b"], "x": [1, 0, 3], "y": [1.0, 2, 3]}, "not 0, 1.*row 3, column x"),
        (
            {"v": ["a", "b", "b"], "x": [1, 0, 1], "y": [1.0, 2, float("nan")]},
            "(?:finite number|value is missing).*row 3, column y",
        ),
        ({"v": ["a", "b", "b"], "x": [1, 0, 1], "y": [1.0, 2, float("inf")]}, "finite number.*row 3, column y"),
        ({"v": ["a", "b", "b"], "x": [1, 0, 1], "y": ["1", "2", "3"]}, "does not hold numbers"),
        ({"v": ["a", "b", "b"], "x": [1, 0, 1]}, "no column 'y'"),
        ({"v": [], "x": [], "y": []}, "no rows|does not hold numbers"),
    ],
)
@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pl.LazyFrame], ids=["pandas", "polars", "lazy"])
def test_bad_frames_are_refused(make: Any, frame: dict[str, Any], match: str) -> None:
    with pytest.raises(BadInput) as caught:
        small(make(frame))
    expected = match.replace("row 3, ", "") if isinstance(make(frame), pl.LazyFrame) else match
    assert pd.Series([str(caught.value)]).str.contains(expected).item(), str(caught.value)


def test_what_is_neither_path_nor_frame_is_refused() -> None:
    with pytest.raises(BadInput, match="not a path and not a data frame"):
        small(object())


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"weights": {"zz": 1}}, "'zz', which no unit is in"),
        ({"weights": {"a": 0, "b": 0}}, "all weights are 0"),
        ({"weights": {"a": -1}}, "below 0"),
        ({"proportions": ["x", "x"]}, "named twice"),
        ({"scale": "log"}, "neither relative nor absolute"),
    ],
)
def test_bad_arguments_are_refused(write: Any, more: dict[str, Any], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        small(write("s.csv", SMALL), **more)


# -- the command ------------------------------------------------------------------------------------------------------


def test_the_command_works_without_a_workspace_and_prints_the_documented_json(imp_here: Any, write: Any) -> None:
    path = write("s.csv", SMALL * 1)
    answer = imp_here(
        *("experiment", "analyze", str(path), "--variant", "v", "--control", "a", "--proportion", "x", "--mean", "y"),
        *("--weight", "a=1", "--weight", "b=1", "--scale", "absolute", "--json"),
    ).ok()
    assert answer.json["schema"] == "imp.readout/1"
    assert answer.json["consent"] == "not checked"
    assert [c["scale"] for c in answer.json["comparisons"]] == ["absolute", "absolute"]
    assert list(answer.json["comparisons"][0]) == [
        *("metric", "kind", "variant", "control", "n", "value", "absolute", "relative", "scale", "p_value", "method"),
        *("variance_saved", "look", "tail", "correction", "p_corrected", "posterior", "conditions"),
    ]


def test_the_command_says_in_words_that_consent_was_not_checked(imp_here: Any, write: Any) -> None:
    answer = imp_here(
        "experiment", "analyze", str(write("s.csv", SMALL)), "--variant", "v", "--control", "a", "--mean", "y"
    ).ok()
    assert "consent: not checked" in answer.out


@pytest.mark.parametrize("weight", ["a", "a=", "=1", "a=-1", "a=1.5", "a=²"])
def test_a_malformed_weight_is_wrong_usage(imp_here: Any, write: Any, weight: str) -> None:
    answer = imp_here(
        "experiment", "analyze", str(write("s.csv", SMALL)), "--variant", "v", "--control", "a", "--weight", weight
    )
    assert answer.code == 2
    assert "VALUE=N" in answer.err


def test_a_bad_row_exits_2_and_is_named(imp_here: Any, write: Any) -> None:
    path = write("s.csv", SMALL + "a,1,x\n")
    answer = imp_here("experiment", "analyze", str(path), "--variant", "v", "--control", "a", "--mean", "y", "--json")
    assert answer.code == 2
    assert "row 5, column y" in json.loads(answer.out)["error"]["where"]
