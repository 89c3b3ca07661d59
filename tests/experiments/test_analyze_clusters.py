"""`analyze` by cluster: what clusters that cross strata, levels and variants forbid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from imp_core.errors import BadInput
from imp_experiments import analyze
from imp_experiments.readout.readout import Readout


def shop(seed: int = 1, n: int = 600) -> pd.DataFrame:
    dice = np.random.default_rng(seed)
    shops = dice.integers(0, 60, n)
    return pd.DataFrame(
        {
            "arm": np.where(shops % 2 == 1, "b", "a"),
            "revenue": dice.normal(20, 3, n),
            "country": dice.choice(["de", "fr"], n),
            "region": np.where(shops < 20, "north", "south"),
            "shop": shops,
        }
    )


def read(frame: pd.DataFrame, **more: Any) -> Readout:
    return analyze(frame, variant="arm", control="a", means=["revenue"], **more)


def test_clusters_that_cross_strata_are_refused_and_nested_ones_are_not() -> None:
    frame = shop()
    with pytest.raises(BadInput, match="a cluster has units in several strata"):
        read(frame, cluster="shop", stratum="country")
    assert "post-stratified; errors by cluster" in read(frame, cluster="shop", stratum="region").comparisons[0].method


def test_levels_that_share_clusters_are_not_tested_for_differences() -> None:
    frame = shop()
    found = read(frame, cluster="shop", by=["country", "region"]).breakdowns
    assert [len(one.differences) for one in found] == [0, 1]
    assert [len(one.differences) for one in read(frame, by=["country", "region"]).breakdowns] == [1, 1]


def test_ranks_of_clusters_are_refused() -> None:
    with pytest.raises(BadInput, match="ranks are not compared by cluster"):
        read(shop(), cluster="shop", ranks=["revenue"])
