"""A no says of nothing that it ends it which it does not: a contract goes on, and what had ended has ended."""

from __future__ import annotations

from typing import Any

import pytest

Desk = Any


@pytest.mark.parametrize("purpose", ["essential", "*"])
def test_r12_a_withdrawal_does_not_end_a_contract_and_says_so(desk: Desk, purpose: str) -> None:
    basis = (
        desk.consent(
            "basis", "member:1", "--purpose", "essential", "--basis", "contract", "--evidence", "no. 4711", "--json"
        )
        .ok()
        .json["seq"]
    )
    desk.wait(1)
    words = ("record", "member:1", "--purpose", purpose, "--state", "withdrawn")
    out = desk.consent(*words).ok().out
    assert (
        f"it does not end a contract with the person (entry {basis}): what rests on that for essential goes on" in out
    )
    assert "which it ends" not in out
    assert desk.asked("essential") == "basis", "and so it is"
    desk.wait(1)
    again = desk.consent(*words, "--jurisdiction", "DE", "--json").ok().json
    assert again["warnings"] == [
        f"it does not end a contract with the person (entry {basis}): what rests on that for essential goes on"
    ]


def test_a_withdrawal_of_everything_names_what_of_it_it_ends(desk: Desk) -> None:
    law = ("--regime", "gdpr", "--jurisdiction", "FR")
    basis = (
        desk.consent(
            "basis",
            "member:1",
            "--purpose",
            "essential",
            "--basis",
            "contract",
            "--evidence",
            "no. 4711",
            *law,
            "--json",
        )
        .ok()
        .json["seq"]
    )
    yes = desk.record("analytics", "given", "--action", "click", *law).ok().json["seq"]
    desk.wait(1)
    first = desk.record("*", "withdrawn").ok().json
    assert first["law_because"] == f"the law of entries {basis} and {yes}, of which it ends entry {yes}"
    desk.wait(1)
    second = desk.record("analytics", "withdrawn").ok().json
    assert second["law_because"] == f"the law of entry {yes}, which it does not end", "it had ended before"
    assert second["warnings"] == []


def test_what_ends_with_a_no_is_warned_of_in_no_word(desk: Desk) -> None:
    desk.record("analytics", "given", "--action", "click").ok()
    desk.wait(1)
    assert desk.record("analytics", "withdrawn").ok().json["warnings"] == []
    desk.consent("basis", "member:2", "--purpose", "essential", "--basis", "contract", "--evidence", "no. 4711").ok()
    desk.wait(1)
    other = desk.record("analytics", "refused", who="member:2").ok().json
    assert other["warnings"] == [], "the contract is about something else"


def test_a_no_on_one_channel_says_that_it_ends_a_wider_yes_there_and_no_more(desk: Desk) -> None:
    law = ("--regime", "gdpr", "--jurisdiction", "FR")
    wide = desk.record("analytics", "given", "--action", "click", *law).ok().json["seq"]
    desk.wait(1)
    first = desk.record("analytics", "withdrawn", "--channel", "sms").ok().json
    assert first["law_because"] == f"the law of entry {wide}, which it ends on sms"
    assert desk.consent("check", "member:1", "--purpose", "analytics", "--channel", "email").code == 0
    desk.wait(1)
    again = desk.record("analytics", "withdrawn").ok().json
    assert again["law_because"] == f"the law of entry {wide}, which it ends"
    narrow = (
        desk.record("analytics", "given", "--action", "click", "--channel", "sms", *law, who="member:2")
        .ok()
        .json["seq"]
    )
    desk.wait(1)
    third = desk.record("analytics", "withdrawn", "--channel", "sms", who="member:2").ok().json
    assert third["law_because"] == f"the law of entry {narrow}, which it ends"
