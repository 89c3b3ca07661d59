"""Under whose law a saying stands, by itself: what is named, what it ends, what else is known, imp.toml."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.policy.house import read_house
from imp_consent.policy.laws import Laws
from imp_consent.policy.recorded import Law
from imp_consent.policy.regime import packaged
from imp_consent.policy.rules import Rules
from imp_consent.policy.saying import Saying
from imp_consent.policy.under import Under
from imp_core.errors import BadInput

NONE = Law()
FRANCE = Law(("gdpr", "eprivacy"), "FR")
CHINA, CALIFORNIA = Law(("cn-pipl",), "CN"), Law(("us-ca",), "US-CA")
AT_HOME = "the law at home there, and what holds there besides"
UNKNOWN_THERE = "imp.toml's: which law is at home there is not known here"
NOTHING_KNOWN = "imp.toml's: nothing else is known of theirs"
OTHER_ENTRIES = "the law of their other entries"
ENDED = "the law of entry 1, which it ends"


def laws(house: Law = FRANCE) -> Laws:
    """The law of a house in France, or elsewhere."""
    policy: dict[str, Any] = {"regimes": list(house.regimes or ())}
    if house.jurisdiction is not None:
        policy["jurisdiction"] = house.jurisdiction
    return Laws(read_house({"policy": policy}), packaged())


def history(*entries: tuple[Law, dict[str, Any]] | Law) -> list[PersonEntry]:
    """What was said before, each under its law: a yes to news, where nothing else is told. Entry 1 is the first."""
    made = []
    for seq, entry in enumerate(entries, start=1):
        law, words = entry if isinstance(entry, tuple) and not isinstance(entry, Law) else (entry, {})
        said = {"type": "grant", "purpose": "news", "channel": "", "at_us": seq} | words
        payload: dict[str, Any] = {"regimes": list(law.regimes or ()), "jurisdiction": law.jurisdiction}
        made.append(PersonEntry(seq=seq, subject=1, statement=Statement(**said), payload=payload))
    return made


def said(type_: str, law: Law = NONE, **words: Any) -> Saying:
    """What somebody says of news."""
    more = {"purpose": "news", "at_us": 100, "regimes": law.regimes, "jurisdiction": law.jurisdiction} | words
    return Saying(type=type_, **more)


def under(saying: Saying, *before: Law | tuple[Law, dict[str, Any]], house: Law = FRANCE) -> Under | None:
    return laws(house).settle(saying, history(*before)).under


@pytest.mark.parametrize("type_", ["grant", "basis", "lift", "guardian", "correction"])
def test_what_is_no_no_is_under_what_is_named_with_it_else_imp_tomls_whatever_was_said_before(type_: str) -> None:
    assert under(said(type_), CHINA) == Under((FRANCE,), known=False)
    assert under(said(type_, CHINA), CALIFORNIA) == Under((CHINA,))
    assert under(said(type_, Law(("gdpr",), None)), CHINA) == Under((Law(("gdpr",), "FR"),))
    assert under(said(type_, Law(None, "FR")), CHINA) == Under((FRANCE,))
    assert under(said(type_, Law(None, "CN"))) == Under((Law(("cn-pipl", "gdpr", "eprivacy"), "CN"),), AT_HOME)
    assert under(said(type_, Law(None, "BR"))) == Under((Law(("gdpr", "eprivacy"), "BR"),), UNKNOWN_THERE)
    assert under(said(type_, Law(None, "XX"))) == Under((Law(("gdpr", "eprivacy"), "XX"),), UNKNOWN_THERE)


def test_what_stands_under_a_law_already_is_left_under_it() -> None:
    settled = said("withdraw", under=Under((CALIFORNIA,)))
    assert laws().settle(settled, history(CHINA)) is settled
    assert (laws().rules(settled).names, laws().place(settled)) == (("us-ca",), "US-CA")


def test_a_no_is_under_the_law_of_what_it_ends() -> None:
    assert under(said("withdraw"), CHINA) == Under((CHINA,), ENDED)
    both = under(said("withdraw"), CHINA, CALIFORNIA)
    assert both == Under((CALIFORNIA, CHINA), "the law of entries 1 and 2, which it ends"), "the newest first"
    again = under(said("withdraw"), CHINA, CALIFORNIA, Law(("gdpr",), "CN"))
    assert again == Under(
        (Law(("gdpr", "cn-pipl"), "CN"), CALIFORNIA), "the law of entries 1 and 2 and 3, which it ends"
    )
    many = under(said("withdraw"), *[CHINA] * 4)
    assert many == Under((CHINA,), "the law of 4 entries, which it ends")


@pytest.mark.parametrize(
    ("words", "far"),
    [
        ({}, " for news"),
        ({"channel": "sms"}, " for news on sms"),
        ({"purpose": "*", "channel": "sms"}, " on sms"),
        ({"purpose": "shop"}, " for shop"),
        ({"purpose": "shop", "channel": "sms"}, " for shop on sms"),
        ({"purpose": "*"}, ""),
    ],
)
def test_what_goes_on_elsewhere_is_said_to_end_no_further_than_the_no_goes(words: dict[str, str], far: str) -> None:
    wide = (CHINA, {"covers": ("shop",)})
    assert under(said("withdraw", **words), wide) == Under((CHINA,), ENDED + far)


def test_of_a_yes_to_all_channels_and_one_to_the_noes_own_the_wider_one_goes_on_elsewhere() -> None:
    both = under(said("withdraw", channel="sms"), (CHINA, {}), (CHINA, {"channel": "sms"}))
    assert both == Under((CHINA,), "the law of entries 1 and 2, which it ends on sms")


def test_where_a_yes_is_from_imp_tomls_place_or_from_nowhere_imp_tomls_law_holds_besides() -> None:
    house = Law(("gdpr",), "FR")
    for place in ("FR", None):
        found = under(said("withdraw"), Law(("eprivacy",), place), house=house)
        assert found == Under((Law(("eprivacy", "gdpr"), "FR"),), ENDED)
    german = under(said("withdraw"), Law(("eprivacy",), "DE"), house=house)
    assert german == Under((Law(("eprivacy",), "DE"),), ENDED)


def test_where_it_ends_nothing_it_is_under_the_law_of_their_other_entries() -> None:
    shop = {"purpose": "shop"}
    assert under(said("withdraw"), (CHINA, shop)) == Under((CHINA,), OTHER_ENTRIES)
    assert under(said("request"), CHINA) == Under((CHINA,), OTHER_ENTRIES)
    assert under(said("withdraw"), (Law(("us-ca",), None), shop), house=Law(("gdpr",), None)) == Under(
        (Law(("us-ca", "gdpr"), None),), OTHER_ENTRIES
    )
    assert under(said("withdraw"), (Law((), "CN"), shop)) == Under(
        (Law(("cn-pipl", "gdpr", "eprivacy"), "CN"),), OTHER_ENTRIES
    ), "what is at home in a place of which no law was recorded"
    assert under(said("withdraw")) == Under((FRANCE,), NOTHING_KNOWN, known=False)


@pytest.mark.parametrize("type_", ["link", "unlink"])
def test_which_device_is_whose_says_nothing_of_their_law(type_: str) -> None:
    assert under(said("withdraw"), (CHINA, {"type": type_, "purpose": "*"})) == Under(
        (FRANCE,), NOTHING_KNOWN, known=False
    )
    assert under(said(type_), CHINA) == Under((CHINA,), OTHER_ENTRIES)


def test_what_protects_a_child_elsewhere_holds_besides_what_protects_every_child_in_this_house() -> None:
    assert under(said("minor", purpose="*"), (CHINA, {"purpose": "shop"})) == Under((CHINA, FRANCE), ENDED)
    assert under(said("refuse"), (CHINA, {"type": "minor", "purpose": "*"})) == Under((CHINA,), OTHER_ENTRIES)


def test_a_law_that_is_named_with_a_no_goes_first_with_that_of_what_it_ends() -> None:
    assert under(said("withdraw", CALIFORNIA), CHINA) == Under((CALIFORNIA, CHINA), f"as named; with {ENDED}")
    assert under(said("withdraw", CALIFORNIA), CALIFORNIA) == Under((CALIFORNIA,))
    assert under(said("withdraw", FRANCE), Law(("eprivacy",), "FR")) == Under((FRANCE,)), "it says that already"
    assert under(said("withdraw", FRANCE), Law(("eprivacy",), None)) == Under((FRANCE,))
    elsewhere = under(said("withdraw", FRANCE), Law(("eprivacy",), "DE"))
    assert elsewhere == Under((FRANCE, Law(("eprivacy",), "DE")), f"as named; with {ENDED}")
    more = under(said("withdraw", Law(("eprivacy",), "FR")), FRANCE)
    assert more == Under((Law(("eprivacy",), "FR"), FRANCE), f"as named; with {ENDED}")
    assert under(said("withdraw", CALIFORNIA)) == Under((CALIFORNIA,)), "where it ends nothing"


@pytest.mark.parametrize("type_", ["restrict", "limit-sensitive", "minor"])
def test_what_holds_for_a_while_ends_nothing_under_another_law_than_the_named(type_: str) -> None:
    assert under(said(type_, CALIFORNIA), CHINA) == Under((CALIFORNIA,))
    assert under(said(type_), CHINA) == Under((CHINA, FRANCE)[: 1 + (type_ == "minor")], ENDED)


def test_a_place_that_is_named_with_a_no_means_the_law_at_home_there() -> None:
    assert under(said("withdraw", Law(None, "CN"))) == Under((Law(("cn-pipl", "gdpr", "eprivacy"), "CN"),), AT_HOME)
    assert under(said("withdraw", Law(None, "FR"))) == Under((FRANCE,))
    assert under(said("withdraw", Law(None, "BR"))) == Under((Law(("gdpr", "eprivacy"), "BR"),), UNKNOWN_THERE)


def test_with_a_place_that_is_named_their_own_law_holds_as_far_as_it_holds_there() -> None:
    chinese = under(said("withdraw", Law(None, "CN")), CALIFORNIA)
    assert chinese == Under((CHINA, CALIFORNIA), f"{AT_HOME}; with {ENDED}")
    texan = under(said("withdraw", Law(None, "US-TX")), (CHINA, {"purpose": "shop"}))
    assert texan == Under((Law(("us-opt-out", "cn-pipl"), "US-TX"),), AT_HOME)
    french = under(said("withdraw", Law(None, "FR")), (CHINA, {"purpose": "shop"}))
    assert french == Under((Law(("eprivacy", "gdpr", "cn-pipl"), "FR"),))


def test_a_law_that_is_named_without_a_place_is_where_the_person_is_else_imp_toml_else_at_home() -> None:
    by_law = Law(("us-ca",), None)
    assert under(said("withdraw", by_law), (Law(("us-ca",), "US-CA"), {"purpose": "shop"})) == Under((CALIFORNIA,))
    assert under(said("withdraw", Law(("gdpr",), None)), (Law(("gdpr",), "DE"), {"purpose": "shop"})) == Under(
        (Law(("gdpr",), "DE"),)
    )
    assert under(said("withdraw", Law(("gdpr",), None))) == Under((Law(("gdpr",), "FR"),))
    assert under(said("withdraw", by_law)) == Under((CALIFORNIA,)), "it does not hold in France"
    assert under(said("withdraw", by_law), house=Law(("gdpr",), None)) == Under((CALIFORNIA,))
    assert under(said("withdraw", Law(("hammurabi",), None))) == Under((Law(("hammurabi",), "FR"),))


def test_where_the_recorded_law_cannot_hold_in_its_place_the_law_at_home_there_does() -> None:
    whole = Law(("cn-pipl", "gdpr", "eprivacy"), "CN")
    for wrong in (Law(("us-ca",), "CN"), Law(("hammurabi",), "CN")):
        assert under(said("withdraw"), wrong) == Under((whole,), ENDED)
        assert under(said("withdraw", CALIFORNIA), wrong) == Under((CALIFORNIA, whole), f"as named; with {ENDED}")
        assert under(said("withdraw"), (wrong, {"purpose": "shop"})) == Under((whole,), OTHER_ENTRIES)
    assert under(said("withdraw"), Law(("us-ca",), "FR")) == Under((FRANCE,), ENDED)


def test_where_the_recorded_place_is_none_its_law_is_left_and_where_neither_is_imp_tomls() -> None:
    house = Law(("gdpr",), "FR")
    both = Law(("us-ca",), "XX")
    assert under(said("withdraw"), both, house=Law(("gdpr",), None)) == Under((Law(("us-ca", "gdpr"), None),), ENDED)
    assert under(said("withdraw", CHINA), both, house=house) == Under(
        (CHINA, Law(("us-ca",), None)), f"as named; with {ENDED}"
    )
    for neither in (Law(("hammurabi",), "XX"), Law(("hammurabi",), None)):
        assert under(said("withdraw"), neither, house=house) == Under((house,), ENDED)
        assert under(said("withdraw", CHINA), neither, house=house) == Under((CHINA, house), f"as named; with {ENDED}")
        assert under(said("withdraw"), (neither, {"purpose": "shop"}), house=house) == Under(
            (house,), NOTHING_KNOWN, known=False
        )


def test_a_law_in_imp_toml_that_contradicts_its_place_does_not_spoil_what_else_a_no_is_under() -> None:
    wrong = Law(("us-ca",), "BR")
    assert under(said("withdraw"), Law(("us-ca",), "DE"), CHINA, house=wrong) == Under(
        (CHINA, Law(("eprivacy", "gdpr"), "DE")), "the law of entries 1 and 2, which it ends"
    )
    assert under(said("withdraw"), CHINA, Law(("hammurabi",), "BR"), house=wrong) == Under(
        (CHINA,), "the law of entries 1 and 2, which it ends"
    )
    assert under(said("withdraw"), Law(("hammurabi",), "BR"), house=wrong) == Under((wrong,), ENDED)


def names(rules: Rules | None) -> tuple[str, ...] | None:
    return None if rules is None else rules.names


def test_what_is_named_and_is_no_law_is_refused_of_a_yes_and_met_by_the_strictest_of_a_no() -> None:
    wrong = Law(("hammurabi",), "FR")
    for law in (wrong, Law(("us-ca",), "FR"), Law(("gdpr",), "XX"), Law(None, "XX")):
        with pytest.raises(BadInput):
            laws().rules(said("grant", law))
    no = laws().settle(said("withdraw", wrong), history(CHINA))
    assert set(laws().rules_of_no(no).names) >= {"cn-pipl", "gdpr", "us-ca"}
    assert names(laws().certain(no)) == ("cn-pipl",), "what it ends is certain"
    assert names(laws().certain(said("withdraw", wrong))) is None
    assert names(laws().certain(said("withdraw"))) == ("gdpr", "eprivacy")
    assert names(laws().certain(laws().settle(said("withdraw", wrong), history(CHINA, CALIFORNIA)))) == (
        "us-ca",
        "cn-pipl",
    )


def test_a_law_that_does_not_hold_in_its_place_is_refused_though_imp_toml_is_right() -> None:
    with pytest.raises(BadInput, match="does not hold for people in FR") as refused:
        laws().rules(said("grant", Law(("us-ca",), None)))
    assert refused.value.where == "regime"


def test_what_is_wrong_in_imp_toml_is_said_to_be_there_where_nothing_else_is_named() -> None:
    for house, where in ((Law(("gdpr",), "XX"), "jurisdiction"), (Law(("hammurabi",), "FR"), "regimes")):
        with pytest.raises(BadInput) as refused:
            laws(house).rules(said("grant"))
        assert refused.value.where == f"imp.toml, [policy] {where}"
    with pytest.raises(BadInput) as refused:
        laws().rules(said("grant", Law(None, "XX")))
    assert refused.value.where == "jurisdiction"
    for named in (CHINA, Law(None, "CN")):
        assert "cn-pipl" in laws(Law(("gdpr",), "XX")).rules(said("grant", named)).names
    no = laws(Law(("gdpr",), "XX")).settle(said("withdraw"), history(CHINA))
    assert laws(Law(("gdpr",), "XX")).rules_of_no(no).names == ("cn-pipl",)


def test_a_person_is_where_it_is_said_else_where_imp_toml_says() -> None:
    assert laws().place(said("grant", Law(None, "CN"))) == "CN"
    assert laws().place(laws().settle(said("withdraw", CALIFORNIA), history(CHINA))) == "US-CA"
    assert laws().place(said("grant")) == laws().place(said("grant", Law(None, "XX"))) == "FR"
    assert laws(Law(("gdpr",), None)).place(said("grant")) is None


@pytest.mark.parametrize("place", [None, "FR", "US-CA"])
@pytest.mark.parametrize("house", [Law(("hammurabi",), "FR"), Law(("gdpr", "hammurabi"))])
def test_a_law_that_there_is_none_of_is_looked_for_where_it_was_named(place: str | None, house: Law) -> None:
    refused = {}
    for names in (None, ("hammurabi",)):
        with pytest.raises(BadInput) as found:
            laws(house).rules(said("grant", Law(names, place)))
        refused[names] = (found.value.what, found.value.where)
    assert refused == {
        None: ("unknown regime", "imp.toml, [policy] regimes"),
        ("hammurabi",): ("unknown regime", "regime"),
    }
    assert laws(house).rules(said("grant", Law(("gdpr",), place if place != "US-CA" else None)))
