"""`check` and `may-ask` under a law that is named: whoever moved may need more than what was recorded elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

Desk = Any


@pytest.fixture
def moved(desk: Desk) -> Desk:
    """Somebody who agreed to trackers and to advice on health, under GDPR, without a country."""
    desk.purpose("trackers", "--trait", "terminal")
    desk.purpose("advice", "--trait", "special-category", "--necessity", "no advice without it")
    desk.notice("trackers", "advice").ok()
    desk.record("trackers").ok()
    desk.record("advice", "given", "--consent", "explicit").ok()
    return desk


def test_a_yes_of_a_weaker_kind_would_not_do_where_a_stronger_one_is_needed(moved: Desk) -> None:
    words = ("check", "member:1", "--purpose", "advice")
    assert moved.consent(*words).code == 0
    assert moved.consent(*words, "--regime", "gdpr", "--jurisdiction", "FR").code == 0
    china = moved.consent(*words, "--regime", "cn-pipl", "--jurisdiction", "CN")
    assert china.code == 1
    first, gate, *_ = china.out.splitlines()
    assert first == "no: the gate permits it today under the law recorded; under cn-pipl it would not do"
    assert gate.startswith("permitted at "), "the gate goes by what was recorded"
    assert (
        "under cn-pipl it would not do: data with the trait special-category needs separate consent (PIPL 28, 29, 30)"
    ) in china.out
    asked = moved.consent(*words, "--regime", "cn-pipl", "--json")
    assert (asked.code, asked.json["permitted"], len(asked.json["falls_short"])) == (1, True, 1)


def test_r13_a_yes_that_is_too_old_there_would_not_do(moved: Desk) -> None:
    words = ("check", "member:1", "--purpose", "trackers", "--jurisdiction")
    assert moved.consent(*words, "FR").code == 0
    moved.wait(200)
    assert moved.consent(*words, "DE").code == 0
    late = moved.consent(*words, "FR", "--explain")
    assert (late.code, "a yes holds 6 months there (CNIL" in late.out) == (1, True), late.out


def test_another_basis_would_not_do_where_it_is_none(moved: Desk) -> None:
    grounds = ("--ground", "assessment=LIA 3")
    moved.consent("basis", "member:2", "--purpose", "analytics", "--basis", "legitimate-interest", *grounds).ok()
    words = ("check", "member:2", "--purpose", "analytics")
    assert moved.consent(*words, "--regime", "gdpr").code == 0
    china = moved.consent(*words, "--regime", "cn-pipl")
    assert (china.code, "no basis there is legitimate-interest (PIPL 13" in china.out) == (1, True), china.out


def test_what_is_denied_lacks_nothing_besides(moved: Desk) -> None:
    asked = moved.consent("check", "member:9", "--purpose", "advice", "--regime", "cn-pipl", "--json")
    assert (asked.code, asked.json["falls_short"]) == (1, [])


def test_nobody_is_asked_again_where_the_law_named_says_so_whatever_it_was_recorded_under(moved: Desk) -> None:
    moved.wait(1)
    moved.record("trackers", "refused").ok()
    moved.wait(1)
    words = ("may-ask", "member:1", "--purpose", "trackers")
    assert moved.consent(*words).code == 0
    for law, until in ((("--jurisdiction", "FR"), "2026-09-02"), (("--regime", "us-ca"), "2027-03-02")):
        answer = moved.consent(*words, *law)
        assert (answer.code, answer.out.startswith(f"not before {until}")) == (1, True), answer.out
    moved.record("trackers").ok()
    assert moved.consent(*words, "--jurisdiction", "FR").code == 0, "a yes since then ends the wait"


def test_a_wait_that_was_recorded_is_not_shortened_by_another_law(moved: Desk) -> None:
    moved.wait(1)
    moved.record("trackers", "refused", "--regime", "us-ca").ok()
    answer = moved.consent("may-ask", "member:1", "--purpose", "trackers", "--jurisdiction", "FR")
    assert (answer.code, answer.out.startswith("not before 2027-03-02")) == (1, True), answer.out


@pytest.mark.parametrize("command", ["check", "may-ask"])
@pytest.mark.parametrize(
    "law", [("--jurisdiction", "XX"), ("--regime", "hammurabi"), ("--regime", "us-ca", "--jurisdiction", "FR")]
)
def test_a_law_or_place_that_is_none_is_no_question(moved: Desk, command: str, law: tuple[str, ...]) -> None:
    answer = moved.consent(command, "member:1", "--purpose", "trackers", *law)
    assert (answer.code, "mend: " in answer.err) == (2, True), answer.err


def test_a_place_alone_means_the_law_that_is_at_home_there(moved: Desk) -> None:
    words = ("check", "member:1", "--purpose", "advice", "--jurisdiction")
    china = moved.consent(*words, "CN", "--json")
    assert (china.code, china.json["asked_under"], len(china.json["falls_short"])) == (
        1, ["cn-pipl", "gdpr", "eprivacy"], 1,
    )  # fmt: skip
    assert china.json["permitted"] is True, "the gate's own answer"
    assert moved.consent(*words, "CN-11", "--json").json["asked_under"][0] == "cn-pipl", "a part of it"
    for place, laws in (("FR", set()), ("US-CA", {"us-ca"}), ("US-TX", {"us-opt-out"})):
        house = {"gdpr", "eprivacy"}  # they hold for people everywhere
        assert set(moved.consent(*words, place, "--json").json["asked_under"]) == laws | house
    assert "under gdpr and eprivacy it would do as well" in moved.consent(*words, "IE").ok().out


@pytest.mark.parametrize("command", ["check", "may-ask"])
@pytest.mark.parametrize("place", ["BR", "US", "HK"])
def test_where_no_law_that_is_known_is_at_home_the_law_is_to_be_named(moved: Desk, command: str, place: str) -> None:
    words = (command, "member:1", "--purpose", "trackers", "--jurisdiction", place)
    answer = moved.consent(*words)
    assert (answer.code, f"which law holds in {place} is not known here" in answer.err) == (2, True), answer.err
    assert "mend: name it: --regime with one or more of cn-pipl, default, eprivacy, gdpr" in answer.err
    assert moved.consent(*words, "--regime", "default").code == 0


def test_may_ask_goes_by_the_law_of_the_place_too(moved: Desk) -> None:
    moved.wait(1)
    moved.record("trackers", "refused").ok()
    words = ("may-ask", "member:1", "--purpose", "trackers", "--jurisdiction")
    answer = moved.consent(*words, "US-CA")
    assert (answer.code, answer.out.startswith("not before 2027-03-02")) == (1, True), answer.out
    assert moved.consent(*words, "CN").code == 0


def test_an_explanation_says_no_first_where_the_yes_falls_short(moved: Desk) -> None:
    words = ("check", "member:1", "--purpose", "advice", "--explain", "--jurisdiction")
    told = moved.consent(*words, "CN")
    assert told.out.startswith("no: the gate permits it today")
    assert (
        "\nAnswer: no under cn-pipl and gdpr and eprivacy; under the law that was recorded the gate says yes (given).\n"
        in told.out
    )
    assert "\nAnswer: yes (given).\n" in moved.consent(*words, "FR").ok().out


@pytest.mark.parametrize("place", ["DE", "FR"])
def test_r20_the_yes_of_a_child_is_measured_by_what_their_data_is_there(desk: Desk, place: str) -> None:
    law = ("--jurisdiction", place)
    guardian = ("--guardian", "member:9", "--role", "mother", "--verification", "seen", "--purpose", "analytics")
    desk.consent("minor", "member:1", "--age", "10", *law).ok()
    desk.wait(1)
    desk.consent("guardian", "member:1", *guardian, *law).ok()
    desk.wait(1)
    desk.record("analytics", "given", *law).ok()
    words = ("check", "member:1", "--purpose", "analytics")
    assert "it would do as well" in desk.consent(*words, *law).ok().out
    china = desk.consent(*words, "--jurisdiction", "CN")
    assert china.code == 1
    assert "would not do: data with the trait sensitive needs separate consent (PIPL 28, 29, 30" in china.out
    desk.wait(366 * 8)
    grown = desk.consent(*words, "--jurisdiction", "CN")
    assert (grown.code, "it would do as well" in grown.out) == (0, True), grown.out
