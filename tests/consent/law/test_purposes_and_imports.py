"""Purposes from a file, and files of what people said with all that the law asks of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

Desk = Any
TOML = """
[[purpose]]
name = "health"
description = "我们记录您的健康数据。"
traits = ["special-category"]
data = ["健康"]
necessity = "Without it no advice."

[[purpose]]
name = "analytics"
description = "We count visits, clicks and purchases to see how our offers are used."
traits = ["none"]
"""


def test_purposes_come_from_a_file_and_only_what_is_done_changes_materially(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "purposes.toml"
    path.write_text(TOML, encoding="utf-8")
    load = ("purpose", "load", str(path), "--json")
    assert desk.consent(*load).ok().json == {
        "seq": 2, "added": ["health"], "changed": [], "material": [],
        "asked_anew": {}, "differences": [], "dry_run": False,
    }  # fmt: skip
    assert desk.consent(*load[:3]).ok().out == "nothing to change: the purposes are so already\n"
    path.write_text(TOML.replace("Without it no advice.", "It is the point."), encoding="utf-8")
    assert desk.consent(*load).ok().json["material"] == []
    path.write_text(TOML.replace('"健康"', '"健康", "gait"'), encoding="utf-8")
    changed = desk.consent(*load).ok().json
    assert (changed["changed"], changed["material"]) == (["health"], ["health"])
    assert desk.consent("purpose", "show", "health", "--json").ok().json["version"] == 3
    assert "健康, gait" in desk.consent("purpose", "show", "health").ok().out


@pytest.mark.parametrize(
    "text",
    ["", "purpose = 3", "[[purpose]]\nname = 3", '[[purpose]]\nname = "a"\ndescription = "b"\ntraits = ["c"]', "x = ",
     '[[purpose]]\nname = "a"\ndescription = "b"\ntraits = ["none"]\nrecipient = { who = "c" }', TOML + TOML,
     '[[purpose]]\nname = "a"\ndescription = "b"\ntraits = ["none"]\nlegal = true',
     '[[purpose]]\nname = "a"\ndescription = "b"',
     '[[purpose]]\nname = "a"\ndescription = "b"\ntraits = ["none", "sale"]'],
)  # fmt: skip
def test_a_file_that_lists_no_purposes_changes_nothing(desk: Desk, tmp_path: Path, text: str) -> None:
    path = tmp_path / "purposes.toml"
    path.write_text(text, encoding="utf-8")
    assert desk.consent("purpose", "load", str(path)).code == 2
    assert len(desk.consent("purpose", "list", "--json").ok().json["purposes"]) == 4


def test_a_file_that_is_missing_or_no_text_is_named(desk: Desk, tmp_path: Path) -> None:
    assert desk.consent("purpose", "load", str(tmp_path / "none.toml")).code == 2
    for data in (b"\xff", b"a\x00b"):
        (tmp_path / "bad.toml").write_bytes(data)
        refused = desk.consent("purpose", "load", str(tmp_path / "bad.toml"))
        assert (refused.code, "bad.toml" in refused.err) == (2, True)


def test_a_purpose_is_changed_only_if_it_is_there_and_something_changes(desk: Desk) -> None:
    for words in (("analytics",), ("nothing", "--data", "x"), ("analytics", "--trait", "x")):
        assert desk.consent("purpose", "change", *words).code == 2
    traits = ("--trait", "electronic-mail", "--trait", "direct-marketing")
    assert desk.consent("purpose", "change", "marketing.email", *traits).ok().out.startswith("nothing to change")


def test_a_file_says_of_each_row_how_and_under_which_law(desk: Desk, tmp_path: Path) -> None:
    desk.purpose("health", "--trait", "special-category")
    desk.purpose("tracking", "--trait", "terminal")
    desk.notice("health", "tracking", "analytics").ok()
    path = tmp_path / "said.csv"
    path.write_text(
        "identifier,purpose,state,at,consent,bundled,steps,language,regime,jurisdiction,basis,grounds,informed\n"
        "member:1,health,given,2026-03-01T10:00:00Z,explicit,,2,en,gdpr+eprivacy,FR,,,\n"
        "member:1,tracking,given,2026-03-01T10:00:00Z,,no,,,,FR,,,yes\n"
        "member:2,analytics,given,2026-03-01T10:00:00Z,,yes,,,,,,,\n"
        "member:3,analytics,basis,2026-03-01T10:00:00Z,,,,,,,legitimate-interest,assessment=LIA 12,\n",
        encoding="utf-8",
    )
    desk.wait(1)
    done = desk.consent("import", str(path), "--json").ok().json
    assert (done["given"], done["basis"], done["rows"]) == (3, 1, 4)
    health, tracking = desk.entries("member:1")
    assert (health.statement.consent, health.payload["steps"], health.payload["jurisdiction"]) == ("explicit", 2, "FR")
    assert tracking.statement.until_us is not None
    assert tracking.statement.informed
    assert desk.entries("member:2")[0].statement.bundled
    assert desk.asked("analytics", who="member:3") == "basis"


@pytest.mark.parametrize(
    ("column", "value", "field"),
    [
        ("consent", "expressed", "consent"),
        ("steps", "many", "steps"),
        ("steps", "0", "steps"),
        ("bundled", "perhaps", "bundled"),
        ("grounds", "sale", "grounds"),
        ("regime", "hammurabi", "regime"),
        ("jurisdiction", "France", "jurisdiction"),
        ("action", "scroll", "action"),
    ],
)
def test_a_row_that_the_law_does_not_let_stand_is_named_with_its_field(
    desk: Desk, tmp_path: Path, column: str, value: str, field: str
) -> None:
    desk.purpose("health", "--trait", "special-category")
    desk.notice("health").ok()
    path = tmp_path / "said.csv"
    row = {"identifier": "member:1", "purpose": "health", "state": "given", "at": "2026-03-01T10:00:00Z"}
    row |= {"consent": "explicit"} | {column: value}
    path.write_text(f"{','.join(row)}\n{','.join(row.values())}\n", encoding="utf-8")
    refused = desk.consent("import", str(path))
    assert (refused.code, f"line 2, {field}: " in refused.err) == (2, True)
    assert desk.entries() == []


WITH_DATA = ("--data", "病历", "--data", "identifier", "--data", "health")


def test_a_notice_that_does_not_name_data_a_purpose_uses_is_warned_about_and_the_doctor_says_so(desk: Desk) -> None:
    assert desk.imp("doctor").code == 0
    desk.purpose("health", "--data", "heart rate", "--data", "病历", "--data", "identifier", "--data", "health")
    dry = desk.notice("health", words=("--dry-run",)).ok()
    shown = desk.notice("health", more="We use your Heart Rate.").ok()
    assert dry.json["unnamed_data"] == {"health": ["heart rate", "病历", "health"]}
    assert shown.json["unnamed_data"] == {"health": ["病历", "health"]}, "the text names the other, in whatever case"
    assert "warning: health uses data that this notice does not name: 病历, health" in shown.err
    found = desk.imp("doctor")
    assert (found.code, "does not name: health: 病历, health" in found.out) == (1, True), found.out
    named = desk.notice("health", more="We use your heart rate.", words=WITH_DATA).ok()
    assert (named.json["unnamed_data"], named.err) == ({}, "")
    assert desk.imp("doctor").code == 0
    desk.consent("purpose", "change", "health", "--add-data", "gait").ok()
    assert "health: gait" in desk.imp("doctor").out
