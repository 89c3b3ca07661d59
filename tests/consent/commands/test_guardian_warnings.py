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
    imp_here("consent", "minor", KIM, "--born", "2016-05-17", "--jurisdiction", "DE").ok()
    return imp_here


def test_r16_a_guardian_of_somebody_whose_age_nobody_recorded_is_told_that_it_is_needed_first(desk: Cli) -> None:
    words = ("consent", "guardian", "member:grown", "--guardian", "member:ann", *WORDS)
    told = desk(*words).ok().err
    assert "warning: no age is recorded by then at which a guardian agrees" in told
    assert "imp consent minor KIND:VALUE --born YYYY-MM-DD" in told
    given = ("--purpose", "analytics", "--state", "given", "--action", "click", "--by-guardian")
    refused = desk("consent", "record", "member:grown", *given)
    assert (refused.code, "no age was recorded at which a guardian agrees" in refused.err) == (2, True)
    desk("consent", "minor", "member:grown", "--born", "2016-05-17", "--jurisdiction", "DE").ok()
    assert "no age is recorded" not in desk(*words).ok().err
    early = desk(*words, "--at", "2026-02-01T00:00:00Z").ok().err
    assert "no age is recorded by then" in early, "as of then none was"


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


def test_an_earlier_authorisation_by_the_same_guardian_that_lasts_longer_is_told_of(desk: Cli) -> None:
    def authorised(*more: str, who: str = "member:ann") -> str:
        return str(desk("consent", "guardian", KIM, "--guardian", who, *WORDS, *more).ok().err)

    def entry() -> int:
        return int(desk("consent", "history", KIM, "--json").ok().json["entries"][-1]["seq"])

    assert authorised("--valid-for", "30d") == ""
    assert authorised() == "", "what comes later lasts longer"
    longest = entry()
    told = authorised("--valid-for", "10d")
    assert f"authorised this for longer in entry {longest}" in told
    assert "--state withdrawn --by-guardian" in told
    desk("consent", "record", "member:bob", "--purpose", "analytics", "--state", "given", "--action", "click").ok()
    assert authorised("--valid-for", "10d", who="member:bob") == "", "of another guardian nothing is said"
    withdrawn = ("--purpose", "analytics", "--state", "withdrawn", "--by-guardian")
    desk("consent", "record", KIM, *withdrawn).ok()
    assert authorised("--valid-for", "10d") == ""


def test_a_yes_of_a_guardian_for_every_purpose_is_refused(desk: Cli) -> None:
    desk("consent", "guardian", KIM, "--guardian", "member:ann", *WORDS[:4]).ok()
    words = ("--purpose", "*", "--state", "given", "--by-guardian", "--action", "click")
    assert desk("consent", "record", KIM, *words).code == 2
