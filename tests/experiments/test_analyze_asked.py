"""What `analyze` is asked for: kinds of arguments, columns that cannot be what they are named for."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from imp_core.errors import BadInput
from imp_experiments import analyze
from imp_experiments.commands.analyze import analyze_command
from imp_experiments.readout.readout import Readout


def shop(n: int = 400) -> pd.DataFrame:
    dice = np.random.default_rng(8)
    return pd.DataFrame(
        {
            "arm": np.where(np.arange(n) % 2 == 1, "b", "a"),
            "spend": np.round(dice.gamma(2, 10, n), 2),
            "visits": dice.poisson(3, n) + 1,
            "bought": dice.integers(0, 2, n),
            "before": np.round(dice.gamma(2, 10, n), 2),
            "shop": np.arange(n) // 20,
        }
    )


def read(frame: Any = None, **more: Any) -> Readout:
    return analyze(shop() if frame is None else frame, **{"variant": "arm", "control": "a", "means": ["spend"]} | more)


def test_every_option_of_the_command_is_an_argument_of_analyze() -> None:
    options = {parameter.name for parameter in analyze_command.params} - {"file", "as_json"}
    assert options == set(inspect.signature(analyze).parameters) - {"source", "clock"}


def test_without_a_metric_nothing_is_compared() -> None:
    with pytest.raises(BadInput, match="no metric is named"):
        read(means=[])


def test_the_command_without_a_metric_is_wrong_usage(imp_here: Any, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    shop().to_csv(path, index=False)
    answer = imp_here("experiment", "analyze", str(path), "--variant", "arm", "--control", "a")
    assert answer.code == 2
    assert "no metric is named" in answer.err


def test_two_metrics_of_one_name_are_refused() -> None:
    with pytest.raises(BadInput, match="two metrics are called 'bought'"):
        read(means=["bought"], proportions=["bought"])


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"means": "spend"}, r"means is one text, not a list.*\['spend'\]"),
        ({"by": "shop"}, "by is one text, not a list"),
        ({"covariates": [1]}, "covariates is not a list of texts"),
        ({"means": {"spend": 1}}, "means is not a list of texts"),
        ({"control": 0}, "control is not text.*'0'"),
        ({"control": False}, "control is not text.*'false'"),
        ({"alpha": "0.05"}, "alpha is not a number"),
        ({"prior": "0.1"}, "prior is not a number"),
        ({"k": "10"}, "k is not a whole number"),
        ({"k": 2.5}, "k is not a whole number"),
        ({"order": True}, "order is not a whole number"),
        ({"planned": 0.5, "sequential": "pocock"}, "planned is not a whole number"),
        ({"looked": 0.5, "sequential": "pocock", "planned": 900}, "looked is not a list"),
        ({"looked": ["x"], "sequential": "pocock", "planned": 900}, "looked is not a number"),
        ({"weights": {"a": "x"}}, "weight is not a number"),
        ({"weights": ["a"]}, "weights are not by variant"),
    ],
)
def test_an_argument_of_another_kind_is_refused_by_name(more: dict[str, Any], match: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(**more)
    assert re.search(match, f"{caught.value} {caught.value.mend}", re.DOTALL)


def test_numbers_of_numpy_are_numbers() -> None:
    assert read(alpha=np.float64(0.05), k=np.int64(10)) is not None
