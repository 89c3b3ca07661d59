"""A place that is named alone means the law at home there, for what is written as for what is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imp_consent.policy.asked_law import at_place, home_of, house_at
from imp_consent.policy.house import read_house
from imp_consent.policy.regime import packaged
from imp_core.errors import BadInput

Desk = Any
KNOWN = packaged()
FRENCH = read_house({"policy": {"regimes": ["gdpr", "eprivacy"], "jurisdiction": "FR"}})
CALIFORNIAN = read_house({"policy": {"regimes": ["us-ca"], "jurisdiction": "US-CA"}})


def house(tmp_path: Path, *regimes: str, place: str | None) -> None:
    """What imp.toml says of the law."""
    named = ", ".join(f'"{name}"' for name in regimes)
    where = "" if place is None else f'jurisdiction = "{place}"\n'
    with (tmp_path / "workspace" / "imp.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[policy]\nregimes = [{named}]\n{where}")


@pytest.fixture
def paris(desk: Desk, tmp_path: Path) -> Desk:
    """A house in France that sends names abroad, and sells addresses."""
    house(tmp_path, "gdpr", "eprivacy", place="FR")
    whole = ("--recipient", "ACME", "--contact", "dpo@acme.test", "--method", "stores it", "--rights", "write to them")
    desk.purpose("abroad", "--trait", "transfer-abroad", "--data", "name", *whole)
    desk.purpose("ads", "--trait", "sale")
    desk.notice("abroad", "ads", more="To ACME, dpo@acme.test.", words=("--recipient", "ACME")).ok()
    return desk


def law(desk: Desk, who: str = "member:1") -> tuple[Any, Any]:
    payload = desk.entries(who)[-1].payload
    return payload["regimes"], payload["jurisdiction"]


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("FR", ("gdpr", "eprivacy")),
        ("FR-IDF", ("gdpr", "eprivacy")),
        ("DE", ("gdpr", "eprivacy")),
        ("CN", ("cn-pipl", "gdpr", "eprivacy")),
        ("US-CA", ("us-ca", "gdpr", "eprivacy")),
        ("BR", ("gdpr", "eprivacy")),
    ],
)
def test_the_law_of_the_land_holds_with_the_houses_where_that_holds_for_people_there(
    place: str, names: tuple[str, ...]
) -> None:
    assert house_at(KNOWN, FRENCH, place) == names


def test_the_law_of_residents_elsewhere_does_not_come_along() -> None:
    assert house_at(KNOWN, CALIFORNIAN, "FR") == ("eprivacy", "gdpr")
    assert house_at(KNOWN, CALIFORNIAN, "US-CA") == ("us-ca",)
    assert at_place(KNOWN, "US-TX", ("us-ca", "cn-pipl")) == ("us-opt-out", "cn-pipl")


def test_a_house_that_names_a_place_without_its_law_has_it_where_the_place_is_named() -> None:
    wrong = read_house({"policy": {"regimes": ["gdpr"], "jurisdiction": "CN"}})
    assert house_at(KNOWN, wrong, "CN") == ("cn-pipl", "gdpr")
    without = read_house({"policy": {"regimes": ["gdpr"], "jurisdiction": "FR"}})
    assert house_at(KNOWN, without, "FR") == ("gdpr",), "what imp.toml says of its own place is left as it is"


@pytest.mark.parametrize("place", ["XX", "fr", "US-CX"])
def test_what_is_no_place_has_no_law(place: str) -> None:
    with pytest.raises(BadInput):
        house_at(KNOWN, FRENCH, place)


def test_a_law_is_at_home_in_one_place_in_one_country_or_in_none_that_could_be_named() -> None:
    found = [home_of(KNOWN, names) for names in (["us-ca"], ["us-ca", "us-opt-out"], ["gdpr"], ["default"], ["none"])]
    assert found == ["US-CA", "US", None, None, None]


def test_r22_a_yes_that_chinese_law_refuses_is_refused_where_only_the_place_is_named(paris: Desk) -> None:
    words = ("abroad", "given", "--action", "click")
    for named in ((), ("--regime", "cn-pipl")):
        refused = paris.record(*words, *named, "--jurisdiction", "CN")
        assert (refused.code, "needs separate consent (PIPL 38, 39)" in refused.err) == (2, True), refused.err
    assert not paris.entries()
    done = paris.record(*words, "--consent", "separate", "--jurisdiction", "CN").ok().json
    assert (done["regimes"], done["jurisdiction"]) == (["cn-pipl", "gdpr", "eprivacy"], "CN") == law(paris)
    assert done["law_because"] == "the law at home there, and what holds there besides"
    assert paris.asked("abroad") == "given"


def test_a_row_with_a_place_and_no_law_is_under_the_law_of_there(paris: Desk, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    text = "identifier,purpose,state,at,jurisdiction\nmember:1,{},given,2026-03-01T10:00:00Z,CN\n"
    path.write_text(text.format("abroad"), encoding="utf-8")
    refused = paris.consent("import", str(path))
    assert (refused.code, "PIPL 38, 39" in refused.err) == (2, True), refused.err
    path.write_text(text.format("marketing.email"), encoding="utf-8")
    paris.consent("import", str(path)).ok()
    assert law(paris) == (["cn-pipl", "gdpr", "eprivacy"], "CN")


def test_a_basis_that_the_law_of_there_does_not_know_is_none(paris: Desk) -> None:
    words = ("basis", "member:1", "--purpose", "analytics", "--basis", "legitimate-interest", "--ground")
    refused = paris.consent(*words, "assessment=LIA 3", "--jurisdiction", "CN")
    assert (refused.code, "PIPL 13" in refused.err) == (2, True), refused.err
    done = paris.consent(*words, "assessment=LIA 3", "--jurisdiction", "DE").ok()
    assert "; under gdpr+eprivacy for people in DE (the law at home there" in done.out
    assert law(paris) == (["gdpr", "eprivacy"], "DE")


@pytest.mark.parametrize("known", [None, "us-ca", "gdpr"])
def test_r45_a_request_from_california_runs_by_the_clock_of_there(paris: Desk, known: str | None) -> None:
    if known:
        paris.record("ads", "given", "--action", "click", "--regime", known, "--jurisdiction", "US-CA").ok()
    opened = paris.consent("requests", "open", "opt-out", "member:1", "--jurisdiction", "US-CA", "--json").ok().json
    assert "us-ca" in opened["regimes"]
    assert opened["due"].startswith("2026-03-20"), "15 business days after Sunday 1 March, as none of the others is"


def test_who_is_known_elsewhere_asks_under_the_law_of_there_and_their_own_where_that_holds(paris: Desk) -> None:
    paris.record("ads", "given", "--action", "click", "--regime", "cn-pipl", "--jurisdiction", "CN").ok()
    opened = paris.consent("requests", "open", "opt-out", "member:1", "--jurisdiction", "US-CA", "--json").ok().json
    assert opened["regimes"] == ["us-ca", "cn-pipl"]


def test_a_no_in_a_place_is_under_its_law_and_that_of_what_it_ends(paris: Desk) -> None:
    paris.record("ads", "given", "--action", "click", "--regime", "us-ca", "--jurisdiction", "US-CA").ok()
    paris.wait(1)
    paris.record("ads", "withdrawn", "--jurisdiction", "CN").ok()
    assert law(paris)[1] == "CN"
    regimes = next(one for one in paris.entries() if one.statement.type == "withdraw").payload["regimes"]
    assert set(regimes) == {"cn-pipl", "us-ca"}
    assert paris.consent("requests", "list", "--json").ok().json["requests"][0]["task"] == "withdrawal"


def test_a_signal_from_a_place_is_under_its_law(paris: Desk) -> None:
    words = ("--kind", "gpc", "--raw", "1", "--channel", "web", "--jurisdiction", "US-CA")
    paris.consent("signal", "record", "device:1", *words).ok()
    assert law(paris, "device:1") == (["us-ca", "gdpr", "eprivacy"], "US-CA")


def test_where_no_law_that_is_known_is_at_home_a_yes_is_under_imp_tomls_and_it_is_said(paris: Desk) -> None:
    done = paris.consent("record", "member:1", "--purpose", "ads", "--state", "given", "--jurisdiction", "BR").ok()
    assert "; under gdpr+eprivacy for people in BR (imp.toml's: which law is at home there is not known" in done.out


def test_where_imp_tomls_law_does_not_hold_either_the_law_is_to_be_named(desk: Desk, tmp_path: Path) -> None:
    house(tmp_path, "us-ca", place="US-CA")
    refused = desk.record("analytics", "given", "--jurisdiction", "BR")
    assert (refused.code, "us-ca does not hold for people in BR" in refused.err) == (2, True), refused.err
    desk.record("analytics", "refused", "--jurisdiction", "BR").ok()
    assert law(desk)[1] == "BR", "a no is never refused for it"


@pytest.mark.parametrize(
    ("regimes", "place", "missing"),
    [
        (("gdpr", "eprivacy"), "CN", "cn-pipl"),
        (("gdpr",), "US-CA", "us-ca"),
        (("gdpr",), "FR", None),
        (("gdpr", "cn-pipl"), "CN", None),
        (("gdpr",), "BR", None),
        (("cn-pipl",), None, None),
    ],
)
def test_the_doctor_says_where_imp_tomls_law_is_not_that_of_its_place(
    desk: Desk, tmp_path: Path, regimes: tuple[str, ...], place: str | None, missing: str | None
) -> None:
    house(tmp_path, *regimes, place=place)
    (found,) = [one for one in desk.imp("doctor", "--json").json["checks"] if one["name"] == "law"]
    assert found["ok"] is (missing is None)
    if missing:
        assert f"none of it is the law at home there, which is {missing} ([policy] of imp.toml)" in found["detail"]
        assert found["mend"] == f"name {missing} in regimes, or another place"


def test_r17_a_childs_age_counts_by_the_law_of_their_place_and_by_that_of_the_house(paris: Desk) -> None:
    """In California who is 15 needs their own yes for a sale; in France who is 14 is too young alone."""
    at_home = paris.consent("minor", "member:1", "--age", "15", "--json").ok().json["entries"]
    there = paris.consent("minor", "member:1", "--age", "15", "--jurisdiction", "US-CA", "--json").ok().json["entries"]
    assert at_home == []
    assert ("own", 16) in [(one["needs"], one["below"]) for one in there]
    paris.record("ads", "given", "--regime", "us-ca", "--jurisdiction", "US-CA", who="member:2").ok()
    for age, n in ((15, 1), (14, 2)):
        known = paris.consent("minor", "member:2", "--age", str(age), "--json").ok().json["entries"]
        assert (len(known), "own" in {one["needs"] for one in known}) == (n, True), "as they are known to be there"


@pytest.mark.parametrize("known", [True, False])
def test_a_law_that_is_named_without_a_place_is_where_the_person_is_or_it_is_at_home(paris: Desk, known: bool) -> None:
    if known:
        paris.record("ads", "given", "--regime", "us-ca", "--jurisdiction", "US-CA").ok()
    for command in ("limit", "object", "restrict"):
        done = paris.consent(command, "member:1", "--regime", "us-ca").ok()
        unknown = "warning: nobody was known by this identifier" if command == "limit" and not known else ""
        assert "; under us-ca for people in US-CA" in done.out
        assert (bool(done.err), done.err.startswith(unknown)) == (bool(unknown), True)
        assert law(paris) == (["us-ca"], "US-CA")
    opened = paris.consent("requests", "open", "opt-out", "member:1", "--regime", "us-ca", "--json").ok().json
    assert (opened["regimes"], law(paris)) == (["us-ca"], (["us-ca"], "US-CA"))
