"""The whole path on 64,000 real customers, through the real command line.

Consent is invented (the data set has none), kept as raw rows, and the permitted customers are derived from those rows
with pandas alone: nothing of the gate is used to say what the gate should have said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

NOW = datetime.now(UTC).replace(microsecond=0)
ASKED, SENT, LATER = NOW - timedelta(days=60), NOW - timedelta(days=40), NOW - timedelta(days=35)
CONTROL = "No E-Mail"
K = 10

MAPPING = """
[identifier]
kind = "member"
column = "customer"
[defaults]
purpose = "experimentation"
[columns]
id = "customer"
[[event]]
defaults = { type = "exposure", experiment = "hillstrom", channel = "email" }
columns = { at = "sent_at", variant = "segment" }
[[event]]
when = "visit"
defaults = { type = "outcome", name = "visit", channel = "web" }
columns = { at = "later_at" }
[[event]]
when = "conversion"
defaults = { type = "outcome", name = "order", channel = "web", currency = "USD" }
columns = { at = "later_at", amount = "spend" }
"""

EXPERIMENT = """
name = "hillstrom"
hypothesis = "An e-mail brings people to the shop"
purpose = "experimentation"
unit = "subject"
salt = "9c1d6c0c0f7e4a51"
namespace = "hillstrom"
traffic = 1.0
trigger = "send.decided"
control = "No E-Mail"
[plan]
horizon = "20d"
[[variants]]
name = "No E-Mail"
weight = 1
[[variants]]
name = "Mens E-Mail"
weight = 1
[[variants]]
name = "Womens E-Mail"
weight = 1
[[metrics]]
name = "visit"
role = "primary"
kind = "proportion"
event = "visit"
value = "any"
window = "14d"
[[metrics]]
name = "conversion"
role = "secondary"
kind = "proportion"
event = "order"
value = "any"
window = "14d"
[[metrics]]
name = "spend"
role = "secondary"
kind = "mean"
event = "order"
value = "amount"
window = "14d"
"""


@pytest.fixture(scope="module")
def hillstrom(data_folder: Path) -> pd.DataFrame:
    return pd.read_csv(data_folder / "hillstrom" / "hillstrom.csv.gz")


def consent_rows(customers: pd.Series) -> pd.DataFrame:
    """Most gave, some refused, some were never asked, some withdrew before the e-mail, some gave again."""
    dice = np.random.default_rng(64_000)
    answer = dice.choice(
        ["given", "refused", "nothing", "left", "back"], len(customers), p=[0.8, 0.09, 0.05, 0.04, 0.02]
    )
    rows = []
    for customer, what in zip(customers, answer, strict=True):
        if what == "nothing":
            continue
        states = {"given": ["given"], "refused": ["refused"], "left": ["given", "withdrawn"]}
        for days, state in enumerate(states.get(what, ["given", "withdrawn", "given"])):
            rows.append((customer, state, ASKED + timedelta(days=days)))
    return pd.DataFrame(rows, columns=["customer", "state", "at"])


def permitted(rows: pd.DataFrame) -> set[str]:
    """Whose newest row says given."""
    newest = rows.sort_values("at").groupby("customer").tail(1)
    return set(newest.loc[newest["state"] == "given", "customer"])


def write_consent(path: Path, rows: pd.DataFrame) -> Path:
    out = pd.DataFrame(
        {
            "identifier": "member:" + rows["customer"],
            "purpose": "experimentation",
            "state": rows["state"],
            "at": [at.isoformat() for at in rows["at"]],
        }
    )
    out.to_csv(path, index=False)
    return path


def by_place(answer: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["metric"], item["variant"]): item for item in answer["comparisons"]}


def assert_same_figures(readout: dict[str, Any], analysis: dict[str, Any]) -> None:
    mine, theirs = by_place(readout), by_place(analysis)
    assert set(mine) == set(theirs)
    assert len(mine) == 6
    for place, item in mine.items():
        other = theirs[place]
        assert item["n"] == other["n"], place
        for part in ("value", "absolute", "relative"):
            assert item[part] == pytest.approx(other[part], rel=1e-9, abs=1e-12), (place, part)
        assert item["p_value"] == pytest.approx(other["p_value"], rel=1e-9)


def test_analyze_gives_statsmodels_figures(imp: Callable[..., Any], data_folder: Path, hillstrom: pd.DataFrame) -> None:
    file = data_folder / "hillstrom" / "hillstrom.csv.gz"
    answer = imp(
        *("experiment", "analyze", file, "--variant", "segment", "--control", CONTROL, "--scale", "absolute", "--json"),
        *("--proportion", "visit", "--proportion", "conversion", "--mean", "spend"),
    )
    found = by_place(answer.ok().json)
    assert answer.json["consent"] == "not checked"
    for metric in ("visit", "conversion", "spend"):
        groups = {name: DescrStatsW(values.to_numpy(float)) for name, values in hillstrom.groupby("segment")[metric]}
        for variant in ("Mens E-Mail", "Womens E-Mail"):
            compared = CompareMeans(groups[variant], groups[CONTROL])
            low, high = compared.tconfint_diff(usevar="unequal")
            item = found[metric, variant]
            expected = {
                "estimate": groups[variant].mean - groups[CONTROL].mean,
                "se": compared.std_meandiff_separatevar,
                "low": low,
                "high": high,
                "p_value": compared.ttest_ind(usevar="unequal")[1],
            }
            for name, value in expected.items():
                assert item["absolute"][name] == pytest.approx(value, rel=1e-8), (metric, variant, name)
            assert item["p_value"] == item["absolute"]["p_value"]


def test_a_readout_is_the_analysis_of_the_permitted_customers(
    imp: Callable[..., Any], hillstrom: pd.DataFrame, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    data = hillstrom.assign(
        customer=[f"H{number:05d}" for number in range(len(hillstrom))],
        sent_at=SENT.isoformat(),
        later_at=LATER.isoformat(),
    )
    (tmp_path / "map.toml").write_text(MAPPING)
    data.to_csv(tmp_path / "sends.csv", index=False)
    consent = consent_rows(data["customer"])

    imp("init", workspace, "--controller", "MineThatData").ok()
    imp("plugin", "enable", "file").ok()
    (workspace / "experiments" / "hillstrom.toml").write_text(EXPERIMENT)
    imported = imp("consent", "import", write_consent(tmp_path / "consent.csv", consent), "--json").ok().json
    assert imported["rows"] == len(consent)
    ingested = imp("ingest", "file", tmp_path / "sends.csv", "--map", tmp_path / "map.toml", "--json").ok().json
    assert set(ingested["denied"]) == {"no_record", "refused", "withdrawn"}
    imp("experiment", "start", "hillstrom").ok()

    def readout() -> dict[str, Any]:
        return imp("experiment", "readout", "hillstrom", "--json").ok().json  # type: ignore[no-any-return]

    def analysis(people: set[str]) -> dict[str, Any]:
        data[data["customer"].isin(people)].to_csv(tmp_path / "permitted.csv", index=False)
        asked = ("experiment", "analyze", tmp_path / "permitted.csv", "--variant", "segment", "--control", CONTROL)
        # intervals of the primary metric hold together for both treatments
        primary = imp(*asked, "--json", "--proportion", "visit", "--adjust", "bonferroni").ok().json
        others = imp(*asked, "--json", "--proportion", "conversion", "--mean", "spend").ok().json
        return {"comparisons": primary["comparisons"] + others["comparisons"]}

    before, allowed = readout(), permitted(consent)
    assert_same_figures(before, analysis(allowed))
    arms = hillstrom["segment"].value_counts()[["No E-Mail", "Mens E-Mail", "Womens E-Mail"]]
    whole_buckets = np.array([3334, 3333, 3333]) / 10_000 * len(hillstrom)
    assert before["health"]["srm"]["p_value"] == pytest.approx(stats.chisquare(arms, whole_buckets).pvalue, rel=1e-9)
    assert before["health"]["srm"]["verdict"] == "ok"
    assert isinstance(before["consent"]["use"], int)
    assert f"\n{before['consent']['use'] + 1}\n" in before["consent"]["checkpoint"]
    assert any("before" in note and "start" in note for note in before["notes"])

    leaving = sorted(allowed)[:: len(allowed) // (3 * K)][: 3 * K]
    withdrawn = pd.DataFrame({"customer": leaving, "state": "withdrawn", "at": NOW - timedelta(minutes=5)})
    imp("consent", "import", write_consent(tmp_path / "withdrawn.csv", withdrawn)).ok()
    erased = imp("consent", "erase", f"member:{leaving[0]}", "--execute", "--json").ok().json
    assert erased["people"] == 1
    assert erased["rows"] >= 1
    after = readout()
    assert_same_figures(after, analysis(permitted(pd.concat([consent, withdrawn]))))
    assert after["excluded"]["withdrawn"] == before["excluded"].get("withdrawn", 0) + len(leaving) - 1
    was, now = before["health"]["srm"], after["health"]["srm"]
    # one person is erased: the counts and the p that would tell it are hidden
    assert (now["verdict"], now["p_value"], set(now["observed"].values())) == (was["verdict"], None, {None})
    assert imp("audit", "verify", "--json").ok().json["ok"] is True
    assert set(re.findall(r"\w+", json.dumps(after))).isdisjoint(data["customer"])
