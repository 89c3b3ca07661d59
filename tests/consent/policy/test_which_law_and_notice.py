"""Which law an answer rests on, as its entries were recorded, and which notice a name or hash means."""

from __future__ import annotations

from typing import Any

import pytest

from imp_consent.ledger.entry import PersonEntry, Statement
from imp_consent.policy.house import read_house
from imp_consent.policy.notice import Notice, RegisteredNotice
from imp_consent.policy.notice_search import find_notice, find_notices, newest_notice
from imp_consent.policy.recorded import Law, recorded_law
from imp_consent.policy.regime import packaged
from imp_consent.policy.sources import source_of, source_of_part
from imp_core.errors import BadInput
from imp_core.gate import Decision

HOUSE = read_house({"policy": {"regimes": ["gdpr"]}})


def entry(seq: int, type_: str = "grant", *, said: dict[str, Any] | None = None, **payload: Any) -> PersonEntry:
    statement = Statement(type=type_, purpose="analytics", channel="", at_us=seq, **(said or {}))
    return PersonEntry(seq=seq, subject=1, statement=statement, payload=payload)


def under(*names: str, place: str | None = None) -> dict[str, Any]:
    return {"regimes": list(names), "jurisdiction": place}


def notice(seq: int, version: int, name: str = "shown", purpose: str = "analytics") -> RegisteredNotice:
    words: dict[str, Any] = {"language": "en", "controller": "Shop Ltd", "withdrawal": "any time", "text": "…"}
    made = Notice(name=name, version=version, purposes=(purpose,), **words)
    return RegisteredNotice(seq=seq, sha256=f"{seq:064x}", notice=made)


def test_an_older_version_taken_over_later_stands_behind_the_newer_one() -> None:
    first, second, late = notice(1, 1), notice(2, 3), notice(3, 2)
    assert find_notices([first, second, late], "shown") == [second, first, late]
    assert find_notice([first, second, late], "shown") is second
    assert find_notices([first, second], None) == [second, first]
    other = notice(4, 1, name="other", purpose="sales")
    assert find_notices([first, second, late, other], None) == [other, second, first, late], "versions are of one name"
    assert newest_notice([first, second, other], "analytics") is second
    assert newest_notice([first], "sales") is None


def test_a_hash_means_a_notice_from_eight_digits_on() -> None:
    found = notice(0xABC, 1)
    assert find_notice([found], found.sha256[:8]) is found
    for word in (found.sha256[:7], "nothing", ""):
        with pytest.raises(BadInput, match="no notice has this name or hash"):
            find_notice([found], word)


def test_the_law_of_entries_is_that_of_their_newest_place_and_of_none_that_is_unknown_now() -> None:
    known = packaged().texts
    assert recorded_law([], known) == Law(None, None)
    assert recorded_law([entry(1, **under("gdpr"))], known) == Law(("gdpr",), None)
    both = [entry(1, **under("gdpr", place="FR")), entry(2, **under("us-ca", place="US-CA"))]
    assert recorded_law(both, known) == Law(("us-ca",), "US-CA")
    here = [*both, entry(3, **under("eprivacy", "hammurabi", place="FR")), entry(4, regimes="gdpr", jurisdiction="FR")]
    assert recorded_law(here, known) == Law(("gdpr", "eprivacy"), "FR")
    assert recorded_law([entry(1, **under("hammurabi"))], known) == Law(None, None)


def sources(decided: Decision, *history: PersonEntry) -> str:
    return source_of(decided, history, packaged(), HOUSE)


def decided(reason: str, *entries: int) -> Decision:
    return Decision(permitted=False, reason=reason, source="the general one", entries=entries)


def test_an_answer_rests_on_the_law_its_entry_was_recorded_under() -> None:
    minor = {"needs": "guardian"}
    (german,) = packaged().rules(("gdpr",), "DE").ages
    young = entry(1, "minor", said=minor, **under("gdpr", place="DE"))
    assert sources(decided("under_age", 1), young) == german.source
    assert sources(decided("under_age", 1), entry(1, "minor", said=minor, **under("hammurabi"))) == "the general one"
    assert sources(decided("under_age", 1), entry(1, "minor", said={"needs": "own"}, **under("gdpr"))) != german.source


def test_a_place_that_is_none_by_what_is_known_now_leaves_the_regimes_own_law() -> None:
    young = entry(1, "minor", said={"needs": "guardian"}, **under("gdpr", place="nowhere"))
    (general,) = packaged().rules(("gdpr",)).ages
    assert sources(decided("under_age", 1), young) == general.source


def test_where_no_entry_decided_the_persons_own_law_speaks_and_of_nobody_the_houses() -> None:
    limit = packaged().rules(("gdpr",)).sources
    assert sources(decided("opt_in")) == limit["opt_in"]
    american = packaged().rules(("us-ca",)).sources["opt_in"]
    assert sources(decided("opt_in"), entry(1, **under("us-ca"))) == american != limit["opt_in"]
    assert sources(decided("opt_in"), entry(1, **under("hammurabi"))) == limit["opt_in"]
    assert sources(decided("nothing_any_law_names"), entry(1, **under("us-ca"))) == "the general one"


def test_a_house_whose_law_is_not_in_the_ledger_rests_on_the_general_one() -> None:
    house = read_house({"policy": {"regimes": ["hammurabi"]}})
    assert source_of(decided("opt_in"), [], packaged(), house) == "the general one"


def cited(reason: str, name: str, *, place: str | None = None, type_: str = "grant", **said: Any) -> str:
    """What an answer by one entry under one law rests on."""
    return sources(decided(reason, 1), entry(1, type_, said=said, **under(name, place=place)))


def test_a_yes_rests_on_the_law_of_consent_and_on_that_of_the_kind_its_data_needs() -> None:
    plain = packaged().rules(("gdpr",)).sources["given"]
    assert cited("given", "gdpr") == cited("given", "gdpr", traits=("sale",)) == plain
    assert cited("given", "gdpr", traits=("special-category",)) == f"{plain}; GDPR 9(2)(a)"
    assert cited("given", "cn-pipl", traits=("automated-decision",)) == "PIPL 13(1), 14", "no kind of consent is needed"


def test_a_basis_rests_on_its_own_conditions_and_without_any_on_that_there_are_bases() -> None:
    contract = cited("basis", "gdpr", type_="basis", basis="contract")
    assert contract == "GDPR 6(1)(b), 5(2); GDPR 5(1)(a), 7(3); EDPB 05/2020 §§121-123"
    assert cited("basis", "us-ca", type_="basis", basis="contract") == packaged().rules(("us-ca",)).sources["bases"]
    assert cited("basis", "eprivacy", type_="basis", basis="contract") == "the general one", "it names no bases"


def test_what_is_over_rests_on_the_time_that_held_for_its_kind_of_data() -> None:
    french = {"place": "FR", "traits": ("terminal",)}
    assert cited("expired", "eprivacy", **french) == "CNIL guidelines 2020-091 and recommendation 2020-092"
    assert cited("expired", "eprivacy", place="FR", traits=("sale",)) == "the general one"
    assert cited("expired", "gdpr") == packaged().rules(("gdpr",)).sources["expired"]


def test_an_age_rests_on_the_rule_for_these_very_uses() -> None:
    uses = ("sale", "sharing", "targeted-advertising")
    assert cited("under_age", "us-ca", type_="minor", needs="own", traits=uses).endswith("§7071")
    general = packaged().rules(("us-ca",)).sources["under_age"]
    assert cited("under_age", "us-ca", type_="minor", needs="own") == general
    assert cited("under_age", "us-ca", type_="minor", needs="guardian", traits=uses).endswith("§7070")


def test_an_objection_to_kinds_of_use_and_a_limit_rest_on_the_law_of_these() -> None:
    law = packaged().rules(("gdpr",)).sources
    assert cited("objected", "gdpr", type_="object", traits=("direct-marketing",)) == law["objection"]
    assert cited("objected", "gdpr", type_="object") == law["objected"] != law["objection"]
    assert cited("limited", "gdpr", type_="limit-sensitive", traits=("sensitive",)) == law["limit"]
    assert cited("refused", "gdpr", type_="refuse", traits=("sale",)) == law["refused"]


def test_of_an_answer_by_many_entries_the_newest_four_sources_are_told_each_once() -> None:
    kinds = {"traits": ("special-category", "transfer-handler")}
    history = [entry(seq, said=kinds, **under(name)) for seq, name in enumerate(("gdpr", "cn-pipl", "us-ca"))]
    newest = packaged().rules(("us-ca",)).sources["given"]
    told = sources(decided("given", 0, 1, 2), *history)
    assert told == f"{newest}; PIPL 13(1), 14; PIPL 28, 29, 30; PIPL 23"
    assert sources(decided("given", 1), *history, history[1]) == told.removeprefix(f"{newest}; ")


def test_the_law_of_a_part_is_that_of_its_entry_and_none_where_it_says_nothing_of_it() -> None:
    known = packaged()
    assert source_of_part(entry(1, **under("cn-pipl")), "bundle", known) == "PIPL 14, 16; GB/T 35273-2020 5.3"
    assert source_of_part(entry(1, **under("cn-pipl")), "no-such-part", known) == ""
    assert source_of_part(entry(1, **under("hammurabi")), "bundle", known) == ""
    assert source_of_part(entry(1), "bundle", known) == ""
