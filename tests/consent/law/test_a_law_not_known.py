"""Where it is not known which law is at home, nobody is told that a child is old enough there; and which rules hold."""

from __future__ import annotations

from typing import Any

import pytest

Desk = Any


@pytest.mark.parametrize("place", ["IN", "BR"])
def test_r16_nobody_is_called_old_enough_where_the_law_is_not_known(desk: Desk, place: str) -> None:
    told = desk.consent("minor", "member:1", "--born", "2009-06-01", "--jurisdiction", place).ok()
    assert f"which law is at home in {place} is not known here: this went by gdpr+eprivacy" in told.err
    assert "old enough" not in told.out
    assert told.out == f"nothing recorded: no age limit of gdpr+eprivacy is met; that of {place} is not known\n"
    found = desk.consent("minor", "member:1", "--born", "2009-06-01", "--jurisdiction", place, "--json").ok().json
    assert (found["entries"], found["law_unknown_in"], len(found["warnings"])) == ([], place, 1)
    young = desk.consent("minor", "member:2", "--age", "9", "--jurisdiction", place, "--json").ok().json
    assert (len(young["entries"]), len(young["warnings"])) == (1, 1), "who is too young here may be there for longer"


def test_r16_where_the_law_is_known_or_named_nobody_is_warned(desk: Desk) -> None:
    for words in (("--jurisdiction", "DE"), ("--regime", "gdpr", "--jurisdiction", "IN"), ()):
        told = desk.consent("minor", "member:1", "--age", "17", *words).ok()
        assert (told.out, told.err) == ("old enough by the regimes that hold: nothing to record\n", "")


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("CN", ["cn-pipl", "gdpr", "eprivacy"]),
        ("US-CA", ["us-ca", "gdpr", "eprivacy"]),
        ("FR", ["gdpr", "eprivacy"]),
        ("IN", ["gdpr", "eprivacy"]),
    ],
)
def test_the_rules_of_a_place_are_those_that_a_record_there_goes_by(desk: Desk, place: str, names: list[str]) -> None:
    found = desk.consent("regime", "rules", "--jurisdiction", place, "--json").ok()
    assert set(found.json["names"]) == set(names)
    recorded = desk.record("analytics", "refused", "--jurisdiction", place).ok().json["regimes"]
    assert set(recorded) == set(names)
    assert ("is not known here" in found.err) is (place == "IN")


def test_the_rules_of_regimes_that_are_named_are_theirs_alone(desk: Desk) -> None:
    assert desk.consent("regime", "rules", "cn-pipl", "--jurisdiction", "CN", "--json").ok().json["names"] == [
        "cn-pipl"
    ]
    assert set(desk.consent("regime", "rules", "--json").ok().json["names"]) == {"gdpr", "eprivacy"}
    assert desk.consent("regime", "rules", "--jurisdiction", "XQ9").code == 2
