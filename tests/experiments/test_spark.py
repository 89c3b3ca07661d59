"""A PySpark frame gives the figures of the same frame in memory. PySpark is an extra that wants Java: run this by

uv run --with pyspark pytest tests/experiments/test_spark.py
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pandas as pd
import pytest

from imp_core.errors import BadInput
from imp_experiments import analyze
from imp_experiments.design.parse import parse_experiment
from imp_experiments.measure.archive import measure

sql = pytest.importorskip("pyspark.sql", reason="PySpark is an extra: uv run --with pyspark pytest …")
pytestmark = [
    pytest.mark.enable_socket,  # Python speaks to the JVM over loopback
    pytest.mark.filterwarnings("ignore"),  # PySpark's own
]


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    spark = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    made = spark.config("spark.sql.shuffle.partitions", "2").getOrCreate()
    yield made
    made.stop()


def frame() -> pd.DataFrame:
    dice = np.random.default_rng(1)
    n = 400
    return pd.DataFrame(
        {
            "user": np.arange(n),
            "arm": dice.choice(["a", "b"], n),
            "spend": np.round(dice.gamma(2, 10, n), 6),
            "visits": dice.poisson(3, n) + 1,
            "bought": dice.integers(0, 2, n),
            "before": np.where(np.arange(n) % 9, dice.normal(5, 1, n), np.nan),
            "country": dice.choice(["de", "日本"], n),
            "shop": dice.integers(0, 30, n),
        }
    )


@pytest.mark.parametrize(
    "way",
    [
        {},
        {"covariates": ["before"], "stratum": "country"},
        {"unit": "user", "covariates": ["before"]},
        {"cluster": "shop", "covariates": ["before"]},
        {"quantiles": ["spend:0.9"], "ranks": ["spend"], "clips": ["spend::0.95"]},
    ],
    ids=["plain", "adjusted", "unit", "cluster", "scans"],
)
def test_a_spark_frame_gives_the_figures_of_pandas(session: Any, way: dict[str, Any]) -> None:
    table = frame()
    asked: dict[str, Any] = {
        "variant": "arm", "control": "a", "proportions": ["bought"], "means": ["spend"], "ratios": ["spend/visits"],
    }  # fmt: skip
    expected = analyze(table, **asked, **way)
    found = analyze(session.createDataFrame(table), **asked, **way)
    for one, two in zip(found.comparisons, expected.comparisons, strict=True):
        assert one.absolute is not None
        assert two.absolute is not None
        assert one.absolute.estimate == pytest.approx(two.absolute.estimate, rel=1e-9)
        assert one.absolute.se == pytest.approx(two.absolute.se, rel=1e-9)
        assert (one.n_variant, one.conditions) == (two.n_variant, two.conditions)


def test_a_fault_in_a_spark_frame_names_its_column(session: Any) -> None:
    table = frame()
    table.loc[3, "spend"] = np.inf
    with pytest.raises(BadInput, match="finite number"):
        analyze(session.createDataFrame(table), variant="arm", control="a", means=["spend"])


def test_the_frames_of_an_archive_give_the_moments_of_duckdb(
    session: Any, rows: Any, connection: duckdb.DuckDBPyConnection, definition: str
) -> None:
    for subject in range(1, 21):
        rows.expose(subject, "ab"[subject % 2], subject % 5, seq=10 + subject % 3, stratum="xy"[subject % 2])
        if subject % 4 == 0:  # two rows at the first instant
            rows.expose(subject, "ab"[subject % 2], subject % 5, seq=9, stratum="w")
        if subject % 7 == 0:
            rows.expose(subject, "ab"[(subject + 1) % 2], subject % 5 + 1)
        rows.outcome(subject, "visit", subject % 6)
    rows.close(5, "withdrawn", 1, None)
    frames = rows.relations(connection)
    spark = {name: session.createDataFrame(relation.fetchall(), _schema(relation)) for name, relation in frames.items()}
    experiment = parse_experiment(definition.encode(), file="test.toml")
    when: dict[str, Any] = {"phase": 1, "as_of_us": 2**60, "size": 50, "started_us": 0, "zone": ZoneInfo("UTC")}
    expected, found = (measure(one["events"], one["closed"], experiment, **when) for one in (frames, spark))
    assert expected.moments.count() > 10
    assert found.moments == expected.moments
    assert (found.left_out, found.pairs) == (expected.left_out, expected.pairs)


def _schema(relation: duckdb.DuckDBPyRelation) -> str:
    types = {"VARCHAR": "string", "INTEGER": "int", "BIGINT": "bigint"}
    return ", ".join(f"{name} {types[str(kind)]}" for name, kind in zip(relation.columns, relation.types, strict=True))
