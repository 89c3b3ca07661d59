"""A record by ISO/IEC TS 27560 names the recipients of the purposes it is about, not all that its notice names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

Cli = Any
FACTS = (
    '[policy]\njurisdiction = "IE"\n[records]\naddress = "Dublin"\ncontact = "p@shop.example"\n'
    'storage = ["IE"]\nretention = "P3Y"\n'
)
TEXT = (
    "Shop Ltd asks you: ads by Acme 广告, letters by Poster. Our lawyers see it too.\n\nYou can withdraw at any time.\n"
)


@pytest.fixture
def shop(imp_here: Cli, tmp_path: Path) -> Cli:
    imp_here("init", tmp_path / "workspace", "--controller", "Shop Ltd").ok()
    config = tmp_path / "workspace" / "imp.toml"
    config.write_text(config.read_text() + FACTS, encoding="utf-8")
    for name, who in (("ads", "Acme 广告"), ("ads.video", "Acme 广告"), ("letters", "Poster"), ("plain", None)):
        to = () if who is None else ("--recipient", who, "--contact", "x@y.example", "--method", "prints")
        words = ("--description", f"We do {name}.", "--trait", "none", *to)
        imp_here("consent", "purpose", "add", name, *words).ok()
    (tmp_path / "n.txt").write_text(TEXT, encoding="utf-8")
    asked = [word for name in ("ads", "ads.video", "letters", "plain") for word in ("--purpose", name)]
    named = [word for name in ("Acme 广告", "Poster", "Lawyers") for word in ("--recipient", name)]
    imp_here("consent", "notice", "add", tmp_path / "n.txt", "--name", "n", *asked, *named).ok()
    return imp_here


def told(shop: Cli, folder: Path) -> list[str]:
    """The recipients that the one record names, beside the controller."""
    out = folder / "out.jsonld"
    shop("consent", "export", out, "--format", "27560", "--force").ok()
    nodes = json.loads(out.read_text(encoding="utf-8"))["@graph"]
    (record,) = [node for node in nodes if node["@type"] == "dpv:ConsentRecord"]
    return [one["dpv:hasName"] for one in record["dpv:hasProcess"]["dpv:hasRecipient"] if "dpv:hasName" in one]


@pytest.mark.parametrize(
    ("purpose", "state", "names"),
    [
        ("ads", "given", ["Acme 广告", "Lawyers"]),  # whom no purpose declares may be of any
        ("ads.video", "given", ["Acme 广告", "Lawyers"]),
        ("letters", "given", ["Poster", "Lawyers"]),
        ("letters", "refused", ["Poster", "Lawyers"]),
        ("plain", "given", ["Lawyers"]),
        ("*", "withdrawn", ["Acme 广告", "Poster", "Lawyers"]),
    ],
)
def test_a_record_names_the_recipients_of_its_purposes(
    shop: Cli, tmp_path: Path, purpose: str, state: str, names: list[str]
) -> None:
    shop("consent", "record", "member:1", "--purpose", purpose, "--state", state).ok()
    assert told(shop, tmp_path) == names


@pytest.mark.parametrize("state", ["given", "refused"])
def test_whom_the_notice_named_stays_named_whatever_purposes_declare_later(
    shop: Cli, tmp_path: Path, state: str
) -> None:
    shop("consent", "record", "member:1", "--purpose", "ads", "--state", state).ok()
    other = ("--recipient", "Other", "--contact", "x@y.example", "--method", "prints")
    shop("consent", "purpose", "change", "ads", *other).ok()
    assert told(shop, tmp_path) == ["Acme 广告", "Lawyers"]
    shop("consent", "proof", "member:1", "--out", tmp_path / "proof", "--verified", "reasonable", "--how", "asked").ok()
    (receipt,) = (tmp_path / "proof").glob("receipt*")
    assert "Acme 广告" in receipt.read_text(encoding="utf-8")


@pytest.mark.parametrize("states", [("refused",), ("given",), ("refused", "given", "withdrawn")])
def test_whom_the_notice_named_stays_named_when_more_is_said_under_it_after_a_change(
    shop: Cli, tmp_path: Path, states: tuple[str, ...]
) -> None:
    shop("consent", "record", "member:1", "--purpose", "ads.video", "--state", "given").ok()
    other = ("--recipient", "Poster", "--contact", "x@y.example", "--method", "prints")
    shop("consent", "purpose", "change", "ads.video", *other).ok()
    for state in states:
        shop("consent", "record", "member:1", "--purpose", "ads.video", "--state", state).ok()
    assert told(shop, tmp_path) == ["Acme 广告", "Poster", "Lawyers"], "whom it names now as well, in its order"


def test_who_says_something_only_after_a_change_is_told_of_nobody_of_before(shop: Cli, tmp_path: Path) -> None:
    other = ("--recipient", "Poster", "--contact", "x@y.example", "--method", "prints")
    shop("consent", "purpose", "change", "ads.video", *other).ok()
    shop("consent", "record", "member:1", "--purpose", "ads.video", "--state", "given").ok()
    assert told(shop, tmp_path) == ["Poster", "Lawyers"]
