from __future__ import annotations

import contextlib
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imp_core.clock import DAY_US
from imp_core.errors import BadInput
from imp_experiments.design.experiment import Experiment, analysis_sha256
from imp_experiments.design.fields import Fields
from imp_experiments.design.parse import _experiment, parse_experiment, read_experiment

WHOLE = """
name = "spring-email"
hypothesis = "A question in the subject line lifts visits"
purpose = "experimentation"
unit = "subject"
salt = "k3x9aaaaaaaa"
namespace = "email-creative"
traffic = 0.5
trigger = "send.decided"
control = "plain"
[plan]
mde = 0.05
power = 0.8
alpha = 0.05
horizon = "28d"
looks = "daily"
[[variants]]
name = "plain"
weight = 1
[[variants]]
name = "question"
weight = 3
[[metrics]]
name = "visit"
role = "primary"
kind = "proportion"
event = "visit"
value = "any"
where = { channel = "web" }
start = "0d"
window = "14d"
pre = "28d"
scale = "relative"
direction = "up"
missing = "zero"
[[metrics]]
name = "refunds"
role = "guardrail"
kind = "mean"
event = "refund"
value = "amount"
where = { channel = ["web", "store"], currency = "EUR" }
start = "12h"
window = "7d"
scale = "absolute"
direction = "down"
margin = 0.25
[decision]
primary = "any"
guardrails = "noninferior"
"""


def parse(text: str) -> Experiment:
    return parse_experiment(text.encode(), file="test.toml")


def test_every_field_of_a_whole_file_is_read() -> None:
    made = parse(WHOLE)
    assert (made.name, made.purpose, made.control, made.traffic) == ("spring-email", "experimentation", "plain", 0.5)
    assert made.weights == {"plain": 1, "question": 3}
    visit, refunds = made.metrics
    assert (visit.window_us, visit.pre_us, visit.start_us) == (14 * DAY_US, 28 * DAY_US, 0)
    assert refunds.where == {"channel": ("store", "web"), "currency": ("EUR",)}
    assert (refunds.start_us, refunds.margin, refunds.direction) == (DAY_US // 2, 0.25, "down")
    assert made.widest_us == 14 * DAY_US
    assert made.plan.horizon_us == 28 * DAY_US


def test_defaults_are_filled_in_and_writing_them_out_changes_no_hash(definition: str) -> None:
    short = parse(definition)
    long = parse(
        definition.replace(
            'window = "7d"', 'role = "primary"\nvalue = "any"\nstart = "0d"\nscale = "relative"\nwindow = "168h"'
        )
        + '[decision]\nprimary = "any"\n'
    )
    assert short == long
    assert analysis_sha256(short) == analysis_sha256(long)
    assert short.namespace == "test"


def test_the_hash_of_the_analysis_is_stable_over_versions() -> None:
    # a change of this value makes every started experiment look changed
    assert analysis_sha256(parse(WHOLE)) == "2ff73103d2e3983e822906fa4ecc5c4799d44290b79b6fe63c76f18b375197f1"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('hypothesis = "A question', 'hypothesis = "No question'),
        ("traffic = 0.5", "traffic = 1.0"),
        ("\n[plan]", "\n# x\n[plan]"),
    ],
)
def test_words_and_traffic_may_change_after_the_start(old: str, new: str) -> None:
    assert old in WHOLE
    assert analysis_sha256(parse(WHOLE.replace(old, new))) == analysis_sha256(parse(WHOLE))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('salt = "k3x9', 'salt = "k3x8'),
        ("weight = 3", "weight = 2"),
        ('window = "14d"', 'window = "13d"'),
        ('scale = "relative"', 'scale = "absolute"'),
        ("alpha = 0.05", "alpha = 0.1"),
        ('channel = "web"', 'channel = "app"'),
        ("margin = 0.25", "margin = 0.26"),
        ('primary = "any"', 'primary = "all"'),
        ('horizon = "28d"', 'horizon = "29d"'),
        ('namespace = "email', 'namespace = "mail'),
        ('purpose = "experimentation"', 'purpose = "analytics"'),
    ],
)
def test_whatever_decides_the_analysis_changes_the_hash(old: str, new: str) -> None:
    assert old in WHOLE
    assert analysis_sha256(parse(WHOLE.replace(old, new))) != analysis_sha256(parse(WHOLE))


BAD = [
    ('name = "spring-email"', 'name = "Spring email"', "test.toml: name", "not a name"),
    ('name = "spring-email"', 'name = "../x"', "test.toml: name", "not a name"),
    ('purpose = "experimentation"\n', "", "test.toml: purpose", "missing"),
    ('purpose = "experimentation"', 'purpose = "a b"', "test.toml: purpose", "not a purpose"),
    ('salt = "k3x9aaaaaaaa"', 'salt = "k"', "test.toml: salt", "too short"),
    ('unit = "subject"', 'unit = "cluster"', "test.toml: unit", "comes later"),
    ('unit = "subject"', 'unit = "cookie"', "test.toml: unit", "must be one of"),
    ("traffic = 0.5", "traffic = 1.5", "test.toml: traffic", "at most 1"),
    ("traffic = 0.5", "traffic = 0", "test.toml: traffic", "above 0"),
    ("traffic = 0.5", 'traffic = "half"', "test.toml: traffic", "must be a number"),
    ("traffic = 0.5", "traffic = true", "test.toml: traffic", "must be a number"),
    ("traffic = 0.5", "traffic = nan", "test.toml: traffic", "above 0"),
    ('control = "plain"', 'control = "plan"', "test.toml: control", "not the name of a variant"),
    ('control = "plain"', 'contrl = "plain"', "test.toml: control", "missing"),
    ('hypothesis = "', 'hypothesys = "', "test.toml: hypothesys", "unknown key"),
    ("weight = 3", "weight = -1", "[[variants]] 2: weight", "whole number"),
    ("weight = 3", "weight = 1.5", "[[variants]] 2: weight", "whole number"),
    ("weight = 3", "weight = true", "[[variants]] 2: weight", "whole number"),
    ("weight = 3", "weight = 0", "test.toml: variants", "two variants need a weight"),
    ("weight = 3", "weight = 100000", "test.toml: variants", "below 1 in 10,000"),
    ("weight = 1\n", "weight = 0\n", "test.toml: variants", "two variants need a weight"),
    ('name = "question"', 'name = "plain"', "[[variants]] 2: name", "two variants"),
    ('window = "14d"', 'window = "14"', "[[metrics]] 1: window", "must be a duration"),
    ('window = "14d"', "window = 14", "[[metrics]] 1: window", "must be a duration"),
    ('window = "14d"', 'window = "0d"', "[[metrics]] 1: window", "must end after start"),
    ('window = "14d"', 'window = "29d"', "[[metrics]] 1: window", "before the horizon"),
    ('window = "14d"\n', "", "[[metrics]] 1: window", "missing"),
    ('kind = "mean"', 'kind = "ratio"', "[[metrics]] 2: denominator", "missing"),
    (
        'kind = "mean"',
        'kind = "ratio"\ndenominator = { event = "x", value = "sum" }',
        "[[metrics]] 2 [denominator]: value",
        "one of",
    ),
    (
        'kind = "mean"',
        'kind = "ratio"\ndenominator = { event = "x", evnt = "y" }',
        "[[metrics]] 2 [denominator]: evnt",
        "unknown key",
    ),
    ('kind = "mean"', 'kind = "quantile"', "[[metrics]] 2: q", "missing"),
    ('kind = "mean"', 'kind = "quantile"\nq = 1.0', "[[metrics]] 2: q", "below 1"),
    ('kind = "mean"', 'kind = "quantile"\nq = 0.5\npre = "7d"', "[[metrics]] 2: pre", "not adjusted"),
    ('kind = "mean"', 'kind = "mean"\nclip = { high = 5, high_quantile = 0.9 }', "[[metrics]] 2: clip", "low_quantile"),
    ('kind = "mean"', 'kind = "mean"\nclip = {}', "[[metrics]] 2: clip", "low_quantile"),
    ('kind = "mean"', 'kind = "mean"\nclip = { low = 5, high = 5 }', "[[metrics]] 2: clip", "wrong order"),
    ('kind = "mean"', 'kind = "mean"\nclip = { top = 5 }', "[[metrics]] 2 [clip]: top", "unknown key"),
    ('kind = "mean"', 'kind = "median"', "[[metrics]] 2: kind", "must be one of"),
    ('value = "any"', 'value = "count"', "[[metrics]] 1: value", "a proportion"),
    ('role = "primary"', 'role = "main"', "[[metrics]] 1: role", "must be one of"),
    ('role = "primary"', 'role = "secondary"', "test.toml: metrics", "no metric is primary"),
    ('missing = "zero"', 'missing = "exclude"', "[[metrics]] 1: missing", "comes later"),
    ("margin = 0.25", "", "[[metrics]] 2: margin", "missing"),
    ('scale = "relative"\n', 'scale = "absolute"\nmargin = 1.0\n', "[[metrics]] 1: margin", "a proportion's margin"),
    ("{ channel = \"web\" }", "{ colour = \"web\" }", "[[metrics]] 1 [where]: colour", "cannot be asked"),
    ("{ channel = \"web\" }", "{ channel = 7 }", "[[metrics]] 1 [where]: channel", "list of texts"),
    ('name = "refunds"', 'name = "visit"', "[[metrics]] 2: name", "two metrics"),
    ('looks = "daily"', 'looks = "hourly"', "[plan]: looks", "must be one of"),
    ('horizon = "28d"', "", "[plan]: horizon", "missing"),
    ("power = 0.8", "pwer = 0.8", "[plan]: pwer", "unknown key"),
    ('primary = "any"\n', 'primary = "most"\n', "[decision]: primary", "must be one of"),
    ("[decision]", "[decisions]", "test.toml: decisions", "unknown key"),
    ("[plan]", "[[factors]]\nname = \"x\"\n[plan]", "test.toml: variants", "beside factors"),
    ('window = "14d"', 'window = "14d"\nclip = { high = 3 }', "[[metrics]] 1: clip", "neither flags"),
    ('unit = "subject"', 'unit = "session"', "test.toml: unit", "comes later"),
    ("[plan]", "[design]\nkind = \"full\"\n[plan]", "test.toml: design", "no factors"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "what"), BAD)
def test_a_bad_field_is_refused_by_file_and_field(old: str, new: str, where: str, what: str) -> None:
    assert old in WHOLE
    with pytest.raises(BadInput) as caught:
        parse(WHOLE.replace(old, new, 1))
    assert caught.value.where is not None
    assert where in caught.value.where
    assert caught.value.where.startswith("test.toml")
    assert what in caught.value.what
    assert caught.value.mend


@pytest.mark.parametrize(
    ("old", "new", "mend"),
    [
        ("alpha = 0.05", "alpha = 0", "write alpha = 0.05"),
        ("alpha = 0.05", "alpha = 1e-300", "write alpha = 0.05"),
        ("alpha = 0.05", "prior = -1", "write prior = 0.1"),
        ('kind = "mean"', 'kind = "quantile"', "write q = 0.9"),
        ('kind = "mean"', 'kind = "quantile"\nq = 90', "write q = 0.9"),
        ('name = "question"', 'name = "plain"', "give each its own"),
        ("salt =", "sallt =", "there is sallt: did you mean salt?"),
        ("traffic =", "zzz =", "the keys here are: cluster, control"),
        ("traffic =", "clster =", "did you mean cluster?"),
        ('kind = "mean"', 'kind = "median"', 'like kind = "mean"'),
        ('event = "visit"', "", 'write event = "visit"'),
    ],
)
def test_a_refused_field_says_how_it_is_mended(old: str, new: str, mend: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(WHOLE.replace(old, new, 1))
    assert mend in (caught.value.mend or "")


@pytest.mark.parametrize("value", [-1, "", [], 1e300, {"x": 1}])
def test_every_key_that_is_refused_has_a_mend(value: object) -> None:
    whole = tomllib.loads(WHOLE)
    for place in (whole, whole["plan"], whole["variants"][0], whole["metrics"][0], whole["metrics"][1]):
        for key in list(place):
            kept, place[key] = place[key], value
            try:
                _experiment(Fields(whole, file="test.toml"), "test.toml")
            except BadInput as error:
                assert error.mend, (key, error.what)  # noqa: PT017 (some values are taken)
            place[key] = kept


@pytest.mark.parametrize("names", ['["visit"]', '["visit", {name = "spend"}]'])
def test_metrics_by_name_come_later(names: str) -> None:
    text = WHOLE[: WHOLE.index("[[metrics]]")].replace('control = "plain"', f'control = "plain"\nmetrics = {names}')
    with pytest.raises(BadInput, match=r"names from metrics\.toml come later") as caught:
        parse(text)
    assert caught.value.where == "test.toml: metrics"


def test_a_misspelt_key_gets_a_hint() -> None:
    with pytest.raises(BadInput, match="did you mean hypothesis"):
        parse(WHOLE.replace("hypothesis", "hypothesys"))


@pytest.mark.parametrize("data", [b"", b"name = ", b"\xff\xfe\x00junk", b"[[variants]]\n", bytes(range(256))])
def test_what_is_no_experiment_file_is_bad_input(data: bytes) -> None:
    with pytest.raises(BadInput):
        parse_experiment(data, file="test.toml")


toml = st.recursive(
    st.one_of(st.integers(), st.floats(allow_nan=False), st.text(max_size=5), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@given(st.sampled_from(["name", "traffic", "plan", "variants", "metrics", "decision", "control"]), toml)
def test_no_value_of_any_field_escapes_as_anything_but_bad_input(key: str, value: object) -> None:
    table = tomllib.loads(WHOLE) | {key: value}
    with contextlib.suppress(BadInput):
        _experiment(Fields(table, file="test.toml"), "test.toml")


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_experiment(tmp_path / "none.toml")
