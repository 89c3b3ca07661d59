"""Requirements on special kinds of data and people: sensitive data, transfers, machines that decide, children."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from imp_core.clock import parse_time

Desk = Any
CHINA = ("--regime", "cn-pipl", "--jurisdiction", "CN")
CALIFORNIA = ("--regime", "us-ca", "--jurisdiction", "US-CA")
PARTNER = ("--recipient", "Partner Ltd", "--contact", "privacy@partner.example", "--method", "matching")


def test_r18_a_guardians_authorisation_names_guardian_role_and_verification_apart_from_the_person(desk: Desk) -> None:
    words = ("guardian", "member:1", "--guardian", "email:mum@example.com", "--role", "mother")
    done = desk.consent(*words, "--verification", "ID card", "--json").ok().json
    (entry,) = desk.entries()
    body = entry.payload
    assert (body["guardian"], body["role"], body["verification"]) == (done["guardian"], "mother", "ID card")
    assert len(done["guardian"]) == 32
    assert body["guardian_key"] == done["key"]
    assert "mum@example.com" not in str(body)
    assert (entry.statement.type, entry.statement.purpose, entry.statement.by) == ("guardian", "*", "guardian")
    again = desk.consent(*words, "--verification", "ID card", "--json").ok().json
    other = desk.consent("guardian", "member:1", "--guardian", "member:8", *words[4:], "--verification", "x", "--json")
    assert done["guardian"] == again["guardian"] != other.ok().json["guardian"]
    own = desk.consent("guardian", "member:1", "--guardian", "member:1", *words[4:], "--verification", "x")
    assert (own.code, "nobody is their own guardian" in own.err) == (2, True)
    for blank in (("--role", " ", "--verification", "x"), ("--role", "father", "--verification", "")):
        assert desk.consent("guardian", "member:1", "--guardian", "member:9", *blank).code == 2
    assert desk.consent("guardian", "-", "--guardian", "-", *words[4:], "--verification", "x").code == 2


def test_only_a_recorded_guardian_agrees_for_a_child(desk: Desk) -> None:
    desk.consent("minor", "member:1", "--age", "12", "--jurisdiction", "FR").ok()
    alone = desk.record("analytics", "given", "--by-guardian")
    assert (alone.code, "no guardian's authorisation" in alone.err) == (2, True)
    desk.record("analytics", "given").ok()
    assert desk.asked("analytics") == "under_age"
    desk.wait(1)
    desk.consent("guardian", "member:1", "--guardian", "member:9", "--role", "father", "--verification", "form").ok()
    desk.record("analytics", "given", "--by-guardian").ok()
    assert desk.asked("analytics") == "given"


@pytest.mark.parametrize(
    ("state", "age", "until"),
    [("FR", "12", "2029-03-01T12:00:00Z"), ("DE", "15", "2027-03-01T12:00:00Z"), ("DK", "14", "2027-03-01T12:00:00Z")],
)
def test_until_when_somebody_is_a_minor_is_the_states_law(desk: Desk, state: str, age: str, until: str) -> None:
    (entry,) = desk.consent("minor", "member:1", "--age", age, "--jurisdiction", state, "--json").ok().json["entries"]
    assert (entry["needs"], entry["until"]) == ("both" if state == "FR" else "guardian", until)


def test_a_day_of_birth_counts_to_the_day_and_is_not_kept(desk: Desk) -> None:
    done = desk.consent("minor", "member:1", "--born", "2013-05-17", "--jurisdiction", "FR", "--json").ok().json
    assert [entry["until"] for entry in done["entries"]] == ["2028-05-17T12:00:00Z"]
    assert "2013" not in str(desk.entries()[0].payload)
    grown = desk.consent("minor", "member:2", "--born", "1980-01-01").ok()
    assert grown.out == "old enough by the regimes that hold: nothing to record\n"
    assert desk.entries("member:2") == []
    for bad in (("--born", "2026-03-02"), ("--born", "soon"), ("--age", "12", "--born", "2013-05-17"), ()):
        assert desk.consent("minor", "member:3", *bad).code == 2
    assert desk.consent("minor", "member:3", "--age", "12", "--regime", "hammurabi").code == 2


def test_r17_in_california_sale_needs_a_guardian_below_13_and_the_persons_own_yes_below_16(desk: Desk) -> None:
    desk.purpose("selling", "--trait", "sale")
    desk.notice("selling", "analytics").ok()
    for who, age in (("member:12", "12"), ("member:14", "14")):
        for purpose in ("selling", "analytics"):
            desk.consent("basis", who, "--purpose", purpose, "--basis", "opt-out-notice", *CALIFORNIA).ok()
        assert desk.asked("selling", who=who) == "basis"
        desk.consent("minor", who, "--age", age, *CALIFORNIA).ok()
    desk.wait(1)
    assert {desk.asked("selling", who=who) for who in ("member:12", "member:14")} == {"under_age"}
    assert (desk.asked("analytics", who="member:14"), desk.asked("analytics", who="member:12")) == (
        "basis",
        "under_age",
    )
    desk.record("selling", "given", *CALIFORNIA, who="member:14").ok()
    desk.record("selling", "given", *CALIFORNIA, who="member:12").ok()
    assert (desk.asked("selling", who="member:14"), desk.asked("selling", who="member:12")) == ("given", "under_age")
    desk.consent("guardian", "member:12", "--guardian", "member:9", "--role", "father", "--verification", "form").ok()
    by = desk.record("selling", "given", "--by-guardian", *CALIFORNIA, who="member:12").ok().json
    assert desk.asked("selling", who="member:12") == "given"
    assert by["until"] == "2027-03-01T12:00:00Z", "from 13 on only the person's own yes counts"


def test_r16_a_birthday_counts_once_it_has_begun_everywhere(desk: Desk) -> None:
    words = ("--born", "2013-05-17", *CALIFORNIA, "--json")
    desk.clock.move_to(parse_time("2026-05-17T11:59:59Z"))  # not yet in the westernmost zone
    needs = [
        (entry["needs"], entry["until"]) for entry in desk.consent("minor", "member:1", *words).ok().json["entries"]
    ]
    assert needs == [("guardian", "2026-05-17T12:00:00Z")] * 2 + [("own", "2029-05-17T12:00:00Z")]
    desk.record("analytics", "given", *CALIFORNIA).ok()
    assert desk.asked("analytics") == "under_age"
    desk.clock.move_to(parse_time("2026-05-17T12:00:00Z"))
    desk.record("analytics", "given", *CALIFORNIA).ok()
    assert desk.asked("analytics") == "given"
    (entry,) = desk.consent("minor", "member:2", *words).ok().json["entries"]
    assert entry["needs"] == "own"
    desk.clock.move_to(parse_time("2026-05-18T06:00:00Z"))
    newborn = desk.consent("minor", "member:3", "--born", "2026-05-18", *CALIFORNIA, "--json").ok().json["entries"]
    assert newborn[0]["until"] == "2039-05-18T12:00:00Z"


@pytest.mark.parametrize(
    "words", [("minor", "--age", "12"), ("record", "--purpose", "analytics", "--state", "withdrawn")]
)
def test_what_is_said_now_is_said_when_its_turn_to_be_written_has_come(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    command, *more = words
    began, ticks = desk.clock.now_us(), count(1)
    monkeypatch.setattr(desk.clock, "now_us", lambda: began + next(ticks))  # waiting for others takes time
    desk.consent(command, "member:1", *more).ok()
    (entry,) = desk.entries()
    assert entry.statement.at_us == entry.payload["recorded_us"] > began + 1


def test_r19_health_data_is_opened_by_explicit_consent_alone(desk: Desk) -> None:
    desk.purpose("health", "--trait", "special-category")
    desk.notice("health").ok()
    for words in ((), ("--consent", "expressed")):
        refused = desk.record("health", "given", *words)
        assert (refused.code, "needs explicit consent (GDPR 9(2)(a))" in refused.err) == (2, True)
    basis = desk.consent("basis", "member:1", "--purpose", "health", "--basis", "contract", "--evidence", "order 7")
    assert (basis.code, "GDPR 9(2)(a)" in basis.err) == (2, True)
    assert desk.asked("health") == "no_record"
    desk.record("health", "given", "--consent", "explicit").ok()
    assert (desk.asked("health"), desk.entries()[0].statement.consent) == ("given", "explicit")


def test_r20_in_china_sensitive_data_needs_a_separate_consent_and_a_stated_necessity(desk: Desk) -> None:
    desk.purpose("biometrics", "--trait", "sensitive")
    desk.notice("biometrics", "analytics").ok()
    separate = ("--consent", "separate", "--evidence", "screen 4", *CHINA)
    unsaid = desk.record("biometrics", "given", *separate)
    assert (unsaid.code, "why the data is necessary" in unsaid.err, "PIPL 28, 29, 30" in unsaid.err) == (2, True, True)
    desk.consent("purpose", "change", "biometrics", "--necessity", "Without a face no gate opens.", "--editorial").ok()
    for weaker in ((), ("--consent", "explicit")):
        refused = desk.record("biometrics", "given", *weaker, *CHINA)
        assert (refused.code, "needs separate consent" in refused.err) == (2, True)
    together = ("record", "member:1", "--purpose", "analytics", "--purpose", "biometrics", "--state", "given", "--each")
    shared = desk.consent(*together, *separate)
    assert (shared.code, "not shared with another purpose" in shared.err) == (2, True)
    desk.record("analytics", "given", "--evidence", "screen 4", *CHINA).ok()
    same_act = desk.record("biometrics", "given", *separate)
    assert (same_act.code, "not shared with another purpose" in same_act.err) == (2, True)
    desk.wait(0.01)
    desk.record("biometrics", "given", "--consent", "separate", "--evidence", "screen 5", *CHINA).ok()
    assert desk.asked("biometrics") == "given"


def test_r21_in_china_another_handler_is_named_with_contact_method_and_data_and_anew_when_it_changes(
    desk: Desk,
) -> None:
    desk.purpose("sharing", "--trait", "transfer-handler")
    names = ("--recipient", "Partner Ltd")
    desk.notice("sharing", more="Partner Ltd, privacy@partner.example, receives it.", words=names).ok()
    give = ("sharing", "given", "--consent", "separate", *CHINA)
    for more in ((), PARTNER[:2], PARTNER):  # nobody, a name alone, all but the data
        if more:
            desk.consent("purpose", "change", "sharing", *more).ok()
        refused = desk.record(*give)
        assert (refused.code, "PIPL 23" in refused.err) == (2, True)
    desk.wait(1)
    desk.consent("purpose", "change", "sharing", "--data", "identifier").ok()
    assert desk.record("sharing", "given", *CHINA).code == 2, "not separate"
    desk.record(*give).ok()
    assert desk.asked("sharing") == "given"
    desk.wait(1)
    changed = desk.consent("purpose", "change", "sharing", "--method", "profiling", "--json").ok().json
    assert changed["material"] == ["sharing"]
    assert desk.consent("purpose", "change", "sharing", "--method", "sale", "--editorial").code == 2
    desk.wait(1)
    assert desk.asked("sharing") == "notice_changed"
    desk.record(*give).ok()
    assert desk.asked("sharing") == "given"


def test_a_recipient_whom_the_notice_does_not_name_receives_nothing(desk: Desk) -> None:
    desk.purpose("sharing", "--trait", "transfer-handler", "--data", "identifier", *PARTNER)
    give = ("sharing", "given", "--consent", "separate", *CHINA)
    desk.notice("sharing", more="Partner Ltd receives it.", words=("--recipient", "Partner Ltd")).ok()
    assert desk.record(*give).code == 2, "the notice does not say how to reach them"
    desk.notice("sharing", name="named", more="Partner Ltd: privacy@partner.example").ok()
    assert desk.record(*give).code == 2, "not among its recipients"
    assert (
        desk.consent(
            "purpose", "add", "lent", "--description", "We lend.", "--contact", "x@example.com", "--trait", "none"
        ).code
        == 2
    )


def test_r22_out_of_china_consent_names_the_recipient_and_how_rights_are_exercised_there(desk: Desk) -> None:
    desk.purpose("export", "--trait", "transfer-abroad", "--data", "identifier", *PARTNER)
    more = "Partner Ltd (privacy@partner.example) in Singapore receives it."
    desk.notice("export", more=more, words=("--recipient", "Partner Ltd")).ok()
    give = ("export", "given", "--consent", "separate", *CHINA)
    refused = desk.record(*give)
    assert (refused.code, "exercise their rights" in refused.err, "PIPL 38, 39" in refused.err) == (2, True, True)
    desk.consent("purpose", "change", "export", "--rights", "Write to Partner Ltd, or to us.").ok()
    desk.wait(1)
    assert desk.record("export", "given", *CHINA).code == 2, "not separate"
    desk.record(*give).ok()
    assert desk.asked("export") == "given"


def test_r23_in_china_marketing_by_machine_has_an_option_that_is_not_personal_and_a_refusal_is_honoured(
    desk: Desk,
) -> None:
    traits = ("--trait", "automated-decision", "--trait", "direct-marketing")
    desk.purpose("push", *traits, "--review", "Write to us.")
    desk.notice("push").ok()
    refused = desk.record("push", "given", *CHINA)
    assert (refused.code, "PIPL 24(2)" in refused.err) == (2, True)
    option = "Settings, plain offers."
    desk.consent("purpose", "change", "push", "--opt-out-option", option, "--editorial").ok()
    desk.record("push", "given", *CHINA).ok()
    assert desk.asked("push") == "given"
    assert option in desk.consent("purpose", "show", "push").ok().out
    desk.wait(1)
    desk.record("push", "refused", *CHINA).ok()
    assert desk.asked("push") == "refused"


def test_r24_lawful_public_data_is_used_in_china_until_the_person_refuses(desk: Desk) -> None:
    desk.purpose("register", "--trait", "public-data")
    desk.purpose("private")
    desk.notice("register", "private").ok()
    basis = ("basis", "member:1", "--basis", "opt-out-notice", *CHINA)
    source = ("--ground", "public-source=company register")
    assert desk.consent(*basis, "--purpose", "register").code == 2, "where was it published?"
    other = desk.consent(*basis, "--purpose", "private", *source)
    assert (other.code, "PIPL 13(6), 27" in other.err) == (2, True)
    desk.consent(*basis, "--purpose", "register", *source).ok()
    assert desk.asked("register") == "basis"
    desk.wait(1)
    desk.record("register", "refused", *CHINA).ok()
    assert desk.asked("register") == "refused"
    again = desk.consent(*basis, "--purpose", "register", *source)
    assert (again.code, "opted out before" in again.err) == (2, True)


def test_r36_a_decision_by_machine_rests_on_explicit_consent_or_contract_and_a_human_looks_at_it(desk: Desk) -> None:
    desk.purpose("credit", "--trait", "automated-decision")
    desk.notice("credit").ok()
    for words in (("--consent", "expressed"), ("--consent", "explicit")):
        refused = desk.record("credit", "given", *words)
        assert (refused.code, "GDPR 22(2), 22(3)" in refused.err) == (2, True)
    desk.consent("purpose", "change", "credit", "--review", "Write to us: a clerk decides.", "--editorial").ok()
    assert desk.record("credit", "given").code == 2, "not explicit"
    interest = ("--basis", "legitimate-interest", "--ground", "assessment=12")
    assert desk.consent("basis", "member:2", "--purpose", "credit", *interest).code == 2
    desk.record("credit", "given", "--consent", "explicit").ok()
    desk.consent("basis", "member:2", "--purpose", "credit", "--basis", "contract", "--evidence", "order 7").ok()
    assert (desk.asked("credit"), desk.asked("credit", who="member:2")) == ("given", "basis")
