"""A guardian's authorisation that may have been meant otherwise is taken, and said so."""

from __future__ import annotations

from typing import Any

import pytest

from imp_core.context import Context

Cli = Any
KIM = "member:kim"
WORDS = ("--role", "母亲", "--verification", "ID card", "--purpose", "analytics")


@pytest.fixture
def desk(shop: Context, imp_here: Cli) -> Cli:
    assert shop.workspace
    for who in (KIM, "member:ann"):
        given = ("--purpose", "analytics", "--state", "given", "--action", "click")
        imp_here("consent", "record", who, *given).ok()
    return imp_here


def test_a_guardian_who_is_known_and_says_for_what_is_taken_in_silence(desk: Cli) -> None:
    done = desk("consent", "guardian", KIM, "--guardian", "member:ann", *WORDS).ok()
    assert (done.err, "a 母亲 authorised analytics" in done.out) == ("", True)


def test_a_guardian_nobody_is_known_by_is_taken_with_a_warning_that_does_not_name_them(desk: Cli) -> None:
    done = desk("consent", "guardian", KIM, "--guardian", "phone:+8613800138000", *WORDS).ok()
    assert done.err.startswith("warning: nobody here is known by the guardian's identifier")
    assert "13800138000" not in done.err + done.out
    found = desk("consent", "guardian", KIM, "--guardian", "member:nobody", *WORDS, "--json").ok().json
    assert len(found["warnings"]) == 1
    history = desk("consent", "history", KIM, "--json").ok().json["entries"]
    assert [entry["type"] for entry in history].count("guardian") == 2


@pytest.mark.parametrize("purpose", [(), ("--purpose", "*")])
def test_an_authorisation_for_every_purpose_warns_that_consent_is_specific(desk: Cli, purpose: tuple[str, ...]) -> None:
    done = desk("consent", "guardian", KIM, "--guardian", "member:ann", *WORDS[:4], *purpose).ok()
    assert done.err.startswith("warning: this authorises every purpose there is or will be")
    assert "--purpose" in done.err


def test_a_yes_of_a_guardian_for_every_purpose_is_refused(desk: Cli) -> None:
    desk("consent", "guardian", KIM, "--guardian", "member:ann", *WORDS[:4]).ok()
    words = ("--purpose", "*", "--state", "given", "--by-guardian", "--action", "click")
    assert desk("consent", "record", KIM, *words).code == 2
