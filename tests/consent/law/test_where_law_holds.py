"""Where people are: a place that there is, under a law that can hold there; and words that no law takes for a yes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from imp_consent.policy.jurisdictions import check_jurisdiction, holds_in
from imp_consent.policy.regime import Regimes, packaged, parse_regime
from imp_core.errors import BadInput

Desk = Any
HOUSE = 'format = "imp-regime/1"\nname = "house"\ntitle = "Our house"\nopt_in = true\nsource = "we"\n'


@pytest.mark.parametrize("code", ["FR", "CN", "GB", "EU", "XK", "US", "US-CA", "US-NY", "FR-IDF", "CN-11", "JP-13"])
def test_a_country_and_a_region_of_one_are_places(code: str) -> None:
    assert check_jurisdiction(code) == code


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        ("XX", "a country by ISO 3166-1"),
        ("ZZ-IDF", "a country by ISO 3166-1"),
        ("UK", "write it GB"),
        ("EL", "write it GR"),
        ("fr", "write it FR"),
        ("us-ca", "write it US-CA"),
        ("France", "a country by ISO 3166-1"),
        ("US-CX", "such as US-"),
        ("US-C", "or the country alone: US"),
    ],
)
def test_what_is_no_place_is_met_with_what_may_be_meant(code: str, mend: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_jurisdiction(code)
    assert refused.value.where == "jurisdiction"
    assert mend in (refused.value.mend or "")
    assert code not in refused.value.what, "strangers' words are not repeated"


def test_a_place_that_a_regime_of_the_house_names_is_known() -> None:
    text = HOUSE + '[[jurisdiction.CA-QC.age]]\nbelow = 14\nneeds = "guardian"\nsource = "we"\n'
    regimes = Regimes({**packaged().texts, "house": text.encode()})
    regimes.check(("house",), "CA-QC")
    with pytest.raises(BadInput, match="no such region of CA"):
        regimes.check(("house",), "CA-QX")
    packaged().check(("gdpr",), "CA-QX")


def test_of_many_regions_four_are_told_those_like_it_or_the_first() -> None:
    regions = [f"CA-{letters}" for letters in ("EEE", "DDD", "CCC", "BBB", "AAA")]
    for code, told in (("CA-XYZ", "CA-AAA, CA-BBB, CA-CCC, CA-DDD"), ("CA-AAB", "CA-AAA, CA-BBB")):
        with pytest.raises(BadInput) as refused:
            check_jurisdiction(code, regions)
        assert refused.value.mend == f"such as {told}; or the country alone: CA"
    with pytest.raises(BadInput) as refused:
        check_jurisdiction("US-CX")
    assert (refused.value.mend or "").count("US-") == 4
    assert check_jurisdiction("CA", regions) == "CA"
    assert check_jurisdiction("CA-AAA", regions) == "CA-AAA"
    assert check_jurisdiction("FR-XYZ", regions) == "FR-XYZ", "another country's regions say nothing of it"


def test_a_law_of_residents_holds_where_they_are_and_in_the_country_around_it() -> None:
    assert holds_in(("US-CA",), "US-CA")
    assert holds_in(("US-CA",), "US"), "which state it is was not said"
    assert holds_in(("FR",), "FR-IDF")
    assert holds_in(("*",), "FR")
    assert not holds_in(("US-CA",), "US-TX")
    assert not holds_in(("US-CA",), "FR")
    assert not holds_in(("US-CA",), "UY")


@pytest.mark.parametrize("name", [found.name for found in packaged()])
def test_every_shipped_law_says_where_it_holds_and_on_what_that_rests(name: str) -> None:
    text = packaged().texts[name].decode()
    assert text.count("[applies]\nto = [") == 1
    assert packaged().regime(name).applies
    for place in (*packaged().regime(name).applies, *packaged().regime(name).home):
        assert place == "*" or check_jurisdiction(place) == place


def test_each_state_that_a_file_has_rules_for_is_one_where_it_holds() -> None:
    for found in packaged():
        assert all(holds_in(found.applies, code) for code in found.jurisdictions), found.name


@pytest.mark.parametrize(
    "section",
    [
        'to = []\nsource = "x"',
        'to = ["France"]\nsource = "x"',
        'to = "FR"\nsource = "x"',
        'to = ["FR"]',
        'source = "x"',
    ],
)
def test_a_section_that_says_no_place_or_no_source_is_refused(section: str) -> None:
    with pytest.raises(BadInput):
        parse_regime(f"{HOUSE}[applies]\n{section}\n".encode())


def test_a_law_that_cannot_hold_there_is_no_law_to_consent_under(desk: Desk) -> None:
    words = ("--purpose", "analytics", "--state", "given", "--regime", "us-ca", "--jurisdiction")
    refused = desk.consent("record", "member:1", *words, "FR")
    assert (refused.code, "us-ca does not hold for people in FR" in refused.err) == (2, True), refused.err
    assert "mend: it holds in US-CA; name the law that holds in FR" in refused.err
    none = desk.consent("record", "member:1", "--regime", "us-opt-out", *words, "FR")
    assert (none.code, "none of the laws us-opt-out, us-ca holds for people in FR" in none.err) == (2, True), none.err
    assert not desk.entries()
    desk.consent("record", "member:1", "--regime", "gdpr", *words, "FR").ok()  # the strictest of the two holds
    desk.consent("record", "member:1", *words, "US-CA").ok()
    assert desk.consent("regime", "rules", "us-ca", "--jurisdiction", "FR").code == 2


@pytest.mark.parametrize("code", ["XX", "UK", "US-ZZ"])
def test_a_place_that_is_none_is_refused_with_a_yes_a_basis_an_age_and_the_rules(desk: Desk, code: str) -> None:
    for words in (
        ("record", "member:1", "--purpose", "analytics", "--state", "given"),
        ("basis", "member:1", "--purpose", "essential", "--basis", "contract", "--evidence", "order 7"),
        ("minor", "member:1", "--age", "9"),
        ("regime", "rules", "gdpr"),
    ):
        answer = desk.consent(*words, "--jurisdiction", code)
        assert (answer.code, "no such" in answer.err, "mend: " in answer.err) == (2, True, True), answer.err
    assert not desk.entries()


@pytest.mark.parametrize("law", [("--jurisdiction", "XX"), ("--jurisdiction", "FR", "--regime", "us-ca")])
def test_a_no_is_taken_whatever_place_and_law_it_names(desk: Desk, law: tuple[str, ...]) -> None:
    desk.record("analytics").ok()
    desk.wait(1)
    desk.record("analytics", "withdrawn", *law).ok()
    assert desk.asked("analytics") == "withdrawn"
    place = desk.entries()[-1].payload["jurisdiction"]
    assert place == (None if "XX" in law else "FR"), "what is no place is no place to be asked under later"


@pytest.mark.parametrize("place", ["XX", "FR"])
def test_an_objection_under_a_law_that_cannot_hold_there_can_be_lifted_again(
    desk: Desk, tmp_path: Path, place: str
) -> None:
    path = tmp_path / "terms.csv"
    head = "identifier,purpose,state,at,regime,jurisdiction\n"
    path.write_text(f"{head}member:1,analytics,refused,2026-03-01T11:00:00Z,us-ca,{place}\n", encoding="utf-8")
    desk.consent("import", str(path)).ok()
    law = ("--regime", "us-ca", "--jurisdiction", place)
    desk.consent("restrict", "member:1", *law).ok()
    desk.wait(1)
    told = ("--told", "by letter", "--told-at", "2026-03-02T10:00:00Z")
    lifted = desk.consent("lift", "member:1", "--of", "restrict", *told)
    assert lifted.code == 0, lifted.err


def test_a_notice_with_an_opt_out_is_no_basis_where_no_notice_was_given(desk: Desk) -> None:
    desk.purpose("ads.sale", "--trait", "sale")
    words = ("basis", "member:1", "--purpose", "ads.sale", "--basis", "opt-out-notice", "--regime", "us-ca")
    refused = desk.consent(*words)
    assert (refused.code, "none names this purpose" in refused.err) == (2, True), refused.err
    assert "mend: add the one people were given: imp consent notice add" in refused.err
    desk.notice("ads.sale").ok()
    printed = desk.consent(*words).ok().out
    assert "notice shown: shown version 1 (en)" in printed
    assert desk.asked("ads.sale") == "basis"


ACTIONS = [
    "pre-ticked", "Pre Ticked", "默认勾选", "預設勾選", "pré-cochée", "pre\u0301-coche\u0301e", "case précochée",
    "vorausgewählt", "casilla premarcada", "Preselezionata", "vooraf aangevinkt", "hovering", "silence", "침묵",
]  # fmt: skip


@pytest.mark.parametrize("regime", [found.name for found in packaged()])
def test_r03_what_is_no_act_of_agreeing_is_none_under_any_law_nor_in_any_language(law: Any, regime: str) -> None:
    law.regimes = (regime,)
    for action in ACTIONS:
        with pytest.raises(BadInput, match="no affirmative action") as refused:
            law.write("grant", "analytics", action=action)
        assert refused.value.what.endswith(")"), "the law is named"
    assert law.write("grant", "analytics", action="click").type == "grant"


def test_r03_a_law_of_the_house_that_says_nothing_of_acts_lets_none_of_them_pass() -> None:
    regimes = Regimes({"house": HOUSE.encode()})
    rules = regimes.rules(("house",))
    assert {"pre_ticked", "默认勾选"} <= rules.refused_actions
    assert rules.sources["actions"], "that of a law which says so"


@pytest.mark.parametrize(
    ("declared", "more", "words", "blamed", "lacks"),
    [
        ((), "", (), "purpose", "--recipient"),
        (("--recipient", "ACME", "--contact", "dpo@acme.test"), "", (), "purpose", "--method"),
        (("--recipient", "ACME", "--contact", "dpo@acme.test", "--method", "stores it"), "", (), "purpose", "--rights"),
        (None, "", (), "notice", "the recipient's name and the recipient's contact"),
        (None, "To ACME.", (), "notice", "the recipient's contact"),
        (None, "To ACME, dpo@acme.test.", (), "notice", "as one of its own"),
    ],
)
def test_r22_what_is_not_said_of_a_transfer_abroad_is_blamed_on_whoever_does_not_say_it(
    desk: Desk, declared: tuple[str, ...] | None, *, more: str, words: tuple[str, ...], blamed: str, lacks: str
) -> None:
    whole = ("--recipient", "ACME", "--contact", "dpo@acme.test", "--method", "stores it", "--rights", "write to them")
    desk.purpose("abroad", "--trait", "transfer-abroad", "--data", "name", *(whole if declared is None else declared))
    if declared and "--method" in declared:  # what is left is the rights: the notice says all the rest
        more, words = "To ACME, dpo@acme.test.", ("--recipient", "ACME")
    desk.notice("abroad", more=more, words=words).ok()
    asked = ("abroad", "given", "--consent", "separate", "--regime", "cn-pipl")
    text = desk.consent("record", "member:1", "--purpose", asked[0], "--state", *asked[1:])
    assert (text.code, f"the {blamed} does not say" in text.err) == (2, True), text.err
    assert f"where: --{blamed}" in text.err, "the option that names it"
    assert lacks in text.err
    mend = {"purpose": "imp consent purpose change abroad --", "notice": "imp consent notice add FILE --name shown"}
    assert mend[blamed] in text.err


def test_a_law_is_at_home_where_it_says_so_else_where_it_names_whom_it_protects() -> None:
    at_home = packaged().at_home
    assert {place: at_home(place) for place in ("CN", "US-CA", "US-CA-1", "US-VA", "MO", "GB")} == {
        "CN": ("cn-pipl",),
        "US-CA": ("us-ca",),
        "US-CA-1": (),
        "US-VA": ("us-opt-out",),
        "MO": (),
        "GB": (),
    }
    with pytest.raises(BadInput, match="home is not a list of jurisdictions in which it holds"):
        parse_regime(f'{HOUSE}[applies]\nto = ["FR"]\nhome = ["CN"]\nsource = "we"\n'.encode())


@pytest.mark.parametrize(
    ("part", "state"), [("AX", "FI"), *((code, "FR") for code in ("GF", "GP", "MF", "MQ", "RE", "YT"))]
)
def test_the_parts_of_a_member_state_with_codes_of_their_own_have_its_law(part: str, state: str) -> None:
    law = packaged()
    assert law.at_home(part) == law.at_home(state) == ("eprivacy", "gdpr")
    there, around = (law.rules(("gdpr", "eprivacy"), code) for code in (part, state))
    for rules in ("ages", "valid_for", "reprompt"):
        assert list(map(unsourced, getattr(there, rules))) == list(map(unsourced, getattr(around, rules)))


def unsourced(rule: Any) -> dict[str, Any]:
    return {name: said for name, said in asdict(rule).items() if name != "source"}


def test_a_choice_about_trackers_holds_as_long_overseas_as_in_france(desk: Desk) -> None:
    desk.purpose("stats", "--trait", "terminal")
    desk.notice("stats")
    desk.record("stats", "given", "--jurisdiction", "RE")
    desk.record("stats", "given", who="member:2")
    desk.wait(200)
    assert [desk.asked("stats", who=who) for who in ("member:1", "member:2")] == ["expired", "given"]
