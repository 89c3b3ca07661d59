"""Consent health through the real command line: who left is compared, and where it differs the effect has bounds."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

DEFINITION = """
name = "spring"
hypothesis = "A question in the subject line lifts visits"
purpose = "experimentation"
salt = "k3x9qa7vdd"
control = "a"
[plan]
horizon = "20d"
[[variants]]
name = "a"
[[variants]]
name = "b"
[[metrics]]
name = "visit"
kind = "proportion"
event = "visit"
window = "7d"
pre = "2d"
[[metrics]]
name = "spend"
role = "secondary"
kind = "mean"
event = "order"
value = "amount"
window = "7d"
scale = "absolute"
"""
PEOPLE = 400


def consent(state: str, at: str, numbers: list[int]) -> str:
    rows = "".join(f"member:{number},experimentation,{state},{at}\n" for number in numbers)
    return f"identifier,purpose,state,at\n{rows}"


def events() -> str:
    """Everybody meets a variant; a third visits, of b a half; two of three order for 10 to 12."""
    lines = ["type,identifier,at,purpose,id,name,experiment,variant,amount,currency"]
    for number in range(PEOPLE):
        who, variant = f"member:{number}", "ab"[number % 2]
        lines.append(f"exposure,{who},2026-01-05T00:00:00Z,experimentation,e{number},,spring,{variant},,")
        if number // 2 % (3 if variant == "a" else 2) == 0:
            lines.append(f"outcome,{who},2026-01-06T00:00:00Z,experimentation,v{number},visit,,,,")
        if number // 2 % 3:
            amount = 10 + number // 2 % 5 / 2
            lines.append(f"outcome,{who},2026-01-07T00:00:00Z,experimentation,o{number},order,,,{amount},EUR")
    return "\n".join(lines) + "\n"


def of_variant(variant: str, n: int) -> list[int]:
    return ["ab".index(variant) + 2 * place for place in range(n)]


@pytest.fixture
def shop(imp: Callable[..., Any]) -> Callable[..., Any]:
    """A workspace whose experiment is over, and of whom so many of each variant withdrew."""

    def run(*, a: int, b: int) -> Any:
        folder: Path = imp.workspace
        imp("init", ".", "--controller", "Shop Ltd").ok()
        imp("plugin", "enable", "file").ok()
        files = {
            "given.csv": consent("given", "2026-01-01T00:00:00Z", list(range(PEOPLE))),
            "withdrawn.csv": consent("withdrawn", "2026-01-20T00:00:00Z", of_variant("a", a) + of_variant("b", b)),
            "events.csv": events(),
            "experiments/spring.toml": DEFINITION,
        }
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        imp("consent", "import", "given.csv").ok()
        imp("experiment", "start", "spring").ok()
        imp("ingest", "file", "events.csv").ok()
        imp("consent", "import", "withdrawn.csv").ok()
        return imp

    return run


def told(imp: Any) -> tuple[dict[str, Any], str]:
    """The readout as JSON that its schema describes, and as text."""
    plain = imp("experiment", "readout", "spring", "--json").ok().json
    schema = importlib.resources.files("imp_experiments.readout").joinpath("readout.schema.json").read_text("utf-8")
    jsonschema.validate(plain, json.loads(schema), cls=jsonschema.Draft202012Validator)
    return plain, imp("experiment", "readout", "spring").ok().out


def test_where_more_withdraw_from_the_treatment_it_warns_and_bounds_the_effect(shop: Callable[..., Any]) -> None:
    plain, text = told(shop(a=20, b=70))
    checks = {check["name"]: check for check in plain["health"]["checks"]}
    assert set(checks) == {"balance", "outliers", "novelty", "consent"}
    assert (checks["consent"]["verdict"], checks["consent"]["p_value"]) == ("warning", 2.1e-09)
    assert "left since: a 10.0%, b 35.0%" in checks["consent"]["text"]
    visit, spend = plain["health"]["bounds"]
    assert (visit["metric"], visit["method"], spend["metric"], spend["method"]) == ("visit", "manski", "spend", "lee")
    # what those who left may have done: 90 of 400 are missing, a tenth of one variant and a third of the other
    assert visit["high"] - visit["low"] == pytest.approx(0.1 + 0.35, abs=1e-3)
    assert spend["low"] < plain["comparisons"][1]["absolute"]["estimate"] < spend["high"]
    assert plain["verdict"]["value"] != "invalid"
    assert "consent: warning: consent differs between variants, and so may those who are counted" in text
    assert "bounds (spend, b, lee): " in text
    assert "it assumes monotonicity: every unit that stays in b would stay in a too" in text


def test_where_as_many_withdraw_from_both_there_is_nothing_to_warn_of(shop: Callable[..., Any]) -> None:
    plain, text = told(shop(a=30, b=33))
    (check,) = [check for check in plain["health"]["checks"] if check["name"] == "consent"]
    assert (check["verdict"], check["p_value"]) == ("ok", 0.68)
    assert plain["health"]["bounds"] == []
    assert "bounds" not in text
    assert "consent: warning" not in text
    assert "\nchecks: " in text


def test_a_few_who_withdraw_from_one_variant_are_not_told_by_any_check(shop: Callable[..., Any]) -> None:
    plain, text = told(shop(a=3, b=70))
    (check,) = [check for check in plain["health"]["checks"] if check["name"] == "consent"]
    assert (check["verdict"], check["p_value"], plain["health"]["bounds"]) == ("not tested", None, [])
    assert plain["health"]["srm"]["observed"] == {"a": None, "b": None}
    assert (plain["health"]["srm"]["p_value"], plain["excluded"]["withdrawn"]) == (None, 73)
    assert "sample ratio: ok (p is not shown" in text
