"""The published schema of experiment files, held against what the parser takes."""

from __future__ import annotations

import json
import re
import tomllib
from collections import defaultdict
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from imp_core.errors import BadInput
from imp_experiments.commands.experiment import experiment
from imp_experiments.commands.schema import experiment_schema
from imp_experiments.design.fields import Fields
from imp_experiments.design.parse import parse_experiment
from imp_experiments.design.parse_metrics import WHERE_COLUMNS

# every key of the file once
WHOLE = """
cluster = "household"
hypothesis = "It lifts visits"
namespace = "all"
traffic = 0.5
trigger = "sent"
name = "test"
purpose = "experimentation"
unit = "subject"
salt = "k3x9qa7vdd"
control = "a"
[plan]
horizon = "20d"
alpha = 0.05
power = 0.9
mde = 0.05
looks = "daily"
sequential = "power:1.5"
units = 1000
min_units = 10
min_conversions = 0
prior = 0.1
[decision]
primary = "all"
guardrails = "no_harm"
primaries = "bonferroni"
secondaries = "holm"
[[variants]]
name = "a"
weight = 2
[[variants]]
name = "b"
[[metrics]]
name = "spend"
role = "primary"
kind = "mean"
event = "order"
value = "amount"
where = { channel = ["web", "app"] }
start = "1h"
window = "7d"
pre = "28d"
scale = "absolute"
direction = "down"
missing = "zero"
margin = 2.0
clip = { high_quantile = 0.99 }
[[metrics]]
name = "basket"
kind = "ratio"
event = "order"
window = "7d"
covariates = ["spend"]
denominator = { event = "order", value = "count", where = { channel = "web" } }
[[metrics]]
name = "median"
kind = "quantile"
q = 0.5
event = "order"
window = "7d"
"""
FACTORS = """
name = "test"
purpose = "experimentation"
salt = "k3x9qa7vdd"
[plan]
horizon = "20d"
[design]
kind = "fraction"
generators = ["C=AB"]
[[factors]]
name = "one"
levels = ["x", "y"]
[[factors]]
name = "two"
levels = ["x", "y"]
[[factors]]
name = "three"
levels = ["x", "y"]
[[metrics]]
name = "visit"
kind = "proportion"
event = "visit"
window = "7d"
"""
SCHEMA = experiment_schema()
Draft = jsonschema.Draft202012Validator


def fits(text: str) -> bool:
    return bool(Draft(SCHEMA).is_valid(tomllib.loads(text)))


def parses(text: str) -> bool:
    try:
        parse_experiment(text.encode(), file="test.toml")
    except BadInput:
        return False
    return True


def test_the_command_prints_it() -> None:
    done = CliRunner().invoke(experiment, ["schema"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, SCHEMA)
    Draft.check_schema(SCHEMA)


@pytest.mark.parametrize("text", [WHOLE, FACTORS])
def test_files_that_are_taken_fit(text: str) -> None:
    assert parses(text)
    assert fits(text)


def test_it_names_the_keys_that_are_read_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    read: dict[str, set[str]] = defaultdict(set)
    done = Fields.done

    def recorded(self: Any) -> None:
        table = re.findall(r"\[+([a-z]+)\]+", self._place)
        read[table[-1] if table else ""].update(self._known)
        done(self)

    monkeypatch.setattr(Fields, "done", recorded)
    for text in (WHOLE, FACTORS):
        assert parses(text)
    properties = SCHEMA["properties"]
    metric = properties["metrics"]["items"]["properties"]
    tables = {
        "": properties,
        **{name: properties[name]["properties"] for name in ("plan", "decision", "design")},
        **{name: properties[name]["items"]["properties"] for name in ("variants", "factors")},
        "metrics": metric,
        "denominator": metric["denominator"]["properties"],
        "clip": metric["clip"]["properties"],
    }
    assert {name: set(keys) for name, keys in tables.items()} == dict(read)
    assert set(SCHEMA["$defs"]["where"]["properties"]) == set(WHERE_COLUMNS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('cluster = "household"', "cluster = true"),
        ("traffic = 0.5", "traffic = 0"),
        ("alpha = 0.05", "alpha = 0.5"),
        ('"power:1.5"', '"power:0"'),
        ("prior = 0.1", "prior = 0"),
        ("units = 1000", "units = 1"),
        ('primaries = "bonferroni"', 'primaries = "holm"'),
        ('secondaries = "holm"', 'secondaries = "max_t"'),
        ('covariates = ["spend"]', 'covariates = ["spend", "spend"]'),
        ("clip = { high_quantile = 0.99 }", "clip = {}"),
        ('window = "7d"', 'window = "7 days"'),
        ("q = 0.5", "q = 1"),
        ("channel = [", "trait = ["),
        ('salt = "k3x9qa7vdd"', 'salt = "short"'),
        ('[[variants]]\nname = "b"\n', ""),
        ("mde = 0.05", "mdes = 0.05"),
    ],
)
def test_what_the_parser_refuses_by_its_form_does_not_fit(old: str, new: str) -> None:
    assert old in WHOLE
    assert not parses(WHOLE.replace(old, new, 1))
    assert not fits(WHOLE.replace(old, new, 1))
