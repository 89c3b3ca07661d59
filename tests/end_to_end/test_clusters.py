"""Households through the real command line: a file that names clusters, exposures that bear them, errors by cluster."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

DEFINITION = """
name = "spring"
hypothesis = "A letter to the household brings it to the shop"
purpose = "experimentation"
salt = "k3x9qa7vdd"
cluster = "household"
control = "a"
[plan]
horizon = "20d"
prior = 0.5
[[variants]]
name = "a"
[[variants]]
name = "b"
[[metrics]]
name = "visit"
kind = "proportion"
event = "visit"
window = "7d"
[[metrics]]
name = "spend"
kind = "mean"
event = "order"
value = "amount"
window = "7d"
[decision]
primaries = "max_t"
"""
HOUSEHOLDS = 100


def people() -> pd.DataFrame:
    """Households of one to five, alike within; every other household is in b."""
    dice = np.random.default_rng(7)
    rows = []
    for house in range(HOUSEHOLDS):
        taste = int(dice.integers(0, 40))
        for _ in range(1 + house // 2 % 5):
            spend = 20 + taste + int(dice.integers(0, 10))
            rows.append({"house": f"Lane {house}", "arm": "ab"[house % 2], "spend": spend, "visit": int(taste > 15)})
    return pd.DataFrame(rows)


@pytest.fixture
def shop(imp: Callable[..., Any]) -> Any:
    frame = people()
    given = ["identifier,purpose,state,at"]
    lines = ["type,identifier,at,purpose,id,name,experiment,variant,cluster,amount,currency"]
    for number, row in enumerate(frame.itertuples()):
        who = f"member:{number}"
        given.append(f"{who},experimentation,given,2026-01-01T00:00:00Z")
        day = 5 + number % 4
        lines.append(
            f"exposure,{who},2026-01-{day:02}T00:00:00Z,experimentation,e{number},,spring,{row.arm},{row.house},,"
        )
        after = f"2026-01-{day + 1:02}T00:00:00Z,experimentation"
        if row.visit:
            lines.append(f"outcome,{who},{after},v{number},visit,,,,,")
        lines.append(f"outcome,{who},{after},o{number},order,,,,{row.spend},EUR")
    folder: Path = imp.workspace
    imp("init", ".", "--controller", "Shop Ltd").ok()
    imp("plugin", "enable", "file").ok()
    files = {"given.csv": given, "events.csv": lines, "experiments/spring.toml": [DEFINITION]}
    for name, text in files.items():
        (folder / name).write_text("\n".join(text) + "\n", encoding="utf-8")
    frame.to_csv(folder / "held.csv", index=False)
    imp("consent", "import", "given.csv").ok()
    imp("experiment", "start", "spring").ok()
    imp("ingest", "file", "events.csv").ok()
    return imp


def test_the_readout_is_that_of_analyze_by_cluster_with_max_t_and_prior(shop: Any) -> None:
    plain = shop("experiment", "readout", "spring", "--json").ok().json
    asked = ["--variant", "arm", "--control", "a", "--proportion", "visit", "--mean", "spend", "--cluster", "house"]
    held = shop("experiment", "analyze", "held.csv", *asked, "--adjust", "max_t", "--prior", "0.5", "--json").ok().json
    for mine, theirs in zip(plain["comparisons"], held["comparisons"], strict=True):
        assert mine["n"] == theirs["n"]
        for scale in ("absolute", "relative"):
            assert mine[scale] == pytest.approx(theirs[scale], rel=1e-9)
        assert mine["p_corrected"] == pytest.approx(theirs["p_corrected"], rel=1e-9)
        assert mine["posterior"]["chance_to_beat"] == pytest.approx(theirs["posterior"]["chance_to_beat"], rel=1e-9)
    assert plain["health"]["srm"]["observed"] == {"a": HOUSEHOLDS // 2, "b": HOUSEHOLDS // 2}
    text = shop("experiment", "readout", "spring").ok().out
    assert "errors are by cluster (household): 100 clusters" in text
    assert "errors by cluster" in text


def test_the_schema_and_validate_know_the_file(shop: Any) -> None:
    schema = json.loads(shop("experiment", "schema").ok().out)
    assert "cluster" in schema["properties"]
    wrong = DEFINITION.replace('horizon = "20d"', 'horizon = "20d"\nlooks = "daily"')
    (shop.workspace / "experiments/wrong.toml").write_text(wrong, encoding="utf-8")
    done = shop("experiment", "validate", "experiments/wrong.toml")
    assert done.code != 0
    assert "[decision]: primaries" in done.err
    assert 'set primaries = "bonferroni", or plan.looks = "once"' in done.err
